"""Deciles of columns, of values that occur in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_ae.data import Rows, SparseRows, TableRows

# Shares of the rows that lie at or below the values.
SHARES = np.arange(1, 10) / 10
# Rows that are read at most and at least, and their cells.
_MOST_ROWS, _LEAST_ROWS, _CELLS = 10_000, 256, 2**20


def deciles(rows: Rows) -> NDArray[np.float64]:
    """Return the nine deciles of each column, NaN where it has no value.

    Of many rows, those in even steps are read.

    Parameters
    ----------
    rows : Rows
        Rows of a table, whose deciles are those of codes where it has several kinds of columns.

    Returns
    -------
    deciles : ndarray of shape (9, n_columns), float64
        Values that occur in the columns.
    """
    few = evenly(rows, max(_LEAST_ROWS, min(_MOST_ROWS, _CELLS // rows.n_columns)))
    values = few.selected(few.values)
    if isinstance(values, SparseRows):
        return _of_sparse(values.matrix)
    cells = values.codes if isinstance(values, TableRows) else values
    ordered = np.sort(np.asarray(cells, np.float64), axis=0)  # NaN is last
    rank = _ranks((~np.isnan(ordered)).sum(axis=0))
    return np.take_along_axis(ordered, rank, axis=0)


def evenly(rows: Rows, n: int) -> Rows:
    """Return so many of the rows, in even steps of their weight; all where they are no more.

    Parameters
    ----------
    rows : Rows
        Rows, of equal weight or not.
    n : int
        Number of rows, of which the heavy ones may be several.
    """
    if rows.weights is None:
        step = np.arange(n) * rows.n_rows // n
        return rows if rows.n_rows <= n else rows.take(step)
    reached = np.cumsum(rows.weights)
    middle = (np.arange(n) + 0.5) / n * reached[-1]
    return rows.take(np.minimum(np.searchsorted(reached, middle), rows.n_rows - 1))


def _ranks(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the ranks of deciles among so many values of each column."""
    # A share of a count may lie above a whole number by rounding alone.
    above = np.ceil(SHARES[:, None] * counts - 1e-9).astype(np.intp)
    return np.maximum(above - 1, 0)


def _of_sparse(matrix: sparse.csr_array) -> NDArray[np.float64]:
    """Return the deciles of columns that are zero where nothing is stored."""
    n, p = matrix.shape
    column, value = matrix.indices, matrix.data.astype(np.float64)
    order = np.lexsort((value, column))
    value = value[order]
    stored = np.bincount(column, minlength=p)
    negative = np.bincount(column[matrix.data < 0], minlength=p)
    start, zeros = np.cumsum(stored) - stored, n - stored
    rank = _ranks(np.full(p, n))
    place = start + np.where(rank < negative, rank, rank - zeros)
    is_zero = (rank >= negative) & (rank < negative + zeros)
    found = value[np.clip(place, 0, max(0, len(value) - 1))] if len(value) else np.zeros(rank.shape)
    return np.where(is_zero, 0.0, found)
