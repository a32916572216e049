"""Losses that are minus a log-density or log-probability of X, in nats."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, gammaln
from sklearn.utils._param_validation import Interval
from torch import Tensor
from torch.nn import functional as F

from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.losses._base import CellLoss, Loss
from sklearn_ae.starts import LinearStart, TreeMixture, fit_trees

_HALF_LOG_2PI = float(np.log(2 * np.pi) / 2)
# Means are kept this far from the ends of their range before a logarithm is taken.
_EDGE = 1e-6
# The slope of a link at the start, in units of a column's standard deviation, is at most this.
_STEEPEST = 4.0
# Noise beyond it, in standard units, would not be a number in float32.
_MOST_LOG_STD = 80.0


class _Likelihood(Loss):
    """Minus a log-density of X, in nats."""

    log_likelihood = True

    def counted(self, scaling: ColumnScaling) -> NDArray[np.bool_]:
        """Columns that the likelihood is of."""
        return np.full(len(scaling.scale), True)

    def column_weights(self, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Equal weights."""
        return self.counted(scaling) / self.unit(scaling)

    def unit(self, scaling: ColumnScaling) -> float:
        """Number of columns that the likelihood is of."""
        return float(max(1, self.counted(scaling).sum()))


class _GaussianNats(CellLoss):
    def __init__(self, scaling: ColumnScaling, weight: NDArray[np.float64], floor: float) -> None:
        super().__init__(scaling, weight)
        self.floor = floor

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        mean, log_std = output[..., : self.n_features], output[..., self.n_features :]
        log_std = log_std.clamp(min=self.floor)
        squares = ((target - mean) * (-log_std).exp()).square() / 2
        return (squares + log_std + _HALF_LOG_2PI) * self.weight


class GaussianLikelihood(_Likelihood):
    """Minus the log-density of a Gaussian whose noise is learned, in nats.

    A cell costs (x_j - xhat_j)² / (2 s_j²) + log s_j + log(2 pi) / 2. The decoder writes
    xhat_j and log s_j, so the noise may differ by column and by row.

    Parameters
    ----------
    floor : float, default=0.001
        Least noise, as a share of the column's standard deviation.
    normal_scores : bool, default=True
        Let columns be Gaussian in normal scores where held-out rows prefer that: a
        monotone map through the column's quantiles, whose slope is part of the density.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, GaussianLikelihood
    >>> Autoencoder(loss=GaussianLikelihood(floor=0.01))
    Autoencoder(loss=GaussianLikelihood(floor=0.01))
    """

    n_parameters = 2
    _parameter_constraints: dict = {
        "floor": [Interval(Real, 0, 1, closed="neither")],
        "normal_scores": ["boolean"],
    }

    def __init__(self, floor: float = 1e-3, normal_scores: bool = True) -> None:
        self.floor = floor
        self.normal_scores = normal_scores

    def counted(self, scaling: ColumnScaling) -> NDArray[np.bool_]:
        """Columns that are not constant, the only ones with a density."""
        return scaling.scale > 0

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        return _GaussianNats(scaling, self.column_weights(scaling), float(np.log(self.floor)))

    def outputs(self, start: LinearStart) -> tuple[Tensor, Tensor | None]:
        """Return the start's map to means, and its noise as a bias."""
        p = start.decoder.shape[1]
        noise = start.noise
        if noise is None:
            noise = (1 - start.decoder.square().sum(dim=0)).clamp(min=0.0).sqrt()
        mean_bias = start.decoder_bias
        if mean_bias is None:
            mean_bias = noise.new_zeros(p)
        log_std = noise.clamp(min=self.floor).log()
        decoder = torch.cat([start.decoder, torch.zeros_like(start.decoder)], dim=1)
        return decoder, torch.cat([mean_bias, log_std])

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Nats of each cell; constant columns have none."""
        mean, log_std = self._parts(output)
        present = scaling.scale > 0
        r = (scaling.apply(x) - mean) * np.exp(-log_std)
        nats = r**2 / 2 + log_std + _HALF_LOG_2PI - scaling.log_slope(x)
        return np.where(present, nats, 0.0)

    def constants(self, x: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Minus the log-determinant of the map to standard units."""
        counted = (scaling.scale > 0) & ~np.isnan(x)
        return -np.where(counted, scaling.log_slope(x), 0.0).sum(axis=1)

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw rows, noise included."""
        mean, log_std = self._parts(output)
        return scaling.restore(mean + np.exp(log_std) * rng.standard_normal(mean.shape))

    def _parts(self, output: NDArray) -> tuple[NDArray, NDArray]:
        mean, log_std = np.split(output, 2, axis=-1)
        return mean, np.clip(log_std, np.log(self.floor), _MOST_LOG_STD)


class _BernoulliNats(CellLoss):
    offset: Tensor
    slope: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, loss: Bernoulli, scaling: ColumnScaling) -> None:
        super().__init__(scaling, loss.column_weights(scaling))
        for name, values in zip(("offset", "slope"), loss.link(scaling), strict=True):
            self.keep(name, values)
        self.keep("mean", scaling.mean)
        self.keep("scale", scaling.scale)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        logit = self.offset + self.slope * output
        x = self.mean + self.scale * target
        return (F.softplus(logit) - x * logit) * self.weight


class Bernoulli(_Likelihood):
    """Cross-entropy of values in [0, 1], in nats; reconstructions are probabilities.

    A cell costs -x_j log xhat_j - (1 - x_j) log(1 - xhat_j), where xhat_j is the logistic
    function of what the decoder writes. At the start it follows the linear
    reconstruction to first order around the column's mean.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, Bernoulli
    >>> Autoencoder(loss=Bernoulli())
    Autoencoder(loss=Bernoulli())
    """

    takes_flags = True

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        return _BernoulliNats(self, scaling)

    def link(self, scaling: ColumnScaling) -> tuple[NDArray, NDArray]:
        """Offset and slope from what the decoder writes to log-odds."""
        mean = np.clip(scaling.mean, _EDGE, 1 - _EDGE)
        slope = np.minimum(scaling.scale / (mean * (1 - mean)), _STEEPEST)
        return np.log(mean / (1 - mean)), np.where(scaling.scale > 0, slope, 0.0)

    def restore(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Return probabilities."""
        return expit(self._logit(output, scaling))

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Nats of each cell."""
        logit = self._logit(output, scaling)
        return np.logaddexp(0.0, logit) - x * logit

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw zeros and ones."""
        return (rng.random(output.shape) < self.restore(output, scaling)).astype(np.float64)

    def background(self, rows: Rows, rng: np.random.Generator) -> TreeMixture | None:
        """Return trees of dependence between the columns."""
        return fit_trees(rows, rng)

    def free(self, n_features: int) -> NDArray[np.bool_]:
        """Return that draws are what the distribution says."""
        return np.zeros(n_features, dtype=bool)

    def whole(self, column: int) -> tuple[float, float] | None:
        """Return 0 and 1."""
        return 0.0, 1.0

    def check(self, x: NDArray) -> None:
        """Raise if a value lies outside [0, 1]."""
        low, high = np.nanmin(x, initial=0.0), np.nanmax(x, initial=1.0)
        if low < 0 or high > 1:
            raise ValueError(
                f"X holds {low if low < 0 else high:.6g}, but the Bernoulli loss needs values "
                'in [0, 1]; put a MinMaxScaler(clip=True) in front, or use loss="squared_error".'
            )

    def _logit(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        offset, slope = self.link(scaling)
        return offset + slope * output.astype(np.float64, copy=False)


class _PoissonNats(CellLoss):
    offset: Tensor
    slope: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, loss: Poisson, scaling: ColumnScaling) -> None:
        super().__init__(scaling, loss.column_weights(scaling))
        for name, values in zip(("offset", "slope"), loss.link(scaling), strict=True):
            self.keep(name, values)
        self.keep("mean", scaling.mean)
        self.keep("scale", scaling.scale)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        change = self.slope * output
        log_rate = self.offset + change.clamp(max=0.0) + change.clamp(min=0.0).log1p()
        x = (self.mean + self.scale * target).clamp(min=0.0)
        return (log_rate.exp() - x * log_rate + torch.lgamma(x + 1)) * self.weight


class Poisson(_Likelihood):
    """Minus the log-probability of counts under a Poisson distribution, in nats.

    A cell costs xhat_j - x_j log xhat_j + log x_j!, where xhat_j is m_j (1 + elu(z_j / m_j)) of
    the column's mean m_j and what the decoder writes, z_j. At the start xhat_j is the linear
    reconstruction above the mean, and falls exponentially to 0 below it.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, Poisson
    >>> Autoencoder(loss=Poisson())
    Autoencoder(loss=Poisson())
    """

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        return _PoissonNats(self, scaling)

    def link(self, scaling: ColumnScaling) -> tuple[NDArray, NDArray]:
        """Log-rate of the mean, and slope of what the decoder writes to changes relative to it."""
        mean = np.maximum(scaling.mean, _EDGE)
        return np.log(mean), scaling.scale / mean

    def restore(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Return rates."""
        return np.exp(self._log_rate(output, scaling))

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Nats of each cell."""
        log_rate = self._log_rate(output, scaling)
        return np.exp(log_rate) - x * log_rate + gammaln(x + 1.0)

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw counts."""
        rate = np.minimum(self.restore(output, scaling), 1e18)  # beyond, numpy cannot count
        return rng.poisson(rate).astype(np.float64)

    def free(self, n_features: int) -> NDArray[np.bool_]:
        """Return that draws are what the distribution says."""
        return np.zeros(n_features, dtype=bool)

    def whole(self, column: int) -> tuple[float, float] | None:
        """Return the ends of counts."""
        return 0.0, np.inf

    def check(self, x: NDArray) -> None:
        """Raise if a value is negative."""
        low = np.nanmin(x, initial=0.0)
        if low < 0:
            raise ValueError(
                f"X holds {low:.6g}, but the Poisson loss needs values that are not negative; "
                'use loss="squared_error".'
            )

    def _log_rate(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        offset, slope = self.link(scaling)
        change = slope * output.astype(np.float64, copy=False)
        return offset + np.minimum(change, 0.0) + np.log1p(np.maximum(change, 0.0))
