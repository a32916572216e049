"""What processes do together, by torch.distributed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from sklearn_ae.runtime import Workers

Value = TypeVar("Value")

# One operation, so that a recorded step has it.
_LIBRARY = torch.library.Library("sklearn_ae", "DEF")
_LIBRARY.define("mean_over_workers(Tensor(a!) row) -> ()")


def _mean_over_workers(row: Tensor) -> None:
    dist.all_reduce(row)
    row.div_(dist.get_world_size())


for _device in ("CPU", "CUDA"):
    _LIBRARY.impl("mean_over_workers", _mean_over_workers, _device)


class TorchWorkers(Workers):
    """The processes of torch.distributed's default group, which has been set up.

    Gradients and weights go by its own backend, and everything else by gloo, as it is on the
    CPU. All that is added up is added in one order, so that answers are the same each time.
    """

    recordable = True

    def __init__(self) -> None:
        self.count = dist.get_world_size()
        self.rank = dist.get_rank()
        self._hosts = dist.group.WORLD
        if dist.get_backend() != "gloo":
            self._hosts = dist.new_group(backend="gloo")

    def sum(self, value: Value) -> Value:
        """Return the sum over processes of a number, an array or a tensor."""
        return self._reduced(value, dist.ReduceOp.SUM)

    def largest(self, value: Value) -> Value:
        """Return the largest, entry by entry, of the arrays of all processes."""
        return self._reduced(value, dist.ReduceOp.MAX)

    def objects(self, value: Value) -> list[Value]:
        """Return what each process has."""
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, value, group=self._hosts)
        return found

    def gathered(self, values: np.ndarray) -> np.ndarray:
        """Return the entries of the arrays of all processes, in their order."""
        return np.concatenate(self.objects(values))

    def of_first(self, value: Value) -> Value:
        """Return what the first process has."""
        found = [value]
        dist.broadcast_object_list(found, src=0, group=self._hosts)
        return found[0]

    @torch.no_grad()
    def copy_first(self, tensors: Sequence[Tensor]) -> None:
        """Copy in the tensors of the first process."""
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            own = [tensor for tensor in tensors if tensor.dtype == dtype]
            row = torch.cat([tensor.detach().reshape(-1) for tensor in own])
            dist.broadcast(row, src=0)
            for tensor, part in zip(own, _split(row, own), strict=True):
                tensor.copy_(part)

    def mean_gradients(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Return the mean over processes of gradients, which are None in all or in none."""
        found = [grad for grad in grads if grad is not None]
        if self.count == 1 or not found:
            return grads
        # One message, as each has a delay of its own.
        row = torch.cat([grad.reshape(-1) for grad in found])
        torch.ops.sklearn_ae.mean_over_workers(row)
        parts = iter(_split(row, found))
        return [None if grad is None else next(parts) for grad in grads]

    def mean_terms(self, terms: dict[str, float]) -> dict[str, float]:
        """Return the mean over processes of named numbers."""
        means = self.sum(np.array(list(terms.values()))) / self.count
        return dict(zip(terms, means.tolist(), strict=True))

    def _reduced(self, value: Any, operation: Any) -> Any:
        tensor = torch.as_tensor(value, dtype=torch.float64).clone()
        dist.all_reduce(tensor, operation, group=self._hosts)
        if isinstance(value, Tensor):
            return tensor
        return tensor.numpy() if isinstance(value, np.ndarray) else tensor.item()


def _split(row: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Return parts of a row in the shapes of tensors."""
    parts = row.split([tensor.numel() for tensor in like])
    return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]
