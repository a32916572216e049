"""What a fitted estimator answers, as named tensors of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_ae.applications import AutoencoderOutlierDetector
from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.export._graph import Graph, translate
from sklearn_ae.export._inputs import column_cells, is_matrix, table_rows
from sklearn_ae.export._networks import encoded
from sklearn_ae.export._scalings import precision, standardized

OUTPUTS = ("code", "reconstruction", "score", "label")


def available_outputs(estimator: Any) -> tuple[str, ...]:
    """Return the names of what an estimator answers in ONNX.

    Raises
    ------
    NotImplementedError
        If it has no translation.
    """
    name = type(estimator).__name__
    if isinstance(estimator, AutoencoderOutlierDetector):
        if estimator.estimator is None:
            raise NotImplementedError(
                f"The default networks and neighbours of {name} have no translation to ONNX; pass "
                "an autoencoder as estimator=, or serve it in Python."
            )
        check_outputs(estimator.estimators_[0], ["score"])
        return OUTPUTS[2:]
    if not isinstance(estimator, BaseAutoencoder):
        raise NotImplementedError(
            f"{name} has no translation to ONNX; it works on whole tables, images of any size or "
            "long series. Serve it in Python."
        )
    reader = estimator._reader
    if reader.condition is not None:
        raise NotImplementedError(
            f"This {name} was fitted with a condition, which has no translation to ONNX; fit it "
            "without, or put the condition among the columns of X."
        )
    if reader.adapter.ragged:
        raise NotImplementedError(
            f"This {name} was fitted to rows that differ in size, which have no translation to "
            "ONNX; bring them to one size before fit, or serve it in Python."
        )
    if estimator.deep_features:
        raise NotImplementedError(
            f"deep_features=True of this {name} has no translation to ONNX; set it to False."
        )
    return OUTPUTS if estimator._scored_by_errors else OUTPUTS[:2]


def check_outputs(estimator: Any, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the outputs asked for, or all there are."""
    available = available_outputs(estimator)
    if wanted is None:
        return available
    unknown = [name for name in wanted if name not in OUTPUTS]
    if unknown or not len(wanted):
        raise ValueError(f"outputs={wanted!r} must name some of {', '.join(OUTPUTS)}.")
    refused = [name for name in wanted if name not in available]
    if refused:
        raise NotImplementedError(
            f"The output {refused[0]!r} of {type(estimator).__name__} has no translation to ONNX: "
            "its scores are averaged over draws, or it has no such answer; choose among "
            f"outputs={available!r}."
        )
    return tuple(wanted)


def answers(
    estimator: Any,
    graph: Graph,
    inputs: list[str],
    dtype: np.dtype,
    wanted: Sequence[str],
    axes: tuple[int, ...] | None = None,
) -> dict[str, str]:
    """Add what an estimator answers, and return names of outputs with those of tensors.

    Parameters
    ----------
    estimator : BaseAutoencoder or AutoencoderOutlierDetector
        Fitted.
    graph : Graph
        What is added to.
    inputs : list of str
        One tensor of rows, or one for each column of a table.
    dtype : dtype
        Of the rows: float32 or float64.
    wanted : sequence of str
        Names among `OUTPUTS`.
    axes : tuple of int, optional
        Axes of the input in the order of rows, where they are in another.
    """
    if axes is not None:
        inputs = [graph.op("Transpose", inputs[0], perm=axes)]
    if isinstance(estimator, AutoencoderOutlierDetector):
        scores = [_autoencoder(e, graph, inputs, dtype, ["score"]) for e in estimator.estimators_]
        total = graph.op("Sum", *[found["score"] for found in scores])
        found = {"score": graph.op("Div", total, graph.constant(float(len(scores)), dtype))}
    else:
        needed = {"score" if name == "label" else name for name in wanted}
        found = _autoencoder(estimator, graph, inputs, dtype, needed)
    if "label" in wanted:
        inlier = graph.op(
            "GreaterOrEqual", found["score"], graph.constant(estimator.offset_, dtype)
        )
        one = np.array(1, np.int64)
        found["label"] = graph.op("Where", inlier, one, -one)
    if axes is not None and "reconstruction" in found:
        back = np.argsort(axes).tolist()
        found["reconstruction"] = graph.op("Transpose", found["reconstruction"], perm=back)
    kinds = {name: name.split("-")[0] for name in found}
    return {name: tensor for name, tensor in found.items() if kinds[name] in wanted}


def _autoencoder(
    estimator: BaseAutoencoder, graph: Graph, inputs: list[str], dtype: np.dtype, wanted: Any
) -> dict[str, str]:
    model, adapter = estimator._model, estimator._reader.adapter
    columns = adapter.columns if adapter.tabular else None  # type: ignore[attr-defined]
    given = dtype
    if columns is not None:
        x, dtype = table_rows(columns, graph, inputs), np.dtype(np.float64)
    else:
        x = (
            graph.reshape(inputs[0], model.factory.n_features)
            if adapter.sample_shape
            else inputs[0]
        )
        if adapter.empty:
            unread = np.isin(np.arange(model.factory.n_features), adapter.empty)
            x = graph.op("Where", unread, graph.constant(np.nan, dtype), x)
    work = precision(model.scaling, dtype)
    x = x if work == dtype else graph.cast(x, work)
    unit = float(getattr(adapter, "unit", 1.0))
    if unit != 1.0:
        x = graph.op("Div", x, graph.constant(unit, work))
    z = standardized(model.scaling, graph, x, work)
    if model.factory.sample_shape is None and not len(model.factory.missing_columns):
        # Cells that are missing for the first time are read as their column's mean.
        z = graph.op("Where", graph.op("IsNaN", z), np.float32(0), z)
    code = _code(estimator, graph, z)
    found = {}
    if "code" in wanted:
        code_scale = model.code_scale.astype(np.float32)
        user = code if (code_scale == 1).all() else graph.op("Mul", code, code_scale)
        found["code"] = graph.cast(user, given)
    if not {"reconstruction", "score"} & set(wanted):
        return found
    output = translate(model.module.decoder, graph, code)
    restored = translate(model.loss, graph, output, model.target_scaling, work)
    if "reconstruction" in wanted and columns is not None:
        cells = {}
        for column, span in zip(columns.columns, columns.spans, strict=True):
            expected = graph.columns(restored.rows, span.start, span.stop)
            name = f"reconstruction-{column.type.name}"
            cells[name] = column_cells(column, graph, expected)
        if is_matrix(columns):
            rows = graph.op("Concat", *cells.values(), axis=1)
            cells = {"reconstruction": graph.cast(rows, given)}
        found.update(cells)
    elif "reconstruction" in wanted:
        rows = restored.rows
        if unit != 1.0:
            rows = graph.op("Mul", rows, graph.constant(unit, work))
        if adapter.sample_shape:
            rows = graph.op("Reshape", rows, graph.op("Shape", inputs[0]))
        found["reconstruction"] = graph.cast(rows, dtype)
    if "score" in wanted:
        n_cells = model.loss.n_cells(model.factory.n_features)
        scores = _minus_row_sums(graph, restored.errors(x), n_cells, work)
        found["score"] = graph.cast(scores, given)
    return found


def _code(estimator: BaseAutoencoder, graph: Graph, z: str) -> str:
    """Return the network's codes of standardised rows."""
    model = estimator._model
    if model.training_range is None:
        return encoded(model.module, graph, z)
    low, high = (end.astype(np.float32) for end in model.training_range[:2])
    inside = graph.op("Min", graph.op("Max", z, low), high)
    inside = graph.op("Where", graph.op("IsNaN", z), z, inside)
    beyond = graph.op("Sub", z, inside)
    beyond = graph.op("Where", graph.op("IsNaN", beyond), np.float32(0), beyond)
    further = graph.op("MatMul", beyond, model._code_of_beyond().float())
    return graph.op("Add", encoded(model.module, graph, inside), further)


def _minus_row_sums(graph: Graph, errors: str, n_cells: int, dtype: np.dtype) -> str:
    """Return minus the sum over cells, those that are missing at the mean of the others."""
    lacks = graph.op("IsNaN", errors)
    zero, one = graph.constant(0.0, dtype), graph.constant(1.0, dtype)
    total = graph.total(graph.op("Where", lacks, zero, errors), 1)
    observed = graph.total(graph.op("Where", lacks, zero, one), 1)
    share = graph.op("Div", graph.constant(-float(n_cells), dtype), graph.op("Max", observed, one))
    return graph.op("Mul", total, share)
