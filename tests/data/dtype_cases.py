"""A column of each dtype of pandas, polars and pyarrow, and what a table makes of it.

`python -m tests.data.dtype_cases` writes the table of the user guide.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from sklearn_ae.data import Column, Table

N = 40
GROUP = np.random.default_rng(0).integers(0, 3, N)
DAY = dt.datetime(2020, 1, 1)
STAMPS = [DAY + dt.timedelta(days=int(g) * 100 + i) for i, g in enumerate(GROUP)]
CELLS: dict[str, list] = {
    "numbers": [float(g) + 0.5 for g in GROUP],
    "whole": [int(g) for g in GROUP],
    "booleans": [bool(g > 0) for g in GROUP],
    "text": [["Ulm", "Bonn", "Kiel"][g] for g in GROUP],
    "bytes": [[b"Ulm", b"Bonn", b"Kiel"][g] for g in GROUP],
    "stamps": STAMPS,
    "dates": [stamp.date() for stamp in STAMPS],
    "times": [dt.time(int(g), 30) for g in GROUP],
    "spans": [dt.timedelta(hours=int(g)) for g in GROUP],
    "decimals": [Decimal(int(g) * 100 + 25) / 100 for g in GROUP],
    "complex": [complex(g, 1) for g in GROUP],
    "lists": [[int(g), 1] for g in GROUP],
    "records": [{"a": int(g)} for g in GROUP],
}
CELLS["empty"] = [None] * N


class Case(NamedTuple):
    """A dtype: the library, its name, the cells, and what makes a column of them."""

    library: str
    dtype: str
    cells: str
    make: Callable[[list], Any]
    missing: bool = True

    def column(self) -> Any:
        """Return a column, with the fourth cell missing where the dtype can hold that.

        A test is skipped where a library is not installed, or its version lacks the dtype.
        """
        for library in {self.library, "pyarrow" if "pyarrow]" in self.dtype else self.library}:
            pytest.importorskip(library)
        cells = list(CELLS[self.cells])
        if self.missing:
            cells[3] = None
        try:
            return self.make(cells)
        except (AttributeError, NotImplementedError) as error:
            pytest.skip(f"{self.id}: {error}")

    @property
    def id(self) -> str:
        """Name of the test."""
        return f"{self.library} {self.dtype}"


def _pandas(dtype: Any, cells: str, name: str = "", missing: bool = True) -> Case:
    return Case("pandas", name or str(dtype), cells, lambda v: pd.Series(v, dtype=dtype), missing)


def _objects(name: str, cells: str, convert: Callable | None = None) -> Case:
    def make(values: list) -> pd.Series:
        new = [v if v is None or convert is None else convert(v) for v in values]
        return pd.Series(new, dtype=object)

    return Case("pandas", f"object of {name}", cells, make)


def _through_numpy(dtype: str, cells: str) -> Case:
    return Case("pandas", dtype, cells, lambda v: pd.Series(np.array(v, dtype=dtype)), False)


_WHOLE = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_UNITS = ("s", "ms", "us", "ns")


def _of_numpy() -> list[Case]:
    cases = [_through_numpy(name, "whole") for name in _WHOLE]
    cases += [_through_numpy(name, "numbers") for name in ("float16", "float32", "float64")]
    cases += [_through_numpy(">i4", "whole"), _through_numpy(">f8", "numbers")]
    cases += [_through_numpy("bool", "booleans"), _through_numpy("complex128", "complex")]
    cases += [_pandas(f"datetime64[{unit}]", "stamps") for unit in _UNITS]
    cases += [_pandas("datetime64[us, Europe/Berlin]", "stamps")]
    cases += [_pandas(f"timedelta64[{unit}]", "spans") for unit in _UNITS]
    return cases


def _of_pandas() -> list[Case]:
    levels = ["Ulm", "Bonn", "Kiel"]
    cases = [_pandas(name.title().replace("Ui", "UI"), "whole") for name in _WHOLE]
    cases += [_pandas(name, "numbers") for name in ("Float32", "Float64")]
    cases += [_pandas("boolean", "booleans")]
    cases += [_pandas("str", "text"), _pandas("string[python]", "text")]
    cases += [_pandas("category", "text")]
    cases += [_pandas("category", "whole", "category of integers")]
    cases += [_pandas(pd.CategoricalDtype(levels, ordered=True), "text", "ordered category")]
    cases += [_pandas("period[D]", "dates"), _pandas("Sparse[float64]", "numbers", missing=False)]
    cut = pd.IntervalIndex.from_breaks([-1, 0, 1, 2])
    cases += [_pandas("interval", "whole", "interval[int64, right]")._replace(make=_intervals(cut))]
    cases += [
        _objects("str", "text"),
        _objects("bool", "booleans"),
        _objects("int", "whole"),
        _objects("float", "numbers"),
        _objects("Decimal", "decimals"),
        _objects("date", "dates"),
        _objects("datetime", "stamps"),
        _objects("Timestamp", "stamps", pd.Timestamp),
        _objects("time", "times"),
        _objects("timedelta", "spans"),
        _objects("Period", "dates", lambda v: pd.Period(v, "D")),
        _objects("Interval", "whole", lambda v: pd.Interval(v, v + 1)),
        _objects("complex", "complex"),
        _objects("bytes", "bytes"),
        _objects("list", "lists"),
        _objects("dict", "records"),
        _objects("str and int", "whole", lambda v: v or "none"),
        _objects("None", "empty"),
    ]
    return cases


def _intervals(cut: pd.IntervalIndex) -> Callable:
    def make(values: list) -> pd.Series:
        return pd.Series(pd.arrays.IntervalArray([None if v is None else cut[v] for v in values]))

    return make


def _of_arrow() -> list[tuple[str, Callable, str]]:
    zone = "Europe/Berlin"
    types = [(f"{name}", lambda a, n=name: getattr(a, n)(), "whole") for name in _WHOLE]
    types += [
        ("halffloat", lambda a: a.float16(), "numbers"),
        ("float", lambda a: a.float32(), "numbers"),
        ("double", lambda a: a.float64(), "numbers"),
        ("bool", lambda a: a.bool_(), "booleans"),
        ("string", lambda a: a.string(), "text"),
        ("large_string", lambda a: a.large_string(), "text"),
        ("string_view", lambda a: a.string_view(), "text"),
        ("dictionary", lambda a: a.dictionary(a.int32(), a.string()), "text"),
        ("decimal32(7, 2)", lambda a: a.decimal32(7, 2), "decimals"),
        ("decimal64(12, 2)", lambda a: a.decimal64(12, 2), "decimals"),
        ("decimal128(12, 2)", lambda a: a.decimal128(12, 2), "decimals"),
        ("decimal256(40, 2)", lambda a: a.decimal256(40, 2), "decimals"),
        ("date32[day]", lambda a: a.date32(), "dates"),
        ("date64[ms]", lambda a: a.date64(), "dates"),
    ]
    types += [(f"timestamp[{u}]", lambda a, u=u: a.timestamp(u), "stamps") for u in _UNITS]
    types += [(f"timestamp[us, tz={zone}]", lambda a: a.timestamp("us", zone), "stamps")]
    types += [(f"duration[{u}]", lambda a, u=u: a.duration(u), "spans") for u in _UNITS]
    types += [
        ("time32[s]", lambda a: a.time32("s"), "times"),
        ("time64[us]", lambda a: a.time64("us"), "times"),
        ("binary", lambda a: a.binary(), "bytes"),
        ("list<int64>", lambda a: a.list_(a.int64()), "lists"),
        ("fixed_size_list<int64>[2]", lambda a: a.list_(a.int64(), 2), "lists"),
        ("struct<a: int64>", lambda a: a.struct([("a", a.int64())]), "records"),
        ("null", lambda a: a.null(), "empty"),
    ]
    return types


def _pyarrow(name: str, type: Callable, cells: str) -> list[Case]:
    def array(values: list) -> Any:
        import pyarrow

        if name == "halffloat":
            values = [None if v is None else np.float16(v) for v in values]
        return pyarrow.array(values, type(pyarrow))

    def series(values: list) -> pd.Series:
        return pd.Series(pd.arrays.ArrowExtensionArray(array(values)))

    return [
        Case("pandas", f"{name}[pyarrow]", cells, series),
        Case("pyarrow", name, cells, array),
    ]


def _polars(name: str, dtype: Callable, cells: str) -> Case:
    def make(values: list) -> Any:
        import polars

        return polars.Series(values, dtype=dtype(polars))

    return Case("polars", name, cells, make)


def _of_polars() -> list[Case]:
    bits = [f"{sign}{n}" for sign in ("Int", "UInt") for n in (8, 16, 32, 64, 128)]
    cases = [_polars(name, lambda p, n=name: getattr(p, n), "whole") for name in bits]
    cases += [
        _polars(name, lambda p, n=name: getattr(p, n), cells)
        for name, cells in [
            ("Float16", "numbers"),
            ("Float32", "numbers"),
            ("Float64", "numbers"),
            ("Boolean", "booleans"),
            ("String", "text"),
            ("Categorical", "text"),
            ("Date", "dates"),
            ("Time", "times"),
            ("Binary", "bytes"),
            ("Object", "records"),
            ("Null", "empty"),
        ]
    ]
    cases += [
        _polars("Enum", lambda p: p.Enum(["Ulm", "Bonn", "Kiel"]), "text"),
        _polars("Decimal(12, 2)", lambda p: p.Decimal(12, 2), "decimals"),
        *(_polars(f"Datetime({u})", lambda p, u=u: p.Datetime(u), "stamps") for u in _UNITS[1:]),
        _polars("Datetime(us, UTC)", lambda p: p.Datetime("us", "UTC"), "stamps"),
        *(_polars(f"Duration({u})", lambda p, u=u: p.Duration(u), "spans") for u in _UNITS[1:]),
        _polars("List(Int64)", lambda p: p.List(p.Int64), "lists"),
        _polars("Array(Int64, 2)", lambda p: p.Array(p.Int64, 2), "lists"),
        _polars("Struct", lambda p: p.Struct({"a": p.Int64}), "records"),
    ]
    return cases


CASES = [
    *_of_numpy(),
    *_of_pandas(),
    *(case for type in _of_arrow() for case in _pyarrow(*type)),
    *_of_polars(),
]
LIBRARIES = ("pandas", "polars", "pyarrow")


def frame_of(library: str, columns: dict[str, Any]) -> Any:
    """Return a frame of columns."""
    if library == "pandas":
        return pd.DataFrame(columns)
    if library == "polars":
        import polars

        return polars.DataFrame(columns)
    import pyarrow

    return pyarrow.table(columns)


def read(case: Case, column: Any) -> Column:
    """Return how a table reads a column."""
    beside = ["a", "b"] * (N // 2)
    adapter = Table().fit(frame_of(case.library, {"c": column, "beside": beside}))
    assert adapter.columns is not None
    return adapter.columns.columns[0]


_WORDS = {
    "Numeric": "number",
    "Count": "number",
    "Binary": "boolean",
    "Categorical": "category",
    "Ordinal": "ordered category",
    "Date": "date",
    "Empty": "column without any value",
}
PAGE = Path(__file__).parents[2] / "docs" / "user_guide" / "dtypes.md"
_TABLE = re.compile(r"^\| library \|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)


def written() -> str:
    """Return the table that the page holds."""
    found = _TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return found[0]


def measured() -> str:
    """Return a table of what is read as what; a row for the dtypes of a library that agree."""
    rows: dict[tuple[str, str], list[str]] = {}
    for case in CASES:
        try:
            outcome = _WORDS[type(read(case, case.column())).__name__]
        except ValueError as error:
            advice = re.search(r"(turn it|give it) .*?(?=, or leave it out\.$|\.$)", str(error))
            outcome = f"refused: {advice and advice[0]}"
            outcome = re.sub(r"(?<=for example by )(.*)", r"`\1`", outcome)
        rows.setdefault((case.library, outcome), []).append(f"`{case.dtype}`")
    lines = [
        f"| {library} | {', '.join(dtypes)} | {outcome} |"
        for (library, outcome), dtypes in sorted(rows.items(), key=lambda row: row[0][0])
    ]
    return "\n".join(["| library | dtypes | read as |", "|---|---|---|", *lines])


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.replace(written(), measured()), encoding="utf-8")
