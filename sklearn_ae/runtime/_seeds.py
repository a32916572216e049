"""Every draw of a fit comes from generators that are derived here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Generator

from sklearn_ae.runtime._checkpoints import current_checkpoint

_Built = TypeVar("_Built")
# One constructor at a time, as torch's global generator belongs to all threads; one may be
# within another.
_CONSTRUCTION = threading.RLock()


class Seeds:
    """Independent streams from one integer.

    Parameters
    ----------
    entropy : int
        The root of all streams.
    """

    def __init__(self, entropy: int) -> None:
        self.entropy = entropy

    @classmethod
    def of(cls, random_state: int | np.random.RandomState | None) -> Seeds:
        """Draw the root: an int is itself, a RandomState advances, None asks the system.

        A fit that goes on from a checkpoint has the roots that it had before.
        """
        if random_state is None:
            checkpoint = current_checkpoint()
            return cls(_drawn() if checkpoint is None else checkpoint.seed(_drawn))
        if isinstance(random_state, np.random.RandomState):
            return cls(int(random_state.randint(2**31 - 1)))
        return cls(int(random_state))

    def torch(self, *stream: str | int, device: torch.device | str = "cpu") -> Generator:
        """Return a torch generator for a named stream."""
        return Generator(device).manual_seed(int(self._sequence(stream).generate_state(1)[0]))

    def numpy(self, *stream: str | int) -> np.random.Generator:
        """Return a numpy generator for a named stream."""
        return np.random.default_rng(self._sequence(stream))

    def _sequence(self, stream: tuple[str | int, ...]) -> np.random.SeedSequence:
        key = tuple(
            int.from_bytes(part.encode(), "little") if isinstance(part, str) else part
            for part in stream
        )
        return np.random.SeedSequence(self.entropy, spawn_key=key)


def _drawn() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])


def constructed(build: Callable[..., _Built], *args: Any, seed: int = 0) -> _Built:
    """Return what a user's constructor builds, with a seed of its own.

    Modules of torch draw their first weights from torch's global generator, which is put back.
    """
    generator = torch.default_generator
    with _CONSTRUCTION:
        before = generator.get_state()
        generator.manual_seed(seed)
        try:
            return build(*args)
        finally:
            generator.set_state(before)
