"""A series on whole steps of time, those that are missing included."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Standard deviations beyond which numbers would not have squares in float32.
_FARTHEST = 1e9


class Grid(NamedTuple):
    """A series on whole steps of time.

    Parameters
    ----------
    cells : ndarray of shape (n_slots, n_columns)
        Numbers, on straight lines between neighbours where they are missing; NaN in a column
        without any.
    seen : ndarray of shape (n_slots, n_columns), bool
        Where a number is observed.
    slot : ndarray of shape (n_steps,), int
        Where each step of the series is.
    """

    cells: NDArray
    seen: NDArray[np.bool_]
    slot: NDArray[np.intp]

    def part(self, slots: slice) -> Grid:
        """Return a stretch of the series; the slots of its steps are those of the whole."""
        return self._replace(cells=self.cells[slots], seen=self.seen[slots])


class StandardUnits:
    """Standard units of the columns of series.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n_columns)
        Numbers, NaN where they are missing.
    """

    def __init__(self, values: NDArray) -> None:
        largest = np.fmax.reduce(np.abs(values), axis=0)
        # A power of two changes no digit, and sums of the shares are finite.
        self.unit = np.ldexp(1.0, np.frexp(np.where(largest > 0, largest, 1.0))[1] - 1)
        shares = values.astype(np.float64) / self.unit
        known = ~np.isnan(shares)
        count = np.maximum(known.sum(axis=0), 1)
        shares = np.where(known, shares, 0.0)
        self.mean = shares.sum(axis=0) / count
        spread = np.sqrt((np.where(known, shares - self.mean, 0.0) ** 2).sum(axis=0) / count)
        self.spread = np.where(spread > 4 * np.finfo(np.float64).eps, spread, 1.0)

    def standard(self, values: NDArray) -> NDArray:
        """Return numbers in standard units, of the type that they have."""
        found = (values.astype(np.float64) / self.unit - self.mean) / self.spread
        return np.clip(found, -_FARTHEST, _FARTHEST).astype(values.dtype)


class Clock:
    """How many steps there are between two points in time.

    Parameters
    ----------
    times : list of ndarray of shape (n_steps,), float64, or None
        Points in time of each series, which do not fall; None stands for one step after another.
    unit : str
        What time is counted in.
    """

    def __init__(self, times: list[NDArray[np.float64] | None], unit: str) -> None:
        self.unit = unit
        between = np.concatenate([np.diff(t) for t in times if t is not None] or [np.zeros(0)])
        between = between[between > 0]
        self.step = float(np.median(between)) if len(between) else 1.0

    def slots(self, time: NDArray[np.float64] | None, n: int, longest: int) -> NDArray[np.intp]:
        """Return where steps are: each is one at least, and `longest` at most, after the last.

        Times that jitter about whole steps are at these, and a longer gap than `longest` parts a
        series no further.
        """
        if time is None or n < 2:
            return np.arange(n)
        between = np.clip(np.rint(np.diff(time) / self.step), 1, longest).astype(np.intp)
        return np.concatenate([[0], np.cumsum(between)])

    def grid(self, values: NDArray, time: NDArray[np.float64] | None, longest: int) -> Grid:
        """Put the values of a series on whole steps."""
        slot = self.slots(time, len(values), longest)
        shape = (int(slot[-1]) + 1, values.shape[1])
        cells, seen = np.full(shape, np.nan, values.dtype), np.zeros(shape, bool)
        cells[slot], seen[slot] = values, ~np.isnan(values)
        every = np.arange(len(cells))
        for column, known in zip(cells.T, seen.T, strict=True):
            if known.any() and not known.all():
                column[~known] = np.interp(every[~known], every[known], column[known])
        return Grid(cells, seen, slot)


def joined(grids: list[Grid], gap: int) -> Grid:
    """Return several series as one, with steps between them at which nothing is observed."""
    starts = np.cumsum([0, *(len(grid.cells) + gap for grid in grids)])
    shape = (int(starts[-1]) - gap, grids[0].cells.shape[1])
    cells, seen = np.zeros(shape, grids[0].cells.dtype), np.zeros(shape, bool)
    for start, grid in zip(starts[:-1], grids, strict=True):
        part = slice(start, start + len(grid.cells))
        cells[part], seen[part] = grid.cells, grid.seen
        cells[part.stop : part.stop + gap] = grid.cells[-1]
    slot = [start + grid.slot for start, grid in zip(starts[:-1], grids, strict=True)]
    return Grid(cells, seen, np.concatenate(slot))
