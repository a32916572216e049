"""Kinds of columns: how each is read, shown to a network, and written back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from sklearn_ae.data._dtypes import NO_TEXT
from sklearn_ae.data._series import ColumnType, Series

# Levels of a categorical column that have a number of their own, at most.
MOST_LEVELS = 255
# A level has one if so many rows hold it: between these, one in 200 otherwise.
_FEWEST, _MOST = 2, 10
_SHARE = 200
# Levels that fewer rows hold, of which the others are drawn, at most.
_MOST_RARE = 100
# Quantiles that a map to normal scores is drawn through.
_QUANTILES = 1000
# What fills columns without any value, by what they hold.
_ZERO = {"number": 0.0, "boolean": False}
# Dtypes that state their levels, and those that hold nothing.
_STATED = ("category", "Enum")
_UNTYPED = ("Unknown", "null", "null[pyarrow]")
# Days from 1970 that every unit but the nanosecond holds, and every library can show.
_MOST_DAYS = 95_000_000.0


class Column(ABC):
    """One column of a table.

    `kind` is what its loss is; `width` is the number of columns that a network sees in its
    place. Codes are one number a cell, NaN where it is missing; 0, 1, ... for `n_levels` levels,
    which is None for numbers. `holds` says what a column without levels is of.

    Parameters
    ----------
    type : ColumnType
        How the column is stored where it came from.
    """

    kind: str
    width: int = 1
    holds = "numbers"

    @property
    def known(self) -> list | None:
        """Values by code, all those that are ever drawn; None for numbers."""
        return None

    def alike(self, code: int) -> Sequence[int]:
        """Return the codes of values that a network does not tell from that of a code."""
        return (code,)

    @property
    def n_levels(self) -> int | None:
        """Number of levels; None for numbers."""
        return None

    def __init__(self, type: ColumnType) -> None:
        self.type = type

    @abstractmethod
    def encode(self, series: Series) -> NDArray[np.float64]:
        """Return the codes of cells."""

    @abstractmethod
    def values(self, codes: NDArray[np.float64]) -> Any:
        """Return the values that codes stand for."""

    def expand(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what a network sees of codes, of shape (n, width)."""
        return codes[:, None]

    def collapse(self, expanded: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the codes that expected values, of shape (n, width), are nearest to."""
        return expanded[:, 0]

    def draw(self, codes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return codes of single values, where one code stands for several."""
        return codes

    def decode(
        self, codes: NDArray[np.float64], index: Any = None, type: ColumnType | None = None
    ) -> Any:
        """Return cells as they are stored, or as a column of another type."""
        values = self.values(codes)
        if type is None:
            return self.type.build(values, index)
        return type.build(type.fit_in(values), index)


class Numeric(Column):
    """Numbers, as they are or in a map's units.

    Parameters
    ----------
    type : ColumnType
        How the column is stored.
    mapped : object, optional
        A scikit-learn transformer of one column, with its inverse.
    limits : tuple of float, optional
        Least and largest number of a column of whole ones.
    """

    kind = "numeric"

    def __init__(
        self, type: ColumnType, mapped: Any = None, limits: tuple[float, float] | None = None
    ) -> None:
        super().__init__(type)
        self.mapped = mapped
        self.limits = limits

    @classmethod
    def fit(cls, series: Series, numeric_map: str | None) -> Numeric:
        """Choose between numbers and counts, and fit the map asked for."""
        cells = series.numbers()
        observed = cells[~np.isnan(cells)]
        limits = (float(observed.min()), float(observed.max())) if series.whole else None
        if numeric_map is None:
            counted = limits is not None and limits[0] == 0 and limits[1] > 1
            return (Count if counted else cls)(series.type, limits=limits)
        n_quantiles = min(_QUANTILES, len(observed))
        mapped = (
            _Asinh()
            if numeric_map == "robust"
            else QuantileTransformer(
                n_quantiles=n_quantiles, output_distribution="normal", random_state=0
            )
        )
        mapped.set_output(transform="default")  # whatever sklearn.set_config asks for
        return cls(series.type, mapped.fit(observed[:, None]), limits)

    @classmethod
    def plain(cls, series: Series) -> Numeric:
        """Read numbers as they are, even if they count something."""
        cells = series.numbers()
        whole = series.whole and not np.isnan(cells).all()
        return cls(series.type, limits=(np.nanmin(cells), np.nanmax(cells)) if whole else None)

    def encode(self, series: Series) -> NDArray[np.float64]:
        """Return the numbers."""
        cells = series.numbers()
        return cells if self.mapped is None else self.mapped.transform(cells[:, None])[:, 0]

    def values(self, codes: NDArray[np.float64]) -> NDArray:
        """Return numbers; of whole numbers, the nearest one in the range that `fit` saw."""
        if self.mapped is not None:
            codes = self.mapped.inverse_transform(codes[:, None])[:, 0]
        if self.limits is not None:
            codes = np.clip(np.round(codes), *self.limits)
            if self.type.dtype[0] == "object":
                return np.array([int(code) for code in codes], dtype=object)
        return self.type.fit_in(codes)


class Count(Numeric):
    """Whole numbers from zero on."""

    kind = "count"


class Date(Column):
    """Points in time, as days since 1970."""

    kind = "numeric"
    holds = "dates"

    def encode(self, series: Series) -> NDArray[np.float64]:
        """Return days since 1970, with fractions."""
        return series.days()

    def values(self, codes: NDArray[np.float64]) -> NDArray[np.datetime64]:
        """Return points in time, to the microsecond, that the column can store."""
        days = np.clip(codes, -_MOST_DAYS, _MOST_DAYS)
        return self.type.fit_in(np.round(days * 86_400e6).astype("datetime64[us]"))


class Empty(Column):
    """A column in which `fit` saw no value; what it holds later is not read.

    Code 0 stands for the value that fills it where it has to be filled, and NaN for a missing
    cell. Numbers and booleans have no missing cells in reconstructions: they are 0 and False.

    Parameters
    ----------
    type : ColumnType
        How the column is stored.
    read : {"number", "boolean", "date", "category", "ordered"}
        What its dtype holds.
    fill : object, optional
        0, False, a level, or what stands for no text; None where there is no such value, as
        for dates.
    """

    kind = "empty"
    width = 0

    def __init__(self, type: ColumnType, read: str, fill: Any = None) -> None:
        super().__init__(type)
        self.read = read
        self.fill = fill

    @property
    def zero(self) -> bool:
        """Whether the column comes back as 0 or False, not as missing."""
        return self.read in _ZERO

    @classmethod
    def fit(cls, series: Series) -> Empty:
        """Choose what fills the column, by its dtype."""
        read, name = series.kind, series.type.dtype[0]
        if read in _ZERO:
            return cls(series.type, read, _ZERO[read])
        if read == "date" or name in _UNTYPED:
            return cls(series.type, read)
        if name in _STATED:
            return cls(series.type, read, next(iter(series.type.categories or []), None))
        return cls(series.type, read, NO_TEXT)

    def encode(self, series: Series) -> NDArray[np.float64]:
        """Return missing cells, whatever the column holds now."""
        return np.full(len(series), np.nan)

    def expand(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return nothing, of shape (n, 0)."""
        return np.empty((len(codes), 0))

    def collapse(self, expanded: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 0 for numbers and booleans, and missing cells otherwise."""
        return np.full(len(expanded), 0.0 if self.zero else np.nan)

    def values(self, codes: NDArray[np.float64]) -> NDArray:
        """Return what fills the column, or missing cells."""
        if self.read == "number":
            return codes
        if self.read == "date":
            return np.full(len(codes), "NaT", dtype="datetime64[us]")
        values = np.full(len(codes), self.fill, dtype=object)
        values[np.isnan(codes)] = None
        return values


class _Leveled(Column):
    """One of several levels.

    Parameters
    ----------
    type : ColumnType
        How the column is stored.
    levels : sequence
        The levels, in the order of their codes.
    """

    def __init__(self, type: ColumnType, levels: Sequence) -> None:
        super().__init__(type)
        self.levels = list(levels)

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def known(self) -> list:
        """The levels."""
        return self.levels

    def encode(self, series: Series) -> NDArray[np.float64]:
        """Return the numbers of levels; one that is not known is missing."""
        text = [isinstance(level, str) for level in self.levels]
        if text and all(text) and series.kind == "number":
            series.refuse("text")
        if text and not any(text) and series.text:
            series.refuse("booleans" if self.levels == [False, True] else "numbers")
        codes = self._index.get_indexer(_objects(series.objects()))
        return np.where(codes < 0, np.nan, codes)

    def values(self, codes: NDArray[np.float64]) -> NDArray[np.object_]:
        """Return levels."""
        return self._index.to_numpy()[codes.astype(np.intp)]

    @property
    def _index(self) -> pd.Index:
        # OrdinalEncoder refuses levels that are tuples or of several types, and is slower.
        return _objects(self.levels)


class Binary(_Leveled):
    """One of two levels, as 0 and 1."""

    kind = "binary"

    def collapse(self, expanded: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the likelier level of a probability."""
        return (expanded[:, 0] > 0.5).astype(np.float64)


class Ordinal(_Leveled):
    """One of several levels in order, as their ranks."""

    kind = "numeric"

    def collapse(self, expanded: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the nearest rank."""
        return np.clip(np.round(expanded[:, 0]), 0, len(self.levels) - 1)


class Categorical(_Leveled):
    """One of several levels without order, as an indicator of each.

    Levels that few rows hold share the last indicator with those that appear after the fit.

    Parameters
    ----------
    type : ColumnType
        How the column is stored.
    levels : sequence
        Levels with an indicator of their own.
    infrequent : object, optional
        The most frequent of the other levels, if there are any.
    rare : sequence
        Some that are not as frequent as that, for rows that are drawn.
    counts : sequence of float
        Rows that hold the infrequent one, and each of the rare ones.
    """

    kind = "categorical"
    rare: Sequence = ()
    counts: Sequence[float] = (1.0,)

    def __init__(
        self,
        type: ColumnType,
        levels: Sequence,
        infrequent: Any = None,
        rare: Sequence = (),
        counts: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__(type, levels)
        self.infrequent = infrequent
        self.width = len(self.levels) + (infrequent is not None)
        self.rare = list(rare)
        self.counts = list(counts)

    @property
    def n_levels(self) -> int:
        """Number of levels, the infrequent ones being one."""
        return self.width

    @property
    def known(self) -> list:
        """The levels, infrequent ones last."""
        other = [] if self.infrequent is None else [self.infrequent, *self.rare]
        return [*self.levels, *other]

    def alike(self, code: int) -> Sequence[int]:
        """Return the code itself, or those of all infrequent levels."""
        first = len(self.levels)
        return (code,) if code < first else range(first, len(self.known))

    def encode(self, series: Series) -> NDArray[np.float64]:
        """Return the numbers of levels; without infrequent ones, an unknown one is missing."""
        codes = super().encode(series)
        if self.infrequent is None:
            return codes
        other = np.isnan(codes) & ~series.missing()
        return np.where(other, float(len(self.levels)), codes)

    def expand(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an indicator of each level, NaN in all where the cell is missing."""
        out = (codes[:, None] == np.arange(self.width)).astype(np.float64)
        out[np.isnan(codes)] = np.nan
        return out

    def collapse(self, expanded: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the likeliest level."""
        return expanded.argmax(axis=1).astype(np.float64)

    def draw(self, codes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return codes in which each infrequent level has one, as often as it was in `fit`."""
        codes = codes.copy()
        pooled = codes == len(self.levels)
        if self.rare and pooled.any():
            share = np.array(self.counts) / sum(self.counts)
            codes[pooled] += rng.choice(len(share), int(pooled.sum()), p=share)
        return codes

    def values(self, codes: NDArray[np.float64]) -> NDArray[np.object_]:
        """Return levels; the most frequent of the infrequent ones for their common code."""
        return _Leveled(self.type, self.known).values(codes)


class _Asinh(RobustScaler):
    """asinh of a column in units of its quartiles, which tames both tails."""

    def transform(self, X: NDArray) -> NDArray[np.float64]:
        """Map a column."""
        return np.arcsinh(super().transform(X))

    def inverse_transform(self, X: NDArray) -> NDArray[np.float64]:
        """Map it back; numbers larger than asinh ever gives are cut."""
        return super().inverse_transform(np.sinh(np.clip(X, -300.0, 300.0)))


def fit_column(
    series: Series,
    *,
    categorical: bool,
    numeric_map: str | None,
    most_levels: int = MOST_LEVELS,
    counted: tuple[pd.Series, int] | None = None,
) -> Column:
    """Decide the kind of a column.

    Parameters
    ----------
    series : Series
        Its cells.
    categorical : bool
        Whether the user calls it categorical.
    numeric_map : {None, "robust", "quantile"}
        What numbers are mapped by.
    most_levels : int
        Levels that are told apart, at most.
    counted : (Series, int), optional
        How many cells hold each level, and number of cells, where the series is not all of them.
    """
    kind = series.kind
    if series.missing().all():
        return Empty.fit(series)
    if kind == "date" and not categorical:
        return Date(series.type)
    if kind == "number" and not categorical:
        return Numeric.fit(series, numeric_map)
    if kind == "ordered" and not categorical:
        return Ordinal(series.type, series.type.categories or [])
    counts, n_cells = _levels_of(series) if counted is None else counted
    # Among levels of one frequency, the order of their names.
    counts = counts.iloc[sorted(range(len(counts)), key=lambda i: str(counts.index[i]))]
    counts = counts.sort_values(ascending=False, kind="stable")
    fewest = min(max(_FEWEST, math.ceil(n_cells / _SHARE)), _MOST)
    frequent = counts.index[: int((counts >= fewest).sum())][:most_levels].tolist()
    others = counts.index[len(frequent) :][: _MOST_RARE + 1].tolist()
    levels = sorted(frequent, key=_order)
    if kind == "boolean":
        return Binary(series.type, [False, True])
    if len(levels) == 2 and not others:
        return Binary(series.type, levels)
    if not others:
        return Categorical(series.type, levels)
    held = counts.iloc[len(frequent) :][: len(others)].astype(float).tolist()
    return Categorical(series.type, levels, others[0], others[1:], held)


def _levels_of(series: Series) -> tuple[pd.Series, int]:
    """Return how many cells hold each level, and the number of cells."""
    cells = series.objects()
    # OneHotEncoder groups levels likewise, but forgets which of a group is the most frequent.
    numbers, found = pd.factorize(cells[~series.missing()])
    return pd.Series(np.bincount(numbers), _objects(found)), len(cells)


def _objects(values: Any) -> pd.Index:
    """Return an index of Python objects; pandas' own for text takes no half of a surrogate pair."""
    return pd.Index(values, dtype=object, tupleize_cols=False)


def _order(level: Any) -> tuple[str, Any]:
    """Sort numbers by size, and all else by name."""
    number = isinstance(level, int | float | np.number)
    return ("", level) if number else (type(level).__name__, str(level))
