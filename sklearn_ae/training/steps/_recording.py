"""A training step, recorded once and replayed without autograd and its Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from sklearn_ae._compat import DispatchMode, Overload, storage_key
from sklearn_ae.training.steps._graphs import NotCapturableError, Program, recording_lock
from sklearn_ae.training.steps._operations import (
    Call,
    bound,
    leaves_of,
    mapped,
    name_of,
    tensors_of,
)

# Bytes that a recorded step may allocate; beyond, its kernels take the time.
_MOST_BYTES = 2**28
# Buffers of a program begin at multiples of so many bytes, as torch's own do.
_ALIGNMENT = 64
_ALLOCATIONS = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_FILLS = {
    *("full", "full_like", "new_full", "new_ones", "new_zeros"),
    *("arange", "ones", "ones_like", "scalar_tensor", "zeros", "zeros_like"),
}


class _Recorder(DispatchMode):
    """Notes each operation that runs, below autograd, and keeps its tensors alive."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
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
        args, kwargs, result = (mapped(_noted, part) for part in (args, kwargs, result))
        reads = frozenset(map(storage_key, tensors_of((args, kwargs))))
        written = [
            value
            for place, name in _written(func)
            for value in tensors_of(args[place] if place < len(args) else kwargs.get(name))
        ]
        fresh = tuple(x for x in tensors_of(result) if storage_key(x) not in reads)
        self._bytes += sum(x.untyped_storage().nbytes() for x in fresh)
        if self._bytes > _MOST_BYTES:
            self.obstacle = f"a step allocates more than {_MOST_BYTES} bytes"
            return
        writes = frozenset(map(storage_key, [*written, *fresh]))
        self.calls.append(Call(func, args, kwargs, result, writes, fresh))


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
        with recording_lock(), recorder:
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

    def program(self, frozen: Iterable[Tensor] = ()) -> Program:
        """Return what to call, in order, to run again on the same tensors.

        Views are made once, constants are kept, results go to buffers of one arena,
        in which lifetimes share memory.

        Parameters
        ----------
        frozen : iterable of Tensor
            Tensors that nobody changes from run to run.
        """
        calls = [c for c in self.calls if c.writes]  # the others are views
        last_write = {s: i for i, call in enumerate(calls) for s in call.writes}
        constant = {storage_key(x) for x in frozen} - last_write.keys()
        for i, call in enumerate(calls):
            last = all(last_write[s] == i for s in call.writes) and call.writes <= self.owned
            if last and call.fresh and _follows_from(call, constant):
                constant |= call.writes
        steps = [
            c
            for c in calls
            if name_of(c.operation) not in _ALLOCATIONS and not (c.fresh and c.writes <= constant)
        ]
        place = _Arena(steps, self.owned - constant).place
        return [operation for step in steps for operation in bound(step, place)]


class Replays:
    """Makes programs for the CPU: two runs are recorded, and have to agree.

    Parameters
    ----------
    frozen : iterable of Tensor
        Tensors that nobody changes from run to run.
    """

    rounds_alike = False

    def __init__(self, frozen: Iterable[Tensor] = ()) -> None:
        self.frozen = tuple(frozen)
        self._recordings: dict[torch.Size, Recording] = {}

    def program(self, function: Callable[[], None], shape: torch.Size) -> Program | None:
        """Run a function on a batch of some shape; return what does it again, once known."""
        recording = Recording(function)
        before = self._recordings.pop(shape, None)
        if before is None:
            self._recordings[shape] = recording
            return None
        if not recording.same(before):
            raise NotCapturableError("two steps did not do the same")
        return recording.program(self.frozen)

    def close(self) -> None:
        """Forget what was recorded."""
        self._recordings.clear()


class _Arena:
    """Places the storages that steps make so that those alive together do not overlap."""

    def __init__(self, steps: list[Call], owned: set[int]) -> None:
        spans: dict[int, tuple[int, int]] = {}
        sizes: dict[int, int] = {}
        for i, step in enumerate(steps):
            for tensor in tensors_of((step.args, step.kwargs, step.result)):
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


def _follows_from(call: Call, constant: set[int]) -> bool:
    """Whether an operation gives the same each time, as all that it reads is constant."""
    name = name_of(call.operation)
    if name in _FILLS:
        return True
    if name in _ALLOCATIONS or torch.Tag.nondeterministic_seeded in call.operation.tags:
        return False
    reads = {storage_key(x) for x in tensors_of((call.args, call.kwargs))}
    return bool(reads) and reads <= constant


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


def _signature(call: Call, owned: set[int], names: dict[int, int]) -> list[Any]:
    """What an operation was given and gave: where tensors lie, and all else by value."""

    def described(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return type(value), value
        key = storage_key(value)
        where = ("own", names.setdefault(key, len(names))) if key in owned else ("given", key)
        return *where, value.storage_offset(), tuple(value.shape), value.stride(), value.dtype

    return [described(value) for value in leaves_of((call.args, call.kwargs, call.result))]
