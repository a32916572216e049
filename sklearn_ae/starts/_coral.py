"""Rows of one domain with the mean and the covariance of another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Share of the largest eigenvalue below which a direction has no variance.
_RANK = 1e-10
# In units of the largest value; rows beyond are taken to be there.
_FARTHEST = 1e290


class Coral:
    r"""The map that gives rows of a source the mean and the covariance of a target.

    In units of the standard deviations over both domains, it is
    :math:`x \mapsto \mu_t + C_t^{1/2} C_s^{-1/2} (x - \mu_s)`, where some multiple of the identity
    is added to both covariances. Without it, directions in which the source has no variance are
    left out.

    Parameters
    ----------
    source : ndarray of shape (n, p)
        Rows of the source, at least two.
    target : ndarray of shape (m, p)
        Rows of the target, at least two.
    reg_covar : float, default=1.0
        What is added to the diagonals; with 0 the covariances are equal where ranks allow.

    References
    ----------
    Sun, Feng and Saenko, Return of frustratingly easy domain adaptation, AAAI 2016.
    :arxiv:`1511.05547`
    """

    # What columns are divided by, a power of two each, so that squares are finite.
    unit: NDArray[np.float64] | float = 1.0

    def __init__(self, source: NDArray, target: NDArray, reg_covar: float = 1.0) -> None:
        rows = [np.asarray(rows, np.float64) for rows in (source, target)]
        exponent = np.frexp(np.maximum(*(np.abs(r).max(axis=0) for r in rows)))[1]
        self.unit = np.ldexp(1.0, np.minimum(exponent, 1023))
        source, target = (r / self.unit for r in rows)
        self.source_mean, self.target_mean = source.mean(axis=0), target.mean(axis=0)
        spread = np.sqrt(source.var(axis=0) + target.var(axis=0))
        unit = np.where(spread > 0, spread, 1.0)
        covariances = [
            np.atleast_2d(np.cov(rows / unit, rowvar=False)) + reg_covar * np.eye(len(unit))
            for rows in (source, target)
        ]
        whitening = _power(covariances[0], -0.5)
        colouring = _power(covariances[1], 0.5)
        self.matrix = (whitening @ colouring) * unit / unit[:, None]

    def __call__(self, rows: NDArray) -> NDArray:
        """Return rows of the source as the target would have them."""
        with np.errstate(over="ignore"):
            scaled = np.clip(rows / self.unit, -_FARTHEST, _FARTHEST)
            moved = (scaled - self.source_mean) @ self.matrix + self.target_mean
            largest = np.finfo(rows.dtype).max
            return np.clip(moved * self.unit, -largest, largest).astype(rows.dtype)


def _power(covariance: NDArray, exponent: float) -> NDArray[np.float64]:
    """Return a symmetric power, on the directions with variance."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > _RANK * values[-1]
    return (vectors[:, kept] * values[kept] ** exponent) @ vectors[:, kept].T
