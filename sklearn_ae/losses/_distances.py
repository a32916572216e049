"""Losses that are functions of the distance between a cell and its reconstruction."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval
from torch import Tensor
from torch.nn import functional as F

from sklearn_ae.data import ColumnScaling
from sklearn_ae.losses._base import CellLoss, Loss


class _MetricLoss(Loss):
    """A function of the distance between a cell and its reconstruction."""

    of_difference = True
    power: int

    @abstractmethod
    def cost(self, difference: Any, scale: Any) -> Any:
        """Cost of differences in X's units, arrays or tensors, of columns of some scales."""

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Cost of the differences in X's units."""
        return self.cost(x - self.restore(output, scaling), scaling.scale)

    def column_weights(self, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Weight of each column; they sum to 1."""
        share = scaling.relative_scale**self.power
        total = share.sum()
        return share / total if total > 0 else np.full(len(share), 1 / max(1, len(share)))

    def unit(self, scaling: ColumnScaling) -> float:
        """Sum of the columns' scales, to the power of the loss's units."""
        largest = float(scaling.scale.max(initial=0.0))
        total = float((scaling.relative_scale**self.power).sum())
        return total * largest * (largest if self.power == 2 else 1.0)


class _SquaredDistance(torch.autograd.Function):
    """Weighted sum over each row of squared differences, with few operations each way."""

    generate_vmap_rule = True

    @staticmethod
    def forward(output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return sum_j w_j (output_ij - target_ij)² for each row i."""
        difference = output - target
        return (difference * difference).mv(weight)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        """Keep the inputs."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """Return the gradients of output and target; weights are constants."""
        output, target, weight = ctx.saved_tensors
        slope = (output - target) * ((2 * grads[0])[:, None] * weight)
        return slope, -slope if ctx.needs_input_grad[1] else None, None


class _Squared(CellLoss):
    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square() * self.weight

    def rows(self, output: Tensor, target: Tensor) -> Tensor:
        return _SquaredDistance.apply(output, target, self.weight)


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

    def cost(self, difference: Any, scale: Any) -> Any:
        """Squared differences in X's units."""
        return difference * difference


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

    def cost(self, difference: Any, scale: Any) -> Any:
        """Absolute differences in X's units."""
        return abs(difference)


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

    def cost(self, difference: Any, scale: Any) -> Any:
        """Squared or linear differences in X's units squared."""
        unit = scale + (scale == 0)
        r = abs(difference) / unit
        inside = r.clip(max=self.epsilon)
        return (inside**2 + 2 * self.epsilon * (r - inside)) * unit * unit
