"""Principal component analysis, weighted, in X's units, safe for columns of any scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.starts._base import (
    LinearStart,
    Start,
    pad,
    second_moments,
    sign,
    standardized_blocks,
    weighted,
)
from sklearn_ae.starts._products import products, stay_sparse

# Up to this many rows or columns, whichever is less, every component is computed.
_FULL = 2000
# Directions whose variance is below this share of the largest are rounding.
_RANK = 1e-14


class PCAStart(Start):
    """The minimiser of sum_j (x_j - xhat_j)^2 among linear maps.

    Works on A = Z diag(s), where Z are standardised rows and s the column scales over
    the largest. With more rows than columns it diagonalises the covariance of A, which
    is accumulated by block; otherwise it takes the singular value decomposition of A,
    truncated by subspace iteration when both sides are long. Large sparse rows of more than
    128 columns stay sparse: their means are subtracted from products. The decoder is the
    regression of Z on the code, which stays exact when columns differ by sixty orders
    of magnitude.

    Parameters
    ----------
    scaled : bool, default=False
        Give components the scale of X, relative to its largest column, as PCA does; they
        have unit variance otherwise.

    References
    ----------
    Halko, Martinsson and Tropp, Finding structure with randomness, SIAM Review 2011.
    :arxiv:`0909.4061`
    """

    def __init__(self, scaled: bool = False) -> None:
        self.scaled = scaled

    def spectrum(self, rows: Rows, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Share of the variance per component, all components, in descending order."""
        if rows.n_features <= rows.n_rows:
            scale = torch.from_numpy(scaling.relative_scale)
            values = torch.linalg.eigvalsh(second_moments(rows, scaling, scale)).flip(0)
        else:
            values = torch.linalg.svdvals(_weighted_matrix(rows, scaling)).square()
        values = values.clamp(min=0.0).numpy()
        total = values.sum()
        return values / total if total > 0 else values

    def leading_spectrum(
        self, rows: Rows, scaling: ColumnScaling, n_components: int, generator: Generator
    ) -> NDArray[np.float64]:
        """Share of the variance of the leading components, without the others."""
        values, _ = principal_axes(rows, scaling, n_components, generator)
        total = float(np.square(scaling.relative_scale).sum())
        return values.numpy() / total if total > 0 else np.zeros(0)

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
        values, vectors = principal_axes(rows, scaling, n_components, generator)
        encoder = scale[:, None] * vectors / values.sqrt()
        decoder = _regress(rows, scaling, encoder)
        start = pad(LinearStart(encoder, decoder), n_components, generator)
        if self.scaled:
            start = _in_units(start, values)
        if not rows.n_conditions:
            return start
        c = rows.n_conditions
        return start._replace(
            encoder=torch.cat([start.encoder, encoder.new_zeros(c, n_components)]),
            decoder=torch.cat([start.decoder, decoder.new_zeros(c, rows.n_features)]),
        )


def principal_axes(
    rows: Rows, scaling: ColumnScaling, n_components: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Return the leading variances and unit directions of A, no more than its rank.

    Parameters
    ----------
    rows : Rows
        Training rows.
    scaling : ColumnScaling
        Their column scales.
    n_components : int
        How many are wanted.
    generator : Generator
        Feeds the subspace iteration.
    """
    n, p = rows.n_of_all, rows.n_features
    scale = torch.from_numpy(scaling.relative_scale)
    short = min(n, p) <= max(_FULL, 5 * n_components)
    if short and p <= n and not stay_sparse(rows):
        # However large, rows are read once for it, and nine times for subspace iteration.
        values, vectors = torch.linalg.eigh(second_moments(rows, scaling, scale))
        values, vectors = values.flip(0), vectors.flip(1)
    elif short and not rows.large and rows.workers.count == 1:
        _, singular, rowspace = torch.linalg.svd(
            _weighted_matrix(rows, scaling), full_matrices=False
        )
        values, vectors = singular.square(), rowspace.T
    else:
        covariance = products(rows, scaling, scale).covariance
        values, vectors = subspace(covariance, (n, p), n_components, generator)
    rank = int((values[:n_components] > _RANK * values[:1].clamp(min=1e-300)).sum())
    return values[:rank], sign(vectors[:, :rank])


def _in_units(start: LinearStart, values: Tensor) -> LinearStart:
    """Give components the standard deviations of X along them, and empty ones the smallest."""
    std = values.sqrt() if len(values) else values.new_ones(1)
    missing = start.encoder.shape[1] - len(values)
    std = torch.cat([std, std[-1:].expand(missing)]) if missing > 0 else std
    std = std[: start.encoder.shape[1]]
    return start._replace(encoder=start.encoder * std, decoder=start.decoder / std[:, None])


def _weighted_matrix(rows: Rows, scaling: ColumnScaling) -> Tensor:
    """A, its rows times the root of their share of the weight."""
    scale = torch.from_numpy(scaling.relative_scale)
    blocks = []
    for z, weight in standardized_blocks(rows, scaling):
        a = z * scale
        blocks.append(weighted(a, None if weight is None else weight.sqrt()))
    return torch.cat(blocks) / rows.total_weight**0.5


def subspace(
    covariance: Callable[[Tensor], Tensor], shape: tuple[int, int], k: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Return leading eigenpairs of a covariance by subspace iteration, some more than wanted.

    Parameters
    ----------
    covariance : callable
        Multiplies it with a matrix.
    shape : tuple of int
        Numbers of rows and of columns that it is of.
    k : int
        Number of eigenpairs wanted.
    generator : Generator
        Draws the first basis.
    """
    width = min(k + max(10, k // 2), *shape)
    basis = torch.empty(shape[1], width, dtype=torch.float64).normal_(generator=generator)
    for _ in range(8):
        basis = torch.linalg.qr(covariance(basis)).Q
    values, rotation = torch.linalg.eigh(basis.T @ covariance(basis))
    return values.flip(0), (basis @ rotation).flip(1)


def _regress(rows: Rows, scaling: ColumnScaling, encoder: Tensor) -> Tensor:
    """Regression of standardised rows on codes of unit variance."""
    return products(rows, scaling, encoder.new_ones(len(encoder))).covariance(encoder).T
