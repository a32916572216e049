"""Which rows are held out, by their positions alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.runtime import Seeds

# Rows of a source that are held out, at most; more would tell the same.
MOST_HELD_OUT = 200_000
# Rows up to which an order of all of them is drawn, as it is of rows in memory.
_ORDERED = 2_000_000


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


class HeldOut:
    """Which rows of a source are held out, whatever blocks they come in.

    Up to 2,000,000 rows, they are those that would be of the same rows in memory; of more, a
    row is held out by the hash of its position, which takes no memory.

    Parameters
    ----------
    n_rows : int
        Number of all rows.
    n_held_out : int
        How many are held out: so many of few rows, about so many of more.
    seeds : Seeds
        Feeds the choice.
    """

    def __init__(self, n_rows: int, n_held_out: int, seeds: Seeds) -> None:
        n_held_out = min(n_held_out, MOST_HELD_OUT)
        rng = seeds.numpy("split")
        self._chosen: NDArray[np.bool_] | None = None
        if n_rows <= _ORDERED:
            self._chosen = np.zeros(n_rows, dtype=bool)
            self._chosen[rng.permutation(n_rows)[:n_held_out]] = True
            return
        self._limit = np.uint64(n_held_out / n_rows * (2**64 - 2**11))
        self._seed = int(rng.integers(2**63))

    def among(self, start: int, n: int) -> NDArray[np.bool_]:
        """Return which of n rows from a position on are held out; none beyond all rows."""
        if self._chosen is not None:
            chosen = self._chosen[start : start + n]
            return np.pad(chosen, (0, n - len(chosen)))
        positions = np.arange(start, start + n, dtype=np.uint64)
        return hashed(positions, self._seed) < self._limit
