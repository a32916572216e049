"""Corruptions of images: holes, blur and loss of resolution."""

from __future__ import annotations

import math
from abc import abstractmethod
from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor
from torch.nn import functional as F

from sklearn_ae.corruptions._base import Corruption
from sklearn_ae.data import ColumnScaling


class ImageCorruption(Corruption):
    """Corrupts images in the units of their pixels."""

    def bind(self, scaling: ColumnScaling, sample_shape: tuple[int, ...] | None) -> Corruption:
        """Return the corruption for images; see `Corruption`."""
        if sample_shape is None or len(sample_shape) != 3:
            raise ValueError(
                f"corruption={self!r} is one of images, but the rows are not; use a "
                "ConvolutionalAutoencoder, or MaskingNoise for a table."
            )
        return _InPixels(self, scaling, sample_shape)

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return a corrupted copy of images of shape (n, height, width, n_channels)."""
        return self.corrupt_images(x.movedim(-1, 1), generator).movedim(1, -1)

    @abstractmethod
    def corrupt_images(self, images: Tensor, generator: Generator) -> Tensor:
        """Return a corrupted copy of images of shape (n, n_channels, height, width)."""


class _InPixels(Corruption):
    """Takes standardised rows to pixels and back around a corruption."""

    def __init__(
        self, corruption: ImageCorruption, scaling: ColumnScaling, sample_shape: tuple[int, ...]
    ) -> None:
        self.corruption = corruption
        self.scaling = scaling
        self.sample_shape = sample_shape
        self.mean = torch.from_numpy(scaling.mean)
        self.scale = torch.from_numpy(scaling.scale)

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return a corrupted copy of standardised rows."""
        mean, scale = self.mean.to(x), self.scale.to(x)
        pixels = x * scale + mean
        if x.ndim == 2:
            pixels = pixels.reshape(-1, *self.sample_shape)
        corrupted = self.corruption.corrupt(pixels, generator).reshape(x.shape)
        return (corrupted - mean) / torch.where(scale > 0, scale, torch.inf)


class Erasing(ImageCorruption):
    """Cut one rectangle out of each image, of random size, shape and place.

    Parameters
    ----------
    area : float in (0, 1], default=0.25
        Largest share of the image that is cut out; shares are drawn between a quarter of
        this and this.
    value : float, default=0.0
        What stands in the hole, in the units that the network sees: integers lie in
        [0, 1] there.

    References
    ----------
    Zhong et al., Random erasing data augmentation, AAAI 2020. :arxiv:`1708.04896`

    Examples
    --------
    >>> from sklearn_ae import ConvolutionalAutoencoder, Erasing
    >>> autoencoder = ConvolutionalAutoencoder(corruption=Erasing(area=0.1))
    """

    _parameter_constraints: dict = {
        "area": [Interval(Real, 0, 1, closed="right")],
        "value": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(self, area: float = 0.25, value: float = 0.0) -> None:
        self.area = area
        self.value = value

    def corrupt_images(self, images: Tensor, generator: Generator) -> Tensor:
        """Return images with a hole."""
        n, _, height, width = images.shape
        draws = images.new_empty(4, n, 1).uniform_(generator=generator)
        share = self.area * (0.25 + 0.75 * draws[0])
        stretch = torch.exp((2 * draws[1] - 1) * math.log(2.0))
        h = (share * stretch).sqrt().clamp(max=1.0) * height
        w = (share / stretch).sqrt().clamp(max=1.0) * width
        top, left = draws[2] * (height - h), draws[3] * (width - w)
        row = torch.arange(height, device=images.device) + 0.5
        column = torch.arange(width, device=images.device) + 0.5
        inside_rows = (row >= top) & (row < top + h)
        inside_columns = (column >= left) & (column < left + w)
        hole = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
        return torch.where(hole, self.value, images)


class Blur(ImageCorruption):
    """Convolve images with a Gaussian; borders are mirrored.

    Parameters
    ----------
    scale : float, default=1.0
        Standard deviation of the Gaussian, in pixels.

    Examples
    --------
    >>> from sklearn_ae import Blur, ConvolutionalAutoencoder
    >>> autoencoder = ConvolutionalAutoencoder(corruption=Blur(scale=1.5))

    One white pixel is spread over those around it: their sum stays, and the standard deviation
    of their places is the scale.

    >>> import torch
    >>> image = torch.zeros(1, 15, 15, 1)
    >>> image[0, 7, 7] = 1.0
    >>> blurred = Blur(scale=1.5).corrupt(image, torch.Generator())
    >>> along = blurred.sum(dim=(0, 1, 3))
    >>> place = torch.arange(15) - 7
    >>> print(f"{along.sum():.2f}, {(along * place**2).sum().sqrt():.2f}")
    1.00, 1.50
    """

    _parameter_constraints: dict = {"scale": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def corrupt_images(self, images: Tensor, generator: Generator) -> Tensor:
        """Return blurred images."""
        reach = max(1, math.ceil(3 * self.scale))
        offsets = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
        kernel = torch.exp(-offsets.square() / (2 * self.scale**2))
        kernel = kernel / kernel.sum()
        for axis in (2, 3):
            images = _convolved(images, kernel, axis)
        return images


def _convolved(images: Tensor, kernel: Tensor, axis: int) -> Tensor:
    """Convolve along one axis, its ends mirrored as often as it takes."""
    size, reach = images.shape[axis], len(kernel) // 2
    position = torch.arange(-reach, size + reach, device=images.device) % (2 * size)
    mirrored = torch.where(position < size, position, 2 * size - 1 - position)
    windows = images.index_select(axis, mirrored).unfold(axis, len(kernel), 1)
    return windows @ kernel


class Downsampling(ImageCorruption):
    """Average blocks of pixels, and enlarge the result to the old size by bicubic splines.

    Parameters
    ----------
    scale : int, default=2
        Side of a block.

    Examples
    --------
    >>> from sklearn_ae import ConvolutionalAutoencoder, Downsampling
    >>> autoencoder = ConvolutionalAutoencoder(corruption=Downsampling(scale=2))

    Of a chessboard with fields of one pixel, blocks of four leave grey alone:

    >>> import torch
    >>> board = (torch.arange(6)[:, None] + torch.arange(6)) % 2.0
    >>> images = board[None, :, :, None]
    >>> Downsampling(scale=2).corrupt(images, torch.Generator()).unique()
    tensor([0.5000])
    """

    _parameter_constraints: dict = {"scale": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, scale: int = 2) -> None:
        self.scale = scale

    def corrupt_images(self, images: Tensor, generator: Generator) -> Tensor:
        """Return images of less detail."""
        size = images.shape[2:]
        small = F.avg_pool2d(images, self.scale, ceil_mode=True, count_include_pad=False)
        return F.interpolate(small, size, mode="bicubic", align_corners=False)
