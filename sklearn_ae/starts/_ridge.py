"""Regression of clean rows on corrupted ones, the linear denoiser."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from sklearn_ae.corruptions import Corruption, in_standard_units
from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.starts._base import (
    WIDEST,
    LinearStart,
    Start,
    pad,
    second_moments,
    sign,
    standardized_blocks,
    weighted,
)
from sklearn_ae.starts._pca import PCAStart

# Directions of the prediction below this share of the largest variance are rounding.
_RANK = 1e-10
# Added to the variance of each corrupted column, whose standard deviation is of order 1.
_RIDGE = 1e-6
# Passes over the rows where the corruption has no closed form.
_PASSES = 10


class RidgeStart(Start):
    """The linear map from corrupted to clean rows of least squared error, of rank k.

    With the corrupted rows' second moments Q and their product P with the clean rows, the
    denoiser is Q⁻¹P, and its leading directions are those of P'Q⁻¹P in the scale of X. For
    Gaussian, masking and swap noise the moments are exact expectations; otherwise they are
    averages over draws. Given pairs of rows they are those of the pairs. Above 4,096 columns
    it is PCA of the rows, unless there are pairs that are not sparse.

    Parameters
    ----------
    corruption : Corruption, callable or None
        What is done to the rows; None for pairs.

    References
    ----------
    Chen et al., Marginalized denoising autoencoders for domain adaptation, ICML 2012.
    :arxiv:`1206.4683`

    Izenman, Reduced-rank regression for the multivariate linear model, 1975.
    :doi:`10.1016/0047-259X(75)90042-1`
    """

    def __init__(self, corruption: Corruption | Callable | None) -> None:
        self.corruption = corruption

    def solve(
        self,
        rows: Rows,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        n_components: int,
        generator: Generator,
    ) -> LinearStart:
        """Solve for the leading components; see `Start`."""
        if rows.n_features > WIDEST and (rows.target is None or rows.large):
            return PCAStart().solve(rows, scaling, target_scaling, n_components, generator)
        second, cross, mean = self._moments(rows, scaling, target_scaling, generator)
        second = second + _RIDGE * torch.eye(len(second), dtype=second.dtype)
        scale = torch.from_numpy(target_scaling.relative_scale)
        coefficients = torch.linalg.solve(second, cross)
        explained = scale[:, None] * (coefficients.T @ cross) * scale
        values, vectors = torch.linalg.eigh((explained + explained.T) / 2)
        values, vectors = values.flip(0)[:n_components], vectors.flip(1)[:, :n_components]
        rank = int((values > _RANK * values[:1].clamp(min=1e-300)).sum())
        values, vectors = values[:rank], sign(vectors[:, :rank])
        encoder = coefficients @ (scale[:, None] * vectors) / values.sqrt()
        decoder = encoder.T @ cross
        start = pad(LinearStart(encoder, decoder), n_components, generator)
        return start._replace(encoder_bias=-mean @ start.encoder)

    def _moments(
        self,
        rows: Rows,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        generator: Generator,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Centred second moments of corrupted rows, with clean rows, and their mean."""
        p = rows.n_features
        corruption = in_standard_units(self.corruption, scaling, rows.sample_shape)
        mean = torch.zeros(p, dtype=torch.float64)
        if rows.target is None:
            clean = second_moments(rows, scaling, torch.ones_like(mean))
            closed = (clean, clean) if corruption is None else corruption.moments(clean)
            if closed is not None:
                return *closed, mean
        second, cross = torch.zeros(2, p, p, dtype=torch.float64)
        passes = 1 if rows.target is not None else _PASSES
        for _ in range(passes):
            pairs = zip(
                standardized_blocks(rows, scaling),
                standardized_blocks(rows.targets, target_scaling),
                strict=True,
            )
            for (x, weight), (y, _) in pairs:
                if rows.target is None and corruption is not None:
                    x = corruption.corrupt(x, generator)
                counted = weighted(x, weight)
                second += counted.T @ x
                cross += counted.T @ y
                mean += counted.sum(0)
        second, cross, mean = map(rows.workers.sum, (second, cross, mean))
        total = passes * rows.total_weight
        mean = mean / total
        return second / total - torch.outer(mean, mean), cross / total, mean
