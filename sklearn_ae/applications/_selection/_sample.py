"""The rows that columns are chosen by."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._imputation import Gaussian

# Rows that a fit learns from, at most.
_MOST_ROWS = 20_000
# Part of the weight of rows that miss a cell of the columns that others are to follow from.
_INCOMPLETE = 0.01


class Sample(NamedTuple):
    """Rows in standard units, with what was observed of them.

    Parameters
    ----------
    Z : ndarray of shape (n, m)
        Rows, missing cells filled by their mean given the others.
    seen : ndarray of shape (n, m)
        1 where a cell was observed, 0 where it was missing.
    weight : ndarray of shape (n,)
        Positive weights, with mean 1.
    """

    Z: NDArray[np.float64]
    seen: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(
        cls, Z: NDArray[np.float64], weight: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[Self, Gaussian]:
        """Return rows, equal ones once with the sum of their weights, and their moments.

        Parameters
        ----------
        Z : ndarray of shape (n, m)
            Rows in standard units, NaN where a cell is missing.
        weight : ndarray of shape (n,)
            Positive weights.
        rng : numpy Generator
            Draws rows where there are too many.
        """
        if len(Z) > _MOST_ROWS:
            rows = np.sort(rng.choice(len(Z), _MOST_ROWS, replace=False))
            Z, weight = Z[rows], weight[rows]
        Z, weight = _merged(Z, weight)
        missing = np.isnan(Z)
        gaussian = Gaussian.fit(Z, weight)
        filled = gaussian.fill(Z) if missing.any() else Z
        return cls(filled, (~missing).astype(np.float64), weight / weight.mean()), gaussian

    def part(self, rows: NDArray[np.intp]) -> Self:
        """Select rows."""
        weight = self.weight[rows]
        return type(self)(self.Z[rows], self.seen[rows], weight / weight.mean())

    def trusted(self, columns: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the weights of rows as far as they tell what follows from some columns.

        Missing cells of these are filled by what is linear in others.
        """
        whole = self.seen[:, columns].all(axis=1)
        return self.weight * np.where(whole, 1.0, _INCOMPLETE)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.Z)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of the filled rows."""
        share = self.weight / self.weight.sum()
        D = self.Z - share @ self.Z
        return (D * share[:, None]).T @ D


def _merged(
    Z: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each different row once, in an order that does not depend on theirs.

    A row of weight two is then the same as two rows, and as near to itself in no fold.
    """
    if not Z.size:
        return Z[:1], weight.sum()[None]
    # What differs by rounding is equal.
    keys = np.ascontiguousarray(Z.astype(np.float32) + np.float32(0))
    keys = keys.view(np.dtype((np.void, keys.itemsize * keys.shape[1])))[:, 0]
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    return Z[first], np.bincount(place, weight).astype(np.float64)
