"""The input adapter of tables, and what puts rows back into their form."""

from __future__ import annotations

import copy
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from sklearn_ae.data._columns import Column, Numeric, fit_column
from sklearn_ae.data._containers import Container, is_frame
from sklearn_ae.data._input_adapter import InputAdapter, Wrapper
from sklearn_ae.data._series import ColumnType, Series
from sklearn_ae.data._table_reading import (
    as_numbers,
    categorical_columns,
    fits_numpy,
    objects_as_numbers,
    read_table,
)
from sklearn_ae.data._table_rows import Columns, TableRows


class _TableContainer:
    """Puts the dense form of rows into the frame or array that a table came in.

    Parameters
    ----------
    columns : Columns
        What `fit` saw.
    container : Container
        What rows go into.
    types : list of ColumnType, optional
        How the container stores its columns; as in `fit` by default.
    """

    def __init__(
        self, columns: Columns, container: Container, types: list[ColumnType] | None = None
    ) -> None:
        self.columns = columns
        self.container = container
        self.types = [c.type for c in columns.columns] if types is None else types

    @property
    def labels(self) -> list:
        """Column labels of the frame."""
        return self.container.columns

    def wrap(self, values: NDArray, like: Any = None) -> Any:
        """Return a table of the columns' own types."""
        return self.decoded(self.columns.collapse(values), like)

    def decoded(self, codes: NDArray[np.float64], like: Any = None) -> Any:
        """Return a table of codes."""
        index = like.index if isinstance(like, pd.DataFrame) else None
        pairs = zip(self.columns.columns, self.types, codes.T, strict=True)
        return self.container.join([c.decode(cells, index, type) for c, type, cells in pairs])

    def wrap_errors(self, values: NDArray, like: Any = None) -> Any:
        """Return a number for each cell of the table."""
        return self.container.wrap(values, like)


class Table(InputAdapter):
    """Rows as a matrix, or as `TableRows` where columns are of several kinds.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like of bool, int or str, or None
        Which columns are categorical.
    numeric_map : {"robust", "quantile"} or None
        What numbers are mapped by.
    """

    options = ("categorical_features", "numeric_map")
    # Whether columns of flags are read as numbers, for losses of columns of one kind.
    counts_flags = False
    types: list[ColumnType] | None = None
    # Of each column, how many cells hold each level, where `fit` is not given all rows.
    counted: list[tuple[pd.Series, int] | None] | None = None

    def __init__(
        self,
        categorical_features: ArrayLike | str | None = "from_dtype",
        numeric_map: str | None = None,
    ) -> None:
        self.categorical_features = categorical_features
        self.numeric_map = numeric_map
        self.columns: Columns | None = None

    def fit(self, X: Any) -> Table:
        """Decide the kinds of columns, unless all are plain numbers."""
        if isinstance(X, TableRows):
            self.columns = X.columns
            return self
        given = self.categorical_features
        by_dtype = given is None or (isinstance(given, str) and given == "from_dtype")
        if by_dtype and not is_frame(X) and self.numeric_map is None:
            return self
        table = read_table(X)
        categorical = categorical_columns(table, given)
        kinds = ("number", "boolean") if self.counts_flags else ("number",)
        plain = all(s.kind in kinds for s in table) and self.numeric_map is None
        if plain and not categorical.any():
            self.types = [series.type for series in table]
            return self
        counted, self.counted = self.counted or [None] * len(table), None
        columns = Columns(
            [
                fit_column(
                    series, categorical=bool(named), numeric_map=self.numeric_map, counted=levels
                )
                for series, named, levels in zip(table, categorical, counted, strict=True)
            ]
        )
        if not columns.width:
            raise ValueError(
                f"X has {len(table)} columns, and none of them holds a value in any row; pass "
                "rows with some."
            )
        self.columns = columns
        return self

    def following(self, X: Any, names: list[str]) -> tuple[Table, NDArray[np.intp]]:
        """Return an adapter of a frame with other columns; see `InputAdapter`."""
        table, place = read_table(X), {name: j for j, name in enumerate(names)}
        known = [place.get(series.name, -1) for series in table]
        if max(known) < 0:
            raise ValueError(
                f"X has the columns {[s.name for s in table]!r:.200}, and none of {names!r:.200}, "
                "which fit saw; pass rows with some of them, or set warm_start=False."
            )
        adapter = copy.copy(self)
        adapter.empty = tuple(j for j, before in enumerate(known) if before in self.empty)
        categories = categorical_columns(table, self.categorical_features)
        numbers = all(s.kind == "number" for s in table) and not categories.any()
        columns: list[Column] = []
        for series, categorical, before in zip(table, categories, known, strict=True):
            if before < 0:
                numeric_map, named = self.numeric_map, bool(categorical)
                columns.append(fit_column(series, categorical=named, numeric_map=numeric_map))
            elif self.columns is None:
                series.numbers()  # or it says that they are none
                columns.append(Numeric.plain(series))
            else:
                columns.append(self.columns.columns[before])
                columns[-1].encode(series)  # or it says that it holds something else
        if self.columns is None and numbers:
            return adapter, np.array(known)
        adapter.columns = Columns(columns)
        index = np.full(adapter.columns.width, -1)
        for before, span in zip(known, adapter.columns.spans, strict=True):
            if before >= 0:
                first = before if self.columns is None else self.columns.spans[before].start
                index[span] = np.arange(first, first + span.stop - span.start)
        return adapter, index

    @property
    def tabular(self) -> bool:  # type: ignore[override]
        """Whether columns are of several kinds."""
        return self.columns is not None

    def rows(self, X: Any) -> Any:
        """Return X as numbers, or as the codes of its columns."""
        if isinstance(X, TableRows):
            return X
        if self.columns is None:
            return objects_as_numbers(X) if fits_numpy(X) else as_numbers(X)
        return TableRows(self.columns.encode(read_table(X)), self.columns)

    def note(self, values: Any, X: Any) -> None:
        """Note which columns of checked rows hold no value."""
        self.empty = ()
        if not issparse(values) and (values[0] != values[0]).any():  # NaN, in arrays and tensors
            lacks = (values != values).all(0).tolist()
            self.empty = tuple(j for j, none in enumerate(lacks) if none)

    def scale(self, values: Any) -> Any:
        """Return checked rows; cells of columns without any value in `fit` are missing."""
        if self.empty and not issparse(values):
            values = values.clone() if torch.is_tensor(values) else values.copy()
            values[:, list(self.empty)] = np.nan
        return values

    def named(self, X: Any) -> Any:
        """Return what holds the names of the features."""
        return X

    def column(self, feature: int) -> Column | None:
        """Return how a column of X is read, if columns are of several kinds."""
        return None if self.columns is None else self.columns.columns[feature]

    def place(self, feature: int) -> int:
        """Return where a network sees the first part of a column of X."""
        return feature if self.columns is None else self.columns.spans[feature].start

    def cells(self, feature: int, codes: NDArray[np.float64]) -> NDArray:
        """Return the cells of a column of X that numbers or codes come back as."""
        if self.columns is not None:
            return np.asarray(self.columns.columns[feature].values(codes))
        return codes if self.types is None else self.types[feature].fit_in(codes)

    @property
    def without_values(self) -> list[int]:
        """Columns of X in which `fit` saw no value."""
        if self.columns is None:
            return list(self.empty)
        return [j for j, column in enumerate(self.columns.columns) if column.width == 0]

    def drawn(self, values: Any, rng: np.random.Generator) -> Any:
        """Return draws of a network as numbers, or as the codes of columns."""
        if self.columns is None:
            return values
        return self.columns.draw(self.columns.collapse(values), rng)

    def stored(self, container: Wrapper) -> Wrapper:
        """Return what puts draws into the dtypes of `fit`."""
        if self.columns is not None:
            return _DecodedContainer(cast(_TableContainer, container))
        if self.types is not None:
            return _StoredContainer(cast(Container, container), self.types)
        return container

    def described(
        self,
        X: Any,
        values: Any,
        row: list[int],
        column: list[int],
        observed: NDArray,
        expected: NDArray,
    ) -> list[list]:
        """Return labels of cells, what they hold and what was expected there, as X has it."""
        if self.columns is None:
            return super().described(X, values, row, column, observed, expected)
        table, container = read_table(X), cast(_TableContainer, self.container(X))
        replaced = np.empty(len(column), dtype=object)
        for j in sorted(set(column)):
            at = np.flatnonzero(np.equal(column, j))
            own, type = self.columns.columns[j], container.types[j]
            replaced[at] = Series(own.decode(expected[at], None, type), type.name).objects()
        held = [table[j].objects()[i] for i, j in zip(row, column, strict=True)]
        return [[table[j].name for j in column], held, replaced.tolist()]

    def container(self, X: Any) -> Wrapper:
        """Return what puts rows into the form of X."""
        own = Container.of(X)
        if self.columns is None:
            return own
        columns = self.columns.columns
        if own.backend == columns[0].type.backend or isinstance(X, TableRows):
            return _TableContainer(self.columns, own)
        pairs = zip(read_table(X), columns, strict=True)
        types = [series.type.with_levels(getattr(c, "levels", [])) for series, c in pairs]
        return _TableContainer(self.columns, own, types)


class _DecodedContainer:
    """Puts the codes of a table into the frame or array that it came in.

    Parameters
    ----------
    container : _TableContainer
        The same for the dense form.
    """

    def __init__(self, container: _TableContainer) -> None:
        self.container = container

    def wrap(self, values: NDArray, like: Any = None) -> Any:
        """Return a table of the columns' own types."""
        return self.container.decoded(values, like)

    def wrap_errors(self, values: NDArray, like: Any = None) -> Any:
        """Return a number for each cell of the table."""
        return self.container.wrap_errors(values, like)


class _StoredContainer:
    """Puts a matrix into the frame and the dtypes that it came in.

    Parameters
    ----------
    container : Container
        The frame.
    types : list of ColumnType
        Dtypes of its columns.
    """

    def __init__(self, container: Container, types: list[ColumnType]) -> None:
        self.container = container
        self.types = types

    def wrap(self, values: NDArray, like: Any = None) -> Any:
        """Return a frame of the columns' own types."""
        index = like.index if isinstance(like, pd.DataFrame) else None
        pairs = zip(self.types, np.asarray(values).T, strict=True)
        return self.container.join([type.build(type.fit_in(cells), index) for type, cells in pairs])

    def wrap_errors(self, values: NDArray, like: Any = None) -> Any:
        """Return a number for each cell."""
        return self.container.wrap(values, like)
