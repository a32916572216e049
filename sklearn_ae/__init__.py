"""Autoencoders that sit next to PCA, as scikit-learn estimators."""

from sklearn_ae import metrics
from sklearn_ae.applications import AutoencoderImputer, AutoencoderOutlierDetector, SuperResolver
from sklearn_ae.architectures import Augmentation, Convolutional, Dense, Recurrent
from sklearn_ae.autoencoders import (
    Autoencoder,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.corruptions import (
    Blur,
    Downsampling,
    Erasing,
    GaussianNoise,
    MaskingNoise,
    SaltAndPepperNoise,
    SwapNoise,
)
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
    "Augmentation",
    "Autoencoder",
    "AutoencoderImputer",
    "AutoencoderOutlierDetector",
    "Bernoulli",
    "Blur",
    "Contraction",
    "ContractiveAutoencoder",
    "Convolutional",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "Dense",
    "Deterministic",
    "Downsampling",
    "Erasing",
    "Gaussian",
    "GaussianLikelihood",
    "GaussianNoise",
    "HuberError",
    "KLSparsity",
    "L1Sparsity",
    "L1Weights",
    "MaskingNoise",
    "Poisson",
    "Recurrent",
    "RecurrentAutoencoder",
    "SaltAndPepperNoise",
    "Sigmoid",
    "SparseAutoencoder",
    "SquaredError",
    "StackedAutoencoder",
    "SuperResolver",
    "SwapNoise",
    "TopK",
    "VariationalAutoencoder",
    "metrics",
]
