"""What problems of images share: rows, patches and a measure."""

from collections.abc import Iterable, Iterator

import numpy as np
from sklearn.model_selection import train_test_split

from benchmarks import data
from benchmarks.problems import _base

MNIST = "images/mnist_5k"
DATA = [MNIST, *data.PHOTOGRAPHS]
# Luminance of red, green and blue, as in ITU-R BT.709.
GRAY = np.array([0.2125, 0.7154, 0.0721], dtype=np.float32)


def cells(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells of a problem without a width as (data, k, seed, library); k is 0."""
    return _base.cells(data_names, libraries, seeds, widths=lambda name: [0])


def split(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Load images and hold a fifth of them out.

    Parameters
    ----------
    name : str
        Name of an archive of images.
    seed : int
        Seed of the split.

    Returns
    -------
    train, test : ndarray of shape (n_images, height, width)
        Float32 in [0, 1].
    """
    train, test = train_test_split(data.images(name), test_size=0.2, random_state=seed)
    return train, test


def split_or_patches(
    name: str, seed: int, *, side: int, n_train: int, n_test: int, gray: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Load images, or draw the patches of one photograph and those of the other.

    Parameters
    ----------
    name : str
        Name of an archive, or of the photograph that is held out.
    seed : int
        Seed of the split or of the patches.
    side : int
        Height and width of a patch.
    n_train, n_test : int
        Numbers of patches.
    gray : bool
        Whether patches have one channel.

    Returns
    -------
    train, test : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
        Float32 in [0, 1].
    """
    if name not in data.PHOTOGRAPHS:
        return split(name, seed)
    (other,) = (known for known in data.PHOTOGRAPHS if known != name)
    rng = np.random.default_rng(seed)
    train, test = (
        patches(data.images(photograph), side, n, rng)
        for photograph, n in ((other, n_train), (name, n_test))
    )
    return (train @ GRAY, test @ GRAY) if gray else (train, test)


def patches(photograph: np.ndarray, side: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw square patches, which may overlap.

    Parameters
    ----------
    photograph : ndarray of shape (height, width, 3)
        Where to draw from.
    side : int
        Height and width of a patch.
    n : int
        Number of patches.
    rng : Generator
        Draws the places.

    Returns
    -------
    patches : ndarray of shape (n, side, side, 3)
    """
    windows = np.lib.stride_tricks.sliding_window_view(photograph, (side, side), axis=(0, 1))
    rows, columns = (rng.integers(size, size=n) for size in windows.shape[:2])
    return np.ascontiguousarray(np.moveaxis(windows[rows, columns], 1, -1))


def sizes(train: np.ndarray, test: np.ndarray) -> dict[str, int]:
    """Return the sizes that a row of the results holds; `p` is the numbers in an image."""
    return {"n_train": len(train), "n_test": len(test), "p": train[0].size}


def psnr(images: np.ndarray, restored: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio over all pixels of all images.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, n_channels)
        What was to be restored, in [0, 1].
    restored : ndarray of the same shape
        What a library gave; clipped to [0, 1].

    Returns
    -------
    psnr : float
        In dB, for a range of 1.
    """
    restored = _base.finite(restored, images.shape, "image").clip(0, 1)
    return round(float(-10 * np.log10(np.mean((restored - images) ** 2))), 6)
