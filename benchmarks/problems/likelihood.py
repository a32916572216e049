"""Log-likelihood of held-out rows.

A library is fitted on standardised training columns; those that are constant in the training
rows are left out. ``score`` is the mean log-likelihood of a held-out row, in nats.
``sklearn_ae_start`` is the closed-form start of ``sklearn_ae``, which is probabilistic PCA.
``score_1``, ``score_10`` and ``score_100`` are the bounds of ``sklearn_ae`` from that many
importance samples, on the same fit.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

N_IMPORTANCE_SAMPLES = [1, 10, 100]
BOUNDS = [f"score_{n_samples}" for n_samples in N_IMPORTANCE_SAMPLES]
METRICS = ["score", *BOUNDS]
LIBRARIES = ["pca", "factor_analysis", "sklearn_ae_start", "sklearn_ae"]
RIVALS = {
    "sklearn_ae": SklearnAERival("VariationalAutoencoder"),
    "sklearn_ae_start": SklearnAERival("VariationalAutoencoder", max_iter=0),
}
LABELS = {
    "pca": "PCA",
    "factor_analysis": "FactorAnalysis",
    "sklearn_ae_start": "sklearn_ae, start",
    "sklearn_ae": "sklearn_ae",
}
# k is also the number of columns up to this many.
MAX_FULL_WIDTH = 16
# Bounds that differ by less are equal: rows are scored in single precision.
ROUNDING = 1e-5


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library)."""
    return _base.cells(data_names, libraries, seeds, widths=_widths)


def _widths(name: str) -> list[int]:
    p = data.shape(name)[1]
    return [*_base.widths_below(name), *([p] if p <= MAX_FULL_WIDTH else [])]


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Width of the code, at most the number of columns that are left.
    seed : int
        Seed of the rows, of the split and of the library.

    Returns
    -------
    row : dict
        Log-likelihoods, sizes and the seconds of the fit.
    """
    train, test = _base.split(name, seed)
    varies = np.ptp(train, axis=0) > 0
    train, test = _base.standardize(train[:, varies], test[:, varies])
    fit = problems.rival("likelihood", library).fit
    model, seconds = _base.timed(fit, train, min(k, train.shape[1]), seed)
    row = _base.sizes(train, test) | {"score": _score(model, test), "fit_seconds": seconds}
    if library == tables.OURS:
        for n_samples, bound in zip(N_IMPORTANCE_SAMPLES, BOUNDS, strict=True):
            row[bound] = _score(model.set_params(n_importance_samples=n_samples), test)
    return row


def _score(model, X: np.ndarray) -> float:
    return round(float(_base.finite(model.score(X), (), "score")), 8)


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the table of scores and the bars that our estimator has to clear.

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
        return tables.markdown(results, "score", LIBRARIES, LABELS)
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    lines = ["score, mean over seeds, in nats a row", ""]
    lines += [tables.frame(tables.means(results, "score", LIBRARIES)), ""]
    for library in ("pca", "factor_analysis"):
        lines += tables.bars(results, "score", library, 0)
    cells = tables.gains(results, "score", "pca").groupby(tables.CELL).mean()
    if len(cells):
        lines += [f"within 0.001 of pca or above: {(cells >= -1e-3).sum()} of {len(cells)} cells"]
    for library in ("factor_analysis", tables.OURS):
        gain = tables.gains(results, "score", "pca", library).groupby(tables.CELL).mean()
        if len(gain):
            lines += [f"{library} - pca: mean {gain.mean():+.2f}, median {gain.median():+.2f}"]
    lines += _start(results) + _bounds(results)
    lines += ["", *tables.slowest(results, LIBRARIES, 5000)]
    return "\n".join([*lines, *failed]).rstrip()


def _start(results: pd.DataFrame) -> list[str]:
    gaps = tables.gains(results, "score", "pca", "sklearn_ae_start").abs()
    if gaps.empty:
        return []
    return [f"largest |start - pca|: {gaps.max():.2g} ({tables.where(gaps.idxmax())})"]


def _bounds(results: pd.DataFrame) -> list[str]:
    bounds = results.reindex(columns=[*tables.FIT, *BOUNDS]).dropna().set_index(tables.FIT)[BOUNDS]
    if bounds.empty:
        return []
    steps = bounds.diff(axis=1).iloc[:, 1:]
    grows = (steps >= -ROUNDING).all(axis=1)
    gaps = ", ".join(f"{name} {value:+.4f}" for name, value in steps.mean().items())
    lines = [f"{' <= '.join(BOUNDS)}: {grows.mean():.1%} of {len(bounds)} fits; mean step: {gaps}"]
    worst = steps[~grows].min(axis=1).sort_values()
    return lines + [f"  falls {tables.where(key)}: {value:+.5f}" for key, value in worst.items()]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the gain over PCA of each library by data set, averaged over k and seeds.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    table = tables.means(tables.current(results), "score", LIBRARIES)
    gains = table.sub(table["pca"], axis=0).drop(columns="pca").groupby("data").mean()
    pictures.dots(
        gains,
        LABELS,
        path,
        xlabel="nats a held-out row above PCA",
        reference=0,
        limits=(-10.0, 40.0),
        scale="symlog",
    )
