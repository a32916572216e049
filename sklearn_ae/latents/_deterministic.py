"""The latent of plain autoencoders: the encoder's output is the code."""

from __future__ import annotations

from torch import Generator, Tensor

from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.terms import Code


class _Identity(LatentModule):
    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        return Code(output, output)


class Deterministic(Latent):
    """The encoder's output is the code: real numbers without a price.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, Deterministic
    >>> Autoencoder(latent=Deterministic())
    Autoencoder(latent=Deterministic())
    """

    symmetry = "linear"

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        return _Identity()
