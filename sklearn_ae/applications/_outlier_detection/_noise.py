"""How rows are corrupted for each network of an ensemble."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

# Standard deviations between which that of a row's noise is drawn, log-uniformly: of noise that
# has the covariance of the rows, twice, and of noise that is independent by column.
CORRELATED = ((0.05, 0.5), (0.3, 1.0))
INDEPENDENT = (0.05, 0.3)
# Networks that share their rows: one for each noise, and one that fills in masked cells.
GROUP = 4
# Columns that are masked together: the rest tells a network what they are.
N_MASKED_GROUPS = 5
_DIRECTIONS = 128
_SAMPLE = 4096


class MixedNoise:
    """Noise of the first three networks of each group, and masks of the fourth.

    Parameters
    ----------
    x : Tensor of shape (n_rows, n_columns)
        Rows in standard units.
    rows : list of ndarray of int
        The rows of each group, whose covariance its noise has.
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
        roots = [_root(x[torch.from_numpy(own[:_SAMPLE]).to(x.device)]) for own in rows]
        self.roots = torch.stack([root for root in roots for _ in CORRELATED])
        low, high = torch.tensor([*CORRELATED, INDEPENDENT]).to(x).log().T
        self.low = low.repeat(len(rows))[:, None, None]
        self.range = (high - low).repeat(len(rows))[:, None, None]
        self.generator = generator

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return corrupted rows, and the weights of cells in the loss."""
        n, batch, p = x.shape
        groups = x.unflatten(0, (n // GROUP, GROUP))
        noisy = groups[:, : GROUP - 1].flatten(0, 1)
        n_correlated = len(CORRELATED)
        scale = (self.low + self.range * self._uniform(len(noisy), batch, 1)).exp()
        free = self._normal(len(self.roots), batch, self.roots.shape[1])
        noise = torch.cat(
            [
                torch.bmm(free, self.roots).unflatten(0, (-1, n_correlated)),
                self._normal(n // GROUP, 1, batch, p),
            ],
            dim=1,
        ).flatten(0, 1)
        noisy = (noisy + scale * noise).unflatten(0, (-1, GROUP - 1))
        drawn = self._uniform(n // GROUP, 1, batch, self.n_features)
        masked = (drawn < 1 / N_MASKED_GROUPS).to(x)[..., self.feature]
        given = torch.cat([noisy, groups[:, GROUP - 1 :] * (1 - masked)], dim=1)
        counts = torch.cat([torch.ones_like(noisy), masked * N_MASKED_GROUPS], dim=1)
        return given.flatten(0, 1), counts.flatten(0, 1)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device)


class IndependentNoise:
    """Noise that is independent by column.

    Parameters
    ----------
    highest : Tensor of shape (n_networks,)
        The largest standard deviation of each network's noise.
    generator : Generator
        Draws it.
    """

    def __init__(self, highest: Tensor, generator: Generator) -> None:
        self.low = torch.full_like(highest, INDEPENDENT[0]).log()[:, None, None]
        self.range = highest.log()[:, None, None] - self.low
        self.generator = generator

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return corrupted rows, and the weights of cells in the loss."""
        drawn = torch.rand(*x.shape[:2], 1, generator=self.generator, device=x.device)
        noise = torch.randn(x.shape, generator=self.generator, device=x.device)
        return x + (self.low + self.range * drawn).exp() * noise, torch.ones_like(x)


def _root(x: Tensor) -> Tensor:
    """Return vectors whose normal combinations have about the covariance of rows."""
    centered = (x - x.mean(0)) / max(1, len(x)) ** 0.5
    _, values, directions = torch.linalg.svd(centered.cpu(), full_matrices=False)
    root = torch.zeros(min(_DIRECTIONS, x.shape[1]), x.shape[1])
    found = (values[:, None] * directions)[: len(root)]
    root[: len(found)] = found
    return root.to(x.device)
