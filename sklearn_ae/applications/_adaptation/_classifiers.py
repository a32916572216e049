"""Classifiers that are fitted to the source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import has_fit_parameter

from sklearn_ae.runtime import Seeds

_N_FOLDS = 5
# Parts of a probability, so that no class is out of question.
_LEAST = 1e-6
_TOLERANCE = 1e-9


def default_classifier(values: NDArray, weight: NDArray) -> BaseEstimator:
    """Return the classifier of columns in units of their ranges, or of codes.

    Its width of the kernel is SVC's own, by weighted rows; it is solved to where weights and
    repeated rows are the same.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        Rows of the source.
    weight : ndarray of shape (n,)
        Their weights.
    """
    mean = np.average(values, axis=0, weights=weight).mean()
    variance = np.average(np.square(values - mean).mean(axis=1), weights=weight)
    return SVC(gamma=1 / (values.shape[1] * variance) if variance > 0 else 1.0, tol=_TOLERANCE)


def seeded(estimator: BaseEstimator, seeds: Seeds, stream: str) -> BaseEstimator:
    """Return a clone in which each `random_state` that is None is a seed."""
    found = clone(estimator)
    rng = seeds.numpy(stream)
    open_ = [
        name
        for name, value in sorted(found.get_params().items())
        if value is None and name.rpartition("__")[2] == "random_state"
    ]
    return found.set_params(**{name: int(rng.integers(2**31 - 1)) for name in open_})


def fitted_to(
    classifier: BaseEstimator, X: Any, y: NDArray, weight: NDArray | None
) -> BaseEstimator:
    """Return a clone, fitted.

    Parameters
    ----------
    classifier : classifier
        As the user gave it, or the default.
    X : array-like, sparse matrix or data frame
        Rows of the source.
    y : ndarray of shape (n,)
        Their labels.
    weight : ndarray of shape (n,), optional
        Weights of the rows; handed to the last step of a Pipeline.

    Raises
    ------
    ValueError
        If there are weights, and the classifier takes none, or it is no classifier.
    """
    found = clone(classifier)
    if is_regressor(found):
        raise ValueError(
            f"classifier={found!r:.60} is a regressor; use a classifier, such as SVC() or "
            "LogisticRegression()."
        )
    if weight is None:
        return found.fit(X, y)
    name, last = "sample_weight", found
    while isinstance(last, Pipeline):
        step, last = last.steps[-1]
        name = f"{step}__{name}"
    if not has_fit_parameter(last, "sample_weight"):
        raise ValueError(
            f"sample_weight was given, but classifier={last!r:.60} has none in fit; leave it out, "
            "or use a classifier that takes it."
        )
    return found.fit(X, y, **{name: weight})


def probabilities(classifier: Any, X: Any) -> NDArray[np.float64]:
    """Return probabilities of classes, by the decision function of a classifier without any."""
    if hasattr(classifier, "predict_proba"):
        return np.asarray(classifier.predict_proba(X), np.float64)
    n_classes = len(classifier.classes_)
    if hasattr(classifier, "decision_function"):
        decision = np.asarray(classifier.decision_function(X), np.float64)
        if decision.ndim == 1:
            return np.column_stack([expit(-decision), expit(decision)])
        if decision.shape[1] == n_classes:
            return softmax(decision, axis=1)
    labels = np.searchsorted(classifier.classes_, classifier.predict(X))
    return np.eye(n_classes)[labels]


def out_of_fold(
    classifier: BaseEstimator, X: Any, y: NDArray, weight: NDArray | None, seeds: Seeds
) -> NDArray[np.float64]:
    """Return the probabilities of rows by classifiers that have not seen them.

    Parameters
    ----------
    classifier : classifier
        Not fitted.
    X : array-like, sparse matrix or data frame
        Rows of the source.
    y : ndarray of shape (n,)
        Their labels; at least two of each.
    weight : ndarray of shape (n,), optional
        Weights of the rows.
    seeds : Seeds
        Draw the folds.
    """
    classes, counts = np.unique(y, return_counts=True)
    found = np.zeros((len(y), len(classes)))
    folds = StratifiedKFold(
        min(_N_FOLDS, int(counts.min())),
        shuffle=True,
        random_state=int(seeds.numpy("folds").integers(2**31 - 1)),
    )
    for rest, held in folds.split(np.zeros(len(y)), y):
        given = None if weight is None else weight[rest]
        part = fitted_to(classifier, _safe_indexing(X, rest), y[rest], given)
        found[held] = probabilities(part, _safe_indexing(X, held))
    return found


def positive(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities none of which is 0."""
    return (shares + _LEAST) / (1 + _LEAST * shares.shape[1])
