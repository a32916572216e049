"""What problems share: rows, cells and a clock."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from benchmarks import data

N_COMPONENTS = [2, 4, 8]
SEEDS = range(5)


def split(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Load a data set and hold 30 % of its rows out.

    Parameters
    ----------
    name : str
        Name of the data set.
    seed : int
        Seed of the rows and of the split.

    Returns
    -------
    train, test : ndarray of shape (n_rows, n_columns)
        In the units of the data set.
    """
    train, test = train_test_split(data.load(name, seed), test_size=0.3, random_state=seed)
    return train, test


def standardize(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the training columns mean 0 and variance 1, and the held-out rows the same map.

    Parameters
    ----------
    train, test : ndarray of shape (n_rows, n_columns)
        What `split` returned.

    Returns
    -------
    train, test : ndarray of shape (n_rows, n_columns)
        A column that is constant in the training rows is only centred.
    """
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


def split_standardized(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Load a data set, hold 30 % of its rows out, and standardise the columns.

    Parameters
    ----------
    name : str
        Name of the data set.
    seed : int
        Seed of the rows and of the split.

    Returns
    -------
    train, test : ndarray of shape (n_rows, n_columns)
        What `standardize` returns.
    """
    return standardize(*split(name, seed))


def sizes(train: np.ndarray, test: np.ndarray) -> dict[str, int]:
    """Return the sizes that a row of the results holds.

    Parameters
    ----------
    train, test : ndarray of shape (n_rows, n_columns)
        Training and held-out rows.

    Returns
    -------
    sizes : dict
        ``n_train``, ``n_test`` and ``p``.
    """
    return {"n_train": len(train), "n_test": len(test), "p": train.shape[1]}


def timed(fit: Callable[..., Any], *args: Any) -> tuple[Any, float]:
    """Call a function and time it.

    Parameters
    ----------
    fit : callable
        What to call.
    *args
        Its arguments.

    Returns
    -------
    model : object
        What it returned.
    seconds : float
    """
    start = time.perf_counter()
    model = fit(*args)
    return model, round(time.perf_counter() - start, 4)


def widths_below(name: str) -> list[int]:
    """Return the widths 2, 4 and 8 that are below the number of columns.

    Parameters
    ----------
    name : str
        Name of the data set.

    Returns
    -------
    widths : list of int
    """
    return [k for k in N_COMPONENTS if k < data.shape(name)[1]]


def four_below(name: str) -> list[int]:
    """Return the width 4, if it is below the number of columns.

    Parameters
    ----------
    name : str
        Name of the data set.

    Returns
    -------
    widths : list of int
    """
    return [k for k in widths_below(name) if k == 4]


def cells(
    data_names: Iterable[str],
    libraries: Iterable[str],
    seeds: Iterable[int] | None,
    *,
    widths: Callable[[str], Iterable[int]] = widths_below,
    own_seeds: Mapping[str, Iterable[int]] | None = None,
    default_seeds: Iterable[int] = SEEDS,
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library).

    Parameters
    ----------
    data_names, libraries : iterable of str
        What takes part.
    seeds : iterable of int or None
        Seeds of every library. None takes those below.
    widths : callable
        Gives the values of k for the name of a data set.
    own_seeds : mapping, optional
        Seeds by library.
    default_seeds : iterable of int
        Seeds of the libraries that `own_seeds` leaves out.

    Yields
    ------
    cell : tuple
    """
    libraries = list(libraries)
    own_seeds = own_seeds or {}
    if seeds is not None:
        own_seeds, default_seeds = {}, list(seeds)
    for name in data_names:
        for library in libraries:
            for k in widths(name):
                for seed in own_seeds.get(library, default_seeds):
                    yield name, k, seed, library


def pooled_r2(X: np.ndarray, rebuilt: np.ndarray, center: np.ndarray | float = 0.0) -> float:
    """Return the share of the squared distance to `center` that a reconstruction explains.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Held-out rows.
    rebuilt : ndarray of shape (n_rows, n_columns)
        Their reconstruction.
    center : ndarray of shape (n_columns,) or float, default=0.0
        Means of the training rows; 0 for standardised columns.

    Returns
    -------
    r2 : float
    """
    rebuilt = finite(rebuilt, X.shape, "reconstruction")
    return round(1 - float(np.sum((X - rebuilt) ** 2) / np.sum((X - center) ** 2)), 8)


def finite(values: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return what a library gave as float64, or say why it cannot be scored.

    Parameters
    ----------
    values : array-like
        What a library gave.
    shape : tuple of int
        The shape it has to have.
    what : str
        Its name in the error.

    Returns
    -------
    values : ndarray
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"The {what} has shape {values.shape}, not {shape}.")
    if not np.isfinite(values).all():
        raise ValueError(f"The {what} is not finite.")
    return values
