"""How normal rows are, and which of them are outliers.

The functions are methods of every autoencoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.autoencoders._composing import check_domain
from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.data import as_numpy, within_range

if TYPE_CHECKING:
    from sklearn_ae.autoencoders._base import BaseAutoencoder


@in_kind
def score_samples(
    self: BaseAutoencoder,
    X: ArrayLike,
    condition: ArrayLike | None = None,
    *,
    X_clean: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return minus the loss of each row, or its log-density; higher is more normal.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows of finite numbers.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.
    X_clean : array-like of shape (n_samples, n_features), default=None
        What reconstructions are compared with; X itself if None.

    Returns
    -------
    scores : ndarray of shape (n_samples,), float64
        Minus the loss in X's units; minus the summed squared error by default. A
        :class:`VariationalAutoencoder` gives a bound on the log-density in nats.
    """
    values, given = self._read(X, condition)
    if X_clean is not None or not self._scored_by_errors:
        values = as_numpy(values)
    check_domain(self._model.loss, values)
    target = None if X_clean is None else self._reader.clean(self, X_clean, values)
    return self._scores(self._model, values, given, target)


@in_kind
def score(
    self: BaseAutoencoder,
    X: ArrayLike,
    y: Any = None,
    sample_weight: ArrayLike | None = None,
    *,
    X_clean: ArrayLike | None = None,
    condition: ArrayLike | None = None,
) -> float:
    """Return the mean of `score_samples`.

    It grows with n_components, so it cannot choose that; see
    :func:`sklearn_ae.metrics.reconstruction_r2` for a score without units.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows of finite numbers.
    y : ignored
        Here for scikit-learn's interface.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.
    X_clean : array-like of shape (n_samples, n_features), default=None
        What reconstructions are compared with; X itself if None.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.

    Returns
    -------
    score : float
        The weighted mean.
    """
    scores = as_numpy(self.score_samples(X, condition, X_clean=X_clean))
    if sample_weight is None:
        return float(scores.mean())
    weights = within_range(check_sample_weight(sample_weight, scores))
    return float(np.average(scores, weights=weights))


@in_kind
def decision_function(
    self: BaseAutoencoder, X: ArrayLike, condition: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return `score_samples(X) - offset_`: negative for outliers.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows of finite numbers.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.

    Returns
    -------
    decision : ndarray of shape (n_samples,), float64
        The shifted scores.
    """
    return self.score_samples(X, condition) - self.offset_


@in_kind
def predict(
    self: BaseAutoencoder, X: ArrayLike, condition: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Return +1 for inliers and -1 for outliers.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows of finite numbers.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.

    Returns
    -------
    labels : ndarray of shape (n_samples,), int64
        +1 where `decision_function` is not negative.
    """
    return 2 * (self.decision_function(X, condition) >= 0) - 1
