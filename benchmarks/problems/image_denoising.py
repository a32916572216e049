"""Images without noise from images with it.

Normal noise with a standard deviation of 0.3 is added to held-out images in [0, 1]. ``psnr`` is
the peak signal-to-noise ratio in dB over all pixels of all held-out images, for a range of 1; what
a library gives is clipped to [0, 1]. ``psnr_noisy`` is that of the noisy images, clipped likewise.
``images/mnist_5k`` is split 80/20. The photographs are cut into gray patches of 16 x 16 pixels:
``images/china`` has 1,000 patches of that photograph held out and is trained on 4,000 patches of
the other, ``images/flower`` the other way round.

The filters of scikit-image are told the standard deviation of the noise where they take it, and
get the parameters that restore 100 noisy training images best; ``variant`` is their place in
`VARIANTS`. ``sklearn_ae`` mirrors and turns patches in training, and ``start`` is its closed-form
start. k is left to the library, which the results write as 0.
"""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import plot as pictures
from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base, _images
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

NOISE = 0.3
SIDE = 16
N_TRAIN = 4000
N_TEST = 1000
# Training images by which a filter's parameters are chosen.
N_TUNING = 100
# What ours has to be above the filter that is best on the data set, in dB.
MARGIN = 1.0

FILTERS = {
    "nlm": "denoise_nl_means",
    "tv": "denoise_tv_chambolle",
    "wavelet": "denoise_wavelet",
}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "nlm": [
        {
            "fast_mode": fast,
            "patch_size": size,
            "patch_distance": distance,
            "h": round(share * NOISE, 6),
            "sigma": NOISE,
        }
        for fast, size, distance, share in product(
            (True, False), (5, 7), (6, 11), (0.4, 0.6, 0.8, 1.0)
        )
    ],
    "tv": [{"weight": round(0.05 * step, 6)} for step in range(1, 17)],
    "wavelet": [
        {"method": method, "mode": mode, "sigma": NOISE}
        for method, mode in product(("BayesShrink", "VisuShrink"), ("soft", "hard"))
    ],
}


class _Filter:
    """A filter of scikit-image with its parameters."""

    def __init__(self, denoise: Any, variant: int, parameters: dict[str, Any]) -> None:
        self.denoise = denoise
        self.variant = variant
        self.parameters = parameters

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        return np.stack([self.denoise(image, **self.parameters) for image in X])


class FilterRival(Rival):
    """A filter of `skimage.restoration`, with the parameters that suit the training images.

    Parameters
    ----------
    name : str
        A key of `FILTERS`.
    """

    distribution = "scikit-image"
    module = "skimage.restoration"

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Filter:
        """Choose the variant that restores noisy training images best."""
        denoise = getattr(self.load(), FILTERS[self.name])
        rng = np.random.default_rng([seed, 1])
        clean = X[rng.permutation(len(X))[:N_TUNING]]
        noisy = add_noise(clean, rng)
        candidates = [
            _Filter(denoise, number, parameters)
            for number, parameters in enumerate(VARIANTS[self.name])
        ]
        return max(candidates, key=lambda found: _images.psnr(clean, found.reconstruct(noisy)))


class DenoisingRival(SklearnAERival):
    """`sklearn_ae.DenoisingAutoencoder` with convolutions, told the noise of this problem."""

    def fit(self, X: np.ndarray, k: int, seed: int) -> Any:
        """Fit to images without noise; patches have no upright position."""
        package = self.load()
        patches = X.shape[1:] == (SIDE, SIDE)
        augment = package.Augmentation(shift=0.0, flip="all") if patches else "auto"
        scale = NOISE / float(np.sqrt(X.var(axis=0, dtype=np.float64).mean()))
        estimator = self.make(k, seed).set_params(
            architecture=package.Convolutional(augment=augment),
            corruption=package.GaussianNoise(scale=scale),
        )
        return estimator.fit(X)


METRICS = ["psnr", "psnr_noisy", "variant"]
LIBRARIES = ["start", "wavelet", "tv", "nlm", "sklearn_ae"]
RIVALS = {
    "start": DenoisingRival("DenoisingAutoencoder", max_iter=0),
    **{name: FilterRival(name) for name in FILTERS},
    "sklearn_ae": DenoisingRival("DenoisingAutoencoder"),
}
LABELS = {
    "start": "sklearn_ae, start",
    "wavelet": "wavelets",
    "tv": "total variation",
    "nlm": "non-local means",
    "sklearn_ae": "sklearn_ae",
}
DATA = _images.DATA
THREADS = 2
grid = _images.cells


def add_noise(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return images with noise; they leave [0, 1] and stay float32."""
    return (images + NOISE * rng.standard_normal(images.shape)).astype(np.float32)


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        0: the library's own width.
    seed : int
        Seed of the split or of the patches, of the noise and of the library.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    train, test = _images.split_or_patches(
        name, seed, side=SIDE, n_train=N_TRAIN, n_test=N_TEST, gray=True
    )
    noisy = add_noise(test, np.random.default_rng(seed))
    fit = problems.rival("image_denoising", library).fit
    model, seconds = _base.timed(fit, train, k, seed)
    row = _images.sizes(train, test) | {
        "psnr": _images.psnr(test, model.reconstruct(noisy)),
        "psnr_noisy": _images.psnr(test, noisy),
        "fit_seconds": seconds,
    }
    if library in FILTERS:
        row["variant"] = model.variant
    return row


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
    table.insert(0, "noisy", results.groupby("data")["psnr_noisy"].mean())
    lines = ["psnr in dB, mean over seeds", "", tables.frame(table), ""]
    lines += [tables.seeds(results, LIBRARIES), ""]
    results = tables.with_best(results, "psnr", list(FILTERS), "best filter")
    lines += tables.bars(results, "psnr", "best filter", -MARGIN)
    lines += tables.bars(results, "psnr", "start", 0)
    lines += _chosen(results)
    lines += tables.slowest(results, LIBRARIES, 5000)
    return "\n".join([*lines, *failed]).rstrip()


def _chosen(results: pd.DataFrame) -> list[str]:
    lines = ["parameters chosen on training images"]
    for name in FILTERS:
        own = results[results["library"] == name].dropna(subset="variant")
        for (data, variant), count in own.groupby(["data", "variant"]).size().items():
            parameters = VARIANTS[name][int(variant)]
            shown = ", ".join(f"{key}={value}" for key, value in parameters.items())
            lines.append(f"  {name} {data}: {shown} ({count} seeds)")
    return [*lines, ""]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw how far each library is above the best filter.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    table = tables.means(tables.current(results), "psnr", LIBRARIES).droplevel("k")
    best = table.reindex(columns=list(FILTERS)).max(axis=1)
    pictures.dots(
        table.sub(best, axis=0),
        LABELS,
        path,
        xlabel="PSNR on noisy held-out images, dB above the best filter",
        reference=0.0,
        limits=(-6.0, 8.0),
    )
