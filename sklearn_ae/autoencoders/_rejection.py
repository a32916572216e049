"""Rows that are drawn until they satisfy what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows that are drawn for one that is kept, at most, and in all at least, before it is given up.
_MOST_FOR_ONE, _LEAST_IN_ALL = 100, 100_000
# Rows that are drawn at once.
_AT_ONCE = 2**16

Drawn = tuple[NDArray[Any], NDArray[np.bool_]]
Draw = Callable[[NDArray[np.intp]], Drawn]
Judge = Callable[
    [NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]],
    tuple[NDArray[np.bool_], NDArray[np.float64]],
]


def accepted(
    n: int, draw: Draw, judge: Judge, *, nearest_of: int = 1, alike: bool = False, asked: str
) -> tuple[Drawn, int]:
    """Draw rows for n places until each has one that is accepted.

    Parameters
    ----------
    n : int
        Number of places.
    draw : callable
        `draw(places)` returns a row for each of these places, and which of its cells are missing.
    judge : callable
        `judge(rows, lacks, places)` returns which rows are good, and how far they are from what is
        asked for.
    nearest_of : int
        Rows that are drawn for a place, of which the nearest good one is taken.
    alike : bool
        Whether a row may take any place, not only that which it was drawn for.
    asked : str
        What is asked for, in words.

    Returns
    -------
    drawn : tuple of ndarray
        A row for each place, and which of its cells are missing.
    n_drawn : int
        Rows that were drawn.

    Raises
    ------
    ValueError
        If fewer than one row in 100 is good.
    """
    kept: Drawn | None = None
    pending, n_drawn, n_good = np.arange(n), 0, 0
    while len(pending):
        if n_drawn >= max(_LEAST_IN_ALL, _MOST_FOR_ONE * nearest_of * n):
            raise ValueError(
                f"{n_good} of {n_drawn} rows that were drawn satisfy {asked}, which is too few for "
                f"{n} rows; ask for less or for fewer rows, or fit with condition= so that "
                "the network learns what a condition means."
            )
        now = pending[: max(1, _AT_ONCE // nearest_of)]
        needed = 1 + n_drawn // max(1, n_good)
        times = max(nearest_of, min(nearest_of * needed, _AT_ONCE // len(now)))
        place = np.repeat(now, times)
        drawn = draw(place)
        good, distance = judge(*drawn, place)
        found = np.flatnonzero(good)
        n_drawn += len(place)
        n_good += len(found)
        if kept is None:
            kept = np.empty((n, drawn[0].shape[1])), np.empty((n, drawn[1].shape[1]), dtype=bool)
        if alike and nearest_of == 1:
            filled, chosen = pending[: len(found)], found[: len(pending)]
        else:
            order = found[np.lexsort((distance[found], place[found]))]
            filled, first = np.unique(place[order], return_index=True)
            chosen = order[first]
        rows, lacks = kept
        rows[filled], lacks[filled] = drawn[0][chosen], drawn[1][chosen]
        pending = np.setdiff1d(pending, filled, assume_unique=True)
    assert kept is not None
    return kept, n_drawn
