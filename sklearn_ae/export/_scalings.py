"""Column scales in ONNX: standard units, and back to X's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data import ChannelScaling, ColumnScaling, NormalScores, TableScaling
from sklearn_ae.export._graph import Graph, translate, translates

# Scales between which float32 neither overflows nor loses digits.
_SMALLEST, _LARGEST = 1e-30, 1e30


def precision(scaling: ColumnScaling, dtype: np.dtype) -> np.dtype:
    """Return the dtype in which X's units are computed: float64 where float32 cannot hold them."""
    scale = scaling.scale[scaling.scale > 0]
    extreme = bool(np.any((scale < _SMALLEST) | (scale > _LARGEST)))
    return np.dtype(np.float64 if dtype == np.float64 or extreme else np.float32)


def centred(scaling: ColumnScaling, graph: Graph, x: str, dtype: np.dtype) -> str:
    """Subtract the means; in float32 in two parts, as one number may be off by many deviations."""
    mean = scaling.mean.astype(dtype)
    x = graph.op("Sub", x, graph.constant(mean, dtype))
    rest = scaling.mean - mean
    return graph.op("Sub", x, graph.constant(rest, dtype)) if rest.any() else x


def standardized(scaling: ColumnScaling, graph: Graph, x: str, dtype: np.dtype) -> str:
    """Return standardised rows, float32."""
    divisor = scaling.divisor
    x = graph.op("Div", centred(scaling, graph, x, dtype), graph.constant(divisor, dtype))
    return translate(scaling, graph, x, dtype, "forward")


def restored(scaling: ColumnScaling, graph: Graph, z: str, dtype: np.dtype) -> str:
    """Return standardised rows to X's units."""
    z = translate(scaling, graph, z, dtype, "backward")
    z = graph.op("Mul", z, graph.constant(scaling.scale, dtype))
    return graph.op("Add", z, graph.constant(scaling.mean, dtype))


@translates(ColumnScaling, ChannelScaling, TableScaling)
def _as_they_are(part: Any, graph: Graph, z: str, dtype: np.dtype, way: str) -> str:
    return graph.cast(z, np.float32 if way == "forward" else dtype)


@translates(NormalScores)
def _normal_scores(part: NormalScores, graph: Graph, z: str, dtype: np.dtype, way: str) -> str:
    forward = way == "forward"
    z = z if forward else graph.cast(z, dtype)
    ends, references, values, slopes = [], [], [], []
    for column in part.maps:
        one = (column.x, column.u) if forward else (column.u, column.x)
        steepness = column.slopes if forward else 1 / column.slopes
        ends.append(one[0])
        # Below the first knot and above the last, lines go on from the knot itself.
        references.append(np.r_[one[0][0], one[0]])
        values.append(np.r_[one[1][0], one[1]])
        slopes.append(steepness)
    n_columns, width = len(ends), max(map(len, ends)) + 1

    def constant(rows: list[NDArray], fill: float) -> str:
        padded = [np.r_[row, np.full(width - len(row), fill)] for row in rows]
        return graph.constant(np.array(padded).ravel(), dtype)

    knots = np.array([np.r_[row, np.full(width - len(row), np.inf)] for row in ends])
    above = graph.op(
        "GreaterOrEqual",
        graph.op("Unsqueeze", z, np.array([2], np.int64)),
        graph.constant(knots, dtype),
    )
    place = graph.total(graph.cast(above, np.int64), 2)
    place = graph.op("Add", place, np.arange(n_columns, dtype=np.int64) * width)
    reference, value, slope = (
        graph.op("Gather", constant(rows, 0.0), place) for rows in (references, values, slopes)
    )
    moved = graph.op("Mul", graph.op("Sub", z, reference), slope)
    out = graph.op("Add", value, moved)
    if not forward:
        out = _atoms(part, graph, z, out, dtype)
    varies = graph.constant((part.scale > 0).astype(float), dtype)
    return _as_they_are(part, graph, graph.op("Mul", out, varies), dtype, way)


def _atoms(part: NormalScores, graph: Graph, u: str, z: str, dtype: np.dtype) -> str:
    """Put values that many rows share in place of what lies within them."""
    width = max(len(column.atoms) for column in part.maps)
    if not width:
        return z
    # Without an atom, the bounds of its place exclude every number.
    table = np.tile(np.array([0.0, np.inf, -np.inf]), (len(part.maps), width, 1))
    for j, column in enumerate(part.maps):
        for i, (value, low, high) in enumerate(column.atoms):
            low = -np.inf if low <= column.u[0] else low
            high = np.inf if high >= column.u[-1] else high
            table[j, i] = value, low, high
    for i in range(width):
        at, start, stop = (graph.constant(table[:, i, k], dtype) for k in range(3))
        within = graph.op(
            "And", graph.op("GreaterOrEqual", u, start), graph.op("LessOrEqual", u, stop)
        )
        z = graph.op("Where", within, at, z)
    return z
