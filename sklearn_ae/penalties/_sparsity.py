"""Penalties that keep units of the code inactive in most rows."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.penalties._base import Penalty
from sklearn_ae.terms import Forward, Term, weighted_mean

# Rows over which mean activations are averaged in training.
_WINDOW = 1024
_TINY = 1e-12


class _KLSparsityTerm(Term):
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
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        activation = result.code.sample if self.bounded else torch.sigmoid(result.code.sample)
        mean = weighted_mean(activation, batch.weight)
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

    Units become as active as the target says, here with a large weight:

    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data
    >>> options = {"max_iter": 5, "early_stopping": False, "random_state": 0}
    >>> for penalties in ((), (KLSparsity(sparsity=0.3, weight=0.3),)):
    ...     autoencoder = Autoencoder(8, latent=Sigmoid(), penalties=penalties, **options)
    ...     print(f"{autoencoder.fit_transform(X).mean():.1f}")
    0.1
    0.3
    """

    name = "kl_sparsity"
    symmetry = "permutation"
    units_may_die = True
    _parameter_constraints: dict = {
        "sparsity": [Interval(Real, 0, 1, closed="neither")],
        "weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, sparsity: float = 0.05, weight: float = 0.03) -> None:
        self.sparsity = sparsity
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the divergence with its running means."""
        return _KLSparsityTerm(self.sparsity, self.weight, n_components, bounded)


class _L1SparsityTerm(Term):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        absolute = weighted_mean(result.code.sample.abs(), batch.weight)
        size = weighted_mean(result.code.sample.square(), batch.weight).clamp(min=_TINY).sqrt()
        return self.weight * (absolute / size).mean()


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
    units_may_die = True
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 0.1) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the ratio."""
        return _L1SparsityTerm(self.weight)
