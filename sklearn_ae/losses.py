"""Losses: what an error costs, cell by cell."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor

from sklearn_ae.data import ColumnScaling

__all__ = ["LOSSES", "Loss", "SquaredError"]


class Loss(BaseEstimator, ABC):
    """The cost of a reconstruction, in standard units for training and in X's for scores."""

    _parameter_constraints: dict = {}

    @abstractmethod
    def cells(self, output: Tensor, target: Tensor) -> Tensor:
        """Cost of each standardised cell, before its column's weight."""

    @abstractmethod
    def column_weights(self, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Weight of each column in training; they sum to 1."""

    @abstractmethod
    def unit(self, scaling: ColumnScaling) -> float:
        """Factor from the training loss of a row to its loss in X's units."""

    @abstractmethod
    def errors(self, x: NDArray, reconstruction: NDArray) -> NDArray[np.float64]:
        """Cost of each cell in X's units."""


class SquaredError(Loss):
    """Squared error in X's own units, the objective of PCA.

    A row costs sum_j (x_j - xhat_j)^2. In training, columns are standardised and each
    is weighed by its share of the variance, which is the same objective up to a factor.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, SquaredError
    >>> Autoencoder(loss=SquaredError())
    Autoencoder(loss=SquaredError())
    """

    def cells(self, output: Tensor, target: Tensor) -> Tensor:
        """Squared differences."""
        return (output - target).square()

    def column_weights(self, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Shares of the variance."""
        variance = scaling.relative_scale**2
        total = variance.sum()
        return variance / total if total > 0 else np.full(len(variance), 1 / len(variance))

    def unit(self, scaling: ColumnScaling) -> float:
        """Total variance."""
        largest = float(scaling.scale.max(initial=0.0))
        return largest * largest * float((scaling.relative_scale**2).sum())

    def errors(self, x: NDArray, reconstruction: NDArray) -> NDArray[np.float64]:
        """Squared differences in X's units."""
        return np.square(np.subtract(x, reconstruction, dtype=np.float64))


LOSSES: dict[str, type[Loss]] = {"squared_error": SquaredError}
