"""Where outliers begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin
from sklearn.utils.metaestimators import available_if

from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.data import within_range

# Share of rows like the training rows that contamination="auto" takes for outliers.
FRESH_SHARE = 0.1


def serves(*, new_rows: bool) -> Callable[[Any], bool]:
    """Hide a method where `novelty` says that the rows of `fit` are to be told, or new ones."""

    def check(estimator: Any) -> bool:
        novelty = getattr(estimator, "novelty", True)
        if bool(novelty) is not new_rows:
            raise AttributeError(
                f"It is there with novelty={new_rows}, but novelty={novelty!r} was given: True is "
                "for new rows, False for those of fit."
            )
        return True

    return check


class ThresholdMixin(OutlierMixin):
    """Says which rows are outliers, by `score_samples` and `offset_`."""

    offset_: float

    @available_if(serves(new_rows=True))
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

    @available_if(serves(new_rows=True))
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


def fresh_threshold(
    scores: NDArray[np.float64], weights: NDArray | None, share: float = FRESH_SHARE
) -> float:
    """Return the score below which a share of further rows is expected.

    A further row is as likely to fall between any two neighbours among n scores, so that it is
    below the k-th lowest with probability k / (n + 1); what lies between is interpolated. Where
    the share is less than 1 / (n + 1), it is the lowest.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of rows that were held out; higher is more normal.
    weights : ndarray of shape (n,) or None
        Their weights; n is then the effective number (sum w)^2 / sum w^2.
    share : float
        Share of further rows.

    References
    ----------
    Vovk, Gammerman and Shafer, Algorithmic learning in a random world, 2005.
    :doi:`10.1007/b106715`
    """
    order = np.argsort(scores)
    mass = np.ones(len(scores)) if weights is None else within_range(weights)[order]
    reached = np.cumsum(mass) / mass.sum()
    n_effective = mass.sum() ** 2 / (mass**2).sum()
    return float(np.interp(share * (1 + 1 / n_effective), reached, scores[order]))


def of_all_rows(unseen: float, seen: float, n_folds: int) -> float:
    """Return the threshold of fresh rows of a network that was fitted to the rows of all folds.

    Networks without a fold have fewer rows, and find a fresh row stranger. If a row is found
    normal by 1 / n too much where it was among the n rows of fit, and by as much too little where
    it was not, then a network of all rows is 1 / (2 n_folds - 1) of the way back.

    Parameters
    ----------
    unseen, seen : float
        Thresholds of the rows by the networks of folds, and by that of all rows.
    n_folds : int
        Number of folds, which are of equal size.
    """
    return unseen + (seen - unseen) / (2 * n_folds - 1)


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
