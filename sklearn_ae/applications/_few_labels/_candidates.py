"""What may say which label a row has, from a view of it and the rows with a label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._few_labels._tasks import Task
from sklearn_ae.starts import NeighbourGraph

# Relative residual of labels that are spread to compare candidates, and to answer.
_ROUGH, _EXACT = 1e-6, 1e-10


class Known(NamedTuple):
    """Rows with a label.

    Parameters
    ----------
    rows : ndarray of shape (n,)
        Their positions among the rows of the views, and so of the graphs.
    target : ndarray of shape (n, k)
        Their labels: one-hot, or a number.
    weight : ndarray of shape (n,)
        Their weights, whose mean is 1.
    fold : ndarray of shape (n,)
        The fold that each is held out in.
    """

    rows: NDArray[np.intp]
    target: NDArray[np.float64]
    weight: NDArray[np.float64]
    fold: NDArray[np.intp]

    def part(self, kept: NDArray[np.bool_]) -> Known:
        """Return some of them."""
        return Known(self.rows[kept], self.target[kept], self.weight[kept], self.fold[kept])


class Sight:
    """What candidates see in `fit`: views of the rows, and the graphs of those that have one.

    Parameters
    ----------
    views : dict of str to ndarray
        The rows in each view.
    n_graph : int
        Number of rows that are in the graphs, the first ones.
    n_neighbors : int
        Neighbours in the graphs.
    seed : int
        Feeds trees.
    """

    def __init__(
        self,
        views: dict[str, NDArray],
        n_graph: int,
        n_neighbors: int,
        seed: int,
    ) -> None:
        self.views = views
        self.n_graph = n_graph
        self.n_neighbors = n_neighbors
        self.seed = seed
        self._graphs: dict[str, NeighbourGraph] = {}
        self._spread: dict[Any, NDArray] = {}

    def graph(self, view: str) -> NeighbourGraph:
        """Return the graph of a view."""
        if view not in self._graphs:
            self._graphs[view] = NeighbourGraph(self.views[view][: self.n_graph], self.n_neighbors)
        return self._graphs[view]

    def spread(
        self, task: Task, view: str, alpha: float, known: Known, of: Any, tolerance: float
    ) -> NDArray[np.float64]:
        """Return what the graph of a view says of its rows, found once for each `of`."""
        key = view, alpha, of
        if key not in self._spread:
            inside = known.part(known.rows < self.n_graph)

            def labels(values: NDArray) -> NDArray[np.float64]:
                every = np.zeros((self.n_graph, values.shape[1]))
                every[inside.rows] = values * inside.weight[:, None]
                return every

            graph = self.graph(view)
            graph.tolerance = tolerance
            self._spread[key] = task.spread(graph, labels, inside.target, alpha)
        return self._spread[key]


class Candidate(ABC):
    """Answers for rows, once it is fitted.

    Attributes
    ----------
    name : str
        What it is called in `candidates_`.
    view : str
        The view that it looks at; empty if none.
    odds : float
        Its weight before any label is held out, over that of others.
    """

    name: str
    view: str = ""
    odds: float = 1.0

    @abstractmethod
    def held_out(
        self, task: Task, sight: Sight, known: Known, rest: Known, fold: int
    ) -> NDArray[np.float64]:
        """Return answers for rows of a fold, from the rest."""

    @abstractmethod
    def fit(self, task: Task, sight: Sight, known: Known) -> None:
        """Fit to all rows with a label."""

    @abstractmethod
    def answer(self, views: dict[str, NDArray], n: int) -> NDArray[np.float64]:
        """Return answers for rows in all views."""


class Prior(Candidate):
    """The same answer for each row."""

    name = "prior"

    def held_out(
        self, task: Task, sight: Sight, known: Known, rest: Known, fold: int
    ) -> NDArray[np.float64]:
        """Return answers for rows of a fold, from the rest."""
        return np.tile(task.prior(rest.target, rest.weight), (len(known.rows), 1))

    def fit(self, task: Task, sight: Sight, known: Known) -> None:
        """Find the answer."""
        self.value = task.prior(known.target, known.weight)

    def answer(self, views: dict[str, NDArray], n: int) -> NDArray[np.float64]:
        """Repeat it."""
        return np.tile(self.value, (n, 1))


class LinearHead(Candidate):
    """A linear learner on a view.

    Parameters
    ----------
    view : str
        The view.
    strength : float
        The inverse of its penalty. Few labels tell little of it, so that a weaker penalty has
        lower odds.
    odds : float, default=1.0
        Times these.
    """

    def __init__(self, view: str, strength: float, odds: float = 1.0) -> None:
        self.view = view
        self.strength = strength
        self.odds = odds / strength**0.5
        self.name = f"linear({view}, {strength:g})"

    def held_out(
        self, task: Task, sight: Sight, known: Known, rest: Known, fold: int
    ) -> NDArray[np.float64]:
        """Return answers for rows of a fold, from the rest."""
        return self._fitted(task, sight, rest)(sight.views[self.view][known.rows])

    def fit(self, task: Task, sight: Sight, known: Known) -> None:
        """Fit the learner."""
        self.head = self._fitted(task, sight, known)

    def answer(self, views: dict[str, NDArray], n: int) -> NDArray[np.float64]:
        """Return what the learner says."""
        return self.head(views[self.view])

    def _fitted(self, task: Task, sight: Sight, known: Known) -> Any:
        rows = sight.views[self.view][known.rows]
        return task.linear(rows, known.target, known.weight, self.strength)


class TreesHead(LinearHead):
    """Boosted trees on the cells."""

    def __init__(self) -> None:
        self.view = "cells"
        self.name = "trees(cells)"

    def _fitted(self, task: Task, sight: Sight, known: Known) -> Any:
        rows = sight.views["cells"][known.rows]
        return task.boosted(rows, known.target, known.weight, sight.seed)


class GraphHead(Candidate):
    """Labels that are spread over the graph of a view, which holds rows of `fit`.

    Parameters
    ----------
    view : str
        The view.
    alpha : float
        How far labels spread.
    power : float
        Power of the shares of classes.
    """

    def __init__(self, view: str, alpha: float, power: float) -> None:
        self.view = view
        self.alpha = alpha
        self.power = power
        self.name = f"graph({view}, {alpha:g}, {power:g})"

    def held_out(
        self, task: Task, sight: Sight, known: Known, rest: Known, fold: int
    ) -> NDArray[np.float64]:
        """Return answers for rows of a fold, from the rest."""
        shares = sight.spread(task, self.view, self.alpha, rest, fold, _ROUGH)
        inside = known.rows < sight.n_graph
        found = np.empty((len(known.rows), shares.shape[1]))
        found[inside] = shares[known.rows[inside]]
        if not inside.all():
            outside = sight.views[self.view][known.rows[~inside]]
            found[~inside] = sight.graph(self.view).extend(outside, shares)
        return task.sharpened(found, task.prior(rest.target, rest.weight), self.power)

    def fit(self, task: Task, sight: Sight, known: Known) -> None:
        """Spread all labels."""
        self.task = task
        self.graph = sight.graph(self.view).without_edges()
        self.shares = sight.spread(task, self.view, self.alpha, known, "all", _EXACT)
        self.prior = task.prior(known.target, known.weight)

    def answer(self, views: dict[str, NDArray], n: int) -> NDArray[np.float64]:
        """Return the means of what the nearest rows have."""
        found = self.graph.extend(views[self.view], self.shares)
        return self.task.sharpened(found, self.prior, self.power)
