"""CUDA graphs of steps, and what keeps them apart from garbage collection and other threads."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import torch
from torch import Generator

Program = list[Callable[[], Any]]

# Held while a step is recorded, and while graphs are freed, which ends a capture.
_RECORDING = threading.RLock()


def recording_lock() -> threading.RLock:
    """Return the lock, which a forked child has anew."""
    return _RECORDING


class NotCapturableError(RuntimeError):
    """A step that cannot be recorded; the message says why."""


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

    # Programs are the same kernels.
    rounds_alike = True
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


def _after_fork() -> None:
    """Let a child record, whatever other threads of its parent were at."""
    global _RECORDING, _UNCOLLECTED
    if _UNCOLLECTED._inside and _UNCOLLECTED._was_enabled:
        gc.enable()
    _RECORDING, _UNCOLLECTED = threading.RLock(), _Uncollected()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(after_in_child=_after_fork)
