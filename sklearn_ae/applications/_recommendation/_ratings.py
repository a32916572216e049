"""Long frames of ratings as rows of users."""

from __future__ import annotations

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


class Ratings(NamedTuple):
    """Users by items, and what rows and columns stand for.

    Parameters
    ----------
    matrix : csr_matrix of shape (n_users, n_items)
        Ratings; what a user did not rate is not stored.
    users, items : ndarray
        Names of the rows and columns, sorted.
    """

    matrix: csr_matrix
    users: NDArray[Any]
    items: NDArray[Any]


def ratings_matrix(
    frame: Any,
    user: str = "user",
    item: str = "item",
    rating: str | None = None,
    *,
    users: NDArray | None = None,
    items: NDArray | None = None,
) -> Ratings:
    """Turn a long frame, with a row for each rating, into a sparse matrix.

    Parameters
    ----------
    frame : DataFrame
        A row for each user and item. Of a pair that occurs several times, ratings are averaged,
        and pairs without a rating counted once.
    user, item : str
        Their columns.
    rating : str, default=None
        The column of ratings or weights, numbers. None takes 1 for each pair.
    users, items : ndarray, default=None
        Names that the rows and columns are to have, such as the items of the training rows; rows
        of the frame with another one are left out. None takes those of the frame, sorted.

    Returns
    -------
    ratings : Ratings
        `matrix`, `users` and `items`.

    Raises
    ------
    ValueError
        If the frame lacks a column or has two of a name, if a name or a rating is missing or not
        finite, or if names are lists or have no order.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ae import ratings_matrix
    >>> seen = pd.DataFrame({"user": ["ann", "bob", "bob"], "item": ["m", "m", "s"]})
    >>> matrix, users, items = ratings_matrix(seen)
    >>> matrix.toarray()
    array([[1., 0.],
           [1., 1.]])
    """
    columns = [user, item] if rating is None else [user, item, rating]
    table = _columns(frame, columns)
    values = np.ones(len(table))
    if rating is not None:
        if not pd.api.types.is_numeric_dtype(table[rating]) or table[rating].dtype.kind == "c":
            raise ValueError(
                f"Column {rating!r} is of type {table[rating].dtype}, and ratings are numbers; "
                "convert it, or use rating=None."
            )
        values = table[rating].to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isfinite(values).all():
            raise ValueError(
                f"Column {rating!r} holds {values[~np.isfinite(values)][0]}; drop rows without a "
                "rating, or use rating=None."
            )
    rows, users = _positions(table[user], users)
    cells, items = _positions(table[item], items)
    known = (rows >= 0) & (cells >= 0)
    if len(table) and not known.any():
        raise ValueError(
            f"No row of the frame has one of the names that were given: it holds "
            f"{table[user].iloc[0]!r} and {table[item].iloc[0]!r}; give names of their type."
        )
    rows, cells, values = rows[known], cells[known], values[known]
    pairs, place, count = np.unique(
        rows * len(items) + cells, return_inverse=True, return_counts=True
    )
    # Parts of a mean are added up, as sums may be no numbers.
    means = np.bincount(place, values / count[place], minlength=len(pairs))
    where = np.divmod(pairs, max(1, len(items)))
    return Ratings(csr_matrix((means, where), shape=(len(users), len(items))), users, items)


def split_by_time(
    frame: Any, time: str, user: str = "user", test_size: float = 0.2
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold out the last ratings of each user.

    Ratings that are held out at random flatter: what a user took later is then known of earlier.

    Parameters
    ----------
    frame : DataFrame
        A row for each rating.
    time, user : str
        Columns of when, and by whom.
    test_size : float in (0, 1), default=0.2
        Share of the ratings of each user that is held out, rounded down. Of ratings of one time,
        those that come later in the frame go first.

    Returns
    -------
    train, test : DataFrame
        Earlier and later rows, in the order of the frame.

    Raises
    ------
    ValueError
        If the frame lacks a column or has two of a name, if times are of types that have no order,
        or if `test_size` is not between 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ae import split_by_time
    >>> seen = pd.DataFrame({"user": [1, 1, 2, 2], "item": list("abab"), "day": [2, 1, 5, 6]})
    >>> split_by_time(seen, "day", test_size=0.5)[1].item.tolist()
    ['a', 'b']
    """
    if not isinstance(test_size, Real) or not 0 < test_size < 1:
        raise ValueError(f"test_size={test_size!r} must be between 0 and 1; use .2, say.")
    table = _columns(frame, [time, user])
    frame = frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()
    try:
        order = table[time].argsort(kind="stable").to_numpy()
    except TypeError as error:
        raise ValueError(
            f"Column {time!r} holds times of several types, which have no order ({error}); use "
            f"frame[{time!r}] = pandas.to_datetime(frame[{time!r}], utc=True), say."
        ) from error
    owner = pd.factorize(table[user])[0]
    size = np.bincount(owner, minlength=1)[owner]
    # Of ratings of one time, those that come later in the frame are later.
    place = np.empty(len(table), dtype=np.intp)
    place[order] = pd.Series(owner[order]).groupby(owner[order]).cumcount().to_numpy()
    later = place >= size - np.floor(test_size * size + 1e-9)
    return frame[~later], frame[later]


def _columns(frame: Any, names: list[str]) -> pd.DataFrame:
    lazy = next((end for end in ("collect", "compute") if hasattr(frame, end)), None)
    if lazy is not None:
        raise ValueError(
            f"frame is a {type(frame).__module__.partition('.')[0]} {type(frame).__name__}, whose "
            f"rows are not there yet; pass frame.{lazy}()."
        )
    if not hasattr(frame, "columns"):
        raise ValueError(
            f"frame is a {type(frame).__name__}; pass a DataFrame with the columns {names}."
        )
    found = list(frame.columns)
    absent = [name for name in names if name not in found]
    if absent and absent[0] in (getattr(getattr(frame, "index", None), "names", None) or ()):
        raise ValueError(
            f"The frame has {absent[0]!r} in its index, not among its columns; pass "
            "frame.reset_index()."
        )
    twice = [name for name in names if found.count(name) > 1]
    if twice:
        raise ValueError(
            f"The frame has {found.count(twice[0])} columns {twice[0]!r}; drop or rename all but "
            "one of them."
        )
    if absent:
        raise ValueError(
            f"The frame has no column {absent[0]!r}; it has {found}. Give the names of its columns."
        )
    table = pd.DataFrame({name: frame[name] for name in names}).reset_index(drop=True)
    for name in names[:2]:
        if table[name].isna().any():
            raise ValueError(
                f"Column {name!r} lacks a value in row {int(np.flatnonzero(table[name].isna())[0])}"
                "; drop such rows."
            )
        if table[name].dtype != object:
            continue
        unhashable = next((i for i, cell in enumerate(table[name]) if not _hashable(cell)), None)
        if unhashable is not None:
            raise ValueError(
                f"Column {name!r} holds {table[name][unhashable]!r:.60} in row {unhashable}, a "
                f"{type(table[name][unhashable]).__name__}; use text or numbers, as "
                f"frame[{name!r}].astype(str) gives."
            )
    return table


def _hashable(cell: Any) -> bool:
    try:
        hash(cell)
    except TypeError:
        return False
    return True


def _positions(column: pd.Series, names: Any) -> tuple[NDArray[np.intp], NDArray]:
    if names is None:
        try:
            positions, found = pd.factorize(column, sort=True)
        except TypeError as error:
            raise ValueError(
                f"Column {column.name!r} holds names of several types, which have no order "
                f"({error}); use frame[{column.name!r}].astype(str)."
            ) from error
        return positions, np.asarray(found)
    if np.ndim(names) != 1:
        raise ValueError(f"The names {names!r:.60} are not a flat list; give one for each.")
    index = pd.Index(names)
    if index.has_duplicates:
        raise ValueError(f"The names {list(names[:3])!r:.60} hold one twice; give each once.")
    return index.get_indexer(pd.Index(column)), np.asarray(index)
