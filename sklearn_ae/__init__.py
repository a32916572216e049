"""Autoencoders that sit next to PCA, as scikit-learn estimators."""

from sklearn_ae import metrics
from sklearn_ae.architectures import Dense
from sklearn_ae.autoencoders import Autoencoder
from sklearn_ae.corruptions import GaussianNoise, MaskingNoise
from sklearn_ae.latents import Deterministic
from sklearn_ae.losses import SquaredError
from sklearn_ae.penalties import L1Weights

__version__ = "0.1.0"

__all__ = [
    "Autoencoder",
    "Dense",
    "Deterministic",
    "GaussianNoise",
    "L1Weights",
    "MaskingNoise",
    "SquaredError",
    "metrics",
]
