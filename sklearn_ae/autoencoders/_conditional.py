"""Autoencoders of rows given a condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.callback import with_callbacks

from sklearn_ae.autoencoders._fitting import FittingAutoencoder


class ConditionalAutoencoder(FittingAutoencoder):
    """Every method takes what the rows are conditioned on."""

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> Self:
        """Fit to rows, without labels, given a condition if there is one.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers that the rows are conditioned on.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the rows, the weights, the condition or a parameter are out of their
            domain. The estimator is then as it was before.
        FloatingPointError
            If the loss stays infinite or NaN at ever lower learning rates.
        """
        return self._fit(X, sample_weight, condition=condition)

    def partial_fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> Self:
        """Pass once over further rows at a constant learning rate.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers; the first call fixes which labels there are.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._partial_fit(X, sample_weight, condition=condition)

    def fit_transform(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> NDArray:
        """Fit, and return the codes of the same rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers that the rows are conditioned on.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Codes.
        """
        fitted = self.fit(X, sample_weight=sample_weight, condition=condition)
        return fitted.transform(X, condition=condition)

    def fit_predict(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> NDArray[np.int64]:
        """Fit, and return +1 for inliers and -1 for outliers among the same rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers that the rows are conditioned on.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
            +1 or -1.
        """
        fitted = self.fit(X, sample_weight=sample_weight, condition=condition)
        return fitted.predict(X, condition=condition)

    def transform(self, X: ArrayLike, condition: ArrayLike | None = None) -> NDArray:
        """Return the codes of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Codes; float32 for float32 rows, otherwise float64.
        """
        return self._transform(X, condition)

    def inverse_transform(
        self,
        X: ArrayLike,
        condition: ArrayLike | None = None,
        *,
        lengths: ArrayLike | None = None,
    ) -> Any:
        """Return the expected rows given codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Codes.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.
        lengths : array-like of shape (n_samples,) or (n_samples, 2), default=None
            Number of steps of each sequence, or one for all, or height and width of each
            image, where `fit` saw rows of different sizes. None takes their median.

        Returns
        -------
        X_original : ndarray or data frame of shape (n_samples, n_features)
            Rows in X's units, in the container that `fit` saw.
        """
        return self._inverse_transform(X, condition, lengths)

    def reconstruct(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        """Return `inverse_transform(transform(X))`.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        X_reconstructed : ndarray or data frame of shape (n_samples, n_features)
            The rows as the code keeps them, in the container of X.
        """
        return self._reconstruct(X, condition)

    def iter_reconstruct(
        self,
        X: ArrayLike,
        condition: ArrayLike | None = None,
        *,
        batch_size: int | None = None,
    ) -> Iterator[Any]:
        """Yield what `reconstruct` returns, a block of rows at a time.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.
        batch_size : int, default=None
            Rows of a block. None takes as many as have about 4 million cells.

        Yields
        ------
        X_reconstructed : ndarray or data frame of shape (batch_size, n_features)
            The next rows as the code keeps them, in the container of X; dense for sparse X.
        """
        return self._iter_reconstruct(X, batch_size, condition)

    def score(
        self,
        X: ArrayLike,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> float:
        """Return the mean of `score_samples`.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        score : float
            The weighted mean.
        """
        return self._mean_score(self._score_samples(X, condition), sample_weight)

    def decision_function(
        self, X: ArrayLike, condition: ArrayLike | None = None
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
        return self._score_samples(X, condition) - self.offset_

    def predict(self, X: ArrayLike, condition: ArrayLike | None = None) -> NDArray[np.int64]:
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
        return np.where(self.decision_function(X, condition) >= 0, 1, -1)
