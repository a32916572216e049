"""Passes over rows that are tensors where the network is, which stay there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from sklearn_ae.data import ColumnScaling, block_rows

if TYPE_CHECKING:
    from sklearn_ae.inference._model import Model

# Devices whose rows stay there. Those of the CPU are numpy's without a copy.
DEVICES = ("cuda",)
# Cells of the widest layer in one block.
_BLOCK_CELLS = 2**24


@cache
def farthest_of(dtype: DTypeLike) -> float:
    """Return the largest standardised cell, whose products with weights add up to a number."""
    return float(np.finfo(dtype).max) ** 0.75


class TensorPasses:
    """Codes, reconstructions and errors of rows on the network's device.

    Parameters
    ----------
    model : Model
        The network, whose scales are those of columns.
    rows : Tensor of shape (n, ...)
        Rows or codes, whose type is that of the answers.
    """

    def __init__(self, model: Model, rows: Tensor) -> None:
        self.model = model
        self.like = rows
        self.dtype = np.dtype(np.float64 if rows.dtype == torch.float64 else np.float32)
        self.module = model.in_precision(self.dtype)

    @staticmethod
    def possible(model: Model, rows: Tensor) -> bool:
        """Whether rows can stay where they are."""
        flat = model.factory.sample_shape is None and rows.ndim == 2
        plain = all(type(s) is ColumnScaling for s in (model.scaling, model.target_scaling))
        here = rows.device == model.device_of(model.module)
        return flat and plain and here and rows.device.type in DEVICES

    @torch.no_grad()
    def encode(self, rows: Tensor, condition: NDArray | None) -> Tensor:
        """Return codes in the user's units."""
        coded, scale = self.model.coder(self.dtype), self._of_columns(self.model.code_scale)
        codes = [coded(self._standard(rows[part]), given) for part, given in self._parts(condition)]
        return self._narrowed(torch.cat(codes) * scale)

    @torch.no_grad()
    def hidden_layers(self, rows: Tensor, condition: NDArray | None) -> Tensor:
        """Return the encoder's hidden layers side by side."""
        hidden = self.module.hidden_layers
        parts = self._parts(condition)
        return torch.cat([hidden(self._standard(rows[part]), given) for part, given in parts])

    @torch.no_grad()
    def decode(self, code: Tensor, condition: NDArray | None) -> Tensor:
        """Return the rows, in X's units, of codes."""
        parts = self._parts(condition)
        return self._narrowed(
            torch.cat([self._restored(code[part], given) for part, given in parts])
        )

    @torch.no_grad()
    def errors(self, rows: Tensor, condition: NDArray | None) -> Iterator[Tensor]:
        """Yield the loss of each cell of a block in X's units, in float64."""
        scale = self._of_columns(self.model.target_scaling.scale)
        code = self.encode(rows, condition)
        for part, given in self._parts(condition):
            yield self.model.loss.cost(rows[part] - self._restored(code[part], given), scale)

    @torch.no_grad()
    def row_errors(self, rows: Tensor, condition: NDArray | None) -> Tensor:
        """Return the loss of each row: its mean over observed cells times their number."""
        errors = self.errors(rows, condition)
        found = torch.cat([torch.nanmean(block, dim=1) for block in errors]) * rows.shape[1]
        return torch.where(found.isnan(), 0.0, found)

    def _standard(self, rows: Tensor) -> Tensor:
        scaling, farthest = self.model.scaling, farthest_of(self.dtype)
        standard = (rows - self._of_columns(scaling.mean)) / self._of_columns(scaling.divisor)
        if not len(self.model.factory.missing_columns):
            standard = torch.where(standard.isnan(), 0.0, standard)
        return standard.clamp(-farthest, farthest).to(rows.dtype)

    def _narrowed(self, values: Tensor) -> Tensor:
        """Return numbers of the rows' type; those that it cannot hold are its largest."""
        largest = float(np.finfo(self.dtype.type).max)
        return values.clamp(-largest, largest).to(self.like.dtype)

    def _restored(self, code: Tensor, condition: Tensor | None) -> Tensor:
        """Return the rows of codes in float64."""
        scaling = self.model.target_scaling
        own = (code / self._of_columns(self.model.code_scale)).to(code.dtype)
        output = self.module.decode(own, condition).double()[:, : len(scaling.mean)]
        return output * self._of_columns(scaling.scale) + self._of_columns(scaling.mean)

    def _of_columns(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values).to(self.like.device)

    def _parts(self, condition: NDArray | None) -> Iterator[tuple[slice, Tensor | None]]:
        """Yield positions of rows and their condition."""
        size = max(64, block_rows(_BLOCK_CELLS, max(256, self.model.factory.n_features)))
        given = None if condition is None else torch.from_numpy(condition).to(self.like)
        for start in range(0, len(self.like), size):
            part = slice(start, start + size)
            yield part, None if given is None else given[part]
