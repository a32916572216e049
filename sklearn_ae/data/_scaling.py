"""Internal conditioning: a network sees standardised columns, whatever X's units are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data._rows import Rows

# Below this share of a column's largest magnitude, spread is rounding.
_CONSTANT = 4 * np.finfo(np.float64).eps


class ColumnScaling:
    """Means and standard deviations of columns, and the map to standard units.

    A constant column has scale 0: it is seen as 0 and restored as its mean.
    Columns are divided by their largest magnitude before they are squared, so that
    1e30 and 1e-30 neither overflow nor vanish.

    Parameters
    ----------
    mean : ndarray of shape (n_features,), float64
        Weighted column means.
    scale : ndarray of shape (n_features,), float64
        Weighted standard deviations, 0 for constant columns.
    """

    def __init__(self, mean: NDArray, scale: NDArray) -> None:
        self.mean = mean
        self.scale = scale

    @classmethod
    def fit(cls, rows: Rows) -> ColumnScaling:
        """Measure the columns of some rows in two passes."""
        largest = np.zeros(rows.n_features)
        for x, _ in rows.blocks():
            np.maximum(largest, np.abs(x).max(axis=0), out=largest)
        unit = np.where(largest > 0, largest, 1.0)
        total = rows.total_weight
        mean = sum(cls._sum(x / unit, w) for x, w in rows.blocks()) / total
        variance = sum(cls._sum((x / unit - mean) ** 2, w) for x, w in rows.blocks()) / total
        scale = np.sqrt(variance)
        scale[scale <= _CONSTANT] = 0.0
        return cls(mean * unit, scale * unit)

    @staticmethod
    def _sum(block: NDArray, weight: NDArray | None) -> NDArray:
        return (block if weight is None else block * weight[:, None]).sum(axis=0)

    @property
    def relative_scale(self) -> NDArray:
        """Scales divided by the largest; all zero if every column is constant."""
        largest = self.scale.max(initial=0.0)
        return self.scale / largest if largest > 0 else self.scale

    def apply(self, x: NDArray) -> NDArray[np.float64]:
        """Standardise a block of rows, in float64."""
        divisor = np.where(self.scale > 0, self.scale, np.inf)
        return (x - self.mean) / divisor

    def restore(self, z: NDArray) -> NDArray[np.float64]:
        """Return standardised rows to X's units, in float64."""
        return z.astype(np.float64, copy=False) * self.scale + self.mean
