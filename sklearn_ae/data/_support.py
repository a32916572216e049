"""What the columns of training rows hold, and maps of drawn columns onto it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data._lazy_rows import SparseRows
from sklearn_ae.data._rows import Rows

# Levels of a distribution function that a map is drawn through, which are denser at its ends.
_LEVELS = (1 - np.cos(np.linspace(0, np.pi, 65))) / 2
# A column is of few values if it has at most so many, and each is held by so many rows in the
# mean: drawn again, most of its values are then values that were seen.
_MOST_VALUES, _ROWS_A_VALUE = 1000, 3
# A value of another column is an atom if at least this share of the rows holds it.
_ATOM = 0.02
# Rows beside the atoms, at least, most of which hold a value of their own, make a column
# continuous there.
_LEAST_ALONE = 10
# Other columns are mapped if the distribution functions of draws and rows are farther apart
# than this, and than those of n rows and of what they are drawn from in one case in twenty.
_FAR, _BY_CHANCE = 0.05, 1.36
# Cells and rows that are looked at, at most.
_CELLS, _ROWS = 2**22, 20_000


class ColumnSupport(NamedTuple):
    """What one column holds, and the map of draws onto it.

    A draw x of the network becomes the value Q(F(x)), with the distribution function F of the
    network's draws and the quantile function Q of the training rows. Where F jumps, the level is
    drawn uniformly from the jump.

    Parameters
    ----------
    low, high : float
        Least and largest value.
    drawn, level : ndarray of shape (n_levels,)
        F: draws of the network, in ascending order, and their levels. They are empty where draws
        are kept in the range and else stay as they are.
    share, held : ndarray of shape (n_values,)
        Q: values and their levels, both in ascending order.
    few : bool
        Whether the column holds these values only: `held[i]` belongs to levels up to `share[i]`.
        Otherwise Q is linear between them.
    whole : bool
        Whether the column holds whole numbers only.
    """

    low: float
    high: float
    drawn: NDArray[np.float64]
    level: NDArray[np.float32]
    share: NDArray[np.float32]
    held: NDArray[np.float64]
    few: bool
    whole: bool = False

    @classmethod
    def fit(
        cls,
        x: NDArray[np.float64],
        weight: NDArray[np.float64],
        drawn: NDArray[np.float64],
        far: float,
    ) -> ColumnSupport:
        """Measure a column of the training rows, and draws of it.

        A column without atoms is mapped if distribution functions are farther apart than `far`.
        """
        values, cell = np.unique(x, return_inverse=True)
        mass = np.bincount(cell, weight)
        high = np.cumsum(mass) / mass.sum()
        low = np.r_[0.0, high[:-1]]
        ends = float(values[0]), float(values[-1])
        whole = bool((values == np.round(values)).all())
        count = np.bincount(cell)
        atom = _atoms(count, high - low)
        drawn = np.sort(drawn)
        if few_values(count, atom):
            return cls(*ends, *_distribution(drawn), high.astype(np.float32), values, True)
        reached = np.searchsorted(drawn, values, side="right") / len(drawn)
        if not atom.any() and np.abs(reached - high).max() <= far:
            none, without = np.empty(0), np.empty(0, np.float32)
            return cls(*ends, none, without, without, none, False, whole)
        starts, stops = low[atom], high[atom]
        within = ((_LEVELS[:, None] >= starts) & (_LEVELS[:, None] <= stops)).any(axis=1)
        between = _LEVELS[~within]
        middle = (low + high) / 2
        middle[0], middle[-1] = 0.0, 1.0
        # Beside an atom, Q jumps to the next value: none lies between them.
        place, last = np.flatnonzero(atom), len(values) - 1
        before, after = values[np.maximum(place - 1, 0)], values[np.minimum(place + 1, last)]
        share = np.r_[between, starts, starts, stops, stops]
        held = np.r_[np.interp(between, middle, values), before, values[atom], values[atom], after]
        order = np.lexsort((held, share))
        return cls(
            *ends, *_distribution(drawn), share[order].astype(np.float32), held[order], False, whole
        )

    def apply(self, x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return values of the column for draws of the network."""
        found = self._mapped(x, rng)
        return np.round(found) if self.whole else found

    def _mapped(self, x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        if not len(self.held):
            return np.clip(x, self.low, self.high)
        below, above = (self._level(x, side) for side in ("left", "right"))
        level = below + (above - below) * rng.random(len(x))
        if self.few:
            return self.held[np.minimum(np.searchsorted(self.share, level), len(self.held) - 1)]
        return np.interp(level, self.share, self.held)

    def exact(self, value: float) -> bool | None:
        """Whether a value is often drawn as it is; None if the column does not hold it."""
        at = np.flatnonzero(self.held == value)
        if self.few:
            return None if not len(at) else bool(np.diff(self.share, prepend=0.0)[at[0]] >= _ATOM)
        if not self.low <= value <= self.high or (self.whole and value != np.round(value)):
            return None
        return bool(len(at) > 1 and np.ptp(self.share[at]) >= _ATOM / 2)

    def _level(self, x: NDArray[np.float64], side: str) -> NDArray[np.float64]:
        """Return the limit of F from below ("left") or above ("right")."""
        at = np.searchsorted(self.drawn, x, side=side)  # type: ignore[call-overload]
        last = len(self.drawn) - 1
        before, after = np.clip(at - 1, 0, last), np.clip(at, 0, last)
        width = self.drawn[after] - self.drawn[before]
        share = np.clip((x - self.drawn[before]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
        return self.level[before] + share * (self.level[after] - self.level[before])


class Support:
    """What the columns of training rows hold.

    Parameters
    ----------
    columns : ndarray of int
        Columns of what a network writes that are kept to it.
    supports : list of ColumnSupport
        That of each.
    ends : ndarray of shape (n_features, 2), optional
        Least and largest value of every column, NaN where there is none.
    """

    ends: NDArray[np.float64] | None = None

    def __init__(
        self,
        columns: NDArray[np.intp],
        supports: list[ColumnSupport],
        ends: NDArray[np.float64] | None = None,
    ) -> None:
        self.columns = columns
        self.supports = supports
        self.ends = ends

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def by_column(self) -> dict[int, ColumnSupport]:
        """What each of the columns holds."""
        return dict(zip(self.columns.tolist(), self.supports, strict=True))

    @staticmethod
    def n_draws(n_features: int) -> int:
        """Return how many draws of the network `fit` should be given."""
        return max(256, min(8192, _CELLS // max(1, n_features)))

    @classmethod
    def fit(cls, rows: Rows, free: NDArray[np.bool_], drawn: NDArray[np.float64]) -> Support:
        """Measure training rows.

        Parameters
        ----------
        rows : Rows
            Training rows.
        free : ndarray of bool, of shape (n_features,)
            Columns whose draws may be any number.
        drawn : ndarray of shape (n_draws, n_features)
            Rows that were drawn from the network; none is needed where no column is free.
        """
        n = min(rows.n_rows, max(256, min(_ROWS, _CELLS // max(1, rows.n_features))))
        few = rows.take(np.linspace(0, rows.n_rows - 1, n).astype(int))
        x, weights = few.matrix(), few.weights
        weight = np.ones(len(x)) if weights is None else weights
        seen = ~np.isnan(x)
        counted = np.where((weight > 0)[:, None], x, np.nan)
        ends = np.stack([np.fmin.reduce(counted), np.fmax.reduce(counted)], axis=1)
        columns = np.flatnonzero(free & ~np.isnan(ends).any(axis=1))
        # What a column is like given a condition is not what it is like in all rows.
        far = np.inf if rows.condition is not None else max(_FAR, _BY_CHANCE / np.sqrt(len(x)))
        supports = [
            ColumnSupport.fit(x[seen[:, j], j], weight[seen[:, j]], drawn[:, j], far)
            for j in columns
        ]
        return cls(columns, supports, ends)

    @staticmethod
    def possible(rows: Rows) -> bool:
        """Whether rows are a table that may be looked at as a whole."""
        sparse = isinstance(rows.values, SparseRows)
        return rows.sample_shape is None and not rows.ragged and not sparse

    def apply(self, drawn: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return rows of values that the training rows hold, for rows that were drawn."""
        out = drawn.copy()
        for j, support in zip(self.columns, self.supports, strict=True):
            out[:, j] = support.apply(drawn[:, j], rng)
        return out


def few_values(count: NDArray[np.intp], atom: NDArray[np.bool_] | None = None) -> bool:
    """Return whether a column holds a few values, again and again.

    Parameters
    ----------
    count : ndarray of shape (n_values,), int
        Rows that hold each value.
    atom : ndarray of shape (n_values,), bool, optional
        Values that many rows hold; found by the counts if None. Beside them a column may be
        continuous.
    """
    n = count.sum()
    if len(count) > min(_MOST_VALUES, max(2, n / _ROWS_A_VALUE)):
        return False
    rest = count[~(_atoms(count, count / n) if atom is None else atom)]
    alone = np.count_nonzero(rest == 1)
    return not (alone >= _LEAST_ALONE and alone > rest.sum() / 2)


def _atoms(count: NDArray[np.intp], share: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (share >= _ATOM) & (count >= _ROWS_A_VALUE)


def _distribution(drawn: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return knots of the distribution function of sorted draws, with both ends of jumps."""
    n = len(drawn)
    at = np.unique((_LEVELS * (n - 1)).astype(int))
    values, level = drawn[at], (at + 0.5) / n
    tied = np.unique(values[1:][np.diff(values) == 0])
    low = np.searchsorted(drawn, tied, side="left") / n
    high = np.searchsorted(drawn, tied, side="right") / n
    single = ~np.isin(values, tied)
    knots = np.r_[values[single], tied, tied]
    levels = np.r_[level[single], low, high]
    order = np.lexsort((levels, knots))
    return knots[order], levels[order].astype(np.float32)
