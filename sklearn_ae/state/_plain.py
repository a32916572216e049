"""Objects of this package as dicts of plain values, and back.

A dict that stands for an object names its class by room, as in "latents.Gaussian", so that a file
does not depend on the module that a class is written in.
"""

from __future__ import annotations

import datetime
import decimal
import inspect
import sys
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

# Names the class in a dict that stands for an object.
CLASS = "__type__"
# Stands for a dict with keys that are not strings.
_DICT = "dict"
_ATOMS = (type(None), bool, int, float, str, bytes, np.ndarray, np.float64, slice)
_known: dict[str, type] = {}


def _stamp(text: str, unit: str, zone: str | None) -> pd.Timestamp:
    stamp = pd.Timestamp(text).as_unit(unit)
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone)


# Levels of categories that are no plain values: their type, parts of them, and what makes them.
_LEVELS: dict[str, tuple[type, Callable[[Any], tuple], Callable[..., Any]]] = {
    "timestamp": (
        pd.Timestamp,
        lambda t: (str(t.to_datetime64()), t.unit, None if t.tz is None else str(t.tz)),
        _stamp,
    ),
    "timedelta": (
        pd.Timedelta,
        lambda t: (int(t.to_timedelta64().astype(np.int64)), t.unit),
        lambda count, unit: pd.Timedelta(np.timedelta64(count, unit)),
    ),
    "datetime": (
        datetime.datetime,
        lambda t: (t.isoformat(),),
        datetime.datetime.fromisoformat,
    ),
    "date": (datetime.date, lambda t: (t.isoformat(),), datetime.date.fromisoformat),
    "time": (datetime.time, lambda t: (t.isoformat(),), datetime.time.fromisoformat),
    "decimal": (decimal.Decimal, lambda x: (str(x),), decimal.Decimal),
}
_LEVEL = "level"


def to_plain(value: Any, done: dict[int, Any] | None = None) -> Any:
    """Return a value with each object of this package in it as a dict.

    Objects of others, such as a user's estimator or function, stay as they are. An object that
    is met twice is one dict, met twice.

    Parameters
    ----------
    value : object
        Of any type.
    done : dict, optional
        What has been found for objects that were met.
    """
    done = {} if done is None else done
    kind = type(value)
    if kind in _ATOMS:
        return value
    if isinstance(value, PurePath):
        return str(value)
    if kind is dict:
        if all(type(key) is str for key in value):
            return {key: to_plain(item, done) for key, item in value.items()}
        items = [[to_plain(key, done), to_plain(item, done)] for key, item in value.items()]
        return {CLASS: _DICT, "items": items}
    if kind is list or kind is tuple:
        return kind([to_plain(item, done) for item in value])
    for level, (type_, parts, _) in _LEVELS.items():
        if kind is type_:
            return {CLASS: _LEVEL, "kind": level, "parts": list(parts(value))}
    name = class_name(kind)
    if name is None:
        return value
    if id(value) not in done:
        # The value is held, so that its id stays its own.
        done[id(value)] = value, {CLASS: name, **to_plain(_state_of(value), done)}
    return done[id(value)][1]


def from_plain(plain: Any, done: dict[int, Any] | None = None) -> Any:
    """Return the value that `to_plain` was given."""
    done = {} if done is None else done
    kind = type(plain)
    if kind is list or kind is tuple:
        return kind([from_plain(item, done) for item in plain])
    if isinstance(plain, np.ndarray) and not plain.flags.writeable:
        return np.array(plain)  # mapped from a file, which may change
    if kind is not dict:
        return plain
    if id(plain) not in done:
        name = plain.get(CLASS)
        state = {key: from_plain(item, done) for key, item in plain.items() if key != CLASS}
        if name is None:
            value = state
        elif name == _DICT:
            value = dict(state["items"])
        elif name == _LEVEL:
            value = _LEVELS[state["kind"]][2](*state["parts"])
        else:
            value = _made(name, state)
        done[id(plain)] = plain, value
    return done[id(plain)][1]


def trusted_types(public: Iterable[Any]) -> list[str]:
    """Return the paths of the classes of estimators and their parameters among some objects."""
    return sorted(
        f"{value.__module__}.{value.__qualname__}"
        for value in public
        if inspect.isclass(value)
        and issubclass(value, BaseEstimator)
        and not inspect.isabstract(value)
    )


def class_name(cls: type) -> str | None:
    """Return the name of a class of this package by room, None of others."""
    if not cls.__module__.startswith("sklearn_ae."):
        return None
    name = f"{cls.__module__.split('.')[1]}.{cls.__name__}"
    return name if own_classes(name).get(name) is cls else None


def own_classes(wanted: str | None = None) -> dict[str, type]:
    """Return the classes of this package that have been imported, by their names.

    Parameters
    ----------
    wanted : str, optional
        Look again for classes if this is not among those that are known.
    """
    if wanted not in _known:
        for path, module in list(sys.modules.items()):
            if path.startswith("sklearn_ae.") and module is not None:
                for value in list(vars(module).values()):
                    if inspect.isclass(value) and value.__module__ == path:
                        _known[f"{path.split('.')[1]}.{value.__name__}"] = value
    return _known


def _state_of(value: Any) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"items": list(value)}
    packed = getattr(value, "_packed_state", None)
    state = value.__getstate__() if packed is None else packed()
    return {} if state is None else state


def _made(name: str, state: dict[str, Any]) -> Any:
    cls = own_classes(name).get(name)
    if cls is None:
        raise ValueError(f"it holds a {name!r}, which is not known here")
    if issubclass(cls, tuple):
        return cls(*state["items"])
    value: Any = cls.__new__(cls)
    if hasattr(cls, "_restore_state"):
        value._restore_state(state)
    elif hasattr(cls, "__setstate__"):
        value.__setstate__(state)
    else:
        vars(value).update(state)
    return value
