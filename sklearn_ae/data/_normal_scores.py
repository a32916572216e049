"""Columns in normal scores: a monotone map that follows each column's distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_ae.data._rows import Rows
from sklearn_ae.data._scaling import ColumnScaling

# Quantiles that a column's map is drawn through, at most and at least.
_MOST, _LEAST = 128, 5
# Rows that quantiles are taken of, at most.
_ROWS = 100_000
# Half the width that a value takes, in standard deviations of the column.
_ATOM = 1e-3


class _ColumnScores:
    """A monotone piecewise linear map of one standardised column to normal scores.

    Parameters
    ----------
    x, u : ndarray of shape (n_knots,)
        Knots, both increasing.
    atoms : ndarray of shape (n_atoms, 3)
        Values that many rows share, with the normal scores between which they lie.
    """

    def __init__(self, x: NDArray, u: NDArray, atoms: NDArray) -> None:
        self.x = x
        self.u = u
        self.atoms = atoms

    @classmethod
    def fit(cls, z: NDArray, weight: NDArray, n_quantiles: int) -> _ColumnScores:
        """Draw the map through quantiles of a column."""
        # Values are rounded to a grid, so that no slope is steeper than it allows.
        values, cell = np.unique(np.round(z / (2 * _ATOM)), return_inverse=True)
        values *= 2 * _ATOM
        mass = np.bincount(cell, weight)
        edge = min(0.25, 0.5 / mass.sum())
        high = np.cumsum(mass) / mass.sum()
        low = np.r_[0.0, high[:-1]]
        picked = np.searchsorted(high, np.linspace(0, 1, n_quantiles), side="left")
        picked = np.unique(np.clip(picked, 0, len(values) - 1))
        width = 0.9 * _ATOM
        x: list[float] = []
        p: list[float] = []
        atoms = []
        for i in picked:
            if high[i] - low[i] > 1 / n_quantiles:
                x += [values[i] - width, values[i] + width]
                p += [low[i], high[i]]
                atoms.append([_most_frequent(z[cell == i], weight[cell == i]), low[i], high[i]])
            else:
                x.append(values[i])
                p.append((low[i] + high[i]) / 2)
        u = ndtri(np.clip(p, edge, 1 - edge))
        kept = np.r_[True, np.diff(u) > 1e-9]
        spans = np.array(atoms).reshape(-1, 3)
        spans[:, 1:] = ndtri(np.clip(spans[:, 1:], edge, 1 - edge))
        return cls(np.array(x)[kept], u[kept], spans)

    @property
    def slopes(self) -> NDArray[np.float64]:
        """Slope left of the first knot, between knots, and right of the last."""
        if len(self.x) < 2:
            return np.ones(2)
        between = np.diff(self.u) / np.diff(self.x)
        return np.r_[self._tail(slice(None)), between, self._tail(slice(None, None, -1))]

    def _tail(self, direction: slice) -> float:
        """Slope outside an end: the mean slope over the unit of normal scores next to it."""
        x, u = self.x[direction], self.u[direction]
        inner = max(1, int(np.searchsorted(np.abs(u - u[0]), 1.0)))
        inner = min(inner, len(x) - 1)
        return float((u[inner] - u[0]) / (x[inner] - x[0]))

    def forward(self, z: NDArray) -> NDArray[np.float64]:
        """Return normal scores."""
        slopes = self.slopes
        u = np.interp(z, self.x, self.u)
        u += np.minimum(z - self.x[0], 0.0) * slopes[0]
        return u + np.maximum(z - self.x[-1], 0.0) * slopes[-1]

    def log_slope(self, z: NDArray) -> NDArray[np.float64]:
        """Return the logarithm of the map's slope."""
        return np.log(self.slopes)[np.searchsorted(self.x, z, side="right")]

    def backward(self, u: NDArray) -> NDArray[np.float64]:
        """Return standardised values; within an atom, its very value."""
        slopes = self.slopes
        z = np.interp(u, self.u, self.x)
        z += np.minimum(u - self.u[0], 0.0) / slopes[0]
        z += np.maximum(u - self.u[-1], 0.0) / slopes[-1]
        for value, low, high in self.atoms:
            # A value that many rows share at the end of the range is a bound.
            low = -np.inf if low <= self.u[0] else low
            high = np.inf if high >= self.u[-1] else high
            z = np.where((u >= low) & (u <= high), value, z)
        return z


def _most_frequent(values: NDArray, weight: NDArray) -> float:
    different, index = np.unique(values, return_inverse=True)
    return float(different[np.bincount(index, weight).argmax()])


# The map of a column without an observed cell, which is constant.
_IDENTITY = _ColumnScores(np.array([0.0]), np.array([0.0]), np.empty((0, 3)))


class NormalScores(ColumnScaling):
    """Column scales followed by a map of each column to normal scores.

    The map is linear between quantiles of the training rows and outside their range. A value that
    many rows share takes a small width, so that the map has a density, and comes back
    as itself.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,), float64
        Weighted means and standard deviations of the columns.
    maps : list
        The map of each column.
    """

    _of_columns = ("mean", "scale", "maps")

    def __init__(self, mean: NDArray, scale: NDArray, maps: list[_ColumnScores]) -> None:
        super().__init__(mean, scale)
        self.maps = maps

    @classmethod
    def fit(cls, rows: Rows) -> NormalScores:
        """Measure the columns of some rows."""
        plain = ColumnScaling.fit(rows)
        subset = rows
        if rows.n_rows > _ROWS:
            subset = rows.take(np.linspace(0, rows.n_rows - 1, _ROWS).astype(int))
        z = plain.apply(subset.matrix())
        weights = subset.weights
        weight = np.ones(len(z)) if weights is None else weights
        n_quantiles = int(np.clip(np.sqrt(weight.sum()), _LEAST, _MOST))
        present = ~np.isnan(z).T
        maps = [
            _ColumnScores.fit(column[p], weight[p], n_quantiles) if p.any() else _IDENTITY
            for column, p in zip(z.T, present, strict=True)
        ]
        return cls(plain.mean, plain.scale, maps)

    @property
    def standard(self) -> ColumnScaling:
        """The column scales alone."""
        return ColumnScaling(self.mean, self.scale)

    @property
    def relative_scale(self) -> NDArray:
        """Normal scores of all columns have one scale; constant columns have none."""
        return (self.scale > 0).astype(np.float64)

    def apply(self, x: NDArray) -> NDArray[np.float64]:
        """Return the normal scores of a block of rows."""
        z = super().apply(x)
        return self._by_column("forward", z)

    def standardizer(self, dtype: np.dtype) -> Callable[[NDArray], NDArray]:
        """Return what gives the normal scores of rows in a dtype."""
        return self._in_pieces

    def restore(self, z: NDArray) -> NDArray[np.float64]:
        """Return normal scores to X's units, in float64."""
        return super().restore(self._by_column("backward", z.astype(np.float64, copy=False)))

    def log_slope(self, x: NDArray) -> NDArray[np.float64]:
        """Return the logarithm of the slope of `apply` at each cell."""
        z = super().apply(x)
        return super().log_slope(x) + self._by_column("log_slope", z)

    def _by_column(self, name: str, z: NDArray) -> NDArray[np.float64]:
        out = np.zeros_like(z, dtype=np.float64)
        for j in np.flatnonzero(self.scale > 0):
            out[:, j] = getattr(self.maps[j], name)(z[:, j])
        return out

    def state(self) -> dict:
        """Return plain arrays."""
        arrays = [
            [normal_scores.x, normal_scores.u, normal_scores.atoms] for normal_scores in self.maps
        ]
        return {**super().state(), "maps": arrays}

    @classmethod
    def of_state(cls, state: dict) -> NormalScores:
        """Make the scaling again from its arrays."""
        maps = [_ColumnScores(*arrays) for arrays in state["maps"]]
        return cls(state["mean"], state["scale"], maps)
