"""What happened epoch by epoch, as one float array."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skorch.history import History as SkorchHistory

# What training notes of an epoch, by our names and by skorch's.
COLUMNS = {
    *("batches", "dur", "epoch", "learning_rate", "reconstruction", "seconds", "train_loss"),
    *("components_used", "dead_units", "kl", "valid_loss", "valid_loss_best"),
}


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

    def to_skorch(self, batches: list[list[dict[str, Any]]] | None = None) -> SkorchHistory:
        """Return it as skorch keeps it, where the first row is that of the first epoch.

        Parameters
        ----------
        batches : list of list of dict, optional
            What is known of the batches of each epoch.
        """
        names = {"seconds": "dur"}
        found = SkorchHistory()
        least = np.fmin.accumulate(self.column("valid_loss"))
        for epoch, row in enumerate(self.values.tolist()):
            if epoch == 0:
                continue
            found.new_epoch()
            found.record("epoch", epoch)
            for name, value in zip(self.columns, row, strict=True):
                if not math.isnan(value):
                    found.record(names.get(name, name), value)
            if "valid_loss" in found[-1]:
                found.record("valid_loss_best", bool(least[epoch] < least[epoch - 1]))
            if batches is not None:
                found[-1]["batches"] = batches[epoch - 1]
        return found

    def frame(self) -> pd.DataFrame:
        """Return all of it as a DataFrame indexed by epoch."""
        index = pd.RangeIndex(len(self.values), name="epoch")
        return pd.DataFrame(self.values, columns=self.columns, index=index)
