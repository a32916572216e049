"""Which columns name rows, and what a target is."""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from sklearn_ae.report._errors import InputError

MIN_ROWS = 20
# A column of text or whole numbers in which so many cells are the only one of their value names
# its rows, and one that is called an id does so from fewer on.
_DISTINCT, _DISTINCT_ID = 0.95, 0.5
_ID = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|unnamed: 0)$|[a-z]I[dD]$", re.IGNORECASE)
_ID_CAMEL = re.compile(r"[a-z](Id|ID)$")
# A numeric target with no more distinct values than this names classes; classes at most.
_NUMERIC_CLASSES, _CLASSES = 10, 50


class Target(NamedTuple):
    """What is to be predicted.

    Parameters
    ----------
    name : str
        The column.
    y : ndarray of shape (n,)
        Texts or numbers.
    task : {"classification", "regression"}
        Which of them.
    rows : ndarray of shape (n_samples,), bool
        The rows of the table that have one.
    notes : list of str
        What was left out.
    """

    name: str
    y: np.ndarray
    task: str
    rows: np.ndarray
    notes: list[str]


def identifiers(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns that name rows, and why they do.

    Parameters
    ----------
    frame : DataFrame
        The table.

    Returns
    -------
    found : dict of str
        Columns of text of which nearly every cell is the only one of its value, whole numbers
        that count the rows, and columns that are called an id and do the same by half.
    """
    return {
        name: reason
        for name in frame.columns
        if (reason := _names_rows(frame[name], str(name))) is not None
    }


def _names_rows(column: pd.Series, name: str) -> str | None:
    held = column.dropna()
    text = pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)
    whole = pd.api.types.is_integer_dtype(column)
    if len(held) < MIN_ROWS or not (text or whole):
        return None
    distinct = held.nunique() / len(held)
    called = _ID.search(name) is not None or _ID_CAMEL.search(name) is not None
    if text and distinct >= _DISTINCT:
        return f"{distinct:.0%} of its texts occur once"
    if called and distinct >= _DISTINCT_ID:
        return f"called an id, and {distinct:.0%} of its cells are different"
    steps = np.diff(held.to_numpy(dtype=np.int64)) if whole else np.zeros(1)
    if whole and len(held) == len(column) and (steps == 1).all():
        return "it counts the rows"
    return None


def find_target(frame: pd.DataFrame, name: str, fewest: int) -> Target:
    """Read the target column.

    Parameters
    ----------
    frame : DataFrame
        The table.
    name : str
        The column.
    fewest : int
        Rows that a class needs.

    Returns
    -------
    target : Target
        Its values, in rows that have one.

    Raises
    ------
    InputError
        If there is no such column, or nothing to predict in it.
    """
    columns = [str(column) for column in frame.columns]
    if name not in columns:
        folded = {column.lower(): column for column in columns}
        near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
        hint = f"did you mean {folded[near[0]]!r}?" if near else _listed(columns)
        raise InputError(f"there is no column {name!r}; {hint}")
    column = frame[name]
    rows = column.notna().to_numpy(copy=True)
    if not rows.any():
        raise InputError(f"the target {name!r} has no value in any row; choose another --target.")
    y, notes = column[rows], []
    if not rows.all():
        notes.append(f"{int((~rows).sum())} rows without a value of {name} take no part in it")
    if pd.api.types.is_datetime64_any_dtype(y):
        y = (y - pd.Timestamp(0)) / pd.Timedelta(days=1)
    n_values = y.nunique()
    number = pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y)
    if n_values < 2:
        raise InputError(f"the target {name!r} has one value only; choose another --target.")
    if number and n_values > _NUMERIC_CLASSES:
        return Target(name, y.to_numpy(float), "regression", rows, notes)
    if number and (y == y.round()).all():
        y = y.astype(int)  # a column with missing values was read as 1.0, 2.0
    labels = y.astype(str)
    counts = labels.value_counts()
    rare = counts.index[counts < fewest]
    if len(counts) - len(rare) < 2:
        raise InputError(
            f"the target {name!r} has {n_values} different texts and fewer than two of them in "
            f"{fewest} rows or more, so that there is nothing to predict; choose another --target."
        )
    if len(counts) - len(rare) > _CLASSES:
        raise InputError(
            f"the target {name!r} has {n_values} different texts, more than {_CLASSES} classes; "
            "choose another --target."
        )
    if len(rare):
        kept = ~labels.isin(rare).to_numpy()
        rows[np.flatnonzero(rows)[~kept]] = False
        labels = labels[kept]
        notes.append(
            f"{int((~kept).sum())} rows of classes with fewer than {fewest} rows take no part in it"
        )
    return Target(name, labels.to_numpy(str), "classification", rows, notes)


def _listed(columns: list[str]) -> str:
    shown = ", ".join(columns[:20])
    return f"the columns are {shown}{' …' if len(columns) > 20 else ''}."
