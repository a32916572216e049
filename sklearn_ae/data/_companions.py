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

# Companions that have keywords and checks of their own.
RESERVED = ("weight", "target", "condition", "lengths", "mask", "x")


def present(companions: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None."""
    return {name: value for name, value in companions.items() if value is not None}


def read_companions(companions: Mapping[str, Any] | None, n_rows: int) -> dict[str, NDArray]:
    """Check companions that terms of the objective read.

    Parameters
    ----------
    companions : mapping of str to array-like of shape (n_rows, ...), or None
        Numbers or booleans; NaN may mark rows that have none.
    n_rows : int
        Number of rows.
    """
    found = {}
    for name, given in (companions or {}).items():
        if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
            raise ValueError(
                f"companions has the name {name!r}; use an identifier other than {RESERVED}."
            )
        if _num_samples(given) != n_rows:
            raise ValueError(
                f"companions[{name!r}] has {_num_samples(given)} rows, but X has {n_rows}; pass "
                "one entry a row."
            )
        values = np.asarray(as_numpy(given))
        if values.dtype.kind not in "biuf":
            raise ValueError(
                f"companions[{name!r}] holds {values.ravel()[0]!r}, but terms of the objective "
                "read numbers; encode it with an OrdinalEncoder or a LabelEncoder."
            )
        found[name] = values
    return found


def as_tensor(name: str, values: NDArray) -> Tensor:
    """Return a companion as a batch holds it: weights of mean 1, float32, integers as int64."""
    if name == "weight":
        values = values / values.mean()
    if values.dtype.kind == "f":
        return torch.from_numpy(values.astype(np.float32))
    return torch.from_numpy(values.astype(bool if values.dtype.kind == "b" else np.int64))
