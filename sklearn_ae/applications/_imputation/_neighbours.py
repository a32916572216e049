"""What similar rows say of a missing cell."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

# Neighbours that are looked at, and how many of them that have the cell count.
_NEAREST = 24
COUNTS = (5, 15)
# Rows whose neighbours are looked for at once, and the numbers that are held for them.
_ROWS = 512
_BLOCK_CELLS = 2**22
# Added to squared distances, which are of order 1 a column.
_NEAR = 1e-3
# Squared distances that differ by less than a tick are equal, up to the largest that is told apart.
_TICK = 2.0**-16
_FARTHEST = 2.0**24
_CELLS = 2**18


class Neighbours:
    """Means over the nearest rows, of cells and of what a closed form lacks in them.

    The distance of a row to a donor is Euclidean over the cells that the row has. Donors
    that do not have the cell are passed over, and the others weighted by their inverse
    distance.

    Parameters
    ----------
    filled : ndarray of shape (n, p)
        The donors, filled by the closed form.
    observed : ndarray of shape (n, p)
        Whether they have the cell.
    residuals : ndarray of shape (n, p)
        Their cells less the closed form given their other cells.
    """

    def __init__(self, filled: NDArray, observed: NDArray, residuals: NDArray) -> None:
        self.filled = filled
        self.observed = observed
        self.residuals = residuals

    def fills(
        self, filled: NDArray, missing: NDArray, own: NDArray | None = None
    ) -> list[NDArray[np.float64]]:
        """Fill rows in several ways.

        Parameters
        ----------
        filled : ndarray of shape (n, p)
            Rows filled by the closed form.
        missing : ndarray of shape (n, p)
            The cells to fill.
        own : ndarray of shape (n,), optional
            Position of the row itself among the donors, which is left out; -1 where it is none.

        Returns
        -------
        fills : list of ndarray
            For each count of neighbours the mean of their cells, and the closed form plus
            the mean of their residuals.
        """
        out = [filled.copy() for _ in range(2 * len(COUNTS))]
        some = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
        if not len(some):
            return out
        donors = torch.from_numpy(np.require(self.filled, requirements="W"))
        k = min(_NEAREST, len(self.filled) - (own is not None))
        size = max(1, min(_ROWS, _BLOCK_CELLS // len(self.filled)))
        order = torch.arange(len(donors), device=donors.device)
        # NearestNeighbors with nan_euclidean takes three times as long, and 0.1 s to import.
        for start in range(0, len(some), size):
            rows = some[start : start + size]
            has = torch.from_numpy((~missing[rows]).astype(np.float64))
            x = torch.from_numpy(filled[rows]) * has
            d = x.square().sum(1)[:, None] - 2 * x @ donors.T + has @ donors.square().T
            d = d.clamp(0, _FARTHEST)
            # Donors that are equally near come in their order, not in that of the last bits.
            rank = (d / _TICK).round().long() * len(donors) + order
            if own is not None:
                itself = np.flatnonzero(own[rows] >= 0)
                rank[torch.from_numpy(itself), torch.from_numpy(own[rows[itself]])] = 2**63 - 1
            index = rank.topk(k, dim=1, largest=False).indices
            near = d.gather(1, index)
            self._fill(out, filled, missing, rows, near.numpy(), index.numpy())
        return out

    def _fill(
        self,
        out: list[NDArray],
        filled: NDArray,
        missing: NDArray,
        rows: NDArray,
        near: NDArray,
        index: NDArray,
    ) -> None:
        row, column = np.nonzero(missing[rows])
        for start in range(0, len(row), _CELLS):
            r, c = row[start : start + _CELLS], column[start : start + _CELLS]
            donor = index[r]
            has = self.observed[donor, c[:, None]]
            rank = np.cumsum(has, axis=1)
            closeness = has / np.sqrt(near[r] + _NEAR)
            cells = self.filled[donor, c[:, None]]
            residuals = self.residuals[donor, c[:, None]]
            start_fill = filled[rows[r], c]
            for i, count in enumerate(COUNTS):
                weight = closeness * (rank <= count)
                total = weight.sum(axis=1)
                some = total > 0
                weight /= np.where(some, total, 1.0)[:, None]
                mean = (weight * cells).sum(axis=1)
                out[2 * i][rows[r], c] = np.where(some, mean, start_fill)
                out[2 * i + 1][rows[r], c] = start_fill + (weight * residuals).sum(axis=1)
