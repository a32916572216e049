"""The one form in which rows reach a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae.data._companions import present
from sklearn_ae.data._lazy_rows import LazyRows, dense_block
from sklearn_ae.data._ragged import cell_index, padded_index, plan
from sklearn_ae.data._scaling import ColumnScaling

# Cells of rows that are shuffled as a whole, at the price of a copy.
_SHUFFLED_CELLS = 2**22
# Cells of compact rows that are standardised at once, so that they stay in a core's cache.
_SCALED_CELLS = 2**17
# Batches over which sequences are sorted by length, so that little is padded.
_WINDOW = 8


class Extent(NamedTuple):
    """The size of what a decoder writes, where rows differ in size.

    Parameters
    ----------
    size : tuple of int
        Height and width, or the number of steps of the longest row.
    lengths : Tensor of shape (n,), optional
        Number of steps of each row.
    """

    size: tuple[int, ...]
    lengths: Tensor | None = None


class Batch:
    """Rows on a device, with what comes with them; parts that are absent are None.

    Parameters
    ----------
    x : Tensor of shape (n, n_features) or (n, *size, n_channels)
        The network's input, standardised; the second form is that of rows which differ in
        size from batch to batch, with NaN where nothing was observed.
    **companions : Tensor of shape (n, ...) or None
        Among them `mask`, of the shape of the target, True where a cell was observed;
        `weight`, with mean 1 over the training rows; `target`, what the reconstruction is
        compared with if it is not x; `condition`, what the rows are conditioned on; `lengths`,
        the number of steps of each sequence; and what terms of the objective read.
    """

    def __init__(self, x: Tensor, **companions: Tensor | None) -> None:
        self.x = x
        self.companions: dict[str, Tensor] = present(companions)

    @property
    def parts(self) -> dict[str, Tensor]:
        """The rows and all that comes with them."""
        return {"x": self.x, **self.companions}

    @property
    def mask(self) -> Tensor | None:
        """True where a cell was observed; None if all were."""
        return self.companions.get("mask")

    @property
    def weight(self) -> Tensor | None:
        """Weight of each row."""
        return self.companions.get("weight")

    @property
    def target(self) -> Tensor | None:
        """What the reconstruction is compared with, if it is not x."""
        return self.companions.get("target")

    @property
    def condition(self) -> Tensor | None:
        """What the rows are conditioned on."""
        return self.companions.get("condition")

    @property
    def lengths(self) -> Tensor | None:
        """Number of steps of each sequence."""
        return self.companions.get("lengths")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.x.shape[0]

    def __len__(self) -> int:
        return self.n_rows

    @property
    def extent(self) -> Extent | None:
        """The size of the rows, where it differs from batch to batch."""
        if self.x.ndim == 2:
            return None
        return Extent(tuple(self.x.shape[1:-1]), self.lengths)

    def replace(self, **parts: Tensor | None) -> Batch:
        """Return the batch with other parts."""
        return Batch(**{**self.parts, **parts})  # type: ignore[arg-type]

    def map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """Apply a function to each part."""
        return Batch(**{name: function(part) for name, part in self.parts.items()})

    def take(self, index: Tensor, out: Batch | None = None) -> Batch:
        """Return the rows at the given positions, in the memory of another batch if given."""
        if out is None:
            return self.map(lambda part: part.index_select(0, index))
        for name, part in self.parts.items():
            torch.index_select(part, 0, index, out=out.parts[name])
        return out

    def split(self, n: int) -> Iterator[Batch]:
        """Yield n batches of consecutive rows, which differ by one row at most."""
        pieces = zip(*(part.tensor_split(n) for part in self.parts.values()), strict=True)
        return (Batch(**dict(zip(self.parts, each, strict=True))) for each in pieces)

    def slice(self, start: int, stop: int) -> Batch:
        """Return consecutive rows."""
        return self.map(lambda part: part[start:stop])

    def copied(self, out: Batch | None = None) -> Batch:
        """Return a copy, in the memory of another batch if given."""
        if out is None:
            return self.map(torch.clone)
        for name, part in self.parts.items():
            buffer = out.parts[name]
            if part is not buffer:
                buffer.copy_(part)
        return out

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        return self.map(lambda part: part.to(device))

    def n_batches(self, batch_size: int) -> int:
        """Number of batches of an epoch."""
        return max(1, math.ceil(self.n_rows / batch_size))

    def batches(
        self,
        batch_size: int,
        generator: Generator,
        buffers: dict[int, Batch] | None = None,
        n_rows: int | None = None,
        order: Tensor | None = None,
    ) -> Iterator[Batch]:
        """Yield the rows in random order; batches differ by one row at most.

        Parameters
        ----------
        batch_size : int
            Largest batch.
        generator : Generator
            Feeds the order, on the CPU.
        buffers : dict of int to Batch, optional
            A batch of each size that was seen, in whose memory the next of its size comes.
        n_rows : int, optional
            Number of rows to draw; None means all.
        order : Tensor of shape (n,), int32, optional
            Memory for the order of all rows, which a long fit had better not seek anew.
        """
        n_rows = self.n_rows if n_rows is None else n_rows
        n_batches = max(1, math.ceil(n_rows / batch_size))
        if n_batches == 1 and n_rows == self.n_rows:
            yield self
            return
        if order is None:
            order = torch.empty(self.n_rows, dtype=torch.int32)
        torch.randperm(self.n_rows, generator=generator, out=order)
        order = stratified(order, self.companions)[:n_rows].to(self.x.device)
        kept = {} if buffers is None else buffers
        if self.x.numel() <= _SHUFFLED_CELLS:
            for batch in self.take(order).split(n_batches):
                if buffers is not None:
                    batch = batch.copied(kept.get(batch.n_rows))
                    kept[batch.n_rows] = batch
                yield batch
            return
        for index in order.tensor_split(n_batches):
            size = index.shape[0]
            batch = self.take(index, kept.get(size))
            if buffers is not None:
                kept[size] = batch
            yield batch

    def blocks(self, most_cells: int) -> Iterator[tuple[Any, Batch]]:
        """Yield positions and rows, in order."""
        size = block_rows(most_cells, self.x.shape[1] + 256)
        for start in range(0, self.n_rows, size):
            part = slice(start, start + size)
            yield part, self.slice(start, start + size)


class LazyBatch:
    """Compact rows, made dense and put into standard units as batches are needed.

    Parameters
    ----------
    values : LazyRows of shape (n, n_features)
        The rows.
    scalings : pair of ColumnScaling
        Column scales of the rows and of what reconstructions are compared with.
    companions : dict of str to Tensor of shape (n, ...)
        As in `Batch`, but for the target.
    target : LazyRows or ndarray of shape (n, n_features), optional
        What reconstructions are compared with, in X's units; None means the rows.
    device : torch.device or str
        Where batches are.
    fill : bool
        Whether missing cells are filled with their column's mean.
    """

    def __init__(
        self,
        values: LazyRows,
        scalings: tuple[ColumnScaling, ColumnScaling],
        companions: dict[str, Tensor],
        target: LazyRows | NDArray | None = None,
        device: torch.device | str = "cpu",
        fill: bool = False,
    ) -> None:
        self.fill = fill
        self.values = values
        self.scalings = scalings
        self.companions = {name: part.to(device) for name, part in companions.items()}
        self.target = target
        self.x = torch.empty(0, values.shape[1], device=device)
        compared = values if target is None else target
        self.masked = isinstance(compared, LazyRows) and len(compared.missing_columns()) > 0

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.values)

    def __len__(self) -> int:
        return self.n_rows

    @property
    def weight(self) -> Tensor | None:
        """Weight of each row."""
        return self.companions.get("weight")

    def take(self, rows: slice | NDArray, out: Batch | None = None) -> Batch:
        """Return some rows as a batch, in the memory of another batch if given."""
        device = self.x.device
        index = rows if isinstance(rows, slice) else torch.from_numpy(rows).to(device)
        target = None
        if self.target is not None:
            buffer = None if out is None else out.target
            target = _standardized(self.target, rows, self.scalings[1], device, buffer)
        x = _standardized(
            self.values, rows, self.scalings[0], device, None if out is None else out.x
        )
        missing = torch.isnan(x if target is None else target) if self.masked else None
        if self.fill:
            x.nan_to_num_()
        batch = Batch(
            x,
            mask=None if missing is None else ~missing,
            target=target,
            **{name: part[index] for name, part in self.companions.items()},
        )
        return batch if out is None else batch.copied(out)

    def slice(self, start: int, stop: int) -> LazyBatch:
        """Return consecutive rows."""
        return self._selected(slice(start, stop))

    def evenly_spaced(self, most: int) -> tuple[LazyBatch, NDArray[np.intp]]:
        """Return so many rows at equal distances, and where they are."""
        index = np.unique(np.linspace(0, self.n_rows - 1, min(most, self.n_rows)).astype(np.intp))
        return self._selected(index), index

    def _selected(self, part: Any) -> LazyBatch:
        return LazyBatch(
            self.values[part],
            self.scalings,
            {name: companion[part] for name, companion in self.companions.items()},
            None if self.target is None else self.target[part],
            self.x.device,
            self.fill,
        )

    def n_batches(self, batch_size: int) -> int:
        """Number of batches of an epoch."""
        return max(1, math.ceil(self.n_rows / batch_size))

    def batches(
        self,
        batch_size: int,
        generator: Generator,
        buffers: dict[int, Batch] | None = None,
    ) -> Iterator[Batch]:
        """Yield the rows in random order; see `Batch.batches`."""
        n_batches = self.n_batches(batch_size)
        if n_batches == 1:
            order = torch.arange(self.n_rows)
        else:
            order = torch.randperm(self.n_rows, generator=generator)
            order = stratified(order, self.companions)
        kept = {} if buffers is None else buffers
        for index in order.tensor_split(n_batches):
            size = index.shape[0]
            batch = self.take(index.numpy(), kept.get(size))
            if buffers is not None:
                kept[size] = batch
            yield batch

    def blocks(self, most_cells: int) -> Iterator[tuple[Any, Batch]]:
        """Yield positions and rows, in order."""
        size = block_rows(most_cells, self.values.shape[1] + 256)
        for start in range(0, self.n_rows, size):
            part = slice(start, start + size)
            yield part, self.take(part)


def stratified(order: Tensor, companions: dict[str, Tensor]) -> Tensor:
    """Return an order in which each stretch has its share of rows of every domain.

    Parameters
    ----------
    order : Tensor of shape (n,)
        Positions of rows in random order.
    companions : dict of str to Tensor of shape (n, ...)
        What comes with rows; "domain" says which domain they are of, if it is there.
    """
    if "domain" not in companions:
        return order
    domain = companions["domain"].cpu()[order.long()]
    place = torch.empty(len(order), dtype=torch.float64)
    for value in domain.unique():
        own = torch.nonzero(domain == value)[:, 0]
        place[own] = (torch.arange(len(own), dtype=torch.float64) + 0.5) / len(own)
    return order[place.argsort(stable=True)]


def block_rows(most_cells: int, width: int) -> int:
    """Rows of a block of at most so many cells: a power of two, so that sizes recur."""
    return 1 << max(0, (most_cells // width).bit_length() - 1)


def _standardized(
    values: LazyRows | NDArray,
    rows: slice | NDArray,
    scaling: ColumnScaling,
    device: torch.device,
    buffer: Tensor | None,
) -> Tensor:
    """Return rows in standard units on a device, in the memory of a buffer if it is there."""
    positions = np.arange(len(values))[rows] if isinstance(rows, slice) else rows
    if buffer is None or buffer.device.type != "cpu":
        buffer = torch.empty(len(positions), values.shape[1])
    out = buffer.numpy()
    step = max(1, _SCALED_CELLS // max(1, values.shape[1]))
    for start in range(0, len(positions), step):
        part = slice(start, start + step)
        block = dense_block(values, positions[part]).astype(np.float64, copy=False)
        out[part] = scaling.apply(block)
    return buffer.to(device)


class RaggedBatch:
    """Rows of different sizes on a device, made into batches as they are needed.

    Parameters
    ----------
    cells : Tensor of shape (n_cells, n_channels)
        The rows one after the other; NaN where nothing was observed.
    sizes : ndarray of shape (n, n_axes)
        Their sizes.
    companions : dict of str to Tensor of shape (n, ...)
        As in `Batch`, but for the target.
    target : Tensor of shape (n_cells, n_channels), optional
        What reconstructions are compared with, laid out as the cells.
    """

    def __init__(
        self,
        cells: Tensor,
        sizes: NDArray,
        companions: dict[str, Tensor],
        target: Tensor | None = None,
    ) -> None:
        self.cells = cells
        self.sizes = sizes
        self.start = np.concatenate([[0], np.cumsum(sizes.prod(axis=1))])
        self.companions = companions
        self.target = target

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.sizes)

    def __len__(self) -> int:
        return self.n_rows

    @property
    def x(self) -> Tensor:
        """The cells, for their device and type."""
        return self.cells

    @property
    def weight(self) -> Tensor | None:
        """Weight of each row."""
        return self.companions.get("weight")

    def take(self, rows: NDArray) -> Batch:
        """Return some rows as a batch, short ones padded."""
        size = self.sizes[rows].max(axis=0)
        device = self.cells.device
        within, place = padded_index(self.start, self.sizes, rows)
        source, goal = torch.from_numpy(within).to(device), torch.from_numpy(place).to(device)
        index = torch.from_numpy(rows).to(device)

        def padded(cells: Tensor) -> Tensor:
            block = cells.new_full((len(rows) * int(size.prod()), cells.shape[1]), torch.nan)
            block[goal] = cells[source]
            return block.reshape(len(rows), *size.tolist(), cells.shape[1])

        x = padded(self.cells)
        target = None if self.target is None else padded(self.target)
        lengths = None
        if self.sizes.shape[1] == 1:
            step = torch.arange(1, x.shape[1] + 1, device=device)
            lengths = (~torch.isnan(x).all(dim=2) * step).amax(dim=1).clamp(min=1)
        return Batch(
            x,
            mask=None if lengths is None else ~torch.isnan(x if target is None else target),
            target=target,
            lengths=lengths,
            **{name: part[index] for name, part in self.companions.items()},
        )

    def slice(self, start: int, stop: int) -> RaggedBatch:
        """Return consecutive rows."""
        rows = np.arange(self.n_rows)[start:stop]
        cells = torch.from_numpy(cell_index(self.start, self.sizes, rows)).to(self.cells.device)
        return RaggedBatch(
            self.cells[cells],
            self.sizes[start:stop],
            {name: part[start:stop] for name, part in self.companions.items()},
            None if self.target is None else self.target[cells],
        )

    def n_batches(self, batch_size: int) -> int:
        """Number of batches of an epoch."""
        if self.sizes.shape[1] == 1:
            return max(1, math.ceil(self.n_rows / batch_size))
        _, counts = np.unique(self.sizes, axis=0, return_counts=True)
        return int(np.ceil(counts / batch_size).sum())

    def batches(
        self, batch_size: int, generator: Generator, buffers: object = None
    ) -> Iterator[Batch]:
        """Yield the rows in random order: images of one size, sequences of similar length.

        No two batches need have the same size, so `buffers` stay empty.
        """
        order = torch.randperm(self.n_rows, generator=generator).numpy()
        if self.sizes.shape[1] == 1:
            n_batches = self.n_batches(batch_size)
            windows = np.array_split(order, math.ceil(n_batches / _WINDOW))
            by_length = [w[np.argsort(self.sizes[w, 0], kind="stable")] for w in windows]
            parts = np.array_split(np.concatenate(by_length), n_batches)
        else:
            _, kind = np.unique(self.sizes[order], axis=0, return_inverse=True)
            groups = [order[kind.ravel() == i] for i in range(kind.max() + 1)]
            parts = [p for g in groups for p in np.array_split(g, math.ceil(len(g) / batch_size))]
        for i in torch.randperm(len(parts), generator=generator).tolist():
            yield self.take(parts[i])

    def blocks(self, most_cells: int) -> Iterator[tuple[Tensor, Batch]]:
        """Yield positions and rows, by size."""
        for rows in plan(self.sizes, max(1, most_cells // (self.cells.shape[1] + 64))):
            yield torch.from_numpy(rows).to(self.cells.device), self.take(rows)


# Rows on a device, in whatever form they are kept.
AnyBatch = Batch | LazyBatch | RaggedBatch
