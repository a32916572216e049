"""Codes that are distributed as a prior, by the maximum mean discrepancy."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.starts import PCAStart, Start
from sklearn_ae.terms import Code, Forward, Term

# Squared lengths of the kernels, in units of the expected distance of two draws.
_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# Nodes at which kernels are integrated over the prior.
_NODES = 48
# Rows of a batch of which all pairs are looked at.
_MOST_ROWS = 1024
_TINY = 1e-12


class _Standard(LatentModule):
    """The encoder's output, with a standard normal prior."""

    standard = True

    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        return Code(output, output)

    def sample(
        self, n_samples: int, n_components: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        return rng.standard_normal((n_samples, n_components))


class _Discrepancy(Term):
    """The squared maximum mean discrepancy of codes from N(0, 1).

    A kernel c / (c + d²) is the integral of exp(-u (1 + d² / c)) over u > 0. The mean of each
    exp(-u d² / c) over a normal draw is known, so that what is left is a sum over nodes of
    Gauss and Laguerre, and nothing has to be drawn.
    """

    lengths: Tensor
    share: Tensor
    factor: Tensor
    constant: Tensor

    def __init__(self, weight: float, width: int) -> None:
        super().__init__()
        self.weight = weight
        lengths = 2.0 * width * np.asarray(_SCALES)
        nodes, shares = np.polynomial.laguerre.laggauss(_NODES)
        slope = nodes[:, None] / lengths  # u / c
        # E exp(-s |x - y|²) = (1 + 2 s)^(-k / 2) exp(-s |x|² / (1 + 2 s)) for normal y.
        share = shares[:, None] * (1 + 2 * slope) ** (-width / 2)
        constant = (shares[:, None] * (1 + 4 * slope) ** (-width / 2)).sum() / len(_SCALES)
        for name, values in {
            "lengths": lengths,
            "share": share.ravel() / len(_SCALES),
            "factor": (slope / (1 + 2 * slope)).ravel(),
            "constant": np.asarray(constant),
        }.items():
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        step = -(-batch.n_rows // _MOST_ROWS)
        code = result.code.sample[::step]
        mass = code.new_ones(len(code)) if batch.weight is None else batch.weight[::step]
        mass = mass / mass.sum().clamp(min=_TINY)
        square = code.square().sum(dim=1)
        distance = (square[:, None] + square - 2 * code @ code.T).clamp(min=0.0)
        kernel = (self.lengths / (self.lengths + distance[..., None])).mean(dim=2)
        pairs = mass[:, None] * mass
        among = (pairs * kernel).sum()
        if generator is not None:  # without the pairs of a row and itself, there is no bias
            own = mass.square().sum()
            among = (among - own) / (1 - own).clamp(min=_TINY)
        to_prior = (-square[:, None] * self.factor).exp() @ self.share
        return self.weight * (among - 2 * mass @ to_prior + self.constant)


class MMD(Latent):
    """The encoder's output is the code, and its distribution is to be N(0, 1).

    The objective has the term weight MMD², the squared maximum mean discrepancy between
    codes z of a batch and draws y of N(0, 1),

        E k(z, z') - 2 E k(z, y) + E k(y, y'),   k(a, b) = meanₛ c / (c + ‖a - b‖²),

    with c = 2 k s for k components and s from 0.1 to 10. In training, pairs are of different
    rows, so that the estimate is unbiased. What is of draws is integrated, not drawn.

    At the start, codes are principal components of unit variance.

    Parameters
    ----------
    weight : float, default=1.0
        Multiplies the discrepancy, which lies between 0 and 2; the reconstruction loss that
        it joins is a share of the variance of X.

    References
    ----------
    Tolstikhin et al., Wasserstein auto-encoders, ICLR 2018. :arxiv:`1711.01558`

    Gretton et al., A kernel two-sample test, JMLR 2012.

    Examples
    --------
    >>> from sklearn_ae import MMD, Autoencoder
    >>> Autoencoder(latent=MMD(weight=2.0))
    Autoencoder(latent=MMD(weight=2.0))
    """

    symmetry = "rotation"
    samples = True
    _parameter_constraints: dict = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def start(self, symmetry: str) -> Start:
        """Return principal components of unit variance."""
        return PCAStart()

    def terms(self, n_components: int) -> dict[str, Term]:
        """Return the discrepancy."""
        return {"mmd": _Discrepancy(float(self.weight), n_components)}

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        return _Standard()
