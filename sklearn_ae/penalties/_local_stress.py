"""A penalty of distances that a code does not keep."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.penalties._base import Penalty
from sklearn_ae.terms import Forward, Term

# Rows of a batch of which all pairs are looked at.
_MOST_ROWS = 512
_TINY = 1e-12


class _LocalStressTerm(Term):
    def __init__(self, weight: float, n_neighbors: int) -> None:
        super().__init__()
        self.weight = weight
        self.n_neighbors = n_neighbors

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        if batch.n_rows < 2:
            return batch.x.new_zeros(())
        step = -(-batch.n_rows // _MOST_ROWS)
        # Cells that were not observed are at the mean.
        rows = torch.nan_to_num(batch.x[::step].detach().flatten(1))
        code = result.code.sample[::step]
        mass = rows.new_ones(len(rows)) if batch.weight is None else batch.weight[::step]
        of_rows, of_codes = _distances(rows), _distances(code)
        near = self._near(of_rows, mass) | self._near(of_codes.detach(), mass)
        pairs = near * mass[:, None] * mass
        common = (pairs * of_rows * of_codes).sum().square()
        sizes = (pairs * of_rows.square()).sum() * (pairs * of_codes.square()).sum()
        return self.weight * (1 - common / sizes.clamp(min=_TINY))

    def _near(self, distances: Tensor, mass: Tensor) -> Tensor:
        """Where columns are among the nearest of rows; those without weight are none."""
        k = min(self.n_neighbors + 1, len(distances))
        counted = torch.where(mass > 0, distances, torch.inf)
        return counted <= counted.topk(k, dim=1, largest=False).values[:, -1:]


def _distances(rows: Tensor) -> Tensor:
    square = rows.square().sum(dim=1)
    return (square[:, None] + square - 2 * rows @ rows.T).clamp(min=_TINY).sqrt()


class LocalStress(Penalty):
    r"""The share of distances between neighbours that the code does not keep.

    .. math:: w (1 - (\sum d_{ij} \delta_{ij})^2 / (\sum d_{ij}^2 \sum \delta_{ij}^2))

    over pairs of rows of a batch that are among the nearest of each other, as rows or as codes,
    with the distances :math:`d_{ij}` of standardised rows and :math:`\delta_{ij}` of their codes:
    the stress of multidimensional scaling at the best scale. Pairs that are neighbours by their
    codes alone keep sheets apart, as in a topological autoencoder, whose pairs are those of
    minimum spanning trees.

    Parameters
    ----------
    weight : float, default=1.0
        Multiplies the stress, which lies between 0 and 1; the reconstruction loss that it
        joins is a share of the variance of X.
    n_neighbors : int, default=5
        How many of the nearest rows of a batch count for each. Large batches find nearer ones.

    Notes
    -----
    The start is linear, and where it folds a surface the penalty does not unfold it: the code of a
    Swiss roll is not flat. :class:`ManifoldAutoencoder` is for that.

    References
    ----------
    Sammon, A nonlinear mapping for data structure analysis, IEEE Transactions on Computers 1969.
    :doi:`10.1109/T-C.1969.222678`

    Chen and Buja, Local multidimensional scaling for nonlinear dimension reduction, JASA 2009.
    :doi:`10.1198/jasa.2009.0111`

    Moor, Horn, Rieck and Borgwardt, Topological autoencoders, ICML 2020. :arxiv:`1906.00722`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, LocalStress
    >>> Autoencoder(penalties=(LocalStress(weight=0.5),))
    Autoencoder(penalties=(LocalStress(weight=0.5),))
    """

    name = "local_stress"
    symmetry = "rotation"
    _parameter_constraints: dict = {
        "weight": [Interval(Real, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, weight: float = 1.0, n_neighbors: int = 5) -> None:
        self.weight = weight
        self.n_neighbors = n_neighbors

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the stress."""
        return _LocalStressTerm(float(self.weight), int(self.n_neighbors))
