"""Penalties: named terms that join the reconstruction loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, cast

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor, nn
from torch.func import vjp, vmap

from sklearn_ae.data import Batch
from sklearn_ae.latents import Code

__all__ = ["Contraction", "KLSparsity", "L1Sparsity", "L1Weights", "Penalty", "PenaltyTerm"]

# Rows over which mean activations are averaged in training.
_WINDOW = 1024
# Outputs up to which the Jacobian is taken whole, and projections beyond.
_EXACT = 8
_PROJECTIONS = 4
_TINY = 1e-12


class PenaltyTerm(nn.Module, ABC):
    """The torch part of a penalty."""

    @abstractmethod
    def forward(
        self, network: Any, batch: Batch, code: Code, generator: Generator | None
    ) -> Tensor:
        """Return the weighted penalty of a batch, a scalar; a generator means training."""


class Penalty(BaseEstimator, ABC):
    """A term of the objective; `name` is its column in `history_`.

    `validated` says whether held-out rows are judged by it too, as they are by what depends on
    rows. `symmetry` names the changes of basis of the code that leave the term as it is,
    and `sparse` says whether units may fall dead.
    """

    name: str
    validated: bool = True
    symmetry: str = "linear"
    sparse: bool = False

    @abstractmethod
    def build(self, n_components: int, bounded: bool) -> PenaltyTerm:
        """Build the torch part for codes of some width, in [0, 1] if they are bounded."""


class _L1WeightsTerm(PenaltyTerm):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(
        self, network: Any, batch: Batch, code: Code, generator: Generator | None
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
    validated = False
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 1e-5) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> PenaltyTerm:
        """Build weight * sum |w|."""
        return _L1WeightsTerm(self.weight)


class _KLSparsityTerm(PenaltyTerm):
    mean: Tensor
    seen: Tensor

    def __init__(self, sparsity: float, weight: float, width: int, bounded: bool) -> None:
        super().__init__()
        self.sparsity = sparsity
        self.weight = weight
        self.bounded = bounded
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("seen", torch.zeros(()))

    def forward(
        self, network: Any, batch: Batch, code: Code, generator: Generator | None
    ) -> Tensor:
        activation = code.sample if self.bounded else torch.sigmoid(code.sample)
        mean = _mean(activation, batch.weight)
        if generator is not None:
            mean = self._over_batches(mean, batch)
        mean = mean.clamp(_TINY, 1 - 1e-7)
        rho = self.sparsity
        divergence = rho * (rho / mean).log() + (1 - rho) * ((1 - rho) / (1 - mean)).log()
        return self.weight * divergence.sum()

    def _over_batches(self, mean: Tensor, batch: Batch) -> Tensor:
        """Mean over a window of rows, with the gradient of this batch's mean."""
        with torch.no_grad():
            mass = batch.n_rows if batch.weight is None else batch.weight.sum()
            self.seen.copy_((self.seen + mass).clamp(max=float(max(_WINDOW, batch.n_rows))))
            self.mean.add_((mean - self.mean) * (mass / self.seen).clamp(max=1.0))
        return self.mean + (mean - mean.detach())


class KLSparsity(Penalty):
    """Divergence of each unit's mean activation from a target.

    weight Σⱼ ρ log(ρ/ρ̂ⱼ) + (1-ρ) log((1-ρ)/(1-ρ̂ⱼ)), where ρ̂ⱼ is the mean of unit j's
    activation over the last 1024 training rows, or over a batch that is larger. Codes that
    are not in [0, 1] pass through the logistic function first.

    Parameters
    ----------
    sparsity : float in (0, 1), default=0.05
        Target ρ.
    weight : float, default=0.03
        Multiplies the sum; the reconstruction loss that it joins is a share of the
        variance of X.

    References
    ----------
    Ng, Sparse autoencoder, CS294A lecture notes, 2011.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, KLSparsity, Sigmoid
    >>> autoencoder = Autoencoder(latent=Sigmoid(), penalties=(KLSparsity(sparsity=0.1),))
    """

    name = "kl_sparsity"
    symmetry = "permutation"
    sparse = True
    _parameter_constraints: dict = {
        "sparsity": [Interval(Real, 0, 1, closed="neither")],
        "weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, sparsity: float = 0.05, weight: float = 0.03) -> None:
        self.sparsity = sparsity
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> PenaltyTerm:
        """Build the divergence with its running means."""
        return _KLSparsityTerm(self.sparsity, self.weight, n_components, bounded)


class _L1SparsityTerm(PenaltyTerm):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(
        self, network: Any, batch: Batch, code: Code, generator: Generator | None
    ) -> Tensor:
        absolute = _mean(code.sample.abs(), batch.weight)
        spread = _mean(code.sample.square(), batch.weight).clamp(min=_TINY).sqrt()
        return self.weight * (absolute / spread).mean()


class L1Sparsity(Penalty):
    """The L1 norm of the code, relative to its size.

    weight / k Σⱼ mean|hⱼ| / sqrt(mean hⱼ²), over the rows of a batch. The plain norm can be
    lowered by shrinking the code and growing the decoder; the ratio cannot.

    Parameters
    ----------
    weight : float, default=0.1
        Multiplies the mean over units, which lies between 0 and 1; the reconstruction
        loss that it joins is a share of the variance of X.

    References
    ----------
    Olshausen and Field, Sparse coding with an overcomplete basis set, 1997.
    :doi:`10.1016/S0042-6989(97)00169-7`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, L1Sparsity
    >>> Autoencoder(penalties=(L1Sparsity(weight=0.05),))
    Autoencoder(penalties=(L1Sparsity(weight=0.05),))
    """

    name = "l1_sparsity"
    symmetry = "signed_permutation"
    sparse = True
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 0.1) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> PenaltyTerm:
        """Build the ratio."""
        return _L1SparsityTerm(self.weight)


class _ContractionTerm(PenaltyTerm):
    def __init__(self, weight: float, n_projections: int | None, noise: float, width: int) -> None:
        super().__init__()
        self.weight = weight
        self.noise = noise
        exact = width <= (_EXACT if n_projections is None else n_projections)
        self.n_projections = None if exact else (n_projections or _PROJECTIONS)

    def forward(
        self, network: Any, batch: Batch, code: Code, generator: Generator | None
    ) -> Tensor:
        if batch.n_rows < 2:
            return batch.x.new_zeros(())
        x = batch.x.detach()
        if generator is not None and self.noise > 0:
            x = x + self.noise * torch.empty_like(x).normal_(generator=generator)
        encoded = vjp(lambda rows: network.encode(rows, batch.condition), x)
        h, pull = cast(tuple[Tensor, Callable[[Tensor], tuple[Tensor]]], encoded)
        directions, share = self._directions(h, generator)
        gradients = vmap(lambda direction: pull(direction.expand_as(h))[0])(directions)
        norm = share * gradients.square().sum(dim=0).flatten(1).sum(dim=1)
        mean = _mean(h, batch.weight)
        spread = _mean((h - mean).square(), batch.weight).sum()
        spread = spread * batch.n_rows / (batch.n_rows - 1)
        return self.weight * _mean(norm, batch.weight) / spread.clamp(min=_TINY)

    def _directions(self, h: Tensor, generator: Generator | None) -> tuple[Tensor, float]:
        """Directions of the code along which gradients are taken, and the weight of each."""
        if self.n_projections is None or generator is None:
            return torch.eye(h.shape[1], dtype=h.dtype, device=h.device), 1.0
        shape = (self.n_projections, h.shape[1])
        signs = h.new_empty(shape).bernoulli_(0.5, generator=generator) * 2 - 1
        return signs, 1 / self.n_projections


class Contraction(Penalty):
    """The squared norm of the encoder's Jacobian, relative to the spread of the code.

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
        4 projections beyond. Held-out rows are always judged by the whole Jacobian.
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

    def build(self, n_components: int, bounded: bool) -> PenaltyTerm:
        """Build the ratio."""
        return _ContractionTerm(self.weight, self.n_projections, self.noise, n_components)


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """Weighted mean over rows; weights have mean 1 over the training rows."""
    if weight is None:
        return values.mean(dim=0)
    share = weight / weight.sum().clamp(min=_TINY)
    return share @ values
