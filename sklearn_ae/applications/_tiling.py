"""Reading images of any sizes, and cutting them into tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from sklearn_ae.data import Images, Ragged, as_images, check_accepted

_DTYPES = (np.float64, np.float32)
# Height and width of the tiles of the low resolution on which the network is trained.
_TILE = 32


class AnySize(Images):
    """Images whose sizes are not fixed by the first ones seen."""

    def fit(self, X: Any, n_channels: int | None = None) -> AnySize:
        """Note the range, and keep sizes free."""
        super().fit(X, n_channels)
        self.ragged = True
        return self


def adapter_of(X: Any, name: str, n_channels: int | None = None) -> AnySize:
    """Return what reads images, of a number of channels if it is known, or raise without any."""
    check_accepted(X, name)
    if as_images(X)[0] is None:
        shape = tuple(X.shape) if hasattr(X, "shape") else f"of a {type(X).__name__}"
        raise ValueError(
            f"{name} holds no images, but has shape {shape}; pass an array of shape (n, height, "
            "width), (n, height, width, n_channels) or (n, n_channels, height, width), a tensor of "
            "the latter shape, or a list of images."
        )
    return AnySize().fit(X, n_channels)


@np.errstate(invalid="ignore")  # scikit-learn adds up the cells, past infinity both ways
def read_images(adapter: AnySize, X: Any, name: str) -> Ragged:
    """Return finite images, integers in [0, 1]."""
    images = adapter.rows(X)
    cells = check_array(images.cells, dtype=_DTYPES, input_name=name)
    return Ragged(adapter.scale(cells), images.sizes)


def cut_to(images: Ragged, scale: int) -> Ragged:
    """Cut images at the lower and right border, so that scale divides their sizes."""
    sizes = images.sizes // scale * scale
    if (sizes == images.sizes).all():
        return images
    empty = np.flatnonzero((sizes == 0).any(axis=1))
    if len(empty):
        size = tuple(map(int, images.sizes[empty[0]]))
        raise ValueError(
            f"Image {empty[0]} of X has size {size}, less than scale={scale}; leave it out, or use "
            "a smaller scale."
        )
    pairs = zip(images.arrays(), sizes, strict=True)
    return Ragged.of([image[:height, :width] for image, (height, width) in pairs])


def fold_pixels(image: NDArray, scale: int) -> NDArray:
    """Put the pixels of each square of scale times scale into channels of one pixel."""
    height, width, n_channels = image.shape
    squares = image.reshape(height // scale, scale, width // scale, scale, n_channels)
    return squares.transpose(0, 2, 4, 1, 3).reshape(height // scale, width // scale, -1)


def tiles_of(size: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Yield tiles that cover an image, of one size each and evenly spaced."""
    height, width = size
    for top in _places(height):
        for left in _places(width):
            yield slice(top, top + _TILE), slice(left, left + _TILE)


def _places(length: int) -> NDArray[np.intp]:
    last = max(0, length - _TILE)
    return np.linspace(0, last, -(-length // _TILE)).round().astype(np.intp)


def window(number: int, length: int, side: int, radius: int) -> tuple[tuple[slice, slice], slice]:
    """Return where a block of a side reads and writes, and which of what it reads is its own."""
    start, stop = number * side, min(length, (number + 1) * side)
    first, last = max(0, start - radius), min(length, stop + radius)
    return (slice(first, last), slice(start, stop)), slice(start - first, stop - first)
