"""One learning-rate cycle over one network, or over several in lockstep."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae._compat import total_norm
from sklearn_ae.data import AnyBatch, CompactBatch
from sklearn_ae.training._ensemble import Ensemble, together
from sklearn_ae.training._history import History
from sklearn_ae.training._net import AutoencoderNet, BatchIterator
from sklearn_ae.training._recipe import Recipe
from sklearn_ae.training._revival import revive, silent_units
from sklearn_ae.training._schedule import Constant, OneCycle
from sklearn_ae.training._support import Support

_RETRIES = 5
_LOWER = 0.3
# Rows that are measured before and after each epoch.
_MEASURED_ROWS = 2048
# A share of the variance below which a reconstruction cannot be told from exact.
_EXACT = 1e-11


class Lane:
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
    sparse : bool
        Whether units of the code may fall silent, and are then revived.
    has_least : bool
        Whether no loss is below that of an exact reconstruction, which is 0.
    constants : pair of ndarray
        Parts of the losses of training and held-out rows, in X's units, that do not
        depend on the network.
    fresh : bool
        Whether the network is at its start, which training may leave.
    floor : callable, optional
        From the losses of held-out rows, in X's units, to those they are judged by.
    support : Support, optional
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
        sparse: bool = False,
        has_least: bool = True,
        constants: tuple[NDArray | float, NDArray | float] = (0.0, 0.0),
        fresh: bool = False,
        floor: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
        support: Support | None = None,
    ) -> None:
        self.net = net
        self.train = train
        self.valid = valid
        self.unit = unit
        self.sparse = sparse
        self.has_least = has_least
        self.constants = constants
        self.fresh = fresh
        self.floor = floor
        self.support = support
        net.begin(BatchIterator(train, batch_size, order), noise)

    @property
    def sets(self) -> dict[str, AnyBatch | None]:
        """The rows under the names that skorch's callbacks know."""
        return {"dataset_train": self.train, "dataset_valid": self.valid}

    def judge(self) -> NDArray[np.float64]:
        """Loss of each held-out row in X's units, times its weight."""
        if self.valid is None:
            return np.empty(0)
        found = self.net.row_losses(self.valid, self.support)
        losses = found.cpu().numpy().astype(np.float64) * self.unit + self.constants[1]
        if self.floor is not None:
            losses = self.floor(losses)
        weight = self.valid.weight
        return losses if weight is None else losses * weight.cpu().numpy()

    def train_losses(self) -> dict[str, float]:
        """Mean loss of the training rows in X's units, as held-out rows are judged.

        Of very many compact rows it is that of a few thousand.
        """
        rows, constants = self.train, self.constants[0]
        if isinstance(rows, CompactBatch):
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
        if self.sparse:
            found["dead_units"] = float(silent_units(self.net.module_, self.train).sum())
        return found

    def release(self) -> None:
        """Leave the start, if the network is there."""
        if self.fresh:
            self.net.module_.release()

    def finish_epoch(self, terms: dict[str, float], annealing: bool) -> dict[str, float]:
        """Wake silent units, unless the rate falls; return mean terms in X's units."""
        if self.sparse and not annealing:
            module = self.net.module_
            revive(module, self.train, silent_units(module, self.train))
        terms = {name: value * self.unit for name, value in terms.items()}
        terms["reconstruction"] += float(np.mean(self.constants[0]))
        return terms

    def finite(self, terms: dict[str, float]) -> bool:
        """Whether mean terms and all weights are finite numbers."""
        with torch.no_grad():
            norm = float(total_norm(list(self.net.module_.parameters())))
        return all(map(math.isfinite, (norm, *terms.values())))


def train_epoch(
    lanes: list[Lane],
    epoch: int,
    cycle: OneCycle | Constant,
    ensemble: Ensemble | None = None,
) -> list[dict[str, float]]:
    """Train lanes for an epoch; on a loss that is not finite, go back and lower the rate.

    Parameters
    ----------
    lanes : list of Lane
        The networks.
    epoch : int
        Epochs before this one.
    cycle : OneCycle or Constant
        The learning rate.
    ensemble : Ensemble, optional
        The networks as one, where they can take their steps together.

    Returns
    -------
    terms : list of dict
        For each lane, the mean of each term of the loss in X's units.
    """
    good = [lane.net.weights() for lane in lanes]
    for lane in lanes:
        lane.net.module_.latent.set_progress(cycle.progress(epoch))
    for _ in range(_RETRIES):
        rates = [
            [cycle.rate(epoch + i / n) for i in range(n)]
            for n in (len(lane.net.batches_) for lane in lanes)
        ]
        if ensemble is None:
            each = zip(lanes, rates, strict=True)
            terms = [lane.net.train_epoch(own) for lane, own in each]
        else:
            terms = ensemble.train_epoch(rates[0])
        done = list(zip(lanes, terms, strict=True))
        if all(lane.finite(own) for lane, own in done):
            annealing = cycle.annealing(epoch + 1)
            return [lane.finish_epoch(own, annealing) for lane, own in done]
        for lane, weights in zip(lanes, good, strict=True):
            lane.net.set_weights(weights)
            lane.net.forget_moments()
        cycle.lower(_LOWER)
    raise FloatingPointError(
        f"The training loss was not finite {_RETRIES} times in epoch {epoch + 1}, the last "
        f"time at learning rate {cycle.peak / _LOWER:.3g}; lower learning_rate_init, or put "
        "a StandardScaler or RobustScaler in front."
    )


class Cycle(NamedTuple):
    """What a cycle found.

    Parameters
    ----------
    history : History
        A row an epoch, the start first.
    best_epoch : int
        Epoch of the least validation loss; the last where nothing was held out.
    best_weights : list of list of Tensor
        Weights of each lane at that epoch.
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


class _Judge:
    """Keeps the epoch that held-out rows prefer, and notices when none gets better.

    Parameters
    ----------
    lanes : list of Lane
        The networks, at epoch 0.
    tol : float
        Relative decrease that counts as improvement.
    """

    def __init__(self, lanes: list[Lane], tol: float) -> None:
        self.lanes = lanes
        self.tol = tol
        self.start = self.best = self.current = self._losses()
        self.least = float(self.start.mean())
        self.best_epoch = 0
        self.best_weights = [lane.net.weights() for lane in lanes]
        self.epochs_without_improvement = 0

    def see(self, epoch: int) -> None:
        """Judge the weights after an epoch."""
        self.current = self._losses()
        loss = float(self.current.mean())
        improved = loss < self.least - self.tol * abs(self.least)
        self.epochs_without_improvement = 0 if improved else self.epochs_without_improvement + 1
        if loss < self.best.mean():
            self.best, self.best_epoch = self.current, epoch
            self.best_weights = [lane.net.weights() for lane in self.lanes]
        self.least = min(self.least, loss)

    @property
    def exact(self) -> bool:
        """Whether the start leaves nothing to learn."""
        first = self.lanes[0]
        return bool(first.has_least and self.start.mean() <= _EXACT * first.unit)

    def _losses(self) -> NDArray[np.float64]:
        return np.concatenate([lane.judge() for lane in self.lanes])


def run_cycle(
    lanes: list[Lane],
    recipe: Recipe,
    cycle: OneCycle,
    on_epoch: Callable[[], bool] | None = None,
    n_epochs: int | None = None,
) -> Cycle:
    """Train the lanes in lockstep until the cycle ends.

    The first lane's net leads: its callbacks are called and its history holds the
    losses, pooled over lanes. When the validation loss has not improved by `tol`,
    relatively, for `n_iter_no_change` epochs, the final anneal begins.

    Parameters
    ----------
    lanes : list of Lane
        The networks.
    recipe : Recipe
        Gives `tol` and `n_iter_no_change`.
    cycle : OneCycle
        The learning rate.
    on_epoch : callable, optional
        Called after each epoch; True ends training.
    n_epochs : int, optional
        Stop after so many epochs and keep the last weights.
    """
    leader, sets = lanes[0].net, lanes[0].sets
    judge = None
    if lanes[0].valid is not None:
        judge = _Judge(lanes, recipe.tol)
    history = History().extended(
        {**_mean_terms([lane.train_losses() for lane in lanes]), **_row(judge, lanes, 0.0, 0.0)}
    )
    exact = judge is not None and judge.exact
    last_epoch = cycle.end if n_epochs is None else n_epochs
    for lane in lanes if last_epoch and not exact else []:
        lane.release()
    ensemble = None if exact or not last_epoch else together([lane.net for lane in lanes])
    epoch, stop = 0, False
    leader.notify("on_train_begin", X=lanes[0].train, y=None)
    while epoch < (cycle.end if n_epochs is None else n_epochs) and not (exact or stop):
        leader.notify("on_epoch_begin", **sets)
        rate = cycle.rate(epoch)
        terms = _mean_terms(train_epoch(lanes, epoch, cycle, ensemble))
        epoch += 1
        if judge is not None:
            judge.see(epoch)
            if judge.epochs_without_improvement >= recipe.n_iter_no_change:
                cycle.begin_anneal(epoch)
        stop = _record(leader, terms, judge, epoch, sets)
        seconds = leader.history[-1]["dur"]
        losses = {"train_loss": sum(terms.values()), **terms}
        history = history.extended({**losses, **_row(judge, lanes, rate, seconds)})
        stop |= on_epoch is not None and on_epoch()
    leader.notify("on_train_end", X=lanes[0].train, y=None)
    if ensemble is not None:
        ensemble.end()
    if judge is None:
        return Cycle(history, epoch, [lane.net.weights() for lane in lanes], np.zeros(0))
    return Cycle(history, judge.best_epoch, judge.best_weights, judge.start - judge.best)


def _mean_terms(terms: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(t[name] for t in terms) / len(terms) for name in terms[0]}


def _row(judge: _Judge | None, lanes: list[Lane], rate: float, seconds: float) -> dict[str, float]:
    """What is noted of an epoch besides its training losses."""
    valid = {} if judge is None else {"valid_loss": float(judge.current.mean())}
    measures = _mean_terms([lane.measures() for lane in lanes])
    return {**valid, **measures, "learning_rate": rate, "seconds": seconds}


def _record(
    leader: AutoencoderNet,
    terms: dict[str, float],
    judge: _Judge | None,
    epoch: int,
    sets: dict[str, AnyBatch | None],
) -> bool:
    """Write the epoch into skorch's history and call its callbacks; True if one says stop."""
    leader.history.record("train_loss", sum(terms.values()))
    if judge is not None:
        leader.history.record("valid_loss", float(judge.current.mean()))
        leader.history.record("valid_loss_best", judge.best_epoch == epoch)
    try:
        leader.notify("on_epoch_end", **sets)
    except KeyboardInterrupt:  # how skorch's EarlyStopping ends a fit
        return True
    return False
