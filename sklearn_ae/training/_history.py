"""What happened epoch by epoch, as one float array."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class History:
    """A row an epoch, the start being epoch 0; a column a named quantity.

    Parameters
    ----------
    columns : list of str
        Names of the columns.
    values : ndarray of shape (n_epochs + 1, n_columns)
        The quantities; NaN where one is not measured.
    """

    def __init__(
        self, columns: list[str] | None = None, values: NDArray[np.float64] | None = None
    ) -> None:
        self.columns = columns or []
        self.values = np.empty((0, 0)) if values is None else values

    def extended(self, row: dict[str, float]) -> History:
        """Return a history with one more epoch."""
        columns = [*self.columns, *(name for name in row if name not in self.columns)]
        values = np.full((len(self.values) + 1, len(columns)), np.nan)
        values[:-1, : len(self.columns)] = self.values
        values[-1] = [row.get(name, np.nan) for name in columns]
        return History(columns, values)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column, empty if it was never measured."""
        if name not in self.columns:
            return np.empty(0)
        return self.values[:, self.columns.index(name)]

    def frame(self) -> pd.DataFrame:
        """Return all of it as a DataFrame indexed by epoch."""
        index = pd.RangeIndex(len(self.values), name="epoch")
        return pd.DataFrame(self.values, columns=self.columns, index=index)
