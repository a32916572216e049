"""Several autoencoders of a user's kind that find outliers by their mean score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from sklearn_ae.autoencoders import BaseAutoencoder, Reader, fit_together, held_out_scores
from sklearn_ae.data import Ragged
from sklearn_ae.runtime import Seeds


class Clones:
    """Autoencoders that differ in their draws, fitted to the same rows.

    Parameters
    ----------
    estimator : BaseAutoencoder
        What is cloned.
    n_members : int
        Number of clones.
    device : str
        Where their networks are.
    """

    def __init__(self, estimator: BaseAutoencoder, n_members: int, device: str) -> None:
        self.estimator = estimator
        self.n_members = n_members
        self.asked_device = device

    @property
    def device(self) -> str:
        """Where the networks are."""
        return self.estimators[0].device_

    @property
    def reader(self) -> Reader:
        """What reads rows."""
        return self.estimators[0]._reader

    def fit(
        self, owner: Any, X: ArrayLike, weight: NDArray | None, seeds: Seeds
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Fit to rows.

        Parameters
        ----------
        owner : estimator
            Gets the number of features and their names.
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.
        weight : ndarray of shape (n_samples,), optional
            Rows of weight zero are left out.
        seeds : Seeds
            Feed every draw.

        Returns
        -------
        rows : ndarray of int
            Rows that were scored by autoencoders that have not seen them, or all rows where
            there are none.
        scores : ndarray
            Their mean scores; higher is more normal.
        """
        draws = seeds.numpy("estimators").integers(2**31, size=self.n_members)
        self.estimators = [
            clone(self.estimator).set_params(
                random_state=int(seed), device=self.asked_device, contamination="auto"
            )
            for seed in draws
        ]
        rows, found = fit_together(self.estimators, X, weight)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimators[0], name):
                setattr(owner, name, getattr(self.estimators[0], name))
        every = self.scores(rows.selected(rows.values))
        self.replacements = self.estimators[0]._replacements._replace(
            typical=float(np.median(every))
        )
        if not all(fitted.held_out for fitted in found):
            return rows.positions, every
        pairs = zip(self.estimators, found, strict=True)
        held_out = [held_out_scores(estimator, fitted.held_out) for estimator, fitted in pairs]
        positions = np.concatenate([positions for positions, _ in held_out])
        index, place = np.unique(positions, return_inverse=True)
        total = np.bincount(place, np.concatenate([scores for _, scores in held_out]))
        return index, total / np.bincount(place)

    def read(self, owner: Any, X: ArrayLike) -> Any:
        """Return rows as they are scored."""
        return self.estimators[0]._read(X, None)[0]

    def scores(self, values: Any) -> NDArray[np.float64]:
        """Return scores of rows that were read; higher is more normal."""
        return np.mean([e._score_rows(values, None) for e in self.estimators], axis=0)

    def cell_errors(self, values: Any) -> Any:
        """Return the mean loss of each cell of rows that were read."""
        return _mean([e._cell_errors(values, None) for e in self.estimators])

    def rebuilt(self, values: Any) -> Any:
        """Return the mean reconstruction of rows that were read."""
        return _mean([e._rebuilt(values, None) for e in self.estimators])


def _mean(found: list[Any]) -> Any:
    """Return the mean of numbers of cells, of rows of one size or not."""
    if isinstance(found[0], Ragged):
        return Ragged(np.mean([rows.cells for rows in found], axis=0), found[0].sizes)
    return np.mean(found, axis=0)
