"""Converters for skl2onnx, so that it takes Pipelines with autoencoders in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_ae import applications, autoencoders
from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.export._estimators import answers, check_outputs
from sklearn_ae.export._graph import ML, ML_OPSET, OPSET, Graph
from sklearn_ae.export._inputs import is_matrix

_ESTIMATORS = [
    *(getattr(autoencoders, name) for name in autoencoders.__all__ if name.endswith("encoder")),
    applications.AutoencoderOutlierDetector,
]


def register() -> None:
    """Tell skl2onnx about the autoencoders and the outlier detector.

    `skl2onnx.to_onnx` then takes them, alone or as steps of a Pipeline. They answer their
    code, and the detector its label and score; others are asked for by
    `options={id(autoencoder): {"outputs": ("code", "score")}}`.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError('Pipelines need skl2onnx; run pip install "sklearn-ae[onnx]".') from error
    for kind in _ESTIMATORS:
        update_registered_converter(
            kind,
            f"SklearnAe{kind.__name__}",
            _shapes,
            _convert,
            parser=_parse,
            options={"outputs": None},
        )


def _wanted(scope: Any, estimator: Any) -> tuple[str, ...]:
    options = scope.get_options(estimator, {"outputs": None}, fail=False)
    wanted = options["outputs"]
    if wanted is None and isinstance(estimator, BaseAutoencoder):
        wanted = ("code",)
    return check_outputs(estimator, wanted)


def _parse(scope: Any, estimator: Any, inputs: list[Any], custom_parsers: Any = None) -> Any:
    from skl2onnx.common.data_types import Int64TensorType

    operator = scope.declare_local_operator(f"SklearnAe{type(estimator).__name__}", estimator)
    operator.inputs = list(inputs)
    for name in _wanted(scope, estimator):
        kind = Int64TensorType() if name == "label" else inputs[0].type.__class__()
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _shapes(operator: Any) -> None:
    estimator = operator.raw_operator
    for output in operator.outputs:
        name = output.raw_name
        width = [getattr(estimator, "n_components_", None)] if name == "code" else []
        width = list(operator.inputs[0].type.shape[1:]) if name == "reconstruction" else width
        output.type.shape = [None, *width]


def _convert(scope: Any, operator: Any, container: Any) -> None:
    from onnx import helper
    from skl2onnx.common.data_types import DoubleTensorType

    estimator = operator.raw_operator
    first = getattr(estimator, "estimators_", [estimator])[0]
    adapter = first._reader.adapter
    if len(operator.inputs) != 1 or (adapter.tabular and not is_matrix(adapter.columns)):
        raise NotImplementedError(
            f"{type(estimator).__name__} takes one matrix of numbers in skl2onnx, but "
            "this one reads a table of several kinds or inputs; use sklearn_ae.to_onnx of the "
            "estimator alone, or put a ColumnTransformer in front of it."
        )
    (rows,) = operator.inputs
    dtype = np.dtype(np.float64 if isinstance(rows.type, DoubleTensorType) else np.float32)
    graph = Graph(scope.get_unique_operator_name("sklearn_ae") + "_")
    outputs = {output.raw_name: output.onnx_name for output in operator.outputs}
    axes = adapter.axes(np.empty([n or 1 for n in rows.type.shape]))
    found = answers(estimator, graph, [rows.onnx_name], dtype, list(outputs), axes)
    container.initializers.extend(graph.constants)
    for name, tensor in found.items():
        graph.nodes.append(helper.make_node("Identity", [tensor], [outputs[name]], name=tensor))
    for node in graph.nodes:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        container.add_node(
            node.op_type,
            list(node.input),
            list(node.output),
            op_domain=node.domain,
            op_version=ML_OPSET if node.domain == ML else OPSET,
            name=scope.get_unique_operator_name(node.name or node.output[0]),
            **attributes,
        )
