"""Which map is kept, by rows that it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import euclidean_distances

from sklearn_ae.applications._manifold._maps import MAPS, Map
from sklearn_ae.runtime import Seeds

# Rows below which nothing is chosen; below which each row is held out once, and no network fitted.
_FEWEST_ROWS, _FEW_ROWS = 50, 1_000
_FOLDS, _MOST_HELD_OUT = 5, 1_000
_NEIGHBOURS = 5
# Gains that are too small to see.
_LEAST_GAIN = 0.002

Fit = Callable[[str, NDArray, NDArray], Map]
Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def candidates(asked: str, n: int) -> tuple[str, ...]:
    """Return names of the maps that are compared.

    Parameters
    ----------
    asked : str
        One of `MAPS`, which is then the only one, or "auto".
    n : int
        Number of rows.
    """
    if asked != "auto":
        return (asked,)
    return MAPS if n >= _FEW_ROWS else MAPS[:-1]


def folds_of(n: int, seeds: Seeds) -> Folds:
    """Return rows to fit to and rows to hold out, several times if there are few; none below 50."""
    if n < _FEWEST_ROWS:
        return []
    order = seeds.numpy("held out").permutation(n)
    if n >= _FEW_ROWS:
        n_held_out = min(n // _FOLDS, _MOST_HELD_OUT)
        return [(np.sort(order[n_held_out:]), np.sort(order[:n_held_out]))]
    parts = np.array_split(order, _FOLDS)
    return [(np.setdiff1d(order, part), np.sort(part)) for part in parts]


def choose_encoder(
    names: tuple[str, ...], X: NDArray, Z: NDArray, fit: Fit, seeds: Seeds
) -> tuple[str, dict[str, float] | None]:
    """Choose the map from rows to codes by the trustworthiness of held-out rows' codes.

    Parameters
    ----------
    names : tuple of str
        Maps, the first of which is kept where there is no better one.
    X, Z : ndarray of shape (n, p) and (n, k)
        Rows, and codes of them.
    fit : callable
        From a name, rows, and what they are mapped to, to a map.
    seeds : Seeds
        Draws the rows that are held out.

    Returns
    -------
    kept : str
        The name of a map.
    trustworthiness : dict of str to float or None
        Of each map; None if nothing was held out.
    """
    folds = folds_of(len(X), seeds)
    if not folds or len(names) == 1:
        return names[0], None
    found: dict[str, list[NDArray]] = {name: [] for name in names}
    for train, held_out in folds:
        distances = euclidean_distances(X[held_out], X[train])
        for name in names:
            codes = fit(name, X[train], Z[train])(X[held_out])
            found[name].append(_trustworthiness(distances, codes, Z[train]))
    per_row = {name: np.concatenate(parts) for name, parts in found.items()}
    return _best(per_row), {name: float(values.mean()) for name, values in per_row.items()}


def choose_decoder(
    names: tuple[str, ...],
    X: NDArray,
    Z: NDArray,
    encoder: str,
    fit: Fit,
    seeds: Seeds,
) -> tuple[str, dict[str, float] | None]:
    """Choose the map from codes to rows by the R² of held-out rows.

    Parameters
    ----------
    names : tuple of str
        Maps, the first of which is kept where there is no better one.
    X, Z : ndarray of shape (n, p) and (n, k)
        Rows, and codes of them.
    encoder : str
        The map that finds codes of held-out rows.
    fit : callable
        From a name, rows, and what they are mapped to, to a map.
    seeds : Seeds
        Draws the rows that are held out.

    Returns
    -------
    kept : str
        The name of a map.
    r2 : dict of str to float or None
        Of each map; None if nothing was held out.
    """
    folds = folds_of(len(X), seeds)
    if not folds or len(names) == 1:
        return names[0], None
    found: dict[str, list[NDArray]] = {name: [] for name in names}
    total = []
    for train, held_out in folds:
        codes = fit(encoder, X[train], Z[train])(X[held_out])
        total.append(np.square(X[held_out] - X[train].mean(axis=0)).sum(axis=1))
        for name in names:
            rebuilt = fit(name, Z[train], X[train])(codes)
            found[name].append(np.square(X[held_out] - rebuilt).sum(axis=1))
    whole = max(float(np.concatenate(total).mean()), 1e-300)
    per_row = {name: 1 - np.concatenate(parts) / whole for name, parts in found.items()}
    return _best(per_row), {name: float(values.mean()) for name, values in per_row.items()}


def _best(per_row: dict[str, NDArray[np.float64]]) -> str:
    """Return the name of the highest mean, or the first if it is no clear gain over that."""
    first = next(iter(per_row))
    best = max(per_row, key=lambda name: per_row[name].mean())
    gain = per_row[best] - per_row[first]
    least = max(_LEAST_GAIN, gain.std() / np.sqrt(len(gain)))
    return best if gain.mean() > least else first


def _trustworthiness(
    distances: NDArray[np.float64], codes: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the trustworthiness of each of some codes among those of other rows.

    Parameters
    ----------
    distances : ndarray of shape (m, n)
        From rows to the others.
    codes, others : ndarray of shape (m, k) and (n, k)
        What they are mapped to.
    """
    n = len(others)
    k = min(_NEIGHBOURS, (n - 1) // 2)
    near = np.argpartition(euclidean_distances(codes, others), k - 1, axis=1)[:, :k]
    penalty = np.zeros(len(codes))
    for column in near.T:
        own = distances[np.arange(len(codes)), column]
        rank = (distances < own[:, None]).sum(axis=1) + 1
        penalty += np.maximum(rank - k, 0)
    return 1 - 2 * penalty / (k * (2 * n - 3 * k - 1))
