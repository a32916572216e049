"""Hyperparameters that every autoencoder shares, and the slots they fill."""

from __future__ import annotations

import inspect
from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions

from sklearn_ae.architectures import ACTIVATIONS, Architecture
from sklearn_ae.corruptions import Corruption
from sklearn_ae.latents import Latent
from sklearn_ae.losses import LOSSES, Loss

SHARED_CONSTRAINTS: dict[str, list] = {
    "n_components": [
        Interval(Integral, 1, None, closed="left"),
        Interval(RealNotInt, 0, 1, closed="neither"),
        None,
    ],
    "hidden_layer_sizes": [tuple, list, Interval(Integral, 1, None, closed="left"), None],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "l1": [Interval(Real, 0, None, closed="left")],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "architecture": [Architecture, None],
    "latent": [Latent, None],
    "corruption": [Corruption, None],
    "penalties": [tuple, list],
    "loss": [StrOptions(set(LOSSES)), Loss],
    "init": [StrOptions({"pca", "random"})],
    "whiten": ["boolean"],
    "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 0, None, closed="left"), None],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "contamination": [Interval(Real, 0, 0.5, closed="right")],
    "device": [str],
    "callbacks": [tuple, list, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


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
    defaults = inspect.signature(type(estimator).__init__).parameters
    for name in flat_names:
        value = getattr(estimator, name)
        if value != defaults[name].default:
            raise ValueError(
                f"{slot}={filled!r} replaces {name}={value!r}; leave {name} at its default "
                f"and set it in the object that fills {slot}, or leave {slot} at its default."
            )
