"""Architectures: how a row becomes a code, and a code a row."""

from sklearn_ae.architectures._base import Architecture, Coder, Shapes
from sklearn_ae.architectures._chained import Chain, Chained
from sklearn_ae.architectures._dense import Dense
from sklearn_ae.architectures._layers import ACTIVATIONS, NORMALIZATIONS
from sklearn_ae.architectures._own import OwnModules

__all__ = [
    "ACTIVATIONS",
    "NORMALIZATIONS",
    "Architecture",
    "Chain",
    "Chained",
    "Coder",
    "Dense",
    "OwnModules",
    "Shapes",
]
