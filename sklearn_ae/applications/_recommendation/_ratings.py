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
        If the frame lacks a column, or a name or a rating is missing or not finite.

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
        if not pd.api.types.is_numeric_dtype(table[rating]):
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
    shape = len(users), len(items)
    where = (rows[known], cells[known])
    total = csr_matrix((values[known], where), shape=shape)
    count = csr_matrix((np.ones(known.sum()), where), shape=shape)
    total.sum_duplicates()
    count.sum_duplicates()
    total.data /= count.data
    return Ratings(total, users, items)


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
        If the frame lacks a column, or `test_size` is not between 0 and 1.

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
    _columns(frame, [time, user])
    frame = frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()
    by_user = frame.groupby(user, sort=False)[time]
    size = by_user.transform("size")
    # Of ratings of one time, those that come later in the frame are later.
    n_later = np.floor(test_size * size + 1e-9)
    later = by_user.rank(method="first") > size - n_later
    return frame[~later], frame[later]


def _columns(frame: Any, names: list[str]) -> pd.DataFrame:
    if not hasattr(frame, "columns"):
        raise ValueError(
            f"frame is a {type(frame).__name__}; pass a DataFrame with the columns {names}."
        )
    absent = [name for name in names if name not in list(frame.columns)]
    if absent:
        raise ValueError(
            f"The frame has no column {absent[0]!r}; it has {list(frame.columns)}. Give the names "
            "of its columns."
        )
    table = pd.DataFrame({name: frame[name] for name in names})
    for name in names[:2]:
        if table[name].isna().any():
            raise ValueError(
                f"Column {name!r} lacks a value in row {int(np.flatnonzero(table[name].isna())[0])}"
                "; drop such rows."
            )
    return table


def _positions(column: pd.Series, names: Any) -> tuple[NDArray[np.intp], NDArray]:
    if names is None:
        positions, found = pd.factorize(column, sort=True)
        return positions, np.asarray(found)
    names = np.asarray(names)
    if len(np.unique(names)) < len(names):
        raise ValueError(f"The names {names[:3].tolist()!r:.60} hold one twice; give each once.")
    return pd.Index(names).get_indexer(pd.Index(column)), names
