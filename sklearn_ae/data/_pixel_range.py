"""Whether pixels are in the unit of those that `fit` saw."""

from __future__ import annotations

import threading
import warnings
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

# How many times larger the largest pixel is in another unit, at least.
_FAR = 10
# Pixels that a median is taken of.
_SAMPLE = 1_000_003


class OtherRangeWarning(UserWarning):
    """Images have another range of pixels than in `fit`, as if in another unit.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ae import ConvolutionalAutoencoder, OtherRangeWarning
    >>> images = load_digits().images[:50] / 16  # from 0 to 1
    >>> autoencoder = ConvolutionalAutoencoder(2, max_iter=0).fit(images)
    >>> with warnings.catch_warnings(action="error", category=OtherRangeWarning):
    ...     codes = autoencoder.transform(255 * images)
    Traceback (most recent call last):
        ...
    sklearn_ae...OtherRangeWarning: X holds pixels from 0 to 255 ...
    """


class PixelRange:
    """Range, usual magnitude and type of the pixels of some images.

    Parameters
    ----------
    pixels : ndarray
        At least one finite pixel.
    dtype : numpy dtype
        Their type as a user gave them.
    """

    def __init__(self, pixels: NDArray, dtype: np.dtype) -> None:
        self.lowest, self.highest = float(pixels.min()), float(pixels.max())
        self.usual = _usual(pixels)
        self.dtype = dtype.name

    def compare(self, pixels: NDArray, dtype: np.dtype) -> None:
        """Warn if other pixels are clearly in another unit, the first time for this range.

        They are if their largest magnitude is more than ten times that of this range, and the
        median of those that are not zero exceeds it too; or the other way round, if they cannot
        be larger: because of their type, or as floats that do not exceed 1. Some bright pixels
        are in the same unit, and so are dark images.
        """
        lowest, highest = float(pixels.min()), float(pixels.max())
        own, other = _largest(self.lowest, self.highest), _largest(lowest, highest)
        larger = other > _FAR * own > 0 and _usual(pixels) > own
        smaller = own > _FAR * _end(other, dtype) and self.usual > other > 0
        if (larger or smaller) and _first(self):
            warnings.warn(
                f"X holds pixels from {lowest:g} to {highest:g} ({dtype.name}), but fit saw pixels "
                f"from {self.lowest:g} to {self.highest:g} ({self.dtype}); they are taken to be in "
                "the unit of fit, which seems to be another. Bring X to the range of fit, or fit "
                "to images of this range. This is said once for each fit.",
                OtherRangeWarning,
                stacklevel=2,
            )


# What has warned is no part of a fitted estimator, which no call changes.
_warned: WeakSet[PixelRange] = WeakSet()
_LOCK = threading.Lock()


def _first(pixel_range: PixelRange) -> bool:
    with _LOCK:
        first = pixel_range not in _warned
        _warned.add(pixel_range)
    return first


def _largest(lowest: float, highest: float) -> float:
    return max(-lowest, highest)


def _end(largest: float, dtype: np.dtype) -> float:
    """Return the end of the range of pixels: of their type, or of floats up to 1."""
    if dtype.kind in "iu":
        return float(np.iinfo(dtype).max)
    return 1.0 if largest <= 1 else np.inf


def _usual(pixels: NDArray) -> float:
    """Return the median magnitude of some evenly spaced pixels that are not zero."""
    flat = pixels.reshape(-1)
    if len(flat) > _SAMPLE:
        flat = flat[np.linspace(0, len(flat) - 1, _SAMPLE).astype(np.intp)]
    magnitudes = np.abs(flat[flat != 0].astype(np.float64))
    return float(np.median(magnitudes)) if len(magnitudes) else 0.0
