"""What losses restore and what cells cost, in ONNX.

A translation returns the restored rows, and a function that adds the costs of cells, given rows
in X's units and the same without their means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sklearn_ae.data import ColumnScaling, TableScaling
from sklearn_ae.export._graph import Graph, translate, translates
from sklearn_ae.export._scalings import centred, restored
from sklearn_ae.losses import (
    AbsoluteError,
    Bernoulli,
    GaussianLikelihood,
    HuberError,
    Poisson,
    SquaredError,
)
from sklearn_ae.losses._tabular import _LARGEST_LOGIT, TabularLoss, _part

_HALF_LOG_2PI = float(np.log(2 * np.pi) / 2)


class Restored(NamedTuple):
    """What a loss makes of what the decoder writes.

    Parameters
    ----------
    rows : str
        The expected rows, in X's units.
    errors : callable
        Adds the cost of each cell, given rows in X's units.
    """

    rows: str
    errors: Callable[[str], str]


class _Numbers:
    """Arithmetic in one dtype."""

    def __init__(self, graph: Graph, dtype: np.dtype) -> None:
        self.graph = graph
        self.dtype = dtype

    def __call__(self, kind: str, *inputs: object, **attributes: Any) -> str:
        names = [
            x if isinstance(x, str) else self.graph.constant(np.asarray(x), self.dtype)
            for x in inputs
        ]
        return self.graph.op(kind, *names, **attributes)


@translates(SquaredError, AbsoluteError, HuberError)
def _distance(
    loss: SquaredError, graph: Graph, output: str, scaling: ColumnScaling, dtype: np.dtype
) -> Restored:
    op = _Numbers(graph, dtype)

    def errors(x: str) -> str:
        # Without the means, which float32 would lose the digits of.
        plain = op("Mul", graph.cast(output, dtype), scaling.scale)
        difference = op("Sub", centred(scaling, graph, x, dtype), plain)
        if isinstance(loss, SquaredError):
            return op("Mul", difference, difference)
        distance = op("Abs", difference)
        if isinstance(loss, AbsoluteError):
            return distance
        unit = np.where(scaling.scale > 0, scaling.scale, 1.0)
        r = op("Div", distance, unit)
        inside = op("Min", r, loss.epsilon)
        linear = op("Mul", op("Sub", r, inside), 2 * loss.epsilon)
        cost = op("Add", op("Mul", inside, inside), linear)
        return op("Mul", op("Mul", cost, unit), unit)

    return Restored(restored(scaling, graph, output, dtype), errors)


@translates(GaussianLikelihood)
def _gaussian(
    loss: GaussianLikelihood, graph: Graph, output: str, scaling: ColumnScaling, dtype: np.dtype
) -> Restored:
    op = _Numbers(graph, dtype)
    width = len(scaling.mean)
    mean = graph.columns(output, 0, width)

    def errors(x: str) -> str:
        if type(scaling).log_slope is not ColumnScaling.log_slope:
            raise NotImplementedError(
                "The score of a density in normal scores has no translation to ONNX; leave "
                '"score" and "label" out of outputs, or fit with '
                "loss=GaussianLikelihood(normal_scores=False)."
            )
        log_std = graph.cast(graph.columns(output, width, 2 * width), dtype)
        log_std = op("Max", log_std, np.log(loss.floor))
        divisor = scaling.divisor
        z = op("Div", centred(scaling, graph, x, dtype), divisor)
        r = op("Mul", op("Sub", z, graph.cast(mean, dtype)), op("Exp", op("Neg", log_std)))
        nats = op("Add", op("Mul", op("Mul", r, r), 0.5), log_std)
        present = scaling.scale > 0
        constant = _HALF_LOG_2PI + np.log(np.where(present, scaling.scale, 1.0))
        return op("Mul", op("Add", nats, constant), present.astype(float))

    return Restored(restored(scaling, graph, mean, dtype), errors)


@translates(Bernoulli)
def _bernoulli(
    loss: Bernoulli, graph: Graph, output: str, scaling: ColumnScaling, dtype: np.dtype
) -> Restored:
    op = _Numbers(graph, dtype)
    offset, slope = loss.link(scaling)
    logit = op("Add", op("Mul", graph.cast(output, dtype), slope), offset)

    def errors(x: str) -> str:
        # log(1 + exp(l)) = max(l, 0) + log(1 + exp(-|l|)); Softplus takes float32 alone.
        small = op("Log", op("Add", op("Exp", op("Neg", op("Abs", logit))), 1.0))
        cost = op("Add", op("Max", logit, 0.0), small)
        return op("Sub", cost, op("Mul", x, logit))

    return Restored(op("Sigmoid", logit), errors)


def log_rate(loss: Poisson, op: _Numbers, output: str, scaling: ColumnScaling) -> str:
    """Return the logarithm of rates."""
    offset, slope = loss.link(scaling)
    change = op("Mul", output, slope)
    up = op("Log", op("Add", op("Max", change, 0.0), 1.0))
    return op("Add", op("Add", op("Min", change, 0.0), up), offset)


@translates(Poisson)
def _poisson(
    loss: Poisson, graph: Graph, output: str, scaling: ColumnScaling, dtype: np.dtype
) -> Restored:
    op = _Numbers(graph, dtype)

    def errors(x: str) -> str:
        raise NotImplementedError(
            "The score of the Poisson loss has no translation to ONNX, which has no log-gamma "
            'function; leave "score" and "label" out of outputs.'
        )

    rate = op("Exp", log_rate(loss, op, graph.cast(output, dtype), scaling))
    return Restored(rate, errors)


@translates(TabularLoss)
def _tabular(
    loss: TabularLoss, graph: Graph, output: str, scaling: TableScaling, dtype: np.dtype
) -> Restored:
    op = _Numbers(graph, dtype)
    columns = loss.columns
    numeric, count, binary, levels = (
        columns.of_kind(kind) for kind in ("numeric", "count", "binary", "categorical")
    )
    rows: list[str] = []
    costs: list[Callable[[str], str]] = []

    def of(x: str, span: slice) -> str:
        return graph.columns(x, span.start, span.stop)

    if numeric.stop > numeric.start:
        width, units = columns.width, _part(scaling, numeric)
        parts = [
            graph.columns(output, i * width, i * width + numeric.stop)
            for i in range(loss.n_parameters)
        ]
        joined = parts[0] if len(parts) == 1 else graph.op("Concat", *parts, axis=1)
        own = loss.numeric_scaling(scaling)
        found = translate(loss.numeric, graph, joined, own, dtype)
        in_units = found.rows
        if not loss.log_likelihood:
            in_units = op("Add", op("Mul", found.rows, units.scale), units.mean)
        rows.append(in_units)

        def numeric_cost(x: str) -> str:
            seen = of(x, numeric)
            if not loss.log_likelihood:
                divisor = units.divisor
                seen = op("Div", op("Sub", seen, units.mean), divisor)
            return found.errors(seen)

        costs.append(numeric_cost)
    if count.stop > count.start:
        logs = log_rate(Poisson(), op, graph.cast(of(output, count), dtype), _part(scaling, count))
        rate = op("Exp", logs)
        rows.append(rate)

        def count_cost(x: str) -> str:
            if loss.log_likelihood:
                raise NotImplementedError(
                    "The score of counts has no translation to ONNX, which has no log-gamma "
                    'function; leave "score" and "label" out of outputs.'
                )
            seen = of(x, count)
            own = op("Mul", seen, op("Log", op("Max", seen, 1e-300)))
            cost = op("Sub", rate, op("Mul", seen, logs))
            return op("Add", cost, op("Sub", own, seen))

        costs.append(count_cost)
    if binary.stop > binary.start:
        part = translate(Bernoulli(), graph, of(output, binary), _part(scaling, binary), dtype)
        rows.append(part.rows)
        costs.append(lambda x: part.errors(of(x, binary)))
    if levels.stop > levels.start:
        offset, slope = loss.link(scaling)
        logit = op("Add", op("Mul", graph.cast(of(output, levels), dtype), slope), offset)
        logit = op("Min", op("Max", logit, -_LARGEST_LOGIT), _LARGEST_LOGIT)
        groups = loss.groups()
        total = op("MatMul", op("Log", op("MatMul", op("Exp", logit), groups)), groups.T)
        log_probability = op("Sub", logit, total)
        rows.append(op("Exp", log_probability))
        costs.append(lambda x: op("Neg", op("Mul", of(x, levels), log_probability)))

    def errors(x: str) -> str:
        cells = graph.op("Concat", *[cost(x) for cost in costs], axis=1)
        best = np.ones_like(scaling.best) if loss.log_likelihood else scaling.best
        cells = op("Mul", cells, (scaling.scale > 0) / best)
        # A missing cell is NaN in all of its columns, and in its own sum alone.
        sums = [
            graph.total(graph.columns(cells, span.start, span.stop), 1, keepdims=True)
            for span in columns.spans
        ]
        empty = [np.nan if column.width == 0 else 0.0 for column in columns.columns]
        return op("Add", graph.op("Concat", *sums, axis=1), empty)

    return Restored(graph.op("Concat", *rows, axis=1), errors)
