"""Parts of a data set: cut, read as rows, and sampled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_ae.autoencoders._from_source import Named
from sklearn_ae.data import SMALL
from sklearn_ae.sources._base import alike, joined, rows_of
from sklearn_ae.sources._ray_data import in_order, is_array

# Rows and cells of the sample that all workers have, at most.
_SAMPLED_ROWS, _SAMPLED_CELLS = 100_000, 2**24


class Part(NamedTuple):
    """Rows in memory, and what comes with them.

    Parameters
    ----------
    X : ndarray or DataFrame
        The rows.
    weight : ndarray of shape (n,), optional
        Their weights.
    companions : dict of str to ndarray of shape (n, ...), optional
        What penalties read.
    """

    X: Any
    weight: NDArray | None = None
    companions: dict[str, NDArray] | None = None

    def take(self, index: NDArray) -> Part:
        """Select rows by their position."""
        weight = None if self.weight is None else self.weight[index]
        companions = self.companions and {k: v[index] for k, v in self.companions.items()}
        return Part(rows_of(self.X, index), weight, companions)

    def kept(self) -> Part:
        """Return the rows of positive weight, which are those that `fit` sees."""
        if self.weight is None or self.weight.all():
            return self
        return self.take(np.flatnonzero(self.weight))

    @classmethod
    def joined(cls, parts: list[Part]) -> Part:
        """Return parts one after the other, which have the same columns and companions."""
        X = joined(list(alike(part.X for part in parts)))
        first = parts[0]
        weight = None
        if first.weight is not None:
            weight = np.concatenate([part.weight for part in parts])
        companions = first.companions and {
            name: np.concatenate([part.companions[name] for part in parts])  # type: ignore[index]
            for name in first.companions
        }
        return cls(X, weight, companions)


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

    def check(self, least: int) -> None:
        """Raise if there are too few rows, in all or for one of the workers.

        Parameters
        ----------
        least : int
            The number of rows of the worker with the fewest.
        """
        if self.n_rows < SMALL:
            raise ValueError(
                f"dataset has {self.n_rows} rows of positive weight, and fewer than {SMALL} are "
                "validated out of fold, by one process; use estimator.fit."
            )
        if not least:
            raise ValueError(
                "sample_weight is zero for all rows of one of the workers; leave such rows out "
                "before, as by dataset.filter, or shuffle them."
            )

    def part(self, named: Named) -> Part:
        """Return the rows and what comes with them."""
        X, weight, companions = named.of(self.rows(), self.start)
        return Part(X, weight, companions or None)

    def rows(self) -> Any:
        """Return the rows as an array or a data frame."""
        form = "numpy" if is_array(self.blocks) else "pyarrow"
        with in_order(self.blocks):
            batches = self.blocks.iter_batches(batch_size=None, batch_format=form)
            return joined(list(alike(map(as_rows, batches))))


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
    with in_order(dataset):
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


def as_rows(batch: Any) -> Any:
    """Return a batch of a data set, as numpy or Arrow, as an array or a data frame."""
    if isinstance(batch, dict):
        [array] = batch.values()
        return array
    return batch.to_pandas()  # Ray's own frames have types of Arrow
