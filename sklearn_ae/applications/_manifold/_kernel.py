"""Kernel ridge regression on landmarks, beside a linear map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist

from sklearn_ae.applications._manifold._landmarks import landmarks
from sklearn_ae.runtime import Seeds

_LANDMARKS = 300
# Widths and ridges that are compared.
_WIDTHS = (0.15, 0.3, 0.6, 1.2)
_RIDGES = np.logspace(-8, 1, 10)
_BLOCK_CELLS = 2**22


class NystroemRidge:
    r"""A linear map, and the ridge regression of what it leaves on Gaussian kernels of landmarks.

    Features are :math:`k(a, L) k(L, L)^{-1/2}` of landmarks L (Williams & Seeger 2001). The width
    of the kernel, in medians of the landmarks' distances, and the ridge are those of the least
    generalised cross-validation.
    """

    def fit(self, A: NDArray[np.float64], B: NDArray[np.float64], seeds: Seeds) -> NystroemRidge:
        """Fit to rows of shape (n, p) and what they are mapped to, of shape (n, q)."""
        self.linear = linear_map(A, B)
        rest = B - applied(self.linear, A)
        self.landmarks = landmarks(A, _LANDMARKS, seeds, "kernel")
        squared = cdist(self.landmarks, self.landmarks, "sqeuclidean")
        unit = float(np.median(squared)) or 1.0
        least = np.inf
        for width in _WIDTHS:
            gamma = 0.5 / (unit * width**2)
            kernel = np.exp(-gamma * squared)
            root = np.linalg.cholesky(kernel + 1e-10 * len(kernel) * np.eye(len(kernel)))
            F = solve_triangular(root, self._kernel(A, gamma).T, lower=True).T
            variance, V = np.linalg.eigh(F.T @ F)
            variance = np.maximum(variance, 0.0)
            common = V.T @ (F.T @ rest)
            for ridge in _RIDGES:
                shrunk = common / (variance + ridge)[:, None]
                explained = (2 * common - variance[:, None] * shrunk) * shrunk
                freedom = (variance / (variance + ridge)).sum() / len(A)
                error = (np.square(rest).sum() - explained.sum()) / max(1 - freedom, 1e-3) ** 2
                if error < least:
                    least, self.gamma = error, gamma
                    self.weights = solve_triangular(root, V @ shrunk, lower=True, trans=1)
        return self

    def __call__(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map rows of shape (n, p)."""
        size = max(1, _BLOCK_CELLS // len(self.landmarks))
        found = applied(self.linear, A)
        for start in range(0, len(A), size):
            part = slice(start, start + size)
            # Products of matrices round by the number of rows, and large weights make it seen.
            kernel = self._kernel(A[part], self.gamma)
            found[part] += np.einsum("nm,mq->nq", kernel, self.weights)
        return found

    def _kernel(self, A: NDArray[np.float64], gamma: float) -> NDArray[np.float64]:
        return np.exp(-gamma * cdist(A, self.landmarks, "sqeuclidean"))


def applied(linear: NDArray[np.float64], A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply what `linear_map` has returned."""
    return np.einsum("np,pq->nq", A, linear[:-1]) + linear[-1]


def linear_map(A: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares map from rows, with a column of ones, to others."""
    A1 = np.column_stack([A, np.ones(len(A))])
    return np.asarray(np.linalg.lstsq(A1, B, rcond=1e-9)[0], dtype=np.float64)
