"""Where rows are, for distances between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.utils.validation import _num_samples

from sklearn_ae.autoencoders import Autoencoder, Reader
from sklearn_ae.data import dense_block
from sklearn_ae.starts import RangeScaling

# Principal components beyond which distances are of noise.
_WIDEST = 40


class Columns:
    """Columns of tables as numbers, categories as one a level, gaps filled by means.

    Parameters
    ----------
    owner : estimator
        Gets the number of features and their names.
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows of `fit`, of both domains.
    weight : ndarray of shape (n_samples,)
        Weights of the rows that set ranges and means, 0 for the others.
    """

    def __init__(self, owner: Any, X: ArrayLike, weight: NDArray) -> None:
        self.reader = Reader(Autoencoder(), X)
        values = _dense(self.reader.values(owner, X, reset=True))
        values, weight = values[weight > 0], weight[weight > 0]
        mass = weight @ ~np.isnan(values)
        self.fill = weight @ np.nan_to_num(values) / np.where(mass > 0, mass, 1.0)
        self.scaling = RangeScaling(self._filled(values))

    def __call__(self, owner: Any, X: ArrayLike) -> NDArray[np.float64]:
        """Return rows in units of their ranges."""
        return self.scaling(self._filled(_dense(self.reader.values(owner, X))))

    def check(self, owner: Any, X: ArrayLike) -> None:
        """Raise if rows are not like those of `fit`."""
        self.reader.values(owner, X)

    def _filled(self, values: NDArray) -> NDArray:
        return np.where(np.isnan(values), self.fill, values)


class Coordinates:
    """Columns in units of the ranges in some rows, and principal components if there are many.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        Columns or codes of the rows that set the ranges and the components.
    """

    def __init__(self, values: NDArray) -> None:
        self.scaling = RangeScaling(values)
        self.pca = None
        if min(values.shape) > _WIDEST:
            self.pca = PCA(_WIDEST, svd_solver="covariance_eigh").fit(self.scaling(values))

    def __call__(self, values: NDArray) -> NDArray[np.float64]:
        """Return where rows are, by their columns or codes."""
        values = self.scaling(values)
        return values if self.pca is None else self.pca.transform(values)


class Codes:
    """Codes of an autoencoder or another transformer.

    Parameters
    ----------
    owner : estimator
        Gets the number of features and their names.
    estimator : estimator
        Its clone is fitted to the rows of both domains.
    X : array-like, sparse matrix or data frame
        Rows of `fit`.
    """

    def __init__(self, owner: Any, estimator: BaseEstimator, X: ArrayLike) -> None:
        self.estimator = clone(estimator).fit(X)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator, name):
                setattr(owner, name, getattr(self.estimator, name))

    def __call__(self, owner: Any, X: ArrayLike) -> NDArray[np.float64]:
        """Return the codes of rows."""
        codes = np.asarray(self.estimator.transform(X), np.float64)
        if codes.ndim != 2 or len(codes) != _num_samples(X) or not np.isfinite(codes).all():
            raise ValueError(
                f"estimator={self.estimator!r:.60} made codes of shape {codes.shape} of "
                f"{_num_samples(X)} rows, {(~np.isfinite(codes)).sum()} of them not finite; use a "
                "transformer that returns a row of numbers for each row, or None."
            )
        return codes

    def check(self, owner: Any, X: ArrayLike) -> None:
        """Raise if rows are not like those of `fit`."""
        self.estimator.transform(X)


def _dense(values: Any) -> NDArray[np.float64]:
    """Return all cells of rows that were read."""
    return np.asarray(dense_block(values, slice(0, len(values))), np.float64)
