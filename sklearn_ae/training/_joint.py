"""Training: several networks on rows of their own, or one, epoch by epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from skorch import callbacks as skorch_callbacks
from skorch import history as skorch_history
from skorch.callbacks import LRScheduler, PrintLog

from sklearn_ae.runtime import next_part
from sklearn_ae.training._checkpoint import Keeper
from sklearn_ae.training._config import TrainingConfig, bare
from sklearn_ae.training._history import History
from sklearn_ae.training._net import RowsDataset
from sklearn_ae.training._run import TrainingRun
from sklearn_ae.training.callbacks import (
    BestEpoch,
    DeadUnits,
    EndOfTraining,
    FiniteGuard,
    FitProgress,
    LearningRate,
    Others,
    Progress,
    suppressed_end,
)
from sklearn_ae.training.callbacks._schedule import Constant, OneCycle
from sklearn_ae.training.steps import Ensemble, together

# Callbacks that watch one network: they print, score, save and log, or end training.
WATCHING = (
    FitProgress,
    skorch_callbacks.BatchScoring,
    skorch_callbacks.Checkpoint,
    skorch_callbacks.EarlyStopping,
    skorch_callbacks.EpochScoring,
    skorch_callbacks.EpochTimer,
    skorch_callbacks.MlflowLogger,
    skorch_callbacks.NeptuneLogger,
    skorch_callbacks.PassthroughScoring,
    skorch_callbacks.PrintLog,
    skorch_callbacks.ProgressBar,
    skorch_callbacks.SacredLogger,
    skorch_callbacks.TensorBoard,
    skorch_callbacks.TrainEndCheckpoint,
    skorch_callbacks.WandbLogger,
)


class TrainingResult(NamedTuple):
    """What training found.

    Parameters
    ----------
    history : History
        A row an epoch, the start first.
    best_epoch : int
        Epoch of the least validation loss; the last where nothing was held out.
    start_losses, best_losses : ndarray of shape (n_held_out,)
        Losses of held-out rows at the start and at the best epoch.
    """

    history: History
    best_epoch: int
    start_losses: NDArray[np.float64]
    best_losses: NDArray[np.float64]

    def wins(self, margin: float) -> bool:
        """Whether the mean gain exceeds so many of its standard errors."""
        return exceeds_error(self.start_losses - self.best_losses, margin)

    @property
    def n_iter(self) -> int:
        """Epochs run."""
        return len(self.history.values) - 1


class JointTraining:
    """Networks that take their epochs together; one is the usual case.

    The first network leads: skorch's loop runs its epochs, its callbacks are called and its
    history holds the losses, pooled over networks.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks with their rows, at epoch 0.
    schedule : OneCycle or Constant
        The learning rate.
    config : TrainingConfig
        Gives `tol`, `n_iter_no_change` and callbacks.
    replayed : History, optional
        What was found before with other rows held out; callbacks read it where nothing is.

    Attributes
    ----------
    on_joined : callable or None
        Called once, when networks are ready for their first epoch.
    """

    def __init__(
        self,
        runs: list[TrainingRun],
        schedule: OneCycle | Constant,
        config: TrainingConfig,
        replayed: History | None = None,
    ) -> None:
        self.runs = runs
        self.net = runs[0].net
        self.losses = self._losses()
        theirs = any(isinstance(c, LRScheduler) for c in config.bare_callbacks)
        self.rate = LearningRate(schedule, [run.net for run in runs], theirs)
        self.guard = FiniteGuard(runs, self.rate)
        self.dead_units = DeadUnits(runs, self.rate)
        self.best = None
        if runs[0].valid is not None:
            self.best = BestEpoch(runs, self.losses, config, self.rate)
        self.n_epochs = 0
        self.ensemble: Ensemble | None = None
        self.on_joined: Callable[[], None] | None = None
        self.replayed = replayed

    @contextmanager
    def leading(self) -> Iterator[None]:
        """Let skorch run the epochs of the first network, until a callback asks for the end."""
        self.net.joint_ = self
        try:
            for run in self.runs:
                run.freeze()
            yield
        finally:
            for run in self.runs:
                run.net._set_training(False)
                run.thaw()
            self.end()
            del self.net.joint_

    def begin_epoch(self) -> None:
        """Stack the networks that can go together, and note the learning rate."""
        if not all(run.ready for run in self.runs):
            self.end()  # or parameters that are new to an optimizer would be moved after that
            for run in self.runs:
                run.prepare()
        self._join()
        if self.on_joined is not None:
            self.on_joined()
            self.on_joined = None
        self._note({"learning_rate": self.net.optimizer_.param_groups[0]["lr"]})

    def passes(self) -> list[Callable[[], list[dict[str, float]]]]:
        """Return what runs one pass over the rows of each network, and returns mean terms."""
        if self.ensemble is not None:
            rates = self.rate.of_batches(self.net, len(self.runs[0].batches))
            return [partial(self.ensemble.train_epoch, [each[0] for each in rates])]
        return [
            partial(run.train_by_batch, self.rate)
            if run.runner is None or run.by_batch
            else partial(run.runner.train_epoch, self.rate.of_batches(run.net, len(run.batches)))
            for run in self.runs
        ]

    def end_epoch(self, terms: list[dict[str, float]]) -> None:
        """Note the mean terms of a pass, in X's units."""
        for run in self.runs:
            run.note_places()
        if not self.runs[0].by_batch:  # checkpoints read the last batch: here, the whole epoch
            self.net.history.new_batch()
            self.net.history.record_batch("train_loss", sum(terms[0].values()))
            self.net.history.record_batch("train_batch_size", self.runs[0].train.n_rows)
        means = mean_terms([run.in_units(own) for run, own in zip(self.runs, terms, strict=True)])
        self.dead_units.after_pass()
        for run in self.runs:
            run.follow_first()
        self._note({"train_loss": sum(means.values()), **means, **self.measures()})

    def validate(self) -> None:
        """Note the loss of held-out rows."""
        self.losses = self._losses()
        if self.best is not None:
            self._note({"valid_loss": float(self.losses.mean())})
        elif self.replayed is not None and len(self.net.history) < len(self.replayed.values):
            row = self.replayed.values[len(self.net.history)]
            found = zip(self.replayed.columns, row.tolist(), strict=True)
            kept = {name: value for name, value in found if not math.isnan(value)}
            self._note({n: v for n, v in kept.items() if n not in self.net.history[-1]})

    def look_again(self) -> None:
        """Compare what callbacks made of the start with it."""
        if self.best is not None:
            self.losses = self._losses()
            self.best.compare(len(self.net.history), self.losses)

    def measures(self) -> dict[str, float]:
        """Named quantities of codes, pooled over networks."""
        return mean_terms([run.measures() for run in self.runs])

    def end(self) -> None:
        """Give each network memory of its own."""
        if self.ensemble is not None:
            self.ensemble.end()
            self.ensemble = None

    def _join(self) -> None:
        """Stack the networks while nothing has to be done for one of them alone."""
        runners = [run.runner for run in self.runs if run.runner is not None]
        if self.ensemble is not None and self.ensemble.runners != runners:
            self.end()
        alone = len(runners) < len(self.runs) or any(run.by_batch for run in self.runs)
        if self.ensemble is None and not alone:
            self.ensemble = together(runners)

    def _losses(self) -> NDArray[np.float64]:
        return np.concatenate([run.validate() for run in self.runs])

    def _note(self, found: dict[str, float]) -> None:
        for name, value in found.items():
            self.net.history.record(name, value)


def train_runs(
    runs: list[TrainingRun],
    config: TrainingConfig,
    schedule: OneCycle | Constant,
    n_epochs: int | None = None,
    on_epoch: Callable[[], bool] | None = None,
    watched: bool = True,
    replayed: History | None = None,
) -> TrainingResult:
    """Train networks together until the schedule ends, and go back to the best epoch.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks.
    config : TrainingConfig
        Gives `tol`, `n_iter_no_change` and callbacks.
    schedule : OneCycle or Constant
        The learning rate.
    n_epochs : int, optional
        Number of epochs, whatever the schedule says.
    on_epoch : callable, optional
        Called after each epoch; True ends training.
    watched : bool
        Whether callbacks that print, log and save are called.
    replayed : History, optional
        What was found before with other rows held out; callbacks read it where nothing is.
    """
    joint = JointTraining(runs, schedule, config, replayed)
    first = _first_row(joint)
    history = History().extended(first)
    end = schedule.end if isinstance(schedule, OneCycle) else 0.0
    n_most = math.ceil(end if n_epochs is None else n_epochs)
    if n_most > 0 and not (joint.best is not None and joint.best.exact):
        joint.n_epochs = n_most
        for run in runs:
            run.release()
        part = next_part()
        keeper = None if part is None else Keeper(joint, part, first)
        _attach(joint, config, watched, on_epoch, schedule if n_epochs is None else None, keeper)
        net, rows = joint.net, RowsDataset(runs[0].train)
        with joint.leading():
            if keeper is None or not keeper.is_done:
                net.notify("on_train_begin", X=rows.X, y=rows.y)
                if config.callbacks:
                    joint.look_again()
                if keeper is not None:
                    keeper.go_on()
                with suppressed_end():
                    net.fit_loop(rows, epochs=max(0, n_most - len(net.history)))
                net.notify("on_train_end", X=rows.X, y=rows.y)
            if keeper is not None:
                keeper.finish()
        for row in net.history:
            history = history.extended(_numbers(row))
    best, n_iter = joint.best, len(history.values) - 1
    if best is None:
        return TrainingResult(history, n_iter, np.zeros(0), np.zeros(0))
    return TrainingResult(history, best.epoch, best.start_losses, best.losses)


def exceeds_error(gain: NDArray[np.float64], margin: float) -> bool:
    """Whether the mean of gains exceeds so many of its standard errors."""
    # Times a power of two, squares stay in the range of numbers.
    gain = np.ldexp(gain, -int(np.frexp(np.abs(gain).max())[1]))
    error = gain.std(ddof=1) / math.sqrt(len(gain))
    return bool(gain.mean() > margin * error)


def mean_terms(terms: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each term over networks."""
    return {name: sum(t[name] for t in terms) / len(terms) for name in terms[0]}


def _first_row(joint: JointTraining) -> dict[str, float]:
    """What is noted of the start."""
    row = mean_terms([run.train_losses() for run in joint.runs])
    if joint.best is not None:
        row["valid_loss"] = float(joint.losses.mean())
    return {**row, **joint.measures(), "learning_rate": 0.0, "seconds": 0.0}


def _attach(
    joint: JointTraining,
    config: TrainingConfig,
    watched: bool,
    on_epoch: Callable[[], bool] | None,
    schedule: OneCycle | Constant | None,
    keeper: Keeper | None,
) -> None:
    """Set the callbacks of each network: ours first, then the user's.

    The first network has the user's own; the others, and those that are not watched, copies
    of the ones that take part in training.
    """
    first, *others = (run.net for run in joint.runs)
    ours = [joint.rate, Progress(joint.runs, joint.rate.schedule), joint.best]
    end = schedule if isinstance(schedule, OneCycle) else None
    last = [
        joint.guard,
        PrintLog() if config.verbose and watched else None,
        EndOfTraining(end, joint.best, on_epoch),
        keeper,
    ]
    acting = [c for c in config.callbacks if not isinstance(bare(c), WATCHING)]
    for net in others:
        net.callbacks = _copies(acting)
    theirs = list(config.callbacks) if watched else _copies(acting)
    handed = Others(others) if others else None
    first.callbacks = [c for c in [*ours, *theirs, handed, *last] if c is not None]
    for net in (first, *others):
        net.initialize_callbacks()
        net.history = skorch_history.History()


def _copies(callbacks: list[Any]) -> list[Any]:
    """Return copies of callbacks, for networks that are trained besides the first."""
    copies = []
    for callback in callbacks:
        try:
            copies.append(copy.deepcopy(callback))
        except Exception as error:
            raise ValueError(
                f"callbacks holds {callback!r}, which takes part in training but cannot be "
                f"copied for each network that is trained ({error}); give it a __deepcopy__, or "
                "let it inherit from a logger of skorch.callbacks if it only watches."
            ) from error
    return copies


def _numbers(row: dict[str, Any]) -> dict[str, float]:
    """What skorch's history holds of an epoch, but for batches and flags."""
    kept = {"seconds" if name == "dur" else name: value for name, value in row.items()}
    return {
        name: float(value)
        for name, value in kept.items()
        if name != "epoch"
        and not name.endswith("_batch_count")
        and isinstance(value, Real)
        and not isinstance(value, (bool, np.bool_))
    }
