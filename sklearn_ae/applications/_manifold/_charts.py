"""A map that is affine around each of some landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._manifold._landmarks import Around, compact_weights, landmarks
from sklearn_ae.runtime import Seeds
from sklearn_ae.starts import NeighbourIndex

# Rows for a chart in the mean; how many charts there are at most, fewer of wide rows.
_ROWS_PER_CHART, _MOST_CHARTS, _MOST_CELLS = 4, 1_000, 2**20
# Rows that a chart is fitted to, and charts that a row is mapped by.
_NEAR, _BLENDED = 25, 5
_RIDGE = 1e-3
_BLOCK_CELLS = 2**22


class Charts:
    r"""Affine maps around landmarks, blended.

    Around landmark j the map is :math:`b_j + (a - a_j) W_j`, with the weighted means
    :math:`a_j, b_j` and the ridge regression :math:`W_j` of its 25 nearest rows. A row is mapped by
    the five nearest landmarks; their weights :math:`(1 - d^2 / d_6^2)^2` reach 0 at the sixth, so
    that the map is continuous. No row is stored.
    """

    def fit(self, A: NDArray[np.float64], B: NDArray[np.float64], seeds: Seeds) -> Charts:
        """Fit to rows of shape (n, p) and what they are mapped to, of shape (n, q)."""
        n, p = A.shape
        most = max(1, min(_MOST_CHARTS, _MOST_CELLS // (p * B.shape[1])))
        n_charts = min(most, max(1, n // _ROWS_PER_CHART))
        centres = landmarks(A, n_charts, seeds, "charts")
        distances, near = NeighbourIndex(A)(centres, min(_NEAR + 1, n))
        weights = compact_weights(distances)
        self.around = Around(centres, _BLENDED)
        self.means = np.empty((len(centres), p))
        self.values = np.empty((len(centres), B.shape[1]))
        self.slopes = np.empty((len(centres), p, B.shape[1]))
        for j, (w, rows) in enumerate(zip(weights, near[:, : weights.shape[1]], strict=True)):
            self.means[j], self.values[j] = w @ A[rows], w @ B[rows]
            root = np.sqrt(w)[:, None]
            self.slopes[j] = _ridge(root * (A[rows] - self.means[j]), root * B[rows])
        return self

    def __call__(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map rows of shape (n, p)."""
        found = np.zeros((len(A), self.values.shape[1]))
        size = max(1, _BLOCK_CELLS // self.slopes[0].size)
        for start in range(0, len(A), size):
            part = slice(start, start + size)
            weights, near = self.around(A[part])
            for w, j in zip(weights.T, near.T, strict=True):
                step = np.einsum("np,npq->nq", A[part] - self.means[j], self.slopes[j])
                found[part] += w[:, None] * (self.values[j] + step)
        return found


def _ridge(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slopes of b on a, by the smaller of both systems of equations."""
    k, p = a.shape
    ridge = max(_RIDGE * np.square(a).sum() / min(k, p), 1e-300)
    if p <= k:
        return np.linalg.solve(a.T @ a + ridge * np.eye(p), a.T @ b)
    return a.T @ np.linalg.solve(a @ a.T + ridge * np.eye(k), b)
