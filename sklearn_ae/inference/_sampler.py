"""How new rows are drawn: codes, rows given codes, and what columns hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context

from sklearn_ae.data import Ragged, Rows, Support
from sklearn_ae.inference._density import draw_codes, sample
from sklearn_ae.inference._missing_patterns import MissingPatterns
from sklearn_ae.inference._model import Model
from sklearn_ae.inference._normal_mixture import NormalMixture
from sklearn_ae.latents import draw_from

# Rows whose codes a density is fitted to, at most.
_ROWS = 20_000

Codes = NDArray[np.float64]


class Sampler(NamedTuple):
    """What is learned beside a network so that its draws look like rows.

    Parameters
    ----------
    prior : estimator, optional
        Density of codes; that of the latent if None.
    support : Support, optional
        What columns hold; None where any value may be drawn.
    missing : MissingPatterns, optional
        Which cells are missing; None where none is.
    background : NormalMixture, optional
        What some rows are drawn from in place of the network; None where all are the network's.
    """

    prior: Any = None
    support: Support | None = None
    missing: MissingPatterns | None = None
    background: NormalMixture | None = None

    @classmethod
    def fit(
        cls,
        model: Model,
        rows: Rows,
        prior: Callable[[Callable[[], Codes], np.random.Generator], Any],
        rng: np.random.Generator,
        *,
        blends: bool = False,
    ) -> Sampler:
        """Measure training rows.

        Parameters
        ----------
        model : Model
            The trained network.
        rows : Rows
            Training rows.
        prior : callable
            `prior(codes, rng)` returns a fitted density of `codes()`, or None.
        rng : numpy.random.Generator
            Feeds the draws.
        blends : bool
            Whether some rows may be drawn from a mixture of Gaussians of the columns.
        """
        weights = rows.weights
        if weights is not None:
            index = rng.choice(rows.n_rows, min(_ROWS, rows.n_rows), p=weights / weights.sum())
        else:
            index = rng.permutation(rows.n_rows)[:_ROWS]
        some = rows.take(index)
        values, given = some.selected(some.values), some.conditions

        @cache
        def codes() -> Codes:
            return draw_codes(model, values, given, rng)

        table = Support.possible(rows)
        with config_context(array_api_dispatch=False):
            own = cls(prior(codes, rng))
            missing = None
            if table and blends:
                own = own._replace(background=NormalMixture.fit(model, rows, rng))
            if table:
                missing = MissingPatterns.fit(some, codes, model.factory.n_components)
        if table:
            free, n = model.loss.free(rows.n_features), Support.n_draws(rows.n_features)
            drawn = np.empty((0, rows.n_features))
            if free.any():
                conditions = None if given is None else np.resize(given, (n, given.shape[1]))
                drawn = own.draw(model, n, conditions, rng)
            own = own._replace(support=Support.fit(rows, free, drawn), missing=missing)
        return own

    def streamed(self, model: Model, rows: Rows) -> Sampler:
        """Return what is left of it after further rows, which are never seen together."""
        if not model.factory.latent.samples or not Support.possible(rows):
            return Sampler()
        n_components = model.factory.n_components
        return Sampler(missing=MissingPatterns.counted(rows, self.missing, n_components))

    def codes(
        self, model: Model, n: int, rng: np.random.Generator, explicit: bool = False
    ) -> Codes | None:
        """Draw codes from the density of the training rows' codes.

        Without one they are the latent's, if explicit, or None.
        """
        if self.prior is not None:
            return draw_from(self.prior, n, model.factory.n_components, rng)
        if explicit:
            width = model.factory.n_components
            return model.module.latent.sample(n, width, rng) * model.code_scale
        return None

    def draw(
        self,
        model: Model,
        n: int,
        condition: NDArray | None,
        rng: np.random.Generator,
        like: Ragged | None = None,
        code: Codes | None = None,
        *,
        alone: bool = False,
    ) -> Any:
        """Draw rows as the network's side has them, of codes if they are given.

        With a density of codes, a mixture that only guards scores has no part in them. With a
        background, its share of the rows is drawn from that, unless the network is to be alone.
        """
        blended = self.background is not None and not alone and condition is None
        if code is None:
            code = self.codes(model, n, rng)
        if self.prior is not None and model.mixture is not None:
            alone = alone or model.mixture.guards
        drawn = sample(model, n, condition, rng, like, code, alone=alone)
        if blended and self.background is not None:
            rows = np.flatnonzero(rng.random(n) < self.background.share)
            drawn[rows] = self.background.draw(model, len(rows), rng)
        return drawn if self.support is None else self.support.apply(drawn, rng)
