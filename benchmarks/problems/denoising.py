"""Rows without noise from rows with it.

Columns are standardised, and normal noise with a standard deviation of 0.5 is added to the
held-out rows. ``mse`` is the mean squared error of a cell against the rows without noise; the noisy
rows themselves have 0.25. ``pca_oracle`` is PCA fitted on training rows without noise,
``pca_noisy_oracle`` the same on noisy ones; both get the number of components that has the least
error on the very held-out rows. ``start`` is the closed-form start of ``sklearn_ae``. ``width`` is
the number of components. k is left to the library, which the results write as 0.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import plot as pictures
from benchmarks import problems, rivals
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

NOISE = 0.5
# The largest mean ratio of our error to that of the better of PCA and the start.
MAX_RATIO = 0.85


class DenoisingRival(SklearnAERival):
    """`sklearn_ae.DenoisingAutoencoder` told the noise of this problem."""

    def make(self, k: int, seed: int) -> Any:
        """Return the estimator before its fit."""
        estimator = super().make(k, seed)
        return estimator.set_params(corruption=self.load().GaussianNoise(scale=NOISE))


METRICS = ["mse", "width"]
LIBRARIES = ["pca_oracle", "pca_noisy_oracle", "start", "sklearn_ae"]
RIVALS = {
    "pca_oracle": rivals.get("pca"),
    "pca_noisy_oracle": rivals.get("pca"),
    "start": DenoisingRival("DenoisingAutoencoder", max_iter=0),
    "sklearn_ae": DenoisingRival("DenoisingAutoencoder"),
}
LABELS = {
    "pca_oracle": "PCA, best k",
    "pca_noisy_oracle": "PCA on noisy rows, best k",
    "start": "sklearn_ae, start",
    "sklearn_ae": "sklearn_ae",
}


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    return _base.cells(data_names, libraries, seeds, widths=lambda name: [0])


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
        Seed of the rows, the split, the noise and the library.

    Returns
    -------
    row : dict
        Error, width, sizes and the seconds of the fit.
    """
    train, test = _base.split_standardized(name, seed)
    rng = np.random.default_rng(seed)
    noisy = test + NOISE * rng.standard_normal(test.shape)
    fit = problems.rival("denoising", library).fit
    if library.startswith("pca"):
        if library == "pca_noisy_oracle":
            train = train + NOISE * rng.standard_normal(train.shape)
        model, seconds = _base.timed(fit, train, min(train.shape), seed)
        width, restored = _oracle(model.pca, noisy, test)
    else:
        model, seconds = _base.timed(fit, train, k, seed)
        width, restored = model.n_components_, model.reconstruct(noisy)
    restored = _base.finite(restored, test.shape, "reconstruction")
    return _base.sizes(train, test) | {
        "mse": round(float(np.mean((restored - test) ** 2)), 8),
        "width": width,
        "fit_seconds": seconds,
    }


def _oracle(pca: Any, noisy: np.ndarray, clean: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the number of components that restores best, and what it restores."""
    codes = (noisy - pca.mean_) @ pca.components_.T
    goals = (clean - pca.mean_) @ pca.components_.T
    # The squared error of each component less that of leaving it out.
    width = int(np.argmin(np.cumsum(np.sum(codes * (codes - 2 * goals), axis=0)))) + 1
    return width, pca.mean_ + codes[:, :width] @ pca.components_[:width]


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the table of errors and the bars that our estimator has to clear.

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
        return tables.markdown(results, "mse", LIBRARIES, LABELS, lower=True)
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = tables.means(results, "mse", LIBRARIES).droplevel("k")
    bars = []
    for other in ("pca_oracle", "start"):
        bars += _at_most(table, other)
    if {tables.OURS, "pca_oracle", "start"} <= set(table):
        ratio = table[tables.OURS] / table[["pca_oracle", "start"]].min(axis=1, skipna=False)
        table["ratio"] = ratio
        bars += [
            f"ratio to the better of pca_oracle and start, mean over {ratio.count()} sets: "
            f"{ratio.mean():.4f} (bar {MAX_RATIO:g})"
        ]
    lines = ["mse, mean over seeds; ratio: to the better of pca_oracle and start", ""]
    lines += [tables.frame(table), "", *bars, "", *tables.slowest(results, LIBRARIES, 5000)]
    return "\n".join([*lines, *failed]).rstrip()


def _at_most(table: pd.DataFrame, other: str) -> list[str]:
    pairs = table.reindex(columns=[tables.OURS, other]).dropna()
    if pairs.empty:
        return []
    gaps = pairs[tables.OURS] - pairs[other]
    lines = [f"{tables.OURS} at most {other}: {(gaps <= 0).sum()} of {len(gaps)} sets"]
    losers = gaps[gaps > 0].sort_values(ascending=False)
    return lines + [f"  loses {name}: {value:+.5f}" for name, value in losers.items()]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the error of each library by data set, that of PCA being 1.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    table = tables.means(tables.current(results), "mse", LIBRARIES).droplevel("k")
    pictures.dots(
        table.div(table["pca_oracle"], axis=0).drop(columns="pca_oracle"),
        LABELS,
        path,
        xlabel=f"error left on noisy held-out rows, {LABELS['pca_oracle']} = 1",
        reference=1.0,
        limits=(0.3, 3.0),
        scale="log",
    )
