"""Data sets of Ray."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn_ae.sources._arrow import plain
from sklearn_ae.sources._base import RowSource

# Rows that are taken at once.
_ROWS = 2**14


class RayData(RowSource):
    """The rows of a data set of Ray, in the order of its blocks.

    Parameters
    ----------
    dataset : ray.data.Dataset
        Columns as of a table, or one column of arrays, which are the rows of an array. What it
        computes is computed each time that rows are read.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self._schema: dict[Any, str] | None = None
        self._n_rows: int | None = None

    @property
    def in_memory(self) -> str:
        """What makes a frame of it."""
        return "pass X.to_pandas()"

    @property
    def schema(self) -> dict[Any, str]:
        """Types of the columns; of an array, those of its positions."""
        if self._schema is None:
            with in_order(self.dataset):
                found = self.dataset.schema()
            if found is None:  # of no rows
                self._schema = {}
            elif is_array(self.dataset):
                [kind] = found.base_schema.types
                self._schema = dict.fromkeys(range(kind.shape[0]), _dtype(kind))
            else:
                own = found.base_schema
                self._schema = dict(zip(own.names, map(str, own.types), strict=True))
        return self._schema

    @property
    def n_rows(self) -> int:
        """Number of rows, which Ray counts once."""
        if self._n_rows is None:
            with in_order(self.dataset):
                self._n_rows = int(self.dataset.count())
        return self._n_rows

    def of_columns(self, names: list[str]) -> RayData:
        """Return a source that reads these columns alone."""
        return RayData(self.dataset.select_columns(names))

    def blocks(self) -> Iterator[Any]:
        """Yield arrays or tables."""
        array = is_array(self.dataset)
        form = "numpy" if array else "pyarrow"
        with in_order(self.dataset):
            for batch in self.dataset.iter_batches(batch_size=_ROWS, batch_format=form):
                if array:
                    [batch] = batch.values()
                if len(batch):
                    yield batch if array else plain(batch)


def is_array(dataset: Any) -> bool:
    """Whether the rows of a data set are entries of one column of arrays."""
    schema = dataset.schema()
    if schema is None or len(schema.names) != 1:
        return False
    # Tensors of all of Ray's formats have a shape, with a None where entries differ in theirs.
    shape = getattr(schema.base_schema.types[0], "shape", ())
    return len(shape) > 0 and None not in shape


def _dtype(kind: Any) -> str:
    """Return the type of the numbers of a tensor, as the library calls it that has it."""
    names = ("scalar_type", "value_type", "element_dtype")
    return next(str(getattr(kind, name)) for name in names if hasattr(kind, name))


@contextmanager
def in_order(dataset: Any) -> Iterator[None]:
    """Let a data set have the order of its blocks, whatever is read first, and show no progress."""
    context = dataset.context
    options, progress = context.execution_options, context.enable_progress_bars
    before = options.preserve_order
    options.preserve_order, context.enable_progress_bars = True, False
    try:
        yield
    finally:
        options.preserve_order, context.enable_progress_bars = before, progress
