"""Outliers where there are too few rows for networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._outlier_detection._calibration import quantile
from sklearn_ae.applications._outlier_detection._encoding import Encoding

_LEAST = 1e-8


class FewRows:
    """Distances from the mean, by a covariance that is drawn to that of independent columns.

    Parameters
    ----------
    encoding : Encoding
        Standard units of the columns.
    """

    device = "cpu"

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding

    def fit(
        self, values: Any, weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Estimate the covariance.

        Parameters
        ----------
        values : ndarray, SparseRows or TableRows of shape (n_rows, n_columns)
            Rows of positive weight.
        weight : ndarray of shape (n_rows,)
            Their weights.

        Returns
        -------
        rows : ndarray of shape (n_rows,), int
            All rows.
        scores : ndarray of shape (n_rows,)
            Their scores by what is estimated without them; higher is stranger.
        """
        x, _ = self.encoding.cells(values, np.float64)
        different, group = np.unique(x, axis=0, return_inverse=True)
        group = group.reshape(-1)
        mass = np.bincount(group, weight).astype(np.float64)
        self.mean, self.precision = _moments(different, mass)
        logs = np.zeros(len(different))
        if len(different) > 1:
            for i in range(len(different)):
                others = np.arange(len(different)) != i
                logs[i] = _log_distance(different[[i]], *_moments(different[others], mass[others]))[
                    0
                ]
        self.center = quantile(logs, mass, 0.5)
        self.spread = max(self.center - quantile(logs, mass, 0.16), 1e-6)
        return np.arange(len(x)), ((logs - self.center) / self.spread)[group]

    def scores(
        self, values: Any, dtype: type = np.float64, member: int | None = None
    ) -> NDArray[np.float64]:
        """Return how strange rows are; there is one member."""
        x, _ = self.encoding.cells(values, np.float64)
        return (_log_distance(x, self.mean, self.precision) - self.center) / self.spread

    def cell_errors(self, values: Any) -> NDArray[np.float64]:
        """Return squared distances of cells from what the other columns say, in standard units."""
        x, seen = self.encoding.cells(values, np.float64)
        off = (x - self.mean) @ self.precision / np.diag(self.precision)
        return np.where(seen > 0, off**2, np.nan)

    def restored_errors(
        self, values: Any, dtype: type = np.float64, member: int | None = None
    ) -> NDArray[np.float64]:
        """Return `cell_errors`; there is one member."""
        return self.cell_errors(values)


def _moments(x: NDArray, mass: NDArray) -> tuple[NDArray, NDArray]:
    """Return the mean and the inverse covariance of weighted rows."""
    n, p = x.shape
    share = mass / mass.sum()
    mean = share @ x
    part = p / (p + n)
    covariance = (1 - part) * (x - mean).T @ ((x - mean) * share[:, None]) + part * np.eye(p)
    return mean, np.linalg.inv(covariance)


def _log_distance(x: NDArray, mean: NDArray, precision: NDArray) -> NDArray:
    off = x - mean
    return np.log(np.einsum("ij,jk,ik->i", off, precision, off) / x.shape[1] + _LEAST)
