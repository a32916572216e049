"""What holds no rows that can be read, and how to turn it into something that does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from numbers import Number
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse
from skorch.helper import SliceDataset
from torch.utils.data import DataLoader, Dataset

from sklearn_ae.data._containers import is_frame

# What numpy and other libraries call forms of arrays.
_ARRAYS = ("__array__", "__array_interface__", "__dlpack__")


def check_accepted(X: Any, name: str = "X") -> None:
    """Raise if X is no container of rows, and say what makes one of it.

    Parameters
    ----------
    X : object
        What a user passed.
    name : str
        Name of the argument.

    Raises
    ------
    TypeError
        If X is a data set of torch or skorch, a lazy frame, a mapping, an iterator, a set, a list
        of mappings, a record array, an array of dates or durations, a masked array with hidden
        cells, or an object without rows.
    ValueError
        If X is None, text, a series, one row or one column of a frame, or has several columns
        of one name.
    """
    if issparse(X) or (isinstance(X, np.ndarray) and X.dtype.names is None):
        check_cells(X, name)
        return
    if X is None:
        raise ValueError(
            f"{name} is None. Expected 2D array, or what else holds rows; pass an array or a frame."
        )
    _check_no_dataset(X, name)
    library = type(X).__module__.partition(".")[0]
    found = f"{name} is a {'' if library == 'builtins' else library + ' '}{type(X).__name__}"
    if nw.dependencies.is_into_series(X):
        raise ValueError(
            f"{found} of {len(X)} values, one row or one column. Expected 2D array, got 1D array "
            "instead; Reshape your data: pass df.iloc[[0]] (pandas) or df[[0]] (polars) for a "
            'row, df[["name"]] for a column, or list(X) for a series of sequences or images.'
        )
    if is_frame(X):
        _check_names(X, name)
        return
    for method in ("collect", "compute"):  # polars, pyspark, narwhals; dask
        if callable(getattr(X, method, None)):
            raise TypeError(f"{found}, which is not evaluated yet; pass {name}.{method}().")
    if isinstance(X, Mapping):
        raise TypeError(f"{found} with keys {list(X)[:5]}; pass pd.DataFrame({name}).")
    if isinstance(X, str | bytes):
        raise ValueError(f"{found}, {X!r:.60}, and no rows; read what it names, and pass that.")
    if isinstance(X, Iterator):
        raise TypeError(f"{found}, which can be read only once; pass list({name}).")
    if isinstance(X, list | tuple) and len(X) and isinstance(X[0], Mapping):
        raise TypeError(
            f"{name} is a {type(X).__name__} of {type(X[0]).__name__}s, the first of them "
            f"{X[0]!r:.60}; pass pd.DataFrame({name})."
        )
    if getattr(getattr(X, "dtype", None), "names", None):
        raise TypeError(
            f"{found} of records with fields {list(X.dtype.names)[:5]}; pass pd.DataFrame({name})."
        )
    array = isinstance(X, Number) or any(hasattr(X, form) for form in _ARRAYS)
    if not array and not hasattr(type(X), "__getitem__"):
        raise TypeError(
            f"{found}, {X!r:.60}, whose elements have no order; pass a list or an array of rows."
            if isinstance(X, Collection)
            else f"{found}, {X!r:.60}, which holds no rows; pass an array, a frame or a list."
        )


def check_cells(X: Any, name: str = "X") -> None:
    """Raise if an array holds what becomes other numbers without its dtype or its mask.

    Parameters
    ----------
    X : object
        Of which only arrays are looked at.
    name : str
        What to call it.

    Raises
    ------
    TypeError
        If X is of dates or durations, or has a mask that hides cells.
    """
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    if kind in ("M", "m") and isinstance(X, np.ndarray):
        held = "dates" if kind == "M" else "durations"
        way_out = (
            f"pass pd.DataFrame({name}), whose dates are read as such"
            if kind == "M"
            else f'pass {name} / np.timedelta64(1, "s"), with NaN where they are missing'
        )
        raise TypeError(f"{name} is an array of {held}, dtype {X.dtype}; {way_out}.")
    if np.ma.is_masked(X):
        raise TypeError(
            f"{name} is a masked array, {np.ma.count_masked(X)} cells of which are hidden; pass "
            f"{name}.astype(float).filled(np.nan), where they are missing."
        )


def _check_names(X: Any, name: str) -> None:
    """Raise if columns of a frame have the same name."""
    if isinstance(X, pd.DataFrame):
        names = X.columns
    elif nw.dependencies.is_pyarrow_table(X):
        names = pd.Index(X.column_names)
    else:
        return  # other libraries have no such frames
    if not names.is_unique:
        twice = names[names.duplicated()].unique().tolist()
        raise ValueError(
            f"{name} has several columns with the name {', '.join(f'{n!r}' for n in twice[:5])}; "
            f"rename them, or pass {name}.to_numpy() if all are numbers."
        )


def _check_no_dataset(X: Any, name: str) -> None:
    """Raise if rows come as a data set of torch, which hands them out one by one."""
    if isinstance(X, SliceDataset):
        way_out = f"np.asarray({name})"
    elif isinstance(X, Dataset):
        way_out = f"np.stack([row for row, *_ in {name}])"
    elif isinstance(X, DataLoader):
        way_out = f"torch.cat([rows for rows, *_ in {name}])"
    else:
        return
    raise TypeError(
        f"{name} is a {type(X).__name__} ({type(X).__module__}), whose rows are not in one array; "
        f"pass the array behind it, or {way_out}."
    )
