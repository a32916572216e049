"""Scorers of reconstructions; they also work on PCA and on Pipelines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import r2_score

__all__ = ["reconstruction_r2"]


def reconstruction_r2(
    estimator: Any, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of the variance of X that the reconstruction keeps, pooled over cells.

    R² = 1 - sum_ij (x_ij - xhat_ij)² / sum_ij (x_ij - mean_j)², where xhat is
    `estimator.inverse_transform(estimator.transform(X))` and the means are those of X.
    A scorer: pass it as `scoring` to GridSearchCV. Columns count by their variance in
    X's units; score standardised rows if they shall count equally.

    Parameters
    ----------
    estimator : fitted estimator
        Has `transform` and `inverse_transform`: an autoencoder, PCA, or a Pipeline that
        ends in one.
    X : array-like or data frame of shape (n_samples, n_features)
        Rows of numbers, two at least.
    y : ignored
        Here for scikit-learn's interface.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    r2 : float
        1 for a perfect reconstruction, 0 for that of the column means.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_ae.metrics import reconstruction_r2
    >>> X = load_iris().data
    >>> round(reconstruction_r2(PCA(n_components=2).fit(X), X), 3)
    0.978
    """
    restored = estimator.inverse_transform(estimator.transform(X))
    return float(
        r2_score(
            np.asarray(X, dtype=np.float64),
            np.asarray(restored, dtype=np.float64),
            sample_weight=sample_weight,
            multioutput="variance_weighted",
        )
    )
