"""What a loss owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.runtime import NamesParameters
from sklearn_ae.starts import LinearStart, TreeMixture


class CellLoss(nn.Module, ABC):
    """The torch part of a loss: the cost of each cell, times its column's weight.

    Summed over a row and multiplied by `Loss.unit`, it is the row's loss in X's units.

    Parameters
    ----------
    scaling : ColumnScaling
        Column scales of what reconstructions are compared with.
    weight : ndarray of shape (n_features,)
        Weight of each column.
    """

    weight: Tensor

    def __init__(self, scaling: ColumnScaling, weight: NDArray[np.float64]) -> None:
        super().__init__()
        self.n_features = len(weight)
        self.keep("weight", weight)

    def keep(self, name: str, values: NDArray[np.float64]) -> None:
        """Register float32 values that go to the device with the module."""
        self.register_buffer(name, torch.from_numpy(values).float())

    @abstractmethod
    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Weighted cost of each standardised cell, given what the decoder writes."""

    def rows(self, output: Tensor, target: Tensor) -> Tensor:
        """Sum over the cells of each flat row."""
        return self(output, target).sum(dim=-1)


class Loss(NamesParameters, ABC):
    """The cost of a reconstruction, in standard units for training and in X's for scores.

    `n_parameters` is how many numbers a decoder writes for each feature, `log_likelihood`
    says whether the loss is minus the logarithm of a density of X, `normal_scores` whether
    columns may be mapped to normal scores. `standardized` says that columns are seen in standard
    units, else as they are, `takes_flags` that columns of flags are numbers to it, 0 and 1, and
    `of_difference` says that a cell costs
    `cost(difference, scale)` of its difference from the reconstruction, of arrays and tensors.
    """

    n_parameters: int = 1
    log_likelihood: bool = False
    normal_scores: bool = False
    standardized: bool = True
    takes_flags: bool = False
    of_difference: bool = False
    _parameter_constraints: dict = {}

    @abstractmethod
    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""

    @abstractmethod
    def unit(self, scaling: ColumnScaling) -> float:
        """Factor from the training loss of a row to its loss in X's units."""

    def constants(self, x: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Part of each row's loss, in X's units, that does not depend on the network."""
        return np.zeros(len(x))

    @abstractmethod
    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Cost of each cell in X's units, given what the decoder writes."""

    def n_cells(self, n_features: int) -> int:
        """Number of columns of the errors of rows that a network sees in so many columns."""
        return n_features

    def restore(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Return the expected rows, in X's units, of what the decoder writes."""
        return scaling.restore(output[..., : len(scaling.mean)])

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw rows, in X's units, from what the decoder writes; without noise by default."""
        return self.restore(output, scaling)

    def free(self, n_features: int) -> NDArray[np.bool_]:
        """Columns of what a network sees whose draws may be any numbers, unlike those of X."""
        return np.ones(n_features, dtype=bool)

    def whole(self, column: int) -> tuple[float, float] | None:
        """Ends of the whole numbers that are drawn in a column; None where any number may be."""
        return None

    def outputs(self, start: LinearStart) -> tuple[Tensor, Tensor | None]:
        """Return the start's decoder as a map to what this loss reads."""
        return start.decoder, start.decoder_bias

    def check_encoded(self, x: NDArray) -> None:
        """Raise if rows that an encoder reads, clean or not, are not in its domain."""

    def background(self, rows: Rows, rng: np.random.Generator) -> TreeMixture | None:
        """Return a density without a network, where there is a better one than the start."""
        return None

    def check(self, x: NDArray) -> None:
        """Raise if rows are not in the loss's domain."""
