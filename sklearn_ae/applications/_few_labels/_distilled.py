"""A head that answers as others do, without the rows that these hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from sklearn_ae.applications._few_labels._tasks import Task
from sklearn_ae.runtime import Seeds

# Random cosines beside the columns, and rows whose distances set their width.
_COSINES = 500
_ROWS = 500
_STRENGTH = 10.0


class Distilled:
    """A linear head on a view and random cosines of it, fitted to what others decide.

    Targets are hard: soft ones make a head unsure where the graph is. Each row counts by the
    margin of the decision.

    Parameters
    ----------
    task : Task
        What is predicted.
    view : str
        Name of the view.
    """

    def __init__(self, task: Task, view: str) -> None:
        self.task = task
        self.view = view

    def fit(self, rows: NDArray, answers: NDArray, seeds: Seeds) -> Distilled:
        """Fit to rows and what was answered for them."""
        rng = seeds.numpy("distil")
        few = rows[rng.permutation(len(rows))[:_ROWS]]
        width = float(np.median(pdist(few))) if len(few) > 1 else 1.0
        shape = rows.shape[1], _COSINES
        self.frequencies = rng.standard_normal(shape) * (2 / (width or 1.0))
        self.phases = rng.uniform(0, 2 * np.pi, _COSINES)
        target, margin = self.task.decided(answers)
        self.head = self.task.linear(self._widened(rows), target, margin + 1e-6, _STRENGTH)
        return self

    @property
    def views(self) -> set[str]:
        """The view."""
        return {self.view}

    def __call__(self, views: dict[str, NDArray], n: int) -> NDArray[np.float64]:
        """Return answers for rows."""
        return self.head(self._widened(views[self.view]))

    def _widened(self, rows: NDArray) -> NDArray[np.float64]:
        cosines = np.cos(rows @ self.frequencies + self.phases) * np.sqrt(2 / _COSINES)
        return np.hstack([rows, 3 * cosines])
