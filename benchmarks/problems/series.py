"""Outliers in long series, step by step.

A series is fitted and its own steps are scored (``whole``), or its first two fifths, in which there
is no event, are fitted and the others are scored (``ahead``). All libraries get windows of the
same length, the period that `TimeSeriesOutlierDetector` finds in the whole series, and series in
standard units; what others say of windows is averaged over those that cover a step. No label is
point-adjusted. k is 0.

- ``auroc``, ``ap``: of the steps in events, by step,
- ``f1``: the best of precision by step and recall by event (`sklearn_ae.metrics.event_scores`)
  over 200 thresholds.

The series are those with labelled events that the packages aeon and sktime hold. Left out are
aeon's Daphnet_S06R02E0, in which no step is labelled, and sktime's seatbelts, where a change is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

PROTOCOLS = ["whole", "ahead"]
METRICS = ["window"] + [f"{m}_{p}" for p in PROTOCOLS for m in ("auroc", "ap", "f1")]
SEEDS = range(3)
DATA = list(data.SERIES)
FITTED = 0.4
N_THRESHOLDS = 200
OURS = "sklearn_ae"


class Windows(Rival):
    """A detector of rows, on windows.

    Parameters
    ----------
    distribution, module, name : str
        Where it is from; PyOD's scores are higher for what is stranger.
    seeded : bool
        Whether it takes `random_state`.
    """

    def __init__(self, distribution: str, module: str, name: str, seeded: bool = False) -> None:
        self.distribution, self.module, self.name = distribution, module, name
        self.seeded = seeded

    def strange(self, train: np.ndarray, test: np.ndarray | None, window: int, seed: int):
        """Return how strange the steps of `test` are, or those of `train` if it is None."""
        given = {"random_state": seed} if self.seeded else {}
        made = getattr(self.load(), self.name)(**given).fit(_rows(train, window))
        new = None if test is None else _rows(test, window)
        return _by_step(
            made.decision_scores_ if new is None else made.decision_function(new), window
        )

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Is for tables."""
        raise NotImplementedError


class MatrixProfile(Windows):
    """The distance of each window to the nearest other one, each in its own standard units."""

    def __init__(self) -> None:
        super().__init__("stumpy", "stumpy", "stump")

    def strange(self, train: np.ndarray, test: np.ndarray | None, window: int, seed: int):
        """Return how strange steps are."""
        x = np.ascontiguousarray(train[:, 0])
        if test is None:
            found = self.load().stump(x, window)
        else:
            new = np.ascontiguousarray(test[:, 0])
            found = self.load().stump(new, window, x, ignore_trivial=False)
        return _by_step(np.asarray(found[:, 0], np.float64), window)


class Difference(Windows):
    """How far a step is from the one before, which is no more than a line of code."""

    def __init__(self) -> None:
        super().__init__("numpy", "numpy", "diff")

    def strange(self, train: np.ndarray, test: np.ndarray | None, window: int, seed: int):
        """Return how strange steps are."""
        x = train if test is None else test
        return np.abs(np.diff(x, axis=0, prepend=x[:1])).sum(axis=1)


class Ours(SklearnAERival):
    """The detector of series."""

    def strange(self, train: np.ndarray, test: np.ndarray | None, window: int, seed: int):
        """Return how strange steps are."""
        made = self.make(0, seed).set_params(window=window, novelty=test is not None).fit(train)
        return -(made.training_scores_ if test is None else made.score_samples(test))


class OursOnRows(SklearnAERival):
    """The detector of rows, on windows."""

    def strange(self, train: np.ndarray, test: np.ndarray | None, window: int, seed: int):
        """Return how strange steps are."""
        made = self.make(0, seed).set_params(novelty=test is not None).fit(_rows(train, window))
        found = made.training_scores_ if test is None else made.score_samples(_rows(test, window))
        return _by_step(-found, window)


RIVALS = {
    "difference": Difference(),
    "matrix_profile": MatrixProfile(),
    "pyod_knn": Windows("pyod", "pyod.models.knn", "KNN"),
    "pyod_iforest": Windows("pyod", "pyod.models.iforest", "IForest", seeded=True),
    "pyod_lunar": Windows("pyod", "pyod.models.lunar", "LUNAR"),
    "rows": OursOnRows("AutoencoderOutlierDetector"),
    "sklearn_ae": Ours("TimeSeriesOutlierDetector"),
}
LIBRARIES = list(RIVALS)


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    # The first three draw nothing; the others take minutes.
    own = {name: [0] for name in ("difference", "matrix_profile", "pyod_knn", "pyod_lunar", "rows")}
    return _base.cells(
        data_names, libraries, seeds, widths=lambda name: [0], own_seeds=own, default_seeds=SEEDS
    )


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell, of both protocols.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the series.
    k : int
        0.
    seed : int
        Seed of the library.

    Returns
    -------
    row : dict
        The metrics, sizes and the seconds of both protocols, scores included.
    """
    X, y = data.series(name)
    window = _window(X)
    n_fitted = int(FITTED * len(X))
    row: dict = {"window": window, "n_train": n_fitted, "n_test": len(X) - n_fitted}
    row |= {"p": X.shape[1], "fit_seconds": 0.0}
    for protocol in PROTOCOLS:
        train, test = (X, None) if protocol == "whole" else (X[:n_fitted], X[n_fitted:])
        train, test = _standard(train, train), None if test is None else _standard(train, test)
        truth = y if test is None else y[n_fitted:]
        # LUNAR draws from the global generators.
        np.random.seed(seed)  # noqa: NPY002
        if library == "pyod_lunar":
            import torch

            torch.manual_seed(seed)
        asked = problems.rival("series", library).strange
        strange, seconds = _base.timed(asked, train, test, window, seed)
        strange = _base.finite(strange, (len(truth),), "score")
        row["fit_seconds"] += seconds
        row |= {f"{m}_{protocol}": round(v, 6) for m, v in scores(truth, strange).items()}
    return row


def scores(truth: np.ndarray, strange: np.ndarray) -> dict[str, float]:
    """Return the metrics of a protocol, by name.

    Parameters
    ----------
    truth : ndarray of shape (n_steps,), bool
        Which steps are in events.
    strange : ndarray of shape (n_steps,)
        How strange they are.
    """
    from sklearn_ae.metrics import event_scores

    at = np.unique(np.sort(strange)[-np.geomspace(1, len(strange), N_THRESHOLDS).astype(int)])
    return {
        "auroc": float(roc_auc_score(truth, strange)),
        "ap": float(average_precision_score(truth, strange)),
        "f1": max(event_scores(truth, strange >= edge).f1 for edge in at),
    }


def _window(X: np.ndarray) -> int:
    from sklearn_ae.applications._time_series import default_window

    return default_window(X)


def _standard(train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    spread = train.std(axis=0)
    return (rows - train.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _rows(X: np.ndarray, window: int) -> np.ndarray:
    """Return windows as rows."""
    found = sliding_window_view(X, window, axis=0)
    return found.reshape(len(found), -1)


def _by_step(of_windows: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over the windows that cover a step."""
    covered = np.convolve(np.ones(len(of_windows)), np.ones(window))
    return np.convolve(of_windows, np.ones(window)) / covered


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the metrics of each series, and how far ours is from the best rival in the mean.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table of means alone, in Markdown.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    by_set = results.groupby(["library", "data"])[METRICS[1:]].mean()
    means = (
        by_set.groupby("library")
        .mean()
        .reindex([n for n in LIBRARIES if n in results.library.values])
    )
    if markdown:
        return tables.frame_markdown(means.round(4))
    lines = ["means over series, and over seeds", "", tables.frame(means.round(4)), ""]
    for name in sorted(set(results["data"])):
        found = by_set.xs(name, level="data").reindex(means.index).dropna(how="all")
        lines += [name, "", tables.frame(found.round(4)), ""]
    rivals = means.drop(index=OURS, errors="ignore")
    if OURS in means.index and len(rivals):
        for metric in METRICS[1:]:
            best = rivals[metric].idxmax()
            margin = means.loc[OURS, metric] - rivals.loc[best, metric]
            lines.append(f"{OURS} - {best}, {metric}: {margin:+.4f}")
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the average precision of the steps, the mean of both protocols.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    results = tables.current(results)
    half = (results["ap_whole"] + results["ap_ahead"]) / 2
    shown = ["matrix_profile", "pyod_knn", "pyod_iforest", "pyod_lunar", OURS]
    table = tables.means(results.assign(ap=half), "ap", shown).droplevel("k")
    pictures.dots(
        table,
        {name: name.replace("_", " ") for name in shown} | {OURS: OURS},
        path,
        xlabel="average precision by step, mean of both protocols",
        reference=0.0,
        limits=(0.0, 1.05),
    )
