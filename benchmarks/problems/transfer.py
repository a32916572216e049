"""A few rows of a table, with and without a network that was fitted to another one.

Source and target are parts of one data set, so that their columns are the same: jobs of bank
clients, places of housing, digits. 2,000 rows of the source are fitted first; k is the number of
rows of the target that are fitted then, and up to 1,500 others of the target are held out. Columns
of tables are standardised by the source; images are of half the resolution.

- ``r2``: share of the variance of the held-out rows that their reconstructions explain.

The fit to the source is not in the seconds: it is made once for all tables that come later.

====================== ===============================================================
``pca``                PCA of the rows of the target
``pca_source``         PCA of the source
``sklearn_ae``         the autoencoder of the source, fine-tuned at a third of the usual rate
``sklearn_ae_frozen``  the same, its encoder frozen
``sklearn_ae_source``  the autoencoder of the source as it is
``sklearn_ae_scratch`` an autoencoder of the rows of the target
====================== ===============================================================
"""

import copy
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks import data
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.pca import PCARival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["r2"]
FINE = {"warm_start": True, "learning_rate_init": 1e-3}
FIRST = {"sklearn_ae": FINE, "sklearn_ae_frozen": {**FINE, "freeze": ("encoder",)}}
RIVALS = {
    **dict.fromkeys(["pca", "pca_source"], PCARival()),
    **{f"sklearn_ae{which}": SklearnAERival() for which in ("", "_frozen", "_source", "_scratch")},
}
LIBRARIES = list(RIVALS)
ROWS = [30, 100, 300]
SEEDS = range(5)
MAX_SOURCE, MAX_HELD_OUT = 2_000, 1_500


class Split(NamedTuple):
    """What tells the target of a data set from its source, and the width of the code."""

    column: str
    target: tuple
    k: int


SPLITS = {
    "tables/bank": Split("job", ("student",), 3),
    "tables/housing": Split("ocean_proximity", ("NEAR BAY",), 3),
    "images/mnist_5k": Split("digit", (5, 6, 7, 8, 9), 16),
}
DATA = list(SPLITS)


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is the number of rows of the target."""
    return _base.cells(data_names, libraries, seeds, widths=lambda _: ROWS, default_seeds=SEEDS)


def parts(name: str, k: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of the source, and rows of the target to fit and to hold out.

    Parameters
    ----------
    name : str
        A key of `SPLITS`.
    k : int
        Number of rows of the target to fit.
    seed : int
        Draws the rows.

    Returns
    -------
    source, target, held_out : ndarray of shape (n_rows, n_columns)
        In units of the source.
    """
    X, is_target = _labelled(name)
    rng = np.random.default_rng(seed)
    source = rng.permutation(np.flatnonzero(~is_target))[:MAX_SOURCE]
    target = rng.permutation(np.flatnonzero(is_target))
    held_out = target[max(ROWS) : max(ROWS) + MAX_HELD_OUT]
    chosen = [X[source], X[target[:k]], X[held_out]]
    if name.startswith("tables/"):
        return tuple(_base.standardize(chosen[0], part)[1] for part in chosen)  # type: ignore[return-value]
    return tuple(chosen)  # type: ignore[return-value]


@cache
def _labelled(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows of numbers, and which are of the target."""
    split = SPLITS[name]
    if name.startswith("images/"):
        X = data.images(name).astype(np.float64)
        n, height, width = X.shape
        X = X.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
        return X.reshape(n, -1), np.isin(data.image_labels(name), split.target)
    frame = data.load_frame(name, 0, 10**6)
    numbers = frame.select_dtypes("number")
    kept = numbers.notna().all(axis=1)
    return numbers[kept].to_numpy(), frame[split.column][kept].isin(split.target).to_numpy()


@cache
def _pretrained(name: str, seed: int) -> Any:
    """Return the autoencoder of the source, which is not to be changed."""
    source, *_ = parts(name, min(ROWS), seed)
    return RIVALS["sklearn_ae"].fit(source, SPLITS[name].k, seed)


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        A key of `RIVALS`.
    name : str
        A key of `SPLITS`.
    k : int
        Number of rows of the target.
    seed : int
        Seed of the rows and the estimator.

    Returns
    -------
    row : dict
        Metrics, sizes and seconds.
    """
    source, target, held_out = parts(name, k, seed)
    rival, width = RIVALS[library], min(SPLITS[name].k, k - 1)
    if library in FIRST:
        first = copy.deepcopy(_pretrained(name, seed)).set_params(**FIRST[library])
        model, seconds = _base.timed(first.fit, target)
    elif library == "sklearn_ae_source":
        model, seconds = _pretrained(name, seed), 0.0
    else:
        rows = source if library == "pca_source" else target
        model, seconds = _base.timed(rival.fit, rows, width, seed)
    r2 = _base.pooled_r2(held_out, model.reconstruct(held_out), held_out.mean(axis=0))
    return _base.sizes(target, held_out) | {"r2": r2, "fit_seconds": seconds}


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the mean R² of each library by rows and data, and where going on gains.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table in Markdown, without the comparison.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = results.groupby(["data", "k", "library"])["r2"].mean().unstack("library")
    table = table[[library for library in LIBRARIES if library in table]]
    if markdown:
        return tables.frame_markdown(table)
    lines = ["share of the variance of held-out rows of the target", "", tables.frame(table), ""]
    without = [library for library in table if library not in FIRST]
    if tables.OURS in table and without:
        for (name, k), row in table.dropna().iterrows():
            other = row[without].idxmax()
            gain = row[tables.OURS] - row[other]
            lines.append(f"{name}, {k} rows: {tables.OURS} {gain:+.3f} against {other}")
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the table is in the report."""
    raise ValueError("The problem transfer has no picture; use the report.")
