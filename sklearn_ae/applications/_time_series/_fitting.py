"""Members of an ensemble that each leave blocks of time out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.applications._time_series._blocks import held_out_blocks, windows_of_folds
from sklearn_ae.applications._time_series._finders import WindowClones, WindowEnsemble
from sklearn_ae.applications._time_series._grid import Grid
from sklearn_ae.applications._time_series._steps import Answers, Told, WindowShares, windows_of
from sklearn_ae.runtime import Seeds

# Steps from which one member is enough, and those that are held out of it.
_MANY_STEPS, _HELD_OUT = 50_000, 10_000
# Windows with less of their cells observed are not trained on where there are others.
_OBSERVED = 0.75
# The windows, and the cells in them, that a fit reads at most.
_MOST_WINDOWS, _MOST_CELLS = 2**16, 2**24


class OutOfFold(NamedTuple):
    """What members that have not seen a step say of it.

    Parameters
    ----------
    answers : Answers
        Of the members.
    told : Told
        Of each slot.
    held_out : ndarray of shape (n_slots,), bool
        Where there are such members; elsewhere all of them answer.
    """

    answers: Answers
    told: Told
    held_out: NDArray[np.bool_]


def fit_blocks(
    finder: WindowEnsemble | WindowClones,
    grid: Grid,
    window: int,
    n_members: int,
    seeds: Seeds,
    *,
    everywhere: bool,
) -> OutOfFold:
    """Fit members to the windows that share no step with the blocks that they leave out.

    Parameters
    ----------
    finder : WindowEnsemble or WindowClones
        Gets the members.
    grid : Grid
        A series of two windows at least.
    window : int
        Length of a window.
    n_members : int
        Number of members.
    seeds : Seeds
        Feed every draw.
    everywhere : bool
        Whether to ask about steps that no member leaves out, too.
    """
    n_slots = len(grid.cells)
    n_folds = 1 if n_slots >= _MANY_STEPS else n_members
    blocks = held_out_blocks(n_slots, window, n_folds, _HELD_OUT)
    share = WindowShares.of(grid, window).share
    usable = share >= min(_OBSERVED, share.max())
    most = min(_MOST_WINDOWS, max(1000, _MOST_CELLS // (window * grid.cells.shape[1])))
    drawn = seeds.numpy("windows").permutation(np.flatnonzero(usable))[:most]
    index = np.sort(drawn)
    splits, kept = [], []
    for fold, parts in enumerate(windows_of_folds(blocks, n_slots, window)):
        seen, within = (np.flatnonzero(part[index]) for part in parts)
        if len(seen) and len(within):
            splits.append((seen, within))
            kept.append(fold)
    if not splits:
        raise ValueError(
            f"window={window} leaves nothing to hold out of {len(grid.slot)} steps with gaps; use "
            "a smaller window."
        )
    windows = windows_of(grid.cells, window)[index]
    finder.fit(windows, splits, seeds)
    unseen = [(member, windows[within]) for member, (_, within) in enumerate(splits)]
    answers = Answers(finder, window, unseen)
    told = Told(np.zeros(n_slots), np.zeros(grid.cells.shape), np.ones(n_slots))
    held_out = np.zeros(n_slots, bool)
    for start, end, fold in blocks:
        if fold in kept:
            part = slice(start, end)
            found = answers.of_steps(grid.part(part), kept.index(fold))
            for values, own in zip(told, found, strict=True):
                values[part] = own
            held_out[part] = True
    if everywhere and not held_out.all():
        for values, own in zip(told, answers.of_steps(grid), strict=True):
            values[~held_out] = own[~held_out]
    return OutOfFold(answers, told, held_out)
