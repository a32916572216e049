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
