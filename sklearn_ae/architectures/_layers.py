"""Layers whose every draw comes from an explicit generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple, cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae._compat import linear
from sklearn_ae._products import NARROW, onednn_pays

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
}


# Beyond this many standard deviations inputs are compressed to their logarithm.
_SOFT_RANGE = 3.0
# Beyond it the compression is constant.
_LARGEST = 1e18


class _Asinh(torch.autograd.Function):
    """asinh of float32 numbers, by functions that torch computes several times faster."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Return sign(x) log(|x| + sqrt(x² + 1)), where the square does not overflow."""
        size = x.abs().clamp(max=_LARGEST)
        return size.square().add_(1).sqrt_().add_(size).log_().copysign_(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keep the input."""
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        """Return the gradient over sqrt(x² + 1)."""
        (x,) = ctx.saved_tensors
        return grads[0] * (x.square() + 1).rsqrt()


def compressed(x: Tensor) -> Tensor:
    """Return 3 asinh(x / 3): nearly x up to 3, and like its logarithm beyond."""
    asinh = torch.asinh if x.dtype == torch.float64 else _Asinh.apply
    return _SOFT_RANGE * asinh(x / _SOFT_RANGE)


class Linear(nn.Linear):
    """An affine map that leaves torch's global generator alone."""

    def reset_parameters(self) -> None:
        """Leave the weights unset; `reset` draws them."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the map.

        Without gradients, a large product is oneDNN's where that is faster, and one of few
        columns is taken the other way round, which is several times faster. oneDNN keeps code
        for each number of rows, which had better be that of a block.
        """
        if x.ndim == 2 and not torch.is_grad_enabled():
            if x.shape[0].bit_count() == 1 and onednn_pays(x, self.out_features):
                return linear(x, self.weight, self.bias)
            if self.out_features < NARROW:
                return torch.addmm(self.bias[:, None], self.weight, x.T).T
        return super().forward(x)

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


@torch.no_grad()
def start_as(layer: Linear | None, weight: Tensor, bias: Tensor | None) -> None:
    """Set a layer to the affine map x @ weight + bias, which a closed-form start is.

    Raises
    ------
    TypeError
        If there is no such layer.
    """
    if layer is None:
        raise TypeError("A network without a linear path cannot start from a linear solution.")
    layer.zero()
    layer.weight.copy_(weight.T)
    if bias is not None:
        layer.bias.copy_(bias)


class FixedLinear(Linear):
    """An affine map that training leaves as it is."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        del self.weight, self.bias
        self.register_buffer("weight", torch.zeros(n_out, n_in))
        self.register_buffer("bias", torch.zeros(n_out))


class TiedLinear(nn.Module):
    """An affine map whose weights are another layer's, transposed, with a bias of its own.

    Rows and columns that the other layer does not have are weights of its own.

    Parameters
    ----------
    source : Linear
        The layer whose weights are used.
    n_in, n_out : int
        Widths.
    """

    def __init__(self, source: Linear, n_in: int, n_out: int) -> None:
        super().__init__()
        self.source = source
        self.shared_in = min(n_in, source.out_features)
        self.shared_out = min(n_out, source.in_features)
        self.further_in = nn.Parameter(torch.empty(self.shared_out, n_in - self.shared_in))
        self.further_out = nn.Parameter(torch.empty(n_out - self.shared_out, n_in))
        self.bias = nn.Parameter(torch.empty(n_out))

    @property
    def weight(self) -> Tensor:
        """The weights, of shape (n_out, n_in)."""
        shared = self.source.weight[: self.shared_in, : self.shared_out].T
        return torch.cat([torch.cat([shared, self.further_in], dim=1), self.further_out])

    def forward(self, x: Tensor) -> Tensor:
        """Apply the map."""
        return F.linear(x, self.weight, self.bias)

    @torch.no_grad()
    def prepend(self, matrix: Tensor, shift: Tensor) -> None:
        """Absorb x @ matrix + shift; a rotation has reached the shared weights already."""
        own = self.further_out
        own.copy_(own.to(matrix) @ matrix.T)
        rotated = shift @ matrix.T
        self.bias.copy_(self.bias.to(shift) + self.weight.to(shift) @ rotated)

    def reset(self, generator: Generator) -> None:
        """Set what is not shared to zero."""
        for parameter in (self.further_in, self.further_out, self.bias):
            nn.init.zeros_(parameter)


class BatchNorm(nn.BatchNorm1d):
    """Standardise hidden units over a batch, or by running moments outside training.

    A batch of one row is standardised by the running moments, and so is every batch where the
    layer is frozen.
    """

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Standardise, scale and shift; in training, update the running moments."""
        # torch's forward refuses images, trains on no batch of one row, and counts batches.
        moments = self.running_mean, self.running_var
        by_batch = training and self.training and len(x) > 1
        return F.batch_norm(x, *moments, self.weight, self.bias, by_batch)


class LayerNorm(nn.LayerNorm):
    """Standardise the hidden units of each row."""

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Standardise, scale and shift."""
        return super().forward(x)


NORMALIZATIONS: dict[str, type[BatchNorm] | type[LayerNorm]] = {
    "batch": BatchNorm,
    "layer": LayerNorm,
}


def dropout(x: Tensor, rate: float, generator: Generator | None) -> Tensor:
    """Zero cells at a rate and scale up the rest; without a generator, return x."""
    if generator is None or rate == 0.0:
        return x
    keep = torch.empty_like(x).bernoulli_(1 - rate, generator=generator)
    return x * keep / (1 - rate)


def hidden_noise(x: Tensor, scale: float, generator: Generator | None) -> Tensor:
    """Add Gaussian noise; without a generator, return x."""
    if generator is None or scale == 0.0:
        return x
    return x + scale * torch.empty_like(x).normal_(generator=generator)


class HiddenLayers(NamedTuple):
    """What happens between the affine maps of a multilayer perceptron.

    Parameters
    ----------
    activation : str
        A key of `ACTIVATIONS`.
    dropout : float
        Share of hidden units dropped in training.
    noise : float
        Standard deviation of the noise that hidden units get in training.
    normalization : str or None
        A key of `NORMALIZATIONS`.
    """

    activation: str = "silu"
    dropout: float = 0.0
    noise: float = 0.0
    normalization: str | None = None


class MLP(nn.Module):
    """Affine maps with an activation between them.

    Parameters
    ----------
    widths : tuple of int
        Width of the input, of each hidden layer, and of the output.
    hidden : HiddenLayers
        What happens between the maps.
    tied_to : MLP, optional
        A perceptron of mirrored widths whose weights are used transposed.
    """

    def __init__(
        self, widths: tuple[int, ...], hidden: HiddenLayers, tied_to: MLP | None = None
    ) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.layers: nn.ModuleList
        if tied_to is None:
            self.layers = nn.ModuleList(Linear(n_in, n_out) for n_in, n_out in pairs)
        else:
            sources = reversed(list(tied_to.layers))
            self.layers = nn.ModuleList(
                TiedLinear(cast(Linear, source), *pair)
                for source, pair in zip(sources, pairs, strict=True)
            )
        self.hidden = hidden
        self.norms = nn.ModuleList(
            NORMALIZATIONS[hidden.normalization](width)
            for width in widths[1:-1]
            if hidden.normalization is not None
        )

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Apply the layers; a generator means training."""
        *inner, last = self.layers
        for i, layer in enumerate(inner):
            x = self._activated(i, self._mapped(layer, x), generator)
        return last(x)

    def _mapped(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Apply the affine map of a hidden layer.

        Batch normalisation takes a bias away, so that its gradient is nothing but rounding,
        which AdamW would follow: it is not trained.
        """
        if self.hidden.normalization != "batch":
            return layer(x)
        affine = cast(Linear, layer)
        return F.linear(x, affine.weight, affine.bias.detach())

    def _activated(self, i: int, x: Tensor, generator: Generator | None) -> Tensor:
        """Return hidden layer i, given what its affine map writes."""
        hidden = self.hidden
        if self.norms:
            x = self.norms[i](x, generator is not None)
        x = dropout(ACTIVATIONS[hidden.activation](x), hidden.dropout, generator)
        return hidden_noise(x, hidden.noise, generator)

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(cast(Linear, layer).out_features for layer in self.layers[:-1])

    def hidden_layers(self, x: Tensor) -> list[Tensor]:
        """Return the hidden layers outside training, given what the first map writes."""
        inner = self.layers[:-1]
        found = [self._activated(0, x, None)] if len(inner) else []
        for i, layer in enumerate(inner[1:], start=1):
            found.append(self._activated(i, layer(found[-1]), None))
        return found

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
        for norm in self.norms:
            cast(BatchNorm | LayerNorm, norm).reset_parameters()
