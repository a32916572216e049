"""Codes whose units are active above a threshold that is learned."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor, nn

from sklearn_ae.data import Batch
from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.latents._batch_top_k import cut
from sklearn_ae.terms import Code, Forward, Term, weighted_mean

_TINY = 1e-12


class _Jump(LatentModule):
    reads_outputs = True

    def __init__(self, n_components: int, n_active: float, bandwidth: float) -> None:
        super().__init__()
        self.n_active = n_active
        self.bandwidth = bandwidth
        # Positive whatever training does.
        self.log_threshold = nn.Parameter(torch.zeros(n_components))

    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        """Return the code and the number of active units, with their estimated gradients."""
        size, threshold = output.abs(), self.log_threshold.exp()
        active = (size >= threshold).to(output.dtype)
        with torch.no_grad():
            width = self.bandwidth * threshold
            kernel = ((size - threshold).abs() < width / 2).to(output.dtype) / width
            jump = threshold * kernel * output.sign()
        # Zero, with the gradient of a threshold that falls.
        falling = threshold.detach() - threshold
        code = output * active + jump * falling
        return Code(code, code, (active + kernel * falling).sum(dim=1))

    def reset(self, generator: Generator) -> None:
        nn.init.zeros_(self.log_threshold)

    @torch.no_grad()
    def start_from(self, output: Tensor, weight: Tensor | None, generator: Generator) -> None:
        self.log_threshold.fill_(cut(output.abs(), self.n_active).clamp(min=_TINY).log())

    @torch.no_grad()
    def change_basis(self, into: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Thresholds are put in the order of the units."""
        order = into.abs().to(self.log_threshold)
        self.log_threshold.copy_(self.log_threshold @ order)
        return into, shift


class _ActiveUnits(Term):
    def __init__(self, weight: float, n_active: float) -> None:
        super().__init__()
        self.weight = weight
        self.n_active = n_active

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        assert result.code.divergence is not None
        found = weighted_mean(result.code.divergence, batch.weight)
        return self.weight * (found / self.n_active - 1).square()


class JumpReLU(Latent):
    """Units keep their value where its magnitude reaches a threshold, and are zero elsewhere.

    zⱼ = uⱼ H(|uⱼ| - θⱼ), where u is the encoder's output, H the step function and θⱼ a
    threshold that is learned for each unit. The objective has the term
    weight (E‖z‖₀ / n_active - 1)². Gradients of the thresholds are estimated from the values
    within a kernel around them. Magnitudes are compared, as by :class:`TopK`, so that units
    can be principal components.

    At the start they are, in the scale of X, and one threshold makes n_active of them active.

    Parameters
    ----------
    n_active : float, default=2
        Units that are not zero in a row, on average; all of them if there are fewer.
    weight : float, default=1.0
        Multiplies the term; the reconstruction loss that it joins is a share of the variance
        of X.
    bandwidth : float, default=0.5
        Width of the kernel, as a share of the threshold.

    References
    ----------
    Rajamanoharan et al., Jumping ahead: improving reconstruction fidelity with JumpReLU sparse
    autoencoders, 2024. :arxiv:`2407.14435`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, JumpReLU
    >>> Autoencoder(latent=JumpReLU(n_active=4))
    Autoencoder(latent=JumpReLU(n_active=4))
    """

    symmetry = "signed_permutation"
    # Units that are brought back are active far too often for their threshold.
    units_may_die = False
    _parameter_constraints: dict = {
        "n_active": [Interval(Real, 0, None, closed="neither")],
        "weight": [Interval(Real, 0, None, closed="left")],
        "bandwidth": [Interval(Real, 0, 2, closed="neither")],
    }

    def __init__(self, n_active: float = 2, weight: float = 1.0, bandwidth: float = 0.5) -> None:
        self.n_active = n_active
        self.weight = weight
        self.bandwidth = bandwidth

    def terms(self, n_components: int) -> dict[str, Term]:
        """Return the distance of the number of active units from what is asked for."""
        n_active = min(float(self.n_active), n_components)
        return {"active_units": _ActiveUnits(float(self.weight), n_active)}

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        return _Jump(n_components, min(float(self.n_active), n_components), float(self.bandwidth))
