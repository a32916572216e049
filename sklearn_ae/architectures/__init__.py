"""Architectures: how a row becomes a code, and a code a row."""

from sklearn_ae.architectures._base import Architecture, Decoder, Encoder
from sklearn_ae.architectures._dense import Dense

__all__ = ["Architecture", "Decoder", "Dense", "Encoder"]
