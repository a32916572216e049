"""Rows of a source, put into a file as numbers, and what comes with them by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from sklearn_ae.autoencoders._composing import preset_architecture, training_config
from sklearn_ae.autoencoders._reading import Reader
from sklearn_ae.data import (
    Rows,
    Table,
    TableRows,
    as_numpy,
    categorical_columns,
    check_accepted,
    dense_block,
    read_companions,
    read_table,
)
from sklearn_ae.runtime import Seeds
from sklearn_ae.sources import RowSource
from sklearn_ae.sources._base import column_of, names_of, without
from sklearn_ae.sources._blocks import Once, only_once
from sklearn_ae.sources._held_out import HeldOut
from sklearn_ae.sources._opening import collected, large_source, refuse_source, row_source, words_of
from sklearn_ae.sources._spool import Spool, SpooledRows, SpooledTableRows
from sklearn_ae.sources._tally import Tally

if TYPE_CHECKING:
    from sklearn_ae.autoencoders._base import BaseAutoencoder

# What libraries call float32.
_SINGLE = {"float", "float32", "Float32"}


class Named:
    """What comes with the rows of a source: columns of it, or arrays of an entry a row.

    Parameters
    ----------
    source : RowSource
        The rows.
    sample_weight : str, array-like or None
        Weights.
    companions : mapping of str to str or array-like, optional
        What penalties read.
    """

    def __init__(
        self, source: RowSource, sample_weight: Any, companions: Mapping[str, Any] | None
    ) -> None:
        self.weight = sample_weight
        self.companions = {} if companions is None else dict(companions)
        self.columns = [given for given in self._given if isinstance(given, str)]
        types = source.schema
        self.single = {types[name] for name in types if name not in self.columns} <= _SINGLE
        names = list(types)
        for name in self.columns:
            if name not in names:
                raise ValueError(
                    f"The column {name!r} was named as what comes with rows, but X has the columns "
                    f"{names!r:.200}; name one of these."
                )

    @property
    def _given(self) -> list[Any]:
        return [self.weight, *self.companions.values()]

    def of(self, block: Any, start: int) -> tuple[Any, NDArray | None, dict[str, NDArray]]:
        """Return a block without these columns, and what they hold.

        Parameters
        ----------
        block : array or frame
            Rows.
        start : int
            Position of the first.
        """
        n = len(block)
        weight = None
        if self.weight is not None:
            weight = np.asarray(self._part(self.weight, block, start), dtype=np.float64)
            self._check_weight(weight, n)
        found = {k: self._part(given, block, start) for k, given in self.companions.items()}
        companions = read_companions(found, n) if found else {}
        return without(block, self.columns), weight, companions

    @staticmethod
    def _part(given: Any, block: Any, start: int) -> Any:
        if isinstance(given, str):
            return column_of(block, given)
        return np.asarray(as_numpy(given))[start : start + len(block)]

    @staticmethod
    def _check_weight(weight: NDArray, n: int) -> None:
        if weight.shape != (n,) or not (weight >= 0).all() or np.isinf(weight).any():
            strange = weight[~(weight >= 0) | np.isinf(weight)]
            raise ValueError(
                f"sample_weight has the shape {weight.shape} for {n} rows, and holds "
                f"{strange[:3].tolist()!r}; pass one finite number a row that is not negative."
            )


def opened(
    estimator: BaseAutoencoder,
    X: Any,
    sample_weight: Any = None,
    X_clean: Any = None,
    condition: Any = None,
    companions: Any = None,
) -> tuple[Any, ...]:
    """Return rows and what comes with them; a source of few rows is read into memory.

    Parameters
    ----------
    estimator : BaseAutoencoder
        What is to be fitted.
    X : object
        What a user passed.
    sample_weight, X_clean, condition, companions : object
        What came with it.

    Returns
    -------
    given : tuple
        The same; X may be a `RowSource`.
    """
    given = X, sample_weight, X_clean, condition, companions
    if isinstance(X, Iterator) and not _refusal(estimator):
        raise TypeError(only_once(X))
    if (source := large_source(X)) is None:
        return given
    if why := _refusal(estimator):
        refuse_source(estimator, X, why)
        return given
    if X_clean is not None:
        raise TypeError(
            f"X_clean was given, and X is a {words_of(X)}, a source of rows, which pairs nothing; "
            "pass both as arrays or frames."
        )
    rows = collected(source)
    if rows is None:
        if condition is not None:
            raise TypeError(
                f"condition was given, and X is a {words_of(X)} of more rows than are read into "
                "memory; pass both as arrays or frames, or call partial_fit for blocks of them."
            )
        return (source, *given[1:])
    taken: list[str] = []

    def read(value: Any) -> Any:
        if isinstance(value, str) and value in (names_of(rows) or ()):
            taken.append(value)
            return column_of(rows, value)
        return value

    weight, condition = read(sample_weight), read(condition)
    if isinstance(companions, Mapping):
        companions = {name: read(value) for name, value in companions.items()}
    return without(rows, taken), weight, X_clean, condition, companions


def in_turn(
    estimator: BaseAutoencoder,
    X: Any,
    sample_weight: Any = None,
    X_clean: Any = None,
    condition: Any = None,
    companions: Any = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield rows and what comes with them; those of a source in pieces, which it is read once for.

    Parameters
    ----------
    estimator : BaseAutoencoder
        What passes over the rows.
    X : object
        What a user passed, blocks that can be read only once among it.
    sample_weight, X_clean, condition, companions : object
        What came with it.
    """
    source = Once(X) if isinstance(X, Iterator) else row_source(X)
    if source is None:
        yield X, sample_weight, X_clean, condition, companions
        return
    if why := _refusal(estimator):
        refuse_source(estimator, X, why)
        check_accepted(X)
    if X_clean is not None or condition is not None:
        raise TypeError(
            f"X_clean or condition was given, and X is a {words_of(X)}, a source of rows; call "
            "partial_fit for blocks of both."
        )
    named = Named(source, sample_weight, companions)
    for piece, weight, further, _ in _pieces(source, named):
        yield piece, weight, None, None, further or None


def _refusal(estimator: BaseAutoencoder) -> str:
    """Return why an estimator takes no source, nothing if it takes them."""
    if not issubclass(type(preset_architecture(estimator).adapter()), Table):
        return "which reads images or sequences, whose rows have a shape of their own"
    if estimator._in_stages:
        return "which trains each stage on the codes of all rows, as Autoencoder does not"
    return ""


def spooled(
    estimator: BaseAutoencoder,
    source: RowSource,
    sample_weight: Any = None,
    X_clean: None = None,
    condition: None = None,
    companions: Any = None,
    *,
    goes_on: bool,
) -> Rows:
    """Read a source once or twice, and return its rows as numbers in a file.

    The first time is left out where all columns are numbers and the number of rows is known.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Gets a reader, unless it goes on with the one that it has.
    source : RowSource
        The rows.
    sample_weight, companions : object
        What comes with them; see `Named`.
    X_clean, condition : None
        Not with sources.
    goes_on : bool
        Whether columns are read as before.
    """
    named = Named(source, sample_weight, companions)
    n_rows = source.n_rows
    first = next(_pieces(source, named))[0]
    if goes_on:
        reader, index = estimator._reader.following(estimator, first)
        if index is not None:
            raise ValueError(
                f"X has the columns {names_of(first)!r:.200}, and a network goes on with a source "
                "only if they are those that it has, in their order; select them, or set "
                "warm_start=False."
            )
    else:
        reader = Reader(estimator, first)
    if reader.adapter.tabular and not goes_on:
        tally = _tallied(estimator, source, named)
        reader, n_rows = Reader(estimator, tally.witness, tally.counted), tally.n_rows
        first = tally.witness
    elif n_rows is None:
        n_rows = sum(len(piece) for piece, *_ in _pieces(source, named))
    estimator._reader = reader
    if reader.adapter.tabular:
        validate_data(estimator, first, reset=True, skip_check_array=True)
    else:
        reader.values(estimator, first, reset=True, goes_on=goes_on)
    with closing(Spool()) as spool:
        _write(spool, estimator, reader, source, named, n_rows)
        cells, arrays = spool.finish()
    if not goes_on:
        reader.container = reader.adapter.container(first)
        if not reader.adapter.tabular:
            reader.adapter.empty = tuple(np.flatnonzero(~cells.seen).tolist())
    columns = getattr(reader.adapter, "columns", None)
    values = SpooledRows(cells) if columns is None else SpooledTableRows(cells, columns)
    return Rows(values, **arrays)  # type: ignore[arg-type]


def _pieces(
    source: RowSource, named: Named
) -> Iterator[tuple[Any, NDArray | None, dict[str, NDArray], int]]:
    """Yield rows in pieces of one size, what comes with them, and where they are."""
    start = 0
    for piece in source.pieces():
        yield *named.of(piece, start), start
        start += len(piece)


def _tallied(estimator: BaseAutoencoder, source: RowSource, named: Named) -> Tally:
    """Read a table once to see what its columns are."""
    tally = None
    for piece, *_ in _pieces(source, named):
        if tally is None:
            given = estimator.categorical_features
            categorical = categorical_columns(read_table(piece), given)
            tally = Tally(categorical, sampled=estimator.numeric_map is not None)
        tally.add(piece)
    assert tally is not None
    return tally


def _write(
    spool: Spool,
    estimator: BaseAutoencoder,
    reader: Reader,
    source: RowSource,
    named: Named,
    n_rows: int,
) -> None:
    """Write the rows into a file, those that are held out apart."""
    n_held_out = 0
    if estimator.early_stopping:
        n_held_out = training_config(estimator, 1).held_out_rows(n_rows)
    held_out = HeldOut(n_rows, n_held_out, Seeds(estimator._entropy))
    single = named.single and not reader.adapter.tabular
    n_read = 0
    # Which columns are empty is known when all rows are read.
    kept, reader.adapter.empty = reader.adapter.empty, ()
    for piece, weight, companions, start in _pieces(source, named):
        values = reader.values(estimator, piece)
        cells = values.codes if isinstance(values, TableRows) else dense_block(values, slice(None))
        cells = cells.astype(np.float32, copy=False) if single else cells
        if weight is not None:
            companions = {**companions, "weight": weight}
        apart = held_out.among(start, len(cells))
        spool.write(cells, companions, apart, None if weight is None else weight > 0)
        n_read += len(cells)
    reader.adapter.empty = kept
    if n_read != n_rows:
        raise ValueError(
            f"X yielded {n_rows} rows at first, and {n_read} when it was read again; a source "
            "has to yield the same rows each time."
        )
