"""Penalties: named terms that join the reconstruction loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from sklearn_ae.data import Batch
from sklearn_ae.latents import Code

__all__ = ["L1Weights", "Penalty"]


class Penalty(BaseEstimator, ABC):
    """A term of the objective; `name` is its column in `history_`."""

    name: str

    @abstractmethod
    def term(self, module: nn.Module, batch: Batch, code: Code) -> Tensor:
        """Return the weighted penalty of a batch, a scalar."""


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
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 1e-5) -> None:
        self.weight = weight

    def term(self, module: nn.Module, batch: Batch, code: Code) -> Tensor:
        """Return weight * sum |w|."""
        norms = [p.abs().sum() for p in module.parameters() if p.ndim > 1]
        return self.weight * sum(norms[1:], start=norms[0])
