"""Files that frames are written to, one after the other."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any, Self

import narwhals.stable.v1 as nw

from sklearn_ae.sources._arrow import FORMATS

# Ends of names of files that can be written.
ENDINGS = {**FORMATS, ".csv": "csv"}


class CSVWriter:
    """Writes frames as CSV.

    Parameters
    ----------
    file : binary file
        Where to.
    frame : data frame
        The first one.
    """

    def __init__(self, file: Any, frame: Any) -> None:
        self.file = file
        self.header = True

    def write(self, frame: Any) -> None:
        """Append a frame."""
        rows = nw.from_native(frame, eager_only=True).to_pandas()
        rows.to_csv(self.file, header=self.header, index=False)
        self.header = False

    def close(self) -> None:
        """Write what is left, which is nothing."""


class ArrowWriter:
    """Writes frames as Arrow's own files.

    Parameters
    ----------
    file : binary file
        Where to.
    frame : data frame
        The first one, whose types are those of all.
    """

    def __init__(self, file: Any, frame: Any) -> None:
        self.schema = as_table(frame).schema
        self.writer = self.opened(file)

    def opened(self, file: Any) -> Any:
        """Return what writes tables of pyarrow."""
        import pyarrow

        return pyarrow.ipc.new_file(file, self.schema)

    def write(self, frame: Any) -> None:
        """Append a frame."""
        self.writer.write_table(as_table(frame).cast(self.schema))

    def close(self) -> None:
        """Write what is left."""
        self.writer.close()


class ParquetWriter(ArrowWriter):
    """Writes frames as Parquet."""

    def opened(self, file: Any) -> Any:
        """Return what writes tables of pyarrow."""
        import pyarrow.parquet

        return pyarrow.parquet.ParquetWriter(file, self.schema)


_WRITERS = {"csv": CSVWriter, "parquet": ParquetWriter, "ipc": ArrowWriter}


class FileWriter:
    """Writes frames to a file, which has its name once it is whole.

    As a context, it leaves what was there before where something fails.

    Parameters
    ----------
    path : Path
        Of Parquet, Arrow, Feather or CSV, by the end of its name.

    Raises
    ------
    ValueError
        If the end of its name is another one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self.file: Any = None
        self.writer: Any = None
        if path.suffix.lower() not in ENDINGS:
            raise ValueError(
                f"path={str(path)!r} ends with {path.suffix!r}; give it one of the endings "
                f"{', '.join(ENDINGS)}."
            )

    def __enter__(self) -> Self:
        return self

    def write(self, frame: Any) -> None:
        """Append a frame of any library, which has the columns of the first."""
        with _OutputErrors(self.path):
            if self.file is None:
                self.file = open(self.part, "wb")  # noqa: SIM115, closed below
                self.writer = _WRITERS[ENDINGS[self.path.suffix.lower()]](self.file, frame)
            self.writer.write(frame)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.file is None:
            return
        try:
            with _OutputErrors(self.path) if error is None else contextlib.suppress(Exception):
                if self.writer is not None:  # it would write when it is deleted
                    self.writer.close()
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()
            if error is None:
                with _OutputErrors(self.path):
                    os.replace(self.part, self.path)
        finally:
            with contextlib.suppress(OSError):
                self.file.close()
            self.part.unlink(missing_ok=True)


def as_table(frame: Any) -> Any:
    """Return a frame as a table of pyarrow, without its index."""
    import pyarrow

    if hasattr(frame, "iloc"):
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    return nw.from_native(frame, eager_only=True).to_arrow()


class _OutputErrors:
    """Name the file in errors of the disk.

    Parameters
    ----------
    path : Path
        The file that is asked for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise OSError(
                error.errno or errno.EIO,
                f"{'The disk is full' if full else 'The output cannot be written'} "
                f"({error}); nothing is left of it, and what was there before is as it was. Free "
                "some room, or write to another folder",
                str(self.path),
            ) from error
