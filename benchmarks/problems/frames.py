"""Tables as ``read_csv`` gives them: names, categories, numbers, missing values, in one frame.

Rows are split 70/30, at most 4,000 of them. ``share`` is the mean over the held-out cells that
were observed of the loss as a share of that of the column's best constant. ``round_trip`` is 1 if
``inverse_transform`` of the codes and ``reconstruct`` have the frame's columns and dtypes.
``accuracy`` is that of `HistGradientBoostingClassifier` behind the codes, with the label out
of the frame; for housing, whether a value is above the median.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import sklearn_ae as ours
from sklearn_ae import Autoencoder

METRICS = ["share", "round_trip", "accuracy"]
LIBRARIES = ["start", "sklearn_ae", "sklearn_ae_polars"]
RIVALS = dict.fromkeys(LIBRARIES, ours.RIVAL)
DATA = ["tables/titanic", "tables/housing", "tables/online_shoppers", "tables/bank"]
LABELS = {
    "bank": "y",
    "housing": "median_house_value",
    "online_shoppers": "Revenue",
    "titanic": "Survived",
}
MAX_ROWS = 4_000


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0, the default width."""
    own = {"sklearn_ae_polars": range(1)}
    return _base.cells(data_names, libraries, seeds, widths=lambda _: [0], own_seeds=own)


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        ``start`` is the fit without an epoch, ``sklearn_ae_polars`` that of a polars frame.
    name : str
        Name of a table.
    k : int
        0.
    seed : int
        Seed of the rows, of the split and of the estimators.

    Returns
    -------
    row : dict
        Metrics, sizes and seconds.
    """
    frame, y = _read(name, seed)
    train, test, y_train, y_test = train_test_split(frame, y, test_size=0.3, random_state=seed)
    max_iter = 0 if library == "start" else None
    own = _in_library(library, train), _in_library(library, test)
    estimator = Autoencoder(random_state=seed, max_iter=max_iter)
    start = time.perf_counter()
    estimator.fit(own[0])
    seconds = round(time.perf_counter() - start, 4)
    observed = int(test.notna().to_numpy().sum())
    errors = estimator.reconstruction_errors(own[1])
    cells = np.asarray(errors, dtype=np.float64)
    pipe = Pipeline(
        [
            ("codes", Autoencoder(random_state=seed, max_iter=max_iter)),
            ("trees", HistGradientBoostingClassifier(random_state=seed)),
        ]
    )
    return {
        "n_train": len(train),
        "n_test": len(test),
        "p": train.shape[1],
        "share": round(float(np.nansum(cells)) / observed, 8),
        "round_trip": float(_comes_back(estimator, own[1])),
        "accuracy": round(float(pipe.fit(own[0], y_train).score(own[1], y_test)), 8),
        "fit_seconds": seconds,
    }


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the summary of the results.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Not used: there is one table.

    Returns
    -------
    text : str
    """
    wide = tables.means(results, "share", LIBRARIES)
    accuracy = tables.means(results, "accuracy", LIBRARIES)
    kept = results["round_trip"].dropna()
    pairs = wide.reindex(columns=["sklearn_ae", "start"]).dropna()
    lower = int((pairs["sklearn_ae"] <= pairs["start"] + 1e-9).sum())
    return "\n".join(
        [
            "loss of a held-out cell, as a share of that of its best constant, mean over seeds",
            tables.frame(wide),
            "",
            "accuracy of boosted trees on the codes, mean over seeds",
            tables.frame(accuracy),
            "",
            f"columns and dtypes come back: {int(kept.sum())} of {len(kept)} cells",
            f"at most that of factor analysis of mixed data: {lower} of {len(pairs)} tables",
        ]
    )


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the report has the table."""
    raise ValueError("The problem frames has no picture; use the report.")


def _read(name: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table without its label, as it comes, and the label."""
    from benchmarks.data import _path

    frame = pd.read_csv(_path(name).with_suffix(".csv"))
    if len(frame) > MAX_ROWS:
        frame = frame.sample(MAX_ROWS, random_state=seed)
    label = frame.pop(LABELS[name.removeprefix("tables/")])
    if label.nunique() > 2:
        label = label > label.median()
    return frame, pd.factorize(label, sort=True)[0]


def _in_library(library: str, frame: pd.DataFrame) -> Any:
    if library != "sklearn_ae_polars":
        return frame
    import polars

    columns = {
        name: polars.Series(name, [None if pd.isna(v) else v for v in column.tolist()])
        for name, column in frame.items()
    }
    return polars.DataFrame(columns)


def _comes_back(estimator: Autoencoder, frame: Any) -> bool:
    rebuilt = estimator.reconstruct(frame), estimator.inverse_transform(estimator.transform(frame))
    return all(
        list(r.columns) == list(frame.columns) and list(r.dtypes) == list(frame.dtypes)
        for r in rebuilt
    )
