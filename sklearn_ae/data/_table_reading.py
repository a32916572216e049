"""What a user passes as a table, as columns or as numbers."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array

from sklearn_ae.data._accepted import check_cells
from sklearn_ae.data._containers import Container, is_frame
from sklearn_ae.data._series import Series


def categorical_columns(table: list[Series], given: ArrayLike | str | None) -> NDArray[np.bool_]:
    """Return which columns the user calls categorical, whatever their dtypes.

    Parameters
    ----------
    table : list of Series
        The columns.
    given : "from_dtype", array-like of bool, int or str, or None
        A mask, positions or names; "from_dtype" and None name none.

    Raises
    ------
    ValueError
        If a name or position is no column, a mask has another length, or columns that are
        categories by their dtype are left out.
    """
    out = np.zeros(len(table), dtype=bool)
    if isinstance(given, str):
        return out
    chosen = np.asarray([] if given is None else given)
    names = [s.name for s in table]
    if chosen.dtype.kind == "b":
        if chosen.shape != out.shape:
            raise ValueError(
                f"categorical_features is a mask of shape {chosen.shape}, but X has "
                f"{len(table)} columns; give one entry a column."
            )
        out = chosen
    else:
        for entry in chosen.tolist():
            if isinstance(entry, int) and entry not in names and -len(out) <= entry < len(out):
                out[entry] = True
            elif entry in names:
                out[names.index(entry)] = True
            else:
                raise ValueError(
                    f"categorical_features holds {entry!r}, which is no column of X; use names "
                    f"or positions of its {len(table)} columns."
                )
    for series, named in zip(table, out, strict=True):
        if series.kind in ("category", "ordered") and not named:
            raise ValueError(
                f"Column {series.name!r} of X holds categories, but "
                f"categorical_features={given!r:.60} leaves it out; add it, or use "
                'categorical_features="from_dtype".'
            )
    return out


def fits_numpy(X: Any) -> bool:
    """Whether scikit-learn reads X as numbers; of frames, by their dtypes."""
    if isinstance(X, pd.DataFrame):
        dtypes = set(X.dtypes)
        if all(isinstance(d, np.dtype) and d.kind in "iuf" for d in dtypes):
            return True
        if all(isinstance(d, pd.SparseDtype) and d.fill_value == 0 for d in dtypes):
            return True
    elif not is_frame(X):
        return True
    found = set(nw.from_native(X, eager_only=True).schema.values())
    wide = {nw.Int128(), nw.UInt128()}
    return all(d.is_float() or (d.is_integer() and d not in wide) for d in found)


def as_numbers(X: Any) -> Any:
    """Return a frame of numbers, of whatever dtypes, as one of float64."""
    return Container.of(X).wrap(np.column_stack([s.numbers() for s in read_table(X)]), X)


def objects_as_numbers(X: Any) -> Any:
    """Return nested lists and arrays of objects as numbers, NaN where a cell is missing.

    Parameters
    ----------
    X : object
        What a user passed; anything else comes back as it is.

    Raises
    ------
    TypeError, ValueError
        If a cell is no number, with its row and column.
    """
    cells = np.asarray(X) if isinstance(X, list | tuple) else X
    if not isinstance(cells, np.ndarray):
        return X
    check_cells(cells)
    if cells.ndim != 2:
        return X
    if cells.dtype.kind not in "OUS":
        return cells
    cells = np.where(pd.isna(cells), np.nan, cells) if cells.dtype == object else cells
    try:
        if not any(
            issubclass(t, np.datetime64 | np.timedelta64) for t in set(map(type, cells.flat))
        ):
            return cells.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    for position, cell in enumerate(cells.ravel().tolist()):
        try:
            if isinstance(cell, np.datetime64 | np.timedelta64):
                raise TypeError("an array of objects must be of numbers")
            float(cell)
        except (TypeError, ValueError, OverflowError) as error:
            i, j = divmod(position, cells.shape[1])
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"{error}: X holds {cell!r:.60} in row {i}, column {j}; replace it by a number or "
                "by NaN, or pass pd.DataFrame(X) if the column is of text, categories or dates."
            ) from error
    return cells


def read_numbers(X: Any, *, missing: bool = True) -> Any:
    """Return a frame or an array of numbers alone, in the same columns.

    Parameters
    ----------
    X : data frame or array
        What a user passed.
    missing : bool
        Whether cells may be missing.

    Raises
    ------
    ValueError
        If a column holds something else than numbers, or lacks one that has to be there.
    """
    if not is_frame(X):
        return objects_as_numbers(X)
    if isinstance(X, pd.DataFrame) and all(
        isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in X.dtypes
    ):
        return X
    columns = []
    for series in read_table(X):
        observed = np.flatnonzero(~series.missing())
        if series.kind not in ("number", "boolean") and len(observed):
            raise ValueError(
                f"Column {series.name!r} of X holds {series.objects()[observed[0]]!r:.60} in row "
                f"{observed[0]}, but sequences and images are of numbers; "
                f"{series.as_numbers()}, or leave it out."
            )
        cells = series.numbers()
        lacks = np.flatnonzero(np.isnan(cells))
        if len(lacks) and not missing:
            raise ValueError(
                f"Input X contains NaN: column {series.name!r}, row {lacks[0]}, and every cell is "
                "needed; fill it, for example with AutoencoderImputer, or leave the row out."
            )
        columns.append(cells)
    values, dtypes = np.column_stack(columns), set()
    if not isinstance(X, pd.DataFrame):
        dtypes = set(nw.from_native(X, eager_only=True).schema.values())
        if fits_numpy(X) and not np.isnan(values).any():
            return X
    single = dtypes == {nw.Float32()}
    values = values.astype(np.float32 if single else np.float64, copy=False)
    return Container.of(X).wrap(values, X)


@np.errstate(invalid="ignore")  # scikit-learn adds up the cells, past infinity both ways
def read_table(X: Any, missing_values: Any = np.nan) -> list[Series]:
    """Return the columns of a frame or an array.

    Parameters
    ----------
    X : data frame or array of shape (n, n_columns)
        The table.
    missing_values : object
        What stands for a missing cell besides NaN, None and pandas' NA.

    Raises
    ------
    ValueError
        If X is not two-dimensional, is empty, or a column is of a type that is not understood.
    """
    if isinstance(X, pd.DataFrame):  # its labels may be anything
        columns = [(X.iloc[:, j], name) for j, name in enumerate(X.columns)]
    elif is_frame(X):
        series = nw.from_native(X, eager_only=True).iter_columns()
        columns = [(column.to_native(), column.name) for column in series]
    else:
        cells = check_array(X, dtype=None, ensure_all_finite="allow-nan", input_name="X")
        columns = [(column, j) for j, column in enumerate(cells.T)]
    if not columns or not len(X):
        check_array(np.empty((len(X), len(columns))), input_name="X")  # says what is wrong
    return [Series(column, name, missing_values) for column, name in columns]
