"""How long windows are if nobody says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Steps that autocorrelations are of at most.
_MOST_STEPS = 2**16
# The least autocorrelation that a period has, and its part of the largest.
_LEAST, _NEARLY = 0.2, 0.9
# Lags of windows: the least, and the most in relation to the series.
_SHORTEST, _PART = 4, 10
_SHORT, _USUAL = 8, 32


def default_window(cells: NDArray, most_cells: int = 128) -> int:
    """Return the dominant period of a series, or a usual number of steps where there is none.

    The period is the first lag at which the autocorrelation, of the columns in standard units
    without their straight lines, has a peak that is nearly its highest. A window has `most_cells`
    numbers at most, and a tenth of the series.

    Parameters
    ----------
    cells : ndarray of shape (n_slots, n_columns)
        Numbers; NaN in columns without any.
    most_cells : int
        Numbers in a window.
    """
    n, p = cells.shape
    most = max(_SHORTEST, min(n // _PART, max(_SHORT, most_cells // p)))
    found = _period(cells, max(most, n // _PART)) or min(_USUAL, max(_SHORT, n // (2 * _PART)))
    return int(np.clip(found, min(_SHORT, most), most))


def _period(cells: NDArray, longest: int) -> int | None:
    n = min(len(cells), _MOST_STEPS)
    start = (len(cells) - n) // 2
    x = np.nan_to_num(np.asarray(cells[start : start + n], np.float64))
    t = np.linspace(-1, 1, n)[:, None]
    x = x - x.mean(axis=0)
    x -= t * (t * x).sum(axis=0) / max(1e-300, float((t * t).sum()))
    power = (x**2).sum(axis=0)
    x = x[:, power > 0] / np.sqrt(power[power > 0])
    longest = min(longest, n // 2)
    if not x.shape[1] or longest <= _SHORTEST:
        return None
    spectrum = np.abs(np.fft.rfft(x, 2 * n, axis=0)) ** 2
    of_lag = np.fft.irfft(spectrum.mean(axis=1))[: longest + 2]
    of_lag *= n / (n - np.arange(len(of_lag)))
    lags = np.arange(_SHORTEST, longest + 1)
    peaks = lags[(of_lag[lags] >= of_lag[lags - 1]) & (of_lag[lags] > of_lag[lags + 1])]
    peaks = peaks[of_lag[peaks] >= _LEAST]
    if not len(peaks):
        return None
    return int(peaks[of_lag[peaks] >= _NEARLY * of_lag[peaks].max()][0])
