"""Networks from a small image to a large one, as convolutions at the size of the small one."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae.architectures._augmentation import Move, mean_over_moves
from sklearn_ae.architectures._base import Architecture, Coder, Shapes
from sklearn_ae.architectures._layers import ACTIVATIONS
from sklearn_ae.data import Batch, ColumnScaling, Extent

# Pixels to each side that bicubic interpolation, the filter and the local mean read.
RADIUS = 2
TAPS = (2 * RADIUS + 1) ** 2
# The parameter of Keys' cubic kernel that torch's and OpenCV's bicubic interpolation have.
_CUBIC = -0.75


def bicubic_kernel(scale: int) -> NDArray[np.float64]:
    """Return bicubic enlargement as weights of a pixel's neighbours.

    Parameters
    ----------
    scale : int
        How many times larger the image becomes.

    Returns
    -------
    kernel : ndarray of shape (scale ** 2, 5, 5)
        Weights of the neighbourhood for each pixel that a pixel becomes. They sum to 1.
    """
    place = (np.arange(scale) + 0.5) / scale - 0.5
    t = np.abs(np.arange(-RADIUS, RADIUS + 1) - place[:, None])
    near = ((_CUBIC + 2) * t - (_CUBIC + 3)) * t * t + 1
    far = _CUBIC * (((t - 5) * t + 8) * t - 4)
    line = np.where(t <= 1, near, np.where(t < 2, far, 0.0))
    side = 2 * RADIUS + 1
    return np.einsum("ai,bj->abij", line, line).reshape(scale * scale, side, side)


def planes(x: Tensor) -> Tensor:
    """Return images of shape (n, height, width, n_channels) as gray ones, a channel each."""
    return x.movedim(-1, 1).reshape(-1, 1, *x.shape[1:3])


def replicated(x: Tensor, radius: int = RADIUS) -> Tensor:
    """Repeat the border of images of shape (n, 1, height, width)."""
    return F.pad(x, (radius,) * 4, mode="replicate")


class _Same(Coder):
    """Hands images on as they are."""

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        return x

    def reset(self, generator: Generator) -> None:
        """There is nothing to draw."""

    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """The identity is linear already."""

    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("Images that are handed on have a fixed basis.")

    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("Images that are handed on have a fixed basis.")


class _Enlargement(Coder):
    """y = bicubic(x) + filter(x) + net(x - local mean of x), each channel alone, folded.

    The scale² pixels that a pixel becomes are channels of its own. No layer has a bias, so
    that brighter images, and with ReLU images of more contrast, become the same, brighter
    and of more contrast. The filter's weights count less their mean, so that they sum to 0.

    Parameters
    ----------
    scale : int
        How many times larger the image becomes.
    channels : int
        Features of each hidden layer.
    depth : int
        Convolutions.
    activation : str
        Activation of the hidden layers.
    """

    bicubic: Tensor

    def __init__(self, scale: int, channels: int, depth: int, activation: str) -> None:
        super().__init__()
        self.activation = activation
        side = 2 * RADIUS + 1
        kernel = torch.from_numpy(bicubic_kernel(scale)).float()[:, None]
        self.register_buffer("bicubic", kernel, persistent=False)
        self.filter = nn.Parameter(torch.zeros(scale * scale, 1, side, side))
        shapes = [(channels, 1, side, side), *[(channels, channels, 3, 3)] * (depth - 2)]
        shapes.append((scale * scale, channels, 3, 3))
        self.layers = nn.ParameterList(nn.Parameter(torch.zeros(shape)) for shape in shapes)

    def forward(
        self, x: Tensor, generator: Generator | None = None, extent: Extent | None = None
    ) -> Tensor:
        single = planes(x)
        around = replicated(single)
        zero_sum = self.filter - self.filter.mean(dim=(2, 3), keepdim=True)
        linear = F.conv2d(around, self.bicubic + zero_sum)
        features = replicated(single - F.avg_pool2d(around, 2 * RADIUS + 1, 1))
        first, *inner, last = self.layers
        features = ACTIVATIONS[self.activation](F.conv2d(features, first))
        for weight in inner:
            features = ACTIVATIONS[self.activation](F.conv2d(features, weight, padding=1))
        folded = linear + F.conv2d(features, last, padding=1)
        return folded.reshape(len(x), -1, *x.shape[1:3]).movedim(1, -1)

    def reset(self, generator: Generator) -> None:
        nn.init.zeros_(self.filter)
        for weight in self.layers:
            std = math.sqrt(2 / weight[0].numel())
            nn.init.normal_(weight, std=std, generator=generator)
        nn.init.zeros_(self.layers[-1])

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Start as bicubic(x) plus a filter, of shape (25, scale ** 2)."""
        self.filter.copy_(weight.T.reshape(self.filter.shape))
        nn.init.zeros_(self.layers[-1])

    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("A decoder of images has a fixed basis of its output.")

    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        raise TypeError("A decoder of images has a fixed basis of its input.")


class FlipsAndTurns:
    """Mirrors and turns images by right angles at random, and what they become alike.

    Parameters
    ----------
    scale : int
        The targets' channels hold squares of scale times scale pixels.
    """

    def __init__(self, scale: int) -> None:
        self.scale = scale

    def __call__(self, batch: Batch, generator: Generator) -> Batch:
        """Return the batch with its images moved; oblong ones are mirrored only."""
        assert batch.target is not None
        x = batch.x[..., None, None]
        target = batch.target.unflatten(-1, (-1, self.scale, self.scale))
        draws = x.new_empty(3, len(x), *[1] * 5).uniform_(generator=generator) < 0.5
        moves = self._moves(turn=x.shape[1] == x.shape[2])
        for chosen, move in zip(draws, moves, strict=False):
            x = torch.where(chosen, move(x), x)
            target = torch.where(chosen, move(target), target)
        return batch.replace(x=x[..., 0, 0], target=target.flatten(-3))

    def mean(self, enlarge: Callable[[Tensor], Tensor], x: Tensor, *, turn: bool) -> Tensor:
        """Return the mean of what all mirror images of x become, each moved back.

        Parameters
        ----------
        enlarge : callable
            Leads from images, of shape (n, height, width, n_channels), to targets.
        x : Tensor of shape (n, height, width, n_channels)
            Images.
        turn : bool
            Whether images are turned as well.
        """

        def unfolded(t: Tensor) -> Tensor:
            return enlarge(t[..., 0, 0]).unflatten(-1, (-1, self.scale, self.scale))

        return mean_over_moves(self._moves(turn), unfolded, x[..., None, None]).flatten(-3)

    def _moves(self, turn: bool) -> list[Move]:
        """Moves of shape (n, height, width, n_channels, scale, scale), each its own inverse."""
        moves: list[Move] = [
            lambda t: t.flip(1, 4),
            lambda t: t.flip(2, 5),
        ]
        if turn:
            moves.append(lambda t: t.transpose(1, 2).transpose(4, 5))
        return moves


class SubPixel(Architecture):
    """Convolutions at the size of a small image that write the pixels of a large one.

    The encoder hands the image on. With s for `scale`, the decoder gives each pixel of each
    channel the s² pixels that it becomes,

        y = bicubic(x) + filter(x) + net(x - m(x)),

    where m(x) is the mean of a pixel's 5 x 5 neighbours, the filter is linear in them, and the
    net is a 5 x 5 convolution, `depth` - 2 convolutions of 3 x 3 with an activation after each,
    and a last one of 3 x 3 that starts at zero. Channels are treated alike and apart. Borders
    are repeated.

    Parameters
    ----------
    scale : int, default=2
        How many times larger the image becomes.
    channels : int, default=32
        Features of each hidden layer.
    depth : int, default=4
        Convolutions, at least 2.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="relu"
        Activation of the hidden layers.
    augment : bool, default=True
        Mirror and turn training images at random.

    Notes
    -----
    A net that is trained on mirror images treats them nearly alike. `averaged` treats them alike.

    References
    ----------
    Shi et al., Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network, CVPR 2016. :arxiv:`1609.05158`
    """

    _parameter_constraints: dict = {
        "scale": [Interval(Integral, 1, None, closed="left")],
        "channels": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 2, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "augment": ["boolean"],
    }

    def __init__(
        self,
        scale: int = 2,
        channels: int = 32,
        depth: int = 4,
        activation: str = "relu",
        augment: bool = True,
    ) -> None:
        self.scale = scale
        self.channels = channels
        self.depth = depth
        self.activation = activation
        self.augment = augment

    @property
    def radius(self) -> int:
        """Pixels to each side on which a pixel's enlargement depends."""
        return 2 * RADIUS + self.depth - 1

    @property
    def homogeneous(self) -> bool:
        """Whether images in another unit become the same images in that unit."""
        return self.activation in ("relu", "identity")

    def augmentation(
        self, scalings: tuple[ColumnScaling, ColumnScaling], sample_shape: tuple[int, ...] | None
    ) -> Callable[[Batch, Generator], Batch] | None:
        """Return what mirrors and turns training images."""
        return FlipsAndTurns(self.scale) if self.augment else None

    def averaged(
        self, decode: Callable[[Tensor], Tensor], x: Tensor, sample_shape: tuple[int, ...]
    ) -> Tensor:
        """Return what images become, the mean over the moves of training images.

        Parameters
        ----------
        decode : callable
            The decoder.
        x : Tensor of shape (n, height, width, n_channels)
            Images.
        sample_shape : tuple of int
            Height, width and channels of the training images; oblong ones were not turned.
        """
        if not self.augment:
            return decode(x)
        return FlipsAndTurns(self.scale).mean(decode, x, turn=sample_shape[0] == sample_shape[1])

    def build(self, shapes: Shapes, linear_path: bool) -> tuple[Coder, Coder]:
        """Build the two networks; see `Architecture`."""
        return _Same(), _Enlargement(self.scale, self.channels, self.depth, self.activation)

    def work(self, shapes: Shapes) -> int:
        """Return the multiplications of one image; see `Architecture`."""
        assert shapes.sample_shape is not None
        inner = 9 * (self.depth - 2) * self.channels**2
        outer = (TAPS + 9 * self.scale**2) * self.channels
        return math.prod(shapes.sample_shape) * (inner + outer + TAPS * self.scale**2)
