"""The maps by name, and rows in a unit of their own."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._manifold._charts import Charts
from sklearn_ae.applications._manifold._kernel import NystroemRidge
from sklearn_ae.applications._manifold._neighbours import Averages, Medoids
from sklearn_ae.applications._manifold._network import ResidualNetwork
from sklearn_ae.runtime import Seeds

# The first is kept where no other is better.
MAPS = ("charts", "medoids", "averages", "nystroem", "network")


class Map(Protocol):
    """From rows to what they are mapped to."""

    def fit(self, A: NDArray[np.float64], B: NDArray[np.float64], seeds: Seeds) -> Self:
        """Fit to rows of shape (n, p) and what they are mapped to, of shape (n, q)."""

    def __call__(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map rows of shape (n, p)."""


def make_map(name: str, n_landmarks: int | None) -> Map:
    """Return a map that is not fitted.

    Parameters
    ----------
    name : str
        One of `MAPS`.
    n_landmarks : int or None
        Landmarks of those that answer by the nearest; None takes every row.
    """
    if name == "medoids":
        return Medoids(n_landmarks)
    if name == "averages":
        return Averages(n_landmarks)
    if name == "nystroem":
        return NystroemRidge()
    return Charts() if name == "charts" else ResidualNetwork()


class Affine:
    """A shift and one unit for all columns, which leave ratios of distances as they are.

    Parameters
    ----------
    rows : ndarray of shape (n, p)
        Rows that are to have mean 0 and a mean square of 1.
    """

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self.mean = rows.mean(axis=0)
        centred = rows - self.mean
        largest = float(np.abs(centred).max()) or 1.0
        # Squares of columns at 1e200 would be infinite.
        self.scale = largest * float(np.sqrt(np.square(centred / largest).mean())) or 1.0

    def standard(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows in the unit."""
        return (rows - self.mean) / self.scale

    def original(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows as they were."""
        return rows * self.scale + self.mean
