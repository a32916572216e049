"""Reconstruction of held-out images by a code of k numbers.

Images are in [0, 1]. ``r2`` is pooled over all pixels of the held-out images: one minus the squared
error over the squared distance to the mean training image. ``pca`` and ``dense``, which is
`Autoencoder`, see an image as a row of pixels; ``sklearn_ae`` is `ConvolutionalAutoencoder`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from benchmarks import plot as pictures
from benchmarks import problems, rivals
from benchmarks import report as tables
from benchmarks.problems import _base, _images
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["r2"]
LIBRARIES = ["pca", "dense", "sklearn_ae"]
RIVALS = {
    "pca": rivals.get("pca"),
    "dense": SklearnAERival("Autoencoder"),
    "sklearn_ae": SklearnAERival("ConvolutionalAutoencoder"),
}
LABELS = {"pca": "PCA", "dense": "Autoencoder", "sklearn_ae": "ConvolutionalAutoencoder"}
DATA = [_images.MNIST]
N_COMPONENTS = 16
THREADS = 2
# What ours has to be above PCA and above the dense autoencoder, and the most seconds of a fit.
MARGINS = {"pca": 0.15, "dense": 0.0}
MAX_SECONDS = 180


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 16."""
    return _base.cells(data_names, libraries, seeds, widths=lambda name: [N_COMPONENTS])


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Width of the code.
    seed : int
        Seed of the split and of the library.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    train, test = _images.split(name, seed)
    row = _images.sizes(train, test)
    if library != tables.OURS:
        train, test = train.reshape(len(train), -1), test.reshape(len(test), -1)
    model, seconds = _base.timed(problems.rival("images", library).fit, train, k, seed)
    r2 = _base.pooled_r2(test, model.reconstruct(test), train.mean(axis=0))
    return row | {"r2": r2, "fit_seconds": seconds}


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the table and the bars that our estimator has to clear.

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
        return tables.markdown(results, "r2", LIBRARIES, LABELS)
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    lines = ["r2, mean over seeds", "", tables.frame(tables.means(results, "r2", LIBRARIES)), ""]
    lines += [tables.seeds(results, LIBRARIES), ""]
    for other, margin in MARGINS.items():
        lines += tables.bars(results, "r2", other, -margin)
    lines += _fast(results)
    lines += tables.slowest(results, LIBRARIES, 5000)
    lines += [f"at most {THREADS} threads; the estimators of {tables.OURS} set their own number"]
    return "\n".join([*lines, *failed]).rstrip()


def _fast(results: pd.DataFrame) -> list[str]:
    ours = results[results["library"] == tables.OURS].set_index(tables.FIT)["fit_seconds"].dropna()
    if ours.empty:
        return []
    slow = ours[ours > MAX_SECONDS].sort_values(ascending=False)
    lines = [f"fit of {tables.OURS} <= {MAX_SECONDS} s: {len(ours) - len(slow)} of {len(ours)}"]
    return [*lines, *(f"  fails {tables.where(key)}: {s:.0f} s" for key, s in slow.items()), ""]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the error that each library leaves, that of PCA being 1.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    pictures.relative_errors(results, "r2", LIBRARIES, LABELS, path, limits=(0.1, 2.0))
