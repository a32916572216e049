"""What a latent owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from sklearn.base import BaseEstimator
from torch import Generator, Tensor, nn


class Code(NamedTuple):
    """A code as the decoder gets it, and what it costs.

    Parameters
    ----------
    mean : Tensor of shape (n, n_components)
        The code that `transform` returns.
    sample : Tensor of shape (n, n_components)
        The code that the decoder reads; equal to the mean outside training.
    divergence : Tensor of shape (n,), optional
        The cost of each row's code in the objective; None if codes cost nothing.
    """

    mean: Tensor
    sample: Tensor
    divergence: Tensor | None = None


class LatentModule(nn.Module, ABC):
    """From an encoder's output to a code."""

    @abstractmethod
    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        """Make the code; a generator means training, and feeds its draws."""


class Latent(BaseEstimator, ABC):
    """Stores hyperparameters; builds the module when the width is known.

    `linear_codes` says whether a linear change of basis of the code leaves the
    objective as it is, so that codes can be brought into their canonical basis.
    """

    linear_codes: bool = False
    _parameter_constraints: dict = {}

    @abstractmethod
    def n_codes(self, n_components: int) -> int:
        """Width of the encoder's output."""

    @abstractmethod
    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
