"""Parts of a data set: cut, read as rows, and sampled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Rows and cells of the sample that all workers have, at most.
_SAMPLED_ROWS, _SAMPLED_CELLS = 100_000, 2**24


class Shard(NamedTuple):
    """The rows of one worker, which stand beside each other in the data set.

    Parameters
    ----------
    blocks : ray.data.Dataset
        The rows.
    start : int
        Position of the first.
    n_rows : int
        Number of rows of the whole data set.
    """

    blocks: Any
    start: int
    n_rows: int

    def sampled(self, n_features: int) -> NDArray[np.intp]:
        """Return the positions, in the whole, of the rows of the sample, in even steps."""
        n = min(self.n_rows, _SAMPLED_ROWS, max(1000, _SAMPLED_CELLS // max(1, n_features)))
        return np.arange(n) * self.n_rows // n

    def rows(self) -> Any:
        """Return the rows as an array or a data frame."""
        form = "numpy" if is_array(self.blocks) else "pyarrow"
        with quiet():
            return joined(
                [
                    rows_of(batch)
                    for batch in self.blocks.iter_batches(batch_size=None, batch_format=form)
                ]
            )


def as_dataset(X: Any) -> Any:
    """Return rows as a data set of Ray's.

    Raises
    ------
    TypeError
        If there is no such data set.
    """
    import ray.data

    if isinstance(X, ray.data.Dataset):
        return X
    if isinstance(X, np.ndarray):
        return ray.data.from_numpy(X)
    if isinstance(X, pd.DataFrame):
        return ray.data.from_pandas(X)
    library = type(X).__module__.split(".")[0]
    if library == "polars" and hasattr(X, "to_arrow"):
        X, library = X.to_arrow(), "pyarrow"
    if library == "pyarrow" and hasattr(X, "to_batches"):
        return ray.data.from_arrow(X)
    raise TypeError(
        f"dataset is a {type(X).__name__}; pass a ray.data.Dataset, for example "
        "ray.data.read_parquet(folder), a numpy array, or a pandas, polars or pyarrow table."
    )


def cut(dataset: Any, num_workers: int) -> list[Shard]:
    """Cut a data set into parts of equal size, in its order.

    Raises
    ------
    ValueError
        If it is empty, or has fewer rows than there are workers.
    """
    with quiet(), in_order(dataset):
        whole = dataset.materialize()
    n_rows = whole.count()
    if n_rows == 0:
        raise ValueError("dataset has no rows; pass one with rows in it.")
    if n_rows < num_workers:
        raise ValueError(
            f"num_workers={num_workers} exceeds the {n_rows} rows of dataset; use "
            f"num_workers <= {n_rows}."
        )
    ends = [n_rows * i // num_workers for i in range(num_workers + 1)]
    parts = whole.split_at_indices(ends[1:-1]) if num_workers > 1 else [whole]
    return [Shard(part, start, n_rows) for part, start in zip(parts, ends, strict=False)]


def is_array(dataset: Any) -> bool:
    """Whether the rows of a data set are entries of one column of arrays."""
    from ray.data.extensions import ArrowTensorType, ArrowTensorTypeV2, TensorDtype

    schema = dataset.schema()
    tensors = (ArrowTensorType, ArrowTensorTypeV2, TensorDtype)
    return len(schema.names) == 1 and isinstance(schema.types[0], tensors)


def rows_of(batch: Any) -> Any:
    """Return a batch of a data set, as numpy or Arrow, as an array or a data frame."""
    if isinstance(batch, dict):
        [array] = batch.values()
        return array
    return batch.to_pandas()  # Ray's own frames have types of Arrow


def joined(parts: list[Any]) -> Any:
    """Return arrays or frames one after the other; categories are those of all.

    Raises
    ------
    ValueError
        If frames have different columns.
    """
    if not isinstance(parts[0], pd.DataFrame):
        return np.concatenate(parts)
    names = list(parts[0].columns)
    for part in parts:
        if list(part.columns) != names:
            raise ValueError(
                f"dataset has blocks with the columns {names!r:.200} and others with "
                f"{list(part.columns)!r:.200}; select the same columns in all files."
            )
    for name in names:
        levels = [p[name].dtype for p in parts if isinstance(p[name].dtype, pd.CategoricalDtype)]
        if len(levels) == len(parts) and any(dtype != levels[0] for dtype in levels):
            every = list(dict.fromkeys(level for dtype in levels for level in dtype.categories))
            dtype = pd.CategoricalDtype(every, levels[0].ordered)
            parts = [part.assign(**{name: part[name].astype(dtype)}) for part in parts]
    return pd.concat(parts, ignore_index=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Show no progress of data sets."""
    from ray.data import DataContext

    context = DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = False
    try:
        yield
    finally:
        context.enable_progress_bars = before


@contextmanager
def in_order(dataset: Any) -> Iterator[None]:
    """Let a data set have the order of its files, whatever is read first."""
    options, progress = dataset.context.execution_options, dataset.context.enable_progress_bars
    before = options.preserve_order
    options.preserve_order, dataset.context.enable_progress_bars = True, False
    try:
        yield
    finally:
        options.preserve_order, dataset.context.enable_progress_bars = before, progress
