"""Autoencoders that sit next to PCA, as scikit-learn estimators."""

from sklearn_ae import metrics
from sklearn_ae._version import __version__ as __version__
from sklearn_ae.applications import (
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    DomainAdaptationTransformer,
    GraphAdaptedClassifier,
    ManifoldAutoencoder,
    SuperResolver,
    TimeSeriesOutlierDetector,
    ratings_matrix,
    split_by_time,
)
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
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
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
from sklearn_ae.data import OtherRangeWarning
from sklearn_ae.export import to_onnx
from sklearn_ae.latents import (
    MMD,
    BatchTopK,
    Deterministic,
    Gaussian,
    JumpReLU,
    Latent,
    LatentModule,
    Sigmoid,
    TopK,
    VectorQuantized,
)
from sklearn_ae.losses import (
    AbsoluteError,
    Bernoulli,
    GaussianLikelihood,
    HuberError,
    Multinomial,
    Poisson,
    SquaredError,
)
from sklearn_ae.penalties import (
    Contraction,
    DomainAdversary,
    DomainDiscrepancy,
    KLSparsity,
    L1Sparsity,
    L1Weights,
    LocalStress,
    NestedCodes,
    Penalty,
)
from sklearn_ae.report import TableEncoder
from sklearn_ae.state import trusted_types
from sklearn_ae.terms import Code, Term
from sklearn_ae.training import FitProgress

__all__ = [
    "MMD",
    "AbsoluteError",
    "Augmentation",
    "Autoencoder",
    "AutoencoderFeatureSelector",
    "AutoencoderImputer",
    "AutoencoderOutlierDetector",
    "AutoencoderRecommender",
    "AutoencoderClassifier",
    "AutoencoderRegressor",
    "BatchTopK",
    "Bernoulli",
    "Blur",
    "Code",
    "Contraction",
    "ContractiveAutoencoder",
    "Convolutional",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "Dense",
    "Deterministic",
    "DomainAdaptationTransformer",
    "DomainAdversary",
    "DomainDiscrepancy",
    "Downsampling",
    "Erasing",
    "FitProgress",
    "Gaussian",
    "GaussianLikelihood",
    "GaussianNoise",
    "GraphAdaptedClassifier",
    "HuberError",
    "JumpReLU",
    "KLSparsity",
    "L1Sparsity",
    "L1Weights",
    "Latent",
    "LatentModule",
    "LocalStress",
    "ManifoldAutoencoder",
    "MaskingNoise",
    "Multinomial",
    "NestedCodes",
    "OtherRangeWarning",
    "Penalty",
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
    "TRUSTED_TYPES",
    "Term",
    "TimeSeriesOutlierDetector",
    "TopK",
    "VariationalAutoencoder",
    "VectorQuantized",
    "VectorQuantizedAutoencoder",
    "WassersteinAutoencoder",
    "metrics",
    "ratings_matrix",
    "split_by_time",
    "to_onnx",
]

#: What `skops.io.load` has to be told to load every estimator of this package, as in
#: ``skops.io.load(file, trusted=sklearn_ae.TRUSTED_TYPES)``: the paths of the estimators and of
#: the objects that are their parameters. A user's own classes are not among them.
TRUSTED_TYPES: list[str] = trusted_types([*(globals().get(name) for name in __all__), TableEncoder])
