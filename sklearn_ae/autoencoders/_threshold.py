"""Where outliers begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def outlier_threshold(
    scores: NDArray[np.float64], weights: NDArray | None, contamination: float
) -> float:
    """Return a score between the lowest rows and the rest.

    As many of the lowest rows lie below it as their share of the weight allows, so
    weights and repeated rows give the same threshold.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of the training rows; higher is more normal.
    weights : ndarray of shape (n,) or None
        Their weights.
    contamination : float
        Share of outliers.
    """
    order = np.argsort(scores, kind="stable")
    ordered = np.ones(len(scores)) if weights is None else weights[order]
    reached = np.cumsum(ordered) / ordered.sum()
    n_outliers = int((reached <= contamination * (1 + 1e-9)).sum())
    if n_outliers == 0:
        return float(scores[order[0]])
    below, above = scores[order[n_outliers - 1 : n_outliers + 1]]
    return float(below + (above - below) / 2)
