"""Probabilistic principal component analysis, given a condition if there is one."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.starts._base import (
    WIDEST,
    LinearStart,
    Start,
    pad,
    sign,
    standardized_columns,
    weighted,
)
from sklearn_ae.starts._pca import subspace
from sklearn_ae.starts._products import products

# Noise is at least this share of the total variance a column, as a variance.
_FLOOR = 1e-9


class PPCAStart(Start):
    """The maximum-likelihood solution of x = mu + c G + z W + noise, z standard normal.

    With the eigenvalues L and axes U of the residual covariance of X given the condition,
    the noise variance v is the mean of the eigenvalues that are left out,
    W = U (L - v)^½, and the posterior of a row is N(x W M⁻¹, v M⁻¹), M = W'W + v. The
    encoder writes the posterior means and log-variances. Where no eigenvalue is left out,
    v is the smallest one, which gives the same distribution as any smaller v.

    References
    ----------
    Tipping and Bishop, Probabilistic principal component analysis, JRSS B 1999.
    :doi:`10.1111/1467-9868.00196`

    Lucas et al., Don't blame the ELBO!, NeurIPS 2019. :arxiv:`1911.02469`
    """

    def solve(
        self,
        rows: Rows,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        n_components: int,
        generator: Generator,
    ) -> LinearStart:
        """Solve for the leading components; see `Start`."""
        scale = torch.from_numpy(scaling.relative_scale)
        present = scale > 0
        divisor = torch.where(present, scale, 1.0)
        if rows.large and rows.n_features > WIDEST:
            values, vectors, noise, slope, intercept = _leading(
                rows, scaling, n_components, generator
            )
        else:
            values, vectors, noise, slope, intercept = _all(rows, scaling, n_components)
        k = len(values)
        strength = (values - noise).clamp(min=0.0).sqrt()
        m = strength.square() + noise
        means = scale[:, None] * vectors * (strength / m)
        decoder = (vectors * strength).T / divisor
        start = pad(LinearStart(means, decoder), n_components, generator)
        padding = n_components - k
        # A padded component keeps its prior, mean 0 and variance 1, and the decoder ignores it.
        start.decoder[k:] = 0.0
        log_variance = torch.cat([(noise / m).log(), m.new_zeros(padding)])
        means = torch.cat([start.encoder, -slope @ start.encoder])
        return LinearStart(
            encoder=torch.cat([means, torch.zeros_like(means)], dim=1),
            decoder=torch.cat([start.decoder, slope]),
            encoder_bias=torch.cat([-intercept @ start.encoder, log_variance]),
            decoder_bias=intercept,
            noise=noise.sqrt() / divisor,
        )


class _Axes(NamedTuple):
    """Leading variances and axes of the residual covariance, the noise, and the regression."""

    values: Tensor
    vectors: Tensor
    noise: Tensor
    slope: Tensor
    intercept: Tensor


def _all(rows: Rows, scaling: ColumnScaling, n_components: int) -> _Axes:
    """Diagonalise the residual covariance."""
    p = rows.n_features
    scale = torch.from_numpy(scaling.relative_scale)
    second, mean = _moments(rows, scaling)
    slope = torch.linalg.lstsq(second[p:, p:], second[p:, :p], driver="gelsd").solution
    residual = second[:p, :p] - second[:p, p:] @ slope
    covariance = scale[:, None] * residual * scale * _unbiased(rows)
    covariance = (covariance + covariance.T) / 2
    values, vectors = torch.linalg.eigh(covariance)
    values, vectors = values.flip(0).clamp(min=0.0), sign(vectors.flip(1))
    n_varying = int((scale > 0).sum())
    # As in PCA, directions that the rows cannot span are no evidence about the noise.
    noise = _noise(values[: min(n_varying, rows.n_of_all)], n_components)
    k = min(n_components, n_varying)
    return _Axes(values[:k], vectors[:, :k], noise, slope, mean[:p] - mean[p:] @ slope)


def _leading(rows: Rows, scaling: ColumnScaling, n_components: int, generator: Generator) -> _Axes:
    """Find the leading axes alone; the variance of the others is the rest of the total."""
    n, p = rows.n_rows, rows.n_features
    scale = torch.from_numpy(scaling.relative_scale)
    conditions, weights = rows.conditions, rows.weights
    c = torch.zeros(n, 0).double() if conditions is None else torch.from_numpy(conditions).double()
    w = torch.ones(n).double() if weights is None else torch.from_numpy(weights).double()
    w = w / w.sum()
    mean = w @ c
    c = c - mean
    by = products(rows, scaling, scale)
    cross = by.transposed(c * w[:, None]).T
    slope = torch.linalg.lstsq(c.T @ (c * w[:, None]), cross, driver="gelsd").solution

    def covariance(matrix: Tensor) -> Tensor:
        projected = (by.times(matrix) - c @ (slope @ matrix)) * w[:, None]
        return by.transposed(projected) - slope.T @ (c.T @ projected)

    values, vectors = subspace(covariance, (n, p), n_components, generator)
    n_varying = int((scale > 0).sum())
    k = min(n_components, n_varying, len(values))
    values = values[:k].clamp(min=0.0) * _unbiased(rows)
    total = (scale.square().sum() - (slope * cross).sum()) * _unbiased(rows)
    left_out = min(n_varying, n) - k
    noise = (total - values.sum()) / left_out if left_out > 0 else values[-1:].sum()
    noise = noise.clamp(min=max(1e-300, float(_FLOOR * total)))
    slope = slope / torch.where(scale > 0, scale, torch.inf)
    return _Axes(values, sign(vectors[:, :k]), noise, slope, -mean @ slope)


def _moments(rows: Rows, scaling: ColumnScaling) -> tuple[Tensor, Tensor]:
    """Covariance and mean of standardised columns and the condition's."""
    width = rows.n_features + rows.n_conditions
    total, mean = torch.zeros(width, width, dtype=torch.float64), torch.zeros(width).double()
    for part in rows.parts():
        x = standardized_columns(rows, scaling, part)
        weight = None if rows.weight is None else torch.from_numpy(rows.weight[part])
        counted = weighted(x, weight)
        total += counted.T @ x
        mean += counted.sum(0)
    total, mean = rows.workers.sum(total), rows.workers.sum(mean)
    mean = mean / rows.total_weight
    return total / rows.total_weight - torch.outer(mean, mean), mean


def _noise(values: Tensor, n_components: int) -> Tensor:
    """Mean of the eigenvalues left out, or the smallest one if there are none."""
    left_out = values[n_components:]
    noise = left_out.mean() if len(left_out) else values[-1:].sum()
    return noise.clamp(min=max(1e-300, float(_FLOOR * values.sum())))


def _unbiased(rows: Rows) -> float:
    """Return n / (n - 1), as in PCA; weights count rows."""
    n = rows.total_weight
    return n / (n - 1) if n > 1.5 else 1.0
