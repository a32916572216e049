"""Which items come first, and how good that order is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def best(scores: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """Return the columns of the largest scores of each row, the first of equal ones first.

    Parameters
    ----------
    scores : ndarray of shape (n, n_items)
        -inf for items that are left out.
    k : int
        How many.

    Returns
    -------
    items : ndarray of shape (n, k)
        -1 where a row has fewer.
    """
    n, n_items = scores.shape
    found = np.full((n, k), -1, dtype=np.intp)
    m = min(k, n_items)
    for row, own in zip(found, scores, strict=True):
        # What is as large as the m-th takes part, so that ties do not depend on the partition.
        least = np.partition(own, n_items - m)[n_items - m]
        among = np.flatnonzero((own >= least) & (own > -np.inf))
        first = among[np.argsort(-own[among], kind="stable")[:m]]
        row[: len(first)] = first
    return found


def standard(scores: NDArray) -> NDArray[np.float64]:
    """Return scores in standard units of each row, 0 where all are equal."""
    # A power of 2 in the rows' own size, so that squares are numbers.
    _, exponent = np.frexp(np.abs(scores).max(axis=1, keepdims=True, initial=0.0))
    scores = np.ldexp(scores, -exponent)
    centred = scores - scores.mean(axis=1, keepdims=True)
    scale = centred.std(axis=1, keepdims=True)
    return np.asarray(centred / np.where(scale > 0, scale, 1.0))


def mixed(linear: NDArray, network: NDArray | None, weight: float) -> NDArray[np.float64]:
    """Return the mean of two scores, the second of them in a weight."""
    return linear if network is None or not weight else (1 - weight) * linear + weight * network


def gains(ranked: NDArray[np.intp], wanted: csr_array) -> NDArray[np.float64]:
    """Return the normalised discounted cumulative gain of each row.

    Parameters
    ----------
    ranked : ndarray of shape (n, k)
        Items, the best first; -1 for none.
    wanted : csr_array of shape (n, n_items)
        What is to be found, not 0.

    Returns
    -------
    gains : ndarray of shape (n,)
        1 where all that can be among k comes first; NaN for rows that want nothing.
    """
    discount = 1 / np.log2(np.arange(2, ranked.shape[1] + 2))
    found = np.full(len(ranked), np.nan)
    for i, items in enumerate(ranked):
        own = wanted.indices[wanted.indptr[i] : wanted.indptr[i + 1]]
        if len(own):
            ideal = discount[: min(len(own), len(discount))].sum()
            found[i] = discount[np.isin(items, own)].sum() / ideal
    return found


def hidden_part(
    users: csr_array, rng: np.random.Generator, share: float = 0.2
) -> tuple[csr_array, csr_array]:
    """Hide a share of the items of each user, at least one of those who have two.

    Parameters
    ----------
    users : csr_array of shape (n, n_items)
        What they have.
    rng : Generator
        Draws the items.
    share : float
        How many.

    Returns
    -------
    seen, hidden : csr_array of shape (n, n_items)
    """
    counts = np.diff(users.indptr)
    owner = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((rng.random(users.nnz), owner))
    position = np.arange(users.nnz) - np.repeat(users.indptr[:-1], counts)
    n_hidden = np.where(counts > 1, np.maximum(1, np.floor(share * counts)), 0)
    hides = np.zeros(users.nnz, dtype=bool)
    hides[order] = position < n_hidden[owner]
    return _kept(users, owner, ~hides), _kept(users, owner, hides)


def _kept(users: csr_array, owner: NDArray, keep: NDArray[np.bool_]) -> csr_array:
    cells = (users.data[keep], (owner[keep], users.indices[keep]))
    return csr_array(cells, shape=users.shape)
