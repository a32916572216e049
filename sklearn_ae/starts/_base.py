"""What a start owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae.data import ColumnScaling, Rows


class LinearStart(NamedTuple):
    """A closed-form solution as linear maps between standardised rows and codes.

    Parameters
    ----------
    encoder : Tensor of shape (n_features, n_components), float64
        Standardised rows times this are codes of unit variance.
    decoder : Tensor of shape (n_components, n_features), float64
        Codes times this are standardised reconstructions.
    """

    encoder: Tensor
    decoder: Tensor


class Start(ABC):
    """Solves the linear problem on training rows."""

    @abstractmethod
    def spectrum(self, rows: Rows, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Share of the variance per component, all components, in descending order."""

    @abstractmethod
    def solve(
        self, rows: Rows, scaling: ColumnScaling, n_components: int, generator: Generator
    ) -> LinearStart:
        """Solve for the given number of components.

        Parameters
        ----------
        rows : Rows
            Training rows.
        scaling : ColumnScaling
            Their column scales.
        n_components : int
            Width of the code. Components beyond the rank are orthogonal directions
            that the decoder ignores.
        generator : Generator
            Feeds randomised solvers and the directions beyond the rank.
        """


def standardized_blocks(
    rows: Rows, scaling: ColumnScaling
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yield standardised float64 blocks and weights, as tensors."""
    for x, weight in rows.blocks():
        z = torch.from_numpy(scaling.apply(x))
        yield z, None if weight is None else torch.from_numpy(np.ascontiguousarray(weight))
