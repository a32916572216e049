"""A grid search over autoencoders in two processes, against the same in one.

``speedup`` is the seconds of ``n_jobs=1`` over those of ``n_jobs=2`` in one run; ``equal`` is 1
if both searches gave the same scores bit for bit. Run it with nothing beside it.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import data
from benchmarks.problems import _base

METRICS = ["seconds_1", "seconds_2", "speedup", "equal"]
LIBRARIES = ["sklearn_ae"]
DATA = ["digits", "breast_cancer"]


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is the larger of the widths tried."""
    return _base.cells(
        data_names, libraries, seeds, widths=lambda name: [8], default_seeds=range(3)
    )


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one search with one process and with two.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        The larger of the two widths tried.
    seed : int
        Seed of the autoencoder.

    Returns
    -------
    row : dict
        Seconds of both, their ratio, and whether the scores are equal.
    """
    from sklearn_ae import Autoencoder
    from sklearn_ae.metrics import reconstruction_r2

    X = data.load(name, seed)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Autoencoder(random_state=seed)),
        {"autoencoder__n_components": [k // 2, k]},
        scoring=reconstruction_r2,
        cv=2,
        refit=False,
    )
    clone(search).set_params(n_jobs=2).fit(X[:100])  # start the processes
    seconds, scores = {}, {}
    for n_jobs in (1, 2):
        start = time.perf_counter()
        fitted = clone(search).set_params(n_jobs=n_jobs).fit(X)
        seconds[n_jobs] = time.perf_counter() - start
        scores[n_jobs] = fitted.cv_results_["mean_test_score"]
    return {
        "n_train": len(X) // 2,
        "n_test": len(X) - len(X) // 2,
        "p": X.shape[1],
        "seconds_1": round(seconds[1], 2),
        "seconds_2": round(seconds[2], 2),
        "speedup": round(seconds[1] / seconds[2], 3),
        "equal": int(np.array_equal(scores[1], scores[2])),
        "fit_seconds": round(seconds[2], 2),
    }


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write speedup and equality by data set.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write a markdown table.

    Returns
    -------
    text : str
    """
    table = results.groupby("data")[METRICS].agg(
        {"seconds_1": "median", "seconds_2": "median", "speedup": "median", "equal": "min"}
    )
    return table.to_markdown() if markdown else table.to_string()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: two numbers a data set need no picture."""
    raise ValueError("The problem search has no picture; use the report.")
