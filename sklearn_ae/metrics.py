"""Scorers of reconstructions; they also work on PCA and on Pipelines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import r2_score
from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_ae.data import as_images, as_numpy

__all__ = ["denoising_score", "reconstruction_r2"]


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
        ends in one. For lists of images or sequences it has `reconstruct`.
    X : array-like or data frame of shape (n_samples, n_features), or list of arrays
        Rows of numbers, two at least. Arrays of images or sequences are compared cell by
        cell; in a list the columns are the channels, and cells that are NaN are left out.
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
    if _has_cells(X) and hasattr(estimator, "reconstruct"):
        true = _cells(X)
        restored = _cells(estimator.reconstruct(X), true.shape[1])
        if sample_weight is not None:
            counts = [np.size(x) // true.shape[1] for x in np.asarray(X, dtype=object)]
            sample_weight = np.repeat(np.asarray(as_numpy(sample_weight)), counts)
    else:
        true = _rows(X)
        restored = _rows(estimator.inverse_transform(estimator.transform(X)))
    present = ~np.isnan(true).any(axis=1)
    weight = None if sample_weight is None else np.asarray(as_numpy(sample_weight))[present]
    return float(
        r2_score(
            true[present],
            restored[present],
            sample_weight=weight,
            multioutput="variance_weighted",
        )
    )


def _has_cells(X: Any) -> bool:
    """Whether X is a list of arrays, or an array of sequences with missing values."""
    if isinstance(X, list):
        return getattr(X[0], "ndim", 0) > 0
    return isinstance(X, np.ndarray) and X.ndim > 2 and bool(np.isnan(X).any())


def _rows(X: Any) -> NDArray[np.float64]:
    """Return rows as a matrix, whatever the shape of a row."""
    values = np.asarray(as_numpy(X), dtype=np.float64)
    return values.reshape(len(values), -1)


def _cells(X: Any, n_channels: int | None = None) -> NDArray[np.float64]:
    """Return the pixels or steps of all rows, a column a channel."""
    if all(np.ndim(x) == 3 for x in X):
        X, _ = as_images(X, n_channels)
    arrays = [np.asarray(as_numpy(x), dtype=np.float64) for x in X]
    # Images without channels have last axes of different lengths, and sequences one axis.
    last = {a.shape[-1] for a in arrays if a.ndim > 1}
    n_channels = last.pop() if len(last) == 1 else 1
    return np.concatenate([a.reshape(-1, n_channels) for a in arrays])


class _DenoisingScore:
    """Scorer of restored rows against clean ones; also a plain function of them.

    R² = 1 - sum_ij (c_ij - xhat_ij)² / sum_ij (c_ij - mean_j)², where xhat is
    `estimator.inverse_transform(estimator.transform(X))`, c the clean rows and the means
    are theirs. As `scoring` of GridSearchCV it gets its part of `X_clean` where metadata
    routing is enabled. In a Pipeline the clean rows are the raw ones: xhat has come back
    through every step.

    Parameters
    ----------
    estimator : fitted estimator
        Has `transform` and `inverse_transform`: a denoiser, PCA, or a Pipeline that ends
        in one.
    X : array-like or data frame of shape (n_samples, n_features)
        Noisy rows.
    y : ignored
        Here for scikit-learn's interface.
    X_clean : array-like of shape (n_samples, n_features)
        The clean version of each row.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    r2 : float
        1 for perfectly restored rows, 0 for the means of the clean ones.
    """

    __name__ = "denoising_score"

    def get_metadata_routing(self) -> MetadataRequest:
        """Ask for the clean rows, wherever metadata is routed."""
        request = MetadataRequest(owner=self)
        request.score.add_request(param="X_clean", alias=True)
        request.score.add_request(param="sample_weight", alias=None)
        return request

    def __call__(
        self,
        estimator: Any,
        X: ArrayLike,
        y: Any = None,
        *,
        X_clean: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        if X_clean is None:
            raise ValueError(
                "denoising_score got X_clean=None; pass the clean rows, in a search with "
                "sklearn.set_config(enable_metadata_routing=True) and fit(X, X_clean=X_clean)."
            )
        restored = estimator.inverse_transform(estimator.transform(X))
        return float(
            r2_score(
                np.asarray(as_numpy(X_clean), dtype=np.float64),
                np.asarray(as_numpy(restored), dtype=np.float64),
                sample_weight=as_numpy(sample_weight),
                multioutput="variance_weighted",
            )
        )

    def __repr__(self) -> str:
        return "denoising_score"


denoising_score = _DenoisingScore()
denoising_score.__doc__ = _DenoisingScore.__doc__
