"""What is predicted: classes or numbers, and the learners that scikit-learn has for each."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ae._compat import Trees, trees_of

# Share of the uniform answer in held-out probabilities, as of one row more.
_SHARE = 1.0
# Below this many rows, learners answer to weights and to repeated rows alike.
_EXACT = {"solver": "newton-cholesky", "tol": 1e-10}
# Options of boosted trees. Levels of categories are in an order, as trees are kept as plain arrays.
_TREES: dict[str, Any] = {
    "categorical_features": None,
    "early_stopping": False,
    "max_leaf_nodes": 8,
    "learning_rate": 0.05,
}
_BLOCK_CELLS = 2**20


class Linear:
    """Columns times coefficients, and what makes answers of them.

    Parameters
    ----------
    coef : ndarray of shape (p, k)
        Coefficients.
    intercept : ndarray of shape (k,)
        What is added.
    classes : ndarray of int, optional
        The classes that the answers are probabilities of; None for numbers.
    n_classes : int, default=0
        How many classes there are in all.
    """

    def __init__(
        self,
        coef: NDArray,
        intercept: NDArray,
        classes: NDArray[np.intp] | None = None,
        n_classes: int = 0,
    ) -> None:
        self.coef = coef
        self.intercept = intercept
        self.classes = classes
        self.n_classes = n_classes

    def __call__(self, rows: NDArray) -> NDArray[np.float64]:
        """Return probabilities of all classes, or numbers."""
        found = rows @ self.coef + self.intercept
        return _answers(found, self.classes, self.n_classes)


class Boosted:
    """Boosted trees as plain arrays, which load with any version of scikit-learn.

    Parameters
    ----------
    trees : Trees
        The nodes of all trees.
    n_classes : int, default=0
        How many classes there are in all; 0 for numbers.
    classes : ndarray of int, optional
        The classes that the trees have seen.
    """

    def __init__(
        self, trees: Trees, n_classes: int = 0, classes: NDArray[np.intp] | None = None
    ) -> None:
        self.trees = trees
        self.n_classes = n_classes
        self.classes = classes

    def __call__(self, rows: NDArray) -> NDArray[np.float64]:
        """Return probabilities of all classes, or numbers."""
        size = max(1, _BLOCK_CELLS // len(self.trees.roots))
        parts = [self._block(rows[i : i + size]) for i in range(0, len(rows), size)]
        found = np.concatenate(parts) if parts else np.zeros((0, self.trees.base.size))
        return _answers(found, self.classes, self.n_classes)

    def _block(self, rows: NDArray) -> NDArray[np.float64]:
        trees, index = self.trees, np.arange(len(rows))[:, None]
        node = np.tile(trees.roots, (len(rows), 1))
        while not trees.leaf[node].all():
            value = rows[index, trees.feature[node]]
            left = np.where(np.isnan(value), trees.missing_left[node], value <= trees.cut[node])
            below = np.where(left, trees.left[node], trees.right[node])
            node = np.where(trees.leaf[node], node, below)
        answers = trees.value[node].reshape(len(rows), -1, trees.base.size)
        return trees.base + answers.sum(axis=1)


class Task(ABC):
    """What candidates answer, and how they are evaluated.

    Targets are an array of shape (n, k): one-hot classes, or a number in standard units.
    """

    # Strengths of linear learners, the inverse of the penalty.
    strengths: tuple[float, ...] = ()
    # Powers that shares of a graph are taken to.
    powers: tuple[float, ...] = (1.0,)
    # Columns that a target has.
    width: int = 1

    @abstractmethod
    def prior(self, target: NDArray, weight: NDArray) -> NDArray[np.float64]:
        """Return what is answered without looking at a row, of shape (k,)."""

    @abstractmethod
    def linear(self, rows: NDArray, target: NDArray, weight: NDArray, strength: float) -> Linear:
        """Return a linear learner that is fitted to rows."""

    @abstractmethod
    def boosted(self, rows: NDArray, target: NDArray, weight: NDArray, seed: int) -> Any:
        """Return boosted trees that are fitted to rows."""

    @abstractmethod
    def spread(self, graph: Any, labels: Any, target: NDArray, alpha: float) -> NDArray[np.float64]:
        """Return what a graph says of all its rows."""

    @abstractmethod
    def log_losses(self, answers: NDArray, target: NDArray, weight: NDArray) -> NDArray[np.float64]:
        """Return minus the log-likelihood of each target."""

    def shown(self, target: NDArray, fold: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which targets can be predicted from other folds."""
        return np.full(len(target), True)

    @abstractmethod
    def sharpened(self, shares: NDArray, prior: NDArray, power: float) -> NDArray[np.float64]:
        """Return shares of a graph as answers."""

    @abstractmethod
    def decided(self, answers: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """Return the targets that answers stand for, and how sure each is."""


class Classes(Task):
    """Classes, as one-hot targets and probabilities.

    Parameters
    ----------
    n_classes : int
        How many there are.
    few : bool, default=False
        Whether there are so few rows that they must count as often as their weights say.
    """

    strengths = (0.01, 0.1, 1.0, 10.0)
    powers = (1.0, 3.0, 10.0)

    def __init__(self, n_classes: int, few: bool = False) -> None:
        self.width = n_classes
        self.few = few

    def prior(self, target: NDArray, weight: NDArray) -> NDArray[np.float64]:
        """Return shares of the classes, as if each had one row more."""
        mass = weight @ target + _SHARE
        return mass / mass.sum()

    def linear(self, rows: NDArray, target: NDArray, weight: NDArray, strength: float) -> Linear:
        """Return a logistic regression."""
        label = target.argmax(axis=1)
        if len(np.unique(label)) < 2:
            prior = self.prior(target, weight)
            return Linear(
                np.zeros((rows.shape[1], self.width)),
                np.log(prior),
                np.arange(self.width),
                self.width,
            )
        options: dict[str, Any] = _EXACT if self.few else {"tol": 1e-3}
        model = LogisticRegression(C=strength, max_iter=200, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(rows, label, weight)
        return Linear(model.coef_.T, model.intercept_, model.classes_, self.width)

    def boosted(self, rows: NDArray, target: NDArray, weight: NDArray, seed: int) -> Any:
        """Return boosted trees of the classes."""
        label = target.argmax(axis=1)
        if len(np.unique(label)) < 2:
            return self.linear(rows, target, weight, 1.0)
        model = HistGradientBoostingClassifier(**_TREES, random_state=seed)
        model.fit(rows, label, weight)
        return Boosted(trees_of(model), self.width, model.classes_)

    def spread(self, graph: Any, labels: Any, target: NDArray, alpha: float) -> NDArray[np.float64]:
        """Return shares of the classes, each of the same mass."""
        return graph.spread(labels(target), alpha)

    def log_losses(self, answers: NDArray, target: NDArray, weight: NDArray) -> NDArray[np.float64]:
        """Return minus the logarithm of the probability of the class."""
        found = (answers * target).sum(axis=1)
        share = _SHARE / (len(target) + _SHARE)
        return -np.log((1 - share) * found + share / self.width)

    def shown(self, target: NDArray, fold: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which targets are of a class that another fold has.

        A class that none has is found by no candidate, and costs the prior least.
        """
        folds = np.arange(max(fold.max(initial=0) + 1, 1))
        by_fold = (fold == folds[:, None]).astype(np.float64) @ target
        elsewhere = by_fold.sum(axis=0) - by_fold[fold]
        return np.any((elsewhere > 0) & (target > 0), axis=1) & (fold >= 0)

    def sharpened(self, shares: NDArray, prior: NDArray, power: float) -> NDArray[np.float64]:
        """Return powers of the shares times those of the classes."""
        found = (shares / shares.max(axis=1, keepdims=True)) ** power * prior
        return found / found.sum(axis=1, keepdims=True)

    def decided(self, answers: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """Return the likeliest class as a one-hot target, and its margin."""
        ordered = np.sort(answers, axis=1)
        return np.eye(self.width)[answers.argmax(axis=1)], ordered[:, -1] - ordered[:, -2]


class Numbers(Task):
    """A number, in units of the standard deviation of those that are known.

    Parameters
    ----------
    few : bool, default=False
        Whether there are so few rows that they must count as often as their weights say.
    """

    strengths = (0.01, 0.1, 1.0, 10.0)

    def __init__(self, few: bool = False) -> None:
        self.few = few

    def prior(self, target: NDArray, weight: NDArray) -> NDArray[np.float64]:
        """Return the mean."""
        return weight @ target / weight.sum()

    def linear(self, rows: NDArray, target: NDArray, weight: NDArray, strength: float) -> Linear:
        """Return a ridge regression."""
        model = Ridge(alpha=1 / strength, solver="cholesky").fit(rows, target[:, 0], weight)
        return Linear(model.coef_.reshape(-1, 1), np.atleast_1d(model.intercept_))

    def boosted(self, rows: NDArray, target: NDArray, weight: NDArray, seed: int) -> Any:
        """Return boosted trees of the number."""
        model = HistGradientBoostingRegressor(**_TREES, random_state=seed)
        return Boosted(trees_of(model.fit(rows, target[:, 0], weight)))

    def spread(self, graph: Any, labels: Any, target: NDArray, alpha: float) -> NDArray[np.float64]:
        """Return means of the numbers, by how far each reaches."""
        both = graph.solve(np.hstack([labels(target), labels(np.ones_like(target))]), alpha)
        reach, tiny = both[:, 1:], 1e-11 * both[:, 1:].max()
        known = labels(np.ones_like(target))
        mean = labels(target).sum() / known.sum()
        return (both[:, :1] + tiny * mean) / (reach + tiny)

    def log_losses(self, answers: NDArray, target: NDArray, weight: NDArray) -> NDArray[np.float64]:
        """Return those of a normal distribution, whose variance is the mean squared error."""
        squared = ((answers - target) ** 2).sum(axis=1)
        variance = max(weight @ squared / weight.sum(), 1e-12)
        return 0.5 * (np.log(variance) + squared / variance)

    def sharpened(self, shares: NDArray, prior: NDArray, power: float) -> NDArray[np.float64]:
        """Return them as they are."""
        return shares

    def decided(self, answers: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """Return the numbers themselves."""
        return answers, np.ones(len(answers))


def _answers(
    found: NDArray, classes: NDArray[np.intp] | None, n_classes: int
) -> NDArray[np.float64]:
    """Return numbers, or probabilities of all classes, zero for those that were not seen."""
    if classes is None:
        return found
    if found.shape[1] == 1:
        found = np.hstack([expit(-found), expit(found)])
    else:
        found = softmax(found, axis=1)
    if found.shape[1] == n_classes:
        return found
    every = np.zeros((len(found), n_classes))
    every[:, classes] = found
    return every
