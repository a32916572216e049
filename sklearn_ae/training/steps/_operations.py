"""Operations as they ran, and the cheapest call that does the same on given memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sklearn_ae._compat import Overload, binding, linear, overloads
from sklearn_ae._products import NARROW, onednn_pays

# Cells up to which numpy, whose calls cost less, is as fast as torch.
_FEW_CELLS = 2**14


class Call(NamedTuple):
    """An operation as it ran; `writes` are the storages it wrote, `fresh` what lies in new ones."""

    operation: Overload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    writes: frozenset[int]
    fresh: tuple[Tensor, ...]


def bound(step: Call, place: Callable[[Any], Any]) -> list[Callable[[], Any]]:
    """Return what to call to run a step on its buffers."""
    args, kwargs, result = (mapped(place, x) for x in (step.args, step.kwargs, step.result))
    cheap = None if kwargs else _in_numpy(name_of(step.operation), args, result)
    if cheap is not None:
        return [cheap]
    if step.operation == _DOT and _short(args[0]) and _short(args[1]):
        return [partial(np.dot, args[0].numpy(), args[1].numpy(), result.numpy())]
    if step.operation == _SUM and not kwargs and _over_few_rows(args):
        return [partial(torch.mv, args[0].t(), args[0].new_ones(len(args[0])), out=result.view(-1))]
    args = _with_number_as_tensor(name_of(step.operation), args, result)
    run = partial(_function(step.operation), *args, **kwargs)
    if not step.fresh:
        return [run]
    if step.operation in _PRODUCTS and not kwargs:
        if onednn_pays(args[-2], args[-1].shape[1]):
            return [partial(_linear_into, result, *args[-2:], *args[:-2])]
        if result.shape[1] < NARROW:
            return _transposed_product(args, result)
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    into = _into(step.operation, len(args))
    if step.operation in _FOR_BACKWARD:
        run = partial(_in_grad_mode, run)
    if into is None or any(value is None for value in results):
        return [partial(_copied, run, results)]
    function, further, names = into
    return [partial(function, *args, *further, **kwargs, **dict(zip(names, results, strict=True)))]


def _in_numpy(name: str, args: tuple[Any, ...], result: Any) -> Callable[[], Any] | None:
    """Return a call of numpy that gives the same bits, where there is one and it is cheaper."""
    function = _UFUNCS.get((name.removesuffix("_"), len(args)))
    if name == "pow" and len(args) == 2 and args[1] == 2:
        function, args = np.square, args[:1]
    if function is None or not _plain(result) or result.ndim == 0 or result.numel() > _FEW_CELLS:
        return None
    given: list[Any] = []
    for value in args:
        if isinstance(value, (int, float)):
            given.append(np.float32(value))
        elif _plain(value) and value.shape == result.shape:
            given.append(value.numpy())
        else:
            return None
    return partial(function, *given, result.numpy())


def _over_few_rows(args: tuple[Any, ...]) -> bool:
    """Whether a matrix is summed over its rows, which a product with ones does faster."""
    x, dims = args[:2]
    return dims == [0] and x.ndim == 2 and _plain(x) and x.numel() <= _FEW_CELLS


def _short(vector: Tensor) -> bool:
    """Whether numpy multiplies a vector faster."""
    return _plain(vector) and vector.numel() <= _FEW_CELLS


def _plain(value: Any) -> bool:
    """Whether numpy can read and write a tensor in one loop."""
    return (
        isinstance(value, Tensor)
        and value.dtype == torch.float32
        and value.device.type == "cpu"
        and value.is_contiguous()
    )


def _with_number_as_tensor(name: str, args: tuple[Any, ...], result: Any) -> tuple[Any, ...]:
    """Replace a number by a tensor, which torch would make of it at each call."""
    number = len(args) == 2 and isinstance(args[1], (int, float))
    if not number or name.removesuffix("_") not in _ARITHMETIC or not result.is_floating_point():
        return args
    return args[0], torch.tensor(args[1], dtype=result.dtype, device=result.device)


def _transposed_product(args: tuple[Tensor, ...], result: Tensor) -> list[Callable[[], Any]]:
    """Multiply the other way round, which is several times faster for a few columns."""
    *bias, a, b = args
    product = result.new_empty(result.shape[::-1])
    multiply = partial(torch.mm, b.t(), a.t(), out=product)
    if bias:
        return [multiply, partial(torch.add, product.t(), bias[0], out=result)]
    return [multiply, partial(Tensor.copy_, result, product.t())]


def _linear_into(out: Tensor, a: Tensor, b: Tensor, bias: Tensor | None = None) -> None:
    """Set `out` to ``a @ b + bias`` by oneDNN."""
    out.copy_(linear(a, b.t(), bias))


def _copied(function: Callable[[], Any], buffers: list[Any]) -> None:
    """Run a function that has no variant with buffers, and copy what it gives."""
    result = function()
    found = result if isinstance(result, (tuple, list)) else (result,)
    for buffer, value in zip(buffers, found, strict=True):
        if buffer is not None:
            buffer.copy_(value)


def _in_grad_mode(function: Callable[[], Any]) -> Any:
    """Run a function that leaves out what its gradient needs where there are no gradients."""
    with torch.inference_mode(False), torch.enable_grad():
        return function()


_ARITHMETIC = {"add", "sub", "mul", "div"}
# Functions that round as torch's do, by name and number of arguments.
_UFUNCS: dict[tuple[str, int], np.ufunc] = {
    ("add", 2): np.add,
    ("sub", 2): np.subtract,
    ("mul", 2): np.multiply,
    ("div", 2): np.true_divide,
    ("neg", 1): np.negative,
    ("abs", 1): np.absolute,
}
_PRODUCTS = {torch.ops.aten.mm.default, torch.ops.aten.addmm.default}
_FOR_BACKWARD = {torch.ops.aten.mkldnn_rnn_layer.default}
_SUM = torch.ops.aten.sum.dim_IntList
_DOT = torch.ops.aten.dot.default
# What writes an operation's results into given tensors, further arguments, and their names.
_Into = tuple[Callable[..., Any], tuple[Any, ...], list[str]]


@cache
def _into(operation: Overload, n_args: int) -> _Into | None:
    """Return how an operation of so many arguments writes into given tensors, if it can."""
    name = name_of(operation)
    if name == "relu":
        return torch.clamp_min, (0,), ["out"]
    if name in _ARITHMETIC and n_args == 2:  # of a tensor and a number, too
        return getattr(torch, name), (), ["out"]
    wanted = [(a.name, str(a.type)) for a in operation._schema.arguments]
    for candidate in overloads(operation):
        arguments = candidate._schema.arguments
        names = [a.name for a in arguments if a.is_out]
        given = [(a.name, str(a.type)) for a in arguments if not a.is_out]
        if names and given == wanted and torch.Tag.generated not in candidate.tags:
            function = _function(operation)
            plain = function is not operation and names == ["out"]
            return (function if plain else candidate), (), names
    return None


@cache
def _function(operation: Overload) -> Callable[..., Any]:
    """Return torch's own function for an operation, which parses its arguments faster."""
    name = name_of(operation)
    if name.endswith("_") and not name.startswith("_"):
        return getattr(Tensor, name, operation)
    return binding(name) or operation


def name_of(operation: Overload) -> str:
    """Return an operation's name, without that of its overload."""
    return operation._schema.name.removeprefix("aten::")


def leaves_of(tree: Any) -> Iterator[Any]:
    """Yield what lists, tuples and dicts hold, in order."""
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from leaves_of(part)
    elif isinstance(tree, dict):
        yield from leaves_of(list(tree.values()))
    else:
        yield tree


def tensors_of(tree: Any) -> Iterator[Tensor]:
    """Yield the tensors that lists, tuples and dicts hold, in order."""
    return (leaf for leaf in leaves_of(tree) if isinstance(leaf, Tensor))


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to what lists, tuples and dicts hold."""
    if isinstance(tree, (list, tuple)):
        return type(tree)([mapped(function, part) for part in tree])
    if isinstance(tree, dict):
        return {name: mapped(function, part) for name, part in tree.items()}
    return function(tree)
