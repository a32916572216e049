"""How training is ended by a callback."""

from __future__ import annotations

import traceback


class TrainingEnd(KeyboardInterrupt):
    """What a callback raises to end training, as skorch's callbacks do, and not the program."""


def asks_for_end(error: KeyboardInterrupt) -> bool:
    """Whether a callback ends training by this, rather than the user the program."""
    if isinstance(error, TrainingEnd):
        return True
    *_, last = traceback.walk_tb(error.__traceback__)
    return str(last[0].f_globals.get("__name__", "")).startswith("skorch.callbacks")
