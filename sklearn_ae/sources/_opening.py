"""What a user passes, as a source of rows where it is one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse
from torch.utils.data import DataLoader, Dataset

from sklearn_ae.data import EXPANDED_CELLS, SMALL, is_foreign, is_frame
from sklearn_ae.sources._arrow import FORMATS, ArrowSource
from sklearn_ae.sources._base import RowSource, joined
from sklearn_ae.sources._blocks import Blocks, LazyFrame, Loader, MemoryMap
from sklearn_ae.sources._ray_data import RayData


def row_source(X: Any) -> RowSource | None:
    """Return X as a source of rows, or None where it is something else.

    Parameters
    ----------
    X : object
        A source; the path of a file of Parquet, Arrow or Feather, or of a folder of them; a
        data set of pyarrow or of Ray, a lazy frame of polars, a loader of torch, or another
        object that can be gone over again and again and is no array, frame or collection.
    """
    if isinstance(X, RowSource):
        return X
    if isinstance(X, np.ndarray | Iterator) or is_frame(X) or issparse(X) or is_foreign(X):
        return None
    if isinstance(X, str | Path):
        path = Path(X)
        named = path.suffix.lower() in FORMATS or isinstance(X, Path)
        return ArrowSource.of_path(path) if named or path.exists() else None
    kinds = {kind.__module__.partition(".")[0] + "." + kind.__name__ for kind in type(X).__mro__}
    if "pyarrow.Dataset" in kinds:
        return ArrowSource(X)
    if "ray.Dataset" in kinds:
        return RayData(X)
    if "polars.LazyFrame" in kinds:
        return LazyFrame(X)
    if isinstance(X, DataLoader):
        return Loader(X)
    rows = isinstance(X, Collection | Mapping | Dataset) and hasattr(type(X), "__contains__")
    if rows or isinstance(X, Dataset) or not hasattr(X, "__iter__") or hasattr(X, "__array__"):
        return None
    return None if hasattr(type(X), "__getitem__") else Blocks(X)


def refuse_source(estimator: Any, X: Any, why: str = "which takes none") -> None:
    """Raise if X is a source of rows, for an estimator that reads rows in memory alone.

    Parameters
    ----------
    estimator : estimator
        It is named.
    X : object
        What a user passed.
    why : str
        What is said of it.
    """
    if (source := row_source(X)) is None:
        return
    raise TypeError(
        f"X is a {words_of(X)}, a source of rows, and was given to {type(estimator).__name__}, "
        f"{why}; {source.in_memory}, if the rows fit in memory. What is fitted answers for "
        "sources by sklearn_ae.sources.apply_in_blocks(model, X, method)."
    )


def words_of(X: Any) -> str:
    """Return what a source of rows is called in errors."""
    return f"{type(X).__name__} ({X!r:.80})" if isinstance(X, str) else type(X).__name__


def large_source(X: Any) -> RowSource | None:
    """Return X as a source whose rows are not to be in memory as a whole, None otherwise.

    Of arrays in files these are large ones of two dimensions.
    """
    if isinstance(X, np.memmap) and X.ndim == 2 and X.dtype.kind in "fiu":
        return MemoryMap(X) if not _small(*X.shape) else None
    return row_source(X)


def collected(source: RowSource) -> Any:
    """Return the rows of a source as one array or frame where they are few, None otherwise.

    Few are below 1,000 rows, or 2^25 cells.
    """
    n_rows = source.n_rows
    width = len(source.schema)
    if n_rows is not None and not _small(n_rows, width):
        return None
    found, n = [], 0
    for piece in source.pieces():
        found.append(piece)
        n += len(piece)
        if not _small(n, width):
            return None
    if not n:
        raise ValueError("X is a source of no rows; check what it reads.")
    return joined(found)


def _small(n_rows: int, width: int) -> bool:
    return n_rows < SMALL or n_rows * width <= EXPANDED_CELLS
