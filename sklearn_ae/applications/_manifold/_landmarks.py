"""Rows that stand for those around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import kmeans_plusplus

from sklearn_ae.runtime import Seeds
from sklearn_ae.starts import NeighbourIndex

_TINY = 1e-300
# In units of the rows.
_FAR = 1e100


def landmarks(rows: NDArray[np.float64], n: int, seeds: Seeds, stream: str) -> NDArray:
    """Return different rows that lie apart, at most n of them, as k-means++ draws them.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, p)
        Rows.
    n : int
        How many.
    seeds : Seeds
        Feeds the draw.
    stream : str
        Names it.
    """
    if n >= len(rows):
        return np.unique(rows, axis=0)
    seed = int(seeds.numpy(stream).integers(2**31))
    return np.unique(kmeans_plusplus(rows, n, random_state=seed)[0], axis=0)


def compact_weights(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights that fall from the nearest to 0 at the last, which is left out.

    Parameters
    ----------
    distances : ndarray of shape (n, k)
        Distances in ascending order.

    Returns
    -------
    weights : ndarray of shape (n, k - 1), or (n, 1) if k is 1
        Of sum 1.
    """
    if distances.shape[1] == 1:
        return np.ones_like(distances)
    share = distances[:, :-1] / np.maximum(distances[:, -1:], _TINY)
    weights = np.square(1 - np.square(share)) + 1e-12
    return weights / weights.sum(axis=1, keepdims=True)


class Around:
    """The landmarks around a row, and their weights.

    Parameters
    ----------
    rows : ndarray of shape (m, p)
        Landmarks.
    n : int
        How many count for a row.
    """

    def __init__(self, rows: NDArray[np.float64], n: int) -> None:
        self.index = NeighbourIndex(rows)
        self.n_asked = min(n + 1, len(rows))

    def __call__(self, rows: NDArray[np.float64]) -> tuple[NDArray, NDArray[np.intp]]:
        """Return weights and positions, of shape (len(rows), n)."""
        # Squares of rows that are very far would be infinite, and all are as near as any then.
        distances, near = self.index(np.clip(rows, -_FAR, _FAR), self.n_asked)
        weights = compact_weights(distances)
        return weights, near[:, : weights.shape[1]]
