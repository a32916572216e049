"""Reconstruction by a stack of autoencoders trained one after the other, then as one.

A library is fitted on standardised training columns. ``r2`` is pooled over all cells of the
held-out rows. ``r2_greedy`` is that of the stack before it is trained as one. ``random`` is a
network of the same layers that starts from random weights and is trained as one. k is 4.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import plot as pictures
from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival


class UnstackedRival(SklearnAERival):
    """`sklearn_ae.Autoencoder` with the layers of the stack and random weights."""

    def fit(self, X: np.ndarray, k: int, seed: int) -> Any:
        """Fit the autoencoder."""
        stack = STACK.make(k, seed).set_params(max_iter=0).fit(X)
        layers: list[int] = []
        for stage in stack.stages_:
            encoder = stage.net_.module_.encoder.residual.mlp.layers
            layers += [layer.out_features for layer in encoder]
        estimator = self.make(k, seed)
        # The last layer writes the code, which is not hidden.
        return estimator.set_params(hidden_layer_sizes=tuple(layers[:-1]), init="random").fit(X)


STACK = SklearnAERival("StackedAutoencoder")
METRICS = ["r2", "r2_greedy"]
LIBRARIES = ["pca", "random", "sklearn_ae"]
RIVALS = {"random": UnstackedRival("Autoencoder"), "sklearn_ae": STACK}
LABELS = {"pca": "PCA", "random": "random weights", "sklearn_ae": "sklearn_ae"}


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 4."""
    return _base.cells(data_names, libraries, seeds, widths=_base.four_below)


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
        Metrics, sizes and the seconds of the fit.
    """
    train, test = _base.split_standardized(name, seed)
    fit = problems.rival("stacking", library).fit
    model, seconds = _base.timed(fit, train, k, seed)
    row = _base.sizes(train, test) | {
        "r2": _base.pooled_r2(test, model.reconstruct(test)),
        "fit_seconds": seconds,
    }
    if library == tables.OURS:
        row["r2_greedy"] = _base.pooled_r2(test, unrolled(model.stages_, test))
    return row


def unrolled(stages: list[Any], X: np.ndarray) -> np.ndarray:
    """Rebuild rows by stages that were each fitted on the codes of the one before.

    Parameters
    ----------
    stages : list of estimators
        The outermost first.
    X : ndarray of shape (n_rows, n_columns)
        Rows.

    Returns
    -------
    rebuilt : ndarray of shape (n_rows, n_columns)
    """
    for stage in stages:
        X = stage.transform(X)
    for stage in reversed(stages):
        X = stage.inverse_transform(X)
    return X


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
        return tables.markdown(results, "r2", LIBRARIES, LABELS)
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = tables.means(results, "r2", LIBRARIES)
    ours = results[results["library"] == tables.OURS].set_index(tables.FIT)[["r2", "r2_greedy"]]
    table["greedy"] = ours["r2_greedy"].groupby(tables.CELL).mean()
    lines = ["r2, mean over seeds; greedy: sklearn_ae before it is trained as one", ""]
    lines += [tables.frame(table), ""]
    lines += tables.bars(results, "r2", "pca", 1e-3) + tables.bars(results, "r2", "random", 1e-3)
    gains = (ours["r2"] - ours["r2_greedy"]).groupby(tables.CELL).mean().dropna()
    if len(gains):
        losers = gains[gains < 0].sort_values()
        lines += [
            "gain of training the stack as one",
            f"  mean >= 0: {len(gains) - len(losers)} of {len(gains)} cells",
            f"  mean gain: {gains.mean():+.4f}",
        ]
        lines += [f"  loses {tables.where(key)}: {value:+.4f}" for key, value in losers.items()]
    lines += ["", *tables.slowest(results, LIBRARIES, 5000)]
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the error that each library leaves, PCA's being 1.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    pictures.relative_errors(results, "r2", LIBRARIES, LABELS, path)
