"""What a start owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae.data import ColumnScaling, Rows, fit_scaling

# Columns up to which the moments of all their pairs are kept.
WIDEST = 4096


class LinearStart(NamedTuple):
    """A closed-form solution as affine maps between standardised rows and codes.

    Parameters
    ----------
    encoder : Tensor of shape (n_inputs, n_codes), float64
        Standardised rows, with the columns of their condition, times this are the
        latent's parameters.
    decoder : Tensor of shape (n_latents, n_features), float64
        Codes, with the columns of the condition, times this are standardised
        reconstructions.
    encoder_bias : Tensor of shape (n_codes,), optional
        Added to what the encoder gives; None means 0.
    decoder_bias : Tensor of shape (n_features,), optional
        Added to what the decoder gives; None means 0.
    noise : Tensor of shape (n_features,), optional
        Standard deviations of the standardised rows around their reconstruction.
    """

    encoder: Tensor
    decoder: Tensor
    encoder_bias: Tensor | None = None
    decoder_bias: Tensor | None = None
    noise: Tensor | None = None


class Start(ABC):
    """Solves the linear problem on training rows."""

    @abstractmethod
    def solve(
        self,
        rows: Rows,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        n_components: int,
        generator: Generator,
    ) -> LinearStart:
        """Solve for the given number of components.

        Parameters
        ----------
        rows : Rows
            Training rows.
        scaling, target_scaling : ColumnScaling
            Column scales of the rows and of what reconstructions are compared with.
        n_components : int
            Width of the code. Components beyond the rank are 0 in every row.
        generator : Generator
            Feeds randomised solvers and the directions beyond the rank.
        """

    def scalings(self, rows: Rows, *, normal_scores: bool) -> tuple[ColumnScaling, ColumnScaling]:
        """Return the column scales that networks from this start see; see `fit_scalings`."""
        return fit_scalings(rows, normal_scores=normal_scores)


def fit_scalings(rows: Rows, *, normal_scores: bool = False) -> tuple[ColumnScaling, ColumnScaling]:
    """Measure the columns of rows and of what reconstructions are compared with.

    Parameters
    ----------
    rows : Rows
        Training rows.
    normal_scores : bool
        Whether the columns of a table are mapped to normal scores.
    """
    scaling = fit_scaling(rows, normal_scores=normal_scores)
    return scaling, scaling if rows.target is None else fit_scaling(
        rows.targets, normal_scores=normal_scores
    )


def standardized_blocks(
    rows: Rows, scaling: ColumnScaling
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yield standardised float64 blocks and weights, as tensors; missing cells are 0."""
    for x, weight in rows.blocks():
        z = torch.from_numpy(_filled(scaling.apply(x)))
        yield z, None if weight is None else torch.from_numpy(np.ascontiguousarray(weight))


def second_moments(rows: Rows, scaling: ColumnScaling, factor: Tensor) -> Tensor:
    """Return A'A over the total weight, by block; A are standardised rows times a factor."""
    total = factor.new_zeros(len(factor), len(factor))
    for z, weight in standardized_blocks(rows, scaling):
        a = z * factor
        total += weighted(a, weight).T @ a
    return rows.workers.sum(total) / rows.total_weight


def standardized_columns(rows: Rows, scaling: ColumnScaling, part: slice | NDArray) -> Tensor:
    """Return a block of rows in standard units, followed by the columns of its condition.

    Missing cells are 0.
    """
    x = _filled(scaling.apply(rows.block(part)))
    if rows.condition is not None:
        x = np.concatenate([x, rows.condition[part]], axis=1)
    return torch.from_numpy(x)


def weighted(x: Tensor, weight: Tensor | None) -> Tensor:
    """Multiply rows by their weights, if they have any."""
    return x if weight is None else x * weight[:, None]


def _filled(z: NDArray[np.float64]) -> NDArray[np.float64]:
    z[np.isnan(z)] = 0.0
    return z


def sign(vectors: Tensor) -> Tensor:
    """Make each vector's largest entry positive, as scikit-learn's PCA does."""
    if not vectors.numel():
        return vectors
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return vectors * torch.where(largest < 0, -1.0, 1.0)


def pad(start: LinearStart, n_components: int, generator: Generator) -> LinearStart:
    """Add components up to the width asked for, which are 0 in every row.

    Their decoder's directions are random, so that training can give them a meaning.
    """
    missing = n_components - start.encoder.shape[1]
    if missing <= 0:
        return start
    n_inputs, n_outputs = start.encoder.shape[0], start.decoder.shape[1]
    draw = start.decoder.new_empty(missing, n_outputs).normal_(generator=generator)
    return start._replace(
        encoder=torch.cat([start.encoder, start.encoder.new_zeros(n_inputs, missing)], dim=1),
        decoder=torch.cat([start.decoder, draw / n_outputs**0.5]),
    )
