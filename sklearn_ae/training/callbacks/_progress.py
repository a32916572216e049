"""What networks take of the epochs that are done, and what is noted of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skorch.callbacks import Callback, PrintLog

from sklearn_ae.training.callbacks._base import TrainingEnd
from sklearn_ae.training.callbacks._schedule import Constant, OneCycle


class Progress(Callback):
    """Tells latents and terms how far training is.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks.
    schedule : OneCycle or Constant
        Knows the share that is done.
    """

    def __init__(self, runs: list[Any], schedule: OneCycle | Constant) -> None:
        self.runs = runs
        self.schedule = schedule

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Before an epoch."""
        epoch = len(net.history) - 1
        for run in self.runs:
            run.net.module_.latent.set_progress(self.schedule.progress(epoch))
            run.net.criterion_.set_epoch(epoch)


class EpochHook(Callback):
    """Calls a function after each epoch; True ends training.

    Parameters
    ----------
    function : callable
        Takes nothing.
    """

    def __init__(self, function: Callable[[], bool]) -> None:
        self.function = function

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """After an epoch."""
        if self.function():
            raise TrainingEnd


class EndOfSchedule(Callback):
    """Ends training where the schedule does.

    Parameters
    ----------
    schedule : OneCycle
        Its end may have come nearer.
    """

    def __init__(self, schedule: OneCycle) -> None:
        self.schedule = schedule

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """After an epoch."""
        if len(net.history) >= self.schedule.end:
            raise TrainingEnd


class Others(Callback):
    """Hands what happens in the leading network on to the callbacks of the others.

    Parameters
    ----------
    nets : list of AutoencoderNet
        The other networks.
    """

    def __init__(self, nets: list[Any]) -> None:
        self.nets = nets

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Before training."""
        self._notify("on_train_begin", **kwargs)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """After training."""
        self._notify("on_train_end", **kwargs)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Before an epoch."""
        self._notify("on_epoch_begin", **kwargs)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """After an epoch."""
        self._notify("on_epoch_end", **kwargs)

    def _notify(self, hook: str, **kwargs: Any) -> None:
        for net in self.nets:
            net.notify(hook, **kwargs)


class Printed(Callback):
    """Prints a line an epoch before training is ended by it.

    Parameters
    ----------
    log : PrintLog
        What prints.
    """

    def __init__(self, log: PrintLog) -> None:
        self.log = log

    def initialize(self) -> Printed:
        """Begin with the names of the columns."""
        self.log.initialize()
        return self

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """After an epoch."""
        self.log.on_epoch_end(net, **kwargs)
