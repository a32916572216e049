"""A start for codes between 0 and 1: squashed principal directions, and a regression."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Generator, Tensor

from sklearn_ae.data import FEW_ROWS, SMALL, ColumnScaling, Rows
from sklearn_ae.starts._base import LinearStart, Start, standardized_columns
from sklearn_ae.starts._pca import PCAStart

# Rows that biases and regression are fitted on, at most, and cells of large ones.
_ROWS = 20_000
_CELLS = 2**26
# Standard deviation of what the logistic function is applied to.
_GAIN = 1.0
# Penalties of the regression. Of few rows the one of least error out of fold is taken, and the
# first where there are many, or too few to validate on.
_RIDGES = torch.logspace(-3, 1, 13, dtype=torch.float64)
_FOLDS = 5


class SigmoidStart(Start):
    """Units are the logistic function of principal directions, with a mean that is given.

    The directions are the principal components, their opposites, and then random
    combinations of them, as many as there are units. Each bias gives its unit the mean
    that is asked for over the training rows. The decoder is the ridge regression of the
    rows on the units; of few rows, the penalty is chosen out of fold.

    Parameters
    ----------
    activity : float in (0, 1)
        Mean of each unit.
    """

    def __init__(self, activity: float) -> None:
        self.activity = activity

    def solve(
        self,
        rows: Rows,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        n_components: int,
        generator: Generator,
    ) -> LinearStart:
        """Solve for the given number of units; see `Start`."""
        p, penalty = rows.n_features, _RIDGES[0]
        if rows.n_rows < SMALL and rows.n_distinct >= FEW_ROWS:
            penalty = self._penalty(rows, n_components, generator)
        encoder, bias, regression = self._units(rows, scaling, n_components, generator)
        decoder, decoder_bias = regression.solve(penalty)
        decoder = torch.cat([decoder, decoder.new_zeros(rows.n_conditions, p)])
        return LinearStart(encoder, decoder, bias, decoder_bias)

    def _units(
        self, rows: Rows, scaling: ColumnScaling, n_components: int, generator: Generator
    ) -> tuple[Tensor, Tensor, _Regression]:
        """Directions and biases of the units, and the regression of the rows on them."""
        p = rows.n_features
        width = min(n_components, p)
        linear = PCAStart().solve(rows, scaling, scaling, width, generator).encoder
        linear = linear[:, linear.norm(dim=0) > 0]  # components beyond the rank are constant
        encoder = _GAIN * linear @ _directions(linear.shape[1], n_components, generator)
        subset, most = rows, min(_ROWS, max(1, _CELLS // p)) if rows.large else _ROWS
        if rows.n_rows > most:
            subset = rows.take(np.linspace(0, rows.n_rows - 1, most).astype(int))
        x, weight = _matrix(subset, scaling)
        output = x @ encoder
        bias = _biases(output, weight, self.activity)
        return encoder, bias, _Regression(torch.sigmoid(output + bias), x[:, :p], weight)

    def _penalty(self, rows: Rows, n_components: int, generator: Generator) -> Tensor:
        """Return the penalty of least squared error in X's units, out of fold."""
        errors = torch.zeros_like(_RIDGES)
        unit = self.scalings(rows, normal_scores=False)[0].largest
        order = torch.randperm(rows.n_rows, generator=generator).numpy()
        for fold in np.array_split(order, _FOLDS):
            part = rows.take(np.setdiff1d(order, fold))
            scaling, _ = self.scalings(part, normal_scores=False)
            encoder, bias, regression = self._units(part, scaling, n_components, generator)
            x, weight = _matrix(rows.take(fold), scaling)
            code, scale = torch.sigmoid(x @ encoder + bias), torch.from_numpy(scaling.scale / unit)
            for i, ridge in enumerate(_RIDGES):
                slopes, intercept = regression.solve(ridge)
                lost = (x[:, : rows.n_features] - code @ slopes - intercept) * scale
                errors[i] += weight @ lost.square().sum(dim=1)
        return _RIDGES[errors.argmin()]


def _matrix(rows: Rows, scaling: ColumnScaling) -> tuple[Tensor, Tensor]:
    """Return standardised rows beside their conditions, and weights that sum to 1."""
    x = torch.cat([standardized_columns(rows, scaling, part) for part in rows.parts()])
    weights = rows.weights
    weight = torch.ones(len(x)).double() if weights is None else torch.from_numpy(weights)
    return x, weight / weight.sum()


def _directions(rank: int, width: int, generator: Generator) -> Tensor:
    """Unit directions among `rank` components: each, its opposite, and random ones."""
    eye = torch.eye(rank, dtype=torch.float64)
    draw = torch.empty(rank, width, dtype=torch.float64).normal_(generator=generator)
    draw = draw / draw.norm(dim=0)
    return torch.cat([eye, -eye, draw], dim=1)[:, :width]


def _biases(output: Tensor, weight: Tensor, activity: float) -> Tensor:
    """Biases that give each unit a mean activation, by bisection."""
    middle = math.log(activity / (1 - activity))
    low = torch.full_like(output[0], middle) - output.abs().amax(dim=0) - 1.0
    high = torch.full_like(output[0], middle) + output.abs().amax(dim=0) + 1.0
    for _ in range(60):
        bias = (low + high) / 2
        above = weight @ torch.sigmoid(output + bias) > activity
        high, low = torch.where(above, bias, high), torch.where(above, low, bias)
    return (low + high) / 2


class _Regression:
    """Ridge regressions of rows on units of their own scale.

    Parameters
    ----------
    code : Tensor of shape (n, k)
        The units.
    x : Tensor of shape (n, p)
        The rows.
    weight : Tensor of shape (n,)
        Weights that sum to 1.
    """

    def __init__(self, code: Tensor, x: Tensor, weight: Tensor) -> None:
        self.mean, self.centre = weight @ code, weight @ x
        centred = code - self.mean
        self.std = (weight @ centred.square()).sqrt().clamp(min=1e-12)
        centred = centred / self.std
        weighted = centred * weight[:, None]
        values, self.vectors = torch.linalg.eigh(weighted.T @ centred)
        self.values = values.clamp(min=0.0)
        self.along = self.vectors.T @ (weighted.T @ x)

    def solve(self, penalty: Tensor) -> tuple[Tensor, Tensor]:
        """Return slopes and intercepts for a penalty."""
        shrunk = self.along / (self.values + penalty)[:, None]
        slopes = (self.vectors @ shrunk) / self.std[:, None]
        return slopes, self.centre - self.mean @ slopes
