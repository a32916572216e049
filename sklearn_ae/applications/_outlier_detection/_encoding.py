"""Tables as matrices in standard units, with what is missing in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data import TableRows, dense_block

# Standard deviations beyond which a cell is as strange as it can be.
FARTHEST = 20.0
# Below this share of a column's largest magnitude, a difference is rounding.
_ROUNDING = 4 * np.finfo(np.float32).eps
_BLOCK_CELLS = 2**22


class Encoding:
    """Standard units of the columns of a table.

    The columns of a category share one unit, so that together they have variance 1. In a column
    that is constant in `fit`, another value is as far away as one among all rows would be.

    Parameters
    ----------
    values : ndarray, SparseRows or TableRows of shape (n_rows, n_columns)
        Rows of `fit`.
    weight : ndarray of shape (n_rows,)
        Their weights.
    """

    def __init__(self, values: Any, weight: NDArray[np.float64]) -> None:
        n, p = values.shape
        self.feature = np.arange(p)
        if isinstance(values, TableRows):
            self.feature = np.unique(values.columns.feature, return_inverse=True)[1]
        unit, mass = np.zeros(p), np.zeros(p)
        for x, w in _blocks(values, weight):
            unit = np.fmax(unit, np.nan_to_num(np.abs(x)).max(axis=0, initial=0.0))
            mass += w @ ~np.isnan(x)
        self.unit = np.where(unit > 0, unit, 1.0)
        mass = np.maximum(mass, np.finfo(np.float64).tiny)
        mean, square = np.zeros(p), np.zeros(p)
        for x, w in _blocks(values, weight):
            mean += w @ np.nan_to_num(x / self.unit) / mass
        for x, w in _blocks(values, weight):
            square += w @ np.nan_to_num(x / self.unit - mean) ** 2 / mass
        self.mean = mean
        deviation = np.sqrt(np.bincount(self.feature, square))[self.feature]
        self.constant = deviation <= _ROUNDING
        self.scale = np.where(self.constant, 1.0, deviation)
        self.share = 1.0 / np.bincount(self.feature)[self.feature]
        self.far = min(FARTHEST, np.sqrt(n))

    def blocks(self, values: Any, dtype: type) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield blocks of cells, 0 where one is missing, and where cells are observed."""
        for x, _ in _blocks(values, np.ones(len(values))):
            x = x / self.unit - self.mean
            x /= self.scale
            if self.constant.any():
                off = x[:, self.constant]
                off[np.abs(off) <= _ROUNDING] = 0.0
                x[:, self.constant] = np.sign(off) * self.far
            seen = ~np.isnan(x)
            x = np.clip(np.where(seen, x, 0.0), -FARTHEST, FARTHEST)
            yield x.astype(dtype), seen.astype(dtype)

    def cells(self, values: Any, dtype: type) -> tuple[NDArray, NDArray]:
        """Return all cells, and where they are observed."""
        parts = list(self.blocks(values, dtype))
        if not parts:
            return np.zeros((0, len(self.mean)), dtype), np.zeros((0, len(self.mean)), dtype)
        x, seen = zip(*parts, strict=True)
        return np.concatenate(x), np.concatenate(seen)


def _blocks(values: Any, weight: NDArray) -> Iterator[tuple[NDArray[np.float64], NDArray]]:
    size = max(1, _BLOCK_CELLS // max(1, values.shape[1]))
    for start in range(0, len(values), size):
        part = slice(start, start + size)
        yield np.asarray(dense_block(values, part), np.float64), weight[part]
