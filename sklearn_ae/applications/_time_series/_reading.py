"""Series and their points in time, of arrays and data frames."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from sklearn_ae.data import Container, check_accepted, objects_as_numbers, read_table
from sklearn_ae.sources._opening import refuse_source

_DATED = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
_DTYPES = (np.float64, np.float32)
# Scikit-learn adds up the cells, past infinity both ways.
_SILENT = np.errstate(invalid="ignore", over="ignore")


class LongSeries(NamedTuple):
    """A series as it was read.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n_columns), float32 or float64
        Numbers, NaN where they are missing.
    time : ndarray of shape (n_steps,), float64, or None
        Points in time, counted from the first; None where steps have none.
    labels : pandas.Index
        What steps are called.
    unit : str
        What time is counted in: "number" or "duration"; "step" where steps have no time.
    """

    values: NDArray
    time: NDArray[np.float64] | None
    labels: pd.Index
    unit: str


def is_several(X: Any) -> bool:
    """Whether X is a list of series, not the rows of one."""
    return isinstance(X, list | tuple) and len(X) > 0 and len(getattr(X[0], "shape", ())) == 2


def read_series(estimator: Any, X: Any, time: Any, *, reset: bool) -> LongSeries:
    """Check a series, and take its points in time from where they are.

    Parameters
    ----------
    estimator : estimator
        Its features are compared, or set if `reset`.
    X : array-like or data frame of shape (n_steps, n_columns)
        The series. The index of a pandas frame is of points in time if it is of dates, durations
        or numbers.
    time : array-like of shape (n_steps,), str or None
        Points in time, or the column of X that has them.
    reset : bool
        Whether this is the series of `fit`.

    Raises
    ------
    ValueError
        If a column is not of numbers, or time falls or lacks a point.
    """
    refuse_source(estimator, X)
    check_accepted(X)
    if isinstance(time, str):
        X, time = _taken_out(X, time)
    values = _numbers(estimator, X, reset)
    index = X.index if isinstance(X, pd.DataFrame) else None
    if time is not None:
        index = pd.Index(time if isinstance(time, pd.Series | pd.Index) else np.asarray(time))
        if len(index) != len(values):
            raise ValueError(
                f"time has {len(index)} entries, but X has {len(values)} steps; pass one for each."
            )
    elif index is None or _plain(index):
        labels = pd.RangeIndex(len(values)) if index is None else index
        return LongSeries(values, None, labels, "step")
    unit = "duration" if isinstance(index, _DATED) else "number"
    return LongSeries(values, _since_first(index), index, unit)


@_SILENT
def _numbers(estimator: Any, X: Any, reset: bool) -> NDArray:
    """Return the cells of a series as numbers."""
    if Container.of(X).backend is None:
        X = objects_as_numbers(X)
        checked = validate_data(
            estimator, X, dtype=_DTYPES, reset=reset, ensure_all_finite="allow-nan"
        )
        return checked.astype(checked.dtype.newbyteorder("="), copy=False)
    table = read_table(X)
    for column in table:
        observed = np.flatnonzero(~column.missing())
        if column.kind not in ("number", "boolean") and len(observed):
            raise ValueError(
                f"Column {column.name!r} of X holds {column.objects()[observed[0]]!r:.60} in step "
                f"{observed[0]}, but series are of numbers; {column.as_numbers()}, leave it out, "
                f"or pass time={column.name!r} if it has the points in time."
            )
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return np.column_stack([column.numbers() for column in table])


def _taken_out(X: Any, name: str) -> tuple[Any, Any]:
    """Return a frame without a column, and the column."""
    columns = Container.of(X).columns
    if name not in columns:
        raise ValueError(
            f"time={name!r} is no column of X, which has {columns!r:.200}; pass the name of one, "
            "or an array with a point in time for each step."
        )
    time = X[name]
    if isinstance(X, pd.DataFrame):
        return X.drop(columns=name), time
    others = [column for column in columns if column != name]
    return X[others] if hasattr(X, "rows") else X.select(others), np.asarray(time)


def _counts(index: pd.Index) -> bool:
    """Whether an index is of points in time or of numbers."""
    dtype = index.dtype
    numbers = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    return isinstance(index, _DATED) or numbers


def _plain(index: pd.Index) -> bool:
    """Whether an index says nothing of time: it counts steps, or is of names."""
    return not _counts(index) or (isinstance(index, pd.RangeIndex) and index.step == 1)


def _since_first(index: pd.Index) -> NDArray[np.float64]:
    """Return points in time as numbers that do not fall, 0 for the first."""
    if not _counts(index):
        raise ValueError(
            f"time holds {index[0]!r:.60}, which is no date, duration or number; pass for example "
            "pd.to_datetime(time)."
        )
    if index.hasnans:
        at = int(np.flatnonzero(index.isna())[0])
        raise ValueError(f"time lacks its entry {at}; leave out steps without a point in time.")
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        time = (index.asi8 - index.asi8[0]).astype(np.float64)
    else:
        numbers = index.to_numpy(np.float64)
        time = numbers - numbers[0]
    falls = np.flatnonzero(~(np.diff(time) >= 0))
    if len(falls):
        i = int(falls[0])
        raise ValueError(
            f"time falls from {index[i]} to {index[i + 1]} at step {i + 1}; sort the steps of X by "
            "time, or pass series one by one."
        )
    return time
