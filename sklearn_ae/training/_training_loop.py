"""One learning-rate schedule over one network, or over several in lockstep."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae._compat import total_norm
from sklearn_ae.data import AnyBatch, LazyBatch
from sklearn_ae.inference import TrainingRange
from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training._dead_units import dead_units, reinitialise, reinitialise_latent
from sklearn_ae.training._ensemble import Ensemble, together
from sklearn_ae.training._history import History
from sklearn_ae.training._net import AutoencoderNet, BatchIterator
from sklearn_ae.training._schedule import Constant, OneCycle

_RETRIES = 5
_LOWER = 0.3
# Rows that are measured before and after each epoch.
_MEASURED_ROWS = 2048
# A share of the variance below which a reconstruction cannot be told from exact.
_EXACT = 1e-11


class TrainingRun:
    """A network with the rows it trains on and those it is judged by.

    Parameters
    ----------
    net : AutoencoderNet
        The network, initialised.
    train : AnyBatch
        Training rows, on the device.
    valid : AnyBatch or None
        Rows that training does not see.
    unit : float
        Factor from training losses to X's units.
    batch_size : int
        Largest batch.
    order, noise : Generator
        Feed the order of the rows, and corruption and dropout.
    units_may_die : bool
        Whether units of the code may fall dead, and are then reinitialised.
    has_least : bool
        Whether no loss is below that of an exact reconstruction, which is 0.
    constants : pair of ndarray
        Parts of the losses of training and held-out rows, in X's units, that do not
        depend on the network.
    fresh : bool
        Whether the network is at its start, which training may leave.
    floor : callable, optional
        From the losses of held-out rows, in X's units, to those they are judged by.
    training_range : TrainingRange, optional
        Where rows are judged; what lies beyond is passed on.
    """

    def __init__(
        self,
        net: AutoencoderNet,
        train: AnyBatch,
        valid: AnyBatch | None,
        unit: float,
        batch_size: int,
        order: Generator,
        noise: Generator,
        units_may_die: bool = False,
        has_least: bool = True,
        constants: tuple[NDArray | float, NDArray | float] = (0.0, 0.0),
        fresh: bool = False,
        floor: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
        training_range: TrainingRange | None = None,
    ) -> None:
        self.net = net
        self.train = train
        self.valid = valid
        self.unit = unit
        self.units_may_die = units_may_die
        self.has_least = has_least
        self.constants = constants
        self.fresh = fresh
        self.floor = floor
        self.training_range = training_range
        net.begin(BatchIterator(train, batch_size, order), noise)

    @property
    def sets(self) -> dict[str, AnyBatch | None]:
        """The rows under the names that skorch's callbacks know."""
        return {"dataset_train": self.train, "dataset_valid": self.valid}

    def validate(self) -> NDArray[np.float64]:
        """Loss of each held-out row in X's units, times its weight."""
        if self.valid is None:
            return np.empty(0)
        found = self.net.row_losses(self.valid, self.training_range)
        losses = found.cpu().numpy().astype(np.float64) * self.unit + self.constants[1]
        if self.floor is not None:
            losses = self.floor(losses)
        weight = self.valid.weight
        return losses if weight is None else losses * weight.cpu().numpy()

    def train_losses(self) -> dict[str, float]:
        """Mean loss of the training rows in X's units, as held-out rows are validated.

        Of very many compact rows it is that of a few thousand.
        """
        rows, constants = self.train, self.constants[0]
        if isinstance(rows, LazyBatch):
            rows, index = rows.spread(_MEASURED_ROWS)
            constants = constants[index] if isinstance(constants, np.ndarray) else constants
        if rows.weight is not None and isinstance(constants, np.ndarray):
            constants = constants * rows.weight.cpu().numpy()
        elif rows.weight is not None:
            constants = constants * float(rows.weight.mean())
        return {"train_loss": self.net.mean_loss(rows) * self.unit + float(np.mean(constants))}

    def measures(self) -> dict[str, float]:
        """Named quantities of the code over some training rows."""
        found = self.net.measures(self.train.slice(0, _MEASURED_ROWS))
        if self.units_may_die:
            found["dead_units"] = float(dead_units(self.net.module_, self.train).sum())
        return found

    def release(self) -> None:
        """Leave the start, if the network is there."""
        if self.fresh:
            self.net.module_.release()

    def finish_epoch(self, terms: dict[str, float], annealing: bool) -> dict[str, float]:
        """Wake dead units, unless the rate falls; return mean terms in X's units."""
        module = self.net.module_
        if self.units_may_die and not annealing:
            reinitialise(module, self.train, dead_units(module, self.train))
        if not annealing:
            reinitialise_latent(module, self.train, self.net.noise_)
        terms = {name: value * self.unit for name, value in terms.items()}
        terms["reconstruction"] += float(np.mean(self.constants[0]))
        return terms

    def finite(self, terms: dict[str, float]) -> bool:
        """Whether mean terms and all weights are finite numbers."""
        with torch.no_grad():
            norm = float(total_norm(list(self.net.step_.own.values())))
        return all(map(math.isfinite, (norm, *terms.values())))


def train_epoch(
    runs: list[TrainingRun],
    epoch: int,
    schedule: OneCycle | Constant,
    ensemble: Ensemble | None = None,
) -> list[dict[str, float]]:
    """Train runs for an epoch; on a loss that is not finite, go back and lower the rate.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks.
    epoch : int
        Epochs before this one.
    schedule : OneCycle or Constant
        The learning rate.
    ensemble : Ensemble, optional
        The networks as one, where they can take their steps together.

    Returns
    -------
    terms : list of dict
        For each run, the mean of each term of the loss in X's units.
    """
    good = [run.net.weights() for run in runs]
    for run in runs:
        run.net.module_.latent.set_progress(schedule.progress(epoch))
        run.net.criterion_.set_epoch(epoch)
    for _ in range(_RETRIES):
        rates = [
            [schedule.rate(epoch + i / n) for i in range(n)]
            for n in (len(run.net.batches_) for run in runs)
        ]
        if ensemble is None:
            each = zip(runs, rates, strict=True)
            terms = [run.net.train_epoch(own) for run, own in each]
        else:
            terms = ensemble.train_epoch(rates[0])
        done = list(zip(runs, terms, strict=True))
        if all(run.finite(own) for run, own in done):
            annealing = schedule.annealing(epoch + 1)
            return [run.finish_epoch(own, annealing) for run, own in done]
        for run, weights in zip(runs, good, strict=True):
            run.net.set_weights(weights)
            run.net.forget_moments()
        schedule.lower(_LOWER)
    raise FloatingPointError(
        f"The training loss was not finite {_RETRIES} times in epoch {epoch + 1}, the last "
        f"time at learning rate {schedule.peak / _LOWER:.3g}; lower learning_rate_init, or put "
        "a StandardScaler or RobustScaler in front."
    )


class TrainingResult(NamedTuple):
    """What a schedule found.

    Parameters
    ----------
    history : History
        A row an epoch, the start first.
    best_epoch : int
        Epoch of the least validation loss; the last where nothing was held out.
    best_weights : list of list of Tensor
        Weights of each run at that epoch.
    gain : ndarray of shape (n_held_out,)
        Loss of the start minus loss of the best epoch, for each held-out row.
    """

    history: History
    best_epoch: int
    best_weights: list[list[Tensor]]
    gain: NDArray[np.float64]

    def wins(self, margin: float) -> bool:
        """Whether the mean gain exceeds so many of its standard errors."""
        error = self.gain.std(ddof=1) / math.sqrt(len(self.gain))
        return bool(self.gain.mean() > margin * error)

    @property
    def n_iter(self) -> int:
        """Epochs run."""
        return len(self.history.values) - 1


class _Validation:
    """Keeps the epoch that held-out rows prefer, and notices when none gets better.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks, at epoch 0.
    tol : float
        Relative decrease that counts as improvement.
    """

    def __init__(self, runs: list[TrainingRun], tol: float) -> None:
        self.runs = runs
        self.tol = tol
        self.start = self.best = self.current = self._losses()
        self.least = float(self.start.mean())
        self.best_epoch = 0
        self.best_weights = [run.net.weights() for run in runs]
        self.epochs_without_improvement = 0

    def see(self, epoch: int) -> None:
        """Judge the weights after an epoch."""
        self.current = self._losses()
        loss = float(self.current.mean())
        improved = loss < self.least - self.tol * abs(self.least)
        self.epochs_without_improvement = 0 if improved else self.epochs_without_improvement + 1
        if loss < self.best.mean():
            self.best, self.best_epoch = self.current, epoch
            self.best_weights = [run.net.weights() for run in self.runs]
        self.least = min(self.least, loss)

    @property
    def exact(self) -> bool:
        """Whether the start leaves nothing to learn."""
        first = self.runs[0]
        return bool(first.has_least and self.start.mean() <= _EXACT * first.unit)

    def _losses(self) -> NDArray[np.float64]:
        return np.concatenate([run.validate() for run in self.runs])


def train_runs(
    runs: list[TrainingRun],
    config: TrainingConfig,
    schedule: OneCycle,
    on_epoch: Callable[[], bool] | None = None,
    n_epochs: int | None = None,
) -> TrainingResult:
    """Train the runs in lockstep until the schedule ends.

    The first run's net leads: its callbacks are called and its history holds the
    losses, pooled over runs. When the validation loss has not improved by `tol`,
    relatively, for `n_iter_no_change` epochs, the final anneal begins.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks.
    config : TrainingConfig
        Gives `tol` and `n_iter_no_change`.
    schedule : OneCycle
        The learning rate.
    on_epoch : callable, optional
        Called after each epoch; True ends training.
    n_epochs : int, optional
        Stop after so many epochs and keep the last weights.
    """
    leader, sets = runs[0].net, runs[0].sets
    validation = None
    if runs[0].valid is not None:
        validation = _Validation(runs, config.tol)
    history = History().extended(
        {**_mean_terms([run.train_losses() for run in runs]), **_row(validation, runs, 0.0, 0.0)}
    )
    exact = validation is not None and validation.exact
    last_epoch = schedule.end if n_epochs is None else n_epochs
    for run in runs if last_epoch and not exact else []:
        run.release()
    ensemble = None if exact or not last_epoch else together([run.net for run in runs])
    epoch, stop = 0, False
    leader.notify("on_train_begin", X=runs[0].train, y=None)
    while epoch < (schedule.end if n_epochs is None else n_epochs) and not (exact or stop):
        leader.notify("on_epoch_begin", **sets)
        rate = schedule.rate(epoch)
        terms = _mean_terms(train_epoch(runs, epoch, schedule, ensemble))
        epoch += 1
        if validation is not None:
            validation.see(epoch)
            if validation.epochs_without_improvement >= config.n_iter_no_change:
                schedule.begin_anneal(epoch)
        stop = _record(leader, terms, validation, epoch, sets)
        seconds = leader.history[-1]["dur"]
        losses = {"train_loss": sum(terms.values()), **terms}
        history = history.extended({**losses, **_row(validation, runs, rate, seconds)})
        stop |= on_epoch is not None and on_epoch()
    leader.notify("on_train_end", X=runs[0].train, y=None)
    if ensemble is not None:
        ensemble.end()
    if validation is None:
        return TrainingResult(history, epoch, [run.net.weights() for run in runs], np.zeros(0))
    return TrainingResult(
        history, validation.best_epoch, validation.best_weights, validation.start - validation.best
    )


def _mean_terms(terms: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(t[name] for t in terms) / len(terms) for name in terms[0]}


def _row(
    validation: _Validation | None, runs: list[TrainingRun], rate: float, seconds: float
) -> dict[str, float]:
    """What is noted of an epoch besides its training losses."""
    valid = {} if validation is None else {"valid_loss": float(validation.current.mean())}
    measures = _mean_terms([run.measures() for run in runs])
    return {**valid, **measures, "learning_rate": rate, "seconds": seconds}


def _record(
    leader: AutoencoderNet,
    terms: dict[str, float],
    validation: _Validation | None,
    epoch: int,
    sets: dict[str, AnyBatch | None],
) -> bool:
    """Write the epoch into skorch's history and call its callbacks; True if one says stop."""
    leader.history.record("train_loss", sum(terms.values()))
    if validation is not None:
        leader.history.record("valid_loss", float(validation.current.mean()))
        leader.history.record("valid_loss_best", validation.best_epoch == epoch)
    try:
        leader.notify("on_epoch_end", **sets)
    except KeyboardInterrupt:  # how skorch's EarlyStopping ends a fit
        return True
    return False
