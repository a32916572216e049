"""Blocks that Python code hands out: iterables, loaders of torch, memory maps, lazy frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, RandomSampler

from sklearn_ae.sources._base import RowSource, as_block, schema_of

# Rows of a memory map or a lazy frame that are taken at once.
_ROWS = 2**14


class Blocks(RowSource):
    """Rows that an iterable hands out in blocks, each time from the first on.

    Parameters
    ----------
    blocks : iterable or callable
        Can be gone over several times, with the same rows in the same order; or is called to
        return an iterator, as a generator function is.
    n_rows : int, optional
        Number of rows, if it is known; they are counted otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.sources import Blocks
    >>> def blocks():
    ...     for seed in range(3):
    ...         yield np.random.default_rng(seed).normal(size=(50, 4))
    >>> Autoencoder(2, max_iter=1, random_state=0).fit(Blocks(blocks)).transform(
    ...     Blocks(blocks)
    ... ).shape
    (150, 2)
    """

    def __init__(
        self, blocks: Iterable[Any] | Callable[[], Iterator[Any]], n_rows: int | None = None
    ) -> None:
        self._blocks = blocks
        self._n_rows = n_rows
        self._schema: dict[Any, str] | None = None

    @property
    def n_rows(self) -> int | None:
        """Number of rows, if it was said."""
        return self._n_rows

    @property
    def schema(self) -> dict[Any, str]:
        """Types of the columns of the first block."""
        if self._schema is None:
            first = next(iter(self.blocks()), None)
            self._schema = {} if first is None else schema_of(as_block(first))
        return self._schema

    def blocks(self) -> Iterator[Any]:
        """Go over the blocks once more.

        Raises
        ------
        TypeError
            If they can be gone over only once.
        """
        given: Any = self._blocks
        if isinstance(given, Iterator):
            raise TypeError(only_once(given))
        found = given() if callable(given) and not hasattr(given, "__iter__") else iter(given)
        for block in found:
            if len(as_block(block)):
                yield block


class Once(RowSource):
    """Blocks of rows that can be read only once.

    Parameters
    ----------
    blocks : iterator
        Yields arrays or frames.
    """

    def __init__(self, blocks: Iterator[Any]) -> None:
        self._blocks = iter(blocks)
        self._first: list[Any] = []

    @property
    def schema(self) -> dict[Any, str]:
        """Types of the columns of the first block, which is kept until it is read."""
        if not self._first:
            self._first = list(islice(self._blocks, 1))
        return schema_of(as_block(self._first[0])) if self._first else {}

    def blocks(self) -> Iterator[Any]:
        """Yield what has not been read."""
        first, self._first = self._first, []
        return filter(lambda block: len(as_block(block)), chain(first, self._blocks))


class Loader(Blocks):
    """The batches of a loader of torch, which has to keep the order of its rows.

    Parameters
    ----------
    loader : torch.utils.data.DataLoader
        Yields tensors of rows, or tuples of which they are the first.

    Raises
    ------
    ValueError
        If it shuffles.
    """

    def __init__(self, loader: DataLoader) -> None:
        if isinstance(loader.sampler, RandomSampler):
            raise ValueError(
                "X is a DataLoader with shuffle=True, whose rows come in another order each time; "
                "set shuffle=False, since fit shuffles them itself."
            )
        super().__init__(loader)

    @property
    def in_memory(self) -> str:
        """What to do where rows have to be in memory, in words."""
        return "pass one tensor of its rows, torch.cat([rows for rows, *_ in X])"


class MemoryMap(RowSource):
    """The rows of an array that lies in a file.

    Parameters
    ----------
    array : numpy.memmap of shape (n, n_columns)
        The array.
    """

    def __init__(self, array: np.memmap) -> None:
        self.array = array

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.array)

    @property
    def schema(self) -> dict[Any, str]:
        """Type of each column, which is that of all."""
        return schema_of(self.array)

    def blocks(self) -> Iterator[Any]:
        """Yield copies of parts of the array."""
        for start in range(0, len(self.array), _ROWS):
            yield np.array(self.array[start : start + _ROWS])


class LazyFrame(RowSource):
    """The rows of a lazy frame of polars, collected in batches.

    Parameters
    ----------
    frame : polars.LazyFrame
        Its query is run each time that rows are read, and has to return them in one order.
    """

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self._n_rows: int | None = None

    @property
    def in_memory(self) -> str:
        """What makes a frame of it."""
        return "pass X.collect()"

    @property
    def n_rows(self) -> int:
        """Number of rows, for which the query is run."""
        if self._n_rows is None:
            import polars

            self._n_rows = int(self.frame.select(polars.len()).collect(engine="streaming").item())
        return self._n_rows

    @property
    def schema(self) -> dict[Any, str]:
        """Types of the columns, as polars calls them."""
        return {name: str(dtype) for name, dtype in self.frame.collect_schema().items()}

    def of_columns(self, names: list[str]) -> LazyFrame:
        """Return a source that reads these columns alone."""
        return LazyFrame(self.frame.select(names))

    def blocks(self) -> Iterator[Any]:
        """Yield frames."""
        if hasattr(self.frame, "collect_batches"):
            yield from self.frame.collect_batches(chunk_size=_ROWS, maintain_order=True)
            return
        for start in range(0, self.n_rows, _ROWS):  # polars before 1.34
            yield self.frame.slice(start, _ROWS).collect()


def only_once(given: Any) -> str:
    """Return what is said of blocks that can be read only once."""
    return (
        f"X is a {type(given).__name__}, which can be read only once, and fit reads rows several "
        "times; call partial_fit, which reads them once, pass list(X) if the rows fit in memory, "
        "or sklearn_ae.sources.Blocks of a function that returns such an iterator."
    )
