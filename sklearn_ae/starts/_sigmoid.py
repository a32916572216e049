"""A start for codes between 0 and 1: squashed principal directions, and a regression."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Generator, Tensor

from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.starts._base import LinearStart, Start, standardized_columns
from sklearn_ae.starts._pca import PCAStart

# Rows that biases and regression are fitted on, at most, and cells of large ones.
_ROWS = 20_000
_CELLS = 2**26
# Standard deviation of what the logistic function is applied to.
_GAIN = 1.0
_RIDGE = 1e-3


class SigmoidStart(Start):
    """Units are the logistic function of principal directions, with a mean that is given.

    The directions are the principal components, their opposites, and then random
    combinations of them, as many as there are units. Each bias gives its unit the mean
    that is asked for over the training rows. The decoder is the ridge regression of the
    rows on the units.

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
        p = rows.n_features
        width = min(n_components, p)
        linear = PCAStart().solve(rows, scaling, target_scaling, width, generator).encoder
        linear = linear[:, linear.norm(dim=0) > 0]  # components beyond the rank are constant
        directions = _directions(linear.shape[1], n_components, generator)
        encoder = _GAIN * linear @ directions
        subset, most = rows, min(_ROWS, max(1, _CELLS // p)) if rows.large else _ROWS
        if rows.n_rows > most:
            subset = rows.take(np.linspace(0, rows.n_rows - 1, most).astype(int))
        x = torch.cat([standardized_columns(subset, scaling, part) for part in subset.parts()])
        weights = subset.weights
        weight = torch.ones(len(x)).double() if weights is None else torch.from_numpy(weights)
        weight = weight / weight.sum()
        output = x @ encoder
        bias = _biases(output, weight, self.activity)
        code = torch.sigmoid(output + bias)
        decoder, decoder_bias = _ridge(code, x[:, :p], weight)
        c = rows.n_conditions
        decoder = torch.cat([decoder, decoder.new_zeros(c, p)])
        return LinearStart(encoder, decoder, bias, decoder_bias)


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


def _ridge(code: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes and intercepts of the regression of rows on units of their own scale."""
    mean = weight @ code
    centred = code - mean
    spread = (weight @ centred.square()).sqrt().clamp(min=1e-12)
    centred = centred / spread
    weighted = centred * weight[:, None]
    gram = weighted.T @ centred
    gram.diagonal().add_(_RIDGE)
    slopes = torch.linalg.solve(gram, weighted.T @ x) / spread[:, None]
    return slopes, weight @ x - mean @ slopes
