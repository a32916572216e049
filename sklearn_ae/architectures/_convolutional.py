"""Convolutional networks for images, of one size or of many."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import cast

import torch
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae.architectures._augmentation import Augmentation
from sklearn_ae.architectures._base import Architecture, Coder, Shapes
from sklearn_ae.architectures._convolution_layers import Features, Growth, Scales
from sklearn_ae.architectures._dense import Dense
from sklearn_ae.architectures._image_codes import ImageOfCode, ImageToImage
from sklearn_ae.architectures._layers import (
    ACTIVATIONS,
    MLP,
    NORMALIZATIONS,
    FixedLinear,
    HiddenLayers,
    Linear,
    start_as,
)
from sklearn_ae.data import Batch, ColumnScaling, Extent, Images

# Sides of the feature map that dense layers read, at most.
_LARGEST_MAP = 8
_FIRST_CHANNELS, _MOST_CHANNELS = 16, 64
_DENSE = 256
# Features, at half the size, of a network whose code is an image: of few pixels, or more.
_KEPT_CHANNELS = (24, 16)
_FEW_PIXELS = 400
# Largest shift of training images, as a share of height and width.
_SHIFT = 0.04
# A code is narrow if the image has this many times as many cells.
_NARROW = 4


class _ImageEncoder(Coder):
    """y = x A + a + f(x): convolutions, a map of fixed size, dense layers; A for one size only.

    A is that of the start and stays.

    Parameters
    ----------
    shapes : Shapes
        Widths of rows and code, and the size of the images.
    scales : Scales
        The convolutions.
    hidden_layer_sizes : tuple of int
        Dense layers between feature map and code.
    linear_path : bool
        Whether the linear map is there.
    """

    def __init__(
        self,
        shapes: Shapes,
        scales: Scales,
        hidden_layer_sizes: tuple[int, ...],
        linear_path: bool,
    ) -> None:
        super().__init__()
        self.sample_shape = _sample_shape(shapes)
        self.n_cells = math.prod(self.sample_shape)
        features = self.sample_shape[2] if shapes.ragged else self.n_cells
        n_inputs = self.sample_shape[2] + shapes.n_inputs - features
        self.linear = FixedLinear(shapes.n_inputs, shapes.n_codes) if linear_path else None
        self.features = Features(n_inputs, scales)
        self.map = scales.map_size(self.sample_shape[:2], _LARGEST_MAP)
        width = self.features.n_channels * math.prod(self.map)
        self.mlp = MLP((width, *hidden_layer_sizes, shapes.n_codes), scales.hidden)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        features = self.features(self._images(x), generator)
        if tuple(features.shape[2:]) != self.map:
            features = F.adaptive_avg_pool2d(features, (self.map[0], self.map[1]))
        code = self.mlp(features.flatten(1), generator)
        return code if self.linear is None else self.linear(x) + code

    def _images(self, x: Tensor) -> Tensor:
        """Return images of shape (n, n_channels, height, width), a condition as channels."""
        if x.ndim == 4:
            return x.movedim(-1, 1)
        images = x[:, : self.n_cells].reshape(-1, *self.sample_shape).movedim(-1, 1)
        given = x[:, self.n_cells :]
        if not given.shape[1]:
            return images
        planes = given[:, :, None, None].expand(-1, -1, *self.sample_shape[:2])
        return torch.cat([images, planes], dim=1)

    def reset(self, generator: Generator) -> None:
        if self.linear is not None:
            self.linear.reset(generator)
        self.features.reset(generator)
        self.mlp.reset(generator)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)
        self.mlp.last.zero()

    @torch.no_grad()
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        first = self.mlp.last if self.linear is None else self.linear
        first.bias.copy_(first.bias.to(shift) - shift)
        for layer in {self.mlp.last, first}:
            layer.multiply_output(matrix)

    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("An encoder of images has a fixed basis of its input.")


class _ImageDecoder(Coder):
    """y = c z B + b + g(z): dense layers, a feature map, convolutions up to the image's size.

    The number c is 1 at the start, where g is 0. Where the code is narrow c becomes 0 when
    training begins, and g what was drawn for it: a convolutional decoder learns more alone
    than beside a linear one. The basis in front of g follows a change of basis of the code
    exactly. Images of another size than the typical one are grown from the map resized in
    proportion.

    Parameters
    ----------
    shapes : Shapes
        Widths of code and rows, and the size of the images.
    scales : Scales
        The convolutions.
    hidden_layer_sizes : tuple of int
        Dense layers between code and feature map.
    linear_path : bool
        Whether the linear map is there.
    """

    gate: Tensor

    def __init__(
        self,
        shapes: Shapes,
        scales: Scales,
        hidden_layer_sizes: tuple[int, ...],
        linear_path: bool,
    ) -> None:
        super().__init__()
        self.sample_shape = _sample_shape(shapes)
        features = self.sample_shape[2] if shapes.ragged else math.prod(self.sample_shape)
        self.n_parameters = shapes.n_outputs // features
        self.scales = scales
        self.linear = Linear(shapes.n_latents, shapes.n_outputs) if linear_path else None
        self.narrow = _NARROW * shapes.n_latents <= math.prod(self.sample_shape)
        self.register_buffer("gate", torch.ones(()))
        self.basis = Linear(shapes.n_latents, shapes.n_latents)
        self.map = scales.map_size(self.sample_shape[:2], _LARGEST_MAP)
        self.growth = Growth(self.sample_shape[2] * self.n_parameters, scales)
        width = self.growth.n_channels * math.prod(self.map)
        sizes = hidden_layer_sizes[::-1]
        self.mlp = MLP((shapes.n_latents, *sizes, width), scales.hidden)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        size = self.sample_shape[:2] if extent is None else extent.size
        sizes = self.scales.sizes(size)
        features = self.mlp(self.basis(x), generator).reshape(len(x), -1, *self.map)
        if sizes[-1] != self.map:
            features = F.interpolate(features, sizes[-1], mode="bilinear", align_corners=False)
        images = self.growth(features, sizes[-2::-1], generator)
        cells = images.unflatten(1, (self.n_parameters, -1)).movedim(2, -1)
        if extent is not None:  # (n, height, width, parameters times channels)
            return cells.movedim(1, -2).flatten(-2)
        grown = cells.flatten(1)
        if self.linear is None:
            return grown
        return self.gate * F.linear(x, self.linear.weight) + self.linear.bias + grown

    def reset(self, generator: Generator) -> None:
        if self.linear is not None:
            self.linear.reset(generator)
        nn.init.eye_(self.basis.weight)
        nn.init.zeros_(self.basis.bias)
        nn.init.ones_(self.gate)
        self.mlp.reset(generator)
        self.growth.reset(generator)

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        start_as(self.linear, weight, bias)
        self._drawn = [p.clone() for p in self.growth.last.parameters()]
        self.growth.last.zero()

    @torch.no_grad()
    def release(self) -> None:
        """Leave the linear map where the code is narrow."""
        if self.linear is None or not self.narrow:
            return
        self.gate.zero_()
        nn.init.zeros_(self.linear.weight)  # a change of basis must not reach the bias
        for parameter, drawn in zip(self.growth.last.parameters(), self._drawn, strict=True):
            parameter.copy_(drawn)

    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("A decoder of images has a fixed basis of its output.")

    @torch.no_grad()
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        for layer in (self.linear, self.basis):
            if layer is not None:
                layer.prepend(matrix, shift)


class Convolutional(Architecture):
    """Convolutions that halve an image scale by scale, and grow it again from the code.

    encoder(x) = x A + f(x) and decoder(z) = z B + g(z), where f and g are convolutional and A
    and B the linear maps of the closed-form start, over all pixels of an image. A code
    that is at most a quarter as wide as the image has B for the start only: the start is
    epoch 0, and the decoder is then trained alone. A code that is as wide as the image is
    an image itself: f keeps its size, a network of two scales, with a connection across and
    residual blocks, and B alone leads back. Where images differ in size there are no linear maps:
    features are pooled to a map of fixed size, and images grow from a map that is resized
    in proportion.

    Parameters
    ----------
    channels : tuple of int, default=None
        Channels of each scale, from the image to the code; each scale halves height and
        width. None takes 16, doubled at each scale up to 64, for as many scales as
        bring the longer side to 8 pixels, at least 1 and at most 4. Where the code is an
        image, only the first counts, and None takes 24 up to 400 pixels and 16 above.
    kernel_size : int, default=3
        Height and width of the kernels. Borders are padded by zeros.
    pooling : {"stride", "max", "average"}, default="stride"
        How a scale halves the image: by a convolution of stride 2, or by pooling after it.
    residual_blocks : int, default=0
        Blocks of two convolutions beside the identity that follow at each scale.
    hidden_layer_sizes : tuple of int, default=None
        Widths of dense layers between feature map and code, mirrored in the decoder. None
        takes one of 256.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="silu"
        Activation after each layer.
    dropout : float in [0, 1), default=0.0
        Share of hidden units dropped in training.
    hidden_noise : float, default=0.0
        Standard deviation of Gaussian noise that is added to hidden units in training.
    normalization : {"batch", "layer"}, default=None
        Standardise features over the batch and the pixels, or over one image.
    image_shape : tuple of int, default=None
        Height, width and, if there are any, channels of images that come as flat rows, or
        whose shape does not tell the channels. Flat rows are images of height 1 otherwise.
    augment : "auto", Augmentation or None, default="auto"
        Random shifts, flips, rotations and crops of the training images. "auto" shifts
        them by whole pixels, up to 4 % of height and width: by one pixel for 28 x 28, and not
        at all below 13 or for rows of height 1.

    References
    ----------
    Masci et al., Stacked convolutional auto-encoders for hierarchical feature extraction,
    ICANN 2011.

    Shi et al., Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network, CVPR 2016. :arxiv:`1609.05158`

    Examples
    --------
    >>> from sklearn_ae import Convolutional, VariationalAutoencoder
    >>> autoencoder = VariationalAutoencoder(8, architecture=Convolutional(channels=(16, 32)))
    """

    _parameter_constraints: dict = {
        "channels": [tuple, list, Interval(Integral, 1, None, closed="left"), None],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "pooling": [StrOptions({"stride", "max", "average"})],
        "residual_blocks": [Interval(Integral, 0, None, closed="left")],
        "hidden_layer_sizes": [tuple, list, Interval(Integral, 1, None, closed="left"), None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "hidden_noise": [Interval(Real, 0, None, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "image_shape": [tuple, list, None],
        "augment": [StrOptions({"auto"}), Augmentation, None],
    }

    def __init__(
        self,
        channels: tuple[int, ...] | None = None,
        kernel_size: int = 3,
        pooling: str = "stride",
        residual_blocks: int = 0,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        activation: str = "silu",
        dropout: float = 0.0,
        hidden_noise: float = 0.0,
        normalization: str | None = None,
        image_shape: tuple[int, ...] | None = None,
        augment: str | Augmentation | None = "auto",
    ) -> None:
        self.channels = channels
        self.kernel_size = kernel_size
        self.pooling = pooling
        self.residual_blocks = residual_blocks
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.hidden_noise = hidden_noise
        self.normalization = normalization
        self.image_shape = image_shape
        self.augment = augment

    def adapter(self) -> Images:
        """Return the adapter of images."""
        return Images(self.image_shape)

    def of_arrays(self, sample_shape: tuple[int, ...] | None) -> Convolutional:
        """Return the architecture for images that are not flat rows."""
        return clone(self).set_params(image_shape=sample_shape)

    def of_codes(self) -> Dense:
        """Return dense networks of the same kind of layers."""
        return Dense(None, self.activation, self.dropout, self.hidden_noise, self.normalization)

    def augmentation(
        self, scalings: tuple[ColumnScaling, ColumnScaling], sample_shape: tuple[int, ...] | None
    ) -> Callable[[Batch, Generator], Batch] | None:
        """Return what moves training images and their targets at random."""
        if sample_shape is None:
            return None
        augment = self._augment(sample_shape)
        return None if augment is None else augment.bind(scalings, sample_shape)

    def _augment(self, sample_shape: tuple[int, ...]) -> Augmentation | None:
        """Return how training images of a size are moved."""
        augment = self.augment
        if augment == "auto":
            augment = Augmentation(shift=_SHIFT) if _SHIFT * min(sample_shape[:2]) > 0.5 else None
        if not isinstance(augment, Augmentation):
            return None
        augment._validate_params()
        return augment

    def build(self, shapes: Shapes, linear_path: bool) -> tuple[Coder, Coder]:
        """Build the two networks; see `Architecture`."""
        sample_shape = _sample_shape(shapes)
        scales, sizes = self._scales(sample_shape), self._dense_sizes()
        if self._keeps_size(shapes) and linear_path:
            augment = self._augment(sample_shape)
            moves = (
                []
                if augment is None
                else augment.mirrors(square=sample_shape[0] == sample_shape[1])
            )
            return ImageToImage(shapes, self._kept_scales(sample_shape), moves), ImageOfCode(shapes)
        return (
            _ImageEncoder(shapes, scales, sizes, linear_path),
            _ImageDecoder(shapes, scales, sizes, linear_path),
        )

    def _kept_scales(self, sample_shape: tuple[int, ...]) -> Scales:
        """Return the scales of a network that keeps the size of images."""
        scales = self._scales(sample_shape)
        few, many = _KEPT_CHANNELS
        width = few if math.prod(sample_shape[:2]) <= _FEW_PIXELS else many
        if self.channels is not None:
            width = scales.channels[0]
        return scales._replace(
            channels=(width, 2 * width), residual_blocks=scales.residual_blocks + 1
        )

    @staticmethod
    def _keeps_size(shapes: Shapes) -> bool:
        """Whether the code is an image: as wide as rows that have one size."""
        widths = {shapes.n_inputs, shapes.n_codes, shapes.n_latents, shapes.n_outputs}
        return not shapes.ragged and widths == {math.prod(_sample_shape(shapes))}

    def work(self, shapes: Shapes) -> int:
        """Return the multiplications of one image; see `Architecture`."""
        sample_shape = _sample_shape(shapes)
        scales = self._scales(sample_shape)
        if self._keeps_size(shapes):
            return 2 * self._kept_scales(sample_shape).work(sample_shape) + 3 * shapes.n_inputs**2
        map_cells = math.prod(scales.map_size(sample_shape[:2], _LARGEST_MAP)) * scales.channels[-1]
        dense = map_cells * (self._dense_sizes() or (shapes.n_codes,))[0]
        linear = 0 if shapes.ragged else shapes.n_inputs * (shapes.n_codes + shapes.n_latents)
        return 2 * scales.work(sample_shape) + 2 * dense + linear

    def _scales(self, sample_shape: tuple[int, ...]) -> Scales:
        hidden = HiddenLayers(self.activation, self.dropout, self.hidden_noise, self.normalization)
        return Scales(
            self._channels(sample_shape),
            self.kernel_size,
            self.pooling,
            self.residual_blocks,
            hidden,
        )

    def _channels(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.channels is None:
            n_scales = min(4, max(1, math.ceil(math.log2(max(sample_shape[:2]) / _LARGEST_MAP))))
            return tuple(min(_MOST_CHANNELS, _FIRST_CHANNELS * 2**i) for i in range(n_scales))
        return _positive_integers("channels", self.channels, "(16, 32)")

    def _dense_sizes(self) -> tuple[int, ...]:
        if self.hidden_layer_sizes is None:
            return (_DENSE,)
        return _positive_integers("hidden_layer_sizes", self.hidden_layer_sizes, "(128,)", 0)


def _sample_shape(shapes: Shapes) -> tuple[int, int, int]:
    if shapes.sample_shape is None or len(shapes.sample_shape) != 3:
        raise ValueError(
            "A Convolutional architecture reads images, but the rows are not; pass X as images, "
            "or as flat rows with image_shape."
        )
    height, width, n_channels = shapes.sample_shape
    return height, width, n_channels


def _positive_integers(name: str, value: object, example: str, least: int = 1) -> tuple[int, ...]:
    values = (value,) if isinstance(value, Integral) else tuple(cast(tuple, value))
    if len(values) < least or any(
        isinstance(v, bool) or not isinstance(v, Integral) or v < 1 for v in values
    ):
        raise ValueError(
            f"{name}={value!r} must hold integers of at least 1; use for example {name}={example}."
        )
    return tuple(int(v) for v in values)
