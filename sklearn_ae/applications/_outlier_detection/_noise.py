"""How rows are corrupted for each network of an ensemble."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

# Standard deviations between which that of a row's noise is drawn, log-uniformly.
_LOWEST, _HIGHEST = 0.3, 1.0
# Networks of a fold: one that takes noise from rows, and one that fills in masked cells.
GROUP = 2
# Columns that are masked together: the rest tells a network what they are.
N_MASKED_GROUPS = 5
_DIRECTIONS = 128
_SAMPLE = 4096


class MixedNoise:
    """Noise for the first network of each fold, and masks for the second.

    Parameters
    ----------
    x : Tensor of shape (n_rows, n_columns)
        Rows in standard units.
    rows : list of ndarray of int
        The rows of each fold, whose covariance the noise has.
    feature : ndarray of shape (n_columns,), int
        The column of the table that each column belongs to; they are masked together.
    generator : Generator
        Draws noise and masks.
    """

    def __init__(
        self,
        x: Tensor,
        rows: list[NDArray[np.intp]],
        feature: NDArray[np.intp],
        generator: Generator,
    ) -> None:
        self.feature = torch.from_numpy(feature).to(x.device)
        self.n_features = int(feature.max()) + 1
        self.roots = torch.stack(
            [_root(x[torch.from_numpy(own[:_SAMPLE]).to(x.device)]) for own in rows]
        )
        self.generator = generator

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return corrupted rows, and the weights of cells in the loss."""
        n, batch, _ = x.shape
        plain, whole = x[::GROUP], x[1::GROUP]
        scale = _LOWEST * (_HIGHEST / _LOWEST) ** self._uniform(n // GROUP, batch, 1)
        free = self._normal(n // GROUP, batch, self.roots.shape[1])
        noisy = plain + scale * torch.bmm(free, self.roots)
        drawn = self._uniform(n // GROUP, batch, self.n_features)
        masked = (drawn < 1 / N_MASKED_GROUPS).to(x)[..., self.feature]
        given = torch.stack([noisy, whole * (1 - masked)], dim=1)
        counts = torch.stack([torch.ones_like(plain), masked * N_MASKED_GROUPS], dim=1)
        return given.flatten(0, 1), counts.flatten(0, 1)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device)


def _root(x: Tensor) -> Tensor:
    """Return vectors whose normal combinations have about the covariance of rows."""
    centered = (x - x.mean(0)) / max(1, len(x)) ** 0.5
    _, values, directions = torch.linalg.svd(centered.cpu(), full_matrices=False)
    root = torch.zeros(min(_DIRECTIONS, x.shape[1]), x.shape[1])
    found = (values[:, None] * directions)[: len(root)]
    root[: len(found)] = found
    return root.to(x.device)
