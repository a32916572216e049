"""How far rows are from those nearest to them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MOST_ROWS = 1000
_N_NEIGHBOURS = 10


class NearestRows:
    """Rows of a table that others are compared with.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns), float32
        In standard units.
    """

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self.rows = rows

    @classmethod
    def drawn(cls, x: Tensor, rows: NDArray[np.intp], rng: np.random.Generator) -> NearestRows:
        """Return some of the rows of x."""
        index = torch.from_numpy(rng.permutation(rows)[:_MOST_ROWS])
        return cls(x[index.to(x.device)].cpu().numpy())

    def distances(self, x: Tensor) -> Tensor:
        """Return the mean distance of each row to those nearest to it."""
        rows = torch.from_numpy(self.rows).to(x)
        k = min(_N_NEIGHBOURS, len(rows))
        # Less the square of x, which does not change who is near.
        found = torch.addmm(rows.square().sum(1), x, rows.T, alpha=-2)
        nearest = rows[found.topk(k, dim=1, largest=False, sorted=False).indices]
        # Distances of differences are exact also where rows are alike.
        return (nearest - x[:, None]).norm(dim=2).mean(dim=1)
