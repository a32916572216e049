"""How well all columns are rebuilt from some, without a row being rebuilt from itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_ae.applications._selection._cosines import Basis, columns_of
from sklearn_ae.applications._selection._sample import Sample

# Standard deviations of the frequencies, for all kept features together, and penalties of squares
# and cosines; the pair that is best for the linear selection is taken.
_BANDWIDTHS = (0.5, 1.0, 2.0)
_PENALTIES = (1e-3, 1e-2, 1e-1)
# Functions of single columns by which columns are looked over: waves of these frequencies besides
# the column and its square, in standard deviations up to the edge; their ridge.
_WAVES = (2.0, 4.0)
_EDGE = 4.0
_ROUGH = 1e-3


class Tuning(NamedTuple):
    """What a ridge on cosines is set to.

    Parameters
    ----------
    bandwidth : float
        Standard deviation of the frequencies, times the root of the number of features.
    penalty : float
        Of squares and cosines, for each row.
    """

    bandwidth: float
    penalty: float


class CosineScores:
    """Leave-one-out errors of all columns, rebuilt from those of some units.

    Parameters
    ----------
    sample : Sample
        Rows.
    units : sequence of ndarray of int
        Columns that are kept together.
    sizes : ndarray of int
        Number of features in each unit.
    rng : numpy Generator
        Draws frequencies and phases.
    """

    def __init__(
        self,
        sample: Sample,
        units: Sequence[NDArray[np.intp]],
        sizes: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> None:
        self.units = units
        self.sizes = sizes
        self._basis = Basis.draw(rng, sample.Z.shape[1])
        self._Z = torch.from_numpy(sample.Z).float()
        self._seen = torch.from_numpy(sample.seen).float()
        self._root = torch.from_numpy(np.sqrt(sample.weight)).float()[:, None]
        self._target = self._Z * self._root
        self._functions = self._whitened()
        self.tuning = Tuning(_BANDWIDTHS[1], _PENALTIES[0])

    def tune(self, chosen: Sequence[int]) -> None:
        """Take the bandwidth and the penalty that rebuild best from some units."""
        losses = {}
        for pair in product(_BANDWIDTHS, _PENALTIES):
            self.tuning = Tuning(*pair)
            losses[self.tuning] = self.loss(chosen)
        self.tuning = min(losses, key=lambda tuning: losses[tuning])

    def basis(self, chosen: Sequence[int]) -> Basis:
        """Return the functions of the columns of some units."""
        n_features = max(1, self.sizes[list(chosen)].sum())
        bandwidth, penalty = self.tuning
        columns = columns_of(self.units, chosen)
        return self._basis.of(columns, bandwidth / np.sqrt(n_features), penalty)

    def residuals(self, chosen: Sequence[int]) -> Tensor:
        """Return leave-one-out residuals, times the roots of the weights, of shape (n, m).

        They are 0 in kept columns and in cells that were not observed.
        """
        columns = columns_of(self.units, chosen)
        left = self.basis(chosen).left_out(self._Z[:, columns], self._target, self._root)
        left[:, columns] = 0.0
        return left * self._seen

    def loss(self, chosen: Sequence[int]) -> float:
        """Return the mean over rows of the sum of squared leave-one-out residuals."""
        return float(self.residuals(chosen).square().sum()) / len(self._Z)

    def promising(self, residuals: Tensor, among: Sequence[int], n_units: int) -> list[int]:
        """Return the units of which functions of single columns explain most of residuals."""
        if len(among) <= n_units:
            return list(among)
        explained = (self._functions @ residuals).square().sum(dim=1)
        by_column = explained.reshape(len(self._Z[0]), -1).sum(dim=1).numpy()
        by_unit = np.array([by_column[self.units[i]].sum() for i in among])
        return [among[i] for i in np.argsort(-by_unit, kind="stable")[:n_units]]

    def _whitened(self) -> Tensor:
        """Return six functions of each column, about orthonormal, of shape (6 m, n)."""
        x = self._Z.clamp(-_EDGE, _EDGE).T[:, :, None]
        waves = [wave(c * x) for c in _WAVES for wave in (torch.cos, torch.sin)]
        functions = torch.cat([x, x.square(), *waves], dim=2)
        functions = (functions - functions.mean(dim=1, keepdim=True)) * self._root
        gram = functions.transpose(1, 2) @ functions
        gram.diagonal(dim1=1, dim2=2).add_(_ROUGH * len(self._Z))
        factor = torch.linalg.cholesky(gram)
        white = torch.linalg.solve_triangular(factor, functions.transpose(1, 2), upper=False)
        return white.reshape(-1, len(self._Z))
