"""Random movements of training images, the same for an image and its target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from numbers import Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Generator, Tensor
from torch.nn import functional as F

from sklearn_ae.data import Batch, ColumnScaling
from sklearn_ae.runtime import NamesParameters

Move = Callable[[Tensor], Tensor]


def mean_over_moves(moves: Sequence[Move], function: Move, x: Tensor) -> Tensor:
    """Return the mean of what all moves of x become under a function, each moved back.

    Parameters
    ----------
    moves : sequence of callable
        Moves, each its own inverse, of x and of what the function returns.
    function : callable
        What is averaged.
    x : Tensor
        Its argument.
    """
    total = x.new_zeros(())
    for draws in product((False, True), repeat=len(moves)):
        chosen = [move for move, drawn in zip(moves, draws, strict=True) if drawn]
        found = function(reduce(lambda t, move: move(t), chosen, x))
        total = total + reduce(lambda t, move: move(t), reversed(chosen), found)
    return total / 2 ** len(moves)


class Augmentation(NamesParameters):
    """Shift, flip, rotate and crop training images at random, anew in each batch.

    Pixels from outside the image repeat its border. Whole shifts and flips move pixels as
    they are; rotations and crops interpolate. A network that restores images in their full
    size averages over the mirror images that `flip` drew in training.

    Parameters
    ----------
    shift : float in [0, 1), default=0.05
        Largest shift along each axis, as a share of height or width.
    flip : {"horizontal", "vertical", "both", "all"}, default=None
        Mirror images with probability one half: left and right, top and bottom, both apart
        from each other, or "all", with square images mirrored at their diagonal as well,
        which makes all turns by right angles.
    rotation : float in [0, 180], default=0.0
        Largest rotation to either side, in degrees.
    crop : float in [0, 1), default=0.0
        Largest share of height and width that is cut away before the rest is enlarged.

    Examples
    --------
    >>> from sklearn_ae import Augmentation, ConvolutionalAutoencoder
    >>> autoencoder = ConvolutionalAutoencoder(augment=Augmentation(shift=0.1, rotation=10))

    Of eight equal images, some are mirrored:

    >>> import torch
    >>> images = torch.tensor([1.0, 2.0, 3.0]).expand(8, 1, 1, 3)
    >>> mirror = Augmentation(shift=0.0, flip="horizontal")
    >>> moved = mirror.move(images, torch.Generator().manual_seed(0))
    >>> moved.flatten(1).unique(dim=0)
    tensor([[1., 2., 3.],
            [3., 2., 1.]])
    """

    _parameter_constraints: dict = {
        "shift": [Interval(Real, 0, 1, closed="left")],
        "flip": [StrOptions({"horizontal", "vertical", "both", "all"}), None],
        "rotation": [Interval(Real, 0, 180, closed="both")],
        "crop": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        shift: float = 0.05,
        flip: str | None = None,
        rotation: float = 0.0,
        crop: float = 0.0,
    ) -> None:
        self.shift = shift
        self.flip = flip
        self.rotation = rotation
        self.crop = crop

    def mirrors(self, *, square: bool) -> list[Move]:
        """Return the flips of images of shape (n, n_channels, height, width).

        Parameters
        ----------
        square : bool
            Whether the images may be mirrored at their diagonal.
        """
        moves: list[Move] = []
        if self.flip in ("horizontal", "both", "all"):
            moves.append(_left_to_right)
        if self.flip in ("vertical", "both", "all"):
            moves.append(_upside_down)
        if self.flip == "all" and square:
            moves.append(_rows_to_columns)
        return moves

    def bind(
        self, scalings: tuple[ColumnScaling, ColumnScaling], sample_shape: tuple[int, ...]
    ) -> Callable[[Batch, Generator], Batch]:
        """Return a function that moves the images of a batch and their targets."""
        return _BatchAugmentation(self, scalings, sample_shape)

    def move(self, images: Tensor, generator: Generator) -> Tensor:
        """Return images of shape (n, n_channels, height, width), moved at random."""
        n = len(images)
        if self.flip == "all" and images.shape[2] == images.shape[3]:
            mirrored = images.new_empty(n, 1, 1, 1).uniform_(generator=generator) < 0.5
            images = torch.where(mirrored, images.transpose(2, 3), images)
        size = images.new_tensor(images.shape[:1:-1])  # width, height
        draw = images.new_empty(n, 6).uniform_(-1, 1, generator=generator)
        shift = draw[:, :2] * self.shift
        if not (self.rotation or self.crop):
            shift = (shift * size).round() / size  # whole pixels stay as they are
        angle = draw[:, 2] * math.radians(self.rotation)
        zoom = 1 - self.crop * (draw[:, 3] + 1) / 2
        mirror = torch.ones_like(draw[:, :2])
        for axis, name in enumerate(("horizontal", "vertical")):
            if self.flip in (name, "both", "all"):
                mirror[:, axis] = torch.where(draw[:, 4 + axis] < 0, -1.0, 1.0)
        aspect = size[0] / size[1]
        cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        rows = [
            torch.stack([cosine * mirror[:, 0], -sine / aspect * mirror[:, 1], 2 * shift[:, 0]], 1),
            torch.stack([sine * aspect * mirror[:, 0], cosine * mirror[:, 1], 2 * shift[:, 1]], 1),
        ]
        where = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
        return F.grid_sample(images, where, padding_mode="border", align_corners=False)


def _left_to_right(images: Tensor) -> Tensor:
    return images.flip(3)


def _upside_down(images: Tensor) -> Tensor:
    return images.flip(2)


def _rows_to_columns(images: Tensor) -> Tensor:
    return images.transpose(2, 3)


class _BatchAugmentation:
    """Moves the images of a batch, in the units of their pixels, and their targets alike.

    Parameters
    ----------
    augmentation : Augmentation
        Moves images.
    scalings : pair of ColumnScaling
        Column scales of the images and of their targets.
    sample_shape : tuple of int
        Height, width and channels of images that are flat rows.
    """

    def __init__(
        self,
        augmentation: Augmentation,
        scalings: tuple[ColumnScaling, ColumnScaling],
        sample_shape: tuple[int, ...],
    ) -> None:
        self.augmentation = augmentation
        self.units = [
            (torch.from_numpy(s.mean).float(), torch.from_numpy(s.scale).float()) for s in scalings
        ]
        self.sample_shape = sample_shape

    def __call__(self, batch: Batch, generator: Generator) -> Batch:
        """Return the batch with its images moved."""
        parts = [batch.x] if batch.target is None else [batch.x, batch.target]
        images = torch.cat([self._pixels(x, i) for i, x in enumerate(parts)], dim=1)
        moved = self.augmentation.move(images, generator).chunk(len(parts), dim=1)
        x = self._standardized(moved[0], batch.x, 0)
        if batch.target is None:
            return batch.replace(x=x)
        return batch.replace(x=x, target=self._standardized(moved[1], batch.target, 1))

    def _pixels(self, x: Tensor, i: int) -> Tensor:
        mean, scale = (u.to(x) for u in self.units[i])
        pixels = x * scale + mean
        if x.ndim == 2:
            pixels = pixels.reshape(-1, *self.sample_shape)
        return pixels.movedim(-1, 1)

    def _standardized(self, images: Tensor, like: Tensor, i: int) -> Tensor:
        mean, scale = (u.to(like) for u in self.units[i])
        pixels = images.movedim(1, -1).reshape(like.shape)
        return (pixels - mean) / torch.where(scale > 0, scale, torch.inf)
