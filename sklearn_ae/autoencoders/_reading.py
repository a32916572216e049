"""What a fitted autoencoder does with rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted

from sklearn_ae._compat import output_config
from sklearn_ae.autoencoders._composed import check_domain
from sklearn_ae.autoencoders._threshold import ThresholdMixin
from sklearn_ae.autoencoders._validating import DTYPES, ValidatingAutoencoder
from sklearn_ae.data import Ragged, SparseRows
from sklearn_ae.training import Model

# Bytes beyond which sparse rows are not returned as one dense array.
LARGEST_DENSE = 2**31
# Cells of a block of reconstructions that are yielded.
_BLOCK_CELLS = 2**22


class ReadingAutoencoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ThresholdMixin, ValidatingAutoencoder
):
    """Transforms, reconstructs and scores rows."""

    _model: Model

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the codes of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Codes; float32 for float32 rows, otherwise float64. With `deep_features` further
            columns follow, the hidden layers of the encoder.
        """
        return self._transform(X)

    def _transform(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        model, values = self._fitted_model(), self._validated(X)
        self._check_deep(self._spec_used.architecture)
        encode = model.deep_features if self.deep_features else model.encode
        codes = encode(values, self._conditions(condition, len(values)))
        index = self._adapter.index(X)
        if index is None or output_config(self) != "pandas":
            return codes
        return pd.DataFrame(codes, index=index)

    def inverse_transform(self, X: ArrayLike, *, lengths: ArrayLike | None = None) -> Any:
        """Return the rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Codes, or what `transform` returns with `deep_features`.
        lengths : array-like of shape (n_samples,) or (n_samples, 2), default=None
            Number of steps of each sequence, or one for all, or height and width of each
            image, where `fit` saw rows of different sizes. None takes their median.

        Returns
        -------
        X_original : ndarray or data frame of shape (n_samples, n_features)
            Rows in X's units, in the container that `fit` saw.
        """
        return self._inverse_transform(X, lengths=lengths)

    def _inverse_transform(
        self, X: ArrayLike, condition: ArrayLike | None = None, lengths: ArrayLike | None = None
    ) -> Any:
        model = self._fitted_model()
        code = check_array(X, dtype=DTYPES, input_name="X")
        if self.deep_features and code.shape[1] == self._n_features_out:
            code = code[:, : self.n_components_]
        if code.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {code.shape[1]} columns, but the codes of this {type(self).__name__} "
                f"have {self.n_components_} components; pass what transform returns."
            )
        if self._sparse:
            self._check_dense_size(len(code), code.dtype, "inverse_transform")
        conditions = self._conditions(condition, len(code))
        typical = self._typical(len(code), lengths)
        return self._container.wrap(model.decode(code, conditions, typical), like=X)

    def _typical(self, n_rows: int, lengths: ArrayLike | None = None) -> Ragged | None:
        """Return rows of the sizes asked for, or of a typical size, where sizes differ."""
        sizes = self._adapter.sizes(lengths, n_rows)
        return None if sizes is None else Ragged.alike(sizes)

    def reconstruct(self, X: ArrayLike) -> Any:
        """Return `inverse_transform(transform(X))`.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        X_reconstructed : ndarray or data frame of shape (n_samples, n_features)
            The rows as the code keeps them, in the container of X. It is dense for sparse X,
            and an error beyond 2 GiB: see `iter_reconstruct`.
        """
        return self._reconstruct(X)

    def _reconstruct(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        model, values = self._fitted_model(), self._validated(X)
        if isinstance(values, SparseRows):
            self._check_dense_size(len(values), values.dtype, "reconstruct")
        conditions = self._conditions(condition, len(values))
        like = values if isinstance(values, Ragged) else None
        restored = model.decode(model.encode(values, conditions), conditions, like)
        return self._adapter.container(X).wrap(restored, like=X)

    def iter_reconstruct(self, X: ArrayLike, *, batch_size: int | None = None) -> Iterator[Any]:
        """Yield what `reconstruct` returns, a block of rows at a time.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        batch_size : int, default=None
            Rows of a block. None takes as many as have about 4 million cells.

        Yields
        ------
        X_reconstructed : ndarray or data frame of shape (batch_size, n_features)
            The next rows as the code keeps them, in the container of X; dense for sparse X.
        """
        return self._iter_reconstruct(X, batch_size)

    def _iter_reconstruct(
        self, X: Any, batch_size: int | None, condition: ArrayLike | None = None
    ) -> Iterator[Any]:
        check_is_fitted(self)
        if batch_size is not None and (not isinstance(batch_size, Integral) or batch_size < 1):
            raise ValueError(
                f"batch_size={batch_size!r} must be an integer of at least 1, or None."
            )
        width = max(self.n_features_in_, math.prod(self._adapter.sample_shape or ()))
        size = max(1, _BLOCK_CELLS // width) if batch_size is None else int(batch_size)
        given = None
        if condition is not None and np.ndim(condition) > 0:
            given = np.asarray(condition)

        def parts() -> Iterator[Any]:
            start = 0
            for part in self._adapter.parts(X, size):
                rows = slice(start, start + size)
                start = rows.stop
                yield self._reconstruct(part, condition if given is None else given[rows])

        return parts()

    def _check_dense_size(self, n_rows: int, dtype: np.dtype, name: str) -> None:
        """Raise if what sparse rows become would be too large for an array."""
        p = self.n_features_in_
        size = n_rows * p * dtype.itemsize
        if size > LARGEST_DENSE:
            raise ValueError(
                f"{name} of {n_rows} sparse rows would return {n_rows} x {p} numbers, which are "
                f"{size / 2**30:.1f} GiB, more than {LARGEST_DENSE / 2**30:g} GiB; go over "
                "iter_reconstruct(X), which yields the reconstruction in blocks of rows, or pass "
                "fewer rows at a time."
            )

    def reconstruction_errors(self, X: ArrayLike) -> Any:
        """Return the loss of each cell: which column makes a row strange.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        errors : ndarray or data frame of shape (n_samples, n_features), float64
            Losses in X's units, in the container of X; squared differences by default.
            Their sum over a row is minus its score.
        """
        return self._reconstruction_errors(X)

    def _reconstruction_errors(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        model, values = self._fitted_model(), self._in_domain(X)
        if isinstance(values, SparseRows):
            self._check_dense_size(len(values), np.dtype(float), "reconstruction_errors")
        errors = model.errors(values, self._conditions(condition, len(values)))
        return self._adapter.container(X).wrap_errors(errors, like=X)

    def _in_domain(self, X: ArrayLike) -> Any:
        """Return rows that the loss can be taken of."""
        values = self._validated(X)
        check_domain(self._model.loss, values)
        return values

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return minus the loss of each row; higher is more normal.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            Minus the loss in X's units; minus the summed squared error by default.
        """
        return self._score_samples(X)

    def _score_samples(
        self,
        X: ArrayLike,
        condition: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        model, values = self._fitted_model(), self._in_domain(X)
        target = None if X_clean is None else self._clean(X_clean, values)
        return self._scores(model, values, self._conditions(condition, len(values)), target)

    def _scores(
        self,
        model: Model,
        values: NDArray,
        condition: NDArray | None = None,
        target: NDArray | None = None,
    ) -> NDArray[np.float64]:
        """Return how normal rows are; higher is more."""
        return -model.row_errors(values, condition, target)

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
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

        Returns
        -------
        score : float
            The weighted mean.
        """
        return self._mean_score(self.score_samples(X), sample_weight)

    @staticmethod
    def _mean_score(scores: NDArray[np.float64], sample_weight: ArrayLike | None) -> float:
        if sample_weight is None:
            return float(scores.mean())
        weights = _check_sample_weight(
            sample_weight, scores, dtype=np.float64, ensure_non_negative=True
        )
        return float(np.average(scores, weights=weights))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the columns of `transform`.

        They are the lowercased class name and a number: autoencoder0, autoencoder1, ... With
        `deep_features`, autoencoder_hidden1_0, autoencoder_hidden1_1, ... follow.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against `n_features_in_` only.

        Returns
        -------
        names : ndarray of str
            A name a column.
        """
        names = super().get_feature_names_out(input_features)
        if not self.deep_features:
            return names
        prefix, widths = type(self).__name__.lower(), self._model.module.encoder.hidden_widths
        hidden = [f"{prefix}_hidden{i}_{j}" for i, w in enumerate(widths, 1) for j in range(w)]
        return np.asarray([*names[: self.n_components_], *hidden], dtype=object)

    @property
    def _n_features_out(self) -> int:
        hidden = self._model.module.encoder.hidden_widths if self.deep_features else ()
        return self.n_components_ + sum(hidden)

    def _fitted_model(self) -> Model:
        check_is_fitted(self)
        return self._model

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in self.__dict__
