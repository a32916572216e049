"""Which rows are held out, by their positions alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hashed(positions: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Return a number for each position that looks drawn, by the finaliser of SplitMix64.

    Parameters
    ----------
    positions : ndarray of uint64
        Positions of rows.
    seed : int
        Another seed gives other numbers.

    References
    ----------
    Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    :doi:`10.1145/2660193.2660195`
    """
    with np.errstate(over="ignore"):
        z = positions + np.uint64(seed % 2**64)
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def held_out(start: int, n: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Return which of n rows from a position on are held out.

    Parameters
    ----------
    start : int
        Position of the first.
    n : int
        Number of rows.
    share : float
        Share of all rows that are.
    seed : int
        Feeds the choice.
    """
    positions = np.arange(start, start + n, dtype=np.uint64)
    return hashed(positions, seed) < np.uint64(min(share, 1.0) * (2**64 - 2**11))
