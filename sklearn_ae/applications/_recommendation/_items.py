"""What each item says of each other one, in closed form."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array, diags_array
from sklearn.utils.extmath import randomized_svd

# Items up to which the matrix of items by items is held, and from which on in float32.
MOST_DENSE = 20_000
_SINGLE = 8_192
# Directions that stand for the items beyond.
_RANK = 512
# Users with many items count less, by the number of their items to this power.
_USER_POWER = -0.25


class Items(ABC):
    """Linear scores of items: a user's items times weights, an item's own weight being 0."""

    @abstractmethod
    def scores(self, users: csr_array) -> NDArray[np.float64]:
        """Return scores of users by items, dense."""

    @abstractmethod
    def weights_to(self, item: int) -> NDArray[np.float64]:
        """Return the weights by which items speak for one."""

    @abstractmethod
    def weights_of(self, item: int) -> NDArray[np.float64]:
        """Return the weights by which one speaks for the others."""

    def similarities(self, item: int) -> NDArray[np.float64]:
        """Return partial correlations of an item with each."""
        to, of = self.weights_to(item), self.weights_of(item)
        return np.sign(to) * np.sqrt(np.maximum(to * of, 0.0))


class DenseItems(Items):
    """Weights as a matrix.

    Parameters
    ----------
    weights : ndarray of shape (n_items, n_items)
        Weight of the row's item for the column's.
    """

    def __init__(self, weights: NDArray) -> None:
        self.weights = weights

    def scores(self, users: csr_array) -> NDArray[np.float64]:
        """Return scores of users by items, dense."""
        return np.asarray(users @ self.weights, dtype=np.float64)

    def weights_to(self, item: int) -> NDArray[np.float64]:
        """Return the weights by which items speak for one."""
        return self.weights[:, item].astype(np.float64)

    def weights_of(self, item: int) -> NDArray[np.float64]:
        """Return the weights by which one speaks for the others."""
        return self.weights[item].astype(np.float64)


class LowRankItems(Items):
    """Weights whose matrix is never formed: 1 - C / diag(C), with C = 1 / d - U U'.

    Parameters
    ----------
    inverse : ndarray of shape (n_items,)
        1 / d.
    factor : ndarray of shape (n_items, rank)
        U.
    """

    def __init__(self, inverse: NDArray, factor: NDArray) -> None:
        self.inverse = inverse
        self.factor = factor
        self.diagonal = inverse - np.einsum("ij,ij->i", factor, factor)

    def scores(self, users: csr_array) -> NDArray[np.float64]:
        """Return scores of users by items, dense."""
        spread = (users @ self.factor) @ self.factor.T
        own = users @ diags_array(self.inverse - self.diagonal)
        return (spread - own.toarray()) / self.diagonal

    def weights_to(self, item: int) -> NDArray[np.float64]:
        """Return the weights by which items speak for one."""
        weights = self.factor @ self.factor[item] / self.diagonal[item]
        weights[item] = 0.0
        return weights

    def weights_of(self, item: int) -> NDArray[np.float64]:
        """Return the weights by which one speaks for the others."""
        weights = self.factor @ self.factor[item] / self.diagonal
        weights[item] = 0.0
        return weights


class SingularVectors:
    """Codes of users where there is no network.

    Parameters
    ----------
    vectors : ndarray of shape (n_items, n_components)
        Orthonormal columns.
    """

    def __init__(self, vectors: NDArray[np.float64]) -> None:
        self.vectors = vectors

    @classmethod
    def of(cls, users: csr_array, width: int, seed: int) -> SingularVectors:
        """Return the first directions of some users."""
        return cls(randomized_svd(users, min(width, *users.shape), random_state=seed)[2].T)

    def codes(self, users: csr_array) -> NDArray[np.float64]:
        """Return how far users are in each direction."""
        return np.asarray(users @ self.vectors)


def solve_items(users: csr_array, alpha: float, dropout: float, seed: int = 0) -> Items:
    r"""Solve the linear autoencoder of items that has no weight from an item to itself.

    With user weights :math:`w_u = n_u^{-.25}`, n the number of a user's items, and
    :math:`G = X' W X`, the weights are :math:`1 - C / \mathrm{diag}(C)`, where
    :math:`C = (G + \alpha \bar w I + p / (1 - p) \, \mathrm{diag} G)^{-1}`.

    Parameters
    ----------
    users : csr_array of shape (n_users, n_items)
        What users have, 1 in the mean.
    alpha : float
        Ridge.
    dropout : float in [0, 1)
        Probability p that an item of a user is missing.
    seed : int
        Feeds the randomised solver that more than 20,000 items have.

    References
    ----------
    Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019. :arxiv:`1905.03375`
    Steck, Autoencoders that don't overfit towards the identity, NeurIPS 2020.
    """
    n_items = np.maximum(np.diff(users.indptr), 1)
    weight = n_items.astype(np.float64) ** _USER_POWER
    rooted = csr_array(diags_array(np.sqrt(weight)) @ users)
    squares = np.asarray(rooted.power(2).sum(axis=0), dtype=np.float64)
    ridge = alpha * weight.mean() + dropout / (1 - dropout) * squares
    if users.shape[1] > MOST_DENSE:
        return _low_rank(rooted, squares, ridge, seed)
    dtype = np.float64 if users.shape[1] < _SINGLE else np.float32
    gram = (rooted.T.astype(dtype) @ rooted.astype(dtype)).toarray(order="F")
    gram[np.diag_indices_from(gram)] += ridge.astype(dtype)
    return DenseItems(_weights(gram))


def _weights(gram: NDArray) -> NDArray:
    """Return 1 - C / diag(C) of the inverse C of a matrix, in its memory."""
    double = gram.dtype == np.float64
    factorize, invert = (lapack.dpotrf, lapack.dpotri) if double else (lapack.spotrf, lapack.spotri)
    inverse, failed = factorize(gram, lower=True, overwrite_a=True, clean=False)
    if not failed:
        inverse, failed = invert(inverse, lower=True, overwrite_c=True)
    if failed:
        raise ValueError("The items are linearly dependent; use a larger alpha.")
    for start in range(0, len(inverse), 1024):  # the upper triangle, a band at a time
        stop = min(start + 1024, len(inverse))
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
        band = inverse[start:stop, start:stop]
        band[:] = np.tril(band) + np.tril(band, -1).T
    inverse /= -np.diag(inverse).copy()
    np.fill_diagonal(inverse, 0.0)
    return np.asarray(inverse)


def _low_rank(rooted: csr_array, squares: NDArray, ridge: NDArray, seed: int) -> LowRankItems:
    """Take G as its first directions, and a diagonal for what they leave of its own."""
    rank = min(_RANK, *(n - 1 for n in rooted.shape))
    _, values, vectors = randomized_svd(rooted, rank, random_state=seed, n_iter=4)
    factor = np.asarray(vectors.T * values, dtype=np.float64)
    left = np.maximum(squares - np.einsum("ij,ij->i", factor, factor), 0.0)
    inverse = 1 / (ridge + left)
    scaled = factor * inverse[:, None]
    inner = np.eye(rank) + factor.T @ scaled
    root = np.linalg.cholesky(inner)
    return LowRankItems(inverse, np.linalg.solve(root, scaled.T).T)
