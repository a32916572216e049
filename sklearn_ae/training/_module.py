"""Encoder, latent and decoder, put together."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from sklearn_ae.architectures import Coder
from sklearn_ae.latents import Code, LatentModule


class Forward(NamedTuple):
    """What a pass through the network gives.

    Parameters
    ----------
    output : Tensor of shape (n, n_outputs)
        What the loss reads: the standardised reconstruction, or the parameters of a
        distribution of it.
    code : Code
        The code and its cost.
    """

    output: Tensor
    code: Code


class AutoencoderModule(nn.Module):
    """The composed network.

    Parameters
    ----------
    encoder : Coder
        Standardised rows to the latent's parameters.
    latent : LatentModule
        The latent's parameters to codes.
    decoder : Coder
        Codes to what the loss reads.
    """

    def __init__(self, encoder: Coder, latent: LatentModule, decoder: Coder) -> None:
        super().__init__()
        self.encoder = encoder
        self.latent = latent
        self.decoder = decoder

    def forward(
        self, x: Tensor, generator: Generator | None = None, condition: Tensor | None = None
    ) -> Forward:
        """Encode and decode; a generator means training, and feeds every draw."""
        code = self.latent(self.encoder(_beside(x, condition), generator), generator)
        return Forward(self.decoder(_beside(code.sample, condition), generator), code)

    def parameters_of(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the latent's parameters of standardised rows."""
        return self.encoder(_beside(x, condition))

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the code of standardised rows."""
        return self.latent(self.parameters_of(x, condition)).mean

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return what the loss reads, of a code."""
        return self.decoder(_beside(z, condition))


def _beside(x: Tensor, condition: Tensor | None) -> Tensor:
    return x if condition is None else torch.cat([x, condition.expand(len(x), -1)], dim=1)
