"""From a fitted estimator to an ONNX model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_ae.export._estimators import answers, check_outputs
from sklearn_ae.export._graph import ML, ML_OPSET, OPSET, Graph
from sklearn_ae.export._inputs import column_dtype, is_matrix
from sklearn_ae.export._skl2onnx import register

# The oldest version of the file format that holds these operators.
_IR_VERSION = 8


def to_onnx(estimator: Any, X: Any, *, outputs: Sequence[str] | None = None) -> Any:
    """Return a fitted autoencoder, or a Pipeline that ends in one, as an ONNX model.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted autoencoder or :class:`AutoencoderOutlierDetector`, or a Pipeline that ends in
        an autoencoder, whose other steps skl2onnx can convert.
    X : array-like or data frame of shape (n_samples, n_features)
        Some rows like those to come. Their dtype, float32 or float64, is that of the graph's
        input and of its outputs; any other dtype means float64. Networks are computed in
        float32, X's units in the dtype of the input.
    outputs : sequence of {"code", "reconstruction", "score", "label"}, default=None
        What the graph answers: `transform`, `reconstruct`, `score_samples` and `predict`. None
        takes all there are. The fewer, the faster.

    Returns
    -------
    model : onnx.ModelProto
        The model. It has one input, "X", of shape (n, n_features) or that of the images or
        sequences in X, channels first or last, and an output for each name. A data frame with
        columns of several kinds has an input of shape (n, 1) for each column, named like it:
        text, or numbers in float64, which are days since 1970 for dates, 0 and 1 for booleans;
        an empty text and NaN are missing cells. Its reconstruction is an output
        "reconstruction-name" for each.

    Raises
    ------
    ImportError
        If onnx is not installed, or skl2onnx for a Pipeline.
    NotImplementedError
        If a part has no translation; the error names it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import Autoencoder, to_onnx
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> model = to_onnx(Autoencoder(2, max_iter=2, random_state=0).fit(X), X)
    >>> [output.name for output in model.graph.output]
    ['code', 'reconstruction', 'score', 'label']
    """
    try:
        from onnx import TensorProto, helper
    except ImportError as error:
        raise ImportError(
            'to_onnx needs onnx and skl2onnx; run pip install "sklearn-ae[onnx]".'
        ) from error
    check_is_fitted(estimator)
    if isinstance(estimator, Pipeline):
        return _pipeline(estimator, X, outputs)
    wanted = check_outputs(estimator, outputs)
    first = getattr(estimator, "estimators_", [estimator])[0]
    adapter = first._reader.adapter
    graph = Graph()
    if adapter.tabular and not is_matrix(adapter.columns):
        dtype = np.dtype(np.float64)
        columns = adapter.columns.columns
        names = [str(column.type.name) for column in columns]
        dtypes, shape = [column_dtype(column) for column in columns], [1]
    else:
        dtype = _dtype(X)
        names, dtypes, shape = ["X"], [dtype], list(np.shape(X)[1:])
    kinds = [
        TensorProto.STRING if d.kind == "O" else helper.np_dtype_to_tensor_dtype(d) for d in dtypes
    ]
    found = answers(estimator, graph, names, dtype, wanted, adapter.axes(X))
    alike = sorted(set(names) & set(found))
    if alike:
        raise ValueError(
            f"Column {alike[0]!r} of X is named like an output of the graph; rename it before fit."
        )
    inputs = [
        helper.make_tensor_value_info(name, kind, [None, *shape])
        for name, kind in zip(names, kinds, strict=True)
    ]
    results = []
    for name, tensor in found.items():
        graph.nodes.append(helper.make_node("Identity", [tensor], [name]))
        results.append(_value(name, first, dtype, shape))
    proto = helper.make_graph(graph.nodes, "sklearn_ae", inputs, results, graph.constants)
    versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    return helper.make_model(
        proto, opset_imports=versions, ir_version=_IR_VERSION, producer_name="sklearn_ae"
    )


def _value(name: str, estimator: Any, dtype: np.dtype, shape: list[int]) -> Any:
    """Return the type and shape of an output."""
    from onnx import TensorProto, helper

    kind = helper.np_dtype_to_tensor_dtype(dtype)
    if name == "code":
        return helper.make_tensor_value_info(name, kind, [None, estimator.n_components_])
    if name == "score":
        return helper.make_tensor_value_info(name, kind, [None])
    if name == "label":
        return helper.make_tensor_value_info(name, TensorProto.INT64, [None])
    if name != "reconstruction":
        columns = estimator._reader.adapter.columns.columns
        own = {f"reconstruction-{c.type.name}": column_dtype(c) for c in columns}[name]
        kind = TensorProto.STRING if own.kind == "O" else TensorProto.DOUBLE
        return helper.make_tensor_value_info(name, kind, [None, 1])
    return helper.make_tensor_value_info(name, kind, [None, *shape])


def _dtype(X: Any) -> np.dtype:
    """Return float32 for rows of float32, and float64 for any others."""
    dtypes = set(X.dtypes) if hasattr(X, "dtypes") else {getattr(X, "dtype", None)}
    return np.dtype(np.float32 if dtypes == {np.dtype(np.float32)} else np.float64)


def _pipeline(pipeline: Pipeline, X: Any, outputs: Sequence[str] | None) -> Any:
    """Convert a Pipeline by skl2onnx, with every output of its last step."""
    register()
    from skl2onnx import to_onnx as convert

    last = pipeline[-1]
    wanted = check_outputs(last, outputs)
    rows = X[:1] if hasattr(X, "columns") else np.asarray(X, _dtype(X))[:1]
    return convert(pipeline, rows, options={id(last): {"outputs": wanted}}, target_opset=OPSET)
