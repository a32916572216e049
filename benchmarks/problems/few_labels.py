"""Classes from few labels, beside many rows without one.

Of the images, 30 % are held out, and columns are standardised by the others, as a user gives them.
Of the tables, 3,000 rows are for `fit` and 3,000 are held out; classifiers that need numbers get
categories as a column a level, standardised too. k rows have a label, drawn in the shares of the
classes; of the tables also all 3,000. Classifiers without use for the other rows are fitted to
those with a label.

- ``accuracy``: share of held-out rows whose class is right,
- ``auroc``: of the second of two classes, empty for more.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from benchmarks import data, problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals._base import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["accuracy", "auroc"]
DATA = ["digits", "images/mnist_5k", "tables/bank", "tables/online_shoppers"]
LABELS = [20, 50, 100]
ROWS = 3_000
SPLITS, SEEDS = range(10), range(5)
# How far ours is to be above the best rival on images, by the number of labels.
BARS = {
    "digits": {20: 0.06, 50: 0.045, 100: 0.025},
    "images/mnist_5k": {20: 0.18, 50: 0.14, 100: 0.11},
}
AUROC_BAR, ALL_BAR = 0.02, -0.005


class _Classifier(Rival):
    """A classifier of scikit-learn.

    Parameters
    ----------
    make : callable
        Makes it from a seed.
    unlabelled : bool, default=False
        Whether it has use for rows without a label.
    numbers : bool, default=True
        Whether it needs numbers.
    """

    distribution = "scikit-learn"
    module = "sklearn.semi_supervised"

    def __init__(
        self, make: Callable[[int], Any], unlabelled: bool = False, numbers: bool = True
    ) -> None:
        self.make = make
        self.unlabelled = unlabelled
        self.numbers = numbers

    def fit(self, X: Any, y: np.ndarray, seed: int) -> Any:
        """Fit to rows, -1 marking those without a label."""
        model = self.make(seed)
        if self.numbers and isinstance(X, pd.DataFrame):
            levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            columns = make_column_transformer(
                (levels, make_column_selector(dtype_include="category")), remainder="passthrough"
            )
            model = make_pipeline(columns, StandardScaler(), model)
            # Units are those of all rows, as in the images.
            model[:2].fit(X)
            head = model[-1]
        known = np.ones(len(y), dtype=bool) if self.unlabelled else y >= 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.numbers and isinstance(X, pd.DataFrame):
                head.fit(model[:2].transform(X)[known], y[known])
                return model
            rows = X.loc[known] if isinstance(X, pd.DataFrame) else X[known]
            return model.fit(rows, y[known])


def _spreading(seed: int) -> LabelSpreading:
    return LabelSpreading(kernel="knn", max_iter=100)


RIVALS = {
    "sklearn_ae": SklearnAERival("AutoencoderClassifier"),
    "logistic_regression": _Classifier(lambda seed: LogisticRegression(max_iter=500)),
    "boosting": _Classifier(
        lambda seed: HistGradientBoostingClassifier(
            categorical_features="from_dtype", random_state=seed
        ),
        numbers=False,
    ),
    "mlp": _Classifier(lambda seed: MLPClassifier(random_state=seed)),
    "self_training": _Classifier(
        lambda seed: SelfTrainingClassifier(LogisticRegression(max_iter=100)), unlabelled=True
    ),
    "label_spreading": _Classifier(_spreading, unlabelled=True),
    "pca_label_spreading": _Classifier(
        lambda seed: make_pipeline(PCA(20, random_state=seed), _spreading(seed)), unlabelled=True
    ),
}
LIBRARIES = list(RIVALS)


class _Split(NamedTuple):
    """Rows of `fit` and held-out rows with their classes."""

    train: Any
    y_train: np.ndarray
    test: Any
    y_test: np.ndarray


def _counts(name: str) -> list[int]:
    return [*LABELS, ROWS] if name.startswith("tables/") else LABELS


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is the number of labels."""
    libraries = list(libraries)
    for name in data_names:
        default = SEEDS if name.startswith("tables/") else SPLITS
        yield from _base.cells([name], libraries, seeds, widths=_counts, default_seeds=default)


@cache
def split(name: str, seed: int) -> _Split:
    """Draw the rows of `fit` and the held-out ones.

    Parameters
    ----------
    name : str
        One of `DATA`, or another set that has classes.
    seed : int
        Draws them.

    Returns
    -------
    train, y_train, test, y_test
        Rows, and classes as whole numbers.
    """
    if name.startswith("tables/"):
        X, y = data.load_labelled(name, seed, 2 * ROWS)
        half = len(X) // 2
        return _Split(X[:half], y[:half], X[half:], y[half:])
    if name.startswith("images/"):
        X = data.images(name)
        X, y = X.reshape(len(X), -1).astype(np.float64), data.image_labels(name)
    else:
        frame, y = data.load_labelled(name, seed, data.MAX_ROWS)
        X = frame.to_numpy(np.float64)
    train, test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, random_state=seed, stratify=y
    )
    train, test = _base.standardize(train, test)
    return _Split(train, y_train, test, y_test)


def some_labels(y: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Return labels of k rows, in the shares of the classes, and -1 for the others.

    Parameters
    ----------
    y : ndarray of shape (n,)
        All labels.
    k : int
        How many are kept.
    seed : int
        Draws them.

    Returns
    -------
    labels : ndarray of shape (n,)
    """
    if k >= len(y):
        return y
    kept, _ = train_test_split(np.arange(len(y)), train_size=k, random_state=seed, stratify=y)
    labels = np.full(len(y), -1)
    labels[kept] = y[kept]
    return labels


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        A key of `RIVALS`.
    name : str
        Name of a data set.
    k : int
        Number of labels.
    seed : int
        Seed of the split, the labels and the classifier.

    Returns
    -------
    row : dict
        Metrics, sizes and seconds.
    """
    rows = split(name, seed)
    labels = some_labels(rows.y_train, k, seed)
    rival = problems.rival("few_labels", library)
    if isinstance(rival, SklearnAERival):
        model, seconds = _base.timed(rival.make(0, seed).fit, rows.train, labels)
    else:
        model, seconds = _base.timed(rival.fit, rows.train, labels, seed)
    # Spreading gives NaN for rows that no label reaches.
    proba = np.nan_to_num(model.predict_proba(rows.test), nan=0.0)
    right = np.mean(model.classes_[proba.argmax(axis=1)] == rows.y_test)
    row = _base.sizes(rows.train, rows.test) | {
        "accuracy": round(float(right), 6),
        "fit_seconds": seconds,
    }
    if len(model.classes_) == 2:
        row["auroc"] = round(float(roc_auc_score(rows.y_test, proba[:, 1])), 6)
    return row


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the mean accuracies and areas, and the bars.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the tables in Markdown, without the bars.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    write = tables.frame_markdown if markdown else tables.frame
    lines = []
    means = {}
    for metric in METRICS:
        values = results.assign(value=pd.to_numeric(results[metric])).dropna(subset="value")
        table = values.groupby(["data", "k", "library"])["value"].mean().unstack("library")
        means[metric] = table[[name for name in LIBRARIES if name in table]]
        lines += [f"{metric}, mean over the splits", "", write(means[metric]), ""]
    if not markdown and tables.OURS in means["accuracy"]:
        lines += [*_image_bars(means["accuracy"]), *_table_bars(means)]
    return "\n".join([*lines, *failed]).rstrip()


def _verdict(what: str, value: float, bar: float) -> str:
    return f"{what}: {value:+.4f} {'clears' if value >= bar else 'fails'} {bar:+g}"


def _image_bars(accuracy: pd.DataFrame) -> list[str]:
    ahead = accuracy[tables.OURS] - accuracy.drop(columns=tables.OURS).max(axis=1)
    return [
        _verdict(f"{name}, {k} labels, accuracy above the best rival", ahead[name, k], bar)
        for name, bars in BARS.items()
        for k, bar in bars.items()
        if (name, k) in ahead.index
    ]


def _table_bars(means: dict[str, pd.DataFrame]) -> list[str]:
    lines = []
    accuracy, area = means["accuracy"], means["auroc"]
    for name in accuracy.index.unique("data"):
        if not name.startswith("tables/"):
            continue
        few = accuracy.loc[name].reindex(LABELS).dropna(how="all").mean()
        ahead = few[tables.OURS] - few.drop(tables.OURS).max()
        lines.append(_verdict(f"{name}, few labels, mean accuracy above the best rival", ahead, 0))
        for k, row in area.loc[name].iterrows():
            if k != ROWS and "logistic_regression" in row:
                gain = row[tables.OURS] - row["logistic_regression"]
                lines.append(
                    _verdict(
                        f"{name}, {k} labels, AUROC above logistic regression", gain, AUROC_BAR
                    )
                )
        if (name, ROWS) in accuracy.index:
            for metric, table in means.items():
                row = table.loc[name, ROWS]
                ahead = row[tables.OURS] - row.drop(tables.OURS).max()
                lines.append(
                    _verdict(f"{name}, all labels, {metric} above the best rival", ahead, ALL_BAR)
                )
    return lines


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the means are in the report."""
    raise ValueError("The problem few_labels has no picture; use the report.")
