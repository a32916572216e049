"""What a source of rows is, and rows of it in pieces of one size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from sklearn_ae.data import as_numpy, is_frame

# Cells of a piece, and its rows at least.
_PIECE_CELLS, _PIECE_ROWS = 2**20, 1024


class RowSource(ABC):
    """Rows that are read in blocks, as often as is asked for, always in the same order.

    A subclass states two things, and a third where it is known. `X` of a table autoencoder may
    be an instance of it.

    ================ ==================================================================
    `schema`         the type of each column, in words, by its name; of an array, by its position
    `blocks()`       yields the rows: arrays, tensors, or frames of one library
    `n_rows`         number of rows, None where it is not known before they are read
    ================ ==================================================================

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.sources import RowSource
    >>> class Doubles(RowSource):
    ...     schema = {0: "float64", 1: "float64"}
    ...
    ...     def blocks(self):
    ...         for first in range(0, 300, 100):
    ...             numbers = np.arange(first, first + 100.0)
    ...             yield np.column_stack([numbers, 2 * numbers])
    >>> autoencoder = Autoencoder(1, max_iter=0).fit(Doubles())
    >>> autoencoder.reconstruct(np.array([[5.0, 10.0]])).round(2)
    array([[ 5., 10.]])
    """

    @property
    @abstractmethod
    def schema(self) -> dict[Any, str]:
        """Type of each column, by its name or position."""

    @property
    def in_memory(self) -> str:
        """What to do where rows have to be in memory, in words."""
        return "pass one array or frame of its blocks, such as np.concatenate(list(X))"

    @property
    def n_rows(self) -> int | None:
        """Number of rows, if it is known."""
        return None

    @abstractmethod
    def blocks(self) -> Iterator[Any]:
        """Yield the rows, in order."""

    def facts(self) -> dict[str, Any]:
        """Return what tells these rows from others; all of them may take long to read."""
        return {
            "columns": {str(name): kind for name, kind in self.schema.items()},
            "rows": self.n_rows,
            "first": next(self.pieces(), None),
        }

    def reads(self, path: Path) -> bool:
        """Whether the rows come from a file, or would come from it if it were written."""
        return False

    def of_columns(self, names: list[str]) -> RowSource:
        """Return a source of some columns alone, if that saves reading the others."""
        return self

    def pieces(self, n_rows: int | None = None) -> Iterator[Any]:
        """Yield the rows in pieces of one size, whatever blocks they come in.

        Parameters
        ----------
        n_rows : int, optional
            Rows of a piece; None takes a size that follows from the number of columns.
        """
        blocks = alike(map(as_block, self.blocks()))
        if n_rows is None:
            first = next(blocks, None)
            if first is None:
                return
            blocks = chain([first], blocks)
            n_rows = piece_rows(first.shape[1])
        yield from in_pieces(blocks, n_rows)


def piece_rows(width: int) -> int:
    """Return the rows of a piece of so many columns, a power of two."""
    return max(_PIECE_ROWS, 1 << max(0, (_PIECE_CELLS // max(1, width)).bit_length() - 1))


def as_block(given: Any) -> Any:
    """Return a block as an array or a frame of two dimensions.

    Parameters
    ----------
    given : array, tensor, data frame, or tuple or list whose first entry is one
        What a source yields; loaders of torch yield tuples.

    Raises
    ------
    TypeError
        If it is something else.
    """
    block = given[0] if isinstance(given, tuple | list) and len(given) else given
    if type(block).__module__.startswith("pyarrow") and type(block).__name__ == "RecordBatch":
        import pyarrow

        block = pyarrow.Table.from_batches([block])
    block = as_numpy(block)
    frame = is_frame(block)
    if issparse(block) or not (frame or isinstance(block, np.ndarray)):
        raise TypeError(
            f"A source of rows yielded a {type(block).__name__}, {block!r:.60}; let it yield "
            "arrays, tensors or data frames of two dimensions, without labels."
        )
    if not frame and block.ndim != 2:
        raise ValueError(
            f"A source of rows yielded an array of shape {block.shape}; let it yield blocks of "
            "rows, of shape (n_rows, n_columns)."
        )
    return block


def alike(blocks: Iterator[Any]) -> Iterator[Any]:
    """Yield blocks, each of which has to have the columns of the first.

    Parameters
    ----------
    blocks : iterator
        Arrays or frames.

    Raises
    ------
    ValueError
        If a block has other columns, or one of another kind.
    """
    first: dict[Any, str] | None = None
    for block in blocks:
        kinds = _kinds(block)
        if first is None:
            first = kinds
        elif list(kinds) != list(first):
            raise ValueError(
                f"A block of X has the columns {list(kinds)!r:.200}, and the first one has "
                f"{list(first)!r:.200}; let all blocks have the same, in one order."
            )
        for name, kind in kinds.items():
            if kind != first[name] and "" not in (kind, first[name]):
                raise ValueError(
                    f"Column {name!r} of X is of {first[name]} in the first block, and of {kind} "
                    "in a later one; give it one type."
                )
        yield block


def _kinds(block: Any) -> dict[Any, str]:
    """Return what each column holds, in words; nothing where its type does not say."""
    if isinstance(block, np.ndarray):
        return dict.fromkeys(range(block.shape[1]), "numbers" if block.dtype.kind in "fiu" else "")
    if isinstance(block, pd.DataFrame):
        schema = {name: nw.from_native(block[[name]]).schema for name in block.columns}
        schema = {name: next(iter(own.values())) for name, own in schema.items()}
    else:
        schema = dict(nw.from_native(block, eager_only=True).schema)
    return {name: _kind(dtype) for name, dtype in schema.items()}


def _kind(dtype: Any) -> str:
    if dtype.is_numeric():
        return "numbers"
    if dtype in (nw.Object, nw.Unknown):
        return ""
    if dtype in (nw.Date, nw.Datetime):
        return "dates"
    return "flags" if dtype == nw.Boolean else "text"


def in_pieces(blocks: Iterable[Any], size: int) -> Iterator[Any]:
    """Yield rows in pieces of so many, the last one with the rest.

    Parameters
    ----------
    blocks : iterable
        Arrays or frames.
    size : int
        Rows of a piece.
    """
    held: list[Any] = []
    n_held = 0
    for block in blocks:
        at, n = 0, len(block)
        while n - at >= size - n_held:
            stop = at + size - n_held
            yield joined([*held, part_of(block, at, stop)])
            held, n_held, at = [], 0, stop
        if at < n:
            held.append(part_of(block, at, n))
            n_held += n - at
    if held:
        yield joined(held)


def part_of(block: Any, start: int, stop: int) -> Any:
    """Return consecutive rows of a block."""
    if isinstance(block, pd.DataFrame):
        return block.iloc[start:stop]
    if isinstance(block, np.ndarray):
        return block[start:stop]
    return nw.from_native(block, eager_only=True)[start:stop].to_native()


def rows_of(block: Any, index: Any) -> Any:
    """Return some rows of a block by their positions."""
    if isinstance(block, pd.DataFrame):
        return block.iloc[index]
    if isinstance(block, np.ndarray):
        return block[index]
    return nw.from_native(block, eager_only=True)[np.asarray(index)].to_native()


def without(block: Any, names: list[str]) -> Any:
    """Return a frame without some columns."""
    if not names:
        return block
    if isinstance(block, pd.DataFrame):
        return block.drop(columns=names)
    return nw.from_native(block, eager_only=True).drop(names).to_native()


def column_of(block: Any, name: str) -> np.ndarray:
    """Return a column of a frame as an array."""
    if isinstance(block, pd.DataFrame):
        return block[name].to_numpy()
    return nw.from_native(block, eager_only=True)[name].to_numpy()


def selected(block: Any, names: list[str]) -> Any:
    """Return some columns of a frame, in the order of their names."""
    if isinstance(block, pd.DataFrame):
        return block[names]
    return nw.from_native(block, eager_only=True).select(names).to_native()


def names_of(block: Any) -> list | None:
    """Return the names of the columns of a frame; None of an array."""
    if isinstance(block, pd.DataFrame):
        return list(block.columns)
    return nw.from_native(block, eager_only=True).columns if is_frame(block) else None


def joined(parts: list[Any]) -> Any:
    """Return blocks one after the other, of which all are arrays or frames of one library.

    Categories of pandas are those of all.
    """
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(_with_all_levels(parts))
    frames = [nw.from_native(part, eager_only=True) for part in parts]
    return nw.concat(frames, how="vertical").to_native()


def _with_all_levels(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return frames whose categories are those of all; otherwise pandas makes objects of them."""
    for name in parts[0].columns:
        levels = [p[name].dtype for p in parts if isinstance(p[name].dtype, pd.CategoricalDtype)]
        if len(levels) == len(parts) and any(dtype != levels[0] for dtype in levels):
            every = list(dict.fromkeys(level for dtype in levels for level in dtype.categories))
            dtype = pd.CategoricalDtype(every, levels[0].ordered)
            parts = [part.assign(**{name: part[name].astype(dtype)}) for part in parts]
    return parts


def schema_of(block: Any) -> dict[Any, str]:
    """Return the types of the columns of a block, by name or position."""
    if isinstance(block, np.ndarray):
        return dict.fromkeys(range(block.shape[1]), str(block.dtype))
    if isinstance(block, pd.DataFrame):
        return {name: str(dtype) for name, dtype in block.dtypes.items()}
    schema = nw.from_native(block, eager_only=True).schema
    return {name: str(dtype) for name, dtype in schema.items()}
