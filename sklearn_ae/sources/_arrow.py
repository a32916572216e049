"""Files of Parquet, Arrow and Feather, and data sets of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sklearn_ae.sources._base import RowSource

# Formats by the ends of names; Feather is Arrow's own file.
FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "ipc",
    ".ipc": "ipc",
    ".feather": "ipc",
}
# Rows that are decoded at once.
_ROWS = 2**14


class ArrowSource(RowSource):
    """The rows of a data set of pyarrow, file after file.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
        The files, which have one schema.
    columns : list of str, optional
        Columns that are read; all by default.
    whole : bool, default=False
        Whether the data set is of files of which all rows are read. Each is then opened anew
        whenever it is read: what pyarrow keeps of an opened file of Parquet is 3 kB a column
        and row group.
    """

    def __init__(
        self, dataset: Any, columns: list[str] | None = None, *, whole: bool = False
    ) -> None:
        self.dataset = dataset
        self.columns = columns
        self.whole = whole
        self._checked = False
        self._folder: Path | None = None

    @classmethod
    def of_path(cls, path: Path) -> ArrowSource:
        """Open a file, or all files of a folder.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If files are of several formats, or none can be read.
        """
        dataset = _pyarrow_dataset()
        if not path.exists():
            raise FileNotFoundError(f"X={str(path)!r} names no file and no folder; check the path.")
        files = [path]
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.is_file() and p.name[0] not in "._")
        formats = {FORMATS.get(p.suffix.lower(), p.suffix) for p in files}
        known = formats & set(FORMATS.values())
        if len(formats) != 1 or not known:
            found = sorted(p.name for p in files)[:5]
            raise ValueError(
                f"X={str(path)!r} holds {found!r}, and rows are read of files of one format whose "
                f"names end with {', '.join(FORMATS)}; convert them, or pass a "
                "pyarrow.dataset.Dataset."
            )
        (format,) = known
        for file in files:
            if file.stat().st_size == 0:
                raise ValueError(
                    f"The file {str(file)!r} is empty; leave it out, or write it again."
                )
        with _named(files[0]):
            first = dataset.dataset(str(files[0]), format=format).schema
        every = dataset.dataset([str(p) for p in files], schema=first, format=format)
        source = cls(every, whole=True)
        source._folder = path.resolve() if path.is_dir() else None
        return source

    def reads(self, path: Path) -> bool:
        """Whether a file is one of these, or lies in their folder."""
        path = path.resolve()
        files = {Path(file).resolve() for file in getattr(self.dataset, "files", ())}
        return path in files or (self._folder is not None and self._folder in path.parents)

    @property
    def in_memory(self) -> str:
        """What makes a table of it."""
        return "pass pyarrow.dataset.dataset(X).to_table()"

    @property
    def schema(self) -> dict[Any, str]:
        """Types of the columns, as pyarrow calls them."""
        names = self.dataset.schema.names if self.columns is None else self.columns
        return {name: str(self.dataset.schema.field(name).type) for name in names}

    @property
    def n_rows(self) -> int | None:
        """Number of rows, which the files state."""
        self._check()
        return sum(self._counted(fragment) for fragment in self._fragments())

    def of_columns(self, names: list[str]) -> ArrowSource:
        """Return a source that reads these columns alone."""
        return ArrowSource(self.dataset, names, whole=self.whole)

    def blocks(self) -> Iterator[Any]:
        """Yield tables, file after file."""
        import pyarrow

        self._check()
        for fragment in self._fragments():
            # What is read ahead of a file may be all of it.
            scanner = fragment.scanner(
                schema=self.dataset.schema,
                columns=self.columns,
                batch_size=_ROWS,
                batch_readahead=1,
                fragment_readahead=1,
                use_threads=False,
                fragment_scan_options=_scan_options(fragment),
            )
            batches = iter(scanner.to_batches())
            while True:
                with _named(getattr(fragment, "path", None)):
                    batch = next(batches, None)
                if batch is None:
                    break
                if batch.num_rows:
                    yield plain(pyarrow.Table.from_batches([batch]))

    def _counted(self, fragment: Any) -> int:
        with _named(getattr(fragment, "path", None)):
            return fragment.count_rows()

    def _fragments(self) -> Iterator[Any]:
        """Yield the files."""
        if not self.whole:
            yield from self.dataset.get_fragments()
            return
        for path in self.dataset.files:
            yield self.dataset.format.make_fragment(path, self.dataset.filesystem)

    def _check(self) -> None:
        """Raise, once, if a file has other columns than the first."""
        if self._checked:
            return
        schema = self.dataset.schema
        stated = _partitioned(self.dataset)
        names = [name for name in schema.names if name not in stated]
        first = None
        for fragment in self._fragments():
            path = getattr(fragment, "path", None)
            first = path if first is None else first
            if path is None:
                continue
            with _named(path):
                own = fragment.physical_schema
            lacks = [name for name in names if name not in own.names]
            further = [name for name in own.names if name not in names]
            if lacks or further:
                raise ValueError(
                    f"The file {path!r} has other columns than {first!r}: "
                    f"{_listed('it lacks', lacks)}{_listed('it has besides', further)}leave it "
                    "out, or write it again."
                )
            for name in names:
                if own.field(name).type != schema.field(name).type:
                    raise ValueError(
                        f"Column {name!r} is of type {own.field(name).type} in the file {path!r}, "
                        f"and of {schema.field(name).type} in {first!r}; write it "
                        "again with one type, or pass a pyarrow.dataset.Dataset whose schema "
                        "both can be cast to, read by a polars LazyFrame."
                    )
        self._checked = True


class _named:
    """Name the file in errors of pyarrow.

    Parameters
    ----------
    path : path or None
        The file.
    """

    def __init__(self, path: Any) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None and self.path is not None and isinstance(error, OSError | ValueError):
            raise ValueError(
                f"The file {str(self.path)!r} cannot be read ({error}); it is damaged or was not "
                "written to its end: write it again, or leave it out."
            ) from error


def _pyarrow_dataset() -> Any:
    try:
        import pyarrow.dataset
    except ImportError as error:
        raise ImportError(
            "Files of rows are read by pyarrow, which is not installed; run "
            "pip install sklearn-ae[files]."
        ) from error
    return pyarrow.dataset


def _scan_options(fragment: Any) -> Any:
    """Return how Parquet is read without holding whole columns; None for other formats."""
    if fragment.format.default_extname != "parquet":
        return None
    dataset = _pyarrow_dataset()
    return dataset.ParquetFragmentScanOptions(
        use_buffered_stream=True,
        buffer_size=2**16,
        pre_buffer=False,
        page_checksum_verification=True,
    )


def plain(table: Any) -> Any:
    """Return a table whose dictionaries are the values that they stand for.

    Each file and block has a dictionary of its own, and levels are those of all.
    """
    import pyarrow

    for i, field in enumerate(table.schema):
        if pyarrow.types.is_dictionary(field.type):
            values = table.column(i).cast(field.type.value_type)
            table = table.set_column(i, field.name, values)
    return table


def _partitioned(dataset: Any) -> list[str]:
    """Return the columns that names of folders state."""
    partitioning = getattr(dataset, "partitioning", None)
    return [] if partitioning is None else list(partitioning.schema.names)


def _listed(words: str, names: list[str]) -> str:
    return f"{words} {names!r:.200}; " if names else ""
