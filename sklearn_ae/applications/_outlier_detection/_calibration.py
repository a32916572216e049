"""From scores of rows that were held out to probabilities and thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Distances from the median up to the 84th percentile that the fence is below it.
_FENCE = 3.0
# Scores that differ by less, relative to the largest, are equal.
_ROUNDING = 1e-12


class Calibration:
    """Scores of rows like the training rows, which nothing that scores them has seen.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores; higher is more normal.
    weight : ndarray of shape (n,)
        Non-negative weights, not all of them zero.
    """

    def __init__(self, scores: NDArray[np.float64], weight: NDArray[np.float64]) -> None:
        # Rows of equal score, repeated ones among them, are one piece of evidence.
        self.scores, mass = _different(scores, weight)
        self.reached = np.cumsum(mass)
        self.own = float(mass @ mass / mass.sum())

    @property
    def total(self) -> float:
        """Weight of the rows and of one more."""
        return float(self.reached[-1]) + self.own

    def p_values(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of rows that are as strange, the row itself counted among them."""
        slack = 2 * _ROUNDING * np.abs(self.scores).max()
        below = np.searchsorted(self.scores, scores + slack, side="right")
        return (self.own + np.r_[0.0, self.reached][below]) / self.total

    def threshold(self, share: float) -> float:
        """Return the score below which a share of further rows is expected.

        Of n equal weights, a further row is below the k-th lowest with probability k / (n + 1).
        """
        return float(np.interp(share * self.total, self.reached, self.scores))

    def fence(self) -> float:
        """Return a score that is as far below the median as hardly any normal row is."""
        middle, high = np.interp(
            np.array([0.5, 0.84]) * self.reached[-1], self.reached, self.scores
        )
        return float(middle - _FENCE * (high - middle))


def quantile(values: NDArray[np.float64], weight: NDArray[np.float64], q: float) -> float:
    """Return a quantile of weighted values; two of one value are one of twice its weight."""
    different, mass = _different(values, weight)
    return float(np.interp(q * mass.sum(), np.cumsum(mass) - mass / 2, different))


def false_discoveries_held(p_values: NDArray[np.float64], fdr: float) -> NDArray[np.bool_]:
    """Return which hypotheses the procedure of Benjamini and Hochberg rejects."""
    ordered = np.sort(p_values)
    passed = np.flatnonzero(ordered <= fdr * np.arange(1, len(ordered) + 1) / max(1, len(ordered)))
    return p_values <= (ordered[passed[-1]] if len(passed) else -1.0)


def _different(
    values: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values in ascending order, those that rounding tells apart as one, and weights."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    apart = np.diff(ordered) > _ROUNDING * np.abs(ordered).max(initial=0.0)
    group = np.cumsum(np.r_[0, apart])
    return ordered[np.r_[True, apart]], np.bincount(group, weight[order]).astype(np.float64)
