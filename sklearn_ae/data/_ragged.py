"""Images or sequences of different sizes, and how they are put into blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data._lazy_rows import LazyRows, dense_block


class Ragged:
    """Arrays of different sizes but the same channels, kept one after the other.

    Parameters
    ----------
    cells : ndarray of shape (n_cells, n_channels)
        Pixels or steps of all rows, a row after the other.
    sizes : ndarray of shape (n, n_axes), int
        Height and width of each image, or the number of steps of each sequence.
    """

    def __init__(self, cells: NDArray, sizes: NDArray) -> None:
        self.cells = cells
        self.sizes = np.asarray(sizes, dtype=np.int64)
        self.start = np.concatenate([[0], np.cumsum(self.sizes.prod(axis=1))])

    @classmethod
    def of(cls, arrays: Sequence[NDArray]) -> Ragged:
        """Put arrays of shape (*size, n_channels) one after the other."""
        n_channels = arrays[0].shape[-1]
        cells = np.concatenate([a.reshape(-1, n_channels) for a in arrays])
        return cls(cells, np.array([a.shape[:-1] for a in arrays]))

    @classmethod
    def empty(cls, sizes: NDArray, n_channels: int, dtype: Any) -> Ragged:
        """Return arrays of the given sizes, to be filled by `put`."""
        sizes = np.asarray(sizes)
        return cls(np.empty((int(sizes.prod(axis=1).sum()), n_channels), dtype), sizes)

    @classmethod
    def alike(cls, sizes: NDArray) -> Ragged:
        """Return rows of the given sizes and one channel, all zero."""
        return cls(np.zeros((int(sizes.prod(axis=1).sum()), 1), np.float32), sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of channels."""
        return len(self.sizes), self.cells.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Type of the cells."""
        return self.cells.dtype

    def astype(self, dtype: Any, copy: bool = True) -> Ragged:
        """Return the rows in another type."""
        return Ragged(self.cells.astype(dtype, copy=copy), self.sizes)

    def __getitem__(self, index: slice | NDArray) -> Ragged:
        """Select rows."""
        chosen = np.arange(len(self))[index]
        return Ragged(self.cells[cell_index(self.start, self.sizes, chosen)], self.sizes[chosen])

    def arrays(self) -> list[NDArray]:
        """Return each row in its own shape, (*size, n_channels)."""
        parts = np.split(self.cells, self.start[1:-1])
        return [part.reshape(*size, -1) for part, size in zip(parts, self.sizes, strict=True)]

    def block(self, rows: NDArray) -> NDArray:
        """Return rows as one array of shape (n, *size, n_channels), short ones padded by NaN."""
        size = self.sizes[rows].max(axis=0)
        within, place = padded_index(self.start, self.sizes, rows)
        out = np.full((len(rows), int(size.prod()), self.cells.shape[1]), np.nan, self.dtype)
        out.reshape(-1, self.cells.shape[1])[place] = self.cells[within]
        return out.reshape(len(rows), *size, -1)

    def put(self, rows: NDArray, block: NDArray) -> None:
        """Take in rows from an array of shape (n, *size, n_channels), padding left out."""
        within, place = padded_index(self.start, self.sizes, rows)
        self.cells[within] = block.reshape(-1, self.cells.shape[1])[place]

    @cached_property
    def lengths(self) -> NDArray | None:
        """Steps of each sequence up to the last that was observed, at least 1."""
        if self.sizes.shape[1] > 1:
            return None
        observed = ~np.isnan(self.cells).all(axis=1)
        step = np.arange(1, len(self.cells) + 1) - np.repeat(self.start[:-1], self.sizes[:, 0])
        return np.maximum(np.maximum.reduceat(np.where(observed, step, 1), self.start[:-1]), 1)

    def trimmed(self, lengths: NDArray | None) -> Ragged:
        """Return sequences cut to so many steps; images as they are."""
        if lengths is None or (lengths == self.sizes[:, 0]).all():
            return self
        step = np.arange(len(self.cells)) - np.repeat(self.start[:-1], self.sizes[:, 0])
        kept = step < np.repeat(lengths, self.sizes[:, 0])
        return Ragged(self.cells[kept], lengths[:, None])

    def means(self) -> NDArray[np.float64]:
        """Return the mean over the observed cells of each row, times the number of channels."""
        present = ~np.isnan(self.cells)
        sums = np.add.reduceat(np.where(present, self.cells, 0.0).sum(axis=1), self.start[:-1])
        counts = np.add.reduceat(present.sum(axis=1), self.start[:-1])
        return sums / np.maximum(counts, 1) * self.cells.shape[1]

    def check_sizes(self, rows: Ragged) -> None:
        """Raise if these clean rows are not of the sizes of the noisy ones."""
        if len(self) != len(rows):
            raise ValueError(
                f"X_clean has {len(self)} rows, but X has {len(rows)}; pass the clean version of "
                "each row of X."
            )
        other = np.flatnonzero((self.sizes != rows.sizes).any(axis=1))
        if len(other):
            i = int(other[0])
            raise ValueError(
                f"Row {i} of X_clean has size {tuple(self.sizes[i].tolist())}, but "
                f"{tuple(rows.sizes[i].tolist())} in X; pass the clean version of each row of X."
            )

    def n_distinct(self) -> int:
        """Return the number of different rows."""
        return len({(a.shape, a.tobytes()) for a in self.arrays()})


def cell_index(start: NDArray, sizes: NDArray, rows: NDArray) -> NDArray:
    """Return the positions of the cells of some rows, a row after the other."""
    counts = sizes[rows].prod(axis=1)
    first = np.cumsum(counts) - counts
    return np.repeat(start[rows] - first, counts) + np.arange(counts.sum())


def padded_index(start: NDArray, sizes: NDArray, rows: NDArray) -> tuple[NDArray, NDArray]:
    """Return where the cells of rows are, and where they go in a block of equal rows."""
    counts = sizes[rows].prod(axis=1)
    first = np.cumsum(counts) - counts
    longest = int(sizes[rows].max(axis=0).prod())
    place = np.repeat(np.arange(len(rows)) * longest - first, counts) + np.arange(counts.sum())
    return cell_index(start, sizes, rows), place


def plan(sizes: NDArray, most_cells: int) -> Iterator[NDArray]:
    """Yield the rows of each block: images of one size, sequences of nearly one length.

    Parameters
    ----------
    sizes : ndarray of shape (n, n_axes)
        Sizes of the rows.
    most_cells : int
        Cells of a block, padding included, at most; one row is always taken.
    """
    order = np.lexsort(sizes.T[::-1])
    exact = sizes.shape[1] > 1
    begin = 0
    for i in range(1, len(order) + 1):
        if i < len(order):
            size = sizes[order[i]]
            fits = (i + 1 - begin) * int(size.prod()) <= most_cells
            if fits and not (exact and (size != sizes[order[begin]]).any()):
                continue
        yield order[begin:i]
        begin = i


def blocks(
    values: NDArray | LazyRows | Ragged, most_cells: int
) -> Iterator[tuple[slice | NDArray, NDArray, Ragged | None]]:
    """Yield positions, rows as one array, and the rows again where they are ragged.

    Parameters
    ----------
    values : ndarray of shape (n, n_features), LazyRows or Ragged
        The rows.
    most_cells : int
        Cells of a block at most.
    """
    if isinstance(values, Ragged):
        for rows in plan(values.sizes, most_cells):
            yield rows, values.block(rows), values[rows]
        return
    size = max(1, most_cells // max(1, values.shape[1]))
    for start in range(0, len(values), size):
        part = slice(start, start + size)
        yield part, dense_block(values, part), None
