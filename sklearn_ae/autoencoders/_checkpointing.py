"""Which fit a checkpoint is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np

from sklearn_ae._version import __version__
from sklearn_ae.autoencoders._state import StateMixin
from sklearn_ae.data import digest_of_data
from sklearn_ae.inference import state_tensors
from sklearn_ae.runtime import Facts, kept_in
from sklearn_ae.state import digest

# Parameters that change nothing of what is learned.
_NO_MATTER = {"checkpoint", "verbose", "n_jobs"}
_LONGEST = 60


@contextmanager
def checkpointed(estimator: Any, **given: Any) -> Iterator[None]:
    """Keep what is trained in the block in the estimator's `checkpoint`, if it has one.

    Parameters
    ----------
    estimator : estimator
        Not changed.
    **given
        What its `fit` was called with and reads.

    Raises
    ------
    ValueError
        If the folder is that of another fit, or of one that runs, or if what the estimator holds
        has a checkpoint of its own.
    """
    _check_held(estimator)
    if estimator.checkpoint is None:
        yield
        return
    estimator._validate_params()
    with kept_in(estimator.checkpoint, _facts(estimator, given)):
        yield


def _check_held(estimator: Any) -> None:
    """Raise if a checkpoint is set where none is read: what is held is trained within the whole."""
    parameters = estimator.get_params()
    for name, value in parameters.items():
        holder, _, own = name.rpartition("__")
        held = parameters.get(holder)
        if own == "checkpoint" and value is not None and isinstance(held, StateMixin):
            raise ValueError(
                f"{name}={value!r} has no meaning in a {type(estimator).__name__}, which keeps "
                f"all that it trains in one folder; set checkpoint={value!r} of the "
                f"{type(estimator).__name__}, and leave that of {holder} at None."
            )


def _facts(estimator: Any, given: Mapping[str, Any]) -> Facts:
    """Return what makes a fit another one, by name."""
    versions = {"sklearn_ae": __version__}
    versions |= {name: version(name) for name in ("torch", "numpy", "scikit-learn")}
    found = {"the estimator": type(estimator).__name__}
    found |= {f"the version of {name}": number for name, number in versions.items()}
    facts: Facts = {name: (shown, shown) for name, shown in found.items()}
    for name, value in sorted(estimator.get_params().items()):
        own = name.rpartition("__")[2]
        if own not in _NO_MATTER:
            facts[name] = _shown(value), _digest_of_parameter(own, value)
    if getattr(estimator, "warm_start", False) and estimator.__sklearn_is_fitted__():
        facts["the fit before"] = "a network", digest(_weights(estimator))
    for name, value in given.items():
        facts[name] = digest_of_data(value)
    return facts


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _digest_of_parameter(name: str, value: Any) -> str:
    """Return a digest of a parameter; those within it have names of their own."""
    if isinstance(value, np.random.RandomState):
        return digest(list(value.get_state()))
    if name == "callbacks":  # they change while they are called
        return digest([type(callback).__name__ for callback in value or ()])
    if hasattr(value, "get_params") and not isinstance(value, type):
        return digest([type(value).__name__, _weights(value)])
    return digest(value)


def _weights(value: Any) -> list[np.ndarray]:
    """Return what an autoencoder has learned, if it is a fitted one or holds it."""
    model = vars(getattr(value, "estimator", value)).get("_model")
    tensors = [] if model is None else state_tensors(model.module)
    return [tensor.detach().cpu().numpy() for tensor in tensors]
