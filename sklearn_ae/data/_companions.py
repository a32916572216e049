"""What comes with rows, an entry a row, by name: from the user's keyword to the batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples
from torch import Tensor

from sklearn_ae.data._arrays import as_numpy
from sklearn_ae.data._containers import is_frame

# Companions that have keywords and checks of their own.
RESERVED = ("weight", "target", "condition", "lengths", "mask", "x")


def present(companions: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None."""
    return {name: value for name, value in companions.items() if value is not None}


def read_companions(companions: Any, n_rows: int) -> dict[str, NDArray]:
    """Check companions that terms of the objective read.

    Parameters
    ----------
    companions : mapping of str to array-like of shape (n_rows, ...), data frame or structured \
array
        Numbers or booleans; NaN may mark rows that have none.
    n_rows : int
        Number of rows.
    """
    found = {}
    for name, given in _by_name(companions).items():
        if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
            raise ValueError(
                f"companions has the name {name!r}; use an identifier other than {RESERVED}."
            )
        if np.ndim(given) == 0:
            raise ValueError(f"companions[{name!r}] is {given!r:.60}; pass one entry a row of X.")
        if _num_samples(given) != n_rows:
            raise ValueError(
                f"companions[{name!r}] has {_num_samples(given)} rows, but X has {n_rows}; pass "
                "one entry a row. A search splits no dict: pass a data frame there, or a "
                "structured array."
            )
        values = np.asarray(as_numpy(given))
        if values.dtype.kind not in "biuf":
            raise ValueError(
                f"companions[{name!r}] holds {values.ravel()[0]!r}, but terms of the objective "
                "read numbers; encode it with an OrdinalEncoder or a LabelEncoder."
            )
        if values.dtype.kind == "f" and np.isinf(values).any():
            raise ValueError(
                f"companions[{name!r}] holds an infinite number; use NaN for rows that have none, "
                "if the term that reads it leaves them out."
            )
        found[name] = values
    return found


def _by_name(companions: Any) -> Mapping[Any, Any]:
    """Return what a user passed as a mapping."""
    if isinstance(companions, np.ndarray) and companions.dtype.names:
        return {name: companions[name] for name in companions.dtype.names}
    if is_frame(companions):
        return {name: companions[name] for name in companions.columns}
    if isinstance(companions, Mapping):
        return companions
    raise TypeError(
        f"companions is a {type(companions).__name__}, which names nothing; pass a dict of a name "
        "and one entry a row, such as {'label': y}, a data frame, or a structured array."
    )


def as_tensor(values: NDArray) -> Tensor:
    """Return a companion as a batch holds it: float32, integers as int64."""
    if values.dtype.kind == "f":
        return torch.from_numpy(values.astype(np.float32))
    return torch.from_numpy(values.astype(bool if values.dtype.kind == "b" else np.int64))
