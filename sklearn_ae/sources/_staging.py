"""Memory that rows are read into on their way to a device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sklearn_ae.data import Batch


class Staging:
    """Two stretches of memory, into which rows are read in turn and from which they are sent.

    For a GPU, they are pinned: a copy then goes on while the GPU works on the rows before. An
    event tells when it is done, and who reads the rows after the next waits for it.

    Parameters
    ----------
    n_rows, width : int
        Most rows that are sent together, and their columns.
    device : torch.device
        Where they are sent.
    """

    def __init__(self, n_rows: int, width: int, device: torch.device) -> None:
        self.device = device
        self.pinned = device.type == "cuda"
        self._memory = [torch.empty(n_rows, width, pin_memory=self.pinned) for _ in range(2)]
        self._copied: list[Any] = [None, None]

    def free(self, i: int) -> Tensor:
        """Return the memory of the i-th rows, once nothing is copied from it any more."""
        if (event := self._copied[i % 2]) is not None:
            event.synchronize()
        return self._memory[i % 2]

    def sent(self, i: int, rows: Batch) -> Batch:
        """Return the i-th rows on the device, where their copy may still be under way."""
        moved = rows.map(lambda part: part.to(self.device, non_blocking=self.pinned))
        if self.pinned:
            self._copied[i % 2] = self._event()
        return moved

    def _event(self) -> Any:
        """Return an event behind the copies so far."""
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(self.device))
        return event
