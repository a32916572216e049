"""Greedy selection of columns by what a non-linear decoder rebuilds from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._selection._linear import linear_order
from sklearn_ae.applications._selection._scores import CosineScores

# Units that are tried at each step, in full, and to put a chosen set in order.
_TRIED, _TRIED_IN_ORDER = 16, 4
# Units that are chosen so; any further ones are chosen linearly.
_MOST_UNITS = 32


def nonlinear_selection(
    scores: CosineScores, covariance: NDArray[np.float64], n_units: int
) -> list[int]:
    """Choose units one by one, then exchange each once if another is better in its place.

    Parameters
    ----------
    scores : CosineScores
        What a decoder leaves.
    covariance : ndarray of shape (m, m)
        Covariance of the columns, for units beyond the first 32.
    n_units : int
        Number of units.
    """
    every = [i for i, columns in enumerate(scores.units) if len(columns)]
    chosen = _grown(scores, every, min(n_units, _MOST_UNITS), _TRIED)
    least = scores.loss(chosen)
    for place in range(len(chosen)):
        rest = chosen[:place] + chosen[place + 1 :]
        best, loss = _best(scores, rest, [i for i in every if i not in chosen], _TRIED)
        if loss < least:
            chosen, least = [*chosen[:place], best, *chosen[place + 1 :]], loss
    return linear_order(covariance, scores.units, chosen)[0][:n_units]


def nonlinear_order(
    scores: CosineScores, covariance: NDArray[np.float64], chosen: Sequence[int]
) -> tuple[list[int], NDArray[np.float64]]:
    """Order chosen units, and return what each explains beyond those before it.

    Parameters
    ----------
    scores : CosineScores
        What a decoder leaves.
    covariance : ndarray of shape (m, m)
        Covariance of the columns, for units beyond the first 32.
    chosen : sequence of int
        The units.

    Returns
    -------
    order : list of int
        All units: the chosen ones, then the others in the order of linear selection.
    gains : ndarray of shape (len(chosen),)
        Fall of the leave-one-out loss as a share of that without any; not below 0.
    """
    first = _grown(scores, list(chosen), min(len(chosen), _MOST_UNITS), _TRIED_IN_ORDER)
    first += [i for i in chosen if i not in first]
    order = linear_order(covariance, scores.units, first)[0]
    losses = [scores.loss(first[:k]) for k in range(len(first) + 1)]
    # What comes later may explain less than it costs to estimate.
    return order, -np.diff(np.minimum.accumulate(losses)) / losses[0]


def _grown(scores: CosineScores, among: list[int], n_units: int, n_tried: int) -> list[int]:
    chosen: list[int] = []
    while len(chosen) < n_units:
        left = [i for i in among if i not in chosen]
        chosen.append(_best(scores, chosen, left, n_tried)[0])
    return chosen


def _best(
    scores: CosineScores, chosen: list[int], among: list[int], n_tried: int
) -> tuple[int, float]:
    """Return the unit that leaves least beside those that are chosen, and what it leaves."""
    if not among:
        return -1, np.inf
    tried = scores.promising(scores.residuals(chosen), among, n_tried)
    losses = [scores.loss([*chosen, i]) for i in tried]
    best = int(np.argmin(losses))
    return tried[best], losses[best]
