"""Estimators for a task, with an autoencoder's parts inside."""

from sklearn_ae.applications._imputer import AutoencoderImputer
from sklearn_ae.applications._outlier_detector import AutoencoderOutlierDetector
from sklearn_ae.applications._super_resolver import SuperResolver

__all__ = ["AutoencoderImputer", "AutoencoderOutlierDetector", "SuperResolver"]
