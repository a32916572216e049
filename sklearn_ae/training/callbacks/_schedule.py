"""The learning rate over a fit: up, level, and down to zero."""

from __future__ import annotations

_WARM_UP = 0.1
_ANNEAL = 0.4


class OneCycle:
    """A one-cycle rate whose level part can be cut short.

    The rate rises over the first tenth of the epochs, stays, and falls linearly to
    zero over the last four tenths. `begin_anneal` starts the fall early, over a
    length in proportion to the epochs run so far.

    Parameters
    ----------
    n_epochs : int
        Length of the full schedule.
    peak : float
        The highest rate.
    """

    def __init__(self, n_epochs: int, peak: float) -> None:
        self.peak = peak
        self.warm_up = _WARM_UP * n_epochs
        self.anneal_start = (1 - _ANNEAL) * n_epochs
        self.end = float(n_epochs)
        self.anneal_top = 1.0

    def rate(self, epoch: float) -> float:
        """Return the rate after a possibly fractional number of epochs."""
        if self.annealing(epoch):
            left = max(0.0, (self.end - epoch) / (self.end - self.anneal_start))
            return self.peak * self.anneal_top * left
        if epoch < self.warm_up:
            return self.peak * max(epoch / self.warm_up, 0.04)
        return self.peak

    def annealing(self, epoch: float) -> bool:
        """Whether the rate falls at this epoch."""
        return epoch >= self.anneal_start

    def progress(self, epoch: float) -> float:
        """Share of the schedule that is done."""
        return min(1.0, epoch / self.end) if self.end > 0 else 1.0

    def begin_anneal(self, epoch: int) -> None:
        """Start the final fall now."""
        if self.annealing(epoch):
            return
        self.anneal_top = self.rate(epoch) / self.peak
        self.anneal_start = float(epoch)
        length = max(2, round(epoch * _ANNEAL / (1 - _ANNEAL)))
        self.end = min(self.end, float(epoch + length))

    def lower(self, factor: float) -> None:
        """Multiply the peak by a factor."""
        self.peak *= factor


class Constant:
    """A rate that stays.

    Parameters
    ----------
    peak : float
        The rate.
    """

    def __init__(self, peak: float) -> None:
        self.peak = peak

    def rate(self, epoch: float) -> float:
        """Return the rate."""
        return self.peak

    def progress(self, epoch: float) -> float:
        """A stream has no end; what rises over a schedule has risen."""
        return 1.0

    def annealing(self, epoch: float) -> bool:
        """The rate never falls."""
        return False

    def lower(self, factor: float) -> None:
        """Multiply the rate by a factor."""
        self.peak *= factor
