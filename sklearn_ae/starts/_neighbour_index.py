"""Rows of a table that are near to others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from sklearn_ae.runtime import threads_allowed

# Rows above which distances to all of them take longer than an approximate index.
MOST_EXACT = 50_000
# Cells of the index that are searched for each row.
_SEARCHED = 24


class NeighbourIndex:
    """Rows in which the nearest ones to others are looked for.

    Up to 50,000 rows they are those of :class:`~sklearn.neighbors.NearestNeighbors`. Above, they
    are those that faiss finds by an index of cells, if it is installed, which misses few of them.

    Parameters
    ----------
    rows : ndarray of shape (n, p)
        Rows whose Euclidean distances count.
    """

    def __init__(self, rows: NDArray) -> None:
        self.rows = rows
        self._index: Any = None

    def __call__(self, rows: NDArray, k: int) -> tuple[NDArray, NDArray[np.intp]]:
        """Return distances and positions of the nearest rows of others, each of shape (m, k)."""
        return self._found().kneighbors(rows, k)

    def of_themselves(self, k: int) -> tuple[NDArray, NDArray[np.intp]]:
        """Return distances and positions of the rows nearest to each, itself left out."""
        return self._found().kneighbors(None, k)

    def _found(self) -> Any:
        if self._index is None:
            many = len(self.rows) > MOST_EXACT and find_spec("faiss") is not None
            self._index = (_Approximate() if many else NearestNeighbors()).fit(self.rows)
        return self._index

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_index": None}


class _Approximate:
    """What NearestNeighbors does, by an index of faiss."""

    def fit(self, rows: NDArray) -> _Approximate:
        """Put the rows into cells."""
        import faiss

        self.faiss, self.rows = faiss, rows
        self.center = rows.mean(axis=0)
        values = self._single(rows)
        n, p = values.shape
        n_cells = int(np.sqrt(n))
        self.index = faiss.IndexIVFFlat(faiss.IndexFlatL2(p), p, n_cells)
        self.index.nprobe = min(n_cells, _SEARCHED)
        with _threads(faiss):
            self.index.train(values)
            self.index.add(values)
        return self

    def kneighbors(self, rows: NDArray | None, k: int) -> tuple[NDArray, NDArray[np.intp]]:
        """Return distances and positions of the nearest rows; of None, of all, without itself."""
        values = self._single(self.rows if rows is None else rows)
        with _threads(self.faiss):
            squared, index = self.index.search(values, k + (rows is None))
        if rows is None:
            # The last one goes where a row is not among its own nearest, as of many alike.
            itself = index == np.arange(len(index))[:, None]
            itself[:, -1] |= ~itself.any(axis=1)
            squared, index = (part[~itself].reshape(len(index), k) for part in (squared, index))
        return np.sqrt(np.maximum(squared, 0.0, dtype=np.float64)), index

    def _single(self, rows: NDArray) -> NDArray[np.float32]:
        return np.ascontiguousarray(rows - self.center, dtype=np.float32)


@contextmanager
def _threads(faiss: Any) -> Iterator[None]:
    """Let faiss have as many threads as the caller allows."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads_allowed())
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
