"""Digests of rows and what comes with them, in whatever they come."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_ae.data._arrays import as_numpy
from sklearn_ae.data._containers import is_frame
from sklearn_ae.state import digest

# Bytes of an array that are read at once.
_BLOCK = 2**26


def digest_of_data(value: Any) -> tuple[str, str]:
    """Return what an argument of `fit` looks like, and a digest of its content.

    What has a method `facts`, as sources of rows do, says by it what its content is.
    """
    return _look(value), digest(_content(value))


def _look(value: Any) -> str:
    if value is None:
        return "None"
    shape = getattr(value, "shape", None)
    if shape is None and hasattr(value, "__len__"):
        shape = (len(value),)
    kind = f"{type(value).__name__}"
    return kind if shape is None else f"{kind} of shape {tuple(shape)}"


def _content(value: Any) -> Any:
    if issparse(value):
        rows = value.tocsr()
        return [*map(_content, (rows.data, rows.indices, rows.indptr)), rows.shape]
    if isinstance(value, (pd.DataFrame, pd.Series)):
        frame = value if isinstance(value, pd.DataFrame) else value.to_frame()
        columns = [frame.iloc[:, j] for j in range(frame.shape[1])]
        hashed = [pd.util.hash_pandas_object(c, index=False).to_numpy() for c in columns]
        index = pd.util.hash_pandas_object(frame.index).to_numpy()
        return [list(map(str, frame.columns)), list(map(str, frame.dtypes)), *hashed, index]
    if is_frame(value):
        frame = nw.from_native(value, eager_only=True)
        columns = [_content(frame[name].to_numpy()) for name in frame.columns]
        return [frame.columns, [str(frame[name].dtype) for name in frame.columns], columns]
    value = as_numpy(value)
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, Mapping):
        return [[str(name), _content(item)] for name, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [_content(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "__array__"):
        return _of_array(np.asarray(value))
    if hasattr(value, "facts"):
        return _content(value.facts())
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _of_array(array: NDArray) -> Any:
    """Return what says all of an array that may be larger than memory."""
    if array.dtype.hasobject or array.dtype.kind == "T" or not array.ndim:
        return array
    n = max(1, _BLOCK // max(1, array[:1].nbytes))
    blocks = (np.ascontiguousarray(array[i : i + n]) for i in range(0, len(array), n))
    sums = [zlib.crc32(block.reshape(-1).view(np.uint8).data) for block in blocks if block.size]
    return [array.dtype.str, array.shape, sums]
