"""Encoder, latent and decoder, put together."""

from __future__ import annotations

from typing import NamedTuple

from torch import Generator, Tensor, nn

from sklearn_ae.architectures import Decoder, Encoder
from sklearn_ae.latents import Code, LatentModule


class Forward(NamedTuple):
    """What a pass through the network gives.

    Parameters
    ----------
    output : Tensor of the shape of x
        The standardised reconstruction.
    code : Code
        The code and its cost.
    """

    output: Tensor
    code: Code


class AutoencoderModule(nn.Module):
    """The composed network.

    Parameters
    ----------
    encoder : Encoder
        Standardised rows to the latent's parameters.
    latent : LatentModule
        The latent's parameters to codes.
    decoder : Decoder
        Codes to standardised rows.
    """

    def __init__(self, encoder: Encoder, latent: LatentModule, decoder: Decoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.latent = latent
        self.decoder = decoder

    def forward(self, x: Tensor, generator: Generator | None = None) -> Forward:
        """Encode and decode; a generator means training, and feeds every draw."""
        code = self.latent(self.encoder(x, generator), generator)
        return Forward(self.decoder(code.sample, generator), code)

    def encode(self, x: Tensor) -> Tensor:
        """Return the code of standardised rows."""
        return self.latent(self.encoder(x)).mean

    def decode(self, z: Tensor) -> Tensor:
        """Return the standardised rows of a code."""
        return self.decoder(z)
