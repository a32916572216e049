"""Which cells make a row strange: those whose replacement takes the strangeness away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data import Columns, LazyRows, Ragged, Rows, TableRows, dense_block
from sklearn_ae.inspection._quantiles import deciles, evenly

# Training rows whose median score is that of a typical row.
_SCORED_ROWS = 256
# Cells that are scored at once.
_BLOCK_CELLS = 2**22
# Columns of a row that are looked at, at least.
_FEWEST_COLUMNS = 16
# A reason has at least so much of a row's strangeness.
_LEAST_SHARE = 0.01
# Scores that are nearer than this, relative to them, may differ by rounding alone.
_ROUNDING = 1e-9

OfRows = Callable[[Any, NDArray | None], Any]


class Replacements(NamedTuple):
    """What a fit keeps of its rows to give reasons by.

    Parameters
    ----------
    deciles : ndarray of shape (9, n_columns), float64
        Of each column, NaN where it has no value; codes where columns are of several kinds, and
        without columns for images and sequences.
    typical : float
        Median score.
    """

    deciles: NDArray[np.float64]
    typical: float

    @classmethod
    def fit(cls, rows: Rows, score: OfRows) -> Replacements:
        """Measure training rows.

        Parameters
        ----------
        rows : Rows
            Training rows.
        score : callable
            `score(values, condition)` returns the scores of rows.
        """
        table = rows.sample_shape is None and not rows.ragged
        found = deciles(rows) if table else np.empty((9, 0))
        return cls(found, typical_score(rows, score))

    def candidates(self, columns: Columns | None) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the values that are put in, the deciles or all levels, and their columns."""
        found = [np.unique(column[~np.isnan(column)]) for column in self.deciles.T]
        for j, column in enumerate([] if columns is None else columns.columns):
            if column.n_levels is not None:
                found[j] = np.arange(column.n_levels, dtype=np.float64)
        return np.repeat(np.arange(len(found)), [len(f) for f in found]), np.concatenate(found)


class Reason(NamedTuple):
    """A cell that makes a row strange.

    Parameters
    ----------
    row : int
        Position of the row.
    column : int
        Position of the cell in it.
    observed, expected : float
        What is there, and what would be typical in its place; codes where columns are of several
        kinds.
    share : float
        How much of the row's strangeness goes with the cell.
    """

    row: int
    column: int
    observed: float
    expected: float
    share: float


def typical_score(rows: Rows, score: OfRows) -> float:
    """Return the median score of training rows."""
    few = evenly(rows, _SCORED_ROWS)
    return float(np.median(score(few.selected(few.values), few.conditions)))


def by_replacement(
    values: NDArray | LazyRows,
    condition: NDArray | None,
    score: OfRows,
    errors: OfRows,
    replacements: Replacements,
    n_reasons: int,
) -> list[Reason]:
    """Find the cells whose replacement brings a row nearest to a typical score.

    The best replacement is put in before the next is looked for, until the score is typical.
    Of very many columns, those of the largest errors are looked at.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns) or LazyRows
        Rows. Missing cells are no reasons.
    condition : ndarray of shape (n, n_conditions) or None
        What they are conditioned on.
    score, errors : callable
        The score of each row, and the error of each cell, of rows and their condition.
    replacements : Replacements
        What is put in.
    n_reasons : int
        Cells of a row at most.

    Returns
    -------
    reasons : list of Reason
        A row after the other, and in the order in which they were put in.
    """
    columns = values.columns if isinstance(values, TableRows) else None
    column, value = replacements.candidates(columns)
    n_columns = replacements.deciles.shape[1]
    n_tried = min(n_columns, max(_FEWEST_COLUMNS, _BLOCK_CELLS // max(1, len(value))))
    size = max(1, _BLOCK_CELLS // max(1, n_tried * len(value)))
    found: list[Reason] = []
    for start in range(0, len(values), size):
        part = slice(start, start + size)
        given = None if condition is None else condition[part]
        block = values[part]
        cells = block.codes if isinstance(block, TableRows) else dense_block(block, slice(None))
        allowed = ~np.isnan(cells)
        if n_tried < n_columns:
            error = np.where(allowed, errors(block, given), -np.inf)
            least = np.sort(error, axis=1)[:, -n_tried, None]
            allowed &= error >= least
        search = _Search(cells, columns, given, score, replacements.typical)
        for _ in range(n_reasons):
            search.put_in_best(allowed[:, column], column, value)
        found += [reason._replace(row=start + reason.row) for reason in search.in_order()]
    return found


class _Search:
    """Rows in which cells are replaced one after the other.

    Parameters
    ----------
    cells : ndarray of shape (n, n_columns)
        Rows as numbers.
    columns : Columns or None
        What the numbers stand for.
    condition : ndarray of shape (n, n_conditions) or None
        What the rows are conditioned on.
    score : callable
        The score of rows.
    typical : float
        Score at which nothing is left to be explained.
    """

    def __init__(
        self,
        cells: NDArray,
        columns: Columns | None,
        condition: NDArray | None,
        score: OfRows,
        typical: float,
    ) -> None:
        self.cells = cells.astype(np.float64)
        self.columns = columns
        self.condition = condition
        self.score = score
        self.typical = typical
        self.scores = self._scored(self.cells, np.arange(len(cells)))
        self.strangeness = typical - self.scores
        self.tolerance = _ROUNDING * np.abs(self.scores)
        self.least = np.maximum(self.tolerance, _LEAST_SHARE * self.strangeness)
        self.reasons: list[Reason] = []

    def put_in_best(
        self, allowed: NDArray[np.bool_], column: NDArray[np.intp], value: NDArray[np.float64]
    ) -> None:
        """Replace the cell of each row that is strange yet, where that makes it less so.

        Parameters
        ----------
        allowed : ndarray of shape (n, n_values), bool
            Which values may be put into a row.
        column, value : ndarray of shape (n_values,)
            The values, and where they go.
        """
        done = np.zeros(self.cells.shape, dtype=bool)
        for reason in self.reasons:
            done[reason.row, reason.column] = True
        strange = self.scores < self.typical - self.least
        changes = self.cells[:, column] != value
        rows, which = np.nonzero(allowed & ~done[:, column] & changes & strange[:, None])
        if not len(rows):
            return
        replaced = self.cells[rows]
        replaced[np.arange(len(rows)), column[which]] = value[which]
        scores = np.full(allowed.shape, -np.inf)
        scores[rows, which] = self._scored(replaced, rows)
        # The first of equal ones, whatever rows are scored beside this one.
        highest = scores.max(axis=1)
        best = (scores >= (highest - self.tolerance)[:, None]).argmax(axis=1)
        for i in np.flatnonzero(highest > self.scores + self.least):
            j, score = int(column[best[i]]), float(scores[i, best[i]])
            taken = min(score, self.typical) - self.scores[i]
            share = float(taken / self.strangeness[i])
            expected = float(value[best[i]])
            self.reasons.append(Reason(int(i), j, float(self.cells[i, j]), expected, share))
            self.cells[i, j], self.scores[i] = expected, score

    def in_order(self) -> list[Reason]:
        """Return what was replaced, a row after the other."""
        return sorted(self.reasons, key=lambda reason: reason.row)

    def _scored(self, cells: NDArray, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        given = None if self.condition is None else self.condition[rows]
        return self.score(cells if self.columns is None else TableRows(cells, self.columns), given)


def by_error(
    values: NDArray | Ragged, expected: NDArray | Ragged, errors: NDArray | Ragged, n_reasons: int
) -> list[Reason]:
    """Find the pixels or steps of the largest errors, whose shares are those of the row's error.

    Parameters
    ----------
    values, expected, errors : ndarray of shape (n, n_cells) or Ragged
        Rows, their reconstructions, and the error of each cell.
    n_reasons : int
        Cells of a row at most.

    Returns
    -------
    reasons : list of Reason
        A row after the other, the largest error first.
    """
    found = []
    for i, parts in enumerate(zip(*map(_each, (values, expected, errors)), strict=True)):
        row, rebuilt, error = (np.ravel(part) for part in parts)
        error = np.maximum(np.nan_to_num(error), 0.0)
        total = error.sum()
        for j in np.argsort(-error, kind="stable")[:n_reasons]:
            if error[j] > 0:
                share = float(error[j] / total)
                found.append(Reason(i, int(j), float(row[j]), float(rebuilt[j]), share))
    return found


def _each(rows: NDArray | Ragged) -> Any:
    return rows.arrays() if isinstance(rows, Ragged) else rows
