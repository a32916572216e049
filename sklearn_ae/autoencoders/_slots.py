"""Slots of an autoencoder, filled by an object or spelled by flat parameters."""

from __future__ import annotations

import inspect
from typing import Any

from sklearn.base import BaseEstimator

# Parameters that say how to read the columns of a table.
TABLE_PARAMETERS = ("categorical_features", "numeric_map")


def fill_slot(
    estimator: BaseEstimator, slot: str, preset: type[BaseEstimator], **renamed: str
) -> Any:
    """Return the object in a slot, or the preset spelled by the flat parameters.

    Parameters
    ----------
    estimator : estimator
        Its parameters are read.
    slot : str
        Name of the slot.
    preset : type
        What fills the slot when it is None. Its parameters are taken from those of
        the estimator that have the same name.
    **renamed : str
        Parameters of the preset that the estimator calls by another name.

    Raises
    ------
    ValueError
        If the slot is filled and a flat parameter that it replaces is not at its default.
    """
    names = {name: renamed.get(name, name) for name in preset._get_param_names()}
    filled = getattr(estimator, slot)
    if filled is None:
        return preset(**{name: getattr(estimator, flat) for name, flat in names.items()})
    check_no_conflict(estimator, slot, filled, list(names.values()))
    return filled


def check_no_conflict(
    estimator: BaseEstimator, slot: str, filled: Any, flat_names: list[str]
) -> None:
    """Raise if a flat parameter that a filled slot replaces is not at its default."""
    parameters = inspect.signature(type(estimator).__init__).parameters
    for name in flat_names:
        if name not in parameters:  # a subclass decides on it, not its user
            continue
        value = getattr(estimator, name)
        # An array is never a default, and has no single answer to a comparison.
        if hasattr(value, "shape") or value != parameters[name].default:
            raise ValueError(
                f"{slot}={filled!r} replaces {name}={value!r}; leave {name} at its default "
                f"and set it in the object that fills {slot}, or leave {slot} at its default."
            )
