"""From rows to codes, and back.

The functions are methods of every autoencoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array, check_is_fitted

from sklearn_ae._compat import output_config
from sklearn_ae.autoencoders._composing import check_deep
from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.autoencoders._reading import check_dense_size, dtypes_of
from sklearn_ae.data import SparseRows, check_accepted, objects_as_numbers
from sklearn_ae.sources import apply_in_blocks
from sklearn_ae.sources._opening import row_source

if TYPE_CHECKING:
    from sklearn_ae.autoencoders._base import BaseAutoencoder


@in_kind
def transform(self: BaseAutoencoder, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
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
        Codes; float32 for float32 rows, otherwise float64. With `deep_features` further
        columns follow, the hidden layers of the encoder.
    """
    values, given = self._read(X, condition)
    check_deep(self, self._spec_used.architecture)
    encode = self._model.deep_features if self.deep_features else self._model.encode
    codes = encode(values, given)
    index = self._reader.adapter.index(X)
    if index is None or output_config(self) != "pandas":
        return codes
    return pd.DataFrame(codes, index=index)


@in_kind
def inverse_transform(
    self: BaseAutoencoder,
    X: ArrayLike,
    condition: ArrayLike | None = None,
    *,
    lengths: ArrayLike | None = None,
) -> Any:
    """Return the rows that codes stand for.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components_)
        Codes, or what `transform` returns with `deep_features`.
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
    check_is_fitted(self)
    check_accepted(X)
    with np.errstate(invalid="ignore"):  # it adds up the cells, past infinity both ways
        code = check_array(objects_as_numbers(X), dtype=dtypes_of(X), input_name="X")
    if self.deep_features and code.shape[1] == self._n_features_out:
        code = code[:, : self.n_components_]
    if code.shape[1] != self.n_components_:
        raise ValueError(
            f"X has {code.shape[1]} columns, but the codes of this {type(self).__name__} "
            f"have {self.n_components_} components; pass what transform returns."
        )
    if self._reader.sparse:
        check_dense_size(len(code), self.n_features_in_, code.dtype, "inverse_transform")
    given = self._reader.conditions(self, condition, len(code))
    typical = self._reader.typical(len(code), lengths)
    return self._reader.container.wrap(self._model.decode(code, given, typical), like=X)


@in_kind
def reconstruct(self: BaseAutoencoder, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
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
        The rows as the code keeps them, in the container of X. It is dense for sparse X,
        and an error beyond 2 GiB: see `iter_reconstruct`.
    """
    values, given = self._read(X, condition)
    if isinstance(values, SparseRows):
        check_dense_size(*values.shape, values.dtype, "reconstruct")
    return self._reader.adapter.container(X).wrap(self._rebuilt(values, given), like=X)


def iter_reconstruct(
    self: BaseAutoencoder,
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
    check_is_fitted(self)
    if row_source(X) is not None:
        return apply_in_blocks(self, X, "reconstruct", batch_size=batch_size)
    blocks = self._reader.blocks(X, condition, self.n_features_in_, batch_size)
    return (self.reconstruct(*block) for block in blocks)
