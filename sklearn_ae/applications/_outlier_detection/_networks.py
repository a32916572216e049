"""Fully connected networks of one shape, trained and asked as one program."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn.functional import silu

from sklearn_ae._compat import fused_adamw_
from sklearn_ae.runtime import next_part

BATCH = 128
_RATE = 3e-3
# Share of the steps in which the learning rate rises.
_WARM_UP = 0.1
_NARROWEST, _WIDEST = 64, 256
# Steps after which a fit that has a checkpoint is kept.
_KEPT_STEPS = 50


class Cells(NamedTuple):
    """Rows in standard units as tensors.

    Parameters
    ----------
    x : Tensor of shape (n_rows, n_columns)
        Cells; 0 where one is missing.
    seen : Tensor of shape (n_rows, n_columns)
        1 where a cell is observed, 0 where it is missing.
    weight : Tensor of shape (n_rows,)
        Weights of the rows, 1 in the mean.
    """

    x: Tensor
    seen: Tensor
    weight: Tensor


# What networks are given for batches of shape (n_networks, batch, n_columns).
Corrupt = Callable[[Tensor], Tensor]


class Networks:
    """Networks with two hidden layers and no bottleneck, from rows in standard units to rows.

    Parameters
    ----------
    parameters : list of ndarray, float32
        Weights of shape (n_networks, n_in, n_out) and biases of shape (n_networks, 1, n_out) of
        each layer in turn.
    share : ndarray of shape (n_columns,)
        The part that a column is of a column of the table: the reciprocal of its width.
    """

    def __init__(self, parameters: list[NDArray[np.float32]], share: NDArray) -> None:
        self.parameters = parameters
        self.share = share

    @classmethod
    def drawn(cls, n_networks: int, share: NDArray, generator: Generator) -> Networks:
        """Return networks before training, which answer with little more than the mean."""
        p = len(share)
        width = int(np.clip(32 * math.ceil(p / 32), _NARROWEST, _WIDEST))
        parameters = []
        for n_in, n_out, gain in ((p, width, 1.0), (width, width, 1.0), (width, p, 0.1)):
            edge = gain * math.sqrt(3 / n_in)
            drawn = torch.rand(
                n_networks, n_in, n_out, generator=generator, device=generator.device
            )
            parameters += [(drawn * 2 - 1) * edge, drawn.new_zeros(n_networks, 1, n_out)]
        return cls([parameter.cpu().numpy() for parameter in parameters], share)

    def take(self, index: NDArray | slice) -> Networks:
        """Return some of the networks."""
        return Networks([parameter[index] for parameter in self.parameters], self.share)

    def train(
        self,
        cells: Cells,
        rows: list[NDArray[np.intp]],
        corrupt: Corrupt,
        n_steps: int,
        generator: Generator,
    ) -> None:
        """Learn to return rows from corrupted ones.

        Parameters
        ----------
        cells : Cells
            Rows of the table.
        rows : list of ndarray of int
            The rows that each network may see.
        corrupt : callable
            Makes inputs of batches.
        n_steps : int
            Number of steps.
        generator : Generator
            Draws batches.
        """
        device = cells.x.device
        parameters = [torch.from_numpy(p).to(device).clone() for p in self.parameters]
        first = [torch.zeros_like(parameter) for parameter in parameters]
        second = [torch.zeros_like(parameter) for parameter in parameters]
        share = torch.from_numpy(self.share).to(cells.x)
        count, rate, whole = (torch.tensor(v, device=device) for v in (0.0, 0.0, 1.0))
        batches = _Batches(rows, generator)
        changed = [*parameters, *first, *second, count]
        part = next_part()
        kept = None if part is None else part.read()
        if kept is not None:
            for tensor, value in zip(changed, kept["tensors"], strict=True):
                tensor.copy_(value)
            batches.order = [order.to(device) for order in kept["order"]]
            generator.set_state(kept["generator"])
        for step in range(0 if kept is None else kept["step"], n_steps):
            index = batches.next()
            x, seen = cells.x[index], cells.seen[index]
            given = corrupt(x).mul_(seen)
            counts = seen / (seen @ share).clamp(min=1.0)[..., None]
            layers = _layers(parameters, given)
            off = layers[-1][1] - x
            weight = cells.weight[index]
            weight = 2 * weight / weight.sum(1, keepdim=True).clamp(min=1e-6)
            grads = _gradients(parameters, layers, off.mul_(counts).mul_(weight[..., None]))
            rate.fill_(_rate(step / n_steps))
            fused_adamw_(parameters, grads, first, second, count.add_(1), rate, 0.0, whole)
            if part is not None and ((step + 1) % _KEPT_STEPS == 0 or step + 1 == n_steps):
                state = {"order": batches.order, "generator": generator.get_state()}
                part.keep({"step": step + 1, "tensors": changed, **state})
        self.parameters = [parameter.cpu().numpy() for parameter in parameters]

    def errors(self, x: Tensor, seen: Tensor) -> Tensor:
        """Return the mean squared error of rows by each network, of shape (n_networks, n_rows).

        Parameters
        ----------
        x, seen : Tensor of shape (n_rows, n_columns)
            As in `Cells`; float64 makes everything float64.
        """
        n_seen = (seen @ torch.from_numpy(self.share).to(x)).clamp(min=1.0)
        return self.answers(x).sub_(x).square_().mul_(seen).sum(2) / n_seen

    def answers(self, x: Tensor) -> Tensor:
        """Return what each network makes of rows, of shape (n_networks, n_rows, n_columns)."""
        return _answers([torch.from_numpy(p).to(x) for p in self.parameters], x)


class _Batches:
    """Batches of rows for each network, which sees all of its rows before one comes again."""

    def __init__(self, rows: list[NDArray[np.intp]], generator: Generator) -> None:
        device = generator.device
        self.rows = [torch.from_numpy(own).to(device) for own in rows]
        self.size = min(BATCH, *(len(own) for own in rows))
        self.generator = generator
        self.order = [own[:0] for own in self.rows]

    def next(self) -> Tensor:
        """Return indices of shape (n_networks, batch)."""
        for i, rows in enumerate(self.rows):
            if len(self.order[i]) < self.size:
                drawn = torch.randperm(
                    len(rows), generator=self.generator, device=self.generator.device
                )
                self.order[i] = rows[drawn]
        index = torch.stack([order[: self.size] for order in self.order])
        self.order = [order[self.size :] for order in self.order]
        return index


def activate(x: Tensor) -> Tensor:
    """Return the hidden units of what a layer answers."""
    return silu(x)


def slope(x: Tensor) -> Tensor:
    """Return the derivative of `activate`."""
    gate = x.sigmoid()
    return torch.addcmul(gate, gate * x, 1 - gate)


def _answers(parameters: list[Tensor], x: Tensor) -> Tensor:
    """Return what networks answer, of shape (n_networks, n_rows, n_columns)."""
    for i in range(0, len(parameters), 2):
        x = torch.matmul(x if i == 0 else activate(x), parameters[i]).add_(parameters[i + 1])
    return x


def _layers(parameters: list[Tensor], x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return what goes into each layer, and what comes out of it."""
    found: list[tuple[Tensor, Tensor]] = []
    for i in range(0, len(parameters), 2):
        given = activate(found[-1][1]) if found else x
        found.append((given, torch.bmm(given, parameters[i]).add_(parameters[i + 1])))
    return found


def _gradients(
    parameters: list[Tensor], layers: list[tuple[Tensor, Tensor]], grad: Tensor
) -> list[Tensor]:
    """Return the gradients of parameters from that of what the last layer answers."""
    found: list[Tensor] = []
    for i in reversed(range(len(layers))):
        found[:0] = [torch.bmm(layers[i][0].mT, grad), grad.sum(1, keepdim=True)]
        if i:
            grad = torch.bmm(grad, parameters[2 * i].mT).mul_(slope(layers[i - 1][1]))
    return found


def _rate(done: float) -> float:
    """Return the learning rate: it rises and falls once."""
    if done < _WARM_UP:
        return _RATE * (0.04 + 0.96 * done / _WARM_UP)
    return _RATE * 0.5 * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP)))
