"""Tables of columns of any kind, as rows that are made dense a block at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, cast

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from sklearn_ae.data._accepted import check_cells
from sklearn_ae.data._columns import Column, Numeric, fit_column
from sklearn_ae.data._containers import Container, is_frame
from sklearn_ae.data._input_adapter import InputAdapter, Wrapper
from sklearn_ae.data._lazy_rows import LazyRows
from sklearn_ae.data._series import ColumnType, Series

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
            return objects_as_numbers(X) if _fits_numpy(X) else _as_numbers(X)
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


def categorical_columns(table: list[Series], given: ArrayLike | str | None) -> NDArray[np.bool_]:
    """Return which columns the user calls categorical, whatever their dtypes.

    Parameters
    ----------
    table : list of Series
        The columns.
    given : "from_dtype", array-like of bool, int or str, or None
        A mask, positions or names; "from_dtype" and None name none.

    Raises
    ------
    ValueError
        If a name or position is no column, a mask has another length, or columns that are
        categories by their dtype are left out.
    """
    out = np.zeros(len(table), dtype=bool)
    if isinstance(given, str):
        return out
    chosen = np.asarray([] if given is None else given)
    names = [s.name for s in table]
    if chosen.dtype.kind == "b":
        if chosen.shape != out.shape:
            raise ValueError(
                f"categorical_features is a mask of shape {chosen.shape}, but X has "
                f"{len(table)} columns; give one entry a column."
            )
        out = chosen
    else:
        for entry in chosen.tolist():
            if isinstance(entry, int) and entry not in names and -len(out) <= entry < len(out):
                out[entry] = True
            elif entry in names:
                out[names.index(entry)] = True
            else:
                raise ValueError(
                    f"categorical_features holds {entry!r}, which is no column of X; use names "
                    f"or positions of its {len(table)} columns."
                )
    for series, named in zip(table, out, strict=True):
        if series.kind in ("category", "ordered") and not named:
            raise ValueError(
                f"Column {series.name!r} of X holds categories, but "
                f"categorical_features={given!r:.60} leaves it out; add it, or use "
                'categorical_features="from_dtype".'
            )
    return out


def _fits_numpy(X: Any) -> bool:
    """Whether scikit-learn reads X as numbers; of frames, by their dtypes."""
    if isinstance(X, pd.DataFrame):
        dtypes = set(X.dtypes)
        if all(isinstance(d, np.dtype) and d.kind in "iuf" for d in dtypes):
            return True
        if all(isinstance(d, pd.SparseDtype) and d.fill_value == 0 for d in dtypes):
            return True
    elif not is_frame(X):
        return True
    found = set(nw.from_native(X, eager_only=True).schema.values())
    wide = {nw.Int128(), nw.UInt128()}
    return all(d.is_float() or (d.is_integer() and d not in wide) for d in found)


def _as_numbers(X: Any) -> Any:
    """Return a frame of numbers, of whatever dtypes, as one of float64."""
    return Container.of(X).wrap(np.column_stack([s.numbers() for s in read_table(X)]), X)


def objects_as_numbers(X: Any) -> Any:
    """Return nested lists and arrays of objects as numbers, NaN where a cell is missing.

    Parameters
    ----------
    X : object
        What a user passed; anything else comes back as it is.

    Raises
    ------
    TypeError, ValueError
        If a cell is no number, with its row and column.
    """
    cells = np.asarray(X) if isinstance(X, list | tuple) else X
    if not isinstance(cells, np.ndarray):
        return X
    check_cells(cells)
    if cells.ndim != 2:
        return X
    if cells.dtype.kind not in "OUS":
        return cells
    cells = np.where(pd.isna(cells), np.nan, cells) if cells.dtype == object else cells
    try:
        if not any(
            issubclass(t, np.datetime64 | np.timedelta64) for t in set(map(type, cells.flat))
        ):
            return cells.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    for position, cell in enumerate(cells.ravel().tolist()):
        try:
            if isinstance(cell, np.datetime64 | np.timedelta64):
                raise TypeError("an array of objects must be of numbers")
            float(cell)
        except (TypeError, ValueError, OverflowError) as error:
            i, j = divmod(position, cells.shape[1])
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"{error}: X holds {cell!r:.60} in row {i}, column {j}; replace it by a number or "
                "by NaN, or pass pd.DataFrame(X) if the column is of text, categories or dates."
            ) from error
    return cells


def read_numbers(X: Any, *, missing: bool = True) -> Any:
    """Return a frame or an array of numbers alone, in the same columns.

    Parameters
    ----------
    X : data frame or array
        What a user passed.
    missing : bool
        Whether cells may be missing.

    Raises
    ------
    ValueError
        If a column holds something else than numbers, or lacks one that has to be there.
    """
    if not is_frame(X):
        return objects_as_numbers(X)
    if isinstance(X, pd.DataFrame) and all(
        isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in X.dtypes
    ):
        return X
    columns = []
    for series in read_table(X):
        observed = np.flatnonzero(~series.missing())
        if series.kind not in ("number", "boolean") and len(observed):
            raise ValueError(
                f"Column {series.name!r} of X holds {series.objects()[observed[0]]!r:.60} in row "
                f"{observed[0]}, but sequences and images are of numbers; "
                f"{series.as_numbers()}, or leave it out."
            )
        cells = series.numbers()
        lacks = np.flatnonzero(np.isnan(cells))
        if len(lacks) and not missing:
            raise ValueError(
                f"Input X contains NaN: column {series.name!r}, row {lacks[0]}, and every cell is "
                "needed; fill it, for example with AutoencoderImputer, or leave the row out."
            )
        columns.append(cells)
    values, dtypes = np.column_stack(columns), set()
    if not isinstance(X, pd.DataFrame):
        dtypes = set(nw.from_native(X, eager_only=True).schema.values())
        if _fits_numpy(X) and not np.isnan(values).any():
            return X
    single = dtypes == {nw.Float32()}
    values = values.astype(np.float32 if single else np.float64, copy=False)
    return Container.of(X).wrap(values, X)


@np.errstate(invalid="ignore")  # scikit-learn adds up the cells, past infinity both ways
def read_table(X: Any, missing_values: Any = np.nan) -> list[Series]:
    """Return the columns of a frame or an array.

    Parameters
    ----------
    X : data frame or array of shape (n, n_columns)
        The table.
    missing_values : object
        What stands for a missing cell besides NaN, None and pandas' NA.

    Raises
    ------
    ValueError
        If X is not two-dimensional, is empty, or a column is of a type that is not understood.
    """
    if isinstance(X, pd.DataFrame):  # its labels may be anything
        columns = [(X.iloc[:, j], name) for j, name in enumerate(X.columns)]
    elif is_frame(X):
        series = nw.from_native(X, eager_only=True).iter_columns()
        columns = [(column.to_native(), column.name) for column in series]
    else:
        cells = check_array(X, dtype=None, ensure_all_finite="allow-nan", input_name="X")
        columns = [(column, j) for j, column in enumerate(cells.T)]
    if not columns or not len(X):
        check_array(np.empty((len(X), len(columns))), input_name="X")  # says what is wrong
    return [Series(column, name, missing_values) for column, name in columns]
