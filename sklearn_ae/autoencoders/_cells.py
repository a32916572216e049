"""Values that rows which are drawn are to have in some columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_ae.autoencoders._reading import Reader
from sklearn_ae.data import Column, Series, Support
from sklearn_ae.losses import Loss


class _Cell(NamedTuple):
    feature: int  # column of X
    code: float
    like: tuple[float, ...]  # codes that count as drawn; empty where the nearest is taken
    unit: float = 1.0  # of distances


class Cells:
    """Values asked for: those of levels and of few values exactly, others as near as may be.

    Parameters
    ----------
    conditions : mapping
        Values by names or positions of columns.
    reader : Reader
        Reads the columns.
    support : Support, optional
        What they hold.
    loss : Loss
        Says what is drawn in columns that it is a distribution of.
    names : list
        Their labels; positions of arrays.

    Raises
    ------
    ValueError
        If a name is no column, or no row of `fit` holds what is asked for.
    """

    def __init__(
        self,
        conditions: Mapping,
        reader: Reader,
        support: Support | None,
        loss: Loss,
        names: list,
    ) -> None:
        if not isinstance(conditions, Mapping):
            raise ValueError(
                f"conditions={conditions!r:.60} must be a mapping of columns to values, as in "
                f"{{{names[0]!r}: ...}}."
            )
        self.adapter = reader.adapter
        self.loss = loss
        self.held = {} if support is None else support.by_column
        self.ends = None if support is None else support.ends
        self.names = {name: j for j, name in enumerate(names)}
        self.cells = [self._cell(name, value) for name, value in conditions.items()]

    @property
    def near(self) -> bool:
        """Whether a value is asked for that hardly any draw has exactly."""
        return any(not cell.like for cell in self.cells)

    @property
    def features(self) -> list[int]:
        """Columns of X that something is asked of."""
        return [cell.feature for cell in self.cells]

    def hold(self, drawn: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows have the values that are drawn as they are."""
        found = np.ones(len(drawn), dtype=bool)
        for cell in self.cells:
            if cell.like:
                found &= np.isin(drawn[:, cell.feature], cell.like)
        return found

    def distance(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far rows are from the other values."""
        total = np.zeros(len(drawn))
        for cell in self.cells:
            if not cell.like:
                total += ((drawn[:, cell.feature] - cell.code) / cell.unit) ** 2
        return total

    def put(self, drawn: NDArray[np.float64]) -> None:
        """Write the values into rows that are near to them."""
        for cell in self.cells:
            drawn[:, cell.feature] = cell.code

    def _cell(self, name: Any, value: Any) -> _Cell:
        feature = self.names.get(name)
        if feature is None:
            raise ValueError(
                f"conditions names {name!r:.60}, which is no column of X; use one of "
                f"{list(self.names)!r:.200}."
            )
        scalar = pd.api.types.is_scalar(value)
        if scalar and pd.isna(value):
            raise ValueError(
                f"conditions asks for {value!r} in column {name!r:.60}, which is a missing cell; "
                "ask for a value, or draw with missing=True and choose among the rows."
            )
        if feature in self.adapter.without_values:
            _refuse(name, value, "it holds no value in any row", "ask for another column")
        own = self.adapter.column(feature)
        if own is not None and own.known is not None:
            at = [code for code, level in enumerate(own.known) if _same(level, value)]
            if not at:
                way = "ask for one of these, or for several by constraint="
                _refuse(name, value, f"its levels are {own.known!r:.200}", way)
            return _Cell(feature, float(at[0]), tuple(map(float, own.alike(at[0]))))
        if not scalar:
            _refuse(
                name,
                value,
                "a cell holds a single value",
                "ask for one, or for several by constraint=",
            )
        return self._number(feature, name, value, own)

    def _number(self, feature: int, name: Any, value: Any, own: Column | None) -> _Cell:
        """Return the cell of a column of numbers or dates."""
        what = "numbers" if own is None else own.holds
        if what == "dates" and isinstance(value, str | date):
            value = _stamp(value)
        try:
            series = Series(pd.Series([value]), name)
            code = float((series.numbers() if own is None else own.encode(series))[0])
        except (ValueError, TypeError, OverflowError) as error:
            way = "a date" if what == "dates" else "a finite number"
            _refuse(name, value, f"it holds {what}", f"ask for {way}", error)

        def shown(*codes: float) -> list:
            found = self.adapter.cells(feature, np.array(codes))
            return list(map(str, found)) if found.dtype.kind == "M" else found.tolist()

        column = self.adapter.place(feature)
        held = self.held.get(column)
        if held is not None:
            exact, unit = held.exact(code), held.high - held.low
            if exact is None and held.few:
                _refuse(name, value, f"its values are {shown(*held.held)!r:.200}")
            low, high, whole = held.low, held.high, held.whole
            bad = exact is None
        else:
            exact, unit, ends = False, 1.0, self.loss.whole(column)
            whole, (low, high) = ends is not None, (-np.inf, np.inf) if ends is None else ends
            if self.ends is not None:
                low, high = self.ends[column]
            bad = not low <= code <= high or (whole and code != np.round(code))
        if bad:
            low, high = shown(low, high) if np.isfinite([low, high]).all() else (low, high)
            lie = (
                "lie" if not whole else "are whole days" if what == "dates" else "are whole numbers"
            )
            _refuse(name, value, f"its values {lie} between {low} and {high}")
        stored = shown(code)[0]
        if what == "numbers" and not np.isclose(stored, float(value), rtol=1e-6):
            _refuse(name, value, f"it would come back as {stored}")
        # Where values are drawn as they are, the nearest is the value itself.
        return _Cell(feature, code, (code,) if exact else (), unit)


def _stamp(value: str | date) -> Any:
    """Return the point in time that text or a date names, if it names one."""
    try:
        return pd.Timestamp(value)
    except ValueError:
        return value


def _same(level: Any, value: Any) -> bool:
    """Whether a value is a level, whatever either is."""
    found = level == value
    return isinstance(found, bool | np.bool_) and bool(found)


def _refuse(
    name: Any,
    value: Any,
    why: str,
    way: str = "ask for one of these",
    error: Exception | None = None,
) -> NoReturn:
    raise ValueError(
        f"conditions asks for {value!r:.60} in column {name!r:.60}, but no row of fit has it: "
        f"{why}; {way}."
    ) from error
