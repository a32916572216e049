"""Codes that are images: networks that keep the size, for denoising without a bottleneck."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae.architectures._base import Coder, Shapes
from sklearn_ae.architectures._convolution_layers import Convolution, Features, Growth, Scales
from sklearn_ae.architectures._layers import ACTIVATIONS, FixedLinear, start_as
from sklearn_ae.data import Extent


class ImageToImage(Coder):
    """y = x A + a + f(x) M, where f maps an image to an image, and M images to codes.

    A is that of the start and stays. f folds blocks of two by two pixels into channels,
    halves what it gets once more and doubles it again beside a connection across. M is
    fixed: it undoes the map from codes to images that the decoder starts as, so that f adds
    to the reconstruction pixel by pixel.

    Parameters
    ----------
    shapes : Shapes
        Widths, all of them the number of pixels times channels.
    scales : Scales
        The first of its channels is the width of f.
    """

    units: Tensor

    def __init__(self, shapes: Shapes, scales: Scales) -> None:
        super().__init__()
        assert shapes.grid is not None
        self.grid = shapes.grid
        width = scales.channels[0]
        inner = scales._replace(channels=(2 * width,), residual_blocks=scales.residual_blocks + 1)
        folded = 4 * self.grid[2]
        self.scales = inner
        self.linear = FixedLinear(shapes.n_inputs, shapes.n_codes)
        self.first = Convolution(folded, width, scales.kernel_size)
        self.down = Features(width, inner)
        self.up = Growth(width, inner)
        self.last = Convolution(width, folded, scales.kernel_size)
        self.register_buffer("units", torch.zeros(shapes.n_inputs, shapes.n_codes))

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        return self.linear(x) + self._restored(x, generator) @ self.units

    def _restored(self, x: Tensor, generator: Generator | None) -> Tensor:
        height, width, _ = self.grid
        images = x.reshape(-1, *self.grid).movedim(-1, 1)
        images = F.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
        activation = ACTIVATIONS[self.scales.hidden.activation]
        features = self.first(F.pixel_unshuffle(images, 2))
        size = tuple(features.shape[2:])
        grown = self.up(self.down(activation(features), generator), [size], generator)
        restored = F.pixel_shuffle(self.last(activation(features + grown)), 2)
        return restored[:, :, :height, :width].movedim(1, -1).flatten(1)

    def reset(self, generator: Generator) -> None:
        for part in (self.linear, self.first, self.down, self.up, self.last):
            part.reset(generator)
        nn.init.eye_(self.units)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)
        self.last.zero()

    @torch.no_grad()
    def set_units(self, decoder: Tensor) -> None:
        self.units.copy_(torch.linalg.pinv(decoder, rtol=1e-6))

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        self.linear.bias.copy_(self.linear.bias.to(shift) - shift)
        self.linear.multiply_output(matrix)
        self.units.copy_(self.units.to(matrix) @ matrix)

    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("An encoder of images has a fixed basis of its input.")


class ImageOfCode(Coder):
    """y = z B + b, fixed: from a code that is an image in another basis to the image."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self.linear = FixedLinear(math.prod(shapes.grid or ()), shapes.n_outputs)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        return self.linear(x)

    def reset(self, generator: Generator) -> None:
        self.linear.reset(generator)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)

    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("A decoder of images has a fixed basis of its output.")

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        self.linear.prepend(matrix, shift)
