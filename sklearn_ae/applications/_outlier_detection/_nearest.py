"""How far rows are from those nearest to them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The exponent of the norm: differences count as they are, so that no single column rules.
_NORM = 1.0
# Rows whose columns differ by less in the mean are one row, which is not near itself.
_SAME = 1e-5
# Shares of the rows that are near to a row, by which the most typical rows are found in turn. In
# the first, outliers that are alike do not vouch for each other.
_ROUNDS = (0.1, 0.04, 0.04, 0.04, 0.04)
# Rows whose median a cell is compared with.
_AGREEING = 6


class Scale(NamedTuple):
    """Which rows are near.

    Parameters
    ----------
    n_rows : int
        Number of rows that are looked at.
    n_nearest : int
        How many of them are near; of fewer rows, the same share.
    share : float in (0, 1], default=1.0
        The most typical of the rows, to which others are compared.
    """

    n_rows: int
    n_nearest: int
    share: float = 1.0


class NearestRows:
    """Rows of a table that others are compared with.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns), float32
        In standard units, those that are looked at by a scale first.
    scales : tuple of Scale
        Which of them are near.
    """

    def __init__(self, rows: NDArray[np.float32], scales: tuple[Scale, ...]) -> None:
        self.rows = rows
        self.scales = scales

    @classmethod
    def drawn(
        cls, x: Tensor, rows: NDArray[np.intp], scales: tuple[Scale, ...], rng: np.random.Generator
    ) -> NearestRows:
        """Return some of the rows of x."""
        index = torch.from_numpy(rng.permutation(rows)[: max(scale.n_rows for scale in scales)])
        found = x[index.to(x.device)]
        share = min(scale.share for scale in scales)
        if share < 1:
            found = found[_typical_first(found, share)]
        return cls(found.cpu().numpy(), scales)

    def distances(self, x: Tensor) -> Tensor:
        """Return the mean distances of rows to those near them, of shape (n_scales, n_rows).

        One of these is not near itself.
        """
        every = torch.cdist(x, torch.from_numpy(self.rows).to(x), p=_NORM)
        found = []
        for scale in self.scales:
            n_rows = min(scale.n_rows, len(self.rows))
            k = max(1, round(scale.n_nearest * n_rows / scale.n_rows))
            typical = every[:, : math.ceil(scale.share * n_rows)]
            found.append(_mean_nearest(typical, k, _SAME * x.shape[1]))
        return torch.stack(found)

    def filled_in(self, x: Tensor, feature: NDArray[np.intp]) -> Tensor:
        """Return the median of each column in the rows that are nearest by the other columns.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_columns)
            Rows in standard units.
        feature : ndarray of shape (n_columns,), int
            The column of the table that each column belongs to; it is not among the others.
        """
        rows = torch.from_numpy(self.rows).to(x)
        every = torch.cdist(x, rows, p=1.0)
        found = torch.empty_like(x)
        for one in range(int(feature.max()) + 1):
            [own] = np.nonzero(feature == one)
            others = every - torch.cdist(x[:, own], rows[:, own], p=1.0)
            nearest = others.topk(min(_AGREEING, len(rows)), dim=1, largest=False).indices
            found[:, own] = rows[nearest][..., own].quantile(0.5, dim=1)
        return found


def _mean_nearest(distances: Tensor, k: int, same: float) -> Tensor:
    """Return the mean of the k least distances of each row, that to itself left out."""
    nearest = distances.topk(k + 1, dim=1, largest=False).values
    itself = nearest[:, :1] <= same
    return torch.where(itself, nearest[:, 1:], nearest[:, :-1]).mean(dim=1)


def _typical_first(rows: Tensor, share: float) -> Tensor:
    """Return the order of rows in which the most typical come first.

    Rows are typical that are near to typical ones: those are looked for again and again, among
    all rows, so that one that was dropped may come back.
    """
    every = torch.cdist(rows, rows, p=_NORM)
    order = torch.arange(len(rows), device=rows.device)
    kept = order
    for near in _ROUNDS:
        k = max(1, round(near * len(rows)))
        order = _mean_nearest(every[:, kept], k, _SAME * rows.shape[1]).argsort(stable=True)
        kept = order[: math.ceil(share * len(rows))]
    return order
