"""What one pass notes of the columns of a table, from which their kinds follow as of all rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_ae.data import Series, read_table
from sklearn_ae.sources._base import joined, rows_of
from sklearn_ae.sources._held_out import hashed

# Levels of a column that are counted; beyond the second number, the rarest are forgotten down
# to the first.
_KEPT_LEVELS, _MOST_LEVELS = 2**16, 2**17
# Rows of the sample that maps of numbers are drawn through, twice what scikit-learn takes.
_SAMPLED = 20_000


class Tally:
    """Counts levels, and keeps the few rows from which the rest can be seen.

    Those are the rows that hold the ends of columns of numbers, the first number that is not
    whole, the first missing cell and the first that is not; and a random sample if columns are
    to be mapped. A level that is held by more than one row in 65,536 is counted exactly; of a
    column of more levels than that, the rarest are forgotten.

    Parameters
    ----------
    categorical : ndarray of shape (n_columns,), bool
        Columns that the user calls categorical.
    sampled : bool
        Whether a random sample is kept.
    """

    def __init__(self, categorical: NDArray[np.bool_], sampled: bool) -> None:
        self.n_rows = 0
        self._categorical = categorical
        self._sampled = sampled
        self._columns = [_Noted() for _ in categorical]
        self._witnesses: list[Any] = []
        self._sample: list[tuple[NDArray[np.uint64], Any]] = []

    def add(self, piece: Any) -> None:
        """Note a piece of the rows."""
        rows: set[int] = set()
        for series, named, noted in zip(
            read_table(piece), self._categorical, self._columns, strict=True
        ):
            rows |= noted.add(series, bool(named))
        if rows:
            self._witnesses.append(rows_of(piece, sorted(rows)))
        if self._sampled:
            positions = np.arange(self.n_rows, self.n_rows + len(piece), dtype=np.uint64)
            self._sample.append((hashed(positions, 0), piece))
            if sum(len(h) for h, _ in self._sample) > 4 * _SAMPLED:
                self._thin()
        self.n_rows += len(piece)

    @property
    def witness(self) -> Any:
        """The rows from which kinds and maps of columns are seen."""
        self._thin()
        return joined([*self._witnesses, *(rows for _, rows in self._sample)])

    @property
    def counted(self) -> list[tuple[pd.Series, int] | None]:
        """Of each column, how many rows hold each level, and the number of rows."""
        return [noted.counted(self.n_rows) for noted in self._columns]

    def _thin(self) -> None:
        """Keep the rows whose hashed positions are the least."""
        hashes = [h for h, _ in self._sample]
        if not hashes or sum(map(len, hashes)) <= _SAMPLED:
            return
        every = np.concatenate(hashes)
        last = np.partition(every, _SAMPLED - 1)[_SAMPLED - 1]
        kept = [(h, np.flatnonzero(h <= last), rows) for h, rows in self._sample]
        found = [(h[index], rows_of(rows, index)) for h, index, rows in kept if len(index)]
        self._sample = [(np.concatenate([h for h, _ in found]), joined([r for _, r in found]))]


class _Noted:
    """What is noted of one column."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf
        self.met: set[str] = set()
        self.levels: Counter | None = None
        self.kind: str | None = None

    def add(self, series: Series, categorical: bool) -> set[int]:
        """Note cells, and return positions of those that are to be kept."""
        missing = series.missing()
        found = self._first(missing, "missing") | self._first(~missing, "observed")
        if missing.all():
            return found
        if self.kind is not None and series.kind != self.kind:
            raise ValueError(
                f"Column {series.name!r} of X is of kind {self.kind!r} in the first rows, and of "
                f"{series.kind!r} further on, where it holds "
                f"{series.objects()[np.flatnonzero(~missing)[0]]!r:.60}; give it one type."
            )
        self.kind = series.kind
        if series.kind == "number" and not categorical:
            cells = series.numbers()
            found |= self._first(~missing & (cells != np.floor(cells)), "fractional")
            low, high = int(np.nanargmin(cells)), int(np.nanargmax(cells))
            if cells[low] < self.low:
                self.low = cells[low]
                found.add(low)
            if cells[high] > self.high:
                self.high = cells[high]
                found.add(high)
        elif series.kind not in ("date", "ordered") or categorical:
            self._count(series.objects()[~missing])
        return found

    def counted(self, n_rows: int) -> tuple[pd.Series, int] | None:
        """Return how many rows hold each level, if it has any."""
        if self.levels is None:
            return None
        index = pd.Index(list(self.levels), dtype=object, tupleize_cols=False)
        return pd.Series(list(self.levels.values()), index, dtype=np.int64), n_rows

    def _first(self, where: NDArray[np.bool_], name: str) -> set[int]:
        if name in self.met or not where.any():
            return set()
        self.met.add(name)
        return {int(where.argmax())}

    def _count(self, cells: NDArray[np.object_]) -> None:
        numbers, found = pd.factorize(cells)
        self.levels = Counter() if self.levels is None else self.levels
        for level, count in zip(found.tolist(), np.bincount(numbers).tolist(), strict=True):
            self.levels[level] += count
        if len(self.levels) > _MOST_LEVELS:
            self.levels = Counter(dict(self.levels.most_common(_KEPT_LEVELS)))
