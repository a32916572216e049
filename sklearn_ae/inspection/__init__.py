"""Pictures of codes, losses and reconstructions; why rows are strange, and how real others look."""

from sklearn_ae.inspection._anomaly_display import AnomalyDisplay
from sklearn_ae.inspection._latent_display import LatentDisplay
from sklearn_ae.inspection._latent_traversal_display import LatentTraversalDisplay
from sklearn_ae.inspection._loss_curve_display import LossCurveDisplay
from sklearn_ae.inspection._rate_distortion_display import RateDistortionDisplay
from sklearn_ae.inspection._reconstruction_display import ReconstructionDisplay
from sklearn_ae.inspection._synthetic_report import SyntheticReport

__all__ = [
    "AnomalyDisplay",
    "LatentDisplay",
    "LatentTraversalDisplay",
    "LossCurveDisplay",
    "RateDistortionDisplay",
    "ReconstructionDisplay",
    "SyntheticReport",
]
