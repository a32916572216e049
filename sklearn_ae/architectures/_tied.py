"""Networks whose decoder uses the encoder's weights transposed."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae.architectures._base import Coder
from sklearn_ae.architectures._layers import MLP, HiddenLayers, Linear, TiedLinear, start_as
from sklearn_ae.data import Extent


class _TiedEncoder(Coder):
    """y = d * ((x * s) V) + a + c f(x), where c starts at zero.

    The column scales s and the component scales d are those of the start. They let the two
    networks share V where encoder and decoder differ by such scales, as those of PCA and
    probabilistic PCA do.
    """

    stackable = True
    scale: Tensor
    gain: Tensor

    def __init__(self, widths: tuple[int, ...], hidden: HiddenLayers) -> None:
        super().__init__()
        self.linear = Linear(widths[0], widths[-1])
        self.mlp = MLP(widths, hidden)
        self.gate = nn.Parameter(torch.zeros(()))
        self.register_buffer("scale", torch.ones(widths[0]))
        self.register_buffer("gain", torch.ones(widths[-1]))

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        linear = F.linear(x * self.scale, self.linear.weight) * self.gain + self.linear.bias
        return linear + self.gate * self.mlp(torch.tanh(x), generator)

    def reset(self, generator: Generator) -> None:
        self.linear.reset(generator)
        self.mlp.reset(generator)
        nn.init.zeros_(self.gate)
        nn.init.ones_(self.scale)
        nn.init.ones_(self.gain)

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        return self.mlp.hidden_widths

    def hidden_layers(self, x: Tensor) -> list[Tensor]:
        return self.mlp.hidden_layers(self.mlp.first(torch.tanh(x)))

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        self.linear.bias.copy_(self.linear.bias.to(shift) - shift)
        self.linear.multiply_output(matrix)
        self.mlp.last.multiply_output(matrix)
        if not (self.gain == 1).all():  # components are then only reordered
            self.gain.copy_(self.gain.to(matrix) @ matrix.abs())

    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("A tied encoder's input has a fixed basis.")


class _TiedDecoder(Coder):
    """y = (z V' + b) / s + c g(z), where V and the weights of g are the encoder's."""

    stackable = True

    def __init__(
        self, widths: tuple[int, ...], hidden: HiddenLayers, encoder: _TiedEncoder
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.linear = TiedLinear(encoder.linear, widths[0], widths[-1])
        self.mlp = MLP(widths, hidden, tied_to=encoder.mlp)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        linear = self.linear(x)
        shared = self.linear.shared_out
        divisor = torch.ones_like(linear[0])
        divisor = torch.cat([self.encoder.scale[:shared], divisor[shared:]])
        return linear / divisor + self.gate * self.mlp(x, generator)

    def reset(self, generator: Generator) -> None:
        self.linear.reset(generator)
        self.mlp.reset(generator)
        nn.init.zeros_(self.gate)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Split the encoder's map into scales and what the two share.

        Exact where the encoder is diag(s) V diag(d) and the decoder V' / diag(s), with
        d = 1 for PCA.
        """
        linear, n_in, n_out = self.encoder.linear, self.linear.shared_in, self.linear.shared_out
        down, up = linear.weight[:n_in, :n_out], weight[:n_in, :n_out]
        # Components that the encoder leaves empty say nothing about the scales.
        up = torch.where(down.any(dim=1, keepdim=True), up, 0.0)
        product, square = down.double() * up.double(), up.double().square()
        gain = torch.ones(n_in, 1, dtype=torch.float64)
        for _ in range(20):  # alternating least squares of product = gain * squared * square
            squared = (gain * product).sum(0) / (gain**2 * square).sum(0).clamp(min=1e-300)
            squared = torch.where(squared > 0, squared, 1.0)
            filled = (squared**2 * square).sum(1, keepdim=True)
            gain = (squared * product).sum(1, keepdim=True) / filled.clamp(min=1e-300)
            gain = torch.where(gain > 1e-12, gain, 1.0)
        if (gain - 1).abs().max() < 1e-4:
            gain = torch.ones_like(gain)
        scale = squared.sqrt().float()
        self.encoder.scale[:n_out] = scale
        self.encoder.gain[:n_in] = gain[:, 0].float()
        linear.weight[:, :n_out] /= scale
        linear.weight[:n_in] /= self.encoder.gain[:n_in, None]
        self.linear.further_in.copy_(weight[n_in:, :n_out].T * scale[:, None])
        self.linear.further_out.copy_(weight[:, n_out:].T)
        if bias is not None:
            bias = bias.clone()
            bias[:n_out] *= scale
            self.linear.bias.copy_(bias)

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        """Take up the shift; the rotation has reached the shared weights already."""
        self.linear.prepend(matrix, shift)
        self.mlp.first.prepend(matrix, shift)

    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("A tied decoder's output has a fixed basis.")


def tied_pair(
    down: tuple[int, ...], up: tuple[int, ...], hidden: HiddenLayers
) -> tuple[Coder, Coder]:
    """Build an encoder and the decoder that mirrors it."""
    encoder = _TiedEncoder(down, hidden)
    return encoder, _TiedDecoder(up, hidden, encoder)
