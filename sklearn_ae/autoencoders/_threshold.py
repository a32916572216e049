"""Where outliers begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin

from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.data import within_range


class ThresholdMixin(OutlierMixin):
    """Says which rows are outliers, by `score_samples` and `offset_`."""

    offset_: float

    @in_kind
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return `score_samples(X) - offset_`: negative for outliers.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        decision : ndarray of shape (n_samples,), float64
            The shifted scores.
        """
        return self.score_samples(X) - self.offset_

    @in_kind
    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return +1 for inliers and -1 for outliers.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
            +1 where `decision_function` is not negative.
        """
        return 2 * (self.decision_function(X) >= 0) - 1


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
    mass = np.bincount(group, None if weights is None else within_range(weights))
    reached = np.cumsum(mass) / mass.sum()
    n_below = int((reached <= contamination * (1 + 1e-9)).sum())
    if n_below == 0:
        return float(values[0])
    below, above = values[n_below - 1 : n_below + 1]
    return float(below + (above - below) / 2)
