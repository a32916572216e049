"""What networks take of the epochs that are done, and what is noted of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skorch.callbacks import Callback, PrintLog

from sklearn_ae.training.callbacks._base import TrainingEnd
from sklearn_ae.training.callbacks._best_epoch import BestEpoch
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


class EndOfTraining(PrintLog):
    """Ends training where the schedule does, or something else that has seen the epoch.

    It is a PrintLog because skorch calls those last: the others have had the epoch too.

    Parameters
    ----------
    schedule : OneCycle or None
        Its end may have come nearer.
    best : BestEpoch or None
        Knows whether more epochs would help.
    on_epoch : callable, optional
        Called after each epoch; True ends training.
    """

    def __init__(
        self,
        schedule: OneCycle | None,
        best: BestEpoch | None,
        on_epoch: Callable[[], bool] | None,
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.best = best
        self.on_epoch = on_epoch

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """After an epoch."""
        ends = [
            self.on_epoch is not None and self.on_epoch(),
            self.schedule is not None and len(net.history) >= self.schedule.end,
            self.best is not None and self.best.has_ended,
        ]
        if any(ends):
            raise TrainingEnd


class FitProgress(PrintLog):
    """One bar for a whole fit, by tqdm: epochs of the total, losses, time that is left.

    It is among `callbacks`, and only watches: the weights are those of a fit without it. Where
    folds are trained, below 1,000 rows, the bar is of all of them together, and the last fit to
    all rows has none. Where training ends before its last epoch, the total is what was reached.

    Parameters
    ----------
    file : file-like, default=None
        Where it is written; None is standard error.

    See Also
    --------
    sklearn.callback.ProgressBar : A bar for each level of a search, from scikit-learn 1.9 on, by
        `set_callbacks`.

    Examples
    --------
    >>> from io import StringIO
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ae import Autoencoder, FitProgress
    >>> shown = StringIO()
    >>> progress = FitProgress(file=shown)
    >>> autoencoder = Autoencoder(2, max_iter=4, callbacks=[progress], random_state=0)
    >>> _ = autoencoder.fit(load_digits().data)
    >>> "4/4" in shown.getvalue()
    True
    """

    def __init__(self, file: Any = None) -> None:
        super().__init__()
        self.file = file

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Before training."""
        from tqdm.auto import tqdm

        done = len(net.history)  # epochs of a checkpoint
        self.bar_ = tqdm(
            total=net.joint_.n_epochs, initial=done, unit="epoch", file=self.file, leave=True
        )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """After an epoch."""
        epoch = net.history[-1]
        losses = {name: epoch[name] for name in ("train_loss", "valid_loss") if name in epoch}
        self.bar_.set_postfix(losses, refresh=False)
        self.bar_.update()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """After training."""
        # A callback that ended training in its last epoch may have come first.
        self.bar_.n = self.bar_.total = len(net.history)
        self.bar_.refresh()
        self.bar_.close()
        del self.bar_


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
        """After an epoch, whose losses and scores all networks share."""
        for other in self.nets:
            other.history[-1].update({**net.history[-1], **other.history[-1]})
        self._notify("on_epoch_end", **kwargs)

    def _notify(self, hook: str, **kwargs: Any) -> None:
        for net in self.nets:
            net.notify(hook, **kwargs)
