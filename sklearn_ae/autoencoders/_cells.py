"""Values that rows which are drawn are to have in some columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_ae.autoencoders._reading import Reader
from sklearn_ae.data import Columns, Series, Support


class _Cell(NamedTuple):
    column: int  # as the network's side has it
    code: float
    unit: float  # of distances; 0 where a value is drawn as it is


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
    names : list
        Their labels; positions of arrays.

    Raises
    ------
    ValueError
        If a name is no column, or no row of `fit` holds what is asked for.
    """

    def __init__(
        self, conditions: Mapping, reader: Reader, support: Support | None, names: list
    ) -> None:
        if not isinstance(conditions, Mapping):
            raise ValueError(
                f"conditions={conditions!r:.60} must be a mapping of columns to values, as in "
                f"{{{names[0]!r}: ...}}."
            )
        self.columns: Columns | None = getattr(reader.adapter, "columns", None)
        self.held = {} if support is None else support.by_column
        self.features: list[int] = []
        self.cells = [self._cell(name, value, names) for name, value in conditions.items()]

    @property
    def near(self) -> bool:
        """Whether a value is asked for that hardly any draw has exactly."""
        return any(cell.unit for cell in self.cells)

    def hold(self, drawn: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows have the values that are drawn as they are."""
        codes = drawn if self.columns is None else self.columns.collapse(drawn)
        found = np.ones(len(drawn), dtype=bool)
        for feature, cell in zip(self.features, self.cells, strict=True):
            if not cell.unit:
                found &= codes[:, feature] == cell.code
        return found

    def distance(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far rows are from the other values."""
        total = np.zeros(len(drawn))
        for cell in self.cells:
            if cell.unit:
                total += ((drawn[:, cell.column] - cell.code) / cell.unit) ** 2
        return total

    def put(self, drawn: NDArray[np.float64]) -> None:
        """Write the other values into rows that are near to them."""
        for cell in self.cells:
            if cell.unit:
                drawn[:, cell.column] = cell.code

    def _cell(self, name: Any, value: Any, names: list) -> _Cell:
        at = [j for j, own in enumerate(names) if own == name]
        if len(at) != 1:
            raise ValueError(
                f"conditions names {name!r:.60}, which is no column of X; use one of "
                f"{names!r:.200}."
            )
        feature = at[0]
        self.features.append(feature)
        column = feature if self.columns is None else self.columns.spans[feature].start
        if pd.api.types.is_scalar(value) and pd.isna(value):
            raise ValueError(
                f"conditions asks for {value!r} in column {name!r:.60}, which is a missing cell; "
                "ask for a value, or draw with missing=True and choose among the rows."
            )
        own = None if self.columns is None else self.columns.columns[feature]
        if own is None:
            code = float(Series(pd.Series([value]), name).numbers()[0])
        else:
            code = float(own.encode(Series(pd.Series([value]), name))[0])
        if own is not None and own.n_levels is not None:
            known = own.values(np.arange(own.n_levels, dtype=np.float64)).tolist()
            if np.isnan(code) or known[int(code)] != value:
                self._refuse(name, value, f"its levels are {known!r:.200}")
            return _Cell(column, code, 0.0)
        if own is not None and own.width == 0:
            self._refuse(name, value, "it holds no value in any row")
        held = self.held.get(column)
        if held is None:  # where values are drawn as they are, the nearest is the value itself
            return _Cell(column, code, 1.0)
        exact = held.exact(code)
        if exact is None:
            lowest, highest = held.low, held.high
            if own is not None:
                lowest, highest = own.values(np.array([lowest, highest]))
            self._refuse(
                name,
                value,
                f"its values are {held.held.tolist()!r:.200}"
                if held.few
                else f"its values lie between {lowest} and {highest}",
            )
        return _Cell(column, code, 0.0 if exact else held.high - held.low)

    @staticmethod
    def _refuse(name: Any, value: Any, why: str) -> None:
        raise ValueError(
            f"conditions asks for {value!r:.60} in column {name!r:.60}, but no row of fit has it: "
            f"{why}; ask for one of these."
        )
