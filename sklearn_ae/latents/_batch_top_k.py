"""Codes of which a few units are active in a row, on average."""

from __future__ import annotations

from numbers import Real

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.terms import Code

# What a batch leaves of the mean threshold before it.
_DECAY = 0.98


class _LargestOfBatch(LatentModule):
    reads_outputs = True
    threshold: Tensor

    def __init__(self, n_active: float) -> None:
        super().__init__()
        self.n_active = n_active
        self.register_buffer("threshold", torch.zeros(()))

    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        size = output.abs()
        threshold = self.threshold
        if generator is not None and self.training:
            threshold = least_kept(size.detach(), self.n_active)
            self.threshold.mul_(_DECAY).add_((1 - _DECAY) * threshold)
        code = output * (size >= threshold)
        return Code(code, code)

    def reset(self, generator: Generator) -> None:
        self.threshold.zero_()

    @torch.no_grad()
    def start_from(self, output: Tensor, weight: Tensor | None, generator: Generator) -> None:
        self.threshold.copy_(cut(output.abs(), self.n_active))


def least_kept(size: Tensor, n_active: float) -> Tensor:
    """Return the least of the largest sizes of rows, so many for each row on average."""
    n_kept = min(size.numel(), max(1, round(n_active * len(size))))
    return size.flatten().topk(n_kept, sorted=False).values.amin()


def cut(size: Tensor, n_active: float) -> Tensor:
    """Return what lies halfway between the least size that is kept and the largest that is not.

    A row whose size is the threshold itself would be cut off or not by the last bit of a
    product, and so have one code in a table and another alone. Zero is below all sizes.
    """
    least = least_kept(size, n_active)
    return (least + torch.where(size < least, size, 0.0).amax()) / 2


class BatchTopK(Latent):
    """Of all units of a batch, the largest keep their value, the others are zero.

    In training, the n_active times n units of the largest magnitude are kept in a batch of n
    rows, so that rows which need more units than others get them. Once training is over, units
    are kept whose magnitude reaches the mean of the least that was kept in training, so that a
    row's code depends on nothing but the row.

    At the start, units are principal components in the scale of X.

    Parameters
    ----------
    n_active : float, default=2
        Units that are not zero in a row, on average; all of them if there are fewer.

    References
    ----------
    Bussmann, Leask and Nanda, BatchTopK sparse autoencoders, 2024. :arxiv:`2412.06410`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, BatchTopK
    >>> Autoencoder(latent=BatchTopK(n_active=4))
    Autoencoder(latent=BatchTopK(n_active=4))
    """

    symmetry = "signed_permutation"
    units_may_die = True
    _parameter_constraints: dict = {"n_active": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, n_active: float = 2) -> None:
        self.n_active = n_active

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        return _LargestOfBatch(min(float(self.n_active), n_components))
