"""What a user's functions can be called with."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any


def takes(function: Callable, *args: Any, **further: Any) -> bool:
    """Whether a function can be called so, as far as its signature is known."""
    try:
        signature(function).bind(*args, **further)
    except TypeError:
        return False
    except ValueError:  # it has none
        return True
    return True
