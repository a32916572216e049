"""Reconstruction of held-out rows by a code of k numbers.

A library is fitted on standardised training columns. ``r2`` is pooled over all cells of the
held-out rows: one minus the squared error over the squared distance to the training means.
``r2_raw`` is the same for a second fit, in the units of the data set.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from benchmarks import data, rivals
from benchmarks import plot as pictures
from benchmarks import report as tables

METRICS = ["r2", "r2_raw"]
LIBRARIES = [
    "pca",
    "sklearn_ae",
    "mlp",
    "skorch",
    "hypertools",
    "hypertools_deep",
    "pyod",
]
N_COMPONENTS = [2, 4, 8]
SEEDS = {"pca": range(5), "sklearn_ae": range(5)}
DEFAULT_SEEDS = range(1)
RAW_UNITS = ["pca", "sklearn_ae"]
RAW_SEEDS = range(1)
LABELS = {
    "pca": "PCA",
    "sklearn_ae": "sklearn_ae",
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
    libraries = list(libraries)
    seeds = None if seeds is None else list(seeds)
    for name in data_names:
        for library in libraries:
            for k in N_COMPONENTS:
                if k >= data.shape(name)[1]:
                    continue
                for seed in SEEDS.get(library, DEFAULT_SEEDS) if seeds is None else seeds:
                    yield name, k, seed, library


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
    train, test = train_test_split(data.load(name, seed), test_size=0.3, random_state=seed)
    rival = rivals.get(library)
    scaler = StandardScaler().fit(train)
    scaled = scaler.transform(train)
    start = time.perf_counter()
    model = rival.fit(scaled, k, seed)
    fit_seconds = time.perf_counter() - start
    row = {
        "n_train": len(train),
        "n_test": len(test),
        "p": train.shape[1],
        "r2": pooled_r2(scaler.transform(test), model, np.zeros(train.shape[1])),
        "fit_seconds": round(fit_seconds, 4),
    }
    if library in RAW_UNITS and seed in RAW_SEEDS:
        row["r2_raw"] = pooled_r2(test, rival.fit(train, k, seed), train.mean(axis=0))
    return row


def pooled_r2(X: np.ndarray, model, center: np.ndarray) -> float:
    """Return the share of the squared distance to `center` that a model explains.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Held-out rows.
    model : Reconstructor
        A fitted model.
    center : ndarray of shape (n_columns,)
        Means of the training rows.

    Returns
    -------
    r2 : float
    """
    rebuilt = np.asarray(model.reconstruct(X), dtype=np.float64)
    if rebuilt.shape != X.shape:
        raise ValueError(f"The reconstruction has shape {rebuilt.shape}, not {X.shape}.")
    if not np.isfinite(rebuilt).all():
        raise ValueError("The reconstruction is not finite.")
    return round(1 - float(np.sum((X - rebuilt) ** 2) / np.sum((X - center) ** 2)), 8)


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
    pictures.relative_errors(results, "r2", LIBRARIES, LABELS, path)
