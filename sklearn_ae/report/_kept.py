"""How much of a table comes back from codes, whatever its columns hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

# As the estimators do: levels that few rows hold count as one.
_SHARE, _FEWEST, _MOST = 200, 2, 10


class KeptShare:
    """Scores a pipeline by what it keeps of each column: R² of numbers, Cohen's kappa of text.

    Both are 1 for what comes back as it was, and 0 for what the best constant gives. Columns
    count equally, and missing cells do not count. Levels that few rows hold count as one.

    Parameters
    ----------
    frame : DataFrame
        The table, whose columns say what is text and what is rare.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        fewest = min(max(_FEWEST, -(-len(frame) // _SHARE)), _MOST)
        self.levels: list[pd.Index | None] = []
        for j in range(frame.shape[1]):
            column = frame.iloc[:, j]
            if is_level(column):
                counts = column.astype(object).value_counts()
                self.levels.append(counts.index[counts >= fewest])
            else:
                self.levels.append(None)

    def __call__(self, estimator: Any, X: pd.DataFrame, y: Any = None) -> float:
        """Return the mean over columns that vary.

        Parameters
        ----------
        estimator : fitted Pipeline
            With `transform` and `inverse_transform`.
        X : DataFrame
            Rows that it has not seen.
        y : ignored
            Here because scorers take it.
        """
        shares = self.of_columns(X, estimator.inverse_transform(estimator.transform(X)))
        return float(np.nanmean(shares))

    def of_columns(self, X: pd.DataFrame, rebuilt: Any) -> np.ndarray:
        """Return the share that is kept of each column, NaN where it does not vary."""
        rebuilt = rebuilt if isinstance(rebuilt, pd.DataFrame) else pd.DataFrame(rebuilt)
        return np.array([self._of(X.iloc[:, j], rebuilt.iloc[:, j], j) for j in range(X.shape[1])])

    def _of(self, true: pd.Series, back: pd.Series, j: int) -> float:
        held = true.notna().to_numpy()
        levels = self.levels[j]
        if levels is None:
            a, b = numbers(true)[held], numbers(back)[held]
            total = ((a - a.mean()) ** 2).sum() if len(a) else 0.0
            return float(1 - ((a - b) ** 2).sum() / total) if total > 0 else np.nan
        a, b = (levels.get_indexer(c.astype(object)[held].to_numpy()) for c in (true, back))
        shares = [np.bincount(c + 1, minlength=len(levels) + 1) / max(1, len(c)) for c in (a, b)]
        by_chance = 1 - float(shares[0] @ shares[1])
        varies = (shares[0] > 0).sum() > 1
        return 1 - float((a != b).mean()) / by_chance if varies else np.nan


def is_level(column: pd.Series) -> bool:
    """Whether a column holds text or booleans."""
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return not (number or pd.api.types.is_datetime64_any_dtype(column))


def numbers(column: pd.Series) -> np.ndarray:
    """Return numbers, or days."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return ((column - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy(float)
    return column.to_numpy(float, na_value=np.nan)
