"""Candidates, averaged by how well they predict labels that were held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from sklearn_ae.applications._few_labels._candidates import Candidate, Known, Sight
from sklearn_ae.applications._few_labels._tasks import Task

# Weight below which a candidate has no say.
_LEAST = 1e-3


class Average:
    """The mean answer of candidates, each weighted by its likelihood of held-out labels.

    Parameters
    ----------
    task : Task
        What is predicted.
    candidates : list of Candidate
        Not fitted yet.
    """

    def __init__(self, task: Task, candidates: list[Candidate]) -> None:
        self.task = task
        self.candidates = candidates

    def fit(self, sight: Sight, known: Known) -> Average:
        """Hold out each fold in turn, weigh the candidates, and fit those that count."""
        names = [candidate.name for candidate in self.candidates]
        mean = np.full(len(names), np.nan)
        weights = np.ones(1)
        if len(names) > 1:
            compared = known.fold >= 0
            answers = np.zeros((len(names), *known.target.shape))
            for fold in np.unique(known.fold[compared]):
                out = known.fold == fold
                rest, part = known.part(~out & compared), known.part(out)
                for k, candidate in enumerate(self.candidates):
                    answers[k, out] = candidate.held_out(self.task, sight, part, rest, int(fold))
            compared &= self.task.shown(known.target, known.fold)
            held_out = known.part(compared)
            weights = np.log([candidate.odds for candidate in self.candidates])
            if len(held_out.rows):
                losses = [
                    self.task.log_losses(a[compared], held_out.target, held_out.weight)
                    for a in answers
                ]
                mean = losses @ held_out.weight / held_out.weight.sum()
                weights = weights - len(held_out.rows) * mean
            weights = softmax(weights)
        self.table = {"candidate": names, "weight": weights, "log_loss": mean}
        kept = [k for k in range(len(names)) if weights[k] >= _LEAST]
        self.weights = weights[kept] / weights[kept].sum()
        self.candidates = [self.candidates[k] for k in kept]
        for candidate in self.candidates:
            candidate.fit(self.task, sight, known)
        return self

    @property
    def views(self) -> set[str]:
        """Names of the views that are looked at."""
        return {c.view for c in self.candidates} - {""}

    def __call__(self, views: dict[str, NDArray], n: int) -> NDArray[np.float64]:
        """Return the mean answer for rows."""
        found: Any = 0.0
        for weight, candidate in zip(self.weights, self.candidates, strict=True):
            found = found + weight * candidate.answer(views, n)
        return found
