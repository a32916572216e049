"""What rebuilds all columns from the kept ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_ae.applications._imputation import Gaussian
from sklearn_ae.applications._selection._cosines import Basis, CosineRidge
from sklearn_ae.applications._selection._sample import Sample

# Rows that a network is trained on at most.
_MOST_ROWS = 5_000
# Part of them that it is compared with the ridge on, and folds of the others.
_HELD_OUT, _FOLDS = 5, 5


class DecoderSelection(NamedTuple):
    """Which decoder was kept, and by which losses.

    Parameters
    ----------
    kept : {"mean", "ridge", "network"}
        What rebuilds rows; below 20 different rows, their mean given the kept columns under a
        normal distribution.
    ridge_loss, network_loss : float or None
        Share of the variance of all columns that is left of held-out rows; None if nothing was
        held out.
    """

    kept: str
    ridge_loss: float | None = None
    network_loss: float | None = None


class ConditionalMean:
    """Rebuilds all columns by their mean given some, under a normal distribution.

    Parameters
    ----------
    gaussian : Gaussian
        The distribution.
    columns : ndarray of int
        What is known.
    """

    def __init__(self, gaussian: Gaussian, columns: NDArray[np.intp]) -> None:
        P = gaussian.precision
        rest = np.setdiff1d(np.arange(len(P)), columns)
        self.slope = np.zeros((len(columns), len(P)))
        self.slope[:, rest] = -np.linalg.solve(P[np.ix_(rest, rest)], P[np.ix_(rest, columns)]).T
        self.constant = gaussian.mean - gaussian.mean[columns] @ self.slope

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return all columns of rows of which some columns, of shape (n, k), are known."""
        return x @ self.slope + self.constant


class Rebuilder:
    """Rebuilds rows in standard units from the kept columns.

    Parameters
    ----------
    columns : ndarray of int
        The kept columns of the matrix.
    gaussian : Gaussian
        Moments of all columns, which fill what kept ones lack.
    sample : Sample
        Rows.
    basis : Basis or None
        Functions of the kept columns; None where there are too few rows, and nothing but the
        conditional mean.
    """

    def __init__(
        self,
        columns: NDArray[np.intp],
        gaussian: Gaussian,
        sample: Sample,
        basis: Basis | None,
    ) -> None:
        self.columns = columns
        kept = gaussian.covariance[np.ix_(columns, columns)]
        self.gaussian = Gaussian(gaussian.mean[columns], kept, gaussian.shrinkage)
        self.closed_form: ConditionalMean | CosineRidge
        if basis is None:
            self.closed_form = ConditionalMean(gaussian, columns)
            self.selection = DecoderSelection("mean")
        else:
            self.closed_form = CosineRidge(sample, columns, basis)
            self.selection = DecoderSelection("ridge")
        self.network: Any = None

    def compare(
        self, network: BaseEstimator, sample: Sample, basis: Basis, rng: np.random.Generator
    ) -> None:
        """Train a network on what the ridge says of rows that it has not seen, and keep the better.

        Parameters
        ----------
        network : estimator
            Has `fit` with `X_clean`, and `reconstruct`.
        sample : Sample
            Rows.
        basis : Basis
            Functions of the kept columns.
        rng : numpy Generator
            Draws the rows.
        """
        drawn = sample.part(rng.permutation(sample.n_rows)[:_MOST_ROWS])
        n = drawn.n_rows // _HELD_OUT
        held_out, train = np.split(np.arange(drawn.n_rows), [n])
        by_ridge = np.empty_like(drawn.Z)
        parts = [(held_out, train)]
        # Leave-one-out predictions would tell a network what was left out.
        parts += [(part, np.setdiff1d(train, part)) for part in np.array_split(train, _FOLDS)]
        for part, others in parts:
            x = drawn.Z[part][:, self.columns]
            found = CosineRidge(drawn.part(others), self.columns, basis).predict(x)
            by_ridge[part] = self._known(found, x)
        weighted = {} if np.ptp(drawn.weight) == 0 else {"sample_weight": drawn.weight[n:]}
        network.fit(by_ridge[n:], X_clean=drawn.Z[n:], **weighted)
        by_network = self._known(network.reconstruct(by_ridge[:n]), by_ridge[:n, self.columns])
        weight = drawn.weight[:n] / drawn.weight[:n].sum()
        before, after = (
            (np.square(found - drawn.Z[:n]) * drawn.seen[:n]).sum(axis=1)
            for found in (by_ridge[:n], by_network)
        )
        gain = weight @ (before - after)
        error = np.sqrt(np.sum(np.square(weight * (before - after - gain))))
        total = max(float(weight @ (np.square(drawn.Z[:n]) * drawn.seen[:n]).sum(axis=1)), 1e-300)
        kept = "network" if gain > error else "ridge"
        self.network = network if gain > error else None
        losses = [float(weight @ each) / total for each in (before, after)]
        self.selection = DecoderSelection(kept, *losses)

    def rebuild(self, kept: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows, of shape (n, m), from their kept columns, NaN where cells are missing."""
        known = self.gaussian.fill(kept)
        found = self._known(self.closed_form.predict(known), known)
        if self.network is None:
            return found
        return self._known(self.network.reconstruct(found), known)

    def _known(self, rows: NDArray[np.float64], kept: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = np.asarray(rows)
        rows[:, self.columns] = kept
        return rows
