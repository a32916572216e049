"""Blocks of time that members do not see."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

# Windows in a block at least, where the series is long enough, and blocks in a fold at most.
_WINDOWS, _MOST_BLOCKS = 4, 8


def held_out_blocks(
    n_slots: int, window: int, n_folds: int, most_held_out: int
) -> list[tuple[int, int, int]]:
    """Cut a series into blocks that are held out in turn.

    Parameters
    ----------
    n_slots : int
        Length of the series, two windows at least.
    window : int
        Length of a window; no block is shorter.
    n_folds : int
        Number of folds. A single one holds a fifth of the blocks out.
    most_held_out : int
        Steps that a single fold holds out at most.

    Returns
    -------
    blocks : list of (int, int, int)
        Start, end and fold of each block that is held out. Blocks of one fold do not touch where
        there are more than two.
    """
    turns = 5 if n_folds == 1 else n_folds
    turns = min(turns, n_slots // window)
    n_rounds = int(np.clip(n_slots // (turns * _WINDOWS * window), 1, _MOST_BLOCKS))
    edges = np.linspace(0, n_slots, turns * n_rounds + 1).astype(int)
    blocks = [(int(a), int(b), i % turns) for i, (a, b) in enumerate(itertools.pairwise(edges))]
    if n_folds > 1:
        return blocks
    longest = max(2 * window, most_held_out // n_rounds)
    return [(a, min(b, a + longest), 0) for a, b, turn in blocks if turn == turns // 2]


def windows_of_folds(
    blocks: list[tuple[int, int, int]], n_slots: int, window: int
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return the windows that share no step with a fold, and those that lie in it, of each fold.

    A window that lies across the edge of a block is in no fold, and seen where neither of the
    two blocks is held out.
    """
    n_windows = n_slots - window + 1
    found = []
    for fold in range(1 + max(fold for *_, fold in blocks)):
        seen, within = np.ones(n_windows, bool), np.zeros(n_windows, bool)
        for a, b, own in blocks:
            if own == fold:
                seen[max(0, a - window + 1) : b] = False
                within[a : b - window + 1] = True
        found.append((seen, within))
    return found
