"""Encoder, latent and decoder, put together."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from sklearn_ae._compat import persistent_buffers
from sklearn_ae.architectures import Coder
from sklearn_ae.data import AnyBatch, Extent
from sklearn_ae.latents import LatentModule
from sklearn_ae.terms import Forward

# Cells of one block of rows whose codes are looked at in training.
_BLOCK_CELLS = 2**22


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
    missing_columns : ndarray of int, optional
        Columns of flat rows that may be missing. The encoder reads rows whose missing cells
        are 0, followed by a column for each of these that is 1 where it is missing.
    """

    missing_columns: Tensor | None

    def __init__(
        self,
        encoder: Coder,
        latent: LatentModule,
        decoder: Coder,
        missing_columns: NDArray[np.intp] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.latent = latent
        self.decoder = decoder
        some = (
            None
            if missing_columns is None or not len(missing_columns)
            else torch.from_numpy(missing_columns)
        )
        self.register_buffer("missing_columns", some, persistent=False)

    def forward(
        self,
        x: Tensor,
        generator: Generator | None = None,
        condition: Tensor | None = None,
        extent: Extent | None = None,
    ) -> Forward:
        """Encode and decode; a generator means training, and feeds every draw."""
        code = self.latent(self.encoder(self._read(x, condition), generator), generator)
        return Forward(self.decoder(_beside(code.sample, condition), generator, extent), code)

    def release(self) -> None:
        """Leave the start; see `Coder.release`."""
        self.encoder.release()
        self.decoder.release()

    def parameters_of(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the latent's parameters of standardised rows."""
        return self.encoder(self._read(x, condition))

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the code of standardised rows."""
        return self.latent(self.parameters_of(x, condition)).mean

    def averaged(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the code of standardised rows once training is over; see `Coder.averaged`."""
        return self.latent(self.encoder.averaged(self._read(x, condition))).mean

    def hidden_layers(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the encoder's hidden layers of standardised rows, side by side."""
        layers = self.encoder.hidden_layers(self._read(x, condition))
        return torch.cat([x[:, :0], *layers], dim=1)

    def decode(
        self, z: Tensor, condition: Tensor | None = None, extent: Extent | None = None
    ) -> Tensor:
        """Return what the loss reads, of a code."""
        return self.decoder(_beside(z, condition), None, extent)

    def _read(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Return what the encoder reads."""
        x = _beside(x, condition)
        if self.missing_columns is None:
            return x
        missing = torch.isnan(x)
        seen = missing.index_select(1, self.missing_columns).to(x.dtype)
        return torch.cat([torch.where(missing, 0.0, x), seen], dim=1)


@torch.no_grad()
def parameters_of(
    module: AutoencoderModule, rows: AnyBatch, dtype: torch.dtype | None = None
) -> Tensor:
    """Return the latent's parameters of rows, in their order, a block at a time.

    Parameters
    ----------
    module : AutoencoderModule
        The network.
    rows : AnyBatch
        The rows.
    dtype : torch.dtype, optional
        Precision of the network, if it is not that of the rows.
    """
    blocks = []
    for index, part in rows.blocks(_BLOCK_CELLS):
        x, condition = part.x, part.condition
        if dtype is not None:
            x, condition = x.to(dtype), None if condition is None else condition.to(dtype)
        blocks.append((index, module.parameters_of(x, condition)))
    if len(blocks) == 1 and isinstance(blocks[0][0], slice):
        return blocks[0][1]
    out = blocks[0][1].new_empty(rows.n_rows, blocks[0][1].shape[1])
    for index, parameters in blocks:
        out[index] = parameters
    return out


def _beside(x: Tensor, condition: Tensor | None) -> Tensor:
    """Put a condition beside rows, or beside each pixel or step of them."""
    if condition is None:
        return x
    shape = (-1, *[1] * (x.ndim - 2), condition.shape[1])
    return torch.cat([x, condition.reshape(shape).expand(*x.shape[:-1], -1)], dim=-1)


def state_tensors(module: nn.Module) -> list[Tensor]:
    """Return what a module has learned: parameters, and buffers that are kept."""
    tensors = [*module.parameters(), *persistent_buffers(module)]
    return list({id(tensor): tensor for tensor in tensors}.values())


@torch.no_grad()
def set_state_tensors(module: nn.Module, values: list[Tensor]) -> None:
    """Copy in what a module has learned."""
    for tensor, value in zip(state_tensors(module), values, strict=True):
        tensor.copy_(value)
