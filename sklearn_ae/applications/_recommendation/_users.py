"""Users as sparse rows of what they like and of what they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from sklearn_ae.data import as_numpy, check_accepted

# Scores that are dense at once.
_BLOCK_CELLS = 2**24


class Users(NamedTuple):
    """What users like, and all that is stored for them.

    Parameters
    ----------
    liked : csr_array of shape (n_users, n_items)
        Weights above 0, or 1 from a threshold on.
    seen : csr_array of shape (n_users, n_items)
        What X holds, zeros that are stored included.
    """

    liked: csr_array
    seen: csr_array


def read_users(
    estimator: BaseEstimator, X: ArrayLike, threshold: float | None, *, reset: bool = False
) -> Users:
    """Check what users have.

    Parameters
    ----------
    estimator : estimator
        Its columns are noted or compared.
    X : array-like, sparse matrix or data frame of shape (n_users, n_items)
        Ratings or weights.
    threshold : float or None
        Least rating with which an item is liked; None takes weights as they are.
    reset : bool
        Whether X is that of `fit`.

    Raises
    ------
    ValueError
        If X holds NaN, negative weights, or names that are none.
    """
    check_accepted(X)
    _check_names(X)
    checked = validate_data(
        estimator,
        as_numpy(X),
        reset=reset,
        accept_sparse="csr",
        dtype=np.float64,
        copy=True,
        ensure_all_finite="allow-nan",
    )
    seen = csr_array(checked)
    seen.sum_duplicates()
    if np.isnan(seen.data).any():
        raise ValueError(
            "X holds NaN; what a user did not rate is 0, or not stored: use X.fillna(0), or "
            "ratings_matrix for a long frame."
        )
    liked = seen.copy()
    if threshold is None:
        low = seen.data.min(initial=0.0)
        if low < 0:
            raise ValueError(
                f"Negative values in data passed to {type(estimator).__name__}: X holds {low:.6g}, "
                "which is no weight; set threshold to the least rating with which an item is "
                "liked."
            )
    else:
        liked.data = (seen.data >= threshold).astype(np.float64)
    liked.eliminate_zeros()
    return Users(liked, seen)


def _check_names(X: Any) -> None:
    """Raise if columns of a frame have names that are neither text nor their positions."""
    names = list(X.columns) if isinstance(X, pd.DataFrame) else []
    if names != list(range(len(names))) and not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"X has the columns {names[:3]!r}, which are no names; use X.columns.astype(str), or "
            "X.to_numpy() to go by position."
        )


def blocks(users: csr_array) -> Iterator[slice]:
    """Yield parts of the users whose scores are dense at once."""
    step = max(1, _BLOCK_CELLS // users.shape[1])
    for start in range(0, users.shape[0], step):
        yield slice(start, min(start + step, users.shape[0]))


def stored(users: csr_array) -> tuple[NDArray, NDArray]:
    """Return rows and columns of what is stored, zeros included."""
    return np.repeat(np.arange(users.shape[0]), np.diff(users.indptr)), users.indices
