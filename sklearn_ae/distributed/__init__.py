"""Fits by several processes or machines, and answers for data sets in blocks, by Ray."""

from sklearn_ae.distributed._fit import fit
from sklearn_ae.distributed._map import score_samples, transform

__all__ = ["fit", "score_samples", "transform"]
