"""How applications on tables check what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _num_samples, validate_data

from sklearn_ae.data import Container, check_accepted, objects_as_numbers
from sklearn_ae.sources._opening import refuse_source

_NUMBERS = (np.float64, np.float32)


@np.errstate(invalid="ignore")  # scikit-learn adds up the cells, past infinity both ways
def check_table(
    estimator: Any, X: ArrayLike, *, reset: bool, dtype: Sequence[type] | None = _NUMBERS
) -> Any:
    """Check rows with or without missing cells; frames stay what they are, if `fit` saw one.

    Parameters
    ----------
    estimator : estimator
        Gets the number of features and their names, and `_frame`: whether `fit` saw a frame.
    X : array-like or data frame of shape (n_samples, n_features)
        Rows.
    reset : bool
        Whether they are those of `fit`.
    dtype : sequence of type or None
        Of arrays: the first of these, unless they have one of the others. None keeps theirs.

    Raises
    ------
    TypeError, ValueError
        If X is no table, has no rows, or has other columns than in `fit`.
    """
    refuse_source(estimator, X)
    check_accepted(X)
    if reset:
        estimator._frame = Container.of(X).backend is not None
    if not estimator._frame or Container.of(X).backend is None:
        X = objects_as_numbers(X)
        return validate_data(estimator, X, dtype=dtype, reset=reset, ensure_all_finite="allow-nan")
    if not _num_samples(X):
        raise ValueError(
            "Found array with 0 sample(s), a frame without rows, while a minimum of 1 is required."
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return X
