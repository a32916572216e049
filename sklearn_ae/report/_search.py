"""Codes of an autoencoder beside those of PCA, in one grid search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae.autoencoders import Autoencoder
from sklearn_ae.report._columns import Target
from sklearn_ae.report._encoder import TableEncoder
from sklearn_ae.report._kept import KeptShare, is_level

N_COMPONENTS = (2, 4, 8)
N_FOLDS = 3
NAMES = ("PCA", "Autoencoder")


class Codes(NamedTuple):
    """What the search found.

    Parameters
    ----------
    search : GridSearchCV
        Fitted; its best pipeline is fitted to all rows.
    table : DataFrame
        Columns name, k, kept, predicted, seconds: means over folds.
    folds : dict of ndarray
        Measures in each fold, by measure, name and k.
    decides, measure : str
        The column of `table` that decides, and what it is.
    columns_alone : float or None
        The measure of the columns without a code; only with a target.
    pca, autoencoder : Pipeline
        Both at the k at which the autoencoder does best, fitted to all rows: two steps.
    """

    search: GridSearchCV
    table: pd.DataFrame
    folds: dict[tuple[str, str, int], np.ndarray]
    decides: str
    measure: str
    columns_alone: float | None
    pca: Pipeline
    autoencoder: Pipeline

    @property
    def k(self) -> int:
        """Number of components at which the autoencoder does best."""
        return int(self.best(NAMES[1], self.decides)["k"])

    def best(self, name: str, measure: str) -> pd.Series:
        """Return the row of `table` that is the best of one name."""
        own = self.table[self.table["name"] == name]
        return own.loc[own[measure].idxmax()]

    def gain(self, measure: str) -> tuple[float, float]:
        """Return the mean over folds of what the autoencoder is above PCA, and its error.

        Each is at the size at which it does best.
        """
        best = (int(self.best(name, measure)["k"]) for name in NAMES)
        pca, own = (self.folds[measure, name, k] for name, k in zip(NAMES, best, strict=True))
        gains = own - pca
        return float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))

    @property
    def kept(self) -> str:
        """What the fit to all rows kept: "network" or "start"."""
        return str(self.autoencoder[-1].selection_.kept)


def make_search(
    frame: pd.DataFrame, target: Target | None, random_state: int, scored: Callable
) -> GridSearchCV:
    """Return the search in which PCA and an autoencoder are two choices of one step.

    Parameters
    ----------
    frame : DataFrame
        The columns.
    target : Target or None
        Decides what stands behind the codes.
    random_state : int
        Of the folds and the autoencoder.
    scored : callable
        Scores the codes.
    """
    encoder = TableEncoder()
    width = encoder.fit_transform(frame).shape[1]
    most = min(width, len(frame) * (N_FOLDS - 1) // N_FOLDS) - 1
    sizes = [k for k in N_COMPONENTS if k <= most] or [1]
    # Frames of numbers alone count by their variance, as with PCA; others count columns equally.
    own = "passthrough" if any(map(is_level, _columns(frame))) else TableEncoder(fill=False)
    steps: list[tuple[str, Any]] = [("read", encoder), ("reduce", PCA())]
    scoring: dict[str, Any] = {"kept": scored}
    if target is not None:
        classes = target.task == "classification"
        predictor = LogisticRegression(max_iter=1000) if classes else Ridge()
        steps.append(("predict", make_pipeline(StandardScaler(), predictor)))
        scoring["predicted"] = _scorer(target)
    grid: list[dict[str, Any]] = [
        {"read": [encoder], "reduce": [PCA(random_state=random_state)]},
        {"read": [own], "reduce": [Autoencoder(random_state=random_state)]},
    ]
    return GridSearchCV(
        Pipeline(steps),
        [{**choice, "reduce__n_components": sizes} for choice in grid],
        scoring=scoring,
        refit="kept" if target is None else "predicted",
        cv=_folds(target, random_state),
        error_score="raise",
    )


def search_codes(
    frame: pd.DataFrame,
    target: Target | None,
    *,
    random_state: int,
    n_jobs: int,
    advance: Callable[[], None],
) -> Codes:
    """Search, and fit the two at the autoencoder's best size to all rows.

    Parameters
    ----------
    frame : DataFrame
        The columns; of rows that have a target, where there is one.
    target : Target or None
        What codes are to predict.
    random_state : int
        Seed.
    n_jobs : int
        Fits at a time.
    advance : callable
        Called after each fit.
    """
    kept = KeptShare(frame)

    def scored(estimator: Pipeline, X: pd.DataFrame, y: Any = None) -> float:
        advance()
        return kept(estimator[:2], X)

    search = make_search(frame, target, random_state, scored)
    y = None if target is None else target.y
    # Threads, so that torch is not imported once more for each process.
    with joblib.parallel_config(backend="threading", n_jobs=n_jobs):
        search.fit(frame, y)
    results = search.cv_results_
    reducers = results["param_reduce"]
    table = pd.DataFrame(
        {
            "name": [type(reducer).__name__ for reducer in reducers],
            "k": np.asarray(results["param_reduce__n_components"], dtype=int),
            "kept": results["mean_test_kept"],
            "predicted": results.get("mean_test_predicted", np.nan),
            "seconds": results["mean_fit_time"],
        }
    )
    decides = "kept" if target is None else "predicted"
    folds = {
        (measure, name, k): np.array(
            [results[f"split{i}_test_{measure}"][j] for i in range(N_FOLDS)]
        )
        for measure in search.scoring
        for j, (name, k) in enumerate(zip(table["name"], table["k"], strict=True))
    }
    own = table[table["name"] == NAMES[1]]
    k = int(own.loc[own[decides].idxmax(), "k"])
    pair = [_at(search, frame, y, name, k) for name in NAMES]
    advance()
    alone = None if target is None else _columns_alone(frame, target, random_state)
    return Codes(search, table, folds, decides, measure_of(target), alone, *pair)


def measure_of(target: Target | None) -> str:
    """Return what decides, in words."""
    if target is None:
        return "share kept of a column"
    if target.task == "regression":
        return f"R² of {target.name}"
    return f"{'AUROC' if _two_classes(target) else 'accuracy'} of {target.name}"


def _at(search: GridSearchCV, frame: pd.DataFrame, y: Any, name: str, k: int) -> Pipeline:
    """Return the first two steps of a candidate, fitted to all rows."""
    candidates = search.cv_results_["params"]
    chosen = next(
        params
        for params in candidates
        if type(params["reduce"]).__name__ == name and params["reduce__n_components"] == k
    )
    if chosen is candidates[search.best_index_]:
        return search.best_estimator_[:2]
    pipeline = Pipeline([("read", None), ("reduce", None)])
    return pipeline.set_params(**_cloned(chosen)).fit(frame)


def _cloned(params: dict[str, Any]) -> dict[str, Any]:
    return {name: clone(value, safe=False) for name, value in params.items()}


def _columns_alone(frame: pd.DataFrame, target: Target, random_state: int) -> float:
    classes = target.task == "classification"
    predictor = LogisticRegression(max_iter=1000) if classes else Ridge()
    pipeline = Pipeline([("read", TableEncoder()), ("predict", predictor)])
    folds = _folds(target, random_state)
    return float(
        cross_val_score(pipeline, frame, target.y, scoring=_scorer(target), cv=folds).mean()
    )


def _folds(target: Target | None, random_state: int) -> KFold | StratifiedKFold:
    # Shuffled, since a file is often sorted by one of its columns.
    classes = target is not None and target.task == "classification"
    return (StratifiedKFold if classes else KFold)(N_FOLDS, shuffle=True, random_state=random_state)


def _scorer(target: Target) -> str:
    if target.task == "regression":
        return "r2"
    return "roc_auc" if _two_classes(target) else "accuracy"


def _two_classes(target: Target) -> bool:
    return len(np.unique(target.y)) == 2


def _columns(frame: pd.DataFrame) -> list[pd.Series]:
    return [frame.iloc[:, j] for j in range(frame.shape[1])]
