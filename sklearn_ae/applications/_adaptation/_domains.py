"""Which rows are of the source, and which of the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data import as_numpy

DOMAINS = (
    "pass non-negative integers for rows of the source and negative ones for the target, such as "
    "np.where(is_source, 1, -1)"
)


def source_rows(sample_domain: Any, n_rows: int) -> NDArray[np.bool_]:
    """Return which rows are of the source.

    Parameters
    ----------
    sample_domain : array-like of shape (n_rows,)
        Whole numbers; at least 0 for the source, negative for the target.
    n_rows : int
        Number of rows of X.

    Raises
    ------
    ValueError
        If it is not one whole number a row.
    """
    given = np.asarray(as_numpy(sample_domain))
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.shape != (n_rows,):
        raise ValueError(
            f"sample_domain has shape {given.shape}, but X has {n_rows} rows; {DOMAINS}."
        )
    try:
        numbers = given.astype(np.float64)
    except (TypeError, ValueError):
        numbers = np.full(n_rows, np.nan)
    if given.dtype.kind not in "iufO":  # text and booleans have no sign
        numbers = np.full(n_rows, np.nan)
    odd = ~(np.isfinite(numbers) & (numbers == np.round(numbers)))
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise ValueError(
            f"sample_domain has {given[row : row + 1].tolist()[0]!r} in row {row}, which is of no "
            f"domain; {DOMAINS}."
        )
    return numbers >= 0
