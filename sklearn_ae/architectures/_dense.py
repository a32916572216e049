"""Fully connected networks for tables."""

from __future__ import annotations

from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Generator, Tensor

from sklearn_ae.architectures._base import Architecture, Decoder, Encoder
from sklearn_ae.architectures._layers import ACTIVATIONS, MLP, Linear


class _Dense(Encoder, Decoder):
    """A linear map plus a multilayer perceptron: y = x A + a + f(x).

    Without a linear path, it is the perceptron alone.
    """

    def __init__(
        self, widths: tuple[int, ...], activation: str, dropout: float, linear_path: bool
    ) -> None:
        super().__init__()
        self.linear = Linear(widths[0], widths[-1]) if linear_path else None
        self.residual = (
            MLP(widths, activation, dropout) if len(widths) > 2 or not linear_path else None
        )

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        if self.linear is None:
            return self.residual(x, generator)
        if self.residual is None:
            return self.linear(x)
        return self.linear(x) + self.residual(x, generator)

    def reset(self, generator: Generator) -> None:
        for part in (self.linear, self.residual):
            if part is not None:
                part.reset(generator)

    @torch.no_grad()
    def set_linear(self, weight: Tensor) -> None:
        self.linear.zero()
        self.linear.weight.copy_(weight.T)
        if self.residual is not None:
            self.residual.layers[-1].zero()

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        owner = self.residual.layers[-1] if self.linear is None else self.linear
        owner.bias -= shift.to(owner.bias)
        for layer in self._lasts():
            _set(layer, matrix.T @ layer.weight.to(matrix), layer.bias.to(matrix) @ matrix)

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        for layer in self._firsts():
            weight = layer.weight.to(matrix)
            _set(layer, weight @ matrix.T, layer.bias.to(matrix) + weight @ shift)

    def _firsts(self) -> list[Linear]:
        return [
            layer
            for layer in (self.linear, self.residual and self.residual.layers[0])
            if layer is not None
        ]

    def _lasts(self) -> list[Linear]:
        return [
            layer
            for layer in (self.linear, self.residual and self.residual.layers[-1])
            if layer is not None
        ]


def _set(layer: Linear, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)


class Dense(Architecture):
    """Multilayer perceptrons, each beside a linear map.

    encoder(x) = x A + f(x) and decoder(z) = z B + g(z), where f and g are multilayer
    perceptrons. With a closed-form start, A and B are its linear maps and the last
    layers of f and g start at zero. With `init="random"` only f and g remain.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=None
        Widths of the encoder's hidden layers, from the input to the code; the decoder
        has them in reverse. None takes (256, 128), or (128, 64) below 500 training rows.
        An empty tuple leaves the linear map alone.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="silu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden units dropped in training.

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
    }

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        activation: str = "silu",
        dropout: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout

    def build(
        self, n_features: int, n_codes: int, n_components: int, n_rows: int, linear_path: bool
    ) -> tuple[Encoder, Decoder]:
        """Build the two modules; see `Architecture`."""
        self._validate_params()
        hidden = self._hidden(n_rows)
        encoder = _Dense((n_features, *hidden, n_codes), self.activation, self.dropout, linear_path)
        decoder = _Dense(
            (n_components, *hidden[::-1], n_features), self.activation, self.dropout, linear_path
        )
        return encoder, decoder

    def work(self, n_features: int, n_components: int, n_rows: int) -> int:
        """Return the multiplications of one row; see `Architecture`."""
        widths = (n_features, *self._hidden(n_rows), n_components)
        return 2 * sum(a * b for a, b in zip(widths[:-1], widths[1:], strict=True))

    def _hidden(self, n_rows: int) -> tuple[int, ...]:
        sizes = self.hidden_layer_sizes
        if sizes is None:
            return (256, 128) if n_rows >= 500 else (128, 64)
        sizes = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
        if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} must hold integers of at "
                "least 1; use for example hidden_layer_sizes=(128, 64)."
            )
        return sizes
