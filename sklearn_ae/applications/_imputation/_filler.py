"""Fills rows in standard units by what is best on cells whose values are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._imputation._gaussian import Gaussian
from sklearn_ae.applications._imputation._learners import Examples, Learner
from sklearn_ae.applications._imputation._mix import mix
from sklearn_ae.applications._imputation._neighbours import COUNTS, Neighbours
from sklearn_ae.data import FEW_ROWS
from sklearn_ae.runtime import Seeds

# Rows up to which each of some parts is held out in turn; of more, a fifth is held out once.
_SMALL = 5000
_FOLDS = 3
_HELD_OUT = 5
# Shares by which correlations are shrunk, the best of which is taken.
_SHRINKAGES = (0.002, 0.01, 0.03, 0.1, 0.3)
_USUAL_SHRINKAGE = 0.1
# Numbers of cells that examples should have, which decides how often each row is one.
_EXAMPLES = 4500
_MOST_DRAWS, _LEAST_DRAWS = 8, 2
_VALIDATION_DRAWS = 2
# Rows that examples are made of, and among which neighbours are looked for.
_MOST_ROWS = 20_000
_MOST_DONORS = 5_000
# Share of the cells hidden of columns that miss nothing, and of all where little is missing.
_LEAST_SHARE = 0.04
_USUAL_SHARE = 0.12
# What is mixed, in the order of the weights.
CANDIDATES = [
    "start",
    *(f"{what}_{k}" for k in COUNTS for what in ("neighbours", "residuals")),
    "network",
]


class HeldOut(NamedTuple):
    """Held-out rows in which cells were hidden.

    Parameters
    ----------
    fills : ndarray of shape (n, p)
        What they were filled with.
    truth : ndarray of shape (n, p)
        Their values.
    hidden : ndarray of shape (n, p)
        The cells that were hidden.
    std : ndarray of shape (n, p)
        Residual standard deviations of these cells under the start.
    """

    fills: NDArray
    truth: NDArray
    hidden: NDArray
    std: NDArray


class Filler:
    """Closed forms, learner and their mix.

    Parameters
    ----------
    groups : list of ndarray
        Columns of each feature.
    learner : Learner or None
        Learns what the closed forms lack; None keeps the start alone.
    seeds : Seeds
        Feeds every draw.
    """

    def __init__(self, groups: list[NDArray], learner: Learner | None, seeds: Seeds) -> None:
        self.groups = groups
        self.learner = learner
        self.seeds = seeds
        self._feature = np.zeros(sum(map(len, groups)), dtype=int)
        for i, columns in enumerate(groups):
            self._feature[columns] = i

    def fit(self, Z: NDArray, weight: NDArray) -> HeldOut:
        """Learn from incomplete rows; return what held-out cells were filled with."""
        rng = self.seeds.numpy("holes")
        if len(Z) > _MOST_ROWS:
            rows = np.sort(rng.choice(len(Z), _MOST_ROWS, replace=False))
            Z, weight = Z[rows], weight[rows]
        observed = ~np.isnan(Z)
        self.low = np.where(observed, Z, np.inf).min(axis=0)
        self.high = np.where(observed, Z, -np.inf).max(axis=0)
        self.weights: NDArray | None = None
        validated = len(Z) >= FEW_ROWS and len(self.groups) > 1
        shrinkage = _USUAL_SHRINKAGE
        if validated:
            found, shrinkage = self._validate(Z, weight, rng)
        self.start = Gaussian.fit(Z, weight).with_shrinkage(shrinkage)
        filled = self.start.fill(Z)
        self.similar = None
        if self.weights is not None:
            self.similar = self._neighbours(self.start, Z, filled)
        if validated:
            return found
        std = np.broadcast_to(self.start.residual_std, Z.shape)
        return HeldOut(filled - self.start.residuals(filled), Z, observed, std)

    def fill(self, Z: NDArray) -> NDArray[np.float64]:
        """Return rows in which what was missing is filled."""
        missing = np.isnan(Z)
        filled = self.start.fill(Z)
        if self.similar is not None and self.learner is not None and self.weights is not None:
            some = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
            part, gaps = filled[some], missing[some]
            fills = [part, *self.similar.fills(part, gaps)]
            closed = np.where(gaps, _mixed(fills, self.closed_weights), part)
            fills.append(self.learner.fill(closed, gaps, part))
            filled[some] = _mixed(fills, self.weights)
        return np.where(missing, np.clip(filled, self.low, self.high), Z)

    def std(self, Z: NDArray) -> NDArray[np.float64]:
        """Return residual standard deviations of missing cells, under the start."""
        return self.start.std(Z)

    def noise(self, Z: NDArray, draws: NDArray) -> NDArray[np.float64]:
        """Return standard normal numbers, correlated as the missing cells of a row."""
        return self.start.correlated(Z, draws)

    def _validate(
        self, Z: NDArray, weight: NDArray, rng: np.random.Generator
    ) -> tuple[HeldOut, float]:
        """Hide cells, learn, and fit the mix on rows that were held out."""
        n = len(Z)
        draws = int(np.clip(_EXAMPLES // n, _LEAST_DRAWS, _MOST_DRAWS))
        missing = np.isnan(Z)
        masks = [self._hide(missing, rng) for _ in range(max(draws, _VALIDATION_DRAWS))]
        folds = list(self._folds(n, rng))
        starts = [Gaussian.fit(Z[train], weight[train]) for train, _ in folds]
        shrinkage = self._shrinkage(Z, weight, folds, starts, masks)
        starts = [start.with_shrinkage(shrinkage) for start in starts]
        if self.learner is None:
            examples = [
                self._examples(Z, weight, masks[:_VALIDATION_DRAWS], valid, start, None, False)[0]
                for (_, valid), start in zip(folds, starts, strict=True)
            ]
            return self._joined(examples, starts), shrinkage
        parts = []
        for (train, valid), start in zip(folds, starts, strict=True):
            donors = self._neighbours(start, Z[train], start.fill(Z[train]))
            first = self._examples(Z, weight, masks[:draws], train, start, donors, True)
            second = self._examples(
                Z, weight, masks[:_VALIDATION_DRAWS], valid, start, donors, False
            )
            parts.append((first, second))
        held_out = [second for _, second in parts]
        row_weight = np.concatenate([e.weight for e, _ in held_out])
        joined = self._joined([e for e, _ in held_out], starts)

        def weights_of(candidates: list[list[NDArray]]) -> NDArray[np.float64]:
            stacked = [np.stack(fills, axis=-1) for fills in candidates]
            clipped = np.clip(np.concatenate(stacked), self.low[:, None], self.high[:, None])
            return mix(clipped, joined.truth, joined.hidden, row_weight, self.groups)

        self.closed_weights = weights_of([fills for _, fills in held_out])
        learned = self.learner.fit([(self._ready(a), self._ready(b)) for a, b in parts])
        candidates = [[*fills, found] for (_, fills), found in zip(held_out, learned, strict=True)]
        self.weights = weights_of(candidates)
        fills = np.concatenate([_mixed(c, self.weights) for c in candidates])
        return joined._replace(fills=np.clip(fills, self.low, self.high)), shrinkage

    def _ready(self, part: tuple[Examples, list[NDArray]]) -> Examples:
        """Return what the learner gets: rows filled by the mix of closed forms."""
        examples, fills = part
        filled = np.where(examples.missing, _mixed(fills, self.closed_weights), examples.filled)
        return examples._replace(filled=filled, start=examples.filled)

    @staticmethod
    def _joined(examples: list[Examples], starts: list[Gaussian]) -> HeldOut:
        """Put held-out rows together, as their start fills them."""
        std = [
            start.std(np.where(e.missing, np.nan, e.filled))
            for e, start in zip(examples, starts, strict=True)
        ]
        return HeldOut(
            np.concatenate([e.filled for e in examples]),
            np.concatenate([e.truth for e in examples]),
            np.concatenate([e.hidden for e in examples]),
            np.concatenate(std),
        )

    @staticmethod
    def _folds(n: int, rng: np.random.Generator) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield positions of training and held-out rows."""
        order = rng.permutation(n)
        parts = np.array_split(order, _FOLDS) if n < _SMALL else [order[: n // _HELD_OUT]]
        for part in parts:
            held_out = np.zeros(n, dtype=bool)
            held_out[part] = True
            yield np.flatnonzero(~held_out), np.flatnonzero(held_out)

    def _hide(self, missing: NDArray, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Choose cells to hide: half of what another row misses, and a few at random."""
        first = np.array([columns[0] for columns in self.groups])
        lacks = missing[:, first]
        other = lacks[rng.integers(len(lacks), size=len(lacks))]
        share = max(_LEAST_SHARE, _USUAL_SHARE - lacks.mean())
        hidden = (other & (rng.random(lacks.shape) < 0.5)) | (rng.random(lacks.shape) < share)
        return hidden[:, self._feature] & ~missing

    @staticmethod
    def _shrinkage(
        Z: NDArray,
        weight: NDArray,
        folds: list[tuple[NDArray, NDArray]],
        starts: list[Gaussian],
        masks: list[NDArray],
    ) -> float:
        """Choose the shrinkage whose conditional means are best on held-out rows."""
        errors = np.zeros(len(_SHRINKAGES))
        for (_, valid), start in zip(folds, starts, strict=True):
            hidden = masks[0][valid]
            for i, shrinkage in enumerate(_SHRINKAGES):
                found = start.with_shrinkage(shrinkage).fill(np.where(hidden, np.nan, Z[valid]))
                wrong = np.where(hidden, found - Z[valid], 0.0)
                errors[i] += weight[valid] @ np.square(wrong).sum(axis=1)
        return _SHRINKAGES[int(errors.argmin())]

    @staticmethod
    def _neighbours(start: Gaussian, Z: NDArray, filled: NDArray) -> Neighbours:
        rows = _donors(len(Z))
        return Neighbours(filled[rows], ~np.isnan(Z[rows]), start.residuals(filled[rows]))

    @staticmethod
    def _examples(
        Z: NDArray,
        weight: NDArray,
        masks: list[NDArray],
        rows: NDArray,
        start: Gaussian,
        donors: Neighbours | None,
        among: bool,
    ) -> tuple[Examples, list[NDArray]]:
        """Hide cells of some rows, once a mask, and fill them by the closed forms.

        `among` says that the rows are the donors, and must not be their own neighbours.
        """
        hidden = np.concatenate([mask[rows] for mask in masks])
        truth = np.tile(Z[rows], (len(masks), 1))
        incomplete = np.where(hidden, np.nan, truth)
        missing = np.isnan(incomplete)
        filled = start.fill(incomplete)
        fills = []
        if donors is not None:
            own = None
            if among:
                own = np.full(len(rows), -1)
                own[_donors(len(rows))] = np.arange(len(donors.filled))
                own = np.tile(own, len(masks))
            fills = donors.fills(filled, missing, own)
        weights = np.tile(weight[rows], len(masks))
        return Examples(filled, missing, filled, truth, hidden, weights), [filled, *fills]


def _mixed(candidates: list[NDArray], weights: NDArray) -> NDArray[np.float64]:
    out = np.zeros(candidates[0].shape)
    for fills, weight in zip(candidates, weights.T, strict=True):
        out += fills * weight
    return out


def _donors(n: int) -> NDArray[np.intp]:
    """Positions of the rows among which neighbours are looked for."""
    if n <= _MOST_DONORS:
        return np.arange(n)
    return np.linspace(0, n - 1, _MOST_DONORS).astype(int)
