"""Flagged steps that follow each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def events_of(
    labels: pd.Index,
    slot: NDArray[np.intp],
    scores: NDArray[np.float64],
    flagged: NDArray[np.bool_],
    logs: NDArray[np.float64],
    window: int,
    names: list[Any],
) -> pd.DataFrame:
    """Return a row for each run of flagged steps; a gap as long as a window ends one.

    Parameters
    ----------
    labels : pandas.Index
        What steps are called.
    slot : ndarray of shape (n_steps,), int
        Where they are.
    scores : ndarray of shape (n_steps,)
        How normal they are.
    flagged : ndarray of shape (n_steps,), bool
        Which are outliers.
    logs : ndarray of shape (n_steps, n_columns)
        Logarithms of the errors of their cells.
    window : int
        Length of a window.
    names : list
        Names of the columns.
    """
    at = np.flatnonzero(flagged)
    ends = (np.diff(at) > 1) | (np.diff(slot[at]) > window)
    runs = np.split(at, np.flatnonzero(ends) + 1) if len(at) else []
    reasons = [int(np.logaddexp.reduce(logs[run], axis=0).argmax()) for run in runs]
    return pd.DataFrame(
        {
            "start": labels[[run[0] for run in runs]],
            "end": labels[[run[-1] for run in runs]],
            "score": np.array([scores[run].min() for run in runs], dtype=np.float64),
            "reason": pd.Series([names[j] for j in reasons], dtype=object).infer_objects(),
        }
    )
