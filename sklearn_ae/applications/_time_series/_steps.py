"""From windows to steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sklearn_ae.applications._time_series._finders import WindowClones, WindowEnsemble
from sklearn_ae.applications._time_series._grid import Grid

# Windows that are asked about at once have this many cells at most.
_BLOCK_CELLS = 2**18
# A window counts by this power of the share of its cells that are observed, or of the least.
_POWER, _LEAST_SHARE = 8, 1e-3
# Parts of a window up to which a gap counts as observed, and the power of the share by which what
# is said of a step counts.
_BRIDGED, _SURE = 8, 4
# The least squared error that is told from none, in standard units.
_LEAST = 1e-8
# The part of steps below which their scale is taken, from the median.
_HIGH = 0.84


def windows_of(cells: NDArray, window: int) -> NDArray:
    """Return all windows, as views of shape (n_windows, window, n_columns)."""
    return sliding_window_view(cells, window, axis=0).transpose(0, 2, 1)


class WindowShares(NamedTuple):
    """How much of each window is observed.

    Gaps of an eighth of a window at most, across which straight lines are good, count as observed.

    Parameters
    ----------
    share : ndarray of shape (n_windows,)
        Share of the cells.
    weight : ndarray of shape (n_windows,)
        What the window counts: a power of the share, and next to nothing if it reaches into a gap
        as long as itself, which parts a series.
    """

    share: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, grid: Grid, window: int) -> WindowShares:
        """Return those of a series."""
        missing = _in_gaps(~grid.seen, 1 + max(1, window // _BRIDGED))
        share = 1.0 - _moving_sum(missing.mean(axis=1), window) / window
        share = np.clip(share, _LEAST_SHARE, 1.0)
        apart = _in_gaps(~grid.seen.any(axis=1), window)
        reaches = _moving_sum(apart, window) > 0
        return cls(share, np.where(reaches, 0.1 * share, share) ** _POWER)


def _in_gaps(missing: Any, shortest: int) -> NDArray[np.bool_]:
    """Return what lies in runs of missing steps that are as long or longer, by column."""
    if len(missing) < shortest:
        return np.zeros_like(missing)
    full = _moving_sum(missing, shortest) >= shortest
    edge = [(shortest - 1, shortest - 1)] + [(0, 0)] * (missing.ndim - 1)
    return np.asarray(_moving_sum(np.pad(full, edge), shortest) > 0)


def _moving_sum(values: NDArray, window: int) -> NDArray:
    total = np.cumsum(np.concatenate([np.zeros_like(values[:1], dtype=float), values]), axis=0)
    return total[window:] - total[:-window]


class Told(NamedTuple):
    """What windows say of steps, in the mean of those that cover a step.

    Parameters
    ----------
    strange : ndarray of shape (n_steps,)
        How strange the windows are.
    logs : ndarray of shape (n_steps, n_columns)
        Logarithms of the errors of the cells of the step in them, 0 for typical ones.
    share : ndarray of shape (n_steps,)
        How much of the windows is observed.
    """

    strange: NDArray[np.float64]
    logs: NDArray[np.float64]
    share: NDArray[np.float64]

    def at(self, index: NDArray) -> Told:
        """Return what is said of some steps."""
        return Told(*(part[index] for part in self))


class Answers:
    """What windows say of the steps that they cover.

    A cell near the edge of a window has neighbours on one side alone, so that its error is larger;
    logarithms of errors are less those that are typical of their place in the window.

    Parameters
    ----------
    finder : WindowEnsemble or WindowClones
        Fitted to windows.
    window : int
        Length of a window.
    held_out : list of (int, ndarray of shape (n, window, n_columns))
        Members, and windows that they have not seen.
    """

    def __init__(
        self,
        finder: WindowEnsemble | WindowClones,
        window: int,
        held_out: list[tuple[int, NDArray]],
    ) -> None:
        self.finder = finder
        self.window = window
        logs = [self._logs(windows, member)[1] for member, windows in held_out]
        self.typical = np.nan_to_num(np.concatenate(logs).mean(axis=0))

    def of_steps(self, grid: Grid, member: int | None = None) -> Told:
        """Return what is said of the slots of a series.

        Parameters
        ----------
        grid : Grid
            A series of `window` slots at least.
        member : int, optional
            The one to ask; all by default.
        """
        n_slots, p = grid.cells.shape
        shares = WindowShares.of(grid, self.window)
        windows = windows_of(grid.cells, self.window)
        strange, share, mass = np.zeros((3, n_slots))
        logs = np.zeros((n_slots, p))
        size = max(1, _BLOCK_CELLS // (self.window * p))
        for start in range(0, len(windows), size):
            part = slice(start, start + size)
            w, seen = shares.weight[part], shares.share[part]
            of_window, of_cell = self._logs(windows[part], member)
            of_cell = np.nan_to_num(of_cell - self.typical)
            for j in range(self.window):
                at = slice(start + j, start + j + len(w))
                mass[at] += w
                strange[at] += w * of_window
                share[at] += w * seen
                logs[at] += w[:, None] * of_cell[:, j]
        return Told(strange / mass, logs / mass[:, None], share / mass)

    def _logs(
        self, windows: NDArray, member: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        strange, errors = self.finder.answers(windows, member)
        return strange.astype(np.float64), np.log(errors.astype(np.float64) + _LEAST)


class StepScores:
    """How normal steps are, from what windows say.

    Both kinds of answers are put into units of steps that were held out: their median, and the
    distance from there up to the 84th percentile. The less of its windows is observed, the nearer
    a step is to typical ones.

    Parameters
    ----------
    told : Told
        What windows say of such steps.
    """

    def __init__(self, told: Told) -> None:
        raw = _both(told)
        self.center, high = np.quantile(raw, [0.5, _HIGH], axis=1)
        self.spread = np.maximum(high - self.center, 1e-6)

    def scores(self, told: Told) -> NDArray[np.float64]:
        """Return how normal steps are; higher is more normal."""
        z = (_both(told) - self.center[:, None]) / self.spread[:, None]
        return -z.mean(axis=0) * told.share**_SURE


def _both(told: Told) -> NDArray[np.float64]:
    """Return how strange windows are, and the logarithm of the mean error of the columns."""
    error = np.logaddexp.reduce(told.logs, axis=1) - np.log(told.logs.shape[1])
    return np.stack([told.strange, error])
