"""Convolutions whose every draw comes from an explicit generator."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae.architectures._layers import (
    ACTIVATIONS,
    BatchNorm,
    HiddenLayers,
    dropout,
    hidden_noise,
)


class Convolution(nn.Module):
    """A convolution that keeps the size of an image, or halves it, rounding up.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel_size : int
        Height and width of the kernel.
    stride : int
        1 or 2.
    """

    def __init__(self, n_in: int, n_out: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.kernel_size = kernel_size
        self.weight = nn.Parameter(torch.empty(n_out, n_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        reach = self.kernel_size - 1
        if reach % 2:  # an even kernel reaches one pixel further on one side
            x = F.pad(x, (reach // 2, reach - reach // 2) * 2)
            return F.conv2d(x, self.weight, self.bias, self.stride)
        return F.conv2d(x, self.weight, self.bias, self.stride, reach // 2)

    def reset(self, generator: Generator) -> None:
        """Draw weights and biases uniformly in ± 1 / sqrt(fan in)."""
        bound = 1 / math.sqrt(self.weight[0].numel())
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def zero(self) -> None:
        """Set weights and biases to zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class ImageNorm(nn.GroupNorm):
    """Standardise the features of each image.

    Parameters
    ----------
    n_channels : int
        Channels, each with a scale and a shift of its own.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__(1, n_channels)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Standardise, scale and shift."""
        # torch's forward refuses a single number, which is standardised to 0 like any other.
        return torch.group_norm(x, 1, self.weight, self.bias, self.eps)


class Scales(NamedTuple):
    """The scales of a convolutional network.

    Parameters
    ----------
    channels : tuple of int
        Channels of each, from the image on.
    kernel_size : int
        Size of the kernels.
    pooling : {"stride", "max", "average"}
        How an image is halved.
    residual_blocks : int
        Residual blocks at each scale.
    hidden : HiddenLayers
        What follows a convolution.
    """

    channels: tuple[int, ...]
    kernel_size: int
    pooling: str
    residual_blocks: int
    hidden: HiddenLayers

    def sizes(self, size: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return the size of an image and of its features at each scale."""
        sizes = [tuple(size)]
        for _ in self.channels:
            sizes.append(tuple(-(-s // 2) for s in sizes[-1]))
        return sizes

    def map_size(self, size: tuple[int, ...], largest: int) -> tuple[int, ...]:
        """Return the size of the map that dense layers read."""
        return tuple(min(largest, s) for s in self.sizes(size)[-1])

    def work(self, sample_shape: tuple[int, int, int]) -> int:
        """Return the multiplications of the convolutions of one image, one way."""
        sizes = self.sizes(sample_shape[:2])
        total = 0
        for (n_in, n_out), (before, after) in zip(
            pairwise((sample_shape[2], *self.channels)), pairwise(sizes), strict=True
        ):
            at = after if self.pooling == "stride" else before
            taps = self.kernel_size**2
            total += math.prod(at) * taps * n_in * n_out
            total += math.prod(after) * taps * 2 * self.residual_blocks * n_out**2
        return total


class _Activated(nn.Module):
    """Normalisation, activation, dropout and noise, as `HiddenLayers` say."""

    def __init__(self, n_channels: int, hidden: HiddenLayers) -> None:
        super().__init__()
        self.hidden = hidden
        norms: dict[str | None, type[BatchNorm] | type[ImageNorm]]
        norms = {"batch": BatchNorm, "layer": ImageNorm}
        kind = norms.get(hidden.normalization)
        self.norm: BatchNorm | ImageNorm | None = None if kind is None else kind(n_channels)

    def forward(self, x: Tensor, generator: Generator | None) -> Tensor:
        if self.norm is not None:
            x = self.norm(x, generator is not None)
        x = dropout(ACTIVATIONS[self.hidden.activation](x), self.hidden.dropout, generator)
        return hidden_noise(x, self.hidden.noise, generator)

    def reset(self) -> None:
        if self.norm is not None:
            self.norm.reset_parameters()


class ResidualBlock(nn.Module):
    """x + conv(activated conv(x)); the second convolution starts at zero.

    Parameters
    ----------
    n_channels : int
        Channels of x.
    scales : Scales
        Gives the kernels and what follows the first convolution.
    """

    def __init__(self, n_channels: int, scales: Scales) -> None:
        super().__init__()
        self.first = Convolution(n_channels, n_channels, scales.kernel_size)
        self.between = _Activated(n_channels, scales.hidden)
        self.second = Convolution(n_channels, n_channels, scales.kernel_size)

    def forward(self, x: Tensor, generator: Generator | None) -> Tensor:
        """Add the residual."""
        return x + self.second(self.between(self.first(x), generator))

    def reset(self, generator: Generator) -> None:
        """Draw new weights."""
        self.first.reset(generator)
        self.between.reset()
        self.second.zero()


class _Halving(nn.Module):
    """One scale down: a convolution, halving, residual blocks."""

    def __init__(self, n_in: int, n_out: int, scales: Scales) -> None:
        super().__init__()
        self.pooling = scales.pooling
        stride = 2 if scales.pooling == "stride" else 1
        self.convolution = Convolution(n_in, n_out, scales.kernel_size, stride)
        self.after = _Activated(n_out, scales.hidden)
        self.blocks = nn.ModuleList(
            ResidualBlock(n_out, scales) for _ in range(scales.residual_blocks)
        )

    def forward(self, x: Tensor, generator: Generator | None) -> Tensor:
        x = self.after(self.convolution(x), generator)
        if self.pooling == "max":
            x = F.max_pool2d(x, 2, ceil_mode=True)
        elif self.pooling == "average":
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        for block in self.blocks:
            x = block(x, generator)
        return x

    def reset(self, generator: Generator) -> None:
        self.convolution.reset(generator)
        self.after.reset()
        for block in self.blocks:
            block.reset(generator)  # type: ignore[operator]  # a ResidualBlock


class _Doubling(nn.Module):
    """One scale up: residual blocks, and a convolution to the four pixels of each pixel."""

    def __init__(self, n_in: int, n_out: int, scales: Scales) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ResidualBlock(n_in, scales) for _ in range(scales.residual_blocks)
        )
        self.convolution = Convolution(n_in, 4 * n_out, scales.kernel_size)

    def forward(self, x: Tensor, size: tuple[int, ...], generator: Generator | None) -> Tensor:
        for block in self.blocks:
            x = block(x, generator)
        return F.pixel_shuffle(self.convolution(x), 2)[:, :, : size[0], : size[1]]

    def reset(self, generator: Generator) -> None:
        for block in self.blocks:
            block.reset(generator)  # type: ignore[operator]  # a ResidualBlock
        self.convolution.reset(generator)


class Features(nn.Module):
    """From an image to its features at the last scale.

    Parameters
    ----------
    n_in : int
        Channels of the image.
    scales : Scales
        The scales.
    """

    def __init__(self, n_in: int, scales: Scales) -> None:
        super().__init__()
        self.n_channels = scales.channels[-1]
        self.scales = nn.ModuleList(
            _Halving(a, b, scales) for a, b in pairwise((n_in, *scales.channels))
        )

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Halve the image scale by scale."""
        for scale in self.scales:
            x = scale(x, generator)
        return x

    def reset(self, generator: Generator) -> None:
        """Draw new weights."""
        for scale in self.scales:
            scale.reset(generator)  # type: ignore[operator]  # a _Halving


class Growth(nn.Module):
    """From features at the last scale to an image.

    Parameters
    ----------
    n_out : int
        Channels of the image.
    scales : Scales
        The scales, from the image on.
    """

    def __init__(self, n_out: int, scales: Scales) -> None:
        super().__init__()
        self.n_channels = scales.channels[-1]
        pairs = list(pairwise((n_out, *scales.channels)))[::-1]
        self.scales = nn.ModuleList(_Doubling(b, a, scales) for a, b in pairs)
        self.before = nn.ModuleList(_Activated(b, scales.hidden) for _, b in pairs)

    def forward(
        self, x: Tensor, sizes: list[tuple[int, ...]], generator: Generator | None = None
    ) -> Tensor:
        """Double the features scale by scale, up to each of the sizes."""
        for activated, scale, size in zip(self.before, self.scales, sizes, strict=True):
            x = scale(activated(x, generator), size, generator)
        return x

    @property
    def last(self) -> Convolution:
        """The layer that writes the image."""
        return self.scales[-1].convolution  # type: ignore[return-value]  # of a _Doubling

    def reset(self, generator: Generator) -> None:
        """Draw new weights."""
        for activated, scale in zip(self.before, self.scales, strict=True):
            activated.reset()  # type: ignore[operator]  # an _Activated
            scale.reset(generator)  # type: ignore[operator]  # a _Doubling
