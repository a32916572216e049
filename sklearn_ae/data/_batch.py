"""The one form in which rows reach a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """Rows on a device; parts that are absent are None.

    Parameters
    ----------
    x : Tensor of shape (n, ...)
        The network's input, conditioned.
    mask : Tensor of the shape of x, optional
        True where a cell was observed.
    weight : Tensor of shape (n,), optional
        Weight of each row, with mean 1 over the training rows.
    target : Tensor of the shape of x, optional
        What the reconstruction is compared with; None means x.
    condition : Tensor of shape (n, c), optional
        What the rows are conditioned on.
    domain : Tensor of shape (n,), optional
        Index of the domain of each row.
    lengths : Tensor of shape (n,), optional
        Number of steps of each row, for sequences.
    """

    x: Tensor
    mask: Tensor | None = None
    weight: Tensor | None = None
    target: Tensor | None = None
    condition: Tensor | None = None
    domain: Tensor | None = None
    lengths: Tensor | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.x.shape[0]

    def map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """Apply a function to each part that is present."""
        parts = {name: part for name, part in self._asdict().items() if part is not None}
        return Batch(**{name: function(part) for name, part in parts.items()})

    def take(self, index: Tensor) -> Batch:
        """Return the rows at the given positions."""
        return self.map(lambda part: part.index_select(0, index))

    def slice(self, start: int, stop: int) -> Batch:
        """Return consecutive rows."""
        return self.map(lambda part: part[start:stop])

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        return self.map(lambda part: part.to(device))
