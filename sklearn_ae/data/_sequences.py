"""Sequences: arrays, lists of any lengths, and long frames with a column of ids."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_ae.data._accepted import check_cells
from sklearn_ae.data._arrays import as_numpy
from sklearn_ae.data._containers import Container
from sklearn_ae.data._images import check_real, shape_of, to_type
from sklearn_ae.data._input_adapter import InputAdapter, Wrapper, places
from sklearn_ae.data._ragged import Ragged
from sklearn_ae.data._table_reading import read_numbers


class _SequenceForm:
    """The form of some sequences: an array or a list, with channels or without.

    Parameters
    ----------
    kind : {"array", "tensor", "list"}
        What holds the sequences.
    with_channels : list of bool
        Whether the shape of a sequence names the channels; one entry if all are alike.
    dtype : numpy dtype
        Type of the values.
    n_channels : int
        Number of channels.
    """

    def __init__(
        self, kind: str, with_channels: list[bool], dtype: np.dtype, n_channels: int
    ) -> None:
        self.kind = kind
        self.with_channels = with_channels
        self.dtype = (dtype if dtype.kind == "f" else np.dtype(np.float64)).str
        self.n_channels = n_channels

    def wrap(self, values: Any, like: Any = None) -> Any:
        """Return sequences of this form and floating type."""
        return self._shaped(values, np.dtype(self.dtype))

    def wrap_errors(self, values: Any, like: Any = None) -> Any:
        """Return a float64 number for each value in this form."""
        return self._shaped(values, np.dtype(np.float64))

    def steps(self, values: Any, like: Any) -> Any:
        """Return cells as (n, n_steps, n_channels), or a list of (n_steps_i, n_channels)."""
        if self.kind == "list":
            return list(self._as_list(values))
        return np.asarray(list(self._as_list(values)))

    def _as_list(self, values: Any) -> list[NDArray]:
        if isinstance(values, Ragged):
            return values.arrays()
        return list(values.reshape(len(values), -1, self.n_channels))

    def _shaped(self, values: Any, dtype: np.dtype) -> Any:
        sequences = [to_type(s, dtype) for s in self._as_list(values)]
        same = len({len(s) for s in sequences}) == 1
        if self.kind == "list" or not same:
            channels = self.with_channels
            if len(channels) != len(sequences):
                channels = channels[:1] * len(sequences)
            return [s if c else s[..., 0] for s, c in zip(sequences, channels, strict=True)]
        out = np.asarray(sequences)
        out = out if self.with_channels[0] else out[..., 0]
        return torch.from_numpy(out) if self.kind == "tensor" else out


class _MatrixForm:
    """Sequences of one channel as the rows of a matrix or frame."""

    def __init__(self, container: Container) -> None:
        self.container = container

    def wrap(self, values: Any, like: Any = None) -> Any:
        """Return rows; a list where they differ in length."""
        if isinstance(values, Ragged):
            if len(set(values.sizes[:, 0].tolist())) > 1:
                return [steps[:, 0] for steps in values.arrays()]
            values = values.cells.reshape(len(values), -1)
        if self.container.columns and len(self.container.columns) != values.shape[1]:
            return values
        return self.container.wrap(values, like)

    def wrap_errors(self, values: Any, like: Any = None) -> Any:
        """Return a number for each cell."""
        return self.wrap(values, like)

    def steps(self, values: Any, like: Any) -> NDArray:
        """Return cells of shape (n, n_steps, 1)."""
        cells = values.cells if isinstance(values, Ragged) else values
        return cells.reshape(len(values), -1, 1)


class _LongForm:
    """A long frame: a row a step, with a column of ids."""

    def __init__(self, frame: Any, sequence_id: Hashable) -> None:
        self.sequence_id = sequence_id
        steps = Steps(frame, sequence_id)
        self.backend = steps.backend
        self.columns = steps.all_columns

    def wrap(self, values: Ragged, like: Any = None) -> Any:
        """Return a long frame with the ids and rows of `like`, or with ids 0, 1, ..."""
        if self.sequence_id not in Container.of(like).columns:
            like = None
        if like is None:
            ids = np.repeat(np.arange(len(values)), values.sizes[:, 0])
            return self._frame(ids, values.cells)
        steps = Steps(like, self.sequence_id)
        cells = np.empty_like(values.cells)
        cells[steps.order] = values.cells
        return self._frame(like[self.sequence_id], cells, like)

    def wrap_errors(self, values: Ragged, like: Any = None) -> Any:
        """Return a long frame with a number for each value."""
        return self.wrap(values, like)

    def steps(self, values: Ragged, like: Any) -> NDArray:
        """Return cells of shape (n_rows, n_channels), a row for each row of the frame."""
        cells = np.empty_like(values.cells)
        cells[Steps(like, self.sequence_id).order] = values.cells
        return cells

    def _frame(self, ids: NDArray, cells: NDArray, like: Any = None) -> Any:
        names = [c for c in self.columns if c != self.sequence_id]
        data = {self.sequence_id: ids} | dict(zip(names, cells.T, strict=True))
        if self.backend == "pandas":
            return pd.DataFrame(data, index=None if like is None else like.index)[self.columns]
        backend: Any = self.backend
        columns = {
            str(k): np.ascontiguousarray(v) if isinstance(v, np.ndarray) else v
            for k, v in data.items()
        }
        frame = nw.from_dict(columns, backend=backend)
        return frame.select([str(c) for c in self.columns]).to_native()


class Steps:
    """The steps of a long frame, put in the order of their sequences.

    Parameters
    ----------
    frame : data frame
        A row a step; sequences are in the order in which their ids first appear.
    sequence_id : str
        Name of the column of ids.
    """

    def __init__(self, frame: Any, sequence_id: Hashable) -> None:
        native = nw.from_native(frame, eager_only=True)
        self.backend = native.implementation.value
        self.all_columns = Container.of(frame).columns
        if sequence_id not in self.all_columns:
            raise ValueError(
                f"sequence_id={sequence_id!r} is no column of X, which has "
                f"{self.all_columns[:10]}; pass the name of the column of ids."
            )
        self.columns = [c for c in self.all_columns if c != sequence_id]
        self.ids = np.asarray(frame[sequence_id])
        if _missing(self.ids).any():
            row = int(np.flatnonzero(_missing(self.ids))[0])
            raise ValueError(
                f"Column {sequence_id!r} of X is missing in row {row}; give every step its id."
            )
        sequence, self.unique_ids = pd.factorize(self.ids)
        self.order = np.argsort(sequence, kind="stable")
        self.lengths = np.bincount(sequence, minlength=len(self.unique_ids))
        self.frame = frame

    def values(self) -> Any:
        """Return the columns that are not ids, as the frame's own kind."""
        return nw.from_native(self.frame, eager_only=True).drop(self.ids_name).to_native()

    @property
    def ids_name(self) -> Any:
        """Name of the column of ids."""
        return next(c for c in self.all_columns if c not in self.columns)


class Sequences(InputAdapter):
    """Sequences as flat rows where they have one length, and as `Ragged` otherwise.

    Parameters
    ----------
    sequence_id : str, default=None
        Name of the column of ids of a long frame.
    """

    sparse = False

    def __init__(self, sequence_id: Hashable | None = None) -> None:
        self.sequence_id = sequence_id

    def fit(self, X: Any) -> Sequences:
        """Note lengths and channels."""
        found = self._read(X)
        self.matrix = found is None
        if found is None:
            shape = shape_of(X)
            matrix = len(shape) == 2 and not issparse(X)
            X = read_numbers(X)
            self.sample_shape = (shape[1] if len(shape) == 2 else 1, 1)
            self.ragged = matrix and bool(_missing(np.asarray(X)).any())
            return self
        lengths = found.sizes[:, 0]
        missing = _missing(found.cells).any()
        self.ragged = self.sequence_id is not None or bool((lengths != lengths[0]).any() | missing)
        self.sample_shape = (int(np.median(np.asarray(found.lengths))), found.shape[1])
        return self

    def rows(self, X: Any) -> Any:
        """Return flat rows, or `Ragged` where lengths differed in fit or steps were missing."""
        assert self.sample_shape is not None
        found = self._read(X)
        if found is None:
            X = read_numbers(X)
            if not self.ragged:
                return X
            if len(shape_of(X)) != 2 or issparse(X):
                return X
            return Ragged.of(list(_floating(np.asarray(X))[..., None]))
        if self.ragged:
            return found
        n_channels = self.sample_shape[1]
        if found.shape[1] != n_channels:
            raise ValueError(
                f"X holds sequences of {found.shape[1]} channels, but {n_channels} in fit; pass "
                "the same channels."
            )
        strange = np.flatnonzero(found.sizes[:, 0] != self.sample_shape[0])
        if len(strange):
            i = int(strange[0])
            raise ValueError(
                f"Sequence {i} of X has {found.sizes[i, 0]} steps, but all sequences had "
                f"{self.sample_shape[0]} in fit; cut or pad it, or fit with a list of sequences of "
                "different lengths."
            )
        return found.cells.reshape(len(found), -1)

    def named(self, X: Any) -> Any:
        """Return what holds the names of the features, with a column for each."""
        if self.sequence_id is not None:
            return Steps(X, self.sequence_id).values()
        if self.matrix and self._read(X) is None:
            return X
        found = self.rows(X)
        return found.cells if isinstance(found, Ragged) else found

    def index(self, X: Any) -> Any:
        """Return the ids of a long frame, in the order of the codes."""
        return None if self.sequence_id is None else Steps(X, self.sequence_id).unique_ids

    def scale(self, values: Any) -> Any:
        """Return checked rows as they are."""
        return values

    def described(
        self,
        X: Any,
        values: Any,
        row: list[int],
        column: list[int],
        observed: NDArray,
        expected: NDArray,
    ) -> list[list]:
        """Return which steps and channels they are, what they hold and what was expected there."""
        assert self.sample_shape is not None
        channels = None if self.sequence_id is None else Steps(X, self.sequence_id).columns
        labels = places(values, self.sample_shape, row, column, channels)
        return [labels, observed.tolist(), expected.tolist()]

    def container(self, X: Any) -> Wrapper:
        """Return what puts rows into the form of X."""
        assert self.sample_shape is not None
        if self.sequence_id is not None:
            return _LongForm(X, self.sequence_id)
        is_list = _is_list(X)
        if not is_list and (not hasattr(X, "ndim") or X.ndim == 2):
            return _MatrixForm(Container.of(X))
        kind = "tensor" if torch.is_tensor(X) else "list" if is_list else "array"
        ndims = [np.ndim(s) for s in X] if is_list else [X.ndim - 1]
        arrays = X if is_list else [X]
        dtype = np.result_type(*[np.asarray(as_numpy(a)).dtype for a in arrays])
        with_channels = [n == 2 for n in ndims]
        if len(set(with_channels)) == 1:
            with_channels = with_channels[:1]
        return _SequenceForm(kind, with_channels, dtype, self.sample_shape[1])

    def parts(self, X: Any, size: int) -> Iterator[Any]:
        """Yield X in parts of so many sequences."""
        if self.sequence_id is None:
            yield from super().parts(X, size)
            return
        steps = Steps(X, self.sequence_id)
        for start in range(0, len(steps.unique_ids), size):
            chosen = np.isin(steps.ids, steps.unique_ids[start : start + size])
            yield nw.from_native(X, eager_only=True)[np.flatnonzero(chosen)].to_native()

    def sizes(self, lengths: Any, n_rows: int) -> NDArray | None:
        """Return the lengths of sequences to decode: those given, or the median."""
        assert self.sample_shape is not None
        if not self.ragged:
            if lengths is not None and (np.asarray(lengths) == self.sample_shape[0]).all():
                return None
            return super().sizes(lengths, n_rows)
        if lengths is None:
            return np.full((n_rows, 1), self.sample_shape[0])
        sizes = np.asarray(lengths)
        if sizes.ndim == 0:
            sizes = np.repeat(sizes, n_rows)
        if sizes.shape != (n_rows,) or sizes.dtype.kind not in "iu" or sizes.min() < 1:
            raise ValueError(
                f"lengths={lengths!r:.60} must be one integer of at least 1, or one for each of "
                f"{n_rows} sequences."
            )
        return sizes[:, None]

    def _read(self, X: Any) -> Ragged | None:
        """Return sequences one after the other; None for a matrix."""
        if self.sequence_id is not None:
            return self._read_long(X)
        if torch.is_tensor(X):
            X = as_numpy(X)
        if _is_list(X):
            return _read_list(X)
        if not isinstance(X, np.ndarray) or X.ndim != 3:
            return None
        if 0 in X.shape:
            what = ("sample", "step", "feature")[X.shape.index(0)]
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={X.shape}); sequences need at least one step "
                "and one channel."
            )
        return Ragged(_floating(X).reshape(-1, X.shape[2]), np.full((len(X), 1), X.shape[1]))

    def _read_long(self, X: Any) -> Ragged:
        if not hasattr(X, "columns"):
            raise ValueError(
                f"sequence_id={self.sequence_id!r} needs a data frame with that column, but X is "
                f"of type {type(X).__name__}; pass a long frame, or leave sequence_id out."
            )
        steps = Steps(X, self.sequence_id)
        if not len(steps.ids) or not steps.columns:
            raise ValueError(
                f"X has shape {X.shape}; it needs at least one step and one column besides "
                f"{self.sequence_id!r}."
            )
        cells = np.asarray(read_numbers(steps.values()))
        return Ragged(_floating(cells)[steps.order], steps.lengths[:, None])


def _read_list(X: Any) -> Ragged:
    if not len(X):
        raise ValueError("X is empty; pass at least one sequence.")
    sequences: list[NDArray] = []
    for i, sequence in enumerate(X):
        check_cells(sequence, f"Sequence {i} of X")
        steps = np.asarray(as_numpy(sequence))
        steps = steps[:, None] if steps.ndim == 1 else steps
        if steps.ndim != 2 or 0 in steps.shape:
            raise ValueError(
                f"Sequence {i} of X has shape {np.shape(sequence)}; pass arrays of shape (steps,) "
                "or (steps, channels) with at least one step, and leave empty ones out."
            )
        if sequences and steps.shape[1] != sequences[0].shape[1]:
            raise ValueError(
                f"Sequence {i} of X has {steps.shape[1]} channels, but sequence 0 has "
                f"{sequences[0].shape[1]}; pass the same channels in each."
            )
        sequences.append(steps)
    return Ragged.of([_floating(s) for s in sequences])


def _is_list(X: Any) -> bool:
    """Whether X is a list of sequences rather than a nested list that is a matrix."""
    is_list = isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object)
    if not is_list or (len(X) and isinstance(X[0], str)):
        return False
    if not len(X):
        return True
    if isinstance(X, np.ndarray) and X.ndim > 1:
        return False
    if isinstance(X[0], list | tuple) and np.ndim(X[0][0] if len(X[0]) else 0.0) == 0:
        return len({len(row) for row in X}) > 1
    return np.ndim(X[0]) >= 1


def _floating(values: NDArray) -> NDArray:
    check_real(values)
    return values if values.dtype == np.float32 else values.astype(np.float64, copy=False)


def _missing(values: NDArray) -> NDArray:
    return np.asarray(pd.isna(values))
