"""Predictions from codes.

Logistic regression, or ridge regression for housing, on codes of k numbers (``alone``) and on the
standardised columns with the codes beside them (``beside``): AUROC, or R². Categories are columns
of 0 and 1, missing numbers the mean. A seed is one of three outer folds. Features are fitted on
its training part, without labels; the strength of regularisation is chosen within it, by the mean
score of three inner folds (``inner_alone``, ``inner_beside``), by which the report chooses k, and
the estimator at equal k. ``raw`` has the columns themselves, and k = 0.
"""

import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import data, problems, rivals
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.problems._imputers import Indicators
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["alone", "beside", "inner_alone", "inner_beside"]
# Estimators of this project between which the inner folds choose.
VARIANTS = {
    "sklearn_ae": "Autoencoder",
    "sparse": "SparseAutoencoder",
    "denoising": "DenoisingAutoencoder",
    "contractive": "ContractiveAutoencoder",
    "variational": "VariationalAutoencoder",
}
LIBRARIES = ["raw", "pca", "nystroem", "rbf_sampler", *VARIANTS]
DATA = [
    "anomaly/Ionosphere", "anomaly/PageBlocks", "anomaly/annthyroid", "anomaly/breastw",
    "anomaly/cardio", "anomaly/fault", "anomaly/landsat", "anomaly/magic.gamma",
    "anomaly/mammography", "anomaly/satellite", "tables/titanic", "tables/housing",
    "tables/online_shoppers", "tables/bank", "breast_cancer",
]  # fmt: skip
WIDTHS = [4, 8]
FOLDS = 3
MAX_ROWS = 2000
# What the report calls the estimators that the inner folds choose.
CHOSEN = "chosen"
# The share of cells in which our codes have to be better than PCA's.
BAR = 0.8
# Scores that differ by less are as good.
TIE = 0.005


class _Codes:
    def __init__(self, transform) -> None:
        self.transform = transform


class SklearnFeatures(Rival):
    """A transformer of scikit-learn with k columns.

    Parameters
    ----------
    make : callable
        Takes k and a seed and returns the transformer; None stands for no columns at all.
    """

    distribution = "scikit-learn"
    module = "sklearn.kernel_approximation"

    def __init__(self, make=None) -> None:
        self.make = make

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Codes:
        """Fit the transformer."""
        if self.make is None:
            return _Codes(lambda rows: rows[:, :0])
        return _Codes(self.make(k, seed).fit(X).transform)


class PCAFeatures(Rival):
    """The codes of PCA."""

    distribution = "scikit-learn"
    module = "sklearn.decomposition"

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Codes:
        """Fit PCA."""
        return _Codes(rivals.get("pca").fit(X, k, seed).pca.transform)


RIVALS = {
    "raw": SklearnFeatures(),
    "pca": PCAFeatures(),
    "nystroem": SklearnFeatures(lambda k, seed: Nystroem(n_components=k, random_state=seed)),
    "rbf_sampler": SklearnFeatures(
        lambda k, seed: RBFSampler(gamma="scale", n_components=k, random_state=seed)
    ),
    **{name: SklearnAERival(estimator) for name, estimator in VARIANTS.items()},
}


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library)."""
    folds = range(FOLDS) if seeds is None else seeds
    for name in data_names:
        for library in libraries:
            widths = [k for k in WIDTHS if k < _n_columns(name)]
            for k in [0] if library == "raw" else widths:
                yield from ((name, k, fold, library) for fold in folds)


@cache
def _n_columns(name: str) -> int:
    """Return the number of columns of a data set, those of 0 and 1 included."""
    frame, _ = data.load_labelled(name, 0, MAX_ROWS)
    return Indicators(frame).encode(frame).shape[1]


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Width of the codes.
    seed : int
        Number of the outer fold.

    Returns
    -------
    row : dict
        Scores, sizes and the seconds of fitting the features.
    """
    frame, y = data.load_labelled(name, 0, MAX_ROWS)
    labels = len(np.unique(y)) == 2
    outer = (StratifiedKFold if labels else KFold)(FOLDS, shuffle=True, random_state=0)
    train, test = list(outer.split(frame, y))[seed % FOLDS]
    X = Indicators(frame).encode(frame)
    X = np.where(np.isnan(X), np.nanmean(X[train], axis=0), X)
    X_train, X_test = _base.standardize(X[train], X[test])
    model, seconds = _base.timed(problems.rival("downstream", library).fit, X_train, k, seed)
    codes, codes_test = model.transform(X_train), model.transform(X_test)
    row = _base.sizes(X_train, X_test) | {"fit_seconds": seconds}
    both = [np.hstack([a, b]) for a, b in [(X_train, codes), (X_test, codes_test)]]
    parts = {"alone": both if library == "raw" else [codes, codes_test], "beside": both}
    for how, (rows, rows_test) in parts.items():
        inner, score = _score(rows, y[train], rows_test, y[test], labels)
        row |= {how: score, f"inner_{how}": inner}
    return row


def _score(
    X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, labels: bool
) -> tuple[float, float]:
    """Choose the regularisation; return its score within the training part, and the test score."""
    if labels:
        model, scoring = LogisticRegression(max_iter=500), "roc_auc"
        choice = {"logisticregression__C": np.logspace(-3, 3, 7)}
    else:
        model, scoring = Ridge(), "r2"
        choice = {"ridge__alpha": np.logspace(-3, 4, 8)}
    inner = (StratifiedKFold if labels else KFold)(3, shuffle=True, random_state=1)
    search = GridSearchCV(make_pipeline(StandardScaler(), model), choice, scoring=scoring, cv=inner)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    return round(float(search.best_score_), 6), round(float(search.score(X_test, y_test)), 6)


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the scores at equal width, those of the chosen widths, and the bar.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the compact table instead.

    Returns
    -------
    text : str
    """
    failures, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failures])
    shown = [library for library in LIBRARIES if library in set(results["library"])]
    chosen = {how: _of_chosen_width(results, how)[shown] for how in ("alone", "beside")}
    if markdown:
        both = chosen["alone"].join(
            chosen["beside"].drop(columns="raw", errors="ignore").add_prefix("columns and ")
        )
        both.loc["mean"] = both.mean()
        return tables.frame_markdown(both)
    lines = []
    for how in ("alone", "beside"):
        table = tables.means(results, how, shown)
        lines += [f"{how}, mean over outer folds", "", tables.frame(table), ""]
        lines += [f"{how}, k chosen within the training part", "", tables.frame(chosen[how]), ""]
    own = results[results["library"].isin(list(VARIANTS))]
    at_equal_width = {}
    for how in ("alone", "beside"):
        kept = _preferred(own, how, ["data", "k", "seed"])
        at_equal_width[how] = tables.means(results, how, shown).assign(
            **{CHOSEN: kept.groupby(["data", "k"])[how].mean()}
        )
    if "pca" in shown:
        for name in [*(name for name in VARIANTS if name in shown), CHOSEN]:
            lines += _against_pca(at_equal_width, name)
    if "raw" in shown and tables.OURS in shown:
        for how, table in chosen.items():
            gap = table[tables.OURS] - chosen["alone"]["raw"]
            lines += [
                f"{how} against raw columns: better by more than {TIE} on {(gap > TIE).sum()}, as "
                f"good on {(gap.abs() <= TIE).sum()}, worse on {(gap < -TIE).sum()} of "
                f"{gap.count()} sets; mean {gap.mean():+.4f}"
            ]
            lines += [f"  {name}: {value:+.4f}" for name, value in gap.sort_values().items()]
    return "\n".join([*lines, *failures]).rstrip()


def _against_pca(scores: dict[str, pd.DataFrame], name: str) -> list[str]:
    """Count the cells in which an estimator, or the chosen ones, are better than PCA's codes."""
    lines, better, pairs = [], 0, 0
    for how, table in scores.items():
        gap = (table[name] - table["pca"]).dropna()
        better, pairs = better + int((gap > 0).sum()), pairs + len(gap)
        worse = gap[gap <= 0].sort_values()
        lines += [
            f"{name}, {how}: better than pca at equal width in {(gap > 0).sum()} of {len(gap)} "
            f"cells; mean {gap.mean():+.4f}"
        ]
        lines += [f"  not {tables.where(key)}: {value:+.4f}" for key, value in worse.items()]
    return [
        *lines,
        f"{name}, both: {better} of {pairs} cells, {better / pairs:.0%} (bar {BAR:.0%})",
        "",
    ]


def _preferred(results: pd.DataFrame, how: str, within: list[str]) -> pd.DataFrame:
    """Keep the rows that inner folds prefer within each group."""
    return results.loc[results.groupby(within)[f"inner_{how}"].idxmax().dropna()]


def _of_chosen_width(results: pd.DataFrame, how: str) -> pd.DataFrame:
    """Scores of the width that inner folds prefer, a row a data set, a column a library."""
    kept = _preferred(results, how, ["data", "seed", "library"])
    return kept.pivot_table(index="data", columns="library", values=how, aggfunc="mean")


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the report has the tables."""
    raise ValueError("The problem downstream has no picture; use the report.")
