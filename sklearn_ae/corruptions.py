"""Corruptions: what is done to the rows that an encoder sees in training.

Rows are standardised when a corruption meets them, so scales are in standard
deviations of a column and 0 is a column's mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.data import ColumnScaling

__all__ = [
    "Corruption",
    "GaussianNoise",
    "MaskingNoise",
    "SaltAndPepperNoise",
    "SwapNoise",
    "UserCorruption",
    "in_standard_units",
]


class Corruption(BaseEstimator, ABC):
    """Stores hyperparameters and corrupts batches, drawn anew each time."""

    @abstractmethod
    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return a corrupted copy of standardised rows."""

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

    def moments(self, covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Return C + scale² I and C."""
        noise = torch.full_like(covariance[0], self.scale**2)
        return covariance + torch.diag(noise), covariance


class _CellwiseNoise(Corruption):
    """Replaces a share of the cells by something else."""

    _parameter_constraints: dict = {"fraction": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, fraction: float = 0.2) -> None:
        self.fraction = fraction

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return x with a share of its cells replaced."""
        keep = torch.empty_like(x).bernoulli_(1 - self.fraction, generator=generator)
        return torch.where(keep.bool(), x, self._replacement(x, generator))

    @abstractmethod
    def _replacement(self, x: Tensor, generator: Generator) -> Tensor:
        """What stands in the cells that are replaced."""

    def _mixed(self, covariance: Tensor, diagonal: Tensor) -> tuple[Tensor, Tensor]:
        """Moments where replacements are independent of the row and of each other."""
        keep = 1 - self.fraction
        second = keep**2 * covariance
        second.diagonal().copy_(diagonal)
        return second, keep * covariance


class MaskingNoise(_CellwiseNoise):
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

    def _replacement(self, x: Tensor, generator: Generator) -> Tensor:
        return torch.zeros_like(x)

    def moments(self, covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moments of rows with holes at their mean."""
        return self._mixed(covariance, (1 - self.fraction) * covariance.diagonal())


class SaltAndPepperNoise(_CellwiseNoise):
    """Replace a share of the cells by the least or the largest value of their column.

    The values are those of the batch; each is taken with probability one half.

    Parameters
    ----------
    fraction : float in [0, 1], default=0.2
        Probability that a cell is replaced.

    Examples
    --------
    >>> from sklearn_ae import DenoisingAutoencoder, SaltAndPepperNoise
    >>> DenoisingAutoencoder(corruption=SaltAndPepperNoise(fraction=0.1))
    DenoisingAutoencoder(corruption=SaltAndPepperNoise(fraction=0.1))
    """

    def _replacement(self, x: Tensor, generator: Generator) -> Tensor:
        salt = torch.empty_like(x).bernoulli_(0.5, generator=generator)
        return torch.where(salt.bool(), x.amax(dim=0), x.amin(dim=0))


class SwapNoise(_CellwiseNoise):
    """Replace a share of the cells by the same column's cell in another row of the batch.

    Each column keeps its distribution, whatever its kind.

    Parameters
    ----------
    fraction : float in [0, 1], default=0.2
        Probability that a cell is replaced.

    Examples
    --------
    >>> from sklearn_ae import DenoisingAutoencoder, SwapNoise
    >>> DenoisingAutoencoder(corruption=SwapNoise(fraction=0.15))
    DenoisingAutoencoder(corruption=SwapNoise(fraction=0.15))
    """

    def _replacement(self, x: Tensor, generator: Generator) -> Tensor:
        n = len(x)
        further = torch.randint(1, max(2, n), x.shape, generator=generator, device=x.device)
        own = torch.arange(n, device=x.device)[:, None]
        return x.gather(0, (own + further) % n)

    def moments(self, covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moments of rows with cells of other rows."""
        return self._mixed(covariance, covariance.diagonal())


class UserCorruption(Corruption):
    """Calls a function of rows in X's units.

    Parameters
    ----------
    function : callable
        `function(X, rng)` returns a corrupted copy of the rows X, an ndarray of shape
        (n, n_features), drawing from the numpy Generator rng.
    scaling : ColumnScaling
        Units of the columns.
    """

    _parameter_constraints: dict = {"function": [callable]}

    def __init__(
        self,
        function: Callable[[NDArray, np.random.Generator], NDArray],
        scaling: ColumnScaling,
    ) -> None:
        self.function = function
        self.scaling = scaling

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return what the function makes of the rows."""
        seed = torch.randint(2**31, (), generator=generator, device=generator.device)
        rows = self.scaling.restore(x.cpu().numpy())
        corrupted = np.asarray(self.function(rows, np.random.default_rng(int(seed))))
        if corrupted.shape != x.shape or not np.isfinite(corrupted).all():
            raise ValueError(
                f"corruption={self.function!r} returned an array of shape {corrupted.shape} for "
                f"rows of shape {tuple(x.shape)}, or values that are not finite; return finite "
                "rows of the same shape."
            )
        return torch.from_numpy(self.scaling.apply(corrupted)).to(x)


def in_standard_units(
    corruption: Corruption | Callable | None, scaling: ColumnScaling
) -> Corruption | None:
    """Return a corruption of standardised rows; a user's function sees X's units."""
    if corruption is None or isinstance(corruption, Corruption):
        return corruption
    return UserCorruption(corruption, scaling)
