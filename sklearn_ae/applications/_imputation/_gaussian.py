"""The normal distribution whose moments are estimated from incomplete rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

# Passes of EM, and the change of a correlation below which no more follow.
_PASSES = 10
_TOLERANCE = 5e-3
# Added to the variances, which are of order 1, so that every matrix has an inverse.
_RIDGE = 1e-4
# Numbers of the matrices that are solved at once.
_BLOCK_CELLS = 2**21
# How much larger the largest matrix of a block may be than the smallest.
_PADDING = 1.3
# Above this many columns a pass is costly, and two have to do.
_WIDE = 256
_PASSES_WIDE = 2


class _Block(NamedTuple):
    """Rows that miss about as many cells.

    Parameters
    ----------
    rows : ndarray of shape (b,)
        Their positions.
    columns : ndarray of shape (b, m)
        Columns that a row misses, padded by some that it does not.
    real : ndarray of shape (b, m)
        False for padding.
    factor : Tensor of shape (b, m, m)
        Cholesky factors of the precision of what is missing, given the rest.
    """

    rows: NDArray
    columns: NDArray
    real: NDArray
    factor: torch.Tensor


class Gaussian:
    """A normal distribution, and the conditional mean of what a row lacks.

    With the precision matrix P, the missing part m of a row has the mean
    mu_m - P_mm⁻¹ P_mo (x_o - mu_o) and the covariance P_mm⁻¹ given the observed part o.
    The moments are estimated by EM, and correlations are shrunk by a factor.

    Parameters
    ----------
    mean : ndarray of shape (p,)
        Means.
    covariance : ndarray of shape (p, p)
        Covariances.
    shrinkage : float
        Share by which the covariances of different columns are made smaller.

    References
    ----------
    Dempster, Laird & Rubin, Maximum likelihood from incomplete data via the EM algorithm,
    1977. :doi:`10.1111/j.2517-6161.1977.tb01600.x`
    """

    def __init__(self, mean: NDArray, covariance: NDArray, shrinkage: float) -> None:
        self.mean = mean
        self.covariance = covariance
        self.shrinkage = shrinkage
        self.precision = _inverse(_shrunk(covariance, shrinkage))

    @classmethod
    def fit(cls, Z: NDArray, weight: NDArray) -> Gaussian:
        """Estimate the moments of incomplete rows, in standard units."""
        n, p = Z.shape
        share = weight / weight.sum()
        observed = ~np.isnan(Z)
        counts = share @ observed
        mean = (share @ np.where(observed, Z, 0.0)) / np.where(counts > 0, counts, 1.0)
        D = np.where(observed, Z - mean, 0.0)
        covariance = _product(D * share[:, None], D) + np.diag(1 - counts)
        shrinkage = min(0.5, 0.1 * p / n) + 0.002
        for _ in range(_PASSES if p <= _WIDE else _PASSES_WIDE):
            current = cls(mean, covariance, shrinkage)
            conditional = np.zeros((p, p))
            filled = current._fill(Z, conditional, share)
            mean = share @ filled
            D = filled - mean
            before, covariance = covariance, _product(D * share[:, None], D) + conditional
            if np.abs(covariance - before).max(initial=0.0) < _TOLERANCE:
                break
        return cls(mean, covariance, shrinkage)

    def with_shrinkage(self, shrinkage: float) -> Gaussian:
        """Return the same moments, shrunk by another share."""
        return type(self)(self.mean, self.covariance, shrinkage)

    def fill(self, Z: NDArray) -> NDArray[np.float64]:
        """Return rows with the conditional means of what they lack."""
        return self._fill(Z)

    def std(self, Z: NDArray) -> NDArray[np.float64]:
        """Return the conditional standard deviations of missing cells, 0 elsewhere."""
        out = np.zeros(Z.shape)
        for block in self._blocks(np.isnan(Z)):
            variance = torch.cholesky_inverse(block.factor).diagonal(dim1=1, dim2=2)
            _put(out, block, variance.sqrt().numpy())
        return out

    @property
    def residual_std(self) -> NDArray[np.float64]:
        """Standard deviation of each column given all others."""
        return 1 / np.sqrt(np.diag(self.precision))

    def residuals(self, filled: NDArray) -> NDArray[np.float64]:
        """Return each cell of full rows less its conditional mean given the others."""
        return _product((filled - self.mean).T, self.precision) / np.diag(self.precision)

    def correlated(self, Z: NDArray, draws: NDArray) -> NDArray[np.float64]:
        """Return standard normal numbers that are correlated as what a row lacks.

        Parameters
        ----------
        Z : ndarray of shape (n, p)
            Incomplete rows.
        draws : ndarray of shape (n, p)
            Independent standard normal numbers.
        """
        out = draws.copy()
        for block in self._blocks(np.isnan(Z)):
            own = np.take_along_axis(draws[block.rows], block.columns, 1)
            transposed = block.factor.transpose(1, 2)
            noise = torch.linalg.solve_triangular(
                transposed, torch.from_numpy(own)[:, :, None], upper=True
            )[:, :, 0]
            scale = torch.cholesky_inverse(block.factor).diagonal(dim1=1, dim2=2).sqrt()
            _put(out, block, (noise / scale).numpy())
        return out

    def _fill(
        self, Z: NDArray, conditional: NDArray | None = None, share: NDArray | None = None
    ) -> NDArray[np.float64]:
        """Fill rows; add the weighted covariances of what they lack to `conditional`."""
        missing = np.isnan(Z)
        D = np.where(missing, 0.0, Z - self.mean)
        gradient = _product(D.T, self.precision)
        p = Z.shape[1]
        for block in self._blocks(missing):
            g = np.where(
                block.real, np.take_along_axis(gradient[block.rows], block.columns, 1), 0.0
            )
            found = torch.cholesky_solve(torch.from_numpy(g)[:, :, None], block.factor)
            _put(D, block, -found[:, :, 0].numpy())
            if conditional is None or share is None:
                continue
            C = torch.cholesky_inverse(block.factor).numpy()
            C *= (block.real[:, :, None] & block.real[:, None, :]) * share[block.rows, None, None]
            cells = block.columns[:, :, None] * p + block.columns[:, None, :]
            conditional += np.bincount(cells.ravel(), C.ravel(), p * p).reshape(p, p)
        return D + self.mean

    def _blocks(self, missing: NDArray) -> Iterator[_Block]:
        """Yield the rows that miss something, those that miss about as much together."""
        counts = missing.sum(axis=1)
        order = np.argsort(counts, kind="stable")
        order = order[counts[order] > 0]
        start = 0
        while start < len(order):
            most = int(counts[order[start]] * _PADDING)
            stop = int(np.searchsorted(counts[order], most, side="right"))
            stop = min(stop, start + max(1, _BLOCK_CELLS // most**2))
            rows = order[start:stop]
            m = int(counts[rows].max())
            index = np.argsort(~missing[rows], axis=1, kind="stable")[:, :m]
            real = np.take_along_axis(missing[rows], index, 1)
            matrix = self.precision[index[:, :, None], index[:, None, :]]
            matrix *= real[:, :, None] & real[:, None, :]
            diagonal = np.arange(m)
            matrix[:, diagonal, diagonal] += ~real
            yield _Block(rows, index, real, torch.linalg.cholesky(torch.from_numpy(matrix)))
            start = stop


def _put(out: NDArray, block: _Block, values: NDArray) -> None:
    """Write what was found for the missing cells of a block."""
    rows = out[block.rows]
    kept = np.take_along_axis(rows, block.columns, 1)
    np.put_along_axis(rows, block.columns, np.where(block.real, values, kept), 1)
    out[block.rows] = rows


def _product(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Return a' b, by as many threads as torch has."""
    # Arrays of a memory map cannot be written, which torch warns of.
    a, b = np.require(a, requirements="W"), np.require(b, requirements="W")
    return (torch.from_numpy(a).T @ torch.from_numpy(b)).numpy()


def _shrunk(covariance: NDArray, share: float) -> NDArray[np.float64]:
    variances = np.diag(covariance).copy()
    out = (1 - share) * covariance
    np.fill_diagonal(out, variances + _RIDGE)
    return out


def _inverse(matrix: NDArray) -> NDArray[np.float64]:
    if not len(matrix):
        return matrix
    factor = torch.linalg.cholesky(torch.from_numpy(matrix))
    return torch.cholesky_inverse(factor).numpy()
