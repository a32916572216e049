"""What a corruption owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator
from torch import Generator, Tensor

from sklearn_ae.data import ColumnScaling
from sklearn_ae.runtime import NamesParameters


class Corruption(NamesParameters, BaseEstimator, ABC):
    """Stores hyperparameters and corrupts batches, drawn anew each time.

    `largest_move` is how far a cell moves at most, in standard deviations of its column, or None
    where it may move anywhere or nothing is known.
    """

    @property
    def largest_move(self) -> float | None:
        """Nothing is known."""
        return None

    @abstractmethod
    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return a corrupted copy of standardised rows, of shape (n, ..., n_channels)."""

    def bind(self, scaling: ColumnScaling, sample_shape: tuple[int, ...] | None) -> Corruption:
        """Return the corruption for columns of the given scales, in a sample shape if any."""
        return self if sample_shape is None else InSampleShape(self, sample_shape)

    def moments(self, covariance: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return what corruption makes of a covariance, or None where it has no closed form.

        Parameters
        ----------
        covariance : Tensor of shape (p, p)
            Covariance of clean rows, whose mean is zero.

        Returns
        -------
        second : Tensor of shape (p, p)
            Expected product of a corrupted row with itself.
        cross : Tensor of shape (p, p)
            Expected product of a corrupted row with the clean one.
        """
        return None


class InSampleShape(Corruption):
    """Applies a corruption to flat rows in the shape of images or sequences.

    Parameters
    ----------
    corruption : Corruption
        Sees rows of shape (n, *sample_shape).
    sample_shape : tuple of int
        Shape of a row. Rows that are not flat keep their own.
    """

    def __init__(self, corruption: Corruption, sample_shape: tuple[int, ...]) -> None:
        self.corruption = corruption
        self.sample_shape = sample_shape

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return a corrupted copy of the rows."""
        if x.ndim > 2:
            return self.corruption.corrupt(x, generator)
        return self.corruption.corrupt(x.reshape(-1, *self.sample_shape), generator).reshape(
            x.shape
        )

    def moments(self, covariance: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return those of the corruption."""
        return self.corruption.moments(covariance)
