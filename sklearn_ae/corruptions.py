"""Corruptions: what is done to the rows that an encoder sees in training.

Rows are standardised when a corruption meets them, so scales are in standard
deviations of a column and 0 is a column's mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

__all__ = ["Corruption", "GaussianNoise", "MaskingNoise"]


class Corruption(BaseEstimator, ABC):
    """Stores hyperparameters and corrupts batches, drawn anew each time."""

    @abstractmethod
    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return a corrupted copy of standardised rows."""


class GaussianNoise(Corruption):
    """Add independent Gaussian noise to each cell.

    Parameters
    ----------
    scale : float, default=0.2
        Standard deviation of the noise, in standard deviations of the column.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, GaussianNoise
    >>> Autoencoder(corruption=GaussianNoise(scale=0.5))
    Autoencoder(corruption=GaussianNoise(scale=0.5))
    """

    _parameter_constraints: dict = {"scale": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, scale: float = 0.2) -> None:
        self.scale = scale

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return x + scale * noise."""
        return x + self.scale * torch.empty_like(x).normal_(generator=generator)


class MaskingNoise(Corruption):
    """Replace a share of the cells by their column's mean.

    Parameters
    ----------
    fraction : float in [0, 1], default=0.2
        Probability that a cell is replaced.

    References
    ----------
    Vincent et al., Extracting and composing robust features with denoising
    autoencoders, ICML 2008. :doi:`10.1145/1390156.1390294`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, MaskingNoise
    >>> Autoencoder(corruption=MaskingNoise(fraction=0.1))
    Autoencoder(corruption=MaskingNoise(fraction=0.1))
    """

    _parameter_constraints: dict = {"fraction": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, fraction: float = 0.2) -> None:
        self.fraction = fraction

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return x with cells set to 0."""
        return x * torch.empty_like(x).bernoulli_(1 - self.fraction, generator=generator)
