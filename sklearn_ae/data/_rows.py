"""Rows of a matrix with their weights, read in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data._companions import present
from sklearn_ae.data._lazy_rows import LazyRows, dense_block
from sklearn_ae.data._ragged import Ragged
from sklearn_ae.runtime import ALONE, Workers

# Below this many rows there are too few to validate on; below the second, one split is noise.
FEW_ROWS = 20
SMALL = 1000
# Cells of a block in float64, which fits a second-level cache, and its rows at least.
_BLOCK_CELLS = 2**17
_BLOCK_ROWS = 256
# Rows of a block at least where a row may have very many columns.
_FEW_ROWS = 64
# Weights beyond which sums and shares of them may leave the range of numbers.
_FAR = 2.0**300


def within_range(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights times a power of two if they are so large or small that sums would not do."""
    largest = weight.max(initial=0.0)
    if largest == 0.0 or 1 / _FAR < largest < _FAR:
        return weight
    return np.ldexp(weight, -int(np.frexp(largest)[1]))


class Rows:
    """A selection of the rows of a matrix; nothing is copied until a block is read.

    Parameters
    ----------
    values : ndarray of shape (n, n_features), LazyRows or Ragged, float32 or float64
        The matrix; or rows of different sizes, whose features are the channels.
    weight : ndarray of shape (n,), optional
        Non-negative weights; None means that all rows count once.
    index : ndarray of int, optional
        Positions of the selected rows; None means all.
    sample_shape : tuple of int, optional
        Shape of a row, (height, width, channels) or (steps, channels), where columns have
        neighbours; that of a typical row where rows differ in size.
    missing_columns : ndarray of int, optional
        Columns that have missing cells, which are NaN; None means to look for them.
    workers : Workers
        Processes that have the other rows, where these are a part of them: weights, scales and
        starts are those of all.
    **companions
        What else comes with the rows, an entry a row, by name: `target`, what a reconstruction
        is compared with, of the form of the values; `condition`, of shape (n, n_conditions), in
        standard units; and whatever terms of the objective read.
    """

    def __init__(
        self,
        values: NDArray | LazyRows | Ragged,
        weight: NDArray | None = None,
        index: NDArray | None = None,
        *,
        sample_shape: tuple[int, ...] | None = None,
        missing_columns: NDArray[np.intp] | None = None,
        workers: Workers = ALONE,
        **companions: Any,
    ) -> None:
        if index is None and weight is not None and not weight.all():
            index = np.flatnonzero(weight)
        self.values = values
        self.index = index
        self.companions = present({"weight": weight, **companions})
        self.sample_shape = sample_shape
        self._missing_columns = missing_columns
        self.workers = workers

    @property
    def weight(self) -> NDArray | None:
        """The weight of each row, selected or not."""
        return self.companions.get("weight")

    @property
    def target(self) -> Any:
        """What reconstructions are compared with, of each row, if it is not the row."""
        return self.companions.get("target")

    @property
    def condition(self) -> NDArray | None:
        """The condition of each row, selected or not."""
        return self.companions.get("condition")

    @property
    def selected_companions(self) -> dict[str, Any]:
        """What comes with the selected rows, by name."""
        return {name: self.selected(value) for name, value in self.companions.items()}

    @property
    def ragged(self) -> bool:
        """Whether rows differ in size."""
        return isinstance(self.values, Ragged)

    @property
    def large(self) -> bool:
        """Whether the rows are too many to be made dense as a whole."""
        return isinstance(self.values, LazyRows) and self.values.large

    @property
    def spooled(self) -> bool:
        """Whether the rows lie in a file, so that nothing of each may be kept in memory."""
        return isinstance(self.values, LazyRows) and self.values.spooled

    def apart(self) -> tuple[Rows, Rows]:
        """Return rows in a file that train, and those that are held out."""
        n = self.values.n_training  # type: ignore[union-attr]
        first, last = (
            Rows(
                self.values[part],
                sample_shape=self.sample_shape,
                missing_columns=self.missing_columns,
                **{name: companion[part] for name, companion in self.companions.items()},
            )
            for part in (slice(0, n), slice(n, None))
        )
        return first, last

    def thinned(self, n: int, rng: np.random.Generator) -> Rows:
        """Return one row of each of n stretches of rows in a file; all where they are no more.

        Parameters
        ----------
        n : int
            Number of rows.
        rng : numpy.random.Generator
            Feeds which.
        """
        if not self.spooled or self.n_rows <= n:
            return self
        ends = np.linspace(0, self.n_rows, n + 1).astype(np.intp)
        return self.take(rng.integers(ends[:-1], ends[1:]))

    def take(self, index: NDArray) -> Rows:
        """Select rows by their position in this selection."""
        if self.index is not None:
            index = self.index[index]
        return self._with(self.values, index, self.missing_columns)

    def others(self, held_out: Rows) -> Rows:
        """Return the selected rows that are not among some others."""
        kept = np.isin(self.positions, held_out.positions, invert=True)
        return self.take(np.flatnonzero(kept))

    @property
    def positions(self) -> NDArray[np.intp]:
        """Where the selected rows are."""
        return np.arange(len(self.values)) if self.index is None else self.index

    def _with(self, values: Any, index: NDArray | None, missing: NDArray | None = None) -> Rows:
        """Return rows with the same companions."""
        return Rows(
            values,
            index=index,
            sample_shape=self.sample_shape,
            missing_columns=missing,
            workers=self.workers,
            **self.companions,
        )

    @property
    def targets(self) -> Rows:
        """The rows that reconstructions are compared with, of the same weights."""
        if self.target is None:
            return self
        return Rows(
            self.target,
            self.weight,
            self.index,
            sample_shape=self.sample_shape,
            workers=self.workers,
        )

    @property
    def missing_columns(self) -> NDArray[np.intp]:
        """Columns of a table in which some row, selected or not, has a missing cell."""
        if self._missing_columns is None and isinstance(self.values, LazyRows):
            self._missing_columns = self.values.missing_columns()
        if self._missing_columns is None:
            found = np.zeros(self.n_features, dtype=bool)
            if self.sample_shape is None and not self.ragged:
                every = Rows(self.values)
                for x, _ in every.blocks():
                    found |= np.isnan(x).any(axis=0)
            self._missing_columns = np.flatnonzero(found)
        return self._missing_columns

    @property
    def n_rows(self) -> int:
        """Number of rows of positive weight."""
        return len(self.values) if self.index is None else len(self.index)

    @property
    def n_of_all(self) -> int:
        """The same of all workers."""
        return int(self.workers.sum(self.n_rows))

    @property
    def n_distinct(self) -> int:
        """Number of different rows."""
        values = self.selected(self.values)
        if isinstance(values, Ragged | LazyRows):
            return values.n_distinct()
        if len(self.missing_columns):  # two missing cells are alike
            values = np.where(np.isnan(values), np.inf, values)
        return len(np.unique(values, axis=0))

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.values.shape[1]

    @property
    def n_columns(self) -> int:
        """Number of columns that the user sees."""
        values = self.values
        return values.n_columns if isinstance(values, LazyRows) else self.n_features

    def arrays(self) -> Any:
        """Return the selected rows as an estimator takes them: in their own shape."""
        values = self.selected(self.values)
        if isinstance(values, Ragged | LazyRows):
            return values.arrays()
        return values if self.sample_shape is None else values.reshape(-1, *self.sample_shape)

    @property
    def n_conditions(self) -> int:
        """Number of columns of the condition, 0 without one."""
        return 0 if self.condition is None else self.condition.shape[1]

    @property
    def weights(self) -> NDArray | None:
        """The weights of the selected rows."""
        return None if self.weight is None else self.selected(self.weight)

    @property
    def conditions(self) -> NDArray | None:
        """The condition of the selected rows."""
        return None if self.condition is None else self.selected(self.condition)

    @property
    def total_weight(self) -> float:
        """Sum of the weights, or the number of rows, of all workers."""
        weights = self.weights
        return float(self.workers.sum(self.n_rows if weights is None else weights.sum()))

    @property
    def mean_weight(self) -> float:
        """Mean of the weights of all workers."""
        return self.total_weight / self.n_of_all

    def selected(self, array: Any) -> Any:
        """Return the entries of an array of n that belong to the selected rows."""
        return array if self.index is None else array[self.index]

    def blocks(self) -> Iterator[tuple[Any, NDArray | None]]:
        """Yield float64 blocks of rows with their weights."""
        for part in self.parts():
            weight = None if self.weight is None else self.weight[part]
            yield self.block(part), weight

    def block(self, part: slice | NDArray) -> Any:
        """Return the rows at some positions in float64: an array, or ragged rows."""
        return dense_block(self.values, part).astype(np.float64, copy=False)

    def matrix(self) -> NDArray[np.float64]:
        """Return the selected rows as one array."""
        return self.block(slice(None) if self.index is None else self.index)

    def parts(self) -> Iterator[slice | NDArray]:
        """Yield the positions of the rows of each block."""
        least = _FEW_ROWS if self.large else _BLOCK_ROWS
        size = max(least, _BLOCK_CELLS // max(1, self.n_features))
        for start in range(0, self.n_rows, size):
            block = slice(start, start + size)
            yield block if self.index is None else self.index[block]
