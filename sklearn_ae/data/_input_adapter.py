"""From what a user holds to rows, and back: the adapter of an architecture's input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sklearn_ae.data._arrays import is_foreign
from sklearn_ae.data._columns import Column
from sklearn_ae.data._containers import Container
from sklearn_ae.data._ragged import Ragged


class Wrapper(Protocol):
    """Puts rows into the form in which a user gave some."""

    def wrap(self, values: Any, like: Any = None) -> Any:
        """Return rows in this form."""

    def wrap_errors(self, values: Any, like: Any = None) -> Any:
        """Return a number for each cell in this form, in float64."""


class InputAdapter:
    """Rows as a matrix with one column a feature, the adapter of tables.

    `sample_shape` is the shape of a row where columns have neighbours, and None here. `missing`
    says whether cells may be NaN, `ragged` whether rows differ in size, `sparse` whether
    sparse matrices are taken, and `tabular` whether columns are of several kinds. `options`
    names parameters of the estimator that say how to read X, and `empty` the columns of a matrix
    in which `fit` saw no value.
    """

    sample_shape: tuple[int, ...] | None = None
    missing: bool = True
    ragged: bool = False
    sparse: bool = True
    tabular: bool = False
    options: tuple[str, ...] = ()
    empty: tuple[int, ...] = ()

    def fit(self, X: Any) -> InputAdapter:
        """Note how X came."""
        return self

    def following(self, X: Any, names: list[str]) -> tuple[InputAdapter, NDArray[np.intp]]:
        """Return an adapter of a frame with other columns, and where each of them was before.

        Parameters
        ----------
        X : data frame
            Rows of further training.
        names : list of str
            The columns so far.

        Returns
        -------
        adapter : InputAdapter
            Reads the columns of X, those that stay as before.
        index : ndarray of shape (n_features,), int
            Where each column that a network sees was, -1 for those that are new.

        Raises
        ------
        ValueError
            If columns have neighbours, none is left, or one holds something else than before.
        """
        raise ValueError(
            f"X has the columns {Container.of(self.named(X)).columns!r:.200}, but fit saw "
            f"{names!r:.200}; pass the same columns in the same order, which has a meaning in "
            "images and sequences, or set warm_start=False."
        )

    def rows(self, X: Any) -> Any:
        """Return X as a matrix or frame of shape (n, n_features), or as `Ragged`."""
        return X

    def note(self, values: Any, X: Any) -> None:
        """Note what the checked rows of `fit` hold, and how X has them."""

    def compare(self, values: Any, X: Any) -> None:
        """Warn if the checked rows of X clearly are not like those of `fit`."""

    def axes(self, X: Any) -> tuple[int, ...] | None:
        """Return the axes of X in the order of rows, None where they are in order."""
        return None

    def scale(self, values: Any) -> Any:
        """Return checked rows in the range that the network sees."""
        return values

    def named(self, X: Any) -> Any:
        """Return what holds the names of the features, with a column for each."""
        return self.rows(X)

    def index(self, X: Any) -> Any:
        """Return the labels of the rows where X has several rows for each; None otherwise."""
        return None

    def parts(self, X: Any, size: int) -> Iterator[Any]:
        """Yield X in parts of so many rows."""
        rows = X.tocsr() if issparse(X) else X
        n_rows = _num_samples(rows)
        for start in range(0, n_rows, size):
            part = slice(start, min(start + size, n_rows))
            # scikit-learn 1.6 takes no slice of an array of another library.
            yield rows[part, ...] if is_foreign(rows) else _safe_indexing(rows, part)

    def container(self, X: Any) -> Wrapper:
        """Return what puts rows into the form of X."""
        return Container.of(X)

    def column(self, feature: int) -> Column | None:
        """Return how a column of X is read, if columns are of several kinds."""
        return None

    def place(self, feature: int) -> int:
        """Return where a network sees the first part of a column of X."""
        return feature

    def cells(self, feature: int, codes: NDArray[np.float64]) -> NDArray:
        """Return the cells of a column of X that numbers or codes come back as."""
        return codes

    @property
    def without_values(self) -> list[int]:
        """Columns of X in which `fit` saw no value, and whose draws are missing."""
        return []

    def drawn(self, values: Any, rng: np.random.Generator) -> Any:
        """Return draws of a network with one number a cell of X."""
        return values

    def stored(self, container: Wrapper) -> Wrapper:
        """Return what puts them into the dtypes of `fit`, of what puts rows into its form."""
        return container

    def described(
        self,
        X: Any,
        values: Any,
        row: list[int],
        column: list[int],
        observed: NDArray,
        expected: NDArray,
    ) -> list[list]:
        """Return labels of cells, what they hold and what was expected there, as X would hold it.

        Parameters
        ----------
        X : array, tensor, list or frame
            What a user passed.
        values : ndarray, LazyRows or Ragged
            The same as rows.
        row, column : list of int of length n_cells
            Where the cells are among the values.
        observed, expected : ndarray of shape (n_cells,)
            What is there, and what was expected.
        """
        names = Container.of(X).columns
        labels = [names[j] for j in column] if names else column
        return [labels, observed.tolist(), expected.tolist()]

    def sizes(self, lengths: Any, n_rows: int) -> NDArray | None:
        """Return the sizes of rows to decode, or None where all have one size."""
        if lengths is not None:
            raise ValueError(
                f"lengths={lengths!r:.60} was given, but all rows of this estimator have one "
                "size; leave lengths out."
            )
        return None


def places(
    values: Any, shape: tuple[int, ...], row: list[int], column: list[int], channels: Any = None
) -> list:
    """Return where cells of images or sequences are: numbers, or tuples with the channel last.

    Parameters
    ----------
    values : ndarray of shape (n, n_cells) or Ragged
        The rows.
    shape : tuple of int
        Size and channels of a row, where rows are of one size.
    row, column : list of int of length n_cells
        Where the cells are among the values.
    channels : sequence, optional
        Names of the channels; their positions by default.
    """
    found: list = []
    for i, j in zip(row, column, strict=True):
        own = (*values.sizes[i], shape[-1]) if isinstance(values, Ragged) else shape
        *place, channel = map(int, np.unravel_index(j, own))
        if shape[-1] > 1:
            place.append(channel if channels is None else channels[channel])
        found.append(tuple(place) if len(place) > 1 else place[0])
    return found
