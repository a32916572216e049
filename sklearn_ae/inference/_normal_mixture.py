"""A mixture of Gaussians of the columns themselves, which draws some rows in a network's place."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from sklearn_ae.data import NormalScores, Rows
from sklearn_ae.inference._density import log_density
from sklearn_ae.inference._model import Model
from sklearn_ae.latents import importance_draws
from sklearn_ae.starts import stacked_shares

# Rows that it is fitted to, at most and at least, and the share of them that chooses.
_MOST_ROWS, _FEWEST_ROWS, _HELD_OUT = 5_000, 100, 0.2
# Components that are tried, rows a component at least, and numbers of all covariances at most.
_COMPONENTS, _ROWS_A_COMPONENT, _MOST_NUMBERS = (1, 2, 4, 8, 16, 32), 40, 2**15
# Least variance of a component, of columns in standard units.
_FLOOR = 1e-3
_PASSES = 40
# Codes by which the density of a network is found, and a share that is not worth its name.
_N_DRAWS, _LEAST = 10, 0.01


class NormalMixture(NamedTuple):
    """A share of rows that are drawn from a mixture of Gaussians.

    It is of columns as the network sees them, or in standard units where the network sees normal
    scores and held-out rows prefer that: scores close the gap between two modes, over which a
    component then reaches. What depends on all columns at once is hard to learn for a network, and
    the covariance of a component says it in closed form.

    Parameters
    ----------
    share : float
        Share of the rows that are drawn from it.
    columns : ndarray of int
        Columns that vary.
    weights : ndarray of shape (n_components,)
        Of the components.
    means : ndarray of shape (n_components, n_columns)
        Of the components.
    factors : ndarray of shape (n_components, n_columns, n_columns), float32
        Cholesky factors of their covariances.
    standard : bool
        Whether it is of columns in standard units, whatever the network sees.
    """

    share: float
    columns: NDArray[np.intp]
    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    factors: NDArray[np.float32]
    standard: bool = False

    @classmethod
    def fit(cls, model: Model, rows: Rows, rng: np.random.Generator) -> NormalMixture | None:
        """Fit it to a part of the rows, choose its share by the rest, and fit it to both.

        Parameters
        ----------
        model : Model
            The trained network.
        rows : Rows
            Training rows.
        rng : numpy.random.Generator
            Feeds the draws.

        Returns
        -------
        mixture : NormalMixture or None
            None where rows are few, lack cells, come with a condition or a target, or are no
            numbers with a density, and where held-out rows do not prefer any share.
        """
        loss, n = model.loss, min(rows.n_rows, _MOST_ROWS)
        whole = rows.condition is None and rows.target is None and not len(rows.missing_columns)
        columns = np.flatnonzero(model.scaling.scale > 0)
        numbers = loss.log_likelihood and loss.free(rows.n_features).all()
        if not (whole and numbers and n >= _FEWEST_ROWS and 0 < len(columns) ** 2 <= _MOST_NUMBERS):
            return None
        some = rows.take(rng.permutation(rows.n_rows)[:n])
        values, n_held_out = some.selected(some.values), int(_HELD_OUT * n)
        weights = np.ones(n) if some.weights is None else some.weights
        x, scaling = some.matrix(), model.scaling

        def of(part: slice) -> NDArray[np.float64]:
            z = scaling.apply(x[part])[:, columns]
            if some.weights is None:
                return z
            share = weights[part] / weights[part].sum()
            return z[rng.choice(len(share), len(share), p=share)]

        def density(mixture: GaussianMixture) -> NDArray[np.float64]:
            slope = scaling.log_slope(x[held_out])[:, columns].sum(axis=1)
            return mixture.score_samples(scaling.apply(x[held_out])[:, columns]) + slope

        held_out, rest = slice(None, n_held_out), slice(n_held_out, None)
        if min(weights[held_out].sum(), weights[rest].sum()) <= 0:
            return None
        best = _best(of(rest), scaling.apply(x[held_out])[:, columns], rng)
        found = density(best)
        if standard := isinstance(scaling, NormalScores):
            scaling = scaling.standard
            other = density(_fitted(len(best.weights_), of(rest), rng))
            standard = bool(np.average(other - found, weights=weights[held_out]) > 0)
            scaling, found = (scaling, other) if standard else (model.scaling, found)
        draws = importance_draws(_N_DRAWS, model.factory.n_components)
        network = log_density(model, values[held_out], None, draws)
        both = np.stack([network, found], axis=1)
        share = float(stacked_shares(both, weights[held_out])[1])
        if share < _LEAST:
            return None
        final = _fitted(len(best.weights_), of(slice(None)), rng)
        factors = np.linalg.cholesky(final.covariances_).astype(np.float32)
        return cls(share, columns, final.weights_, final.means_, factors, standard)

    def draw(self, model: Model, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw rows in X's units."""
        component = rng.choice(len(self.weights), n, p=self.weights / self.weights.sum())
        noise = rng.standard_normal((n, len(self.columns)))
        z = np.zeros((n, len(model.scaling.scale)))
        for k in np.unique(component):
            own = component == k
            drawn = self.means[k] + noise[own] @ self.factors[k].T.astype(np.float64)
            z[np.ix_(own, self.columns)] = drawn
        scaling = model.scaling
        if self.standard and isinstance(scaling, NormalScores):
            scaling = scaling.standard
        return scaling.restore(z)


def _best(
    z: NDArray[np.float64], held_out: NDArray[np.float64], rng: np.random.Generator
) -> GaussianMixture:
    """Return the mixture of as many components as held-out rows prefer."""
    best, most = _fitted(1, z, rng), -np.inf
    n_distinct = len(np.unique(z, axis=0))
    for n_components in _COMPONENTS:
        few = n_components * _ROWS_A_COMPONENT > min(len(z), _ROWS_A_COMPONENT * n_distinct)
        if n_components > 1 and (few or n_components * z.shape[1] ** 2 > _MOST_NUMBERS):
            break
        found = _fitted(n_components, z, rng)
        score = found.score(held_out)
        if score <= most:
            break
        best, most = found, score
    return best


def _fitted(n_components: int, z: NDArray, rng: np.random.Generator) -> GaussianMixture:
    mixture = GaussianMixture(
        n_components,
        reg_covar=_FLOOR,
        init_params="k-means++",
        max_iter=_PASSES,
        random_state=int(rng.integers(2**31 - 1)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(z)
