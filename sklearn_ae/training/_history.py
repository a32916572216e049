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

    def append(self, row: dict[str, float]) -> None:
        """Add an epoch."""
        new = [name for name in row if name not in self.columns]
        n_rows = len(self.values)
        self.columns = [*self.columns, *new]
        grown = np.full((n_rows + 1, len(self.columns)), np.nan)
        grown[:n_rows, : self.values.shape[1]] = self.values
        grown[n_rows] = [row.get(name, np.nan) for name in self.columns]
        self.values = grown

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column, empty if it was never measured."""
        if name not in self.columns:
            return np.empty(0)
        return self.values[:, self.columns.index(name)]

    def frame(self) -> pd.DataFrame:
        """Return all of it as a DataFrame indexed by epoch."""
        index = pd.RangeIndex(len(self.values), name="epoch")
        return pd.DataFrame(self.values, columns=self.columns, index=index)
