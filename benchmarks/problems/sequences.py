"""Codes of whole sequences whose lengths differ.

Sequences are split as their archive splits them, and stay in its units. ``accuracy`` is that of
logistic regression on standardised codes, on the test part. ``r2`` is that of the reconstruction
of the test part: for each channel one minus the squared error over the squared distance to the
training mean, averaged over channels. ``width`` is how many numbers a sequence becomes: k, or what
the statistics come to.

``pca`` sees a sequence as a row that zeros fill up to the longest. ``statistics`` are the mean and
the standard deviation of each channel, ``statistics_range`` also its minimum and its maximum.
``shuffled`` is ``sklearn_ae`` on sequences whose steps were put in a random order, each in its own.
Libraries without random draws have one seed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival


class _Padded:
    """PCA of rows that zeros fill up; steps after the longest training length are left out."""

    def __init__(self, pca: Any, n_steps: int) -> None:
        self.pca = pca
        self.n_steps = n_steps

    def transform(self, X: list[np.ndarray]) -> np.ndarray:
        return self.pca.transform(pad(X, self.n_steps))

    def reconstruct(self, X: list[np.ndarray]) -> list[np.ndarray]:
        rows = self.pca.inverse_transform(self.transform(X)).reshape(len(X), self.n_steps, -1)
        rebuilt = []
        for x, row in zip(X, rows, strict=True):
            beyond = np.zeros((max(len(x) - self.n_steps, 0), x.shape[1]))
            rebuilt.append(np.vstack([row[: len(x)], beyond]))
        return rebuilt


class PaddedPCARival(Rival):
    """`sklearn.decomposition.PCA` of padded sequences."""

    distribution = "scikit-learn"
    module = "sklearn.decomposition"

    def fit(self, X: list[np.ndarray], k: int, seed: int) -> _Padded:  # type: ignore[override]
        """Fit PCA with k components."""
        n_steps = max(map(len, X))
        pca = self.load().PCA(n_components=k, random_state=seed)
        return _Padded(pca.fit(pad(X, n_steps)), n_steps)


class _Statistics:
    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def transform(self, X: list[np.ndarray]) -> np.ndarray:
        return np.stack([np.concatenate([getattr(x, n)(axis=0) for n in self.names]) for x in X])


class StatisticsRival(Rival):
    """Statistics of each channel over time.

    Parameters
    ----------
    *names : str
        Methods of an array.
    """

    distribution = "numpy"
    module = "numpy"

    def __init__(self, *names: str) -> None:
        self.names = names

    def fit(self, X: list[np.ndarray], k: int, seed: int) -> Any:  # type: ignore[override]
        """Return the statistics; there is nothing to fit."""
        return _Statistics(self.names)


METRICS = ["accuracy", "r2", "width"]
LIBRARIES = ["statistics", "statistics_range", "pca", "sklearn_ae", "shuffled"]
RIVALS = {
    "statistics": StatisticsRival("mean", "std"),
    "statistics_range": StatisticsRival("mean", "std", "min", "max"),
    "pca": PaddedPCARival(),
    "sklearn_ae": SklearnAERival("RecurrentAutoencoder"),
    "shuffled": SklearnAERival("RecurrentAutoencoder"),
}
OWN_SEEDS = dict.fromkeys(["statistics", "statistics_range", "pca"], range(1))
LABELS = {
    "statistics": "mean and deviation",
    "statistics_range": "mean, deviation and range",
    "pca": "PCA of padded rows",
    "sklearn_ae": "sklearn_ae",
    "shuffled": "sklearn_ae, steps shuffled",
}
BAR_DATA = "sequences/JapaneseVowels"
DATA = [BAR_DATA, "sequences/BasicMotions", "sequences/ItalyPowerDemand"]
# The other two have 40 and 67 training sequences.
WIDTHS = {BAR_DATA: 16}
DEFAULT_WIDTH = 8
MIN_ACCURACY = 0.95


def pad(X: list[np.ndarray], n_steps: int) -> np.ndarray:
    """Return sequences as rows of one length.

    Parameters
    ----------
    X : list of ndarray of shape (n_steps_i, n_channels)
        Sequences.
    n_steps : int
        Steps of every row; zeros fill up shorter ones, and longer ones are cut.

    Returns
    -------
    rows : ndarray of shape (n_sequences, n_steps * n_channels)
    """
    rows = np.zeros((len(X), n_steps, X[0].shape[1]))
    for row, x in zip(rows, X, strict=True):
        row[: len(x)] = x[:n_steps]
    return rows.reshape(len(X), -1)


def shuffle(X: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Return sequences with the steps of each in a random order of its own."""
    return [rng.permutation(x) for x in X]


def channel_r2(
    X: list[np.ndarray], rebuilt: list[np.ndarray], center: np.ndarray | float = 0.0
) -> float:
    """Return the explained share of the squared distance to `center`, averaged over channels.

    Parameters
    ----------
    X, rebuilt : list of ndarray of shape (n_steps_i, n_channels)
        Sequences and their reconstruction.
    center : ndarray of shape (n_channels,) or float, default=0.0
        Means of the training steps.

    Returns
    -------
    r2 : float
    """
    parts = [_base.finite(b, x.shape, "reconstruction") for x, b in zip(X, rebuilt, strict=True)]
    steps, restored = np.vstack(X), np.vstack(parts)
    left = np.sum((steps - restored) ** 2, axis=0) / np.sum((steps - center) ** 2, axis=0)
    return round(1 - float(left.mean()), 8)


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 16 or 8."""
    return _base.cells(
        data_names,
        libraries,
        seeds,
        widths=lambda name: [WIDTHS.get(name, DEFAULT_WIDTH)],
        own_seeds=OWN_SEEDS,
    )


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
        Seed of the library and of the order of shuffled steps.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    X_train, y_train, X_test, y_test = data.sequences(name)
    if library == "shuffled":
        rng = np.random.default_rng(seed)
        X_train, X_test = shuffle(X_train, rng), shuffle(X_test, rng)
    model, seconds = _base.timed(problems.rival("sequences", library).fit, X_train, k, seed)
    codes = [np.asarray(model.transform(X)) for X in (X_train, X_test)]
    for part, X in zip(codes, (X_train, X_test), strict=True):
        _base.finite(part, (len(X), codes[0].shape[1]), "code")
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    accuracy = classifier.fit(codes[0], y_train).score(codes[1], y_test)
    row = {
        "n_train": len(X_train),
        "n_test": len(X_test),
        "p": data.shape(name)[1],
        "accuracy": round(float(accuracy), 6),
        "width": codes[0].shape[1],
        "fit_seconds": seconds,
    }
    if hasattr(model, "reconstruct"):
        means = np.vstack(X_train).mean(axis=0, dtype=np.float64)
        row["r2"] = channel_r2(X_test, model.reconstruct(X_test), means)
    return row


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the tables and the bars that our estimator has to clear.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table of accuracies as Markdown instead.

    Returns
    -------
    text : str
    """
    if markdown:
        return tables.markdown(results, "accuracy", LIBRARIES, LABELS)
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    accuracy = tables.means(results, "accuracy", LIBRARIES)
    r2 = tables.means(results, "r2", LIBRARIES)
    lines = []
    for metric, table in (("accuracy", accuracy), ("r2", r2)):
        lines += [f"{metric}, mean over seeds", "", tables.frame(table), ""]
    lines += [tables.seeds(results, LIBRARIES), "", "bars, means over seeds"]
    lines += _least(accuracy)
    for other in ("pca", "statistics", "statistics_range"):
        lines += _above(accuracy, other)
    lines += _ordered(accuracy, r2)
    lines += ["", *tables.slowest(results, LIBRARIES, 5000)]
    return "\n".join([*lines, *failed]).rstrip()


def _least(accuracy: pd.DataFrame) -> list[str]:
    ours = accuracy.reindex(columns=[tables.OURS])[tables.OURS].dropna()
    return [
        f"  {_verdict(value >= MIN_ACCURACY)}  {tables.OURS} accuracy {value:.4f} >= "
        f"{MIN_ACCURACY:g} ({tables.where(key)})"
        for key, value in ours.items()
        if key[0] == BAR_DATA
    ]


def _above(accuracy: pd.DataFrame, other: str) -> list[str]:
    pairs = accuracy.reindex(columns=[tables.OURS, other]).dropna()
    return [
        f"  {_verdict(ours > theirs)}  {tables.OURS} accuracy {ours:.4f} > {other} {theirs:.4f} "
        f"({tables.where(key)}{'' if key[0] == BAR_DATA else ', no bar'})"
        for key, ours, theirs in pairs.itertuples()
    ]


def _ordered(accuracy: pd.DataFrame, r2: pd.DataFrame) -> list[str]:
    gaps = {}
    for metric, table in (("accuracy", accuracy), ("r2", r2)):
        pairs = table.reindex(columns=[tables.OURS, "shuffled"]).dropna()
        gaps[metric] = pairs[tables.OURS] - pairs["shuffled"]
    return [
        f"  {_verdict(max(row) > 0)}  {tables.OURS} - shuffled: accuracy {row.accuracy:+.4f}, "
        f"r2 {row.r2:+.4f} ({tables.where(key)}{'' if key[0] == BAR_DATA else ', no bar'})"
        for key, row in pd.DataFrame(gaps).iterrows()
    ]


def _verdict(clears: bool) -> str:
    return "clears" if clears else "fails "


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the accuracy on the codes of each library by data set.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    table = tables.means(tables.current(results), "accuracy", LIBRARIES).droplevel("k")
    pictures.dots(
        table,
        LABELS,
        path,
        xlabel="accuracy of logistic regression on the codes of test sequences",
        reference=MIN_ACCURACY,
        limits=(0.2, 1.0),
    )
