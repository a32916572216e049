"""Autoencoders that sit next to PCA, as scikit-learn estimators."""

from sklearn_ae import metrics
from sklearn_ae.architectures import Dense
from sklearn_ae.autoencoders import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.corruptions import GaussianNoise, MaskingNoise, SaltAndPepperNoise, SwapNoise
from sklearn_ae.latents import Deterministic, Gaussian, Sigmoid, TopK
from sklearn_ae.losses import (
    AbsoluteError,
    Bernoulli,
    GaussianLikelihood,
    HuberError,
    Poisson,
    SquaredError,
)
from sklearn_ae.penalties import Contraction, KLSparsity, L1Sparsity, L1Weights

__version__ = "0.1.0"

__all__ = [
    "AbsoluteError",
    "Autoencoder",
    "Bernoulli",
    "Contraction",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "Dense",
    "Deterministic",
    "Gaussian",
    "GaussianLikelihood",
    "GaussianNoise",
    "HuberError",
    "KLSparsity",
    "L1Sparsity",
    "L1Weights",
    "MaskingNoise",
    "Poisson",
    "SaltAndPepperNoise",
    "Sigmoid",
    "SparseAutoencoder",
    "SquaredError",
    "StackedAutoencoder",
    "SwapNoise",
    "TopK",
    "VariationalAutoencoder",
    "metrics",
]
