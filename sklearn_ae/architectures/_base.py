"""What an architecture owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator
from torch import Generator, Tensor, nn


class Encoder(nn.Module, ABC):
    """Rows to the latent's parameters."""

    @abstractmethod
    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Encode rows; a generator means training, and feeds dropout."""

    @abstractmethod
    def reset(self, generator: Generator) -> None:
        """Draw new initial weights."""

    @abstractmethod
    def set_linear(self, weight: Tensor) -> None:
        """Start as the linear map x @ weight, with a residual that is zero."""

    @abstractmethod
    def transform_output(self, matrix: Tensor, shift: Tensor) -> None:
        """Absorb (code - shift) @ matrix into the weights."""


class Decoder(nn.Module, ABC):
    """Codes to rows."""

    @abstractmethod
    def forward(self, z: Tensor, generator: Generator | None = None) -> Tensor:
        """Decode codes; a generator means training, and feeds dropout."""

    @abstractmethod
    def reset(self, generator: Generator) -> None:
        """Draw new initial weights."""

    @abstractmethod
    def set_linear(self, weight: Tensor) -> None:
        """Start as the linear map z @ weight, with a residual that is zero."""

    @abstractmethod
    def transform_input(self, matrix: Tensor, shift: Tensor) -> None:
        """Absorb z @ matrix + shift, applied before this decoder, into the weights."""


class Architecture(BaseEstimator, ABC):
    """Stores hyperparameters; builds an encoder and a decoder when the shapes are known."""

    @abstractmethod
    def build(
        self, n_features: int, n_codes: int, n_components: int, n_rows: int, linear_path: bool
    ) -> tuple[Encoder, Decoder]:
        """Build the two modules, their weights not yet set.

        Parameters
        ----------
        n_features : int
            Width of a row.
        n_codes : int
            Width of the encoder's output: what the latent asks for.
        n_components : int
            Width of the decoder's input.
        n_rows : int
            Number of training rows, for rules by data size.
        linear_path : bool
            Whether a linear map stands beside the network.
        """

    @abstractmethod
    def work(self, n_features: int, n_components: int, n_rows: int) -> int:
        """Return the multiplications that one row costs in one forward pass."""
