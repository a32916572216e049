"""Batches of rows that lie in a file, shuffled some at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae.data import Batch, ColumnScaling, LazyBatch, as_tensor
from sklearn_ae.sources._spool import SpooledRows, SpooledTableRows
from sklearn_ae.sources._staging import Staging

# Consecutive rows that are read together.
_CHUNK = 64
# Cells that are shuffled together, and batches at least.
_SHUFFLED_CELLS, _SHUFFLED_BATCHES = 2**22, 8
# Cells that are put into standard units at once, so that they stay in a core's cache.
_SCALED_CELLS = 2**17


class SpooledBatch(LazyBatch):
    """Rows in a file, put into standard units as they are read.

    An epoch takes the file's chunks of 64 rows in random order, and shuffles the rows of many
    chunks together. While a network is trained on these, a thread reads the next ones. What is
    in memory does not grow with the number of rows, but for 1 / 16 of a byte a row.

    Parameters
    ----------
    values : SpooledRows or SpooledTableRows
        The rows.
    scalings : pair of ColumnScaling
        Column scales of the rows.
    arrays : dict of str to ndarray of shape (n, ...)
        What comes with them, in files too.
    device : torch.device or str
        Where batches are.
    fill : bool
        Whether missing cells are filled with their column's mean.
    """

    def __init__(
        self,
        values: SpooledRows | SpooledTableRows,
        scalings: tuple[ColumnScaling, ColumnScaling],
        arrays: dict[str, NDArray],
        device: torch.device | str = "cpu",
        fill: bool = False,
    ) -> None:
        super().__init__(values, scalings, {}, None, device, fill)
        self.arrays = arrays
        self._mean_weight = float(arrays["weight"].mean()) if "weight" in arrays else 1.0

    @property
    def weight(self) -> Tensor | None:
        """Weight of each row."""
        return None if "weight" not in self.arrays else self._companion("weight", slice(None))

    def take(self, rows: slice | NDArray, out: Batch | None = None) -> Batch:
        """Return some rows as a batch, in the memory of another batch if given."""
        batch = self._read(rows).to(self.x.device)
        return batch if out is None else batch.copied(out)

    def batches(
        self,
        batch_size: int,
        generator: Generator,
        buffers: dict[int, Batch] | None = None,
    ) -> Iterator[Batch]:
        """Yield the rows in random order; see `Batch.batches`."""
        n_batches = self.n_batches(batch_size)
        stops = _stops(self.n_rows, n_batches)
        cells = _SHUFFLED_CELLS // max(1, self.values.shape[1])
        at_once = max(_SHUFFLED_BATCHES, cells // batch_size)
        order = _Order(self.n_rows, generator)
        kept = {} if buffers is None else buffers
        loads = [(i, min(i + at_once, n_batches)) for i in range(0, n_batches, at_once)]

        longest = max(int(stops[last] - stops[first]) for first, last in loads)
        # Memory that is taken anew for each would be left in pieces.
        staging = Staging(longest, self.values.shape[1], self.x.device)

        def load(i: int) -> Batch:
            first, last = loads[i]
            positions = order.positions(int(stops[first]), int(stops[last]))
            return self._read(positions, staging.free(i))

        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(load, 0)
            for i, (first, last) in enumerate(loads):
                rows = staging.sent(i, coming.result())
                if i + 1 < len(loads):
                    coming = reader.submit(load, i + 1)
                index = torch.randperm(rows.n_rows, generator=generator).to(self.x.device)
                ends = (stops[first : last + 1] - stops[first]).tolist()
                for start, stop in pairwise(ends):
                    batch = rows.take(index[start:stop], kept.get(stop - start))
                    if buffers is not None:
                        kept[stop - start] = batch
                    yield batch

    def blocks(self, most_cells: int) -> Iterator[tuple[Any, Batch]]:
        """Yield positions and rows, in order."""
        size = max(1, most_cells // (self.values.shape[1] + 256))
        for start in range(0, self.n_rows, size):
            part = slice(start, min(start + size, self.n_rows))
            yield part, self.take(part)

    def _selected(self, part: Any) -> Any:
        """Return some rows in memory."""
        return self.take(slice(*part.indices(self.n_rows)) if isinstance(part, slice) else part)

    def _companion(self, name: str, rows: slice | NDArray) -> Tensor:
        values = self.arrays[name][rows]
        return as_tensor(values / self._mean_weight if name == "weight" else values)

    def _read(self, rows: slice | NDArray, memory: Tensor | None = None) -> Batch:
        """Return some rows on the CPU; positions of one chunk follow each other."""
        start, stop = (rows.start or 0, rows.stop) if isinstance(rows, slice) else (0, len(rows))
        width = self.values.shape[1]
        x = torch.empty(stop - start, width) if memory is None else memory[: stop - start]
        out = x.numpy()
        step = max(1, _SCALED_CELLS // max(1, width))
        for at in range(start, stop, step):
            part = slice(at, min(at + step, stop))
            block = self.values.dense(part if isinstance(rows, slice) else rows[part])
            out[at - start : part.stop - start] = self.scalings[0].apply(
                block.astype(np.float64, copy=False)
            )
        mask = None
        if self.masked:
            mask = ~torch.isnan(x)
        if self.fill:
            x.nan_to_num_()
        companions = {name: self._companion(name, rows) for name in self.arrays}
        return Batch(x, mask=mask, **companions)


class _Order:
    """An order of rows in which chunks of the file are shuffled.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    generator : Generator
        Feeds the order of the chunks.
    """

    def __init__(self, n_rows: int, generator: Generator) -> None:
        n_chunks = math.ceil(n_rows / _CHUNK)
        self.chunks = torch.randperm(n_chunks, generator=generator, dtype=torch.int32).numpy()
        self.rest = n_rows - (n_chunks - 1) * _CHUNK  # rows of the last chunk
        self.last = int(np.flatnonzero(self.chunks == n_chunks - 1)[0])

    def positions(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the positions of rows from one place in the order to another."""
        place = np.arange(start, stop)
        # As if the last chunk were as long as the others.
        place[place >= self.last * _CHUNK + self.rest] += _CHUNK - self.rest
        return self.chunks[place // _CHUNK].astype(np.int64) * _CHUNK + place % _CHUNK


def _stops(n_rows: int, n_batches: int) -> NDArray[np.int64]:
    """Return where batches end that differ by one row at most, after a 0."""
    least, rest = divmod(n_rows, n_batches)
    sizes = np.full(n_batches, least)
    sizes[:rest] += 1
    return np.concatenate([[0], np.cumsum(sizes)])
