"""Penalties of weights."""

from __future__ import annotations

from numbers import Real
from typing import Any

from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.penalties._base import Penalty
from sklearn_ae.terms import Forward, Term


class _L1WeightsTerm(Term):
    validated = False

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        norms = [p.abs().sum() for p in network.parameters() if p.ndim > 1]
        return self.weight * sum(norms[1:], start=norms[0])


class L1Weights(Penalty):
    """The L1 norm of the network's weights, biases left out.

    Parameters
    ----------
    weight : float, default=1e-5
        Multiplies the sum of absolute weights; the reconstruction loss that it joins
        is a share of the variance of X.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, L1Weights
    >>> Autoencoder(penalties=(L1Weights(weight=1e-4),))
    Autoencoder(penalties=(L1Weights(weight=0.0001),))
    """

    name = "l1_weights"
    symmetry = "linear"
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 1e-5) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build weight * sum |w|."""
        return _L1WeightsTerm(self.weight)
