"""Codes of which only a few units are active in each row."""

from __future__ import annotations

from numbers import Integral

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.terms import Code


class _Largest(LatentModule):
    def __init__(self, n_active: int) -> None:
        super().__init__()
        self.n_active = n_active

    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        largest = output.abs().topk(self.n_active, dim=1).indices
        code = torch.zeros_like(output).scatter(1, largest, output.gather(1, largest))
        return Code(code, code)


class TopK(Latent):
    """The n_active units of the largest magnitude keep their value, the others are zero.

    At the start, units are principal components in the scale of X, so that keeping the
    largest is never worse than PCA with n_active components on the training rows.

    Parameters
    ----------
    n_active : int, default=2
        Units that are not zero in a row; all of them if there are fewer.

    References
    ----------
    Makhzani and Frey, k-Sparse autoencoders, 2013. :arxiv:`1312.5663`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, TopK
    >>> Autoencoder(latent=TopK(n_active=4))
    Autoencoder(latent=TopK(n_active=4))
    """

    symmetry = "signed_permutation"
    units_may_die = True
    _parameter_constraints: dict = {"n_active": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, n_active: int = 2) -> None:
        self.n_active = n_active

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        return _Largest(min(self.n_active, n_components))
