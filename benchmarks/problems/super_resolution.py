"""Images of twice the height and width from small ones.

Held-out images in [0, 1] are halved by antialiased bicubic interpolation, which every library then
gets. ``psnr`` is the peak signal-to-noise ratio in dB over all pixels of all held-out images, for a
range of 1; what a library gives is clipped to [0, 1]. ``images/mnist_5k`` is split 80/20. The
photographs are cut into patches of 32 x 32 pixels in colour: ``images/china`` has 500 patches of
that photograph held out and is trained on 2,000 patches of the other, ``images/flower`` the other
way round. ``bicubic`` learns nothing. There is no k, which the results write as 0.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import plot as pictures
from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base, _images
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

SCALE = 2
SIDE = 32
N_TRAIN = 2000
N_TEST = 500
# What ours has to be above bicubic interpolation, in dB.
MARGIN = 1.0


class _Bicubic:
    def predict(self, X: np.ndarray) -> np.ndarray:
        return resize(X, SCALE).clip(0, 1)


class BicubicRival(Rival):
    """`torch.nn.functional.interpolate` with ``mode="bicubic"``."""

    distribution = "torch"
    module = "torch"

    def fit(  # type: ignore[override]
        self, X: np.ndarray, k: int, seed: int
    ) -> _Bicubic:
        """Return the interpolation; there is nothing to fit."""
        return _Bicubic()


METRICS = ["psnr"]
LIBRARIES = ["bicubic", "sklearn_ae"]
RIVALS = {
    "bicubic": BicubicRival(),
    "sklearn_ae": SklearnAERival("SuperResolver", scale=SCALE),
}
LABELS = {"bicubic": "bicubic", "sklearn_ae": "sklearn_ae"}
DATA = _images.DATA
THREADS = 2
grid = _images.cells


def resize(images: np.ndarray, factor: float, *, antialias: bool = False) -> np.ndarray:
    """Interpolate images by bicubic polynomials.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, n_channels)
        Images.
    factor : float
        What height and width are multiplied by.
    antialias : bool, default=False
        Whether to smooth before pixels are left out.

    Returns
    -------
    resized : ndarray of shape (n_images, new_height, new_width) or with channels as given
        They may leave the range of `images`.
    """
    import torch
    from torch.nn.functional import interpolate

    pixels = images[..., None] if images.ndim == 3 else images
    tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, -1, 1)))
    resized = interpolate(
        tensor, scale_factor=factor, mode="bicubic", align_corners=False, antialias=antialias
    )
    return np.moveaxis(resized.numpy(), 1, -1).reshape(
        len(images), *resized.shape[2:], *images.shape[3:]
    )


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        0: there is no width.
    seed : int
        Seed of the split or of the patches, and of the library.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    train, test = _images.split_or_patches(
        name, seed, side=SIDE, n_train=N_TRAIN, n_test=N_TEST, gray=False
    )
    low = resize(test, 1 / SCALE, antialias=True)
    fit = problems.rival("super_resolution", library).fit
    model, seconds = _base.timed(fit, train, k, seed)
    return _images.sizes(train, test) | {
        "psnr": _images.psnr(test, model.predict(low)),
        "fit_seconds": seconds,
    }


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the table and the bar that our estimator has to clear.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the compact table instead.

    Returns
    -------
    text : str
    """
    if markdown:
        return tables.markdown(results, "psnr", LIBRARIES, LABELS)
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = tables.means(results, "psnr", LIBRARIES).droplevel("k")
    lines = ["psnr in dB, mean over seeds", "", tables.frame(table), ""]
    lines += [tables.seeds(results, LIBRARIES), ""]
    lines += tables.bars(results, "psnr", "bicubic", -MARGIN)
    lines += tables.slowest(results, LIBRARIES, 5000)
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw how far each library is above bicubic interpolation.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    table = tables.means(tables.current(results), "psnr", LIBRARIES).droplevel("k")
    pictures.dots(
        table.sub(table["bicubic"], axis=0).drop(columns="bicubic"),
        LABELS,
        path,
        xlabel="PSNR of enlarged held-out images, dB above bicubic interpolation",
        reference=0.0,
        limits=(-1.0, 6.0),
    )
