"""Columns of data frames and arrays, read and written whatever the library."""

from __future__ import annotations

from numbers import Number
from typing import Any

import narwhals
import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

_DAY = 86_400e6  # microseconds
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
        """Whether the column is of whole numbers."""
        return str(self.dtype[0]).lower().startswith(("int", "uint"))

    def fit_in(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers that the column can store."""
        if not self.whole:
            return numbers
        bounds = np.iinfo(str(self.dtype[0]).lower().partition("[")[0])  # int64[pyarrow]
        # float64 cannot hold the ends of 64 bits: the next numbers inwards.
        low, high = np.nextafter([float(bounds.min), float(bounds.max)], 0.0)
        return np.clip(np.round(numbers), min(0.0, low), high)

    def build(self, values: NDArray, index: Any = None) -> Any:
        """Return cells as a column of this type."""
        if self.backend is None:
            return values
        if self.backend == "pandas":
            return _pandas_column(self, values, index)
        return _narwhals_column(self, values)


def _pandas_column(type: ColumnType, values: NDArray, index: Any) -> pd.Series:
    # narwhals has one dtype for pandas' int64, Int64 and int64[pyarrow]: pandas' own name it is.
    name, *parameters = type.dtype
    if name == "category":
        dtype: Any = pd.CategoricalDtype(type.categories, ordered=type.ordered)
        return pd.Series(pd.Categorical(values, dtype=dtype), index=index, name=type.name)
    if values.dtype.kind == "M":
        unit, zone = parameters
        stamps = pd.Series(values, index=index, name=type.name).astype(f"datetime64[{unit}]")
        return stamps if zone is None else stamps.dt.tz_localize("UTC").dt.tz_convert(zone)
    return pd.Series(values, index=index, name=type.name).astype(name)


def _narwhals_column(type: ColumnType, values: NDArray) -> Any:
    name, *parameters = type.dtype
    backend: Any = type.backend
    dtype = getattr(narwhals, name)  # the stable interface has no Enum with categories
    zone = None
    if name == "Date":
        values = values.astype("datetime64[D]")
    elif name == "Datetime":
        unit, zone = parameters
        dtype = dtype(unit)
    elif name == "Enum":
        dtype = dtype(type.categories)
    cells = [int(v) for v in values] if type.whole else values.tolist()
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
        if self.frame:
            self.series = nw.from_native(native, series_only=True)
            dtype = self.series.dtype
        else:
            dtype = None
        self.kind, self.type = self._read_type(dtype)

    def _read_type(self, dtype: Any) -> tuple[str, ColumnType]:
        """Return the kind of the cells and how they are stored."""
        if not self.frame:
            kind = "number" if self.native.dtype.kind in "fiu" else self._kind_of_objects()
            return kind, ColumnType(self.name, None, (str(self.native.dtype),))
        backend = self.series.implementation.value
        pandas = backend == "pandas"
        categories, ordered = None, False
        parameters: tuple = ()
        if isinstance(dtype, nw.Categorical | nw.Enum):
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
            raise ValueError(
                f"Column {self.name!r} of X has dtype {dtype}, which is not understood; turn it "
                "into numbers, strings, categories, booleans or dates, or leave it out."
            )
        if pandas:
            stored = "category" if categories is not None else str(self.native.dtype)
        else:
            stored = type(dtype).__name__
        return kind, ColumnType(self.name, backend, (stored, *parameters), categories, ordered)

    def _kind_of_objects(self) -> str:
        observed = self.objects()[~self.missing()]
        kind = _OBJECTS.get(pd.api.types.infer_dtype(observed))
        if kind is None:
            examples = {type(c).__name__: c for c in observed}
            found = " and ".join(f"{name} ({c!r:.40})" for name, c in sorted(examples.items()))
            raise ValueError(
                f"Column {self.name!r} of X holds {found}; give it one type, for example by "
                "astype(str)."
            )
        return kind

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

    def numbers(self) -> NDArray[np.float64]:
        """Return the cells as numbers, NaN where they are missing."""
        if self.kind not in ("number", "boolean"):
            self.refuse("numbers")
            return np.full(len(self.objects()), np.nan)
        if self._numeric:
            cells = self._floats()
        else:
            cells = np.where(self.missing(), np.nan, self.objects()).astype(np.float64)
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

    def fill(self, cells: NDArray[np.bool_], values: NDArray) -> Any:
        """Return the column with values in some cells, and the others as they are.

        Parameters
        ----------
        cells : ndarray of shape (n,)
            The cells to fill.
        values : ndarray
            A value for each of them.
        """
        if self.type.whole:
            values = self.type.fit_in(values)
        if not self.frame:
            return _put(self.native, cells, values)
        if self.type.backend == "pandas":
            if values.dtype != object:
                values = self.type.build(values).array
            filled = _put(self.native.array, cells, values)
            return pd.Series(filled, index=self.native.index, name=self.name)
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
        raise ValueError(
            f"Column {self.name!r} of X held {expected} in fit, and holds {observed[0]!r:.60} now; "
            "convert it, or fit again."
        )


def _put(array: Any, cells: NDArray[np.bool_], values: Any) -> Any:
    """Return an array with values in some cells."""
    out = array.copy()
    out[cells] = values
    return out
