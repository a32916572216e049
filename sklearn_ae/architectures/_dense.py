"""Fully connected networks for tables."""

from __future__ import annotations

from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Generator, Tensor, nn

from sklearn_ae.architectures._base import AffineCoder, Architecture, Coder, Shapes
from sklearn_ae.architectures._layers import (
    ACTIVATIONS,
    MLP,
    NORMALIZATIONS,
    HiddenLayers,
    Linear,
    compressed,
    start_as,
)
from sklearn_ae.architectures._tied import tied_pair
from sklearn_ae.data import Extent


class _Residual(nn.Module):
    """A multilayer perceptron that stays tame far from the training rows.

    f(x) = MLP(3 asinh(B x / 3)): nearly linear in its input up to three standard
    deviations, logarithmic beyond, so that outliers are left to the linear path. The basis
    B lets a decoder follow a change of basis of the code exactly.
    """

    def __init__(self, widths: tuple[int, ...], hidden: HiddenLayers, with_basis: bool) -> None:
        super().__init__()
        self.basis = Linear(widths[0], widths[0]) if with_basis else None
        self.mlp = MLP(widths, hidden)

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        if self.basis is not None:
            x = self.basis(x)
        return self.mlp(compressed(x), generator)

    def reset(self, generator: Generator) -> None:
        self.mlp.reset(generator)
        if self.basis is not None:
            nn.init.eye_(self.basis.weight)
            nn.init.zeros_(self.basis.bias)


class LinearPlusResidual(AffineCoder):
    """A linear map plus a residual: y = x A + a + f(x)."""

    stackable = True

    def __init__(self, widths: tuple[int, ...], hidden: HiddenLayers, with_basis: bool) -> None:
        super().__init__()
        self.linear = Linear(widths[0], widths[-1])
        self.residual = _Residual(widths, hidden, with_basis) if len(widths) > 2 else None

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        if self.residual is None:
            return self.linear(x)
        return self.linear(x) + self.residual(x, generator)

    def reset(self, generator: Generator) -> None:
        self.linear.reset(generator)
        if self.residual is not None:
            self.residual.reset(generator)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)
        if self.residual is not None:
            self.residual.mlp.last.zero()

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        self.linear.bias.copy_(self.linear.bias.to(shift) - shift)
        self.linear.multiply_output(matrix)
        if self.residual is not None:
            self.residual.mlp.last.multiply_output(matrix)

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        self.linear.prepend(matrix, shift)
        if self.residual is not None and self.residual.basis is not None:
            self.residual.basis.prepend(matrix, shift)

    def affine_end(self, x: Tensor) -> tuple[Tensor, nn.Linear]:
        return x, self.linear

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        return () if self.residual is None else self.residual.mlp.hidden_widths

    def hidden_layers(self, x: Tensor) -> list[Tensor]:
        if self.residual is None:
            return []
        mlp, basis = self.residual.mlp, self.residual.basis
        return mlp.hidden_layers(mlp.first(compressed(x if basis is None else basis(x))))

    @torch.no_grad()
    def of_sparse(self, rows: Any, zero: Tensor) -> Tensor:
        linear = _of_sparse(self.linear, rows, zero)
        if self.residual is None:
            return linear
        mlp, at_zero = self.residual.mlp, compressed(zero)
        columns = torch.from_numpy(rows.indices).long()
        values = torch.from_numpy(rows.data).to(zero) + zero[columns]
        moved = rows.copy()
        moved.data = (compressed(values) - at_zero[columns]).numpy()
        return linear + mlp.last(mlp.hidden_layers(_of_sparse(mlp.first, moved, at_zero))[-1])

    @torch.no_grad()
    def before_last(self, x: Tensor) -> Tensor:
        if self.residual is None:
            return x
        return torch.cat([x, self.hidden_layers(x)[-1]], dim=1)

    def last_map(self) -> tuple[Tensor, Tensor]:
        weight, bias = self.linear.weight.detach(), self.linear.bias.detach()
        if self.residual is None:
            return weight, bias
        last = self.residual.mlp.last
        return torch.cat([weight, last.weight.detach()], dim=1), bias + last.bias.detach()


def _of_sparse(layer: Linear, rows: Any, zero: Tensor) -> Tensor:
    """Apply an affine map to rows S + 1 zero'."""
    product = torch.from_numpy(rows @ layer.weight.detach().numpy().T)
    return product.to(zero) + layer(zero)


class Perceptron(Coder):
    """A multilayer perceptron alone: the textbook network."""

    stackable = True

    def __init__(
        self, widths: tuple[int, ...], hidden: HiddenLayers, tied_to: Perceptron | None = None
    ) -> None:
        super().__init__()
        source: MLP | None = None if tied_to is None else tied_to.mlp
        self.mlp: MLP = MLP(widths, hidden, source)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        return self.mlp(x, generator)

    def reset(self, generator: Generator) -> None:
        self.mlp.reset(generator)

    def affine_end(self, x: Tensor) -> tuple[Tensor, nn.Linear] | None:
        last = self.mlp.last
        return ([x, *self.hidden_layers(x)][-1], last) if isinstance(last, Linear) else None

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        return self.mlp.hidden_widths

    def hidden_layers(self, x: Tensor) -> list[Tensor]:
        return self.mlp.hidden_layers(self.mlp.first(x))

    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        raise TypeError("A network without a linear path cannot start from a linear solution.")

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        last = self.mlp.last
        last.bias.copy_(last.bias.to(shift) - shift)
        last.multiply_output(matrix)

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        self.mlp.first.prepend(matrix, shift)


class Dense(Architecture):
    """Multilayer perceptrons, each beside a linear map.

    encoder(x) = x A + f(x) and decoder(z) = z B + g(z), where f and g are multilayer
    perceptrons. With a closed-form start, A and B are its linear maps and the last
    layers of f and g start at zero. What f and g see is compressed beyond three standard
    deviations, so that rows far from the training rows are left to the linear maps. With
    `init="random"` only the perceptrons remain.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=None
        Widths of the encoder's hidden layers, from the input to the code; the decoder
        has them in reverse. None takes (256, 128), or (128, 128) below 1,000 training rows.
        An empty tuple leaves the linear map alone.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="silu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden units dropped in training.
    hidden_noise : float, default=0.0
        Standard deviation of Gaussian noise that is added to hidden units in training.
    normalization : {"batch", "layer"}, default=None
        Standardise hidden units before their activation, over the batch or over the row.
    tied_weights : bool, default=False
        The decoder uses the encoder's weights transposed. The linear maps are then an
        orthogonal projection and its transpose, which PCA's are, and f and g are each
        multiplied by a number that starts at zero.

    References
    ----------
    Ioffe and Szegedy, Batch normalization, ICML 2015. :arxiv:`1502.03167`

    Ba, Kiros and Hinton, Layer normalization, 2016. :arxiv:`1607.06450`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, Dense
    >>> Autoencoder(n_components=2, architecture=Dense(hidden_layer_sizes=(32,)))
    Autoencoder(architecture=Dense(hidden_layer_sizes=(32,)), n_components=2)
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [tuple, list, Interval(Integral, 1, None, closed="left"), None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "hidden_noise": [Interval(Real, 0, None, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "tied_weights": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        activation: str = "silu",
        dropout: float = 0.0,
        hidden_noise: float = 0.0,
        normalization: str | None = None,
        tied_weights: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.hidden_noise = hidden_noise
        self.normalization = normalization
        self.tied_weights = tied_weights

    @property
    def deep(self) -> bool:
        """Hidden layers are vectors."""
        return True

    @property
    def symmetry(self) -> str:
        """Tied maps absorb rotations, free ones every linear map."""
        return "rotation" if self.tied_weights else "linear"

    def build(self, shapes: Shapes, linear_path: bool) -> tuple[Coder, Coder]:
        """Build the two networks; see `Architecture`."""
        sizes = self._hidden(shapes.n_rows)
        down = (shapes.n_inputs, *sizes, shapes.n_codes)
        up = (shapes.n_latents, *sizes[::-1], shapes.n_outputs)
        hidden = HiddenLayers(self.activation, self.dropout, self.hidden_noise, self.normalization)
        if linear_path and self.tied_weights:
            return tied_pair(down, up, hidden)
        if linear_path:
            return (
                LinearPlusResidual(down, hidden, with_basis=False),
                LinearPlusResidual(up, hidden, with_basis=True),
            )
        encoder = Perceptron(down, hidden)
        return encoder, Perceptron(up, hidden, encoder if self.tied_weights else None)

    def work(self, shapes: Shapes) -> int:
        """Return the multiplications of one row; see `Architecture`."""
        sizes = self._hidden(shapes.n_rows)
        down = (shapes.n_inputs, *sizes, shapes.n_codes)
        up = (shapes.n_latents, *sizes[::-1], shapes.n_outputs)
        return sum(a * b for widths in (down, up) for a, b in pairwise(widths))

    def _hidden(self, n_rows: int) -> tuple[int, ...]:
        sizes = self.hidden_layer_sizes
        if sizes is None:
            return (256, 128) if n_rows >= 1000 else (128, 128)
        sizes = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
        if any(isinstance(s, bool) or not isinstance(s, Integral) or s < 1 for s in sizes):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} must hold integers of at "
                "least 1; use for example hidden_layer_sizes=(128, 64)."
            )
        return sizes
