"""Maps that answer by what the nearest landmarks are mapped to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._manifold._landmarks import Around, landmarks
from sklearn_ae.runtime import Seeds
from sklearn_ae.starts import NeighbourIndex

_NEAR = 5
_BLOCK_CELLS = 2**22


class _Neighbours(ABC):
    """What a row is mapped to follows from the values of its five nearest landmarks.

    Parameters
    ----------
    n_landmarks : int or None
        Number of landmarks at most. Each is the mean of the rows around it. None takes every row.
    """

    def __init__(self, n_landmarks: int | None) -> None:
        self.n_landmarks = n_landmarks

    def fit(self, A: NDArray[np.float64], B: NDArray[np.float64], seeds: Seeds) -> Self:
        """Fit to rows of shape (n, p) and what they are mapped to, of shape (n, q)."""
        if self.n_landmarks is None or self.n_landmarks >= len(A):
            self.around, self.values = Around(A, _NEAR), B
            return self
        drawn = landmarks(A, self.n_landmarks, seeds, "landmarks")
        nearest = NeighbourIndex(drawn)(A, 1)[1][:, 0]
        order = np.argsort(nearest, kind="stable")
        starts = np.flatnonzero(np.diff(nearest[order], prepend=-1))
        cells = np.split(order, starts[1:])
        self.around = Around(np.stack([A[cell].mean(axis=0) for cell in cells]), _NEAR)
        self.values = np.stack([self._centre(B[cell]) for cell in cells])
        return self

    def __call__(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map rows of shape (n, p)."""
        size = max(1, _BLOCK_CELLS // (_NEAR**2 * self.values.shape[1]))
        parts = [A[start : start + size] for start in range(0, len(A), size)]
        found = [self._answer(*self.around(part)) for part in parts]
        return np.concatenate(found) if found else np.empty((0, self.values.shape[1]))

    @abstractmethod
    def _centre(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what stands for the values of the rows around a landmark."""

    @abstractmethod
    def _answer(self, weights: NDArray[np.float64], near: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return what rows are mapped to, by weights and positions of their landmarks."""


class Averages(_Neighbours):
    """Weighted means of the values of the nearest landmarks."""

    def _centre(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values.mean(axis=0)

    def _answer(self, weights: NDArray[np.float64], near: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.einsum("nk,nkq->nq", weights, self.values[near])


class Medoids(_Neighbours):
    """The value, of those of the nearest landmarks, to which the others are nearest.

    Where an embedding is torn, neighbours lie far apart, and their mean is where no row is.
    """

    def _centre(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _medoids(values[None])[0]

    def _answer(self, weights: NDArray[np.float64], near: NDArray[np.intp]) -> NDArray[np.float64]:
        return _medoids(self.values[near])


def _medoids(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one of each k values of shape (n, k, q), the one nearest to the others."""
    total = np.zeros(values.shape[:2])
    for j in range(values.shape[1]):
        total += np.linalg.norm(values - values[:, j : j + 1], axis=2)
    return values[np.arange(len(values)), total.argmin(axis=1)]
