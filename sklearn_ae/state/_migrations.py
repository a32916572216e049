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

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.state._plain import CLASS

FORMAT = 4
Migration = Callable[[str, dict[str, Any]], dict[str, Any]]


def _with_freeze(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Give autoencoders the parameter `freeze`, which format 1 does not know."""
    return {"freeze": (), **state} if "warm_start" in state else state


def _with_prior(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Give variational autoencoders the prior of their bound, the only one of format 2."""
    return {"prior": "normal", **state} if "n_importance_samples" in state else state


def _without_masks(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """List the networks of outlier detectors by kind; format 3 has the two of a member in turn.

    The second fills in a part of the columns at a time from the others. So does one network with a
    block for each part, to which the part is not connected.
    """
    if not {"networks", "parts"} <= state.keys():
        return state
    pairs = state["networks"]
    noisy = {**pairs, "parameters": [given[::2] for given in pairs["parameters"]]}
    masked = [given[1::2] for given in pairs["parameters"]]
    blocks = {**pairs, "parameters": _in_blocks(masked, state["parts"])}
    rest = {key: value for key, value in state.items() if key not in ("parts", "scales")}
    mixture = {CLASS: "applications.Mixture", "items": [0.15, state["scales"]]}
    return {**rest, "networks": [noisy, blocks], "mixture": mixture}


def _in_blocks(parameters: list[NDArray], parts: list[NDArray]) -> list[NDArray]:
    """Return networks that answer each part of the columns in a block that is not given it."""
    first, first_bias, inner, inner_bias, last, last_bias = parameters
    n, width, _ = inner.shape
    first, last = np.tile(first, (1, 1, len(parts))), np.tile(last, (1, len(parts), 1))
    wide = np.zeros((n, width * len(parts), width * len(parts)), inner.dtype)
    for i, part in enumerate(parts):
        block = slice(i * width, (i + 1) * width)
        first[:, part, block] = 0.0
        wide[:, block, block] = inner
        last[:, block, np.setdiff1d(np.arange(last.shape[2]), part)] = 0.0
    biases = [np.tile(bias, (1, 1, len(parts))) for bias in (first_bias, inner_bias)]
    return [first, biases[0], wide, biases[1], last, last_bias]


def _with_checkpoint(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Give estimators the parameter `checkpoint`, which format 3 does not know."""
    return {"checkpoint": None, **state} if "random_state" in state else state


def _from_3(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return _with_checkpoint(name, _without_masks(name, state))


MIGRATIONS: dict[int, Migration] = {1: _with_freeze, 2: _with_prior, 3: _from_3}


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
