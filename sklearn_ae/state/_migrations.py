"""How states of older formats become those of today.

`MIGRATIONS[n]` makes an object of format n one of format n + 1. It gets the name of the class, as
in "latents.Gaussian", and the state of one object, and is called for each object in a state,
those inside first. A format that a release has written is not changed any more: whoever changes
what a state holds adds one to `FORMAT`, writes the migration, and keeps the files in
tests/state/files as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn_ae.state._plain import CLASS

FORMAT = 3
Migration = Callable[[str, dict[str, Any]], dict[str, Any]]


def _with_freeze(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Give autoencoders the parameter `freeze`, which format 1 does not know."""
    return {"freeze": (), **state} if "warm_start" in state else state


def _with_prior(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Give variational autoencoders the prior of their bound, the only one of format 2."""
    return {"prior": "normal", **state} if "n_importance_samples" in state else state


MIGRATIONS: dict[int, Migration] = {1: _with_freeze, 2: _with_prior}


def migrated(name: str, state: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the state of an object of a class in today's format."""
    for n in range(number, FORMAT):
        state = _applied(MIGRATIONS[n], name, state)
    return state


def _applied(migration: Migration, name: str, state: dict[str, Any]) -> dict[str, Any]:
    return migration(name, {key: _inside(migration, item) for key, item in state.items()})


def _inside(migration: Migration, value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)([_inside(migration, item) for item in value])
    if type(value) is not dict:
        return value
    if CLASS in value:
        return _applied(migration, value[CLASS], value)
    return {key: _inside(migration, item) for key, item in value.items()}
