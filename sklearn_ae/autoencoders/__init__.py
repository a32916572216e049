"""The estimators: one file a variant."""

from sklearn_ae.autoencoders._autoencoder import Autoencoder
from sklearn_ae.autoencoders._contractive import ContractiveAutoencoder
from sklearn_ae.autoencoders._convolutional import ConvolutionalAutoencoder
from sklearn_ae.autoencoders._denoising import DenoisingAutoencoder
from sklearn_ae.autoencoders._recurrent import RecurrentAutoencoder
from sklearn_ae.autoencoders._sparse import SparseAutoencoder
from sklearn_ae.autoencoders._stacked import StackedAutoencoder
from sklearn_ae.autoencoders._variational import VariationalAutoencoder

__all__ = [
    "Autoencoder",
    "ContractiveAutoencoder",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "RecurrentAutoencoder",
    "SparseAutoencoder",
    "StackedAutoencoder",
    "VariationalAutoencoder",
]
