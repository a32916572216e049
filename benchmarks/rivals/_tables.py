"""What SDV does to a table around its synthesizers, by the parts of rdt that it uses for it.

SDV itself needs pandas below 3. Its single-table synthesizers are these parts and the models of
ctgan and copulas, with their defaults.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

# What stands for a missing category; rdt loses its share with pandas 3.
_UNKNOWN = "unknown category"


def discrete_columns(frame: pd.DataFrame) -> list:
    """Return the columns that SDV's detection of metadata calls categorical.

    Parameters
    ----------
    frame : DataFrame
        Training rows.

    Returns
    -------
    names : list
        What are no numbers, and whole numbers from zero on of at most ten values.
    """
    return [name for name in frame if _is_discrete(frame[name])]


def _is_discrete(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return True
    known = column.dropna()
    whole = bool((known == known.round()).all() and (known >= 0).all())
    return whole and known.nunique() <= min(round(len(known) / 10), 10)


class Formatted:
    """A synthesizer between formatters: numbers keep their range, digits and missing cells.

    Parameters
    ----------
    frame : DataFrame
        Training rows.
    fit : callable
        Takes the formatted rows and the names of discrete columns, and returns a function that
        takes a number of rows and a seed, and draws formatted rows.
    discrete_as_numbers : bool, default=False
        Map discrete columns to numbers too, as SDV does for copulas.
    """

    def __init__(
        self, frame: pd.DataFrame, fit: Callable, *, discrete_as_numbers: bool = False
    ) -> None:
        from rdt.transformers import FloatFormatter, UniformEncoder

        self.columns, self.dtypes = frame.columns, frame.dtypes
        discrete = discrete_columns(frame)
        self.formatters = {}
        self.filled = [name for name in discrete if frame[name].isna().any()]
        frame = frame.astype(dict.fromkeys(self.filled, object))
        frame[self.filled] = frame[self.filled].fillna(_UNKNOWN)
        formatted = frame.copy()
        for name in frame:
            if name not in discrete:
                formatter = FloatFormatter(learn_rounding_scheme=True, enforce_min_max_values=True)
            elif discrete_as_numbers:
                formatter = UniformEncoder()
            else:
                continue
            formatter.fit(frame[[name]].copy(), name)
            formatted[name] = formatter.transform(frame[[name]].copy())[name]
            self.formatters[name] = formatter
        self.draw = fit(formatted, [] if discrete_as_numbers else discrete)

    def sample(self, n_samples: int, *, random_state: int) -> pd.DataFrame:
        """Return new rows, in the units of the training rows."""
        np.random.seed(random_state)  # noqa: NPY002 - rdt and copulas know no other
        rows = self.draw(n_samples, random_state)
        for name, formatter in self.formatters.items():
            rows[name] = formatter.reverse_transform(rows[[name]].copy())[name]
        for name in self.filled:
            rows[name] = rows[name].astype(object).replace(_UNKNOWN, None)
        return rows[self.columns].astype(self.dtypes)
