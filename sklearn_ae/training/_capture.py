"""A training step, recorded once and replayed without autograd and its Python."""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any
from weakref import WeakSet

import numpy as np
import torch
from torch import Generator, Tensor

from sklearn_ae._compat import DispatchMode, Overload, storage_key
from sklearn_ae.data import Batch
from sklearn_ae.training._calls import Call, bound, leaves_of, mapped, name_of, tensors_of

# Bytes that a recorded step may allocate; beyond, its kernels take the time.
_MOST_BYTES = 2**28
# Buffers of a program begin at multiples of so many bytes, as torch's own do.
_ALIGNMENT = 64
_ALLOCATIONS = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_FILLS = {
    *("full", "full_like", "new_full", "new_ones", "new_zeros"),
    *("arange", "ones", "ones_like", "scalar_tensor", "zeros", "zeros_like"),
}
# Runs of a function on a batch of some size before it is recorded.
_WARM_UP = 4
# Held while a step is recorded, and while graphs are freed, which ends a capture.
_RECORDING = threading.RLock()

Program = list[Callable[[], Any]]


class NotCapturableError(RuntimeError):
    """A step that cannot be recorded; the message says why."""


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


@contextmanager
def replaying() -> Iterator[None]:
    """Run programs without autograd, and let numbers overflow as torch does."""
    with torch.inference_mode(), np.errstate(all="ignore"):
        yield


class Replays:
    """Makes programs for the CPU: two runs are recorded, and have to agree.

    Parameters
    ----------
    frozen : iterable of Tensor
        Tensors that nobody changes from run to run.
    """

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


class _Uncollected:
    """Keeps Python from collecting garbage, graphs among it, while any thread is inside."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inside = 0
        self._was_enabled = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._was_enabled:
                gc.enable()


_UNCOLLECTED = _Uncollected()


class Graphs:
    """Makes CUDA graphs.

    Parameters
    ----------
    noise : Generator
        Feeds the draws of the function.
    """

    # Those that hold graphs.
    _open: WeakSet[Graphs] = WeakSet()

    def __init__(self, noise: Generator) -> None:
        self.noise = noise
        self._graphs: list[torch.cuda.CUDAGraph] = []

    def program(self, function: Callable[[], None], shape: torch.Size) -> Program:
        """Run a function on a batch; return what does it again.

        Raises
        ------
        NotCapturableError
            After the run, if it cannot be captured. Earlier programs are of no use then.
        """
        # The state of the generator itself stays tied to a capture that fails.
        state = Generator(self.noise.device)
        state.set_state(self.noise.get_state())
        with _RECORDING:
            if any(graphs is not self for graphs in self._open):
                # Some may be garbage; a collection takes a tenth of a second.
                gc.collect()
            failure = self._capture(function)
        if failure:
            self.close()
            self.noise.graphsafe_set_state(state)
            function()
            raise NotCapturableError(f"CUDA says: {failure}")
        graph = self._graphs[-1]
        graph.replay()  # what is captured has not run
        return [graph.replay]

    def close(self) -> None:
        """Free the graphs, while nobody captures one."""
        with _RECORDING:
            self._open.discard(self)
            while self._graphs:
                _free(self._graphs.pop())

    def _capture(self, function: Callable[[], None]) -> str:
        """Add a graph of a function, which does not run; return what went wrong, if it did."""
        device, graph = self.noise.device, torch.cuda.CUDAGraph()
        try:
            with _UNCOLLECTED, torch.cuda.device(device):
                graph.register_generator_state(self.noise)
                # Fits in other threads go on meanwhile.
                capture = torch.cuda.graph(
                    graph, stream=torch.cuda.Stream(device), capture_error_mode="thread_local"
                )
                # A capture that fails leaves its stream behind as the current one.
                with torch.cuda.stream(torch.cuda.current_stream(device)), capture:
                    function()
        except BaseException as error:
            _free(graph)  # not whenever the traceback goes
            if not isinstance(error, RuntimeError):
                raise
            return (str(error).splitlines() or [type(error).__name__])[0]
        self._graphs.append(graph)
        self._open.add(self)
        return ""


def _free(graph: torch.cuda.CUDAGraph) -> None:
    # One whose capture failed may have nothing to free, and says so.
    with suppress(RuntimeError):
        graph.reset()


def program_maker(noise: Generator, frozen: Iterable[Tensor]) -> Replays | Graphs:
    """Return what makes programs on the device of a generator.

    Parameters
    ----------
    noise : Generator
        Feeds the draws of the function.
    frozen : iterable of Tensor
        Tensors that nobody changes from run to run.
    """
    return Graphs(noise) if noise.device.type == "cuda" else Replays(frozen)


class Captured:
    """A function of batches that runs as it is, until there is a program for their shape.

    Parameters
    ----------
    function : callable
        Takes a batch. It reads and writes tensors that stay where they are, those of the
        batch included.
    obstacle : str
        Why the function cannot be replayed; empty if that is not known.
    maker : Replays or Graphs
        Makes the programs.
    """

    def __init__(
        self, function: Callable[[Batch], Any], obstacle: str, maker: Replays | Graphs
    ) -> None:
        self.function = function
        self.obstacle = obstacle
        self.maker = maker
        self._runs: Counter[torch.Size] = Counter()
        self._programs: dict[torch.Size, Program] = {}

    def __call__(self, batch: Batch) -> None:
        """Run the function on a batch."""
        self.call(batch)()

    def call(self, batch: Batch) -> Callable[[], Any]:
        """Return what runs the function on a batch: itself, or the program that stands for it."""
        shape = batch.x.shape
        program = self._programs.get(shape)
        if program is not None:
            return partial(_replay, program)
        self._runs[shape] += 1
        if self.obstacle or self._runs[shape] <= _WARM_UP:
            return partial(self.function, batch)
        return partial(self._record, batch)

    def programs(self, shapes: set[torch.Size]) -> dict[torch.Size, Program] | None:
        """Return what to call, in order and while `replaying`, for batches of some shapes.

        None if a batch of one of the shapes still runs as it is.
        """
        return self._programs if shapes <= self._programs.keys() else None

    def close(self) -> None:
        """Free the programs."""
        with _RECORDING:
            self._programs.clear()
            self.maker.close()

    def _record(self, batch: Batch) -> None:
        shape = batch.x.shape
        try:
            program = self.maker.program(partial(self.function, batch), shape)
        except NotCapturableError as error:
            self.obstacle = str(error)
            if isinstance(self.maker, Graphs):
                self.close()
            return
        if program is not None:
            self._programs[shape] = program


def _replay(program: Program) -> None:
    with replaying():
        for operation in program:
            operation()


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


def _after_fork() -> None:
    """Let a child record, whatever other threads of its parent were at."""
    global _RECORDING, _UNCOLLECTED
    if _UNCOLLECTED._inside and _UNCOLLECTED._was_enabled:
        gc.enable()
    _RECORDING, _UNCOLLECTED = threading.RLock(), _Uncollected()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(after_in_child=_after_fork)
