"""Corruptions of cells: noise, masks and swaps."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real

import torch
from sklearn.base import clone
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.corruptions._base import Corruption
from sklearn_ae.data import ColumnScaling


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

    @property
    def largest_move(self) -> float:
        """What one cell in 16,000 exceeds."""
        return 4 * self.scale

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

    # The cell of a table that each column belongs to, where some have several columns.
    _feature: Tensor | None = None

    def __init__(self, fraction: float = 0.2) -> None:
        self.fraction = fraction

    def bind(self, scaling: ColumnScaling, sample_shape: tuple[int, ...] | None) -> Corruption:
        """Return the corruption, which replaces all columns of a table's cell together."""
        if scaling.feature is None:
            return super().bind(scaling, sample_shape)
        bound = clone(self)
        bound._feature = torch.from_numpy(scaling.feature)
        return bound

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return x with a share of its cells replaced."""
        keep = self._cells(x).bernoulli_(1 - self.fraction, generator=generator)
        return torch.where(self._over_columns(keep).bool(), x, self._replacement(x, generator))

    def _cells(self, x: Tensor) -> Tensor:
        """Return an empty number for each cell."""
        if self._feature is None:
            return torch.empty_like(x)
        return x.new_empty(len(x), int(self._feature.max()) + 1)

    def _over_columns(self, cells: Tensor) -> Tensor:
        """Return the number of each cell in all of its columns."""
        feature = self._feature
        return cells if feature is None else cells.index_select(1, feature.to(cells.device))

    @abstractmethod
    def _replacement(self, x: Tensor, generator: Generator) -> Tensor:
        """What stands in the cells that are replaced."""

    def _mixed(self, covariance: Tensor, diagonal: Tensor) -> tuple[Tensor, Tensor]:
        """Moments where replacements are independent of the row and of each other."""
        keep = 1 - self.fraction
        second = keep**2 * covariance
        if self._feature is not None:
            together = self._feature[:, None] == self._feature
            second = torch.where(together, keep * covariance, second)
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
        """Return the moments of rows with masked cells at their mean."""
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
        salt = self._over_columns(self._cells(x).bernoulli_(0.5, generator=generator))
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
        shape = self._cells(x).shape
        further = torch.randint(1, max(2, n), shape, generator=generator, device=x.device)
        further = self._over_columns(further)
        own = torch.arange(n, device=x.device).reshape(-1, *[1] * (x.ndim - 1))
        return x.gather(0, (own + further) % n)

    def moments(self, covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moments of rows with cells of other rows."""
        return self._mixed(covariance, covariance.diagonal())
