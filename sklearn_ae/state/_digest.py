"""A digest of plain values that is the same on every platform and for every version."""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

# What scikit-learn adds to the state of its estimators.
_VERSION = "_sklearn_version"


def digest(value: Any) -> str:
    """Return the digest of a tree of dicts, lists, arrays and numbers.

    It is the SHA-256 of the tree as JSON, with the CRC-32 of the bytes of each array, whose
    order in memory does not count. Of objects of other packages it covers class and attributes;
    of those that write a state of their own, which may look different once they are loaded, the
    class alone.

    Parameters
    ----------
    value : object
        The tree.
    """
    return _Digest().of(value)


class _Digest:
    """Describes what JSON does not know."""

    def __init__(self) -> None:
        self._inside: set[int] = set()

    def of(self, value: Any) -> str:
        return hashlib.sha256(json.dumps(value, default=self._described).encode()).hexdigest()

    def _described(self, value: Any) -> Any:
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        if isinstance(value, np.ndarray):
            return _array(value)
        if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
            return value.item()
        if isinstance(value, bytes):
            return [name, value.hex()]
        if isinstance(value, slice):
            return [name, value.start, value.stop, value.step]
        if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
            return [name, f"{value.__module__}.{value.__qualname__}"]
        if isinstance(value, (date, time, timedelta, Decimal, Fraction, complex, range, np.dtype)):
            return [name, str(value)]
        if isinstance(value, (set, frozenset)):
            return [name, sorted(map(self.of, value))]
        if isinstance(value, partial):
            return [name, value.func, value.args, value.keywords]
        return [name, self._attributes(value)]

    def _attributes(self, value: Any) -> str | None:
        """Return the digest of the attributes of an object that is saved by them alone."""
        if not _saved_by_attributes(type(value)) or id(value) in self._inside:
            return None
        self._inside.add(id(value))
        try:
            return self.of({k: v for k, v in vars(value).items() if k != _VERSION})
        except TypeError:  # a key that JSON does not know
            return None
        finally:
            self._inside.remove(id(value))


def _array(value: np.ndarray) -> list[Any]:
    if value.dtype.hasobject or value.dtype.kind == "T":
        return ["array", value.dtype.kind, value.shape, value.tolist()]
    cells = np.ascontiguousarray(value).reshape(-1)
    data: Any = cells.view(np.uint8) if cells.nbytes else b""
    return ["array", value.dtype.str, value.shape, zlib.crc32(data)]


def _saved_by_attributes(cls: type) -> bool:
    """Whether an object's attributes are all that a file holds of it."""
    if cls.__reduce_ex__ is not object.__reduce_ex__ or cls.__reduce__ is not object.__reduce__:
        return False
    own = BaseEstimator if issubclass(cls, BaseEstimator) else object
    setter = getattr(own, "__setstate__", None)
    return (
        cls.__getstate__ is own.__getstate__
        and getattr(cls, "__setstate__", None) is setter
        and cls.__dictoffset__ != 0
    )
