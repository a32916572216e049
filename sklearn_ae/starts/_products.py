"""Products of matrices with standardised rows that are read by block, or stay sparse."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from sklearn_ae.data import ColumnScaling, Rows, SparseRows
from sklearn_ae.starts._base import standardized_blocks, weighted

# Columns up to which the covariance of sparse rows is found sooner from dense blocks.
_DENSE = 128


class Products(ABC):
    """Products with A = Z diag(factor), where Z are standardised rows.

    Parameters
    ----------
    rows : Rows
        The rows.
    scaling : ColumnScaling
        Their column scales.
    factor : Tensor of shape (n_features,)
        Multiplies the columns.
    """

    def __init__(self, rows: Rows, scaling: ColumnScaling, factor: Tensor) -> None:
        self.rows = rows
        self.scaling = scaling
        self.factor = factor

    @abstractmethod
    def times(self, matrix: Tensor) -> Tensor:
        """Return A M, of shape (n, k)."""

    @abstractmethod
    def transposed(self, matrix: Tensor) -> Tensor:
        """Return A' M, of shape (n_features, k), for a matrix with a row for each row."""

    @abstractmethod
    def covariance(self, matrix: Tensor) -> Tensor:
        """Return A' W A M over the total weight, where W holds the weights of the rows."""


class _ByBlock(Products):
    def times(self, matrix: Tensor) -> Tensor:
        blocks = standardized_blocks(self.rows, self.scaling)
        return torch.cat([(z * self.factor) @ matrix for z, _ in blocks])

    def transposed(self, matrix: Tensor) -> Tensor:
        out = matrix.new_zeros(len(self.factor), matrix.shape[1])
        start = 0
        for z, _ in standardized_blocks(self.rows, self.scaling):
            out += (z * self.factor).T @ matrix[start : start + len(z)]
            start += len(z)
        return out

    def covariance(self, matrix: Tensor) -> Tensor:
        out = torch.zeros_like(matrix.T)
        for z, weight in standardized_blocks(self.rows, self.scaling):
            a = z * self.factor
            out += weighted(a @ matrix, weight).T @ a
        return self.rows.workers.sum(out).T / self.rows.total_weight


class _Sparse(Products):
    """A = S - 1 s', where S is as sparse as the rows: centring is a matrix of rank one."""

    def __init__(self, rows: Rows, scaling: ColumnScaling, factor: Tensor) -> None:
        super().__init__(rows, scaling, factor)
        slope = factor.numpy() / scaling.divisor
        values: SparseRows = rows.selected(rows.values)
        matrix = values.matrix.astype(np.float64)  # a copy
        matrix.data *= slope[matrix.indices]
        self.matrix = matrix
        self.shift = torch.from_numpy(scaling.mean * slope)

    def times(self, matrix: Tensor) -> Tensor:
        return torch.from_numpy(self.matrix @ matrix.numpy()) - self.shift @ matrix

    def transposed(self, matrix: Tensor) -> Tensor:
        product = torch.from_numpy(self.matrix.T @ matrix.numpy())
        return product - torch.outer(self.shift, matrix.sum(0))

    def covariance(self, matrix: Tensor) -> Tensor:
        projected = self.times(matrix)
        weights = self.rows.weights
        if weights is not None:
            projected *= torch.from_numpy(np.ascontiguousarray(weights))[:, None]
        return self.transposed(projected) / self.rows.total_weight


def products(rows: Rows, scaling: ColumnScaling, factor: Tensor) -> Products:
    """Return what multiplies with standardised rows."""
    return (_Sparse if stay_sparse(rows) else _ByBlock)(rows, scaling, factor)


def stay_sparse(rows: Rows) -> bool:
    """Whether rows are not made dense, not even by block."""
    return rows.large and isinstance(rows.values, SparseRows) and rows.n_features > _DENSE
