"""Draws of residuals of filled cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sklearn_ae.applications._imputation._filler import HeldOut

# Held-out cells kept of each column, and how many of them a draw chooses among.
_MOST_CELLS = 2000
_NEAREST = 60
# A column in which some value has this share, or which has few values, is drawn from values
# that were seen. Others are the fill plus an error that was seen.
_ATOM = 0.1
_FEW_VALUES = 20
# Standard deviations are at least this, in standard units.
_LEAST_STD = 0.01


class ResidualDraws:
    """Draws of cells, from held-out cells of the same column whose fills are alike.

    Parameters
    ----------
    groups : list of ndarray
        Columns of each feature.
    numeric : ndarray of shape (n_features,)
        Whether a feature is a number; the columns of others are levels.
    """

    def __init__(self, groups: list[NDArray], numeric: NDArray) -> None:
        self.groups = groups
        self.numeric = numeric

    def fit(self, found: HeldOut, rng: np.random.Generator) -> ResidualDraws:
        """Keep fills and values of held-out cells."""
        fills, truth, hidden, std = found
        self.cells: list[tuple[NDArray, NDArray, NDArray, bool]] = []
        for columns, numeric in zip(self.groups, self.numeric, strict=True):
            j = columns[0]
            at = np.flatnonzero(hidden[:, j]) if numeric else np.empty(0, dtype=int)
            if len(at) > _MOST_CELLS:
                at = rng.choice(at, _MOST_CELLS, replace=False)
            order = at[np.argsort(fills[at, j], kind="stable")]
            values = truth[order, j]
            _, counts = np.unique(values, return_counts=True)
            discrete = len(at) > 0 and (
                len(counts) <= _FEW_VALUES or counts.max() > _ATOM * len(at)
            )
            scale = np.maximum(std[order, j], _LEAST_STD)
            self.cells.append((fills[order, j], values, scale, bool(discrete)))
        return self

    def draw(
        self,
        filled: NDArray,
        missing: NDArray,
        std: NDArray,
        noise: NDArray,
        low: NDArray,
        high: NDArray,
    ) -> NDArray[np.float64]:
        """Draw the missing cells of numbers around what was filled in.

        Parameters
        ----------
        filled : ndarray of shape (n, p)
            Filled rows.
        missing : ndarray of shape (n, p)
            What was filled.
        std : ndarray of shape (n, p)
            Residual standard deviations of these cells under the start. Errors of held-out cells
            grow with them: a row that lacks more is less certain.
        noise : ndarray of shape (n, p)
            Standard normal numbers, whose quantiles are those of the draws.
        low, high : ndarray of shape (p,)
            Least and largest values.
        """
        out = filled.copy()
        for columns, (fills, values, scale, discrete) in zip(self.groups, self.cells, strict=True):
            j = columns[0]
            rows = np.flatnonzero(missing[:, j])
            if not len(rows) or not len(fills):
                continue
            k = min(_NEAREST, len(fills))
            x = filled[rows, j]
            first = np.clip(np.searchsorted(fills, x) - k // 2, 0, len(fills) - k)
            near = first[:, None] + np.arange(k)
            if discrete:
                chosen = values[near]
            else:
                ratio = np.maximum(std[rows, j], _LEAST_STD)[:, None] / scale[near]
                chosen = x[:, None] + (values - fills)[near] * ratio
            chosen.sort(axis=1)
            u = ndtr(noise[rows, j])
            if discrete:
                pick = np.minimum((u * k).astype(int), k - 1)
                out[rows, j] = chosen[np.arange(len(rows)), pick]
                continue
            place = np.clip(u * (k + 1) - 1, 0, k - 1)
            left = place.astype(int)
            share = place - left
            right = np.minimum(left + 1, k - 1)
            index = np.arange(len(rows))
            drawn = (1 - share) * chosen[index, left] + share * chosen[index, right]
            out[rows, j] = np.clip(drawn, low[j], high[j])
        return out
