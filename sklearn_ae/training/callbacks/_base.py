"""How training is ended by a callback."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from skorch.callbacks import EarlyStopping


class TrainingEnd(KeyboardInterrupt):
    """What a callback raises to end training, as skorch's callbacks do, and not the program."""


def asks_for_end(error: KeyboardInterrupt) -> bool:
    """Whether a callback ends training by this, rather than the user the program."""
    if isinstance(error, TrainingEnd):
        return True
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code is EarlyStopping.on_epoch_end.__code__


@contextmanager
def suppressed_end() -> Iterator[None]:
    """Go on behind the block where a callback has asked for the end of training."""
    try:
        yield
    except KeyboardInterrupt as error:
        if not asks_for_end(error):
            raise
        # From Python 3.13 on, its frames would hold what training held until garbage is collected.
        error.__traceback__ = None
