"""Tables as matrices in standard units, and back."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing

from sklearn_ae.data import Column, Empty, Series, categorical_columns, fit_column, read_table

# Levels of a category that are told apart, and values of a number that come back exactly.
_MOST_LEVELS = 64
_MOST_VALUES = 64
# Below this share of a column's largest magnitude, a standard deviation is rounding.
_CONSTANT = 4 * np.finfo(np.float64).eps
# Numbers that differ by less, in standard deviations, are the same.
_SAME = 1e-9


class Feature:
    """A column of a table in standard units, as columns of a matrix.

    They are what a network sees of the column, less their means and divided by one number, so
    that together they have variance 1.

    Attributes
    ----------
    width : int
        Number of columns of the matrix; 0 for a constant, which is filled in as it is.
    empty : bool
        Whether no value was seen.

    Parameters
    ----------
    column : Column
        How cells are read and written.
    codes : ndarray of shape (n,), float64
        Codes of cells, NaN where one is missing.
    weight : ndarray of shape (n,)
        Positive weights of the rows.
    """

    def __init__(self, column: Column, codes: NDArray[np.float64], weight: NDArray) -> None:
        self.column = column
        self.numeric = column.kind not in ("binary", "categorical")
        seen = ~np.isnan(codes)
        self.empty = not seen.any()
        self.width = 0
        self.constant = 0.0
        self.common = np.empty(0)
        if self.empty:  # code 0 is what fills it
            return
        codes, w = codes[seen], weight[seen] / weight[seen].sum()
        self.constant = float(codes[0])
        self.low, self.high = float(codes.min()), float(codes.max())
        x = column.expand(codes)
        unit = np.abs(x).max() or 1.0
        x = x / unit
        mean = np.array([w @ values for values in x.T])
        scale = float(np.sqrt(sum(w @ np.square(v - m) for v, m in zip(x.T, mean, strict=True))))
        if scale <= _CONSTANT:
            return
        self.width = column.width
        self.mean, self.scale = mean * unit, scale * unit
        if self.numeric:
            different, counts = np.unique(codes, return_counts=True)
            repeated = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
            self.common = np.sort(different[repeated[counts[repeated] > 1]])

    def standard(self, series: Series) -> NDArray[np.float64]:
        """Return the matrix columns of cells, NaN where one is missing or not known."""
        if self.empty:
            return np.empty((len(series), 0))
        codes = self.column.encode(series)
        if not self.width:
            return np.empty((len(series), 0))
        # A quarter of a difference is a number, however large its parts are.
        factor = 0.25 if self.scale > 1 else 1.0
        x = self.column.expand(codes)
        return (factor * x - factor * self.mean) / (factor * self.scale)

    @np.errstate(over="ignore")
    def restore(self, Z: NDArray) -> NDArray[np.float64]:
        """Return the likeliest codes, of numbers in the range that `fit` saw.

        Numbers that many rows share come back without rounding.
        """
        if not self.width:
            return np.full(len(Z), self.constant)
        codes = self.column.collapse(Z * self.scale + self.mean)
        if self.numeric:
            codes = np.clip(codes, self.low, self.high)
        if not len(self.common):
            return codes
        right = np.searchsorted(self.common, codes).clip(1, max(1, len(self.common) - 1))
        near = self.common[np.stack([right - 1, right % len(self.common)])]
        near = np.take_along_axis(near, np.abs(near - codes).argmin(axis=0)[None], axis=0)[0]
        return np.where(np.abs(near - codes) <= _SAME * self.scale, near, codes)

    def draw(self, Z: NDArray, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw codes of levels by their probabilities; numbers are drawn already."""
        if self.numeric or not self.width:
            return self.restore(Z)
        cumulative = np.cumsum(self._probabilities(Z), axis=1)
        pick = (rng.random(len(Z))[:, None] > cumulative).sum(axis=1)
        return np.minimum(pick, cumulative.shape[1] - 1).astype(np.float64)

    def _probabilities(self, Z: NDArray) -> NDArray[np.float64]:
        """Return the probability of each level; rows sum to 1."""
        share = np.clip(Z * self.scale + self.mean, 0.0, None)
        if self.column.kind == "binary":
            share = np.minimum(share, 1.0)
            return np.hstack([1 - share, share])
        total = share.sum(axis=1, keepdims=True)
        return np.where(total > 0, share / np.where(total > 0, total, 1.0), self.mean)


class StandardTable:
    """What the columns of a table hold, as `fit` saw them, in standard units.

    Parameters
    ----------
    missing_values : object
        What stands for a missing cell besides NaN, None and pandas' NA.
    """

    def __init__(self, missing_values: Any = np.nan) -> None:
        self.missing_values = missing_values
        self.features: list[Feature] = []

    def fit(
        self, X: Any, weight: NDArray, categorical_features: ArrayLike | str | None = "from_dtype"
    ) -> StandardTable:
        """Decide what each column holds, by rows of positive weight.

        Parameters
        ----------
        X : ndarray or data frame of shape (n, n_features)
            The table.
        weight : ndarray of shape (n,)
            Weights of its rows.
        categorical_features : "from_dtype", array-like of bool, int or str, or None
            Which columns are categorical.

        Raises
        ------
        ValueError
            If `categorical_features` does not fit the columns.
        """
        if not weight.all():
            X, weight = _safe_indexing(X, np.flatnonzero(weight)), weight[weight > 0]
        self.features = []
        table = self._columns(X)
        named = categorical_columns(table, categorical_features)
        for series, called in zip(table, named, strict=True):
            # A likeliest level is right more often than a mean rank.
            column = fit_column(
                series,
                categorical=bool(called) or series.kind == "ordered",
                numeric_map=None,
                most_levels=_MOST_LEVELS,
            )
            self.features.append(Feature(column, column.encode(series), weight))
        return self

    def check_fills(self) -> None:
        """Raise if nothing can fill a column without any value.

        Raises
        ------
        ValueError
            If there is such a column, with its name and dtype.
        """
        for column in (feature.column for feature in self.features):
            if isinstance(column, Empty) and column.fill is None:
                raise ValueError(
                    f"Column {column.type.name!r} of X, of dtype {column.type.dtype[0]}, has no "
                    "value, and keep_empty_features=True cannot tell what to fill it with; fill "
                    "or drop it yourself, or leave keep_empty_features=False."
                )

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

    def read(self, X: Any) -> tuple[list[Series], NDArray[np.float64], NDArray[np.bool_]]:
        """Return the columns of a table, the matrix, and which cells of the table are missing.

        Raises
        ------
        ValueError
            If a column holds something else than in `fit`.
        """
        columns = self._columns(X)
        Z = np.hstack([f.standard(s) for f, s in zip(self.features, columns, strict=True)])
        return columns, Z, np.column_stack([series.missing() for series in columns])

    def write(
        self,
        X: Any,
        columns: list[Series],
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
        columns : list of Series
            Its columns.
        missing : ndarray of shape (n, n_features)
            The cells to fill.
        Z : ndarray of shape (n, p)
            Filled rows of the matrix.
        kept : ndarray of int
            The columns to return.
        rng : numpy Generator, optional
            Draws levels; None takes the most probable ones.
        """
        filled = {}
        ends = np.cumsum([feature.width for feature in self.features])
        for j, feature in enumerate(self.features):
            cells = missing[:, j]
            part = Z[cells, ends[j] - feature.width : ends[j]]
            codes = feature.restore(part) if rng is None else feature.draw(part, rng)
            if cells.any() and j in kept:
                column = feature.column
                if cells.all() and columns[j].type.backend == column.type.backend:
                    # Nothing says how the column is stored but `fit`.
                    filled[j] = column.decode(codes, getattr(X, "index", None))
                else:
                    filled[j] = columns[j].fill(cells, column.values(codes))
        if isinstance(X, np.ndarray):
            out = X.copy()
            for j, column in filled.items():
                out[:, j] = column
            return out[:, kept]
        if isinstance(X, pd.DataFrame):
            out = X.iloc[:, kept].copy()
            for i, j in enumerate(kept):
                if j in filled:
                    out.isetitem(i, filled[j])
            return out
        frame = nw.from_native(X, eager_only=True)
        names = [frame.columns[j] for j in kept]
        series = [
            nw.from_native(column, series_only=True).alias(frame.columns[j])
            for j, column in filled.items()
        ]
        return frame.select(names).with_columns(*series).to_native()

    def _columns(self, X: Any) -> list[Series]:
        return read_table(X, self.missing_values)
