"""Starts: closed-form linear answers that networks begin from."""

from sklearn_ae.starts._base import LinearStart, Start
from sklearn_ae.starts._pca import PCAStart

__all__ = ["LinearStart", "PCAStart", "Start"]
