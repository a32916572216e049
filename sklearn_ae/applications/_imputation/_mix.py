"""Non-negative weights of candidates, fitted on cells whose values are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

# Held-out cells that the weights of all columns count as, for those of one.
_PRIOR_CELLS = 50.0
_RIDGE = 1e-6


def mix(
    candidates: NDArray,
    truth: NDArray,
    hidden: NDArray,
    weight: NDArray,
    groups: list[NDArray],
) -> NDArray[np.float64]:
    """Fit weights that sum to 1 for each feature, drawn towards those of all features.

    Parameters
    ----------
    candidates : ndarray of shape (n, p, k)
        What each candidate says; the first is the start.
    truth : ndarray of shape (n, p)
        Values.
    hidden : ndarray of shape (n, p)
        The cells that count.
    weight : ndarray of shape (n,)
        Weights of the rows.
    groups : list of ndarray
        Columns of each feature.

    Returns
    -------
    weights : ndarray of shape (p, k)
    """
    cells = np.broadcast_to(weight[:, None], hidden.shape)
    everywhere = _weights(candidates[hidden], truth[hidden], cells[hidden])
    out = np.tile(everywhere, (candidates.shape[1], 1))
    for columns in groups:
        at = hidden[:, columns]
        if at.any():
            out[columns] = _weights(
                candidates[:, columns][at], truth[:, columns][at], cells[:, columns][at], everywhere
            )
    return out


def _weights(
    found: NDArray, truth: NDArray, weight: NDArray, prior: NDArray | None = None
) -> NDArray[np.float64]:
    """Least squares over weights that are not negative and sum to 1."""
    k = found.shape[1]
    total = weight.sum()
    if total <= 0 or k == 1:
        return np.eye(k)[0] if prior is None else prior
    differences = found[:, 1:] - found[:, :1]
    gram = (differences * weight[:, None]).T @ differences
    target = (differences * weight[:, None]).T @ (truth - found[:, 0])
    scale = weight @ np.square(found - truth[:, None]).mean(axis=1) / total
    ridge = _RIDGE * max(float(np.trace(gram)) / (k - 1), 1e-12)
    if prior is not None:
        ridge += _PRIOR_CELLS * scale
        target = target + _PRIOR_CELLS * scale * prior[1:]
    lower = np.linalg.cholesky(gram + ridge * np.eye(k - 1))
    others, _ = nnls(lower.T, np.linalg.solve(lower, target))
    others /= max(1.0, others.sum())
    return np.concatenate([[1 - others.sum()], others])
