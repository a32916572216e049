"""Tables of numbers and categories as matrices in standard units, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Number
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Levels of a category that are told apart; those of rarer ones are kept and never filled in.
_MOST_LEVELS = 64
# Below this share of a column's largest magnitude, spread is rounding.
_CONSTANT = 4 * np.finfo(np.float64).eps
# Numbers that differ by less, in standard deviations, are the same.
_SAME = 1e-9


class Feature(ABC):
    """A column of a table: what it holds, and the columns of the matrix that stand for it.

    Attributes
    ----------
    width : int
        Number of columns of the matrix; 0 for a constant, which is filled in as it is.
    empty : bool
        Whether `fit` saw no value.
    """

    numeric = True
    width: int
    empty: bool

    @abstractmethod
    def standard(self, values: NDArray) -> NDArray[np.float64]:
        """Return the matrix columns of values, NaN where one is missing or not known."""

    @abstractmethod
    def restore(self, Z: NDArray) -> NDArray:
        """Return the values that matrix columns stand for."""

    def draw(self, Z: NDArray, rng: np.random.Generator) -> NDArray:
        """Draw values from what matrix columns stand for; numbers are drawn already."""
        return self.restore(Z)


class NumberFeature(Feature):
    """Numbers, less their mean and divided by their standard deviation.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Numbers, NaN where one is missing.
    weight : ndarray of shape (n,)
        Weights of the rows.
    """

    def __init__(self, values: NDArray, weight: NDArray) -> None:
        seen = ~np.isnan(values) & (weight > 0)
        self.empty = not seen.any()
        self.mean = self.scale = 0.0
        if not self.empty:
            x, w = values[seen].astype(np.float64), weight[seen] / weight[seen].sum()
            unit = np.abs(x).max() or 1.0
            mean = float(w @ (x / unit))
            scale = float(np.sqrt(w @ np.square(x / unit - mean)))
            self.scale = scale * unit if scale > _CONSTANT else 0.0
            # The mean of equal numbers may differ from them in the last digit.
            self.mean = mean * unit if self.scale else float(x[0])
        self.width = int(self.scale > 0)
        self.common = np.empty(0)
        if self.width:
            different, counts = np.unique(values[seen], return_counts=True)
            repeated = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
            self.common = np.sort(different[repeated[counts[repeated] > 1]]).astype(np.float64)

    def standard(self, values: NDArray) -> NDArray[np.float64]:
        """Return standard units."""
        if not self.width:
            return np.empty((len(values), 0))
        return ((values - self.mean) / self.scale)[:, None]

    def restore(self, Z: NDArray) -> NDArray:
        """Return numbers; those that many rows share come back without rounding."""
        if not self.width:
            return np.full(len(Z), self.mean)
        x = Z[:, 0] * self.scale + self.mean
        if not len(self.common):
            return x
        right = np.searchsorted(self.common, x).clip(1, max(1, len(self.common) - 1))
        near = self.common[np.stack([right - 1, right % len(self.common)])]
        near = np.take_along_axis(near, np.abs(near - x).argmin(axis=0)[None], axis=0)[0]
        return np.where(np.abs(near - x) <= _SAME * self.scale, near, x)


class LevelFeature(Feature):
    """Levels as shares of each, which together have variance 1.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Levels as objects, None where one is missing.
    weight : ndarray of shape (n,)
        Weights of the rows.
    """

    numeric = False

    def __init__(self, values: NDArray, weight: NDArray) -> None:
        mass: dict[Any, float] = {}
        for value, w in zip(values, weight, strict=True):
            if value is not None and w > 0:
                mass[value] = mass.get(value, 0.0) + float(w)
        levels = sorted(mass, key=lambda level: (-mass[level], str(level)))[:_MOST_LEVELS]
        self.levels = np.empty(len(levels), dtype=object)
        self.levels[:] = levels
        self.empty = not levels
        share = np.array([mass[level] for level in levels])
        self.mean = share / share.sum() if levels else share
        self.scale = float(np.sqrt(np.sum(self.mean * (1 - self.mean))))
        self.width = len(levels) if len(levels) > 1 else 0

    def standard(self, values: NDArray) -> NDArray[np.float64]:
        """Return standard units of 0 and 1."""
        if not self.width:
            return np.empty((len(values), 0))
        number = {level: i for i, level in enumerate(self.levels)}
        codes = np.array([-1 if v is None else number.get(v, -1) for v in values], dtype=int)
        out = (np.eye(self.width)[codes] - self.mean) / self.scale
        out[codes < 0] = np.nan
        return out

    def probabilities(self, Z: NDArray) -> NDArray[np.float64]:
        """Return the share of each level; rows sum to 1."""
        share = np.clip(Z * self.scale + self.mean, 0.0, None)
        total = share.sum(axis=1, keepdims=True)
        return np.where(total > 0, share / np.where(total > 0, total, 1.0), self.mean)

    def restore(self, Z: NDArray) -> NDArray:
        """Return the most probable levels."""
        if not self.width:
            return np.full(len(Z), self.levels[0] if len(self.levels) else None, dtype=object)
        return self.levels[self.probabilities(Z).argmax(axis=1)]

    def draw(self, Z: NDArray, rng: np.random.Generator) -> NDArray:
        """Draw levels."""
        if not self.width:
            return self.restore(Z)
        reach = np.cumsum(self.probabilities(Z), axis=1)
        pick = (rng.random(len(Z))[:, None] > reach).sum(axis=1)
        return self.levels[np.minimum(pick, self.width - 1)]


class Table:
    """What the columns of a table hold, as `fit` saw them.

    Parameters
    ----------
    missing_values : object
        What stands for a missing cell besides NaN, None and pandas' NA.
    """

    def __init__(self, missing_values: Any = np.nan) -> None:
        self.missing_values = missing_values
        self.features: list[Feature] = []

    def fit(self, X: Any, weight: NDArray) -> Table:
        """Decide what each column holds."""
        self.features = []
        for _, values in self._columns(X):
            kind = LevelFeature if values.dtype == object else NumberFeature
            self.features.append(kind(values, weight))
        return self

    @property
    def groups(self) -> list[NDArray[np.intp]]:
        """Columns of the matrix that belong to each feature that has any."""
        ends = np.cumsum([feature.width for feature in self.features])
        return [
            np.arange(e - f.width, e) for f, e in zip(self.features, ends, strict=True) if f.width
        ]

    @property
    def numeric(self) -> NDArray[np.bool_]:
        """Whether each feature that has columns is a number."""
        return np.array([f.numeric for f in self.features if f.width], dtype=bool)

    def read(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the matrix, and which cells of the table are missing.

        Raises
        ------
        ValueError
            If a column holds something else than in `fit`.
        """
        blocks, missing = [], []
        for (name, values), feature in zip(self._columns(X), self.features, strict=True):
            text = values.dtype == object
            lacks = np.array([v is None for v in values]) if text else np.isnan(values)
            if text == feature.numeric and not feature.empty and not lacks.all():
                now, then = ("text", "numbers") if text else ("numbers", "text")
                raise ValueError(
                    f"Column {name!r} holds {now}, but held {then} in fit; convert it."
                )
            if text == feature.numeric:
                values = np.full(len(values), np.nan if feature.numeric else None)
            blocks.append(feature.standard(values))
            missing.append(lacks)
        return np.hstack(blocks).astype(np.float64), np.column_stack(missing)

    def write(
        self,
        X: Any,
        missing: NDArray,
        Z: NDArray,
        kept: NDArray,
        rng: np.random.Generator | None = None,
    ) -> Any:
        """Return some columns of a table with its missing cells filled, in its container.

        Parameters
        ----------
        X : ndarray or data frame of shape (n, n_features)
            The table; observed cells stay what they are.
        missing : ndarray of shape (n, n_features)
            The cells to fill.
        Z : ndarray of shape (n, p)
            Filled rows of the matrix.
        kept : ndarray of int
            The columns to return.
        rng : numpy Generator, optional
            Draws levels; None takes the most probable ones.
        """
        ends = np.cumsum([feature.width for feature in self.features])
        fills: list[NDArray] = []
        for j, feature in enumerate(self.features):
            part = Z[missing[:, j], ends[j] - feature.width : ends[j]]
            fills.append(feature.restore(part) if rng is None else feature.draw(part, rng))
        if isinstance(X, np.ndarray):
            out = X.copy()
            for j in kept:
                out[missing[:, j], j] = fills[j]
            return out[:, kept]
        if isinstance(X, pd.DataFrame):
            columns = [_filled_pandas(X.iloc[:, j], missing[:, j], fills[j]) for j in kept]
            out = pd.concat(columns, axis=1) if columns else X.iloc[:, :0].copy()
            out.columns = X.columns[kept]
            return out
        frame = nw.from_native(X, eager_only=True)
        names = [frame.columns[j] for j in kept]
        series = [
            _filled_series(frame[name], missing[:, j], fills[j])
            for name, j in zip(names, kept, strict=True)
        ]
        return frame.select(names).with_columns(*series).to_native()

    def _columns(self, X: Any) -> list[tuple[Any, NDArray]]:
        """Return names and values: float arrays, or objects with None for what is missing."""
        if isinstance(X, np.ndarray):
            return [(j, self._hole(X[:, j])) for j in range(X.shape[1])]
        if isinstance(X, pd.DataFrame):
            columns = [(name, X.iloc[:, j]) for j, name in enumerate(X.columns)]
        else:
            frame = nw.from_native(X, eager_only=True)
            columns = [(name, frame[name]) for name in frame.columns]
        found = [(name, self._hole(_values(name, column))) for name, column in columns]
        for name, values in found:
            if values.dtype != object and np.isinf(values).any():
                raise ValueError(f"Input X contains infinity in column {name!r}; mark it missing.")
        return found

    def _hole(self, values: NDArray) -> NDArray:
        """Put what stands for a missing cell in one form."""
        mark = self.missing_values
        if mark is None or mark is pd.NA or (isinstance(mark, float) and np.isnan(mark)):
            return values
        if values.dtype == object:
            values = values.copy()
            values[np.array([v == mark for v in values], dtype=bool)] = None
            return values
        if not isinstance(mark, Number):
            return values
        return np.where(values == mark, np.nan, values)


def _values(name: Any, column: Any) -> NDArray:
    """Return a column as float64, or as objects."""
    series = nw.from_native(column, series_only=True, allow_series=True)
    if series.dtype.is_numeric():
        if isinstance(column, pd.Series):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        return series.cast(nw.Float64).to_numpy().astype(np.float64)
    if series.dtype.is_temporal():
        raise ValueError(
            f"Column {name!r} holds dates ({series.dtype}); turn it into numbers, or leave it out."
        )
    out = np.empty(len(series), dtype=object)
    out[:] = [None if _is_missing(value) else value for value in series.to_list()]
    kinds = {type(value) for value in out if value is not None}
    numbers = {kind for kind in kinds if issubclass(kind, Number) and not issubclass(kind, bool)}
    if series.dtype == nw.Object and (not kinds or numbers == kinds):
        return np.array([np.nan if value is None else value for value in out], dtype=np.float64)
    if numbers and numbers != kinds:
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(
            f"Column {name!r} holds values of mixed types ({shown}); convert it to one."
        )
    return out


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _filled_pandas(column: pd.Series, missing: NDArray, fills: NDArray) -> pd.Series:
    """Fill a column of a pandas frame, in its type."""
    if not missing.any():
        return column.copy()
    array = column.array.copy()
    if pd.api.types.is_integer_dtype(column.dtype):
        fills = np.rint(fills.astype(np.float64)).astype(np.int64)
    elif pd.api.types.is_float_dtype(column.dtype):
        fills = fills.astype(getattr(column.dtype, "numpy_dtype", column.dtype))
    array[missing] = fills
    return pd.Series(array, index=column.index, name=column.name)


def _filled_series(series: Any, missing: NDArray, fills: NDArray) -> Any:
    """Fill a column of another frame, in its type."""
    if not missing.any():
        return series
    values = series.to_list()
    whole = series.dtype.is_integer()
    for i, fill in zip(np.flatnonzero(missing), fills.tolist(), strict=True):
        values[i] = round(fill) if whole else fill
    backend: Any = series.implementation
    return nw.new_series(series.name, values, series.dtype, backend=backend)
