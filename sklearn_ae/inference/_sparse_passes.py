"""Passes over very wide sparse rows that never make them dense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_ae.architectures import AffineCoder
from sklearn_ae.data import ColumnScaling, SparseRows
from sklearn_ae.inference._module import AutoencoderModule

# Columns from which rows stay sparse.
WIDE = 4096
# Rows of a block, of which only codes and hidden layers are dense.
_ROWS = 4096


class SparsePasses:
    """Codes and squared errors of sparse rows, from products with the outer layers.

    With last layer H of width m and reconstruction D = H B' + b in X's units, around the
    column means, and Y the centred rows, a row's error is

        |y|² - 2 h·(B'y) - 2 b·y + h·(B'B)h + 2 h·(B'b) + |b|²,

    in which only Y is as wide as X, and it is sparse up to the means.

    Parameters
    ----------
    module : AutoencoderModule
        A network whose two ends are affine.
    scaling, target_scaling : ColumnScaling
        Column scales of the rows and of what reconstructions are compared with.
    code_scale : ndarray of shape (n_components,)
        Factor from the network's codes to the user's.
    """

    def __init__(
        self,
        module: AutoencoderModule,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        code_scale: NDArray[np.float64],
    ) -> None:
        assert isinstance(module.encoder, AffineCoder)
        assert isinstance(module.decoder, AffineCoder)
        self.module = module
        self.encoder, self.decoder = module.encoder, module.decoder
        self.scaling = scaling
        self.target_scaling = target_scaling
        self.code_scale = code_scale
        self.dtype = next(module.parameters()).dtype

    @staticmethod
    def possible(module: AutoencoderModule, *scalings: ColumnScaling) -> bool:
        """Whether a network and its scales allow it."""
        affine = isinstance(module.encoder, AffineCoder) and isinstance(module.decoder, AffineCoder)
        on_cpu = next(module.parameters()).device.type == "cpu"
        return affine and on_cpu and all(type(s) is ColumnScaling for s in scalings)

    def codes(self, values: SparseRows) -> Iterator[tuple[slice, NDArray]]:
        """Yield positions of rows and their codes, in the user's units."""
        slope = 1 / self.scaling.divisor
        zero = torch.from_numpy(-self.scaling.mean * slope).to(self.dtype)
        for part, block in _blocks(values):
            block.data = (block.data * slope[block.indices]).astype(_numpy(self.dtype))
            parameters = self.encoder.of_sparse(block, zero)
            code = self.module.latent(parameters).mean
            yield part, code.detach().double().numpy() * self.code_scale

    def hidden(self, code: NDArray) -> Tensor:
        """Return in float64 what the last map is applied to, of codes in the user's units."""
        z = torch.from_numpy(code / self.code_scale).to(self.dtype)
        return self.decoder.before_last(z).double()

    def row_errors(self, values: SparseRows) -> NDArray[np.float64]:
        """Return the squared error of each row in X's units."""
        mean = self.target_scaling.mean
        scale = torch.from_numpy(self.target_scaling.scale)
        weight, bias = (t.double() for t in self.decoder.last_map())
        weight, bias = weight * scale[:, None], bias * scale
        gram, tilt, offset = weight.T @ weight, weight.T @ bias, float(bias @ bias)
        by_mean, mean_bias = weight.T @ torch.from_numpy(mean), float(bias.numpy() @ mean)
        matrix = weight.numpy()
        out = np.empty(len(values))
        blocks = _blocks(values)
        for (part, code), (_, block) in zip(self.codes(values), blocks, strict=True):
            h = self.hidden(code)
            inner = torch.from_numpy(block @ matrix) - by_mean
            errors = ((h @ gram + 2 * tilt - 2 * inner) * h).sum(dim=1).numpy() + offset
            errors -= 2 * (block @ bias.numpy() - mean_bias)
            block.data *= block.data - 2 * mean[block.indices]
            out[part] = np.maximum(errors + block.sum(axis=1) + mean @ mean, 0.0)
        return out


def _blocks(values: SparseRows) -> Iterator[tuple[slice, Any]]:
    """Yield positions and copies of rows in float64."""
    for start in range(0, len(values), _ROWS):
        part = slice(start, start + _ROWS)
        yield part, values.matrix[part].astype(np.float64)


def _numpy(dtype: torch.dtype) -> type:
    return np.float64 if dtype == torch.float64 else np.float32
