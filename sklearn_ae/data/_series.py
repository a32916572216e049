"""Columns of data frames and arrays, read and written whatever the library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Context, Decimal
from numbers import Integral, Number, Real
from typing import Any

import narwhals
import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_ae.data import _dtypes

_DAY = 86_400e6  # microseconds
# What 64 bits of nanoseconds hold around 1970, in any time zone.
_NANOSECONDS = np.timedelta64(106_750, "D")
_EPOCH = np.datetime64(0, "D")
# Kinds of cells that are Python objects, by what pandas calls them.
_OBJECTS = {
    "boolean": "boolean",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "string": "category",
    "empty": "category",
}


class ColumnType:
    """How a column is stored, by names and plain values alone.

    Parameters
    ----------
    name : object
        Label of the column.
    backend : str or None
        The data frame library; None for arrays.
    dtype : tuple
        Name of the dtype, followed by its parameters.
    categories : list, optional
        Levels of a categorical dtype, in their order.
    ordered : bool
        Whether that order means something.
    """

    def __init__(
        self,
        name: Any,
        backend: str | None,
        dtype: tuple,
        categories: list | None = None,
        ordered: bool = False,
    ) -> None:
        self.name = name
        self.backend = backend
        self.dtype = dtype
        self.categories = categories
        self.ordered = ordered

    @property
    def whole(self) -> bool:
        """Whether the dtype is one of whole numbers."""
        return self._bits is not None or (self.digits is not None and self.digits[1] <= 0)

    @property
    def _bits(self) -> tuple[str, int] | None:
        """Sign and number of bits of whole numbers."""
        found = re.match(r"(u?)int(\d+)", str(self.dtype[0]).lower())
        return None if found is None else (found[1], int(found[2]))

    @property
    def _nanoseconds(self) -> bool:
        """Whether points in time are stored as nanoseconds, whatever the library calls them."""
        return "ns" in self.dtype or "[ns" in str(self.dtype[0])

    @property
    def digits(self) -> tuple[int, int] | None:
        """Digits in all and after the point of decimal numbers."""
        found = re.match(r"decimal\d*\((\d+), (-?\d+)\)", str(self.dtype[0]).lower())
        return None if found is None else (int(found[1]), int(found[2]))

    def with_levels(self, levels: Sequence) -> ColumnType:
        """Return this type with further levels, where it states its levels."""
        if not self.categories:
            return self
        further = [v for v in levels if v is not None and v not in self.categories]
        stored = self.dtype[:1] if further else self.dtype  # they may be of another type
        return ColumnType(
            self.name, self.backend, stored, [*self.categories, *further], self.ordered
        )

    def fit_in(self, numbers: NDArray) -> NDArray:
        """Return numbers or points in time that the column can store; other values as they are."""
        if numbers.dtype.kind == "M" and self._nanoseconds:
            return np.clip(numbers, _EPOCH - _NANOSECONDS, _EPOCH + _NANOSECONDS)
        if numbers.dtype.kind != "f":
            return numbers
        if re.match("bool", str(self.dtype[0]).lower()):
            return numbers > 0.5
        if self.digits is not None:
            precision, scale = self.digits
            high = np.nextafter((10.0**precision - 1.0) / 10.0**scale, 0.0)
            return np.clip(numbers, -high, high)
        if self._bits is None:
            return numbers
        sign, bits = self._bits
        largest = 2 ** (bits if sign else bits - 1) - 1
        # float64 cannot hold the largest of 64 bits: the next number inwards.
        high = np.nextafter(float(largest), 0.0) if float(largest) > largest else float(largest)
        return np.clip(np.round(numbers), 0.0 if sign else -float(largest + 1), high)

    def build(self, values: Any, index: Any = None) -> Any:
        """Return cells as a column of this type."""
        if self.backend is None:
            return values
        if self.backend == "pandas":
            return _pandas_column(self, values, index)
        if self.backend == "pyarrow":
            arrow = _dtypes.arrow_from(self.dtype[1])
            cells = _dtypes.arrow_column(arrow, self.cells(values), self.categories)
            return _dtypes.as_arrow(cells)
        return _narwhals_column(self, values)

    def cells(self, values: Any) -> Any:
        """Return values as Python objects that a library can store; points in time as they are."""
        if isinstance(values, np.ndarray) and values.dtype.kind == "M":
            return values
        if self.digits is not None:
            step, wide = Decimal(1).scaleb(-self.digits[1]), Context(prec=100)
            return [None if pd.isna(v) else Decimal(v).quantize(step, context=wide) for v in values]
        if self.whole:
            return [None if pd.isna(v) else int(v) for v in values]
        return values.tolist() if isinstance(values, np.ndarray) else values


def _pandas_column(type: ColumnType, values: Any, index: Any) -> pd.Series:
    # narwhals has one dtype for pandas' int64, Int64 and int64[pyarrow]: pandas' own name it is.
    name, *parameters = type.dtype
    if name == "category":
        own = _dtypes.pandas_from(*parameters) if parameters else None
        levels = pd.Index(type.categories or [], dtype=own, tupleize_cols=False)
        dtype: Any = pd.CategoricalDtype(levels, ordered=type.ordered)
        cells = pd.Index(values, dtype=object, tupleize_cols=False)
        return pd.Series(pd.Categorical(cells, dtype=dtype), index=index, name=type.name)
    dtype = _dtypes.pandas_from(*type.dtype)
    if isinstance(dtype, pd.ArrowDtype):
        array = _dtypes.arrow_column(dtype.pyarrow_dtype, type.cells(values), type.categories)
        values = pd.arrays.ArrowExtensionArray(array)
    elif isinstance(dtype, pd.DatetimeTZDtype):
        values = pd.Series(values).dt.tz_localize("UTC").array
    # Objects stay objects at first: pandas makes text of pyarrow of them, if it is Unicode.
    held = values.dtype if isinstance(values, np.ndarray) else None
    return pd.Series(values, index=index, name=type.name, dtype=held).astype(dtype)


def _narwhals_column(type: ColumnType, values: Any) -> Any:
    name, *parameters = type.dtype
    backend: Any = type.backend
    cells = type.cells(values)
    if type.digits is not None:  # narwhals' Decimal has no digits, and only polars is left
        import polars

        return polars.Series(str(type.name), cells, dtype=polars.Decimal(*type.digits))
    # The stable interface has no Enum with categories. What has no type takes that of its cells.
    dtype: Any = None if name == "Unknown" else getattr(narwhals, name)
    zone = None
    if name == "Date":
        cells = cells.astype("datetime64[D]")
    elif name == "Datetime":
        unit, zone = parameters
        dtype = dtype(unit)
    elif name == "Enum":
        dtype = dtype(type.categories)
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        # Python's dates end with the year 9999, those of libraries do not.
        series = narwhals.new_series(str(type.name), cells, backend=backend).cast(dtype)
    else:
        cells = cells.tolist() if isinstance(cells, np.ndarray) else cells
        series = narwhals.new_series(str(type.name), cells, dtype, backend=backend)
    if zone is not None:
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return series.to_native()


class Series:
    """A column of a frame or an array.

    Parameters
    ----------
    native : object
        The column.
    name : object
        Its label.
    missing_values : object
        What stands for a missing cell besides NaN, None and pandas' NA.
    """

    def __init__(self, native: Any, name: Any, missing_values: Any = np.nan) -> None:
        self.name = name
        self.native = native
        self.missing_values = missing_values
        self._marked = not pd.isna(missing_values)
        self.frame = not isinstance(native, np.ndarray)
        self._cells: NDArray[np.object_] | None = None
        self._arrow = _dtypes.arrow_type(native)
        if self.frame:
            read = native if self._arrow is None else _dtypes.readable(native, self._arrow)
            self.series = nw.from_native(read, series_only=True)
        self.kind, self.type = self._read_type()

    def _read_type(self) -> tuple[str, ColumnType]:
        """Return the kind of the cells and how they are stored."""
        if not self.frame:
            kind = "number" if self.native.dtype.kind in "fiu" else self._kind_of_objects()
            return kind, ColumnType(self.name, None, (str(self.native.dtype),))
        dtype = self.series.dtype
        backend = self.series.implementation.value
        pandas = backend == "pandas"
        categories: list | None = None
        ordered = False
        parameters: tuple = ()
        if hasattr(self._arrow, "ordered"):  # a dictionary, whatever its values are
            ordered = self._arrow.ordered
            categories = _dtypes.levels_of_dictionary(self.native)
            kind = "ordered" if ordered else "category"
        elif isinstance(dtype, nw.Categorical | nw.Enum):
            ordered = pandas and bool(self.native.dtype.ordered)
            own = self.native.cat.categories if pandas else self.series.cat.get_categories()
            categories = list(own)
            kind = "ordered" if ordered else "category"
        elif dtype == nw.Boolean:
            kind = "boolean"
        elif dtype.is_numeric():
            kind = "number"
        elif dtype == nw.Datetime or dtype == nw.Date:
            kind = "date"
            if dtype == nw.Datetime:
                parameters = (dtype.time_unit, dtype.time_zone)
        elif dtype == nw.String:
            kind = "category"
        elif dtype in (nw.Object, nw.Unknown):
            kind = self._kind_of_objects()
        else:
            advice = _dtypes.conversion(type(dtype).__name__, self._library)
            raise ValueError(
                f"Column {self.name!r} of X has dtype {self._stored_dtype}, which is not "
                f"understood; {advice}, or leave it out."
            )
        if pandas:
            stored = _dtypes.pandas_names(self.native.dtype)
        elif self._arrow is not None:
            stored = (str(self._arrow), *_dtypes.arrow_names(self._arrow))
        elif dtype == nw.Decimal:
            stored = (f"Decimal({self.native.dtype.precision}, {self.native.dtype.scale})",)
        else:
            stored = (type(dtype).__name__, *parameters)
        return kind, ColumnType(self.name, backend, stored, categories, ordered)

    @property
    def _library(self) -> str | None:
        """Where the column is from, as advice is given for."""
        if not self.frame:
            return None
        backend = self.series.implementation.value
        arrow = self._arrow is not None and backend == "pandas"
        return "pandas arrow" if arrow else backend

    @property
    def _stored_dtype(self) -> Any:
        return self._arrow if self._arrow is not None else self.native.dtype

    def _kind_of_objects(self) -> str:
        observed = self.objects()[~self.missing()]
        found = pd.api.types.infer_dtype(observed)
        kind = _OBJECTS.get(found)
        if kind is None:
            examples = {type(c).__name__: c for c in observed}
            if all(isinstance(c, Real | Decimal) for c in examples.values()):
                found = "mixed-numbers" if len(examples) > 1 else found
            elif found == "mixed" and any(map(pd.api.types.is_scalar, examples.values())):
                found = "mixed-integer"
            held = " and ".join(f"{name} ({c!r:.40})" for name, c in sorted(examples.items()))
            advice = _dtypes.conversion(found, self._library)
            raise ValueError(f"Column {self.name!r} of X holds {held}; {advice}.")
        return kind

    def as_numbers(self) -> str:
        """Return how to make numbers of the column."""
        return _dtypes.conversion("dated" if self.kind == "date" else "text", self._library)

    def __len__(self) -> int:
        return len(self.native)

    def missing(self) -> NDArray[np.bool_]:
        """Return where nothing was observed."""
        if self._numeric:
            return np.isnan(self._floats())
        return np.asarray(pd.isna(self.objects()), dtype=bool)

    def objects(self) -> NDArray[np.object_]:
        """Return the cells as Python objects."""
        if self._cells is None:
            cells = self.native.tolist() if not self.frame else self.series.to_list()
            self._cells = np.empty(len(cells), dtype=object)
            self._cells[:] = cells
            if self._marked:
                marked = [c is not pd.NA and bool(c == self.missing_values) for c in cells]
                self._cells[marked] = None
        return self._cells

    @property
    def _numeric(self) -> bool:
        """Whether the library stores numbers."""
        return self.series.dtype.is_numeric() if self.frame else self.native.dtype.kind in "fiu"

    def _floats(self) -> NDArray[np.float64]:
        """Return what the library stores as numbers, NaN where they are missing."""
        cells = self.series.cast(nw.Float64).to_numpy() if self.frame else self.native
        if self._marked and isinstance(self.missing_values, Number):
            cells = np.where(cells == self.missing_values, np.nan, cells)
        return np.asarray(cells, dtype=np.float64)

    @property
    def text(self) -> bool:
        """Whether every cell that is observed is text."""
        return self.kind in ("category", "ordered") and all(
            isinstance(cell, str) for cell in set(self.objects()[~self.missing()])
        )

    def numbers(self) -> NDArray[np.float64]:
        """Return the cells as numbers, NaN where they are missing."""
        if self.kind not in ("number", "boolean"):
            self.refuse("numbers")
            return np.full(len(self.objects()), np.nan)
        if self._numeric:
            cells = self._floats()
        else:
            try:
                cells = np.where(self.missing(), np.nan, self.objects()).astype(np.float64)
            except OverflowError as error:
                raise ValueError(
                    f"Column {self.name!r} of X holds whole numbers beyond 1.8e308, the largest "
                    "float64; replace them by numbers or by NaN."
                ) from error
        if np.isinf(cells).any():
            raise ValueError(
                f"Column {self.name!r} of X contains infinity; replace it by a number or by NaN."
            )
        return cells

    def days(self) -> NDArray[np.float64]:
        """Return points in time as days since 1970, NaN where they are missing."""
        if self.kind != "date":
            self.refuse("dates")
            return np.full(len(self.objects()), np.nan)
        try:
            stamps = self.series.dt.timestamp("us")
        except (ValueError, OverflowError) as error:
            raise ValueError(f"Column {self.name!r} of X holds a date out of range.") from error
        missing = self.series.is_null().to_numpy()
        return np.where(missing, np.nan, stamps.fill_null(0).to_numpy() / _DAY)

    @property
    def whole(self) -> bool:
        """Whether a column of numbers is one of whole numbers.

        That is for its dtype to say, but in frames where the dtype may not be the user's choice:
        objects are what they hold, and numpy's integers become floats beside a missing cell.
        """
        if self.type.whole or not self.frame or self.type.digits is not None:
            return self.type.whole
        cells = self.numbers()
        missing = np.isnan(cells)
        if not (missing | (cells == np.floor(cells))).all():
            return False
        if self._numeric:
            return bool(missing.any())
        return all(isinstance(cell, Integral) for cell in self.objects()[~missing])

    def fill(self, cells: NDArray[np.bool_], values: NDArray) -> Any:
        """Return the column with values in some cells, and the others as they are.

        Parameters
        ----------
        cells : ndarray of shape (n,)
            The cells to fill.
        values : ndarray
            A value for each of them.
        """
        values = self.type.fit_in(values)
        if not self.frame:
            return _put(self.native, cells, values)
        index = getattr(self.native, "index", None)
        if self._arrow is not None:
            filled = np.empty(len(cells), dtype=object)
            filled[:] = _dtypes.as_arrow(self.native).to_pylist()
            filled[cells] = _dtypes.as_arrow(self.type.build(values)).to_pylist()
            return self.type.build(filled, index)
        if self.type.backend == "pandas":
            if values.dtype != object or self._numeric:
                values = self.type.build(values).array
            filled = _put(self.native.array, cells, values)
            return pd.Series(filled, index=index, name=self.name, dtype=self.native.dtype)
        if values.dtype.kind == "M":
            stamps = nw.from_native(self.type.build(values), series_only=True)
            return self.series.scatter(np.flatnonzero(cells).tolist(), stamps).to_native()
        return self.type.build(_put(self.objects(), cells, values))

    def refuse(self, expected: str) -> None:
        """Raise if something was observed, which is not what `fit` saw."""
        cells = self.objects()
        observed = cells[~self.missing()]
        if not len(observed):  # nothing to contradict
            return
        cell = observed[0]
        if expected == "numbers":  # most cells of a column of text may read as such
            cell = next((each for each in observed if not _reads_as_number(each)), cell)
        raise ValueError(
            f"Column {self.name!r} of X held {expected} in fit, and holds {cell!r:.60} now; "
            "convert it, or fit again."
        )


def _reads_as_number(cell: Any) -> bool:
    """Whether a cell is a number, or text of one."""
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def _put(array: Any, cells: NDArray[np.bool_], values: Any) -> Any:
    """Return an array with values in some cells."""
    out = array.copy()
    out[cells] = values
    return out
