"""Where training rows lie, so that what lies beyond can pass through a network unchanged."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sklearn_ae.data import ColumnScaling, Rows, SparseRows


class TrainingRange(NamedTuple):
    """The range of each column, with room for noise, in standard units.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,)
        Its ends.
    of_beyond : ndarray of shape (n_features, n_components), optional
        The map of what lies beyond to codes, where the encoder was frozen; None follows the
        decoder.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    of_beyond: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, rows: Rows, scaling: ColumnScaling, largest_move: float) -> Self:
        """Return the range of some rows, and what is so near to it."""
        if isinstance(rows.values, SparseRows):
            low, high = rows.selected(rows.values).ends()
        else:
            low, high = np.full((2, rows.n_features), [[np.inf], [-np.inf]])
            for block, _ in rows.blocks():
                low = np.fmin(low, np.fmin.reduce(block, axis=0))
                high = np.fmax(high, np.fmax.reduce(block, axis=0))
            low, high = -rows.workers.largest(-low), rows.workers.largest(high)
        observed = low <= high
        ends = (np.where(observed, end, scaling.mean) for end in (low, high))
        low, high = scaling.apply(np.stack(list(ends)))
        return cls(low - largest_move, high + largest_move)

    @property
    def reach(self) -> float:
        """The largest number up to which all are inside, whatever their sign."""
        return float(min(self.high.min(), -self.low.max()))

    def united(self, other: TrainingRange) -> TrainingRange:
        """Return the smallest range that holds both."""
        return TrainingRange(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def inside(self, x: Tensor) -> Tensor:
        """Return the nearest point of the range to each row."""
        low, high = (x.new_tensor(end) for end in self[:2])
        return x.clamp(low, high)
