"""Penalties that make codes of two domains look alike."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from sklearn_ae.data import Batch
from sklearn_ae.penalties._base import Penalty
from sklearn_ae.terms import Forward, Term

# Squared lengths of the kernels, in units of the mean squared distance.
_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# Rows of a batch of which all pairs are looked at.
_MOST_ROWS = 1024
_WIDTH = 32
_TINY = 1e-12


def _shares(batch: Batch, step: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Return weights of source and of target rows, of sum 1, and 1 if there are both."""
    domain = batch.companions["domain"][::step]
    mass = batch.x.new_ones(len(domain)) if batch.weight is None else batch.weight[::step]
    source, target = mass * (domain >= 0), mass * (domain < 0)
    both = ((source.sum() > 0) & (target.sum() > 0)).to(mass.dtype)
    shares = [part / part.sum().clamp(min=_TINY) for part in (source, target)]
    return shares[0], shares[1], both


class _DiscrepancyTerm(Term):
    lengths: Tensor

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight
        self.register_buffer("lengths", torch.tensor(_SCALES), persistent=False)

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        step = -(-batch.n_rows // _MOST_ROWS)
        code = result.code.sample[::step]
        # A component that is small could tell domains apart, and cost nothing.
        deviation = code.square().mean(dim=0) - code.mean(dim=0).square()
        code = code / deviation.clamp(min=_TINY).sqrt()
        source, target, both = _shares(batch, step)
        square = code.square().sum(dim=1)
        distance = (square[:, None] + square - 2 * code @ code.T).clamp(min=0.0)
        unit = distance.mean().clamp(min=_TINY)
        kernel = (-distance[..., None] / (unit * self.lengths)).exp().mean(dim=2)
        sign = source - target
        return self.weight * both * (sign @ kernel @ sign)


class DomainDiscrepancy(Penalty):
    """The squared maximum mean discrepancy between codes of two domains.

    weight (E k(s, s') - 2 E k(s, t) + E k(t, t')), k(a, b) = meanₗ exp(-‖a - b‖² / (l d)), where s
    are codes of the source and t of the target, in units of the standard deviations of components
    in the batch, d is the mean squared distance, and l is from 0.1 to 10. It reads the companion
    "domain": at least 0 for rows of the source, negative for those of the target. Batches have
    their share of each.

    Parameters
    ----------
    weight : float, default=1.0
        Multiplies the discrepancy, which lies between 0 and 2; the reconstruction loss that
        it joins is a share of the variance of X.

    References
    ----------
    Gretton et al., A kernel two-sample test, JMLR 2012.

    Long, Cao, Wang and Jordan, Learning transferable features with deep adaptation networks, ICML
    2015. :arxiv:`1502.02791`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder, DomainDiscrepancy
    >>> X = load_iris().data
    >>> domain = np.where(np.arange(150) % 2, 1, -1)
    >>> model = Autoencoder(2, penalties=(DomainDiscrepancy(),), max_iter=5, random_state=0)
    >>> "domain_discrepancy" in model.fit(X, companions={"domain": domain}).history_
    True
    """

    name = "domain_discrepancy"
    reads = ("domain",)
    symmetry = "signed_permutation"
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the discrepancy."""
        return _DiscrepancyTerm(float(self.weight))


class _AdversaryTerm(Term):
    # How well an adversary tells domains apart says nothing of how good codes are.
    validated = False

    def __init__(self, weight: float, width: int) -> None:
        super().__init__()
        self.weight = weight
        self.discriminator = nn.Sequential(
            nn.Linear(width, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, 1)
        )

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        code = result.code.sample
        fixed = code.detach()
        scale = fixed.square().mean(dim=0).sub(fixed.mean(dim=0).square()).clamp(min=_TINY).sqrt()
        # Its value is the code, and its gradient that of the code times -weight.
        reversed_ = (1 + self.weight) * fixed - self.weight * code
        source, target, both = _shares(batch)
        logit = self.discriminator((reversed_ - fixed.mean(dim=0)) / scale)[:, 0]
        label = (source > 0).to(logit.dtype)
        loss = binary_cross_entropy_with_logits(logit, label, reduction="none")
        return both * ((source + target) / 2 * loss).sum()


class DomainAdversary(Penalty):
    """A discriminator of two domains, whose gradient reaches the encoder reversed.

    The term is the cross-entropy of a network with one hidden layer that tells by the code which
    domain a row is of, both domains counting the same: log 2 = .69 where it cannot. It learns to,
    and the encoder, by the gradient times -weight, learns to prevent it. It reads the companion
    "domain": at least 0 for rows of the source, negative for those of the target. Batches have
    their share of each. The two may go round in circles, and for some
    seeds domains stay apart; DomainDiscrepancy has no such opponent.

    Parameters
    ----------
    weight : float, default=1.0
        Multiplies the reversed gradient. Held-out rows are not compared by this term.

    References
    ----------
    Ganin et al., Domain-adversarial training of neural networks, JMLR 2016. :arxiv:`1505.07818`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder, DomainAdversary
    >>> X = load_iris().data
    >>> domain = np.where(np.arange(150) % 2, 1, -1)
    >>> model = Autoencoder(2, penalties=(DomainAdversary(),), max_iter=5, random_state=0)
    >>> "domain_adversary" in model.fit(X, companions={"domain": domain}).history_
    True
    """

    name = "domain_adversary"
    reads = ("domain",)
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the discriminator."""
        return _AdversaryTerm(float(self.weight), n_components)
