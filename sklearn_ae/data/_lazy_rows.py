"""Rows that take less memory than the matrix they stand for, made dense a block at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# Cells up to which rows are made dense once in a fit, rather than batch by batch.
EXPANDED_CELLS = 2**25


class LazyRows(ABC):
    """Rows of a matrix that is never in memory as a whole.

    `spooled` says whether they lie in a file, those that are held out last. Such rows have an
    attribute `n_training`, the number of those before.
    """

    spooled: bool = False

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of columns of the dense form."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype:
        """Type of the dense form, float32 or float64."""

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, index: slice | NDArray) -> Self:
        """Select rows."""

    @abstractmethod
    def dense(self, index: slice | NDArray) -> NDArray:
        """Return some rows as an array of shape (n, n_columns)."""

    @abstractmethod
    def pieces(self) -> Iterator[NDArray]:
        """Yield arrays that together hold every value that occurs, in any order."""

    @abstractmethod
    def n_distinct(self) -> int:
        """Return the number of different rows."""

    @abstractmethod
    def arrays(self) -> Any:
        """Return the rows in a form that an estimator takes."""

    @property
    def n_columns(self) -> int:
        """Number of columns that the user sees."""
        return self.shape[1]

    @abstractmethod
    def missing_columns(self) -> NDArray[np.intp]:
        """Return the columns of the dense form that tell which cells are missing."""

    @property
    def large(self) -> bool:
        """Whether the dense form is too large to be kept as a whole."""
        return self.shape[0] * self.shape[1] > EXPANDED_CELLS


class SparseRows(LazyRows):
    """Rows of which only the values that are not zero are kept.

    Parameters
    ----------
    matrix : sparse array or matrix of shape (n, n_features), float32 or float64
        Any format. Values at the same place are added up, and zeros dropped, in a copy.
    """

    def __init__(self, matrix: Any) -> None:
        rows = sparse.csr_array(matrix)
        if not (rows.has_canonical_format and rows.data.all()):
            rows = rows.copy()
            rows.sum_duplicates()
            rows.eliminate_zeros()
        self.matrix = rows

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.matrix.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return self.matrix.dtype

    def __getitem__(self, index: slice | NDArray) -> SparseRows:
        """Select rows."""
        return SparseRows(self.matrix[index])

    def dense(self, index: slice | NDArray) -> NDArray:
        """Return some rows as an array."""
        return self.matrix[index].toarray()

    def pieces(self) -> Iterator[NDArray]:
        """Yield what is not zero, and one zero."""
        yield self.matrix.data
        yield np.zeros(1, self.dtype)

    def n_distinct(self) -> int:
        """Return the number of different rows."""
        rows, parts = self.matrix, range(len(self))
        spans = [slice(rows.indptr[i], rows.indptr[i + 1]) for i in parts]
        return len({(rows.indices[s].tobytes(), rows.data[s].tobytes()) for s in spans})

    def missing_columns(self) -> NDArray[np.intp]:
        """Return none: every value is a number."""
        return np.empty(0, dtype=np.intp)

    def arrays(self) -> Any:
        """Return the rows as a CSR array."""
        return self.matrix

    def ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the largest number of each column, zeros included."""
        low, high = (end(axis=0).toarray().ravel() for end in (self.matrix.min, self.matrix.max))
        return low.astype(np.float64), high.astype(np.float64)

    def moments(
        self, weight: NDArray | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the columns' largest magnitudes, and means and variances in units of them.

        Parameters
        ----------
        weight : ndarray of shape (n,), optional
            Weights of the rows.
        """
        n, p = self.shape
        column, value = self.matrix.indices, self.matrix.data.astype(np.float64, copy=False)
        largest = np.zeros(p)
        np.maximum.at(largest, column, np.abs(value))
        scaled = value / largest[column]
        weights = None
        total = float(n)
        if weight is not None:
            weights = np.repeat(weight.astype(np.float64), np.diff(self.matrix.indptr))
            total = float(weight.sum())

        def column_sums(values: NDArray) -> NDArray[np.float64]:
            sums = np.bincount(column, values if weights is None else values * weights, p)
            return sums.astype(np.float64, copy=False)

        mean = column_sums(scaled) / total
        filled = column_sums(np.ones_like(scaled))
        variance = column_sums((scaled - mean[column]) ** 2)
        # Rounding must not leave a column without zeros some of them.
        n_filled = np.bincount(column, minlength=p)
        variance += np.where(n_filled < n, np.maximum(total - filled, 0.0) * mean**2, 0.0)
        return largest, mean, variance / total


def dense_block(values: Any, index: slice | NDArray) -> Any:
    """Return some rows of an array, or of lazy rows as an array."""
    return values.dense(index) if isinstance(values, LazyRows) else values[index]
