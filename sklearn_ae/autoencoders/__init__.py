"""The estimators: one file a variant."""

from sklearn_ae.autoencoders._autoencoder import Autoencoder
from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._checkpointing import checkpointed
from sklearn_ae.autoencoders._contractive import ContractiveAutoencoder
from sklearn_ae.autoencoders._convolutional import ConvolutionalAutoencoder
from sklearn_ae.autoencoders._denoising import DenoisingAutoencoder
from sklearn_ae.autoencoders._fitting import fit_together, held_out_scores
from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.autoencoders._reading import Reader
from sklearn_ae.autoencoders._reasons import ReasonsMixin
from sklearn_ae.autoencoders._recurrent import RecurrentAutoencoder
from sklearn_ae.autoencoders._slots import check_no_conflict
from sklearn_ae.autoencoders._sparse import SparseAutoencoder
from sklearn_ae.autoencoders._stacked import StackedAutoencoder
from sklearn_ae.autoencoders._state import StateMixin, built, pack_model, unpack_model
from sklearn_ae.autoencoders._threshold import ThresholdMixin, serves
from sklearn_ae.autoencoders._variational import VariationalAutoencoder
from sklearn_ae.autoencoders._vector_quantized import VectorQuantizedAutoencoder
from sklearn_ae.autoencoders._wasserstein import WassersteinAutoencoder

__all__ = [
    "Autoencoder",
    "BaseAutoencoder",
    "ContractiveAutoencoder",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "Reader",
    "ReasonsMixin",
    "RecurrentAutoencoder",
    "SparseAutoencoder",
    "StackedAutoencoder",
    "StateMixin",
    "ThresholdMixin",
    "VariationalAutoencoder",
    "VectorQuantizedAutoencoder",
    "WassersteinAutoencoder",
    "built",
    "check_no_conflict",
    "checkpointed",
    "fit_together",
    "held_out_scores",
    "in_kind",
    "pack_model",
    "serves",
    "unpack_model",
]
