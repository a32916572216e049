"""How rows are corrupted for each network of an ensemble."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

# Standard deviations between which that of a row's noise is drawn, log-uniformly.
_LOWEST, _HIGHEST = 0.3, 1.0
_DIRECTIONS = 128
_SAMPLE = 4096


class Noise:
    """Normal noise for the rows of each fold, with about their covariance.

    Parameters
    ----------
    x : Tensor of shape (n_rows, n_columns)
        Rows in standard units.
    rows : list of ndarray of int
        The rows of each fold.
    generator : Generator
        Draws the noise.
    """

    def __init__(self, x: Tensor, rows: list[NDArray[np.intp]], generator: Generator) -> None:
        self.roots = torch.stack(
            [_root(x[torch.from_numpy(own[:_SAMPLE]).to(x.device)]) for own in rows]
        )
        self.generator = generator

    def __call__(self, x: Tensor) -> Tensor:
        """Return batches of shape (n_folds, batch, n_columns) with noise."""
        n, batch, _ = x.shape
        device = self.generator.device
        drawn = torch.rand(n, batch, 1, generator=self.generator, device=device)
        free = torch.randn(n, batch, self.roots.shape[1], generator=self.generator, device=device)
        scale = _LOWEST * (_HIGHEST / _LOWEST) ** drawn
        return x + scale * torch.bmm(free, self.roots)


def _root(x: Tensor) -> Tensor:
    """Return vectors whose normal combinations have about the covariance of rows."""
    centered = (x - x.mean(0)) / max(1, len(x)) ** 0.5
    _, values, directions = torch.linalg.svd(centered.cpu(), full_matrices=False)
    root = torch.zeros(min(_DIRECTIONS, x.shape[1]), x.shape[1])
    found = (values[:, None] * directions)[: len(root)]
    root[: len(found)] = found
    return root.to(x.device)
