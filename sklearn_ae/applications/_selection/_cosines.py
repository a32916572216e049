"""Ridge regression of all columns on some, on their squares and on random cosines of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_ae.applications._selection._sample import Sample

_COSINES = 80
# Standard deviations beyond which squares and cosines are those of the edge.
_EDGE = 4.0
# Penalties of the constant and of the columns themselves, which are to be free.
_FREE, _LINEAR = 2e-6, 1e-5
# Most of a row's leverage that its leave-one-out residual is corrected for.
_LEVERAGE = 0.95
# Rows whose functions are held at once.
_BLOCK_ROWS = 10_000


class Basis(NamedTuple):
    """A constant, columns, their squares and random cosines of them, with their penalties.

    Parameters
    ----------
    frequencies : Tensor of shape (k, n_cosines)
        Directions of the cosines.
    phases : Tensor of shape (n_cosines,)
        Where each begins.
    penalty : float
        Of squares and cosines, for each row.

    References
    ----------
    Rahimi and Recht, Random features for large-scale kernel machines, NeurIPS 2007.
    """

    frequencies: Tensor
    phases: Tensor
    penalty: float

    @classmethod
    def draw(cls, rng: np.random.Generator, n_columns: int) -> Self:
        """Draw frequencies of variance 1 and phases."""
        frequencies = torch.from_numpy(rng.normal(size=(n_columns, _COSINES)))
        return cls(frequencies, torch.from_numpy(rng.uniform(0, 2 * np.pi, _COSINES)), 0.0)

    def of(self, columns: NDArray[np.intp], bandwidth: float, penalty: float) -> Self:
        """Return that of some columns, with frequencies of another standard deviation."""
        return type(self)(self.frequencies[columns] * bandwidth, self.phases, penalty)

    def functions(self, x: Tensor) -> Tensor:
        """Return the functions of rows of shape (n, k)."""
        near = x.clamp(-_EDGE, _EDGE)
        angles = near @ self.frequencies.to(x.dtype) + self.phases.to(x.dtype)
        parts = [x.new_ones((len(x), 1)), x, near.square(), np.sqrt(2.0) * torch.cos(angles)]
        return torch.cat(parts, dim=1)

    def penalties(self, x: Tensor) -> Tensor:
        """Return the diagonal matrix of the penalties for rows of shape (n, k)."""
        n, k = x.shape
        each = [_FREE, *([_LINEAR] * k), *([self.penalty] * (k + len(self.phases)))]
        return torch.diag(n * x.new_tensor(each))

    def left_out(self, x: Tensor, target: Tensor, root: Tensor) -> Tensor:
        """Return leave-one-out residuals of a regression, times the roots of the weights.

        The ridge regression of rows Y on functions P with weights W and penalties D leaves
        R = Y - P (P'WP + D)⁻¹ P'WY. With the leverages h of the rows, r / (1 - h) is what a
        regression without the row leaves of it, exactly.

        Parameters
        ----------
        x : Tensor of shape (n, k)
            Columns.
        target : Tensor of shape (n, m)
            Rows, times the roots of the weights.
        root : Tensor of shape (n, 1)
            Roots of the weights.
        """
        P = self.functions(x) * root
        factor = torch.linalg.cholesky(P.T @ P + self.penalties(x))
        V = torch.linalg.solve_triangular(factor, P.T, upper=False)
        leverage = V.square().sum(dim=0).clamp(max=_LEVERAGE)
        return (target - V.T @ (V @ target)) / (1 - leverage)[:, None]


class CosineRidge:
    """Rebuilds all columns from some.

    Parameters
    ----------
    sample : Sample
        Rows that it is fitted to.
    columns : ndarray of int
        What it rebuilds from.
    basis : Basis
        Functions of these columns.
    """

    def __init__(self, sample: Sample, columns: NDArray[np.intp], basis: Basis) -> None:
        x = torch.from_numpy(sample.Z[:, columns])
        P, target = basis.functions(x), torch.from_numpy(sample.Z)
        weighted = P.T * torch.from_numpy(sample.trusted(columns))
        factor = torch.linalg.cholesky(weighted @ P + basis.penalties(x))
        self.weights = torch.cholesky_solve(weighted @ target, factor).numpy()
        self.frequencies, self.phases = basis.frequencies.numpy(), basis.phases.numpy()

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return all columns of rows of which some columns, of shape (n, k), are known."""
        frequencies, phases, weights = map(_tensor, (self.frequencies, self.phases, self.weights))
        basis = Basis(frequencies, phases, 0.0)
        parts = _tensor(x).split(_BLOCK_ROWS)
        return torch.cat([basis.functions(part) @ weights for part in parts]).numpy()


def columns_of(units: Sequence[NDArray[np.intp]], chosen: Sequence[int]) -> NDArray[np.intp]:
    """Return the columns of some units, in their order."""
    return np.sort(np.concatenate([np.empty(0, np.intp), *[units[i] for i in chosen]]))


def _tensor(values: NDArray[np.float64]) -> Tensor:
    # Arrays of a memory map cannot be written, which torch warns of.
    return torch.from_numpy(np.require(values, requirements="W"))
