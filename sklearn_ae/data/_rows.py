"""Rows of a matrix with their weights, read in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# A block of float64 cells that fits a second-level cache several times over.
_BLOCK_CELLS = 2**19


class Rows:
    """A selection of the rows of a matrix; nothing is copied until a block is read.

    Parameters
    ----------
    values : ndarray of shape (n, n_features), float32 or float64
        The matrix.
    weight : ndarray of shape (n,), optional
        Non-negative weights; None means that all rows count once.
    index : ndarray of int, optional
        Positions of the selected rows; None means all.
    """

    def __init__(
        self, values: NDArray, weight: NDArray | None = None, index: NDArray | None = None
    ) -> None:
        if index is None and weight is not None and not weight.all():
            index = np.flatnonzero(weight)
        self.values = values
        self.weight = weight
        self.index = index

    def take(self, index: NDArray) -> Rows:
        """Select rows by their position in this selection."""
        if self.index is not None:
            index = self.index[index]
        return Rows(self.values, self.weight, index)

    @property
    def n_rows(self) -> int:
        """Number of rows of positive weight."""
        return len(self.values) if self.index is None else len(self.index)

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.values.shape[1]

    @property
    def weights(self) -> NDArray | None:
        """The weights of the selected rows."""
        if self.weight is None or self.index is None:
            return self.weight
        return self.weight[self.index]

    @property
    def total_weight(self) -> float:
        """Sum of the weights, or the number of rows."""
        weights = self.weights
        return float(self.n_rows if weights is None else weights.sum())

    def blocks(self) -> Iterator[tuple[NDArray[np.float64], NDArray | None]]:
        """Yield float64 blocks of rows with their weights."""
        size = max(1, _BLOCK_CELLS // max(1, self.n_features))
        for start in range(0, self.n_rows, size):
            part: slice | NDArray = slice(start, start + size)
            if self.index is not None:
                part = self.index[start : start + size]
            weight = None if self.weight is None else self.weight[part]
            yield self.values[part].astype(np.float64, copy=False), weight
