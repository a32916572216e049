"""Architectures: how a row becomes a code, and a code a row."""

from sklearn_ae.architectures._base import Architecture, Decoder, Encoder
from sklearn_ae.architectures._dense import Dense
from sklearn_ae.architectures._layers import ACTIVATIONS

__all__ = ["ACTIVATIONS", "Architecture", "Decoder", "Dense", "Encoder"]
