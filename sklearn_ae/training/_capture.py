"""A training step, recorded while it runs and replayed without autograd and its Python."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sklearn_ae._compat import DispatchMode, Overload, binding, overloads, storage_key
from sklearn_ae.data import Batch

# Bytes that a recorded step may allocate; beyond, its kernels take the time.
_MOST_BYTES = 2**28
# Buffers of a program begin at multiples of so many bytes, as torch's own do.
_ALIGNMENT = 64
_ALLOCATIONS = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_FILLS = {
    *("full", "full_like", "new_full", "new_ones", "new_zeros"),
    *("ones", "ones_like", "scalar_tensor", "zeros", "zeros_like"),
}
# Runs of a function on a batch of some size before it is recorded.
_WARM_UP = 8
_RECORDING = threading.Lock()


class NotCapturableError(RuntimeError):
    """A step that cannot be recorded; the message says why."""


class _Call(NamedTuple):
    """An operation as it ran; `writes` are the storages it wrote, `fresh` what lies in new ones."""

    operation: Overload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    writes: frozenset[int]
    fresh: tuple[Tensor, ...]


class _Recorder(DispatchMode):
    """Notes each operation that runs, below autograd, and keeps its tensors alive."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self.obstacle = ""
        self._bytes = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch would import its compiler, which takes a second

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if not self.obstacle:
            self._note(func, args, kwargs, result)
        if self.obstacle:
            self.calls.clear()
        return result

    def _note(self, func: Overload, args: tuple, kwargs: dict, result: Any) -> None:
        if _needs_values(func, args):
            self.obstacle = f"{func} needs values on the host"
            return
        if _changes_shape_alone(func):
            return
        # In-place views must not change what is noted here.
        args, kwargs, result = (_mapped(_noted, part) for part in (args, kwargs, result))
        reads = frozenset(map(storage_key, _tensors((args, kwargs))))
        written = [
            value
            for place, name in _written(func)
            for value in _tensors(args[place] if place < len(args) else kwargs.get(name))
        ]
        fresh = tuple(x for x in _tensors(result) if storage_key(x) not in reads)
        self._bytes += sum(x.untyped_storage().nbytes() for x in fresh)
        if self._bytes > _MOST_BYTES:
            self.obstacle = f"a step allocates more than {_MOST_BYTES} bytes"
            return
        writes = frozenset(map(storage_key, [*written, *fresh]))
        self.calls.append(_Call(func, args, kwargs, result, writes, fresh))


class Recording:
    """The operations of one run of a function.

    Parameters
    ----------
    function : callable
        Runs for real; it reads and writes tensors that stay where they are.

    Raises
    ------
    NotCapturableError
        After the run, if it cannot be replayed.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        recorder = _Recorder()
        with _RECORDING, recorder:
            function()
        if recorder.obstacle:
            raise NotCapturableError(recorder.obstacle)
        self.calls = recorder.calls
        # Storages that the run itself made.
        self.owned = {storage_key(x) for call in self.calls for x in call.fresh}

    def same(self, other: Recording) -> bool:
        """Whether another run did the same, with the same numbers and shapes."""
        if len(self.calls) != len(other.calls):
            return False
        names: tuple[dict[int, int], dict[int, int]] = ({}, {})
        return all(
            a.operation is b.operation
            and _signature(a, self.owned, names[0]) == _signature(b, other.owned, names[1])
            for a, b in zip(self.calls, other.calls, strict=True)
        )

    def program(self) -> list[Callable[[], Any]]:
        """Return what to call, in order, to run again on the same tensors.

        Views are made once, constants are kept, results go to buffers of one arena,
        in which lifetimes share memory.
        """
        calls = [c for c in self.calls if c.writes]  # the others are views
        last_write = {s: i for i, call in enumerate(calls) for s in call.writes}
        constant = {
            storage_key(call.result)
            for i, call in enumerate(calls)
            if _name(call.operation) in _FILLS and last_write[storage_key(call.result)] == i
        }
        steps = [
            c
            for c in calls
            if _name(c.operation) not in _ALLOCATIONS and not (c.fresh and c.writes <= constant)
        ]
        place = _Arena(steps, self.owned - constant).place
        return [operation for step in steps for operation in _bound(step, place)]


class Captured:
    """A function of batches that runs as it is, until two recordings of it agree.

    Parameters
    ----------
    function : callable
        Takes a batch. It reads and writes tensors that stay where they are, those of the
        batch included.
    obstacle : str
        Why the function cannot be replayed; empty if that is not known.
    """

    def __init__(self, function: Callable[[Batch], None], obstacle: str) -> None:
        self.function = function
        self.obstacle = obstacle
        self._runs: Counter[int] = Counter()
        self._recordings: dict[int, Recording] = {}
        self._programs: dict[int, list[Callable[[], Any]]] = {}

    def __call__(self, batch: Batch) -> None:
        """Run the function on a batch."""
        size = batch.n_rows
        program = self._programs.get(size)
        if program is not None:
            with torch.inference_mode():
                for operation in program:
                    operation()
            return
        self._runs[size] += 1
        if self.obstacle or self._runs[size] <= _WARM_UP:
            self.function(batch)
        else:
            self._record(batch)

    def _record(self, batch: Batch) -> None:
        size = batch.n_rows
        try:
            recording = Recording(partial(self.function, batch))
        except NotCapturableError as error:
            self.obstacle = str(error)
            return
        before = self._recordings.pop(size, None)
        if before is None:
            self._recordings[size] = recording
        elif recording.same(before):
            self._programs[size] = recording.program()
        else:
            self.obstacle = "two steps did not do the same"


class _Arena:
    """Places the storages that steps make so that those alive together do not overlap."""

    def __init__(self, steps: list[_Call], owned: set[int]) -> None:
        spans: dict[int, tuple[int, int]] = {}
        sizes: dict[int, int] = {}
        for i, step in enumerate(steps):
            for tensor in _tensors((step.args, step.kwargs, step.result)):
                if (key := storage_key(tensor)) in owned:
                    spans[key] = (spans.get(key, (i, i))[0], i)
                    sizes[key] = tensor.untyped_storage().nbytes()
        self.offsets: dict[int, int] = {}
        placed: list[tuple[int, int, int, int]] = []
        for key in sorted(spans, key=lambda k: (-sizes[k], spans[k])):
            (first, last), offset = spans[key], 0
            for begin, end, low, high in sorted(placed):
                if low <= last and first <= high:
                    if offset + sizes[key] <= begin:
                        break
                    offset = max(offset, end)
            end = offset + -(-sizes[key] // _ALIGNMENT) * _ALIGNMENT
            self.offsets[key] = offset
            placed.append((offset, end, first, last))
        size = max((end for _, end, _, _ in placed), default=0)
        self.memory = torch.empty(size, dtype=torch.uint8)

    def place(self, value: Any) -> Any:
        """Return a tensor's place in the arena, and anything else as it is."""
        if not isinstance(value, Tensor):
            return value
        offset = self.offsets.get(storage_key(value))
        if offset is None:
            return value
        start = offset // value.element_size() + value.storage_offset()
        empty = torch.empty(0, dtype=value.dtype, device=value.device)
        return empty.set_(self.memory.untyped_storage(), start, tuple(value.shape), value.stride())


def _bound(step: _Call, place: Callable[[Any], Any]) -> list[Callable[[], Any]]:
    """Return what to call to run a step on its buffers."""
    args, kwargs, result = (_mapped(place, x) for x in (step.args, step.kwargs, step.result))
    run = partial(_function(step.operation), *args, **kwargs)
    if not step.fresh:
        return [run]
    if step.operation in _PRODUCTS and not kwargs and result.shape[1] < _NARROW_COLUMNS:
        return _transposed_product(args, result)
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    into = _into(step.operation, len(args))
    if into is None or any(value is None for value in results):
        return [partial(_copied, run, results)]
    function, further, names = into
    return [partial(function, *args, *further, **kwargs, **dict(zip(names, results, strict=True)))]


def _transposed_product(args: tuple[Tensor, ...], result: Tensor) -> list[Callable[[], Any]]:
    """Multiply the other way round, which is several times faster for a few columns."""
    *bias, a, b = args
    product = result.new_empty(result.shape[::-1])
    multiply = partial(torch.mm, b.t(), a.t(), out=product)
    if bias:
        return [multiply, partial(torch.add, product.t(), bias[0], out=result)]
    return [multiply, partial(Tensor.copy_, result, product.t())]


def _copied(function: Callable[[], Any], buffers: list[Any]) -> None:
    """Run a function that has no variant with buffers, and copy what it gives."""
    result = function()
    found = result if isinstance(result, (tuple, list)) else (result,)
    for buffer, value in zip(buffers, found, strict=True):
        if buffer is not None:
            buffer.copy_(value)


# Matrix products of fewer columns than these are taken the other way round.
_NARROW_COLUMNS = 16
_PRODUCTS = {torch.ops.aten.mm.default, torch.ops.aten.addmm.default}
# What writes an operation's results into given tensors, further arguments, and their names.
_Into = tuple[Callable[..., Any], tuple[Any, ...], list[str]]


@cache
def _into(operation: Overload, n_args: int) -> _Into | None:
    """Return how an operation of so many arguments writes into given tensors, if it can."""
    name = _name(operation)
    if name == "relu":
        return torch.clamp_min, (0,), ["out"]
    if name in ("add", "sub", "mul", "div") and n_args == 2:  # of a tensor and a number, too
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
    name = _name(operation)
    if name.endswith("_") and not name.startswith("_"):
        return getattr(Tensor, name, operation)
    return binding(name) or operation


def _noted(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _needs_values(operation: Overload, args: tuple) -> bool:
    """Whether Python or the shape of a result may depend on values."""
    if operation in _INDEXING:
        return any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
    return _always_needs_values(operation)


@cache
def _always_needs_values(operation: Overload) -> bool:
    if operation.overloadpacket in (torch.ops.aten.resize_, torch.ops.aten.set_):
        return True
    tags = operation.tags
    return torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags


@cache
def _changes_shape_alone(operation: Overload) -> bool:
    return torch.Tag.inplace_view in operation.tags


# Their results have a shape that depends on values only if an index is a mask.
_INDEXING = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default}


@cache
def _written(operation: Overload) -> list[tuple[int, str]]:
    return [
        (i, a.name)
        for i, a in enumerate(operation._schema.arguments)
        if a.alias_info is not None and a.alias_info.is_write
    ]


def _name(operation: Overload) -> str:
    return operation._schema.name.removeprefix("aten::")


def _signature(call: _Call, owned: set[int], names: dict[int, int]) -> list[Any]:
    """What an operation was given and gave: where tensors lie, and all else by value."""

    def described(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return type(value), value
        key = storage_key(value)
        where = ("own", names.setdefault(key, len(names))) if key in owned else ("given", key)
        return *where, value.storage_offset(), tuple(value.shape), value.stride(), value.dtype

    return [described(value) for value in _leaves((call.args, call.kwargs, call.result))]


def _leaves(tree: Any) -> Iterator[Any]:
    """Yield what lists, tuples and dicts hold, in order."""
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _leaves(part)
    elif isinstance(tree, dict):
        yield from _leaves(list(tree.values()))
    else:
        yield tree


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in _leaves(tree) if isinstance(leaf, Tensor))


def _mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to what lists, tuples and dicts hold."""
    if isinstance(tree, (list, tuple)):
        return type(tree)([_mapped(function, part) for part in tree])
    if isinstance(tree, dict):
        return {name: _mapped(function, part) for name, part in tree.items()}
    return function(tree)
