"""Reconstruction of held-out rows by a code of k numbers.

A library is fitted on standardised training columns. ``r2`` is pooled over all cells of the
held-out rows: one minus the squared error over the squared distance to the training means.
``r2_raw`` is the same for a second fit, in the units of the data set.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from benchmarks import plot as pictures
from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["r2", "r2_raw"]
LIBRARIES = [
    "pca",
    "sklearn_ae",
    "sklearn_ae_wasserstein",
    "sklearn_ae_vector_quantized",
    "mlp",
    "skorch",
    "hypertools",
    "hypertools_deep",
    "pyod",
]
RIVALS = {
    "sklearn_ae_wasserstein": SklearnAERival("WassersteinAutoencoder"),
    "sklearn_ae_vector_quantized": SklearnAERival("VectorQuantizedAutoencoder"),
}
SEEDS = {"pca": range(5), "sklearn_ae": range(5)}
DEFAULT_SEEDS = range(1)
RAW_UNITS = ["pca", "sklearn_ae"]
RAW_SEEDS = range(1)
LABELS = {
    "pca": "PCA",
    "sklearn_ae": "sklearn_ae",
    "sklearn_ae_wasserstein": "sklearn_ae, Wasserstein",
    "sklearn_ae_vector_quantized": "sklearn_ae, 3 bits a number",
    "mlp": "MLPRegressor",
    "skorch": "skorch",
    "hypertools": "hypertools",
    "hypertools_deep": "hypertools deep",
    "pyod": "PyOD",
}


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is below the number of columns."""
    return _base.cells(data_names, libraries, seeds, own_seeds=SEEDS, default_seeds=DEFAULT_SEEDS)


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
        Seed of the rows, of the split and of the library.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the standardised fit.
    """
    train, test = _base.split(name, seed)
    scaled_train, scaled_test = _base.standardize(train, test)
    fit = problems.rival("reconstruction", library).fit
    model, seconds = _base.timed(fit, scaled_train, k, seed)
    row = _base.sizes(train, test) | {
        "r2": _base.pooled_r2(scaled_test, model.reconstruct(scaled_test)),
        "fit_seconds": seconds,
    }
    if library in RAW_UNITS and seed in RAW_SEEDS:
        raw = fit(train, k, seed)
        row["r2_raw"] = _base.pooled_r2(test, raw.reconstruct(test), train.mean(axis=0))
    return row


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the summary of the results.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the compact table of means over k instead.

    Returns
    -------
    text : str
    """
    if markdown:
        return tables.markdown(results, "r2", LIBRARIES, LABELS)
    return tables.text(results, METRICS, LIBRARIES)


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the error that each library leaves, PCA's being 1.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    others = [library for library in LIBRARIES if library not in RIVALS]
    pictures.relative_errors(results, "r2", others, LABELS, path)
