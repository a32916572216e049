"""The inputs of a graph: rows as one tensor, or a tensor for each column of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_ae.data import Column, Columns
from sklearn_ae.data._columns import (
    Binary,
    Categorical,
    Empty,
    Numeric,
    Ordinal,
    _Asinh,
    _Leveled,
)
from sklearn_ae.export._graph import ML, Graph

_DOUBLE = np.dtype(np.float64)
_TEXT = np.dtype(object)


def column_dtype(column: Column) -> np.dtype:
    """Return the dtype of a column's input: text, or numbers in float64."""
    if isinstance(column, Empty):
        numbers = isinstance(column.fill, int | float) or column.read == "date"
        return _DOUBLE if numbers else _TEXT
    if not isinstance(column, _Leveled):
        return _DOUBLE
    levels = [level for level in column.levels if level is not None]
    if all(isinstance(level, str) for level in levels):
        return _TEXT
    if all(isinstance(level, int | float | bool | np.number | np.bool_) for level in levels):
        return _DOUBLE
    raise NotImplementedError(
        f"Column {column.type.name!r} has levels {column.levels!r:.60}, but a column of an ONNX "
        "graph holds text or numbers; make them text before fit."
    )


def is_matrix(columns: Columns) -> bool:
    """Whether columns of several kinds came in an array of numbers, and have no names."""
    own = columns.columns
    return own[0].type.backend is None and all(column_dtype(c) == _DOUBLE for c in own)


def table_rows(columns: Columns, graph: Graph, inputs: list[str]) -> str:
    """Return the dense form of a table, float64, whose columns are inputs or parts of one."""
    if is_matrix(columns):
        rows = graph.cast(inputs[0], _DOUBLE)
        inputs = [graph.columns(rows, j, j + 1) for j in range(len(columns))]
    order = sorted(range(len(columns)), key=lambda j: columns.spans[j].start)
    parts = [
        _dense(columns.columns[j], graph, inputs[j]) for j in order if columns.columns[j].width
    ]
    return graph.op("Concat", *parts, axis=1)


def _dense(column: Column, graph: Graph, x: str) -> str:
    """Return what a network sees of a column of cells, of shape (n, width)."""
    if isinstance(column, _Leveled):
        codes = _codes(column, graph, x)
        if not isinstance(column, Categorical):
            return codes
        places = graph.constant(np.arange(column.width), _DOUBLE)
        seen = graph.cast(graph.op("Equal", codes, places), _DOUBLE)
        nan = graph.constant(np.nan, _DOUBLE)
        return graph.op("Where", graph.op("IsNaN", codes), nan, seen)
    mapped = getattr(column, "mapped", None)
    if mapped is None:
        return x
    _check_map(column)
    x = graph.op("Sub", x, graph.constant(mapped.center_, _DOUBLE))
    x = graph.op("Div", x, graph.constant(mapped.scale_, _DOUBLE))
    # asinh(x) = sign(x) log(|x| + sqrt(x² + 1)); Asinh takes float32 alone.
    size = graph.op("Abs", x)
    one = graph.constant(1.0, _DOUBLE)
    root = graph.op("Sqrt", graph.op("Add", graph.op("Mul", size, size), one))
    return graph.op("Mul", graph.op("Sign", x), graph.op("Log", graph.op("Add", size, root)))


def _check_map(column: Any) -> None:
    if not isinstance(column.mapped, _Asinh):
        raise NotImplementedError(
            f"Column {column.type.name!r} is mapped to normal scores by numeric_map='quantile', "
            "which has no translation to ONNX; use numeric_map='robust' or None."
        )


def _codes(column: _Leveled, graph: Graph, x: str) -> str:
    """Return the numbers of levels, NaN where a cell is missing or not known."""
    levels = column.levels
    infrequent = isinstance(column, Categorical) and column.infrequent is not None
    other = float(len(levels)) if infrequent else np.nan
    if column_dtype(column) == _TEXT:
        keys = [level for level in levels if level is not None]
        codes = [float(i) for i, level in enumerate(levels) if level is not None]
        if "" not in keys:  # a missing cell
            keys, codes = [*keys, ""], [*codes, np.nan]
        found = graph.op(
            "LabelEncoder",
            x,
            domain=ML,
            keys_strings=keys,
            values_floats=codes,
            default_float=other,
        )
        return graph.cast(found, _DOUBLE)
    out = graph.constant(other, _DOUBLE)
    for i, level in enumerate(levels):
        if level is not None:
            same = graph.op("Equal", x, graph.constant(float(level), _DOUBLE))
            out = graph.op("Where", same, graph.constant(float(i), _DOUBLE), out)
    return graph.op("Where", graph.op("IsNaN", x), graph.constant(np.nan, _DOUBLE), out)


def column_cells(column: Column, graph: Graph, expected: str) -> str:
    """Return the cells of a column, of shape (n, 1), that expected values are nearest to."""
    if isinstance(column, Empty):
        zero = graph.total(expected, 1, keepdims=True)
        if column_dtype(column) == _TEXT:
            return graph.op("Gather", graph.constant([""], object), graph.cast(zero, np.int64))
        return zero if column.zero else graph.op("Add", zero, graph.constant(np.nan, _DOUBLE))
    if isinstance(column, Categorical):
        codes = graph.op("ArgMax", expected, axis=1, keepdims=1)
    elif isinstance(column, Binary):
        half = graph.constant(0.5, _DOUBLE)
        codes = graph.cast(graph.op("Greater", expected, half), np.int64)
    elif isinstance(column, Ordinal):
        ends = [graph.constant(v, _DOUBLE) for v in (0, len(column.levels) - 1)]
        rank = graph.op("Min", graph.op("Max", graph.op("Round", expected), ends[0]), ends[1])
        codes = graph.cast(rank, np.int64)
    else:
        return _numbers(column, graph, expected)
    levels: list[Any] = list(column.levels)
    if isinstance(column, Categorical) and column.infrequent is not None:
        levels.append(column.infrequent)
    if column_dtype(column) == _TEXT:
        names = np.array(["" if level is None else str(level) for level in levels], dtype=object)
        return graph.op("Gather", graph.constant(names, object), codes)
    return graph.op("Gather", graph.constant([float(v) for v in levels], _DOUBLE), codes)


def _numbers(column: Column, graph: Graph, x: str) -> str:
    if getattr(column, "mapped", None) is not None:
        _check_map(column)
        mapped: Any = column.mapped  # type: ignore[attr-defined]
        grown = graph.op("Exp", x)
        shrunk = graph.op("Exp", graph.op("Neg", x))
        half = graph.op("Mul", graph.op("Sub", grown, shrunk), graph.constant(0.5, _DOUBLE))
        x = graph.op("Mul", half, graph.constant(mapped.scale_, _DOUBLE))
        x = graph.op("Add", x, graph.constant(mapped.center_, _DOUBLE))
    if isinstance(column, Numeric) and column.limits is not None:
        low, high = (graph.constant(limit, _DOUBLE) for limit in column.limits)
        x = graph.op("Min", graph.op("Max", graph.op("Round", x), low), high)
    return x
