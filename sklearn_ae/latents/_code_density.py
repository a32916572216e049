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
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

# Components that are tried, and codes a component at least.
_COMPONENTS = (2, 4, 8, 16, 32, 64)
_CODES_A_COMPONENT = 40
# Share of the codes that choose among them.
_HELD_OUT = 0.2
# Least variance of a component.
_FLOOR = 1e-3


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


def draw_from(density: Any, n_samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw rows, in any order, from whatever has scikit-learn's `sample`.

    Parameters
    ----------
    density : estimator
        Fitted, with a method `sample(n)`, `sample(n, random_state)`, or a parameter
        `random_state`.
    n_samples : int
        Number of rows.
    rng : numpy.random.Generator
        Feeds the draws.
    """
    seed = int(rng.integers(2**31 - 1))
    with config_context(array_api_dispatch=False):
        if "random_state" in inspect.signature(density.sample).parameters:
            drawn = density.sample(n_samples, random_state=seed)
        else:
            density = copy.copy(density)
            density.random_state = seed
            drawn = density.sample(n_samples)
    rows = drawn[0] if isinstance(drawn, tuple) else drawn
    # A mixture gives one component after the other.
    return np.asarray(rows, dtype=np.float64)[rng.permutation(n_samples)]


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
