"""Random movements of training images, the same for an image and its target."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Generator, Tensor
from torch.nn import functional as F

from sklearn_ae.data import Batch, ColumnScaling


class Augmentation(BaseEstimator):
    """Shift, flip, rotate and crop training images at random, anew in each batch.

    Pixels from outside the image repeat its border. Whole shifts and flips move pixels as
    they are; rotations and crops interpolate.

    Parameters
    ----------
    shift : float in [0, 1), default=0.05
        Largest shift along each axis, as a share of height or width.
    flip : {"horizontal", "vertical", "both"}, default=None
        Mirror images with probability one half.
    rotation : float in [0, 180], default=0.0
        Largest rotation to either side, in degrees.
    crop : float in [0, 1), default=0.0
        Largest share of height and width that is cut away before the rest is enlarged.

    Examples
    --------
    >>> from sklearn_ae import Augmentation, ConvolutionalAutoencoder
    >>> autoencoder = ConvolutionalAutoencoder(augment=Augmentation(shift=0.1, rotation=10))
    """

    _parameter_constraints: dict = {
        "shift": [Interval(Real, 0, 1, closed="left")],
        "flip": [StrOptions({"horizontal", "vertical", "both"}), None],
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

    def bind(
        self, scalings: tuple[ColumnScaling, ColumnScaling], grid: tuple[int, ...]
    ) -> Callable[[Batch, Generator], Batch]:
        """Return a function that moves the images of a batch and their targets."""
        return _BatchAugmentation(self, scalings, grid)

    def move(self, images: Tensor, generator: Generator) -> Tensor:
        """Return images of shape (n, n_channels, height, width), moved at random."""
        n = len(images)
        size = images.new_tensor(images.shape[:1:-1])  # width, height
        draw = images.new_empty(n, 6).uniform_(-1, 1, generator=generator)
        shift = draw[:, :2] * self.shift
        if not (self.rotation or self.crop):
            shift = (shift * size).round() / size  # whole pixels stay as they are
        angle = draw[:, 2] * math.radians(self.rotation)
        zoom = 1 - self.crop * (draw[:, 3] + 1) / 2
        mirror = torch.ones_like(draw[:, :2])
        for axis, name in enumerate(("horizontal", "vertical")):
            if self.flip in (name, "both"):
                mirror[:, axis] = torch.where(draw[:, 4 + axis] < 0, -1.0, 1.0)
        aspect = size[0] / size[1]
        cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        rows = [
            torch.stack([cosine * mirror[:, 0], -sine / aspect * mirror[:, 1], 2 * shift[:, 0]], 1),
            torch.stack([sine * aspect * mirror[:, 0], cosine * mirror[:, 1], 2 * shift[:, 1]], 1),
        ]
        where = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
        return F.grid_sample(images, where, padding_mode="border", align_corners=False)


class _BatchAugmentation:
    """Moves the images of a batch, in the units of their pixels, and their targets alike.

    Parameters
    ----------
    augmentation : Augmentation
        Moves images.
    scalings : pair of ColumnScaling
        Column scales of the images and of their targets.
    grid : tuple of int
        Height, width and channels of images that are flat rows.
    """

    def __init__(
        self,
        augmentation: Augmentation,
        scalings: tuple[ColumnScaling, ColumnScaling],
        grid: tuple[int, ...],
    ) -> None:
        self.augmentation = augmentation
        self.units = [
            (torch.from_numpy(s.mean).float(), torch.from_numpy(s.scale).float()) for s in scalings
        ]
        self.grid = grid

    def __call__(self, batch: Batch, generator: Generator) -> Batch:
        """Return the batch with its images moved."""
        parts = [batch.x] if batch.target is None else [batch.x, batch.target]
        images = torch.cat([self._pixels(x, i) for i, x in enumerate(parts)], dim=1)
        moved = self.augmentation.move(images, generator).chunk(len(parts), dim=1)
        x = self._standardized(moved[0], batch.x, 0)
        if batch.target is None:
            return batch._replace(x=x)
        return batch._replace(x=x, target=self._standardized(moved[1], batch.target, 1))

    def _pixels(self, x: Tensor, i: int) -> Tensor:
        mean, scale = (u.to(x) for u in self.units[i])
        pixels = x * scale + mean
        if x.ndim == 2:
            pixels = pixels.reshape(-1, *self.grid)
        return pixels.movedim(-1, 1)

    def _standardized(self, images: Tensor, like: Tensor, i: int) -> Tensor:
        mean, scale = (u.to(like) for u in self.units[i])
        pixels = images.movedim(1, -1).reshape(like.shape)
        return (pixels - mean) / torch.where(scale > 0, scale, torch.inf)
