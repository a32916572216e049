"""Codes that are images: networks that keep the size, for denoising without a bottleneck."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae.architectures._augmentation import Move, mean_over_moves
from sklearn_ae.architectures._base import Coder, Shapes
from sklearn_ae.architectures._convolution_layers import (
    Convolution,
    Features,
    Growth,
    ResidualBlock,
    Scales,
)
from sklearn_ae.architectures._layers import ACTIVATIONS, FixedLinear, start_as
from sklearn_ae.data import Extent


class ImageToImage(Coder):
    """y = x A + a + f(x) M, where f maps an image to an image, and M images to codes.

    A is that of the start and stays. f folds blocks of two by two pixels into channels,
    halves what it gets once more and doubles it again beside a connection across, with
    residual blocks at both sizes. M is fixed: it undoes the map from codes to images that
    the decoder starts as, so that f adds to the reconstruction pixel by pixel.

    Parameters
    ----------
    shapes : Shapes
        Widths, all of them the number of pixels times channels.
    scales : Scales
        Channels and residual blocks at half and at a quarter of the size.
    moves : sequence of callable, default=()
        Mirror images that training draws, over which f is averaged afterwards.
    """

    units: Tensor

    def __init__(self, shapes: Shapes, scales: Scales, moves: Sequence[Move] = ()) -> None:
        super().__init__()
        assert shapes.sample_shape is not None
        self.sample_shape = shapes.sample_shape
        self.moves = moves
        width, n_blocks = scales.channels[0], scales.residual_blocks
        inner = scales._replace(channels=scales.channels[1:])
        folded = 4 * self.sample_shape[2]
        self.scales = inner
        self.linear = FixedLinear(shapes.n_inputs, shapes.n_codes)
        self.first = Convolution(folded, width, scales.kernel_size)
        self.before = nn.ModuleList(ResidualBlock(width, inner) for _ in range(n_blocks))
        self.after = nn.ModuleList(ResidualBlock(width, inner) for _ in range(n_blocks))
        self.down = Features(width, inner)
        self.up = Growth(width, inner)
        self.last = Convolution(width, folded, scales.kernel_size)
        self.register_buffer("units", torch.zeros(shapes.n_inputs, shapes.n_codes))

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        restored = self._restored(self._images(x), generator)
        return self.linear(x) + restored.movedim(1, -1).flatten(1) @ self.units

    def averaged(self, x: Tensor) -> Tensor:
        """Map rows, f averaged over mirror images."""
        restored = mean_over_moves(self.moves, self._restored, self._images(x))
        return self.linear(x) + restored.movedim(1, -1).flatten(1) @ self.units

    def _images(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.sample_shape).movedim(-1, 1)

    def _restored(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        height, width = images.shape[2:]
        images = F.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
        activation = ACTIVATIONS[self.scales.hidden.activation]
        features = self.first(F.pixel_unshuffle(images, 2))
        for block in self.before:
            features = block(features, generator)
        size = tuple(features.shape[2:])
        features = features + self.up(self.down(activation(features), generator), [size], generator)
        for block in self.after:
            features = block(features, generator)
        restored = F.pixel_shuffle(self.last(activation(features)), 2)
        return restored[:, :, :height, :width]

    def reset(self, generator: Generator) -> None:
        parts = (self.linear, self.first, *self.before, self.down, self.up, *self.after, self.last)
        for part in parts:
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
        self.linear = FixedLinear(math.prod(shapes.sample_shape or ()), shapes.n_outputs)

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
