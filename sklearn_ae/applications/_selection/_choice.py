"""Linear or non-linear selection, whichever rows prefer that neither has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._selection._cosines import CosineRidge, columns_of
from sklearn_ae.applications._selection._linear import linear_order
from sklearn_ae.applications._selection._sample import Sample
from sklearn_ae.applications._selection._scores import CosineScores
from sklearn_ae.applications._selection._search import nonlinear_order, nonlinear_selection
from sklearn_ae.data import FEW_ROWS, SMALL
from sklearn_ae.runtime import Seeds

# Rows by which units are scored, and as many are held out of a fold at most.
_SCORED_ROWS = 1_500
# Folds of few rows and of more, and standard errors by which the non-linear selection has to be
# better: errors of folds that share most of their few rows are larger than they seem.
_FOLDS_FEW, _FOLDS = 5, 3
_ERRORS_FEW, _ERRORS = 2.0, 1.0
# What a share of the variance may lack.
_ROUNDING = 1e-9


class ColumnSelection(NamedTuple):
    """Which selection of columns was kept, and by which losses.

    Parameters
    ----------
    kept : {"linear", "nonlinear"}
        How the columns were chosen.
    linear_loss, nonlinear_loss : float or None
        Share of the variance of held-out rows that a decoder leaves which sees the columns that
        were chosen so without these rows; None if nothing was held out.
    """

    kept: str
    linear_loss: float | None = None
    nonlinear_loss: float | None = None


class Choice(NamedTuple):
    """Units in the order in which they are kept.

    Parameters
    ----------
    order : list of int
        All units, the kept ones first.
    gains : ndarray of shape (n_kept,)
        Share of the variance that each kept one explains beyond those before it.
    selection : ColumnSelection
        How they were chosen.
    scores : CosineScores or None
        What they were chosen by, as far as there are rows and columns to choose by.
    """

    order: list[int]
    gains: NDArray[np.float64]
    selection: ColumnSelection
    scores: CosineScores | None = None


def choose(
    sample: Sample,
    covariance: NDArray[np.float64],
    units: Sequence[NDArray[np.intp]],
    sizes: NDArray[np.intp],
    n_units: int | float,
    seeds: Seeds,
) -> Choice:
    """Choose units of columns.

    Parameters
    ----------
    sample : Sample
        Rows.
    covariance : ndarray of shape (m, m)
        Covariance of the columns.
    units : sequence of ndarray of int
        Columns that are kept together; those that are constant have none.
    sizes : ndarray of int
        Number of features with columns in each unit.
    n_units : int or float
        How many, or the share of the variance that a linear decoder is to explain.
    seeds : Seeds
        Feed every draw.
    """
    order, gains = linear_order(covariance, units)
    total = max(float(np.trace(covariance)), np.finfo(float).tiny)
    gains /= total
    if isinstance(n_units, float):
        short = int(np.sum(np.cumsum(gains) < n_units - _ROUNDING))
        n_units = min(short + 1, max(1, int(np.sum(gains > 0))))
    linear = Choice(order, gains[:n_units], ColumnSelection("linear"))
    n_varied = sum(len(columns) > 0 for columns in units)
    if sample.n_rows < FEW_ROWS or not n_varied:
        return linear

    def scored(rows: Sample, like: list[int], *stream: str | int) -> CosineScores:
        rng = seeds.numpy("scores", *stream)
        drawn = rng.permutation(rows.n_rows)[:_SCORED_ROWS]
        scores = CosineScores(rows.part(np.sort(drawn)), units, sizes, rng)
        scores.tune(like)
        return scores

    scores = scored(sample, order[:n_units])
    linear = linear._replace(scores=scores)
    if n_varied <= n_units:
        return linear
    found, weights = [], []
    permuted = seeds.numpy("folds").permutation(sample.n_rows)
    few = sample.n_rows < SMALL
    parts = np.array_split(permuted, _FOLDS_FEW if few else _FOLDS)
    for fold, part in enumerate(parts):
        train = sample.part(np.setdiff1d(permuted, part))
        held_out = sample.part(part[:_SCORED_ROWS])
        C = train.covariance
        pair = [linear_order(C, units)[0][:n_units]]
        own = scored(train, pair[0], fold)
        pair.append(nonlinear_selection(own, C, n_units))
        found.append([_losses(own, train, held_out, chosen) for chosen in pair])
        weights.append(held_out.trusted(columns_of(units, pair[0] + pair[1])))
    before, after = np.concatenate(found, axis=1)
    weight = np.concatenate(weights)
    weight /= weight.sum()
    losses = [float(weight @ each) / total for each in (before, after)]
    gain = before - after
    error = np.sqrt(np.sum(np.square(weight * (gain - weight @ gain))))
    if weight @ gain <= error * (_ERRORS_FEW if few else _ERRORS):
        return linear._replace(selection=ColumnSelection("linear", *losses))
    chosen = nonlinear_selection(scores, covariance, n_units)
    order, gains = nonlinear_order(scores, covariance, chosen)
    return Choice(order, gains, ColumnSelection("nonlinear", *losses), scores)


def _losses(
    scores: CosineScores, train: Sample, held_out: Sample, chosen: Sequence[int]
) -> NDArray[np.float64]:
    """Return the squared error of each held-out row, rebuilt from the columns of some units."""
    columns = columns_of(scores.units, chosen)
    ridge = CosineRidge(train, columns, scores.basis(chosen))
    left = (ridge.predict(held_out.Z[:, columns]) - held_out.Z) * held_out.seen
    left[:, columns] = 0.0
    return np.square(left).sum(axis=1)
