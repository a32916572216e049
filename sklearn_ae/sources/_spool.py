"""Rows as numbers in a temporary file, which is read as memory is."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data import Columns, LazyRows, TableRows

# Numbers beyond which a column is stored in another unit, as float32 has limits.
_LARGEST = 2.0**60
# A column is stored from its mean on if that is so many standard deviations away from 0.
_FAR = 64.0
# Cells that are looked at together.
_CELLS = 2**20


class Spool:
    """Numbers of rows in a file without a name, float32 from an origin on.

    Rows that are held out come after the others, whatever order they are written in. What
    float32 rounds are differences from about the column's mean, so that what is lost is below
    1e-7 of the column's spread.
    """

    width = 0
    dtype = np.dtype(np.float64)

    def __init__(self) -> None:
        self._files: dict[str, tuple[Any, Any]] = {}
        self._forms: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        self._counts = [0, 0]
        self._origin: tuple[NDArray, NDArray] | None = None

    def write(
        self,
        values: NDArray,
        companions: dict[str, NDArray],
        held_out: NDArray[np.bool_],
        kept: NDArray[np.bool_] | None = None,
    ) -> None:
        """Append rows.

        Parameters
        ----------
        values : ndarray of shape (n, width)
            Numbers, NaN where a cell is missing.
        companions : dict of str to ndarray of shape (n, ...)
            What comes with them.
        held_out : ndarray of shape (n,), bool
            Rows that come after the others.
        kept : ndarray of shape (n,), bool, optional
            Rows that are written; all by default.
        """
        missing = np.isnan(values)
        if self._origin is None:
            self.width, self.dtype = values.shape[1], values.dtype
            self._seen, self._lacks = np.zeros((2, self.width), dtype=bool)
            self._origin = self._chosen_origin(values)
        shift, unit = self._origin
        cells = values
        if shift.any() or (unit != 1).any():
            cells = (values.astype(np.float64, copy=False) - shift) / unit
        with np.errstate(over="ignore"):
            cells = np.ascontiguousarray(cells, dtype=np.float32)
        beyond = np.isinf(cells).any(axis=0)
        if beyond.any():
            j = int(np.flatnonzero(beyond)[0])
            raise ValueError(
                f"Column {j} of X holds {np.nanmax(np.abs(values[:, j])):.3g}, which is more than "
                f"1e38 times what its first rows hold; divide the column by a number."
            )
        for part, chosen in enumerate((~held_out, held_out)):
            where = chosen if kept is None else chosen & kept
            n = int(where.sum())
            if not n:
                continue
            whole = n == len(where)
            observed = ~missing if whole else ~missing[where]
            self._seen |= observed.any(axis=0)
            self._lacks |= ~observed.all(axis=0)
            self._counts[part] += n
            self._append("", part, cells if whole else cells[where])
            for name, column in companions.items():
                self._append(name, part, column if whole else column[where])

    def finish(self) -> tuple[SpooledCells, dict[str, NDArray]]:
        """Return the rows that were written, those held out last, and what comes with them."""
        n_training, n_held_out = self._counts
        found: dict[str, NDArray] = {}
        for name, (first, second) in self._files.items():
            second.seek(0)
            first.seek(0, 2)
            with _SpoolErrors(self._bytes()):
                shutil.copyfileobj(second, first, 2**20)
            dtype, shape = self._forms[name]
            whole = (n_training + n_held_out, *shape)
            # A plain array: a slice of a memory map finds its file anew. It can be written, for
            # torch, though nothing is. The file may be closed.
            found[name] = np.memmap(first, dtype, "c", shape=whole).view(np.ndarray)
        cells = found.pop("")
        assert self._origin is not None
        return SpooledCells(
            cells, *self._origin, self.dtype, n_training, self._seen, self._lacks
        ), found

    def close(self) -> None:
        """Let go of the files; what was returned stays readable."""
        for pair in self._files.values():
            for file in pair:
                file.close()

    def _append(self, name: str, part: int, values: NDArray) -> None:
        if name not in self._files:
            self._files[name] = (_file(), _file())
            self._forms[name] = (values.dtype, values.shape[1:])
        dtype, shape = self._forms[name]
        if values.shape[1:] != shape:
            raise ValueError(
                f"What comes with rows as {name!r} has the shape {values.shape[1:]} a row, and "
                f"had {shape} before; let all blocks have one."
            )
        with _SpoolErrors(self._bytes()):
            self._files[name][part].write(np.ascontiguousarray(values, dtype=dtype).data)

    def _bytes(self) -> int:
        return 4 * self.width * sum(self._counts)

    def _chosen_origin(self, values: NDArray) -> tuple[NDArray, NDArray]:
        """Choose what is subtracted from columns, and what they are divided by.

        Numbers that are float32 stay what they are, and so do whole ones.
        """
        shift, unit = np.zeros(self.width), np.ones(self.width)
        if values.dtype == np.float32:
            return shift, unit
        for j, column in enumerate(values.T):
            observed = column[~np.isnan(column)]
            largest = float(np.abs(observed).max(initial=0.0))
            if not largest:
                continue
            scaled = observed / largest
            mean, spread = float(scaled.mean()), float(scaled.std())
            if abs(mean) > _FAR * spread:
                shift[j] = np.round(mean * largest)
            if not 1 / _LARGEST < largest < _LARGEST:
                unit[j] = 2.0 ** int(np.frexp(largest)[1])
                shift[j] = mean * largest if abs(mean) > _FAR * spread else 0.0
        return shift, unit


class SpooledCells:
    """Numbers of rows in a file, in float64 or float32 where they are read.

    Parameters
    ----------
    cells : ndarray of shape (n, width), float32
        The file.
    shift, unit : ndarray of shape (width,)
        From what is in it to the numbers: times `unit`, plus `shift`.
    dtype : dtype
        Type of the numbers.
    n_training : int
        Rows before those that are held out.
    seen, lacks : ndarray of shape (width,), bool
        Columns with a cell that was observed, and with one that is missing.
    """

    def __init__(
        self,
        cells: NDArray[np.float32],
        shift: NDArray,
        unit: NDArray,
        dtype: np.dtype,
        n_training: int,
        seen: NDArray[np.bool_],
        lacks: NDArray[np.bool_],
    ) -> None:
        self.cells = cells
        self.shift = shift
        self.unit = unit
        self.dtype = dtype
        self.n_training = n_training
        self.seen = seen
        self.lacks = lacks
        self.exact = not shift.any() and bool((unit == 1).all())

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.cells.shape

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: slice | NDArray) -> NDArray:
        """Read some rows."""
        found = self.cells[index].astype(self.dtype)
        if not self.exact:
            found *= self.unit
            found += self.shift
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def part(self, index: slice) -> SpooledCells:
        """Return consecutive rows, which are not read."""
        own = self.cells[index], self.shift, self.unit, self.dtype
        return SpooledCells(*own, len(self.cells[index]), self.seen, self.lacks)

    def pieces(self) -> Iterator[NDArray]:
        """Read all rows, some at a time."""
        step = max(1, _CELLS // max(1, self.shape[1]))
        for start in range(0, len(self), step):
            yield self[start : start + step]


class SpooledRows(LazyRows):
    """Rows of numbers that lie in a file.

    Parameters
    ----------
    cells : SpooledCells
        The file.
    """

    spooled = True

    def __init__(self, cells: SpooledCells) -> None:
        self.cells = cells

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of columns."""
        return self.cells.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the rows where they are read."""
        return self.cells.dtype

    @property
    def large(self) -> bool:
        """Whether rows stay where they are, which these do."""
        return True

    @property
    def n_training(self) -> int:
        """Rows before those that are held out."""
        return self.cells.n_training

    def __getitem__(self, index: slice | NDArray) -> Any:
        """Select consecutive rows, or read some into memory."""
        if isinstance(index, slice):
            return SpooledRows(self.cells.part(index))
        return self.cells[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return self.cells.__array__(dtype)

    def dense(self, index: slice | NDArray) -> NDArray:
        """Read some rows."""
        return self.cells[index]

    def pieces(self) -> Iterator[NDArray]:
        """Read all rows, some at a time."""
        return self.cells.pieces()

    def n_distinct(self) -> int:
        """Return the number of different rows."""
        return len(np.unique(np.nan_to_num(self.cells.cells, nan=np.inf), axis=0))

    def missing_columns(self) -> NDArray[np.intp]:
        """Return the columns in which some row has a missing cell."""
        return np.flatnonzero(self.cells.lacks)

    def arrays(self) -> NDArray:
        """Read all rows."""
        return self.cells[:]


class SpooledTableRows(TableRows):
    """Rows of a table whose codes lie in a file.

    Parameters
    ----------
    codes : SpooledCells
        The file.
    columns : Columns
        What they stand for.
    """

    spooled = True

    def __init__(self, codes: SpooledCells, columns: Columns) -> None:
        super().__init__(codes, columns)  # type: ignore[arg-type]
        self.cells = codes

    @property
    def dtype(self) -> np.dtype:
        """Type of the dense form."""
        return np.dtype(np.float64)

    @property
    def large(self) -> bool:
        """Whether rows stay where they are, which these do."""
        return True

    @property
    def n_training(self) -> int:
        """Rows before those that are held out."""
        return self.cells.n_training

    def __getitem__(self, index: slice | NDArray) -> Any:
        """Select consecutive rows, or read some into memory."""
        if isinstance(index, slice):
            return SpooledTableRows(self.cells.part(index), self.columns)
        return TableRows(self.cells[index], self.columns)

    def pieces(self) -> Iterator[NDArray]:
        """Read the numbers, which a loss may have a domain for, some at a time."""
        numeric = [c.kind == "numeric" for c in self.columns.columns]
        return (piece[:, numeric] for piece in self.cells.pieces())

    def n_distinct(self) -> int:
        """Return the number of different rows."""
        return TableRows(self.cells[:], self.columns).n_distinct()

    def missing_columns(self) -> NDArray[np.intp]:
        """Return a column of the dense form for each column with a missing cell."""
        spans = [self.columns.spans[j] for j in np.flatnonzero(self.cells.lacks)]
        starts = sorted(span.start for span in spans if span.stop > span.start)
        return np.array(starts, dtype=np.intp)


class _SpoolErrors:
    """Say which folder is full, and what to do.

    Parameters
    ----------
    n_bytes : int
        Bytes that were written so far.
    """

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            folder = tempfile.gettempdir()
            raise OSError(
                error.errno,
                f"The folder of temporary files, {folder!r}, is full after "
                f"{self.n_bytes / 2**30:.2f} GiB of rows, which take 4 bytes a cell while fit "
                "runs; set the environment variable TMPDIR to a folder with more room",
                folder,
            ) from error


def _file() -> Any:
    """Return a file that is gone once nothing reads it."""
    return tempfile.TemporaryFile(prefix="sklearn-ae-", buffering=0)
