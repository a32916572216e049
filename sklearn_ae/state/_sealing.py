"""The header of a saved state: format, class, versions and digest."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from torch import __version__ as torch_version

from sklearn_ae._version import __version__
from sklearn_ae.state import _migrations
from sklearn_ae.state._digest import digest
from sklearn_ae.state._plain import class_name, from_plain, to_plain

HEADER = "__sklearn_ae__"
_VERSIONS = {
    "sklearn_ae": __version__,
    "numpy": np.__version__,
    "scikit-learn": sklearn.__version__,
    "torch": str(torch_version),
}


class OtherVersionWarning(InconsistentVersionWarning):
    """An estimator was saved by another version of this package."""

    def __str__(self) -> str:
        return (
            f"{self.estimator_name} was saved by sklearn_ae {self.original_sklearn_version} and is "
            f"loaded by sklearn_ae {self.current_sklearn_version}; its answers are those of its "
            "file, but a refit may differ. Save it again to be rid of this warning."
        )


def seal(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return a state as plain values, with a header that says what they are.

    Parameters
    ----------
    cls : type
        Class of the estimator.
    state : dict
        Its attributes.
    """
    plain = to_plain(state)
    header = {
        "format": _migrations.FORMAT,
        "class": _name(cls),
        "versions": _VERSIONS,
        "names": list(plain),
    }
    return {HEADER: {**header, "digest": digest([header, plain])}, **plain}


def unseal(
    cls: type, state: Any, restored: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Return the attributes that `seal` was given, if nothing has changed since.

    Parameters
    ----------
    cls : type
        Class of the estimator.
    state : dict
        What `seal` returned, and what a user's subclass has added beside it.
    restored : callable
        Makes attributes of the objects in the state.

    Raises
    ------
    ValueError
        If the state has no format number or a later one, is of another class, is damaged, or
        holds what does not fit together.
    """
    header = state.get(HEADER) if isinstance(state, dict) else None
    if not isinstance(header, dict):
        raise ValueError(
            f"The saved {cls.__name__} has no format number, so that it is of a version before "
            f"sklearn_ae 0.1.0, and this is sklearn_ae {__version__}; load it with the version "
            "that wrote it, or fit it again."
        )
    number, written = header.get("format"), _written(header)
    if type(number) is not int or not 1 <= number <= _migrations.FORMAT:
        # A build between two releases has the version of the first one.
        later = "a later build" if written == __version__ else f"sklearn_ae {written} or later"
        raise ValueError(
            f"The saved {cls.__name__} is of sklearn_ae {written} in format {number!r}, and this "
            f"is sklearn_ae {__version__}, which reads formats 1 to {_migrations.FORMAT}; use "
            f"{later}, or fit it again."
        )
    given = {key: value for key, value in state.items() if key != HEADER}
    own = _own(header, given)
    facts = {key: value for key, value in header.items() if key != "digest"}
    if header.get("digest") != _digest_or_none([facts, own]):
        raise ValueError(
            f"The saved {cls.__name__} of sklearn_ae {written} is damaged: its digest is not that "
            f"of its content (this is sklearn_ae {__version__}). Load another copy, or fit it "
            "again."
        )
    if header["class"] != _name(cls):
        raise ValueError(
            f"The state is that of {header['class']}, saved by sklearn_ae {written}, and not of "
            f"{cls.__name__} (this is sklearn_ae {__version__}); load it as what it is."
        )
    if written != __version__:
        warnings.warn(
            OtherVersionWarning(
                estimator_name=cls.__name__,
                current_sklearn_version=__version__,
                original_sklearn_version=written,
            ),
            stacklevel=3,
        )
    try:
        further = {key: value for key, value in given.items() if key not in own}
        plain = {**further, **_migrations.migrated(_name(cls), own, number)}
        return restored(from_plain(plain))
    except Exception as error:
        raise ValueError(
            f"The saved {cls.__name__} of sklearn_ae {written} cannot be restored: "
            f"{error or type(error).__name__} (this is sklearn_ae {__version__}). Load another "
            "copy, or fit it again."
        ) from error


def _name(cls: type) -> str:
    """Return the name of the class of this package that a class is or extends."""
    return next(name for name in map(class_name, cls.__mro__) if name is not None)


def _written(header: dict[str, Any]) -> str:
    versions = header.get("versions")
    return str(versions.get("sklearn_ae")) if isinstance(versions, dict) else "unknown"


def _own(header: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return what the digest covers."""
    names = header.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return {}
    return {name: given[name] for name in names if name in given}


def _digest_or_none(value: Any) -> str | None:
    try:
        return digest(value)
    except (TypeError, ValueError, RecursionError):
        return None
