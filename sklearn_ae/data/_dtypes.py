"""Dtypes of columns as plain values, and the conversions that keep what a column means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

# What stands for no value in columns of text, as in SimpleImputer.
NO_TEXT = "missing_value"
_DATES = "pd.to_datetime(column)"
_SPANS = "pd.to_timedelta(column).dt.total_seconds()"
# Where a kind of cell is refused: what to make of the column, and the expression that does it in
# each library.
_CONVERSIONS: dict[str, tuple[str, dict[str, str]]] = {
    "timedelta": (
        "turn it into numbers of one unit",
        {
            "pandas": _SPANS,
            "pandas arrow": "column.dt.total_seconds()",
            "polars": "column.to_physical()",
            "pyarrow": 'column.cast("int64")',
        },
    ),
    "time": (
        "turn it into numbers since midnight",
        {
            "pandas": 'pd.to_timedelta(column.astype("string")).dt.total_seconds()',
            "polars": "column.to_physical()",
            "pyarrow": 'column.cast("time64[ns]").cast("int64")',
        },
    ),
    "date": ("turn it into dates of the library", {"pandas": _DATES}),
    "datetime": ("turn it into dates of the library", {"pandas": _DATES}),
    "decimal": ("turn it into numbers", {"pandas": "column.astype(float)"}),
    "period": ("turn it into dates", {"pandas": "pd.PeriodIndex(column).to_timestamp()"}),
    "interval": (
        "turn it into the middles of its intervals",
        {"pandas": "pd.IntervalIndex(column).mid"},
    ),
    "complex": (
        "turn it into two columns, of real and of imaginary parts",
        {"pandas": "column.map(np.real)"},
    ),
    "bytes": (
        "turn it into text",
        {
            "pandas": 'column.str.decode("utf-8")',
            "pandas arrow": 'column.astype("string[pyarrow]")',
            "polars": "column.cast(pl.String)",
            "pyarrow": 'column.cast("string")',
        },
    ),
    "text": (
        "convert the column",
        {
            "pandas": "pd.to_numeric(column)",
            "polars": "column.cast(pl.Float64)",
            "pyarrow": 'column.cast("float64")',
        },
    ),
    "dated": (
        "convert the column into times since its first",
        {
            "pandas": "(column - column.min()).dt.total_seconds()",
            "polars": "column.to_physical() - column.to_physical().min()",
        },
    ),
    "nested": ("turn it into a column for each element or field", {}),
    "mixed-integer": (
        "give it one type",
        {"pandas": 'column.astype("string")'},
    ),
    "mixed-numbers": ("give it one type", {"pandas": "column.astype(float)"}),
}
# narwhals' dtypes of kinds that are refused.
_REFUSED = {
    "Duration": "timedelta",
    "Time": "time",
    "Binary": "bytes",
    "List": "nested",
    "Array": "nested",
    "Struct": "nested",
}


def conversion(kind: str, library: str | None) -> str:
    """Return what to make of a column of a kind that is refused, and how.

    Parameters
    ----------
    kind : str
        A dtype of narwhals, or what pandas infers of objects.
    library : {"pandas", "pandas arrow", "polars", "pyarrow"} or None
        Where the column is from; None for arrays, which have the words of pandas.
    """
    kind = _REFUSED.get(kind, kind)
    kind = {"timedelta64": "timedelta", "datetime64": "datetime"}.get(kind, kind)
    words, codes = _CONVERSIONS.get(kind, _CONVERSIONS["nested"])
    library = library or "pandas"
    code = codes.get(library, codes.get(library.partition(" ")[0]))
    return words + ("" if code is None else f", for example by {code}")


def arrow_type(native: Any) -> Any:
    """Return pyarrow's type of a column of pandas or pyarrow; None where it has none."""
    if isinstance(getattr(native, "dtype", None), pd.ArrowDtype):
        return native.dtype.pyarrow_dtype
    own = getattr(native, "type", None)
    return own if type(own).__module__ == "pyarrow.lib" else None


def is_half(native: Any) -> bool:
    """Whether a column is of pyarrow's floats of 16 bits."""
    arrow = arrow_type(native)
    if arrow is None:
        return False
    import pyarrow as pa

    return pa.types.is_float16(arrow)


def readable(native: Any, arrow: Any) -> Any:
    """Return a column of a pyarrow type as one that narwhals knows, with the same values."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow):
        read = arrow.value_type
    elif pa.types.is_decimal(arrow):
        read = pa.float64()
    elif pa.types.is_date64(arrow):
        read = pa.date32()
    else:
        return native
    array = as_arrow(native).cast(read)
    return pd.Series(pd.arrays.ArrowExtensionArray(array)) if is_pandas(native) else array


def is_pandas(native: Any) -> bool:
    """Whether a column is of pandas."""
    return isinstance(native, pd.Series)


def as_arrow(native: Any) -> Any:
    """Return a column of pyarrow's types as a chunked array."""
    import pyarrow as pa

    array = pa.array(native) if is_pandas(native) else native
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def levels_of_dictionary(native: Any) -> list:
    """Return the values of a dictionary array, in their order."""
    array = as_arrow(native).unify_dictionaries()
    return array.chunk(0).dictionary.to_pylist() if array.num_chunks else []


def arrow_names(type: Any) -> tuple:
    """Return pyarrow's type as bytes that `arrow_from` reads."""
    import pyarrow as pa

    return (pa.schema([("", type)]).serialize().to_pybytes(),)


def arrow_from(names: bytes) -> Any:
    """Return the type that bytes of `arrow_names` stand for."""
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(names)).field(0).type


def pandas_names(dtype: Any) -> tuple:
    """Return a dtype of pandas as a name and parameters."""
    if isinstance(dtype, pd.ArrowDtype):
        return (str(dtype), *arrow_names(dtype.pyarrow_dtype))
    if isinstance(dtype, pd.StringDtype):
        return (str(dtype), dtype.storage)
    if isinstance(dtype, pd.CategoricalDtype):
        return ("category", *pandas_names(dtype.categories.dtype))
    if isinstance(dtype, np.dtype) and not dtype.isnative:
        return (dtype.name, dtype.str)
    return (str(dtype),)


def pandas_from(name: str, *parameters: Any) -> Any:
    """Return the dtype of pandas that a name and parameters stand for, but for categories."""
    first = parameters[0] if parameters else None
    if isinstance(first, bytes):
        return pd.ArrowDtype(arrow_from(first))
    if name == "str" and pd.__version__ < "3":
        return np.dtype(object)  # which text is of there
    if name == "str" and first is not None:
        return pd.StringDtype(first, na_value=np.nan)
    if name == "string" and first is not None:
        return pd.StringDtype(first)
    if isinstance(first, str) and first.startswith((">", "<")):
        return np.dtype(first)
    return pd.api.types.pandas_dtype(name)


def arrow_column(type: Any, values: Any, categories: list | None) -> Any:
    """Return an array of a pyarrow type.

    Parameters
    ----------
    type : pyarrow.DataType
        The type.
    values : ndarray or list
        Cells: points in time, or Python objects, None where one is missing.
    categories : list or None
        Values of an ordered dictionary, in their order.
    """
    import pyarrow as pa

    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        unit = type.unit if pa.types.is_timestamp(type) else "D"
        return pa.array(values.astype(f"datetime64[{unit}]")).cast(type)
    if pa.types.is_float16(type):  # older versions take only numpy's own
        cells = np.array([np.nan if v is None else v for v in values], dtype=np.float16)
        return pa.array(cells, mask=np.isnan(cells))
    if pa.types.is_dictionary(type) and type.ordered:
        found = pd.Index(categories or [], dtype=object).get_indexer(pd.Index(values, dtype=object))
        index = pa.array(found, mask=found < 0).cast(type.index_type)
        levels = pa.array(categories, type=type.value_type)
        return pa.DictionaryArray.from_arrays(index, levels, ordered=True)
    return pa.array(values, type=type)
