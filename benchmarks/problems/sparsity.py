"""Codes of many units of which few are active.

A library is fitted on standardised training columns. k is the number of units, of which
``sklearn_ae`` is asked to keep a share of 0.05 active; ``pca`` has as many components as are
active at a time. ``r2`` is pooled over all cells of the held-out rows. The others describe the
activations of held-out rows, which lie in [0, 1]:

- ``within``: share of units whose mean activation is within a factor of 2 of the target,
- ``constant``: number of units whose activation has a standard deviation below 1e-6,
- ``mean_activation``: mean over rows and units,
- ``active``: share of rows and units with an activation above 0.5,
- ``hoyer``: mean over rows of Hoyer's sparsity, 0 for equal activations and 1 for a single one.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import plot as pictures
from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

TARGET = 0.05
CODE_METRICS = ["within", "constant", "mean_activation", "active", "hoyer"]
METRICS = ["r2", *CODE_METRICS]
LIBRARIES = ["pca", "sklearn_ae"]
RIVALS = {"sklearn_ae": SklearnAERival("SparseAutoencoder", sparsity=TARGET)}
LABELS = {"pca": "PCA", "sklearn_ae": "sklearn_ae"}
N_UNITS = [40, 80]


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is the number of units."""
    return _base.cells(data_names, libraries, seeds, widths=lambda name: N_UNITS)


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Number of units.
    seed : int
        Seed of the rows, of the split and of the library.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    train, test = _base.split_standardized(name, seed)
    width = k if library == tables.OURS else round(TARGET * k)
    fit = problems.rival("sparsity", library).fit
    model, seconds = _base.timed(fit, train, width, seed)
    row = _base.sizes(train, test) | {
        "r2": _base.pooled_r2(test, model.reconstruct(test)),
        "fit_seconds": seconds,
    }
    if library == tables.OURS:
        row |= describe(_base.finite(model.transform(test), (len(test), k), "code"))
    return row


def describe(activations: np.ndarray) -> dict[str, float]:
    """Describe activations.

    Parameters
    ----------
    activations : ndarray of shape (n_rows, n_units)
        Numbers in [0, 1].

    Returns
    -------
    metrics : dict
        One number for each of `CODE_METRICS`.
    """
    means = activations.mean(axis=0)
    return {
        "within": round(float(np.mean((means >= TARGET / 2) & (means <= TARGET * 2))), 6),
        "constant": int(np.sum(activations.std(axis=0) < 1e-6)),
        "mean_activation": round(float(activations.mean()), 6),
        "active": round(float(np.mean(activations > 0.5)), 6),
        "hoyer": round(hoyer(activations), 6),
    }


def hoyer(activations: np.ndarray) -> float:
    """Return the mean over rows of (sqrt(n) - |a|_1 / |a|_2) / (sqrt(n) - 1).

    Parameters
    ----------
    activations : ndarray of shape (n_rows, n_units)
        Rows of zeros are left out.

    Returns
    -------
    sparsity : float
        NaN where every row is zero.
    """
    lengths = np.linalg.norm(activations, axis=1)
    rows = activations[lengths > 0]
    if len(rows) == 0:
        return float("nan")
    root = np.sqrt(activations.shape[1])
    ratios = np.abs(rows).sum(axis=1) / lengths[lengths > 0]
    return float(np.mean((root - ratios) / (root - 1)))


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the table and the bars that our estimator has to clear.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table as Markdown instead.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = tables.means(results, "r2", LIBRARIES).add_prefix("r2 ")
    ours = results[results["library"] == tables.OURS].groupby(tables.CELL)[CODE_METRICS].mean()
    table = table.join(ours)
    if markdown:
        return tables.frame_markdown(table)
    lines = ["mean over seeds", "", tables.frame(table), ""]
    lines += tables.bars(results, "r2", "pca", 0)
    if len(ours):
        lines += _bar(ours["within"], ours["within"] >= 0.9, "within >= 0.9")
        lines += _bar(ours["constant"], ours["constant"] == 0, "constant == 0")
        lines += ["mean over the cells: " + _overall(ours), ""]
    lines += tables.slowest(results, LIBRARIES, 5000)
    return "\n".join([*lines, *failed]).rstrip()


def _bar(values: pd.Series, clears: pd.Series, label: str) -> list[str]:
    lines = [f"{label}: {clears.sum()} of {len(clears)} cells"]
    lines += [f"  fails {tables.where(key)}: {value:.3f}" for key, value in values[~clears].items()]
    return [*lines, ""]


def _overall(ours: pd.DataFrame) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in ours.mean().items())


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the error that our code leaves, that of PCA being 1.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    pictures.relative_errors(results, "r2", LIBRARIES, LABELS, path)
