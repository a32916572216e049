"""Draws for importance weighting: one set, turned for each row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaincinv
from torch import Tensor
from torch.nn.functional import normalize

# The draws are the same in every fit.
_SEED = 0
# Draws at least, so that few importance samples are averaged over several groups.
_LEAST_DRAWS = 20
# Waves a unit of the mean, by which the mirrors of a row's draws follow its code.
_WAVES = (7.0, 11.0, 15.0)


def importance_draws(n_samples: int, width: int, least: int = _LEAST_DRAWS) -> NDArray[np.float64]:
    """Return standard normal draws in pairs of opposite sign, whose lengths are stratified.

    Parameters
    ----------
    n_samples : int
        Draws of a group.
    width : int
        Number of components.
    least : int
        Draws of all groups together, at least.

    Returns
    -------
    draws : ndarray of shape (n_groups, n_samples, width)
    """
    n_groups = -(-least // n_samples)
    n_draws = n_groups * n_samples
    n_pairs = -(-n_draws // 2)
    rng = np.random.default_rng(_SEED)
    half = rng.standard_normal((n_pairs, width))
    quantiles = (rng.permutation(n_pairs) + 0.5) / n_pairs
    lengths = np.sqrt(2 * gammaincinv(width / 2, quantiles))  # of chi squared
    half *= (lengths / np.linalg.norm(half, axis=1))[:, None]
    draws = np.stack([half, -half], axis=1).reshape(-1, width)
    return draws[:n_draws].reshape(n_groups, n_samples, width)


def for_each_row(mean: Tensor) -> Callable[[Tensor], Tensor]:
    """Return what turns a draw that all rows share into one for each row.

    A draw is mirrored three times, in directions that follow the row's mean. It stays
    standard normal, but errors of few draws differ from row to row, and cancel in the mean
    over rows.

    Parameters
    ----------
    mean : Tensor of shape (n, width)
        Posterior means.
    """
    component = torch.arange(mean.shape[1], device=mean.device)
    mirrors = [
        normalize(torch.sin(wave * mean + i + (2.1 * i + 1.0) * component), dim=1)
        for i, wave in enumerate(_WAVES)
    ]

    def turned(draw: Tensor) -> Tensor:
        for mirror in mirrors:
            draw = draw - 2 * (draw * mirror).sum(dim=1, keepdim=True) * mirror
        return draw

    return turned
