"""The containers in which rows come and go back: arrays and data frames."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_ae.data import _dtypes
from sklearn_ae.data._arrays import as_numpy
from sklearn_ae.data._series import Series

# What pandas calls cells of arrays that are numbers.
_NUMBERS = {"integer", "floating", "boolean", "mixed-integer-float"}


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of some library; arrays are told at once."""
    return not isinstance(X, np.ndarray) and nw.dependencies.is_into_dataframe(X)


class Container:
    """What a matrix came in, so that a reconstruction can go back in the same.

    Parameters
    ----------
    backend : str or None
        The data frame library ("pandas", "polars", ...); None for arrays.
    columns : list
        Column labels of the frame.
    """

    def __init__(self, backend: str | None = None, columns: list | None = None) -> None:
        self.backend = backend
        self.columns = columns or []

    @property
    def labels(self) -> list:
        """Column labels of the frame."""
        return self.columns

    @classmethod
    def of(cls, X: Any) -> Container:
        """Note the container of X."""
        if isinstance(X, pd.DataFrame):  # its labels may be anything
            return cls("pandas", list(X.columns))
        if not is_frame(X):
            return cls()
        frame = nw.from_native(X, eager_only=True)
        return cls(frame.implementation.value, frame.columns)

    def wrap(self, values: NDArray, like: Any = None) -> Any:
        """Put values into this container.

        Parameters
        ----------
        values : ndarray of shape (n, n_features)
            The rows.
        like : object, optional
            Rows of the same number whose index is kept, if they have one.
        """
        if self.backend is None:
            return values
        values = as_numpy(values)
        if self.backend == "pandas":
            index = like.index if isinstance(like, pd.DataFrame) else None
            return pd.DataFrame(values, columns=self.columns, index=index)
        backend: Any = self.backend
        frame = nw.from_numpy(np.ascontiguousarray(values), self.columns, backend=backend)
        return frame.to_native()

    def join(self, columns: list) -> Any:
        """Put columns, each of its own type, into this container."""
        if self.backend is None:
            held = {pd.api.types.infer_dtype(np.asarray(column)) for column in columns}
            return np.column_stack(columns).astype(np.float64 if held <= _NUMBERS else object)
        if self.backend == "pandas":
            frame = pd.concat(columns, axis=1)
            frame.columns = pd.Index(self.columns)
            return frame
        backend: Any = self.backend
        return nw.from_dict(
            dict(zip(self.columns, columns, strict=True)), backend=backend
        ).to_native()

    def wrap_errors(self, values: NDArray, like: Any = None) -> Any:
        """Put a number for each cell into this container."""
        return self.wrap(values, like)


def with_missing(rows: Any, lacks: NDArray[np.bool_]) -> Any:
    """Return rows of an array or a frame with some cells missing.

    Parameters
    ----------
    rows : ndarray or data frame of shape (n, n_columns)
        Rows whose columns can hold missing cells where some are to be.
    lacks : ndarray of shape (n, n_columns), bool
        The cells.
    """
    if isinstance(rows, np.ndarray):
        nothing: Any = None if rows.dtype == object else np.nan
        return np.where(lacks, nothing, rows)
    if isinstance(rows, pd.DataFrame):
        columns = [rows.iloc[:, j] for j in range(rows.shape[1])]
        # Columns of type null have nothing to mask, and old versions of pyarrow end the process.
        there = [m & c.notna().to_numpy() for c, m in zip(columns, lacks.T, strict=True)]
        masked = [_masked(c, m) if m.any() else c for c, m in zip(columns, there, strict=True)]
        frame = pd.concat(masked, axis=1)
        frame.columns = rows.columns
        return frame
    frame = nw.from_native(rows, eager_only=True)
    found: dict[str, Any] = {}
    for name, missing in zip(frame.columns, lacks.T, strict=True):
        found[name] = native = frame[name].to_native()
        if not missing.any():
            continue
        if frame.implementation.is_pyarrow():  # whose kernels do not take every type
            series = Series(native, name)
            cells = series.objects().copy()
            cells[missing] = None
            found[name] = series.type.build(cells)
        else:
            kept = nw.new_series("kept", ~missing, backend=frame.implementation)
            both = frame.select(nw.col(name).alias("cells")).with_columns(kept)
            cells = both.select(nw.when(nw.col("kept")).then(nw.col("cells")))["cells"]
            found[name] = cells.to_native()
    return nw.from_dict(found, backend=frame.implementation).to_native()


def _masked(column: pd.Series, lacks: NDArray[np.bool_]) -> pd.Series:
    """Return a column with some cells missing."""
    if not _dtypes.is_half(column):  # which old versions of pyarrow do not mask
        return column.mask(lacks)
    series = Series(column, column.name)
    cells = series.objects().copy()
    cells[lacks] = None
    return series.type.build(cells, column.index)
