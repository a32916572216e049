"""An ONNX graph in the making, and the registry of what parts translate to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, DTypeLike

# Operators of this version are all that is used; runtimes of the last years know them.
OPSET = 17
ML_OPSET = 3
ML = "ai.onnx.ml"

_TRANSLATIONS: dict[type, Callable[..., Any]] = {}


class Graph:
    """Nodes and constants, each with a name of its own.

    Parameters
    ----------
    prefix : str
        What all names begin with.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._n_names = 0

    def constant(self, values: ArrayLike | torch.Tensor, dtype: Any = None) -> str:
        """Return the name of a constant; floating numbers are float32 unless a dtype is given."""
        from onnx import numpy_helper

        array = values.detach().cpu().numpy() if torch.is_tensor(values) else np.asarray(values)
        if dtype is None and array.dtype.kind == "f":
            dtype = np.float32
        name = self._name("constant")
        self.constants.append(numpy_helper.from_array(np.array(array, dtype), name))
        return name

    def op(self, kind: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return its name; inputs are names or constants."""
        from onnx import helper

        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        out = self._name(kind.lower())
        # TopK writes indices beside values, and Split two halves.
        outputs = [out, self._name("second")] if kind in ("TopK", "Split") else [out]
        self.nodes.append(
            helper.make_node(kind, names, outputs, name=out, domain=domain, **attributes)
        )
        return out

    def cast(self, x: str, dtype: DTypeLike) -> str:
        """Convert to a dtype."""
        from onnx import helper

        return self.op("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshape(self, x: str, *shape: int) -> str:
        """Reshape rows to (-1, *shape)."""
        return self.op("Reshape", x, np.array([-1, *shape], np.int64))

    def total(self, x: str, axis: int, *, keepdims: bool = False) -> str:
        """Sum over an axis."""
        return self.op("ReduceSum", x, np.array([axis], np.int64), keepdims=int(keepdims))

    def columns(self, x: str, start: int, stop: int) -> str:
        """Return some columns."""
        ends = [np.array([v], np.int64) for v in (start, stop, 1)]
        return self.op("Slice", x, *ends)

    def sliced(self, x: str, stops: Sequence[int]) -> str:
        """Return the first height and width of images of shape (n, channels, height, width)."""
        zeros, axes = np.zeros(2, np.int64), np.array([2, 3], np.int64)
        return self.op("Slice", x, zeros, np.array(stops, np.int64), axes)

    def _name(self, kind: str) -> str:
        self._n_names += 1
        return f"sklearn_ae/{self.prefix}{kind}_{self._n_names}"


def translates(*kinds: type) -> Callable[[Callable], Callable]:
    """Register a function `(part, graph, *inputs)` as the translation of parts of these classes."""

    def registered(function: Callable) -> Callable:
        _TRANSLATIONS.update(dict.fromkeys(kinds, function))
        return function

    return registered


def translate(part: Any, graph: Graph, *inputs: Any) -> Any:
    """Add what a part computes to a graph, and return the names of its outputs.

    Raises
    ------
    NotImplementedError
        If the class of the part has no translation; a subclass may compute something else.
    """
    function = _TRANSLATIONS.get(type(part))
    if function is None:
        raise NotImplementedError(
            f"{type(part).__name__} has no translation to ONNX; serve the estimator in Python, or "
            "fit it with a part that has one: the dense, convolutional and recurrent "
            "architectures, and the library's own latents and losses."
        )
    return function(part, graph, *inputs)
