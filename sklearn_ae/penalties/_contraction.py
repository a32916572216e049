"""The penalty of contractive autoencoders."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor
from torch.func import vmap

from sklearn_ae._compat import vjp
from sklearn_ae.data import Batch
from sklearn_ae.penalties._base import Penalty
from sklearn_ae.runtime import interrupts_held
from sklearn_ae.terms import Forward, Term, weighted_mean

# Outputs up to which the Jacobian is taken whole, and projections beyond.
_EXACT = 8
_PROJECTIONS = 4
_TINY = 1e-12


class _ContractionTerm(Term):
    def __init__(self, weight: float, n_projections: int | None, noise: float, width: int) -> None:
        super().__init__()
        self.weight = weight
        self.noise = noise
        exact = width <= (_EXACT if n_projections is None else n_projections)
        self.n_projections = None if exact else (n_projections or _PROJECTIONS)

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        if batch.n_rows < 2:
            return batch.x.new_zeros(())
        x = batch.x.detach()
        if generator is not None and self.noise > 0:
            x = x + self.noise * torch.empty_like(x).normal_(generator=generator)
        with interrupts_held():
            h, pull = vjp(lambda rows: network.encode(rows, batch.condition), x)
            directions, share = self._directions(h, generator)
            gradients = vmap(lambda direction: pull(direction.expand_as(h)))(directions)
        norm = share * gradients.square().sum(dim=0).flatten(1).sum(dim=1)
        mean = weighted_mean(h, batch.weight)
        variance = weighted_mean((h - mean).square(), batch.weight).sum()
        variance = variance * batch.n_rows / (batch.n_rows - 1)
        return self.weight * weighted_mean(norm, batch.weight) / variance.clamp(min=_TINY)

    def _directions(self, h: Tensor, generator: Generator | None) -> tuple[Tensor, float]:
        """Directions of the code along which gradients are taken, and the weight of each."""
        if self.n_projections is None or generator is None:
            return torch.eye(h.shape[1], dtype=h.dtype, device=h.device), 1.0
        shape = (self.n_projections, h.shape[1])
        signs = h.new_empty(shape).bernoulli_(0.5, generator=generator) * 2 - 1
        return signs, 1 / self.n_projections


class Contraction(Penalty):
    """The squared norm of the encoder's Jacobian, relative to the variance of the code.

    weight E‖∂h/∂x‖²_F / tr Cov(h), where x are standardised rows. The division keeps a code
    from lowering the norm by shrinking.

    Parameters
    ----------
    weight : float, default=0.15
        Multiplies the ratio; the reconstruction loss that it joins is a share of the
        variance of X.
    n_projections : int, default=None
        The Jacobian is taken whole, at the price of a backward pass a component, for
        codes of at most this width. Wider codes are projected on so many random signs,
        which gives the squared norm without bias. None means whole up to 8 components and
        4 projections beyond. Held-out rows are always validated by the whole Jacobian.
    noise : float, default=0.1
        In training the Jacobian is taken at rows with Gaussian noise of this standard
        deviation. Taken at the rows alone, it can be small while the code jumps between
        them.

    References
    ----------
    Rifai et al., Contractive auto-encoders, ICML 2011.

    Hutchinson, A stochastic estimator of the trace, 1990. :doi:`10.1080/03610919008812866`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, Contraction
    >>> Autoencoder(penalties=(Contraction(weight=0.01),))
    Autoencoder(penalties=(Contraction(weight=0.01),))
    """

    name = "contraction"
    symmetry = "rotation"
    _parameter_constraints: dict = {
        "weight": [Interval(Real, 0, None, closed="left")],
        "n_projections": [Interval(Integral, 1, None, closed="left"), None],
        "noise": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, weight: float = 0.15, n_projections: int | None = None, noise: float = 0.1
    ) -> None:
        self.weight = weight
        self.n_projections = n_projections
        self.noise = noise

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the ratio."""
        return _ContractionTerm(self.weight, self.n_projections, self.noise, n_components)
