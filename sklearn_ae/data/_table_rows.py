"""Tables of columns of any kind, as rows that are made dense a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data._columns import Column
from sklearn_ae.data._lazy_rows import LazyRows
from sklearn_ae.data._series import Series

# Kinds in the order in which a network sees them.
_KINDS = ("numeric", "count", "binary", "categorical", "empty")


class Columns:
    """The columns of a table, and where a network sees each of them.

    Columns of one kind stand together in the dense form, categorical ones last. Columns without
    any value are not in it.

    Parameters
    ----------
    columns : list of Column
        In the user's order.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = list(columns)
        order = sorted(range(len(columns)), key=lambda j: _KINDS.index(columns[j].kind))
        widths = np.array([columns[j].width for j in order])
        stops = np.cumsum(widths)
        self.spans = [slice(0, 0)] * len(columns)
        for j, start, stop in zip(order, stops - widths, stops, strict=True):
            self.spans[j] = slice(int(start), int(stop))
        self.width = int(stops[-1])
        self.feature = np.repeat(order, widths)

    def __len__(self) -> int:
        return len(self.columns)

    def of_kind(self, kind: str) -> slice:
        """Return where the columns of a kind stand in the dense form."""
        spans = [s for c, s in zip(self.columns, self.spans, strict=True) if c.kind == kind]
        if not spans:
            return slice(0, 0)
        return slice(min(s.start for s in spans), max(s.stop for s in spans))

    def encode(self, table: list[Series]) -> NDArray[np.float64]:
        """Return the codes of a table, of shape (n, n_columns)."""
        codes = [c.encode(s) for c, s in zip(self.columns, table, strict=True)]
        return np.column_stack(codes)

    def expand(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the dense form of codes, of shape (n, width)."""
        out = np.empty((len(codes), self.width))
        for j, (column, span) in enumerate(zip(self.columns, self.spans, strict=True)):
            out[:, span] = column.expand(codes[:, j])
        return out

    def collapse(self, expected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the codes that are nearest to expected values in the dense form."""
        pairs = zip(self.columns, self.spans, strict=True)
        return np.column_stack([column.collapse(expected[:, span]) for column, span in pairs])

    def draw(self, codes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return codes of single values, where one code stands for several."""
        pairs = zip(self.columns, codes.T, strict=True)
        return np.column_stack([column.draw(own, rng) for column, own in pairs])

    def sums(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over the dense form of each column, of shape (n, n_columns).

        It is NaN for columns without any value, whose cells count as missing.
        """
        sums = np.column_stack([cells[:, span].sum(axis=1) for span in self.spans])
        sums[:, [column.width == 0 for column in self.columns]] = np.nan
        return sums


class TableRows(LazyRows):
    """Rows of a table as one number a cell.

    Parameters
    ----------
    codes : ndarray of shape (n, n_columns), float64
        Numbers, or numbers of levels; NaN where a cell is missing.
    columns : Columns
        What they stand for.
    """

    def __init__(self, codes: NDArray[np.float64], columns: Columns) -> None:
        self.codes = codes
        self.columns = columns

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of columns of the dense form."""
        return len(self.codes), self.columns.width

    @property
    def n_columns(self) -> int:
        """Number of columns of the table."""
        return len(self.columns)

    @property
    def dtype(self) -> np.dtype:
        """Type of the dense form."""
        return self.codes.dtype

    def __getitem__(self, index: slice | NDArray) -> TableRows:
        """Select rows."""
        return TableRows(self.codes[index], self.columns)

    def dense(self, index: slice | NDArray) -> NDArray:
        """Return some rows in the dense form."""
        return self.columns.expand(self.codes[index])

    def pieces(self) -> Iterator[NDArray]:
        """Yield the numbers, which a loss may have a domain for."""
        numeric = [c.kind == "numeric" for c in self.columns.columns]
        yield self.codes[:, numeric]

    def n_distinct(self) -> int:
        """Return the number of different rows."""
        return len(np.unique(np.where(np.isnan(self.codes), np.inf, self.codes), axis=0))

    def arrays(self) -> TableRows:
        """Return the rows as they are, which the adapter of tables takes."""
        return self

    def missing_columns(self) -> NDArray[np.intp]:
        """Return a column of the dense form for each column with a missing cell."""
        some = np.flatnonzero(np.isnan(self.codes).any(axis=0))
        spans = [self.columns.spans[j] for j in some]
        starts = sorted(span.start for span in spans if span.stop > span.start)
        return np.array(starts, dtype=np.intp)
