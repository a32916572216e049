"""Losses: what an error costs, cell by cell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, gammaln, xlogy
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_ae.data import ColumnScaling
from sklearn_ae.starts import LinearStart

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "Bernoulli",
    "CellLoss",
    "GaussianLikelihood",
    "HuberError",
    "Loss",
    "Poisson",
    "SquaredError",
]

_HALF_LOG_2PI = float(np.log(2 * np.pi) / 2)
# Means are kept this far from the ends of their range before a logarithm is taken.
_EDGE = 1e-6
# Logarithms of rates stay below this, so that a rate is a finite number.
_LARGEST_LOG = 60.0
# The slope of a link at the start, in units of a column's standard deviation, is at most this.
_STEEPEST = 4.0


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


class Loss(BaseEstimator, ABC):
    """The cost of a reconstruction, in standard units for training and in X's for scores.

    `n_parameters` is how many numbers a decoder writes for each feature, `log_likelihood`
    says whether the loss is minus the logarithm of a density of X, and `warp` whether
    columns may be mapped to normal scores.
    """

    n_parameters: int = 1
    log_likelihood: bool = False
    warp: bool = False
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

    def restore(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Return the expected rows, in X's units, of what the decoder writes."""
        return scaling.restore(output[..., : len(scaling.mean)])

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw rows, in X's units, from what the decoder writes; without noise by default."""
        return self.restore(output, scaling)

    def outputs(self, start: LinearStart) -> tuple[Tensor, Tensor | None]:
        """Return the start's decoder as a map to what this loss reads."""
        return start.decoder, start.decoder_bias

    def check(self, x: NDArray) -> None:
        """Raise if rows are not in the loss's domain."""


class _MetricLoss(Loss):
    """A function of the distance between a cell and its reconstruction."""

    power: int

    def column_weights(self, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Weight of each column; they sum to 1."""
        share = scaling.relative_scale**self.power
        total = share.sum()
        return share / total if total > 0 else np.full(len(share), 1 / len(share))

    def unit(self, scaling: ColumnScaling) -> float:
        """Sum of the columns' scales, to the power of the loss's units."""
        largest = float(scaling.scale.max(initial=0.0))
        total = float((scaling.relative_scale**self.power).sum())
        return total * largest * (largest if self.power == 2 else 1.0)


class _Squared(CellLoss):
    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square() * self.weight


class SquaredError(_MetricLoss):
    """Squared error in X's own units, the objective of PCA.

    A row costs sum_j (x_j - xhat_j)^2. In training, columns are standardised and each
    is weighed by its share of the variance, which is the same objective up to a factor.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, SquaredError
    >>> Autoencoder(loss=SquaredError())
    Autoencoder(loss=SquaredError())
    """

    power = 2

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        return _Squared(scaling, self.column_weights(scaling))

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Squared differences in X's units."""
        return np.square(x - self.restore(output, scaling))


class _Absolute(CellLoss):
    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).abs() * self.weight


class AbsoluteError(_MetricLoss):
    """Absolute error in X's own units; reconstructions are medians.

    A row costs the sum of the distances between x_j and xhat_j.

    Examples
    --------
    >>> from sklearn_ae import AbsoluteError, Autoencoder
    >>> Autoencoder(loss=AbsoluteError())
    Autoencoder(loss=AbsoluteError())
    """

    power = 1

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        return _Absolute(scaling, self.column_weights(scaling))

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Absolute differences in X's units."""
        return np.abs(x - self.restore(output, scaling))


class _Huber(CellLoss):
    def __init__(self, scaling: ColumnScaling, weight: NDArray[np.float64], epsilon: float) -> None:
        super().__init__(scaling, weight)
        self.epsilon = epsilon

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        error = F.huber_loss(output, target, reduction="none", delta=self.epsilon)
        return 2 * error * self.weight


class HuberError(_MetricLoss):
    """Squared error up to some standard deviations of a column, linear beyond.

    With r = (x_j - xhat_j) / s_j, where s_j is the column's standard deviation, a cell costs
    s_j² r² where |r| <= epsilon, and s_j² (2 epsilon |r| - epsilon²) beyond.

    Parameters
    ----------
    epsilon : float, default=1.35
        Where the loss turns linear, in standard deviations of the column.

    References
    ----------
    Huber, Robust estimation of a location parameter, 1964. :doi:`10.1214/aoms/1177703732`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, HuberError
    >>> Autoencoder(loss=HuberError(epsilon=1.0))
    Autoencoder(loss=HuberError(epsilon=1.0))
    """

    power = 2
    _parameter_constraints: dict = {"epsilon": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, epsilon: float = 1.35) -> None:
        self.epsilon = epsilon

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        return _Huber(scaling, self.column_weights(scaling), float(self.epsilon))

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Squared or linear differences in X's units squared."""
        unit = np.where(scaling.scale > 0, scaling.scale, 1.0)
        r = np.abs(x - self.restore(output, scaling)) / unit
        inside = np.minimum(r, self.epsilon)
        return (inside**2 + 2 * self.epsilon * (r - inside)) * unit * unit


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
    warp : bool, default=True
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
        "warp": ["boolean"],
    }

    def __init__(self, floor: float = 1e-3, warp: bool = True) -> None:
        self.floor = floor
        self.warp = warp

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
        return -np.where(scaling.scale > 0, scaling.log_slope(x), 0.0).sum(axis=1)

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw rows, noise included."""
        mean, log_std = self._parts(output)
        return scaling.restore(mean + np.exp(log_std) * rng.standard_normal(mean.shape))

    def _parts(self, output: NDArray) -> tuple[NDArray, NDArray]:
        mean, log_std = np.split(output, 2, axis=-1)
        return mean, np.maximum(log_std, np.log(self.floor))


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
        log_rate = (self.offset + self.slope * output).clamp(max=_LARGEST_LOG)
        x = (self.mean + self.scale * target).clamp(min=0.0)
        return (log_rate.exp() - x * log_rate + torch.lgamma(x + 1)) * self.weight


class Poisson(_Likelihood):
    """Minus the log-probability of counts under a Poisson distribution, in nats.

    A cell costs xhat_j - x_j log xhat_j + log x_j!, where xhat_j is the exponential of what
    the decoder writes. At the start it follows the linear reconstruction to first
    order around the column's mean.

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
        """Offset and slope from what the decoder writes to log-rates."""
        mean = np.maximum(scaling.mean, _EDGE)
        slope = np.minimum(scaling.scale / mean, 1.0)
        return np.log(mean), np.where(scaling.scale > 0, slope, 0.0)

    def restore(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Return rates."""
        return np.exp(self._log_rate(output, scaling))

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Nats of each cell."""
        log_rate = self._log_rate(output, scaling)
        return np.exp(log_rate) - xlogy(x, np.exp(log_rate)) + gammaln(x + 1.0)

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw counts."""
        rate = np.minimum(self.restore(output, scaling), 1e18)  # beyond, numpy cannot count
        return rng.poisson(rate).astype(np.float64)

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
        log_rate = offset + slope * output.astype(np.float64, copy=False)
        return np.minimum(log_rate, _LARGEST_LOG)


LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": HuberError,
    "gaussian": GaussianLikelihood,
    "bernoulli": Bernoulli,
    "poisson": Poisson,
}
