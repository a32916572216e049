"""The density of the codes that a trained network gives its rows."""

from __future__ import annotations

import copy
import inspect
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from sklearn_ae.data import as_numpy

# Components that are tried, and codes a component at least.
_COMPONENTS = (2, 4, 8, 16, 32, 64)
_CODES_A_COMPONENT = 40
# Share of the codes that choose among them.
_HELD_OUT = 0.2
# Least variance of a component.
_FLOOR = 1e-3
# Codes that a user's density draws at once, to see that it can.
_TRIAL = 3


def mixture_of_codes(
    codes: NDArray[np.float64], rng: np.random.Generator
) -> GaussianMixture | None:
    """Return the mixture of axis-aligned Gaussians that held-out codes prefer, if any.

    Parameters
    ----------
    codes : ndarray of shape (n, n_components), float64
        Codes of training rows.
    rng : numpy.random.Generator
        Feeds the draws.

    Returns
    -------
    mixture : GaussianMixture or None
        Fitted to all codes; None where their gain over N(0, 1) is within its standard error.
    """
    codes = codes[rng.permutation(len(codes))]
    held_out, rest = np.split(codes, [int(_HELD_OUT * len(codes))])
    best, found = norm.logpdf(held_out).sum(axis=1), 0
    for n_components in _COMPONENTS:
        if n_components * _CODES_A_COMPONENT > len(rest):
            break
        scores = _fitted(n_components, rest, rng).score_samples(held_out)
        gain = scores - best
        # N(0, 1) is left only for a gain that is more than its standard error.
        if gain.mean() > (0.0 if found else gain.std() / np.sqrt(len(gain))):
            best, found = scores, n_components
        elif found:
            break
    return _fitted(found, codes, rng) if found else None


def fitted_density(density: Any, codes: NDArray[np.float64], rng: np.random.Generator) -> Any:
    """Return a clone of a density that is fitted to codes, once it has drawn some.

    Parameters
    ----------
    density : estimator
        What a user gave as `prior`.
    codes : ndarray of shape (n, n_components), float64
        Codes of training rows.
    rng : numpy.random.Generator
        Gives it a seed, if it has none.

    Raises
    ------
    ValueError
        If it cannot be fitted, or does not draw codes.
    """
    own = clone(density)
    if own.get_params().get("random_state", 0) is None:
        own.set_params(random_state=int(rng.integers(2**31 - 1)))
    try:
        own.fit(codes)
    except (ValueError, TypeError, np.linalg.LinAlgError) as error:
        raise ValueError(
            f"prior={density!r:.200} cannot be fitted to {len(codes)} codes of {codes.shape[1]} "
            f"components: {error}; set its parameters for such rows, or use prior='auto'."
        ) from error
    draw_from(own, _TRIAL, codes.shape[1], np.random.default_rng(0))
    return own


def draw_from(
    density: Any, n_samples: int, n_components: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw codes, in any order, from whatever has scikit-learn's `sample`.

    Parameters
    ----------
    density : estimator
        Fitted, with a method `sample(n)`, `sample(n, random_state)`, or a parameter
        `random_state`.
    n_samples : int
        Number of codes.
    n_components : int
        Width of a code.
    rng : numpy.random.Generator
        Feeds the draws.

    Raises
    ------
    ValueError
        If it cannot draw, or returns other than finite numbers for each code and component.
    """
    try:
        drawn = drawn_rows(density, n_samples, int(rng.integers(2**31 - 1)))
        rows = np.asarray(as_numpy(drawn))
        if rows.dtype.kind == "O":
            rows = rows.astype(np.float64)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(
            f"prior={density!r:.200} cannot draw codes, {type(error).__name__}: {error}; use one "
            "whose sample(n) does, such as KernelDensity with a Gaussian kernel, or prior='auto'."
        ) from error
    wanted = n_samples, n_components
    if rows.shape != wanted or rows.dtype.kind not in "fiu" or not np.isfinite(rows).all():
        raise ValueError(
            f"prior={density!r:.200} drew codes of shape {rows.shape} and dtype {rows.dtype}, "
            f"{_example(rows)}; sample({n_samples}) has to return finite numbers of shape "
            f"{wanted}."
        )
    # A mixture gives one component after the other.
    return rows.astype(np.float64)[rng.permutation(n_samples)]


def drawn_rows(density: Any, n_samples: int, seed: int, **further: Any) -> Any:
    """Return rows as whatever has scikit-learn's `sample` draws them, by a seed."""
    with config_context(array_api_dispatch=False):
        if "random_state" in inspect.signature(density.sample).parameters:
            drawn = density.sample(n_samples, random_state=seed, **further)
        else:
            density = copy.copy(density)
            density.random_state = seed
            drawn = density.sample(n_samples, **further)
    return drawn[0] if isinstance(drawn, tuple) and drawn else drawn


def _example(rows: NDArray) -> str:
    """Return a number that is not finite, or else the first."""
    cells = rows.ravel()
    strange = cells[~np.isfinite(cells)] if cells.dtype.kind in "fc" else cells
    return f"such as {[*strange[:1].tolist(), *cells[:1].tolist()][0]!r:.60}" if cells.size else ""


def _fitted(
    n_components: int, codes: NDArray[np.float64], rng: np.random.Generator
) -> GaussianMixture:
    mixture = GaussianMixture(
        n_components,
        covariance_type="diag",
        reg_covar=_FLOOR,
        init_params="k-means++",
        random_state=int(rng.integers(2**31 - 1)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(codes)
