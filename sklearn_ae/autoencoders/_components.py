"""How wide a code is."""

from __future__ import annotations

import numpy as np

from sklearn_ae.data import Rows, fit_scaling
from sklearn_ae.runtime import Seeds, torch_threads
from sklearn_ae.starts import PCAStart

_VARIANCE = 0.95
# Components that are computed where large rows shall keep a share of the variance, and the
# most that are taken without being asked for.
_LEADING = 256
_LARGE_COMPONENTS = 64
# Columns up to which the whole spectrum of rows in a file is computed, as in memory.
_LARGEST_SPECTRUM = 2000
# Width of the code of rows that differ in size.
_RAGGED_COMPONENTS = 16


def resolve_components(
    n_components: int | float | None,
    rows: Rows,
    *,
    default: int | None,
    overcomplete: bool,
    seeds: Seeds,
) -> int:
    """Apply the rules for n_components.

    Parameters
    ----------
    n_components : int, float or None
        The hyperparameter.
    rows : Rows
        Training rows.
    default : int or None
        What None means; None is the rule by explained variance.
    overcomplete : bool
        Whether a code may be wider than the rows.
    seeds : Seeds
        Feeds the spectrum of large rows.
    """
    k, p = n_components, rows.n_features
    if rows.ragged:
        return _ragged_components(k)
    if k is not None and k >= 1:
        if k > p and not overcomplete:
            raise ValueError(
                f"n_components={k} exceeds the {p} features of X; use n_components <= {p}, "
                "or a SparseAutoencoder for an overcomplete code."
            )
        return int(k)
    if k is None and default is not None:
        return default
    if rows.large and not (rows.spooled and p <= _LARGEST_SPECTRUM):
        return _leading_components(k, rows, seeds)
    with torch_threads(1):
        shares = np.cumsum(PCAStart().spectrum(rows, fit_scaling(rows)))
    needed = 1
    if shares[-1] > 0:
        needed = min(p, int(np.searchsorted(shares, _VARIANCE if k is None else k)) + 1)
    return needed if k is not None else max(1, min(needed, rows.n_columns // 2))


def _leading_components(k: float | None, rows: Rows, seeds: Seeds) -> int:
    """Apply the rules where the whole spectrum would be too much to compute."""
    n_computed = min(_LEADING, rows.n_features, rows.n_rows)
    if k is None:
        n_computed = min(n_computed, _LARGE_COMPONENTS)
    generator = seeds.torch("spectrum")
    found = PCAStart().leading_spectrum(rows, fit_scaling(rows), n_computed, generator)
    shares = np.cumsum(found)
    needed = int(np.searchsorted(shares, _VARIANCE if k is None else k)) + 1
    if k is None:
        return max(1, min(needed, n_computed, rows.n_columns // 2))
    if needed > len(shares) and n_computed < min(rows.n_features, rows.n_rows):
        raise ValueError(
            f"n_components={k!r} asks for more of the variance than the {n_computed} leading "
            f"components of X have, which is {shares[-1:].sum():.3g}; use an integer."
        )
    return max(1, min(needed, len(shares)))


def _ragged_components(k: float | None) -> int:
    """Return the width of the code of rows that differ in size, which have no spectrum."""
    if k is not None and k < 1:
        raise ValueError(
            f"n_components={k!r} is a share of the variance, which is not known for rows of "
            "different sizes; use an integer."
        )
    return _RAGGED_COMPONENTS if k is None else int(k)
