"""Steps that run as they are until there is a program that does the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.runtime import interrupts_held
from sklearn_ae.training.steps._graphs import (
    Graphs,
    NotCapturableError,
    Program,
    recording_lock,
)
from sklearn_ae.training.steps._recording import Replays

# Runs of a function on a batch of some size before it is recorded.
_WARM_UP = 4


@contextmanager
def replaying() -> Iterator[None]:
    """Run programs without autograd, and let numbers overflow as torch does."""
    with torch.inference_mode(), np.errstate(all="ignore"):
        yield


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

    def state(self) -> dict[str, Any]:
        """Return how far it is, as plain values."""
        return {"obstacle": self.obstacle, "runs": [(*shape, n) for shape, n in self._runs.items()]}

    def resume(self, state: dict[str, Any], batches: Iterable[Batch]) -> None:
        """Be as far as another one was, of the same function.

        Programs may add up in another order than the function, so that what was recorded is
        recorded again, by runs whose results are to be put back.

        Parameters
        ----------
        state : dict
            That of the other one.
        batches : iterable of Batch
            Some of each shape, where they will come to lie again.
        """
        self.obstacle = state["obstacle"]
        runs = Counter({torch.Size(shape): n for *shape, n in state["runs"]})
        self._runs = runs.copy()
        if not self.obstacle and not self.maker.rounds_alike:
            recorded = {shape: n - _WARM_UP for shape, n in runs.items() if n > _WARM_UP}
            for i, batch in enumerate(batches if recorded else ()):
                if i == 0:
                    self.function(batch)  # it makes what later runs add to
                for _ in range(recorded.pop(batch.x.shape, 0)):
                    self.call(batch)()
        self._runs = runs

    def close(self) -> None:
        """Free the programs."""
        with recording_lock():
            self._programs.clear()
            self.maker.close()

    def _record(self, batch: Batch) -> None:
        shape = batch.x.shape
        try:
            with interrupts_held():
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
