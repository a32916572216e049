"""Architectures: how a row becomes a code, and a code a row."""

from sklearn_ae.architectures._augmentation import Augmentation, mean_over_moves
from sklearn_ae.architectures._base import AffineCoder, Architecture, Coder, Shapes
from sklearn_ae.architectures._chained import Chain, Chained
from sklearn_ae.architectures._convolutional import Convolutional
from sklearn_ae.architectures._dense import Dense
from sklearn_ae.architectures._layers import ACTIVATIONS, NORMALIZATIONS
from sklearn_ae.architectures._own import OwnModules
from sklearn_ae.architectures._recurrent import Recurrent
from sklearn_ae.architectures._sub_pixel import SubPixel, bicubic_kernel

__all__ = [
    "AffineCoder",
    "ACTIVATIONS",
    "NORMALIZATIONS",
    "Architecture",
    "Augmentation",
    "Chain",
    "Chained",
    "Coder",
    "Convolutional",
    "Dense",
    "OwnModules",
    "Recurrent",
    "Shapes",
    "SubPixel",
    "bicubic_kernel",
    "mean_over_moves",
]
