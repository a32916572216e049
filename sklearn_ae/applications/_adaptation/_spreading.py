"""Predictions of a classifier, spread over a graph of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._adaptation._classifiers import positive
from sklearn_ae.applications._adaptation._coordinates import Coordinates
from sklearn_ae.starts import NeighbourGraph

# How often labels are spread; after a few times they stay.
_ROUNDS = 15
# Steps in which shares of rows and of classes are made what they have to be.
_STEPS = 50


class TargetGraph:
    """Target rows as a graph, with shares of classes that new rows take from their neighbours.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        Columns or codes of the target rows.
    n_neighbors : int
        As in `NeighbourGraph`.
    """

    def __init__(self, values: NDArray, n_neighbors: int) -> None:
        self.coordinates = Coordinates(values)
        self.graph = NeighbourGraph(self.coordinates(values), n_neighbors)

    def hold(self, shares: NDArray[np.float64], prior: NDArray[np.float64], alpha: float) -> None:
        """Take shares of classes, spread from what a classifier says of each row."""
        self.shares = spread_predictions(self.graph, shares, prior, alpha, _ROUNDS)
        del self.graph.weights  # new rows have no use for the edges

    def __call__(self, values: NDArray) -> NDArray[np.float64]:
        """Return the shares of new rows."""
        found = self.graph.extend(self.coordinates(values), self.shares)
        return found / found.sum(axis=1, keepdims=True)


def spread_predictions(
    graph: NeighbourGraph,
    shares: NDArray[np.float64],
    prior: NDArray[np.float64],
    alpha: float,
    n_rounds: int = 1,
) -> NDArray[np.float64]:
    """Spread what a classifier says of rows, then what that comes to, until labels stay.

    Parameters
    ----------
    graph : NeighbourGraph
        The rows.
    shares : ndarray of shape (n, n_classes)
        Probabilities by the classifier.
    prior : ndarray of shape (n_classes,)
        Shares of the classes among the rows.
    alpha : float in [0, 1)
        How far labels spread.
    n_rounds : int
        How often, at most.
    """
    labels, given = np.full(len(shares), -1), positive(shares)
    for _ in range(n_rounds):
        found = with_class_shares(graph.spread(given, alpha), prior)
        before, labels = labels, found.argmax(axis=1)
        if (before == labels).all():
            break
        given = np.eye(len(prior))[labels]
    return found


def exchanged(before: NDArray[np.intp], after: NDArray[np.intp], n_classes: int) -> float:
    """Return the share of rows whose label changes though shares of classes do not.

    Of the rows that change, those are left out that other class shares ask for: the distance in
    total variation between the shares before and after.
    """
    counts = np.stack([np.bincount(labels, minlength=n_classes) for labels in (before, after)])
    asked = np.abs(counts[0] - counts[1]).sum() / 2
    return float((np.count_nonzero(before != after) - asked) / len(before))


def with_class_shares(
    shares: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return shares whose mean over rows is that of the classes, by proportional fitting."""
    found = shares * prior
    found /= found.sum(axis=1, keepdims=True)
    for _ in range(_STEPS):
        found *= prior / np.maximum(found.mean(axis=0), np.finfo(float).tiny)
        found /= found.sum(axis=1, keepdims=True)
    return found
