"""Where outliers begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def outlier_threshold(
    scores: NDArray[np.float64], weights: NDArray | None, contamination: float
) -> float:
    """Return a score between the lowest rows and the rest.

    As many of the lowest rows lie below it as their share of the weight allows; rows of
    equal score stay together, so weights and repeated rows give the same threshold.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of the training rows; higher is more normal.
    weights : ndarray of shape (n,) or None
        Their weights.
    contamination : float
        Share of outliers.
    """
    values, group = np.unique(scores, return_inverse=True)
    mass = np.bincount(group, weights)
    reached = np.cumsum(mass) / mass.sum()
    n_below = int((reached <= contamination * (1 + 1e-9)).sum())
    if n_below == 0:
        return float(values[0])
    below, above = values[n_below - 1 : n_below + 1]
    return float(below + (above - below) / 2)
