"""What a net has learned: of network and terms, and of the optimizer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sklearn_ae.inference import state_tensors


def learned(net: Any) -> list[Tensor]:
    """Return parameters and kept buffers of network and terms."""
    return [*state_tensors(net.module_), *state_tensors(net.criterion_)]


def copied(net: Any) -> list[Tensor]:
    """Return copies of what a net has learned."""
    return [tensor.detach().clone() for tensor in learned(net)]


@torch.no_grad()
def put_back(net: Any, values: list[Tensor]) -> None:
    """Copy in what a net had learned."""
    for tensor, value in zip(learned(net), values, strict=True):
        tensor.copy_(value)


class Snapshot:
    """What a net has learned so far, with the moments of its optimizer.

    Parameters
    ----------
    net : AutoencoderNet
        The net.
    """

    def __init__(self, net: Any) -> None:
        self.net = net
        self.weights = copied(net)
        self.objective = net.criterion_
        self.moments = {
            parameter: {name: value.clone() for name, value in state.items()}
            for parameter, state in net.optimizer_.state.items()
        }

    def restore(self) -> None:
        """Go back to it."""
        self.net.criterion_ = self.objective
        put_back(self.net, self.weights)
        self.net.optimizer_.state.clear()
        self.net.optimizer_.state.update(self.moments)
