"""Corruptions of cells: noise, masks and swaps."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.corruptions._base import Corruption


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

    The values are those of the batch, and of the channel in images and sequences; each is
    taken with probability one half.

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
        axes = tuple(range(x.ndim - 1))
        missing = torch.isnan(x)
        high = torch.where(missing, -torch.inf, x).amax(dim=axes)
        low = torch.where(missing, torch.inf, x).amin(dim=axes)
        return torch.where(salt.bool(), high, low)


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
        own = torch.arange(n, device=x.device).reshape(-1, *[1] * (x.ndim - 1))
        return x.gather(0, (own + further) % n)

    def moments(self, covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moments of rows with cells of other rows."""
        return self._mixed(covariance, covariance.diagonal())
