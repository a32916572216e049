"""What a fitted estimator says of the rows of a source: as one array, in blocks, or in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_ae.data import is_frame
from sklearn_ae.sources._base import RowSource, in_pieces, joined, names_of, selected
from sklearn_ae.sources._opening import row_source
from sklearn_ae.sources._writing import FileWriter

# Methods that say something of each row by itself.
METHODS = (
    "transform",
    "reconstruct",
    "score_samples",
    "decision_function",
    "predict",
    "reconstruction_errors",
)
# Bytes beyond which answers are not returned as one.
LARGEST = 2**31
# Names of what has one number a row.
_COLUMN = {"score_samples": "score", "decision_function": "decision", "predict": "prediction"}


def apply_in_blocks(
    model: Any, X: Any, method: str = "transform", *, batch_size: int | None = None
) -> Iterator[Any]:
    """Yield what a method of a fitted estimator returns for the rows of a source, block by block.

    Memory does not grow with the number of rows.

    Parameters
    ----------
    model : estimator
        A fitted estimator, of this package or not, or a Pipeline.
    X : source of rows
        A path, data set, lazy frame, loader or iterable; see :doc:`/user_guide/big_data`. An
        array or a frame is one block. Of columns with names those are read that `fit` saw.
    method : {"transform", "reconstruct", "score_samples", "decision_function", "predict", \
"reconstruction_errors"}, default="transform"
        What is called.
    batch_size : int, default=None
        Rows of a block; None takes as many as have about a million cells.

    Yields
    ------
    answer : array or frame
        What the method returns for the next rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.sources import Blocks, apply_in_blocks
    >>> rows = np.random.default_rng(0).normal(size=(100, 4))
    >>> model = Autoencoder(2, max_iter=1, random_state=0).fit(rows)
    >>> source = Blocks(lambda: iter([rows[:30], rows[30:]]))
    >>> [z.shape for z in apply_in_blocks(model, source, batch_size=40)]
    [(40, 2), (40, 2), (20, 2)]
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be one of {METHODS}, which answer row by row.")
    if batch_size is not None and not (isinstance(batch_size, int) and batch_size >= 1):
        raise ValueError(f"batch_size={batch_size!r} must be an integer of at least 1, or None.")
    function = getattr(model, method)
    source = row_source(X)
    if source is None:
        size = len(X) if batch_size is None else batch_size
        return (function(piece) for piece in in_pieces([X], size))
    return (function(piece) for piece in known_pieces(model, source, batch_size))


def applied(model: Any, source: RowSource, method: str, *args: Any, **further: Any) -> Any:
    """Return what a method returns for all rows of a source, as one array or frame.

    Parameters
    ----------
    model : estimator
        A fitted estimator.
    source : RowSource
        The rows.
    method : str
        What is called.
    *args, **further
        What comes with the rows, which a source has none of.

    Raises
    ------
    ValueError
        If that would be too large, or something comes with the rows.
    """
    given = [value for value in (*args, *further.values()) if value is not None]
    if given:
        raise ValueError(
            f"{method} was given {given[0]!r:.60} with a source of rows; pass arrays or frames, "
            "or go over blocks of both."
        )
    found: list[Any] = []
    n_bytes = n_rows = 0
    for piece in known_pieces(model, source, None):
        answer = getattr(model, method)(piece)
        n_bytes += _size(answer)
        if n_bytes > LARGEST:
            raise ValueError(
                f"{method} of a source of {source.n_rows or 'many'} rows would return more than "
                f"{LARGEST / 2**30:g} GiB; go over sklearn_ae.sources.apply_in_blocks(model, X, "
                f"{method!r}), which yields blocks, or write a file by apply_to_file."
            )
        if isinstance(answer, pd.DataFrame) and not isinstance(piece, pd.DataFrame):
            answer.index = pd.RangeIndex(n_rows, n_rows + len(answer))
        n_rows += len(answer)
        found.append(answer)
    if not found:
        raise ValueError("X is a source of no rows; check what it reads.")
    return joined(found)


def apply_to_file(
    model: Any,
    X: Any,
    path: str | Path,
    method: str = "transform",
    *,
    batch_size: int | None = None,
) -> int:
    """Write what a method of a fitted estimator returns for the rows of a source to a file.

    Memory does not grow with the number of rows. The file has its name once it is whole: if
    something fails, what was there before is there still.

    Parameters
    ----------
    model : estimator
        A fitted estimator, of this package or not, or a Pipeline.
    X : source of rows, array or frame
        As in :func:`apply_in_blocks`.
    path : str or path
        Of Parquet (.parquet), Arrow (.arrow, .feather) or CSV (.csv).
    method : str, default="transform"
        As in :func:`apply_in_blocks`. Codes have the names of `get_feature_names_out`,
        reconstructions those of the rows, and scores are the column "score".
    batch_size : int, default=None
        Rows that are answered for at once.

    Returns
    -------
    n_rows : int
        Rows that were written.

    Raises
    ------
    ValueError
        If the file is one of those that the rows come from, or lies in their folder.
    FileNotFoundError
        If there is no folder for it.

    Examples
    --------
    >>> import tempfile, numpy as np, pandas as pd
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.sources import apply_to_file
    >>> rows = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 3)), columns=list("abc"))
    >>> model = Autoencoder(1, max_iter=1, random_state=0).fit(rows)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows.to_parquet(f"{folder}/rows.parquet")
    ...     n = apply_to_file(model, f"{folder}/rows.parquet", f"{folder}/codes.parquet")
    ...     print(n, list(pd.read_parquet(f"{folder}/codes.parquet")))
    100 ['autoencoder0']
    """
    n_rows, path = 0, Path(path)
    source = row_source(X)
    if source is not None and source.reads(path):
        raise ValueError(
            f"path={str(path)!r} is among the files that the rows of X come from; write to another "
            "folder."
        )
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"The folder of path={str(path)!r} does not exist; make it first.")
    with FileWriter(path) as writer:
        for answer in apply_in_blocks(model, X, method, batch_size=batch_size):
            writer.write(as_frame(model, answer, method))
            n_rows += len(answer)
        if not n_rows:
            raise ValueError("X is a source of no rows; check what it reads.")
    return n_rows


def known_pieces(model: Any, source: RowSource, batch_size: int | None) -> Iterator[Any]:
    """Yield rows in pieces of one size; of columns with names, those that `fit` saw.

    Parameters
    ----------
    model : estimator
        A fitted estimator.
    source : RowSource
        The rows.
    batch_size : int, optional
        Rows of a piece.
    """
    names = list(getattr(model, "feature_names_in_", ()))
    if not names or not all(isinstance(name, str) for name in source.schema):
        yield from source.pieces(batch_size)
        return
    check_names(names, list(source.schema), "X")
    for piece in source.of_columns(names).pieces(batch_size):
        yield piece if names_of(piece) == names else selected(piece, names)


def check_names(names: list[str], have: list, called: str) -> None:
    """Raise if rows lack columns that are read.

    Parameters
    ----------
    names, have : list of str
        The columns that are read, and those that there are.
    called : str
        The name of the rows.
    """
    lacks = [name for name in names if name not in have]
    if lacks:
        raise ValueError(
            f"{called} lacks the columns {lacks!r:.200}, of those that fit saw or that are to be "
            f"kept; it has {have!r:.200}."
        )


def as_frame(model: Any, answer: Any, method: str) -> Any:
    """Return what a method of a model has answered as a frame, whose columns have names."""
    if is_frame(answer):
        return answer
    values = np.asarray(answer)
    if values.ndim == 1:
        return pd.DataFrame({_COLUMN.get(method, method): values})
    names: Any = [str(j) for j in range(values.shape[1])]
    if method == "transform":
        try:
            names = list(map(str, model.get_feature_names_out()))
        except AttributeError:  # a Pipeline has the method, and its steps may not
            names = [f"component_{j}" for j in range(values.shape[1])]
    return pd.DataFrame(values, columns=names)


def _size(answer: Any) -> int:
    """Return about how many bytes an answer takes."""
    if isinstance(answer, np.ndarray):
        return answer.nbytes
    return 8 * int(np.prod(answer.shape))
