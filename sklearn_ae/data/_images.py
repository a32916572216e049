"""Images: arrays with or without channels, torch tensors, flat rows, and lists of any sizes."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_ae.data._accepted import check_cells
from sklearn_ae.data._arrays import as_numpy
from sklearn_ae.data._containers import Container
from sklearn_ae.data._input_adapter import InputAdapter, Wrapper, places
from sklearn_ae.data._pixel_range import PixelRange
from sklearn_ae.data._ragged import Ragged
from sklearn_ae.data._table_reading import read_numbers

# Ranges that integers of a wider type are taken to have.
_RANGES = (1, 255, 65_535)
# Numbers of channels that an array may have first, before height and width beyond the largest.
_FIRST = (1, 3, 4)


class _ImageForm:
    """The form of some images: array, tensor, list or rows; with channels or without; type.

    Parameters
    ----------
    kind : {"array", "tensor", "list"}
        What holds the images.
    with_channels : list of bool
        Whether the shape of an image names the channels; one entry if all are alike.
    dtype : numpy dtype
        Type of the pixels.
    unit : float
        What a 1 of the network stands for.
    sample_shape : tuple of int
        Height, width and channels of images of one size.
    channels_first : bool
        Whether the channels, where a shape names them, are its first axis.
    """

    def __init__(
        self,
        kind: str,
        with_channels: list[bool],
        dtype: np.dtype,
        unit: float,
        sample_shape: tuple[int, ...],
        channels_first: bool,
    ) -> None:
        self.kind = kind
        self.with_channels = with_channels
        self.dtype = dtype.str
        self.unit = unit
        self.sample_shape = sample_shape
        self.channels_first = channels_first

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A state that does not say is of tensors with channels first or of arrays with them last.
        vars(self).update({"channels_first": state["kind"] == "tensor", **state})

    def wrap(self, values: Any, like: Any = None) -> Any:
        """Return images of this form, in its type and range."""
        return self._shaped(values, in_units=True)

    def wrap_errors(self, values: Any, like: Any = None) -> Any:
        """Return a float64 number for each pixel in this form."""
        return self._shaped(values, in_units=False)

    def _shaped(self, values: Any, *, in_units: bool) -> Any:
        ragged = isinstance(values, Ragged)
        images = values.arrays() if ragged else values.reshape(-1, *self.sample_shape)
        convert = self._in_units if in_units else _as_is
        if self.kind == "list":
            channels = self.with_channels
            if len(channels) != len(images):
                channels = channels[:1] * len(images)
            pairs = zip(images, channels, strict=True)
            return [convert(self._ordered(image, named)) for image, named in pairs]
        out = convert(self._ordered(np.asarray(images), self.with_channels[0]))
        return torch.from_numpy(out) if self.kind == "tensor" else out

    def _ordered(self, images: NDArray, named: bool) -> NDArray:
        """Put the channels of images where the shape names them, if it does."""
        if named and not self.channels_first:
            return images
        return np.ascontiguousarray(np.moveaxis(images, -1, -3) if named else images[..., 0])

    def _in_units(self, image: NDArray) -> NDArray:
        return to_type(image * self.unit, np.dtype(self.dtype))


class _FlatForm:
    """Images as rows of a matrix or frame."""

    def __init__(self, container: Container, dtype: np.dtype, unit: float, typed: bool) -> None:
        self.container = container
        self.dtype = dtype.str if typed else None
        self.unit = unit

    def wrap(self, values: NDArray, like: Any = None) -> Any:
        """Return rows, in the type and range of X."""
        values = values * self.unit if self.unit != 1.0 else values
        if self.dtype is not None:
            values = to_type(values, np.dtype(self.dtype))
        return self.container.wrap(values, like)

    def wrap_errors(self, values: NDArray, like: Any = None) -> Any:
        """Return a float64 number for each pixel."""
        return self.container.wrap(values, like)


class Images(InputAdapter):
    """Images as flat rows of pixels, whose channels vary fastest.

    Integers are divided by the largest value of their range, so that they lie in [0, 1].

    Parameters
    ----------
    image_shape : tuple of int, default=None
        Height, width and, if there are any, channels of images, where X does not say so.
        Without it, flat rows are images of height 1.
    """

    sparse = False
    missing = False
    seen: PixelRange | None = None

    def __init__(self, image_shape: tuple[int, ...] | None = None) -> None:
        self.image_shape = image_shape
        self.unit = 1.0

    def fit(self, X: Any, n_channels: int | None = None) -> Images:
        """Note sizes, type and range.

        Parameters
        ----------
        X : array, tensor, list or frame
            What a user passed.
        n_channels : int, optional
            Number of channels, where it is known.
        """
        if self.image_shape is not None:
            n_channels = _checked_shape(self.image_shape)[2]
        images, _ = as_images(X, n_channels)
        if images is None:
            self.sample_shape = self._flat_shape(X)
            self.ragged = False
            if self.image_shape is not None:
                cells = X if hasattr(X, "dtype") else np.asarray(read_numbers(X))
                self.unit = _unit(_dtype(cells), cells)
            return self
        first = images[0]
        sizes = np.array([i.shape[:2] for i in images[: len(images) if _is_list(images) else 1]])
        self.ragged = bool((sizes != sizes[0]).any())
        size = np.median(sizes, axis=0).astype(int)
        self.sample_shape = (*(int(s) for s in size), first.shape[2])
        self._check_shape()
        self.unit = _unit(first.dtype, images)
        return self

    def rows(self, X: Any) -> Any:
        """Return flat rows, or `Ragged` where sizes differed in fit."""
        assert self.sample_shape is not None
        images, _ = as_images(X, self.sample_shape[2])
        if images is None:
            if self.ragged:
                raise ValueError(
                    f"X holds rows, of shape {shape_of(X)}, but fit saw images of different "
                    "sizes; pass a list of images."
                )
            return read_numbers(X, missing=False)
        channels = images[0].shape[2]
        if channels != self.sample_shape[2]:
            raise ValueError(
                f"X holds images of {channels} channels, but {self.sample_shape[2]} in fit; "
                "convert them to the same channels."
            )
        if self.ragged:
            return Ragged.of([_floating(i) for i in images])
        for i, image in enumerate(images if isinstance(images, list) else images[:1]):
            if image.shape[:2] != self.sample_shape[:2]:
                raise ValueError(
                    f"Image {i} of X has size {image.shape[:2]}, but all images had size "
                    f"{self.sample_shape[:2]} in fit; resize it, or fit with a list of images of "
                    "different sizes."
                )
        stacked = _floating(np.asarray(images))
        return stacked.reshape(len(stacked), -1)

    def named(self, X: Any) -> Any:
        """Return what holds the names of the features, with a column for each."""
        found = self.rows(X)
        return found.cells if isinstance(found, Ragged) else found

    def note(self, values: Any, X: Any) -> None:
        """Note the range of the pixels, but not of the columns of a matrix without a shape."""
        if self.image_shape is not None or as_images(X)[0] is not None:
            self.seen = PixelRange(_cells(values), _pixel_type(X))

    def compare(self, values: Any, X: Any) -> None:
        """Warn once if pixels are clearly in another unit than those of fit."""
        if self.seen is not None:
            self.seen.compare(_cells(values), _pixel_type(X))

    def scale(self, values: Any) -> Any:
        """Return checked rows in the network's range."""
        return values if self.unit == 1.0 else values / values.dtype.type(self.unit)

    def described(
        self,
        X: Any,
        values: Any,
        row: list[int],
        column: list[int],
        observed: NDArray,
        expected: NDArray,
    ) -> list[list]:
        """Return where pixels are, what they hold and what was expected there, in X's range."""
        assert self.sample_shape is not None
        labels = places(values, self.sample_shape, row, column)
        held = observed * self.unit
        # Whole numbers that were divided are near to whole ones when they are multiplied again.
        whole = np.rint(held)
        near = (np.abs(held - whole) < 1e-6 * self.unit) & (self.unit != 1.0)
        return [labels, np.where(near, whole, held).tolist(), (expected * self.unit).tolist()]

    def container(self, X: Any) -> Wrapper:
        """Return what puts rows into the form of X."""
        assert self.sample_shape is not None
        images, channels_first = as_images(X, self.sample_shape[2])
        if images is None:
            dtype = _dtype(X)
            are_pixels = self.image_shape is not None or self.unit != 1.0
            typed = are_pixels and dtype.kind in "iub"
            return _FlatForm(Container.of(X), dtype, self.unit, typed)
        kind = "tensor" if torch.is_tensor(X) else "list" if isinstance(images, list) else "array"
        shapes = [np.ndim(i) for i in X] if kind == "list" else [np.ndim(X) - 1]
        with_channels = [ndim == 3 for ndim in shapes]
        if len(set(with_channels)) == 1:
            with_channels = with_channels[:1]
        return _ImageForm(
            kind, with_channels, images[0].dtype, self.unit, self.sample_shape, channels_first
        )

    def axes(self, X: Any) -> tuple[int, ...] | None:
        """Return the axes of X with the channels last, None where they are."""
        assert self.sample_shape is not None
        _, channels_first = as_images(X, self.sample_shape[2])
        return (0, 2, 3, 1) if channels_first else None

    def sizes(self, lengths: Any, n_rows: int) -> NDArray | None:
        """Return the sizes of images to decode: those given, or that of a typical image."""
        assert self.sample_shape is not None
        if not self.ragged:
            return super().sizes(lengths, n_rows)
        if lengths is None:
            return np.tile(np.array(self.sample_shape[:2]), (n_rows, 1))
        sizes = np.asarray(lengths)
        if sizes.shape != (n_rows, 2) or sizes.dtype.kind not in "iu" or sizes.min() < 1:
            raise ValueError(
                f"lengths={lengths!r:.60} must hold the height and width of each of {n_rows} "
                "images, integers of at least 1."
            )
        return sizes

    def _flat_shape(self, X: Any) -> tuple[int, ...]:
        shape = shape_of(X)
        n_columns = shape[1] if len(shape) == 2 else 1
        if self.image_shape is None:
            return (1, n_columns, 1)
        shape = _checked_shape(self.image_shape)
        if math.prod(shape) != n_columns:
            raise ValueError(
                f"image_shape={self.image_shape!r} has {math.prod(shape)} pixels times channels, "
                f"but X has {n_columns} columns; pass (height, width) or (height, width, "
                "channels) of the images that the rows hold."
            )
        return shape

    def _check_shape(self) -> None:
        if self.image_shape is None:
            return
        shape = _checked_shape(self.image_shape)
        if self.ragged or shape != self.sample_shape:
            raise ValueError(
                f"image_shape={self.image_shape!r} is given, but X holds images of shape "
                f"{'different sizes' if self.ragged else self.sample_shape}; leave image_shape "
                "out, or pass their height, width and channels."
            )


def as_images(X: Any, n_channels: int | None = None) -> tuple[Any, bool]:
    """Return images with channels last, and whether they had them first.

    Tensors have channels first, and so have arrays whose shape says so: 1, 3 or 4 channels
    before a height and a width of more than 4 pixels. Where the number of channels is known and
    only the other end of the shape has it, they are there.

    Parameters
    ----------
    X : array, tensor, list or frame
        What a user passed.
    n_channels : int, optional
        Number of channels, where it is known.

    Returns
    -------
    images : ndarray of shape (n, height, width, n_channels), list of arrays or None
        The images; None for a matrix.
    channels_first : bool
        Whether the channels were the first axis of an image.
    """
    is_tensor = torch.is_tensor(X)
    X = as_numpy(X) if is_tensor else X
    is_list = isinstance(X, list | tuple) or (
        isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    )
    if is_list and not len(X):
        raise ValueError("X is empty; pass at least one image.")
    if is_list and (np.ndim(X[0]) in (2, 3) or hasattr(X[0], "ndim")):
        for i, image in enumerate(X):
            check_cells(image, f"Image {i} of X")
        arrays = [np.asarray(as_numpy(image)) for image in X]
        shapes = [image.shape for image in arrays if image.ndim == 3]
        first = _channels_first(shapes, torch.is_tensor(X[0]), n_channels)
        moved = [np.moveaxis(i, 0, -1) if first and i.ndim == 3 else i for i in arrays]
        return _listed(moved), first
    if not isinstance(X, np.ndarray) or X.ndim not in (3, 4):
        return None, False
    if not len(X):
        raise ValueError(f"Found array with 0 sample(s) (shape={X.shape}) for X; pass images.")
    if 0 in X.shape[1:]:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={X.shape}); images need at least one pixel and "
            "one channel."
        )
    if X.ndim == 3:
        return X[..., None], False
    first = _channels_first([X.shape[1:]], is_tensor, n_channels)
    return np.moveaxis(X, 1, -1) if first else X, first


def _channels_first(
    shapes: list[tuple[int, ...]], are_tensors: bool, n_channels: int | None
) -> bool:
    """Whether the first of three axes is that of the channels."""
    if not shapes:
        return False
    first, height, last = np.array(shapes).T
    if n_channels is None:
        alike = first[0] in _FIRST and (first == first[0]).all()
        return are_tensors or bool(alike and min(height.max(), last.max()) > max(_FIRST))
    is_first, is_last = bool((first == n_channels).all()), bool((last == n_channels).all())
    return is_first if is_first != is_last else are_tensors


def _listed(arrays: list[NDArray]) -> list[NDArray]:
    images: list[NDArray] = []
    for i, pixels in enumerate(arrays):
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        if pixels.ndim != 3 or 0 in pixels.shape:
            raise ValueError(
                f"Image {i} of X has shape {pixels.shape}; pass arrays of shape (height, width) "
                "or (height, width, channels) with at least one pixel."
            )
        if images and pixels.shape[2] != images[0].shape[2]:
            raise ValueError(
                f"Image {i} of X has {pixels.shape[2]} channels, but image 0 has "
                f"{images[0].shape[2]}; convert them to the same channels."
            )
        images.append(pixels)
    return images


def to_type(values: NDArray, dtype: np.dtype) -> NDArray:
    """Return values in a type, rounded and clipped to its range if it is of integers."""
    if dtype.kind == "b":
        return values >= 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.clip(np.rint(values), info.min, info.max).astype(dtype)
    return values.astype(dtype, copy=False) if dtype.kind == "f" else values


def _is_list(images: Any) -> bool:
    return isinstance(images, list)


def _as_is(values: NDArray) -> NDArray:
    return values


def _checked_shape(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(image_shape) not in (2, 3) or any(
        isinstance(s, bool) or not isinstance(s, Integral) or s < 1 for s in image_shape
    ):
        raise ValueError(
            f"image_shape={image_shape!r} must hold two or three integers of at least 1: height, "
            "width and, if there are any, channels."
        )
    shape = tuple(int(s) for s in image_shape)
    return shape if len(shape) == 3 else (*shape, 1)


def _floating(images: NDArray) -> NDArray:
    """Return pixels as float64 if they are, otherwise float32, which holds a pixel exactly."""
    check_real(images)
    if images.dtype == np.float64 or (images.dtype.kind in "iu" and images.dtype.itemsize > 2):
        return images.astype(np.float64, copy=False)
    return images.astype(np.float32, copy=False)


def check_real(values: NDArray) -> None:
    """Raise if values are complex numbers."""
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported\nX holds complex numbers; pass real ones.")


def shape_of(X: Any) -> tuple[int, ...]:
    """Return the shape of an array, frame or nested list."""
    shape = getattr(X, "shape", None)
    return tuple(np.asarray(X).shape if shape is None else shape)


def _dtype(X: Any) -> np.dtype:
    dtype = getattr(X, "dtype", None)  # a frame has one a column
    return dtype if isinstance(dtype, np.dtype) else np.asarray(read_numbers(X)).dtype


def _pixel_type(X: Any) -> np.dtype:
    images, _ = as_images(X)
    return _dtype(X) if images is None else images[0].dtype


def _cells(values: Any) -> NDArray:
    return values.cells if isinstance(values, Ragged) else values


def _unit(dtype: np.dtype, X: Any) -> float:
    """Return the largest value of the range of integers; 1 for other numbers."""
    if dtype.kind not in "iu":
        return 1.0
    if dtype in (np.uint8, np.uint16):
        return float(np.iinfo(dtype).max)
    largest = max(int(np.max(image)) for image in X) if isinstance(X, list) else int(np.max(X))
    return float(next((r for r in _RANGES if largest <= r), largest))
