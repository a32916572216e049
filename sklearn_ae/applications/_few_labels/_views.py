"""Rows as the candidates see them: codes, and columns in several units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_ae.data import Ragged, TableRows, dense_block
from sklearn_ae.starts import RangeScaling

# Principal components that are kept of columns.
_COMPONENTS = 40
# Quantiles through which columns are mapped to normal scores, and the farthest score.
_QUANTILES = 200
_FARTHEST = 3.0
# What columns in their units are at most, so that products with them are numbers.
_LARGEST = 1e100
_LEAST_RANGE = 1e-290
# Cells beyond which columns are not looked at, but codes alone.
_MOST_COLUMNS = 2**14
_BLOCK_CELLS = 2**22


class NormalScores:
    """Columns mapped to the normal distribution by their quantiles.

    Columns of two values, those of categories among them, keep their range and are centred.

    Parameters
    ----------
    rows : ndarray of shape (n, p)
        Rows, with NaN where a cell is missing.
    """

    def __init__(self, rows: NDArray) -> None:
        self.share = np.linspace(0.5 / len(rows), 1 - 0.5 / len(rows), _QUANTILES)
        self.quantiles = np.quantile(rows, self.share, axis=0)
        self.low, self.high = rows.min(axis=0), rows.max(axis=0)
        inside = (rows > self.low) & (rows < self.high)
        # Slopes between the least of all numbers are infinite.
        self.two = ~inside.any(axis=0) | (self.high - self.low < _LEAST_RANGE)

    def __call__(self, rows: NDArray) -> NDArray[np.float64]:
        """Return rows in normal scores."""
        unit = np.where(self.high > self.low, self.high - self.low, 1.0)
        with np.errstate(over="ignore"):
            out = np.clip((rows - self.low) / unit, -_LARGEST, _LARGEST)
        for j in np.flatnonzero(~self.two):
            x, q = rows[:, j], self.quantiles[:, j]
            above = np.interp(x, q, self.share)
            below = 1 - np.interp(-x, -q[::-1], 1 - self.share[::-1])
            out[:, j] = np.clip(ndtri((above + below) / 2), -_FARTHEST, _FARTHEST)
        return out


class Components:
    """Rows in some units, their first principal components, and one scale for all of these.

    Parameters
    ----------
    units : callable or None
        Maps rows; None leaves them in the units they have.
    rows : ndarray of shape (n, p)
        Rows that set the components.
    weight : ndarray of shape (n,)
        Their weights, which set the scale and, unless there are more than 40 columns, the mean.
    seed : int
        Feeds the draws of a randomised decomposition.
    """

    def __init__(self, units: Any, rows: NDArray, weight: NDArray, seed: int) -> None:
        self.units = units
        values = self._in_units(rows)
        self.axes = None
        self.mean = weight @ values / weight.sum()
        if values.shape[1] > _COMPONENTS:
            from sklearn.decomposition import PCA

            model = PCA(min(_COMPONENTS, len(values)), random_state=seed).fit(values)
            self.mean, self.axes = model.mean_, model.components_.T
        self.scale = 1.0
        square = weight @ self(rows) ** 2 / weight.sum()
        self.scale = float(np.sqrt(square.mean())) or 1.0

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.mean) if self.axes is None else self.axes.shape[1]

    def __call__(self, rows: NDArray) -> NDArray[np.float64]:
        """Return the components of rows."""
        found = np.clip(self._in_units(rows), -_LARGEST, _LARGEST) - self.mean
        return (found if self.axes is None else found @ self.axes) / self.scale

    def _in_units(self, rows: NDArray) -> NDArray[np.float64]:
        return np.asarray(rows, np.float64) if self.units is None else self.units(rows)


class Views:
    """What candidates see of rows: codes, and columns in several units.

    Parameters
    ----------
    held : BaseAutoencoder
        A fitted autoencoder.
    values : ndarray, Ragged or LazyRows
        Rows as it reads them.
    rows : ndarray of int
        Positions of the rows that set units and components.
    weight : ndarray
        Weights of these rows.
    seed : int
        Feeds the draws of randomised decompositions.
    """

    def __init__(
        self, held: Any, values: Any, rows: NDArray[np.intp], weight: NDArray, seed: int
    ) -> None:
        self.held = held
        codes = self._codes(values)
        self.maps: dict[str, Any] = {"codes": Components(None, codes[rows], weight, seed)}
        self.columns = not isinstance(values, Ragged) and values.shape[1] <= _MOST_COLUMNS
        if self.columns:
            part = _dense(values, rows)
            seen = ~np.isnan(part)
            count = np.maximum(seen.sum(axis=0), 1)
            self.fill = np.where(seen, part, 0.0).sum(axis=0) / count
            part = np.where(seen, part, self.fill)
            self.maps["range"] = Components(RangeScaling(part), part, weight, seed)
            self.maps["normal"] = Components(NormalScores(part), part, weight, seed)
            self.n_cells = values.n_columns if isinstance(values, TableRows) else part.shape[1]

    @property
    def names(self) -> list[str]:
        """Names of the views that are of codes or of columns in some units."""
        return list(self.maps)

    def read(self, X: Any) -> Any:
        """Return rows as the autoencoder reads them."""
        return self.held._read(X, None)[0]

    def __call__(self, values: Any, names: set[str]) -> dict[str, NDArray[np.float64]]:
        """Return some views of rows that were read; "cells" are the columns themselves."""
        found: dict[str, NDArray] = {}
        if "codes" in names:
            found["codes"] = self.maps["codes"](self._codes(values))
        if "cells" in names:
            table = isinstance(values, TableRows)
            found["cells"] = values.codes if table else _dense(values, slice(0, len(values)))
        for name in names & {"range", "normal"}:
            parts = [self.maps[name](np.where(np.isnan(x), self.fill, x)) for x in _blocks(values)]
            width = self.maps[name].width
            found[name] = np.concatenate(parts) if parts else np.empty((0, width))
        return found

    def _codes(self, values: Any) -> NDArray[np.float64]:
        model, deep = self.held._model, self.held.deep_features
        return (model.deep_features if deep else model.encode)(values, None)


def _dense(values: Any, index: Any) -> NDArray[np.float64]:
    return np.asarray(dense_block(values, index), dtype=np.float64)


def _blocks(values: Any) -> Iterator[NDArray[np.float64]]:
    size = max(1, _BLOCK_CELLS // max(1, values.shape[1]))
    for start in range(0, len(values), size):
        yield _dense(values, slice(start, start + size))
