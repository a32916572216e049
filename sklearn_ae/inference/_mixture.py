"""The start beside a network, whose density no row falls far below."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data import Rows
from sklearn_ae.latents import importance_draws

if TYPE_CHECKING:
    from sklearn_ae.inference._model import Model

# Codes that are drawn for each held-out row.
_N_DRAWS = 4


class DefensiveMixture(NamedTuple):
    """A share of the density: p(x) = (1 - share) p_network(x) + share p_start(x).

    No row has less than log(1 / share) nats below what the start gives it, so that a few
    rows far from all that training saw do not decide a mean.

    Parameters
    ----------
    start : Model
        The closed-form solution in X's units, without a network.
    share : float
        Its share.
    """

    start: Model
    share: float

    def mixed(
        self, network: NDArray[np.float64], start: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return log-densities of rows from those under the network and under the start."""
        return np.logaddexp(np.log1p(-self.share) + network, np.log(self.share) + start)

    def floor(self, rows: Rows) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """Return what makes losses of these rows under a network those under the mixture."""
        draws = importance_draws(1, self.start.factory.n_components, least=_N_DRAWS)
        start = self.start.log_evidence(rows.selected(rows.values), rows.conditions, draws)
        return lambda losses: -self.mixed(-losses, start)
