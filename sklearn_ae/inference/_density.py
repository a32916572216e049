"""Densities of rows: bounds, samples, and the start as a part of a mixture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from sklearn_ae.data import Extent, Ragged, Rows, blocks
from sklearn_ae.inference._model import LARGEST, Model, Values, as_tensor, run_in_float64
from sklearn_ae.latents import importance_draws
from sklearn_ae.starts import stacked_shares

# Rows whose costs are looked up together.
_ROWS_AT_ONCE = 1024
# Codes that are drawn for each held-out row.
_N_DRAWS = 4
# Codes that are drawn for each row by which a share is chosen, and the share at both ends.
_N_WEIGHED, _LEAST = 10, 0.01
_HALF = 0.5
# Cells whose dependence is looked up together.
_CELLS_AT_ONCE = 2**20


def sample(
    model: Model,
    n_samples: int,
    condition: NDArray | None,
    rng: np.random.Generator,
    like: Ragged | None = None,
    code: NDArray[np.float64] | None = None,
    *,
    alone: bool = False,
) -> Any:
    """Draw rows, in X's units: codes from the prior, then rows given codes, noise included.

    Codes that are given, in the user's units, take the place of the prior's. A mixture has its
    share of the rows unless the network is to be alone.
    """
    if code is None:
        width = model.factory.n_components
        code = model.module.latent.sample(n_samples, width, rng) * model.code_scale

    def function(block: NDArray, given: NDArray | None, extent: Extent | None) -> NDArray:
        return model.loss.sample(model.output(block, given, extent), model.target_scaling, rng)

    drawn = model.to_rows(function, code, condition, like)
    if not alone and model.mixture is not None:
        rows = np.flatnonzero(rng.random(n_samples) < model.mixture.share)
        given = None if condition is None else condition[rows]
        drawn[rows] = model.mixture.sample_start(len(rows), given, rng)
    return drawn


def draw_codes(
    model: Model,
    x: Values,
    condition: NDArray | None,
    rng: np.random.Generator,
    noise: float = 1.0,
) -> NDArray[np.float64]:
    """Draw a code for each row from its posterior, in the user's units.

    Parameters
    ----------
    x : ndarray of shape (n, n_features) or Ragged
        Rows in X's units.
    condition : ndarray of shape (n, n_conditions) or None
        What they are conditioned on.
    rng : numpy.random.Generator
        Feeds the draws.
    noise : float
        Factor of the posterior's standard deviation. Where a latent has no posterior, a row's
        code is certain.
    """
    if not model.module.latent.n_draws:
        return model.encode(x, condition).astype(np.float64, copy=False)
    module = model.in_precision(x.dtype)
    device = model.device_of(module)
    standardized = model.standardizer(x.dtype)
    width = model.factory.n_components

    def function(block: NDArray, given: NDArray | None, extent: Extent | None) -> NDArray:
        parameters = run_in_float64(
            device, module.parameters_of, standardized(block), given, x.dtype
        )
        draws = as_tensor(device, noise * rng.standard_normal((len(block), width)), x.dtype)
        code = module.latent.draw(as_tensor(device, parameters, x.dtype), draws)
        return code.sample.cpu().numpy().astype(np.float64) * model.code_scale

    return model.by_block(function, x, condition, width, dtype=np.dtype(np.float64))


def log_density(
    model: Model, x: Values, condition: NDArray | None, noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the importance-weighted bound on each row's log-density.

    log 1/m sum_i p(x | z_i) p(z_i) / q(z_i | x), with z_i = mean(x) + std(x) * noise_i,
    averaged over groups of m draws, which are turned for each row. With a mixture,
    that of the mixture.

    Parameters
    ----------
    x : ndarray of shape (n, n_features) or Ragged
        Rows in X's units. Those of different sizes have nats per pixel or step.
    condition : ndarray of shape (n, n_conditions) or None
        What they are conditioned on.
    noise : ndarray of shape (n_groups, m, n_components)
        Standard normal draws, from which those of each row are made.
    """
    own = _network_density(model, x, condition, noise)
    if model.mixture is None:
        return own
    return model.mixture.mixed(own, model.mixture.of_start(x, condition, noise))


def _network_density(
    model: Model, x: Values, condition: NDArray | None, noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the bound without a mixture; see `log_density`."""
    module = model.in_precision(x.dtype)
    device = model.device_of(module)
    standardized = model.standardizer(x.dtype)
    n_groups, m, width = noise.shape
    draws = torch.from_numpy(noise.reshape(-1, width).astype(x.dtype)).to(device)

    def function(block: NDArray, given: NDArray | None, extent: Extent | None) -> NDArray:
        parameters = run_in_float64(
            device, module.parameters_of, standardized(block), given, x.dtype
        )
        weights = np.empty((len(draws), len(block)))
        posterior = as_tensor(device, parameters, x.dtype)
        noise_of = module.latent.noise_for(posterior)
        at_once = max(1, _ROWS_AT_ONCE // len(block))
        for start in range(0, len(draws), at_once):
            codes = [module.latent.draw(posterior, noise_of(d)) for d in draws[start:][:at_once]]
            outputs = [
                run_in_float64(
                    device, module.decode, code.sample.cpu().numpy(), given, x.dtype, extent
                )
                for code in codes
            ]
            # Costs of few rows take less time together than one after the other.
            nats = model.cell_errors(
                np.concatenate([block] * len(codes)), np.concatenate(outputs)
            ).reshape(len(codes), len(block), -1)
            weights[start:][:at_once] = -np.nansum(nats, axis=2)
            for i, code in enumerate(codes, start):
                if code.divergence is not None:
                    weights[i] -= code.divergence.cpu().numpy()
        # A row that is far enough has a divergence that is no number.
        weights = np.maximum(weights, -LARGEST)
        bounds = (logsumexp(weights.reshape(n_groups, m, -1), axis=1) - np.log(m)).mean(axis=0)
        if extent is not None:
            observed = ~np.isnan(block).reshape(len(block), -1)
            bounds /= observed.sum(axis=1) / block.shape[-1]
        return bounds[:, None]

    return model.by_block(function, x, condition, 1, dtype=np.dtype(np.float64))[:, 0]


def divergence_per_component(
    model: Model, x: Values, condition: NDArray | None
) -> NDArray[np.float64]:
    """Return the divergence of each row's posterior from the prior, by component."""
    module = model.in_precision(x.dtype)
    device = model.device_of(module)
    standardized = model.standardizer(x.dtype)

    def function(block: NDArray, given: NDArray | None, extent: Extent | None) -> NDArray:
        parameters = run_in_float64(
            device, module.parameters_of, standardized(block), given, x.dtype
        )
        kl = module.latent.divergence(as_tensor(device, parameters, x.dtype))
        assert kl is not None
        return kl.cpu().numpy().astype(np.float64)

    width = model.factory.n_components
    return model.by_block(function, x, condition, width, dtype=np.dtype(np.float64))


class DefensiveMixture(NamedTuple):
    """A share of the density: p(x) = (1 - share) p_network(x) + share p_start(x).

    No row has less than log(1 / share) nats below what the start gives it, so that a few
    rows far from all that training saw do not decide a mean.

    Parameters
    ----------
    start : Model or TreeMixture
        The closed-form solution in X's units, without a network.
    share : float
        Its share.
    """

    start: Any
    share: float

    @property
    def guards(self) -> bool:
        """Whether it is there for rows far from all others, and not for what is drawn."""
        return True

    def of_start(
        self, x: Values, condition: NDArray | None, noise: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the start's log-density of rows; see `log_density`."""
        return log_density(self.start, x, condition, noise)

    def sample_start(self, n: int, condition: NDArray | None, rng: np.random.Generator) -> Any:
        """Draw rows from the start."""
        return sample(self.start, n, condition, rng)

    def weighed(self, held_out: Sequence[tuple[Model, Rows]]) -> DefensiveMixture:
        """Return the mixture with the share that held-out rows prefer, if it is to be chosen."""
        return self

    def mixed(
        self, network: NDArray[np.float64], start: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return log-densities of rows from those under the network and under the start."""
        return np.logaddexp(np.log1p(-self.share) + network, np.log(self.share) + start)

    def floor(self, rows: Rows) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """Return what makes losses of these rows under a network those under the mixture."""
        draws = importance_draws(1, self._width, least=_N_DRAWS)
        start = self.of_start(rows.selected(rows.values), rows.conditions, draws)
        return lambda losses: -self.mixed(-losses, start)

    @property
    def _width(self) -> int:
        return self.start.factory.n_components


class TreeBackground(DefensiveMixture):
    """A mixture with trees of dependence, which may be the larger part of it.

    Its share is the one that gives held-out rows the largest likelihood, or a half where
    there are none: then no row has more than log(2) nats less than the better of the two.
    """

    @property
    def guards(self) -> bool:
        """Whether it is not for what is drawn."""
        return False

    def of_start(
        self, x: Values, condition: NDArray | None, noise: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the log-probability of rows under the trees."""
        found = np.empty(len(x))
        for part, block, _ in blocks(x, _CELLS_AT_ONCE):
            found[part] = self.start.log_density(block)
        return found

    def sample_start(self, n: int, condition: NDArray | None, rng: np.random.Generator) -> Any:
        """Draw rows from the trees."""
        return self.start.sample(n, rng)

    def weighed(self, held_out: Sequence[tuple[Model, Rows]]) -> DefensiveMixture:
        """Return the mixture with the share that held-out rows prefer."""
        if not held_out:
            return self._replace(share=_HALF)
        found, weights = [], []
        for model, rows in held_out:
            x, condition = rows.selected(rows.values), rows.conditions
            draws = importance_draws(_N_WEIGHED, model.factory.n_components)
            network = _network_density(model, x, condition, draws)
            start = model.mixture.of_start(x, condition, draws)
            found.append(np.stack([network, start], axis=1))
            weights.append(np.ones(len(x)) if rows.weights is None else rows.weights)
        share = stacked_shares(np.concatenate(found), np.concatenate(weights))[1]
        return self._replace(share=float(np.clip(share, _LEAST, 1 - _LEAST)))

    @property
    def _width(self) -> int:
        return 1
