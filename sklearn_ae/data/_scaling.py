"""Internal conditioning: a network sees standardised columns, whatever X's units are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data._lazy_rows import LazyRows, SparseRows
from sklearn_ae.data._rows import Rows

# Below this share of a column's largest magnitude, a standard deviation is rounding.
_CONSTANT = 4 * np.finfo(np.float64).eps
# Noisy and clean rows whose means differ by so many standard deviations, or whose standard
# deviations by such a factor, are in different units.
_FAR = 3.0
_OTHER_SCALE = 20.0
# Cells over which an operation with one number a column runs at once.
_STRETCH = 1024
# Scales between which float32 neither overflows nor loses digits.
_SMALLEST, _LARGEST = 1e-30, 1e30
# The largest mean or standard deviation of columns that are read as they are.
_LARGEST_AS_IT_IS = 1e30
# Cells that are standardised at once, so that they stay in a core's cache.
_CACHED_CELLS = 2**14
# Standard deviations that may be lost where float32 numbers are standardised.
_ROUNDING = 2.0**-26


class Standardizer:
    """Standardises rows in their own dtype, a few at a time.

    Parameters
    ----------
    n_features : int
        Columns.
    steps : list of pair of (callable, ndarray of shape (n_features,))
        Binary ufuncs, which are applied one after the other, and their second arguments.
        Several rows are taken as one long one, as a loop over a few columns is slow.
    """

    def __init__(self, n_features: int, steps: list[tuple[np.ufunc, NDArray]]) -> None:
        self.n_features = n_features
        self.several = max(1, _STRETCH // max(1, n_features))
        self.steps = [(f, row, np.tile(row, self.several)) for f, row in steps]

    def __call__(self, x: NDArray) -> NDArray:
        """Return standardised rows."""
        cells = np.ascontiguousarray(x).reshape(-1, self.n_features)
        out = np.empty_like(cells)
        step = self.several * max(1, _CACHED_CELLS // (self.several * self.n_features))
        for start in range(0, len(cells), step):
            part = slice(start, start + step)
            self._write(cells[part], out[part])
        return out.reshape(x.shape)

    def _write(self, x: NDArray, out: NDArray) -> None:
        whole = len(x) - len(x) % self.several
        shape = (whole // self.several, self.several * self.n_features)
        long, rest, long_out, rest_out = x[:whole], x[whole:], out[:whole], out[whole:]
        long, long_out = long.reshape(shape), long_out.reshape(shape)
        for function, row, tiled in self.steps:
            function(long, tiled, out=long_out)
            long = long_out
            if len(rest):
                function(rest, row, out=rest_out)
                rest = rest_out


class ColumnScaling:
    """Means and standard deviations of columns, and the map to standard units.

    A constant column has scale 0: it is seen as 0 and restored as its mean. Missing cells
    have no part in either; a column without an observed cell has mean 0.
    Columns are divided by their largest magnitude before they are squared, so that
    1e30 and 1e-30 neither overflow nor vanish.

    Parameters
    ----------
    mean : ndarray of shape (n_features,), float64
        Weighted column means.
    scale : ndarray of shape (n_features,), float64
        Weighted standard deviations, 0 for constant columns.
    """

    # Attributes with an entry for each column.
    _of_columns: tuple[str, ...] = ("mean", "scale")

    def __init__(self, mean: NDArray, scale: NDArray) -> None:
        self.mean = mean
        self.scale = scale

    @classmethod
    def fit(cls, rows: Rows) -> ColumnScaling:
        """Measure the columns of some rows in two passes."""
        if isinstance(rows.values, SparseRows):
            return cls._of_moments(*rows.selected(rows.values).moments(rows.weights))
        largest = np.zeros(rows.n_features)
        total: float | NDArray = rows.total_weight
        for x, _ in rows.blocks():
            np.fmax(largest, np.fmax.reduce(np.abs(x), axis=0), out=largest)
        largest = rows.workers.largest(largest)
        unit = np.where(largest > 0, largest, 1.0)
        if len(rows.missing_columns):
            total = cls._sum(rows, lambda x: (~np.isnan(x)).astype(np.float64))
            total = np.where(total > 0, total, 1.0)
        mean = cls._sum(rows, lambda x: x / unit) / total
        variance = cls._sum(rows, lambda x: (x / unit - mean) ** 2) / total
        return cls._of_moments(largest, mean, variance)

    @classmethod
    def _of_moments(cls, largest: NDArray, mean: Any, variance: Any) -> ColumnScaling:
        """Make the scaling from largest magnitudes, and moments in units of them."""
        unit = np.where(largest > 0, largest, 1.0)
        scale = np.sqrt(variance)
        scale[scale <= _CONSTANT] = 0.0
        return cls(mean * unit, scale * unit)

    @staticmethod
    def _sum(rows: Rows, function: Callable[[NDArray], NDArray]) -> NDArray:
        """Return the weighted sum of a function of all rows, of cells that are observed."""
        total = np.zeros(rows.n_features)
        for block, weight in rows.blocks():
            found = function(block)
            total += np.nansum(found if weight is None else found * weight[:, None], axis=0)
        return rows.workers.sum(total)

    @property
    def relative_scale(self) -> NDArray:
        """Scales divided by the largest; all zero if every column is constant."""
        largest = self.scale.max(initial=0.0)
        return self.scale / largest if largest > 0 else self.scale

    @property
    def largest(self) -> float:
        """Unit of codes: the largest scale, or 1 if every column is constant."""
        return float(self.scale.max(initial=0.0)) or 1.0

    @cached_property
    def divisor(self) -> NDArray:
        """Scales to divide by; infinite in constant columns."""
        return np.where(self.scale > 0, self.scale, np.inf)

    @property
    def feature(self) -> NDArray[np.intp] | None:
        """Feature that each column belongs to, where some have several columns."""
        return None

    def apply(self, x: NDArray) -> NDArray[np.float64]:
        """Standardise a block of rows, in float64."""
        standard = np.subtract(x, self.mean, dtype=np.float64)
        standard /= self.divisor
        return standard

    def standardizer(self, dtype: np.dtype) -> Callable[[NDArray], NDArray]:
        """Return what does the same as `apply`, in a dtype, up to its rounding."""
        if dtype != np.float32:
            return self._in_pieces
        scale = self.scale[self.scale > 0]
        if np.any((scale < _SMALLEST) | (scale > _LARGEST)):
            return self._in_pieces
        divisor = self.divisor
        # The mean in two parts, as one float32 number may be off by many standard deviations.
        mean = self.mean.astype(np.float32)
        rest = self.mean - mean
        steps: list = [(np.subtract, mean), (np.divide, divisor.astype(np.float32))]
        if np.any(np.abs(rest) > _ROUNDING * divisor):
            steps.insert(1, (np.subtract, rest.astype(np.float32)))
        return Standardizer(len(mean), steps)

    def _in_pieces(self, x: NDArray) -> NDArray:
        """Standardise rows in float64, a few at a time, and return them in their dtype."""
        step = max(1, _CACHED_CELLS * len(x) // max(1, x.size))
        if len(x) <= step:
            return self.apply(x).astype(x.dtype, copy=False)
        out = np.empty(x.shape, x.dtype)
        for start in range(0, len(x), step):
            part = slice(start, start + step)
            out[part] = self.apply(x[part].astype(np.float64, copy=False))
        return out

    def log_slope(self, x: NDArray) -> NDArray[np.float64]:
        """Return the logarithm of the slope of `apply` at each cell, 0 in constant columns."""
        slope = -np.log(np.where(self.scale > 0, self.scale, 1.0))
        return np.broadcast_to(slope, x.shape)

    def following(self, before: ColumnScaling, index: NDArray[np.intp]) -> Self:
        """Return these scales, but for columns that were there before, which keep theirs.

        Parameters
        ----------
        before : ColumnScaling
            The scales so far.
        index : ndarray of shape (n_features,), int
            Where each column was, -1 for those that are new.
        """
        scaling = copy.copy(self)
        vars(scaling).pop("divisor", None)
        for name in self._of_columns:
            own, old = getattr(self, name), getattr(before, name, None)
            if old is not None:
                found = [x if i < 0 else old[i] for x, i in zip(own, index, strict=True)]
                setattr(scaling, name, np.array(found) if isinstance(own, np.ndarray) else found)
        return scaling

    def state(self) -> dict:
        """Return plain arrays, from which `scaling_from` makes the scaling again."""
        return {"mean": self.mean, "scale": self.scale}

    def restore(self, z: NDArray) -> NDArray[np.float64]:
        """Return standardised rows to X's units, in float64."""
        return z.astype(np.float64, copy=False) * self.scale + self.mean


class UnitScaling(ColumnScaling):
    """Columns as they are, as all of them are in one unit.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,), float64
        0 and 1.
    center : ndarray of shape (n_features,), float64
        Weighted column means, which nothing is shifted by.
    """

    _of_columns = ("mean", "scale", "center")

    def __init__(self, mean: NDArray, scale: NDArray, center: NDArray) -> None:
        super().__init__(mean, scale)
        self.center = center

    @classmethod
    def fit(cls, rows: Rows) -> UnitScaling:
        """Measure the means of some rows.

        Raises
        ------
        ValueError
            If numbers are too large to be read as they are.
        """
        measured = ColumnScaling.fit(rows)
        center = measured.mean
        largest = float(np.max(np.maximum(np.abs(center), measured.scale), initial=0.0))
        if not largest <= _LARGEST_AS_IT_IS:
            raise ValueError(
                f"A column of X has a mean or standard deviation of {largest:.3g}, and columns of "
                f"counts are read as they are, up to {_LARGEST_AS_IT_IS:.0e}; divide X by a number."
            )
        return cls(np.zeros_like(center), np.ones_like(center), center)

    def state(self) -> dict:
        """Return plain arrays, from which `scaling_from` makes the scaling again."""
        return {**super().state(), "center": self.center}


def check_same_units(noisy: NDArray | LazyRows, clean: NDArray | LazyRows) -> None:
    """Raise if clean rows are not in the units of their noisy versions.

    Parameters
    ----------
    noisy, clean : ndarray or LazyRows of shape (n, n_features)
        Rows in pairs.
    """
    first, second = ColumnScaling.fit(Rows(noisy)), ColumnScaling.fit(Rows(clean))
    larger = np.maximum(first.scale, second.scale)
    smaller = np.minimum(first.scale, second.scale)
    far = np.abs(first.mean - second.mean) > _FAR * larger
    other_scale = (larger > _OTHER_SCALE * smaller) & (smaller > 0)
    strange = np.flatnonzero((far & (larger > 0)) | other_scale)
    if len(strange):
        j = strange[0]
        raise ValueError(
            f"X_clean is not in the units of X: column {j} has mean {second.mean[j]:.4g} and "
            f"standard deviation {second.scale[j]:.4g} there, and {first.mean[j]:.4g} and "
            f"{first.scale[j]:.4g} in X. If a Pipeline transforms X before this step, let it "
            'transform X_clean too: Pipeline(..., transform_input=["X_clean"]).'
        )
