"""Layers whose every draw comes from an explicit generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
}


class Linear(nn.Linear):
    """An affine map that leaves torch's global generator alone."""

    def reset_parameters(self) -> None:
        """Leave the weights unset; `reset` draws them."""

    def reset(self, generator: Generator) -> None:
        """Draw weights and biases uniformly in ± 1 / sqrt(fan in)."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    @torch.no_grad()
    def multiply_output(self, matrix: Tensor) -> None:
        """Absorb y @ matrix, applied after this layer; computed in matrix's precision."""
        weight, bias = self.weight.to(matrix), self.bias.to(matrix)
        self.weight.copy_(matrix.T @ weight)
        self.bias.copy_(bias @ matrix)

    @torch.no_grad()
    def prepend(self, matrix: Tensor, shift: Tensor) -> None:
        """Absorb x @ matrix + shift, applied before this layer."""
        weight, bias = self.weight.to(matrix), self.bias.to(matrix)
        self.bias.copy_(bias + weight @ shift)  # first: weight may share memory with the layer
        self.weight.copy_(weight @ matrix.T)

    def zero(self) -> None:
        """Set weights and biases to zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


def dropout(x: Tensor, rate: float, generator: Generator | None) -> Tensor:
    """Zero cells at a rate and scale up the rest; without a generator, return x."""
    if generator is None or rate == 0.0:
        return x
    keep = torch.empty_like(x).bernoulli_(1 - rate, generator=generator)
    return x * keep / (1 - rate)


class MLP(nn.Module):
    """Affine maps with an activation between them.

    Parameters
    ----------
    widths : tuple of int
        Width of the input, of each hidden layer, and of the output.
    activation : str
        A key of `ACTIVATIONS`.
    dropout : float
        Share of hidden units dropped in training.
    """

    def __init__(self, widths: tuple[int, ...], activation: str, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Linear(n_in, n_out) for n_in, n_out in pairwise(widths))
        self.activation = activation
        self.dropout = dropout

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Apply the layers; a generator means training."""
        activation = ACTIVATIONS[self.activation]
        *hidden, last = self.layers
        for layer in hidden:
            x = dropout(activation(layer(x)), self.dropout, generator)
        return last(x)

    @property
    def first(self) -> Linear:
        """The layer that reads the input."""
        return cast(Linear, self.layers[0])

    @property
    def last(self) -> Linear:
        """The layer that writes the output."""
        return cast(Linear, self.layers[-1])

    def reset(self, generator: Generator) -> None:
        """Draw new weights."""
        for layer in self.layers:
            cast(Linear, layer).reset(generator)
