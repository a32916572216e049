"""Fits the start and the network, and keeps the one that held-out rows prefer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from sklearn.base import clone
from skorch.callbacks import PrintLog

from sklearn_ae.data import Batch, ColumnScaling, Rows
from sklearn_ae.training._cycle import Cycle, Lane, run_cycle
from sklearn_ae.training._history import History
from sklearn_ae.training._model import Model, ModuleFactory
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._recipe import Composition, Recipe
from sklearn_ae.training._schedule import Constant, OneCycle
from sklearn_ae.training._seeds import Seeds
from sklearn_ae.training._step import Objective

# Below this many rows nothing can be judged; below the second, one split is noise.
FEW_ROWS = 20
SMALL = 1000
_FOLDS = 5
# Standard errors by which the network must win: the epoch is the best of many, and errors
# of few rows have heavy tails.
_MARGIN_OUT_OF_FOLD = 2.5
_MARGIN_HOLD_OUT = 1.0
# Share of the initial learning rate at which partial_fit trains.
STREAM_RATE = 1 / 3


class Fitted(NamedTuple):
    """A fitted network and how it came about.

    Parameters
    ----------
    net : AutoencoderNet
        The network.
    model : Model
        The same with its scales, codes not yet canonical.
    history : History
        Losses epoch by epoch.
    n_iter : int
        Epochs run.
    """

    net: AutoencoderNet
    model: Model
    history: History
    n_iter: int


OnEpoch = Callable[[AutoencoderNet, Model], bool]


class Fitter:
    """Fits a composition to rows.

    Parameters
    ----------
    composition : Composition
        The slots.
    recipe : Recipe
        How to train.
    seeds : Seeds
        Feeds every draw.
    on_epoch : callable, optional
        Called after each epoch with the leading net and its model; True ends training.
    """

    def __init__(
        self,
        composition: Composition,
        recipe: Recipe,
        seeds: Seeds,
        on_epoch: OnEpoch | None = None,
    ) -> None:
        self.composition = composition
        self.recipe = recipe
        self.seeds = seeds
        self.on_epoch = on_epoch

    def fit(self, rows: Rows, previous: Model | None = None) -> Fitted:
        """Fit, by the protocol that the number of rows allows.

        Parameters
        ----------
        rows : Rows
            Training rows.
        previous : Model, optional
            A model whose weights are epoch 0 in place of the start.
        """
        n_epochs = self.recipe.epochs(rows.n_rows)
        judged = self.recipe.early_stopping and rows.n_rows >= FEW_ROWS
        if n_epochs == 0:
            return self._start(rows, previous)
        if not judged:
            if self.recipe.early_stopping and self.composition.start is not None:
                return self._start(rows, previous)
            return self._fixed(rows, previous, OneCycle(n_epochs, self._rate), n_epochs)
        cycle = OneCycle(n_epochs, self._rate)
        if rows.n_rows < SMALL and previous is None:
            return self._out_of_fold(rows, cycle)
        return self._hold_out(rows, cycle, previous)

    @property
    def _rate(self) -> float:
        return self.recipe.learning_rate_init

    def _hold_out(self, rows: Rows, cycle: OneCycle, previous: Model | None) -> Fitted:
        """Judge every epoch on one held-out part; if the start wins, refit it on all rows."""
        order = self.seeds.numpy("split").permutation(rows.n_rows)
        n_valid = self.recipe.held_out_rows(rows.n_rows)
        valid, train = rows.take(np.sort(order[:n_valid])), rows.take(np.sort(order[n_valid:]))
        model, lane = self._lane(train, valid, rows.n_rows, ("network",), previous, leads=True)
        found = run_cycle([lane], self.recipe, cycle, self._watch(lane, model))
        if self.composition.start is not None and not found.wins(_MARGIN_HOLD_OUT):
            return self._start(rows, previous, found)
        lane.net.set_weights(found.best_weights[0])
        return self._finish(lane.net, model, found)

    def _out_of_fold(self, rows: Rows, cycle: OneCycle) -> Fitted:
        """Judge every epoch out of fold; refit what wins on all rows."""
        order = self.seeds.numpy("split").permutation(rows.n_rows)
        candidates = []
        for i, part in enumerate(np.array_split(order, _FOLDS)):
            train = rows.take(np.setdiff1d(order, part))
            valid = rows.take(np.sort(part))
            candidates.append(self._lane(train, valid, rows.n_rows, ("fold", i), leads=i == 0))
        model, leader = candidates[0]
        lanes = [lane for _, lane in candidates]
        found = run_cycle(lanes, self.recipe, cycle, self._watch(leader, model))
        if self.composition.start is not None and not found.wins(_MARGIN_OUT_OF_FOLD):
            return self._start(rows, None, found)
        return self._fixed(rows, None, cycle, found.best_epoch, found)

    def _fixed(
        self,
        rows: Rows,
        previous: Model | None,
        cycle: OneCycle,
        n_epochs: int,
        judged: Cycle | None = None,
    ) -> Fitted:
        """Train on all rows for a number of epochs and keep the last weights."""
        leads = judged is None
        model, lane = self._lane(rows, None, rows.n_rows, ("network",), previous, leads)
        watch = self._watch(lane, model) if leads else None
        found = run_cycle([lane], self.recipe, cycle, watch, n_epochs=n_epochs)
        return self._finish(lane.net, model, judged or found)

    def _start(self, rows: Rows, previous: Model | None, judged: Cycle | None = None) -> Fitted:
        """Return the start, solved on all rows, or the previous weights."""
        model, lane = self._lane(rows, None, rows.n_rows, ("network",), previous)
        found = judged or run_cycle([lane], self.recipe, OneCycle(0, 0.0))
        return self._finish(lane.net, model, found)

    def _finish(self, net: AutoencoderNet, model: Model, found: Cycle) -> Fitted:
        model.freeze()
        return Fitted(net, model, found.history, found.n_iter)

    def _watch(self, lane: Lane, model: Model) -> Callable[[], bool] | None:
        on_epoch = self.on_epoch
        return None if on_epoch is None else lambda: on_epoch(lane.net, model)

    def _lane(
        self,
        train: Rows,
        valid: Rows | None,
        n_rows: int,
        stream: tuple[str | int, ...],
        previous: Model | None = None,
        leads: bool = False,
    ) -> tuple[Model, Lane]:
        """Make a network at its start, or at previous weights, with its rows on the device.

        Parameters
        ----------
        train, valid : Rows
            Rows to train on and to be judged by.
        n_rows : int
            Number of rows that rules by data size see.
        stream : tuple of str or int
            Name of the random streams.
        previous : Model, optional
            A model to go on from; None solves the start.
        leads : bool
            Whether callbacks and the terminal hear of it.
        """
        scaling = ColumnScaling.fit(train) if previous is None else previous.scaling
        factory = self._factory(train, n_rows if previous is None else previous.factory.n_rows)
        if previous is not None:
            _check_same_shapes(factory, previous)
        net = make_net(factory, self.composition, self.recipe, scaling, leads)
        if previous is None:
            self._set_start(net, train, scaling, stream)
        else:
            net.set_weights(list(previous.module.parameters()))
        model = Model(factory, net.module_, scaling, self.composition.loss)
        return model, self._on_device(net, train, valid, scaling, stream)

    def _on_device(
        self,
        net: AutoencoderNet,
        train: Rows,
        valid: Rows | None,
        scaling: ColumnScaling,
        stream: tuple[str | int, ...],
    ) -> Lane:
        device = self.recipe.device
        return Lane(
            net,
            batch(train, scaling, device),
            None if valid is None else batch(valid, scaling, device),
            _finite_unit(self.composition.loss.unit(scaling), scaling),
            self.recipe.batch_rows(train.n_rows),
            self.seeds.torch("order", *stream),
            self.seeds.torch("noise", *stream, device=device),
        )

    def begin_stream(self, rows: Rows) -> Fitted:
        """Return the start of a stream of rows, solved on the first of them."""
        return self._start(rows, None)

    def continue_stream(self, net: AutoencoderNet, model: Model, rows: Rows, call: int) -> float:
        """Pass once over further rows at a constant rate; return their mean training loss.

        Parameters
        ----------
        net : AutoencoderNet
            The network; its weights and moments change.
        model : Model
            The same network with its scales.
        rows : Rows
            The rows.
        call : int
            Number of earlier calls; each has random streams of its own.
        """
        net.criterion_ = make_objective(self.composition, model.scaling).to(self.recipe.device)
        net.optimizer_.param_groups[0]["weight_decay"] = self.recipe.alpha
        lane = self._on_device(net, rows, None, model.scaling, ("stream", call))
        terms = lane.epoch(0, Constant(self.recipe.learning_rate_init * STREAM_RATE))
        model.freeze()
        return sum(terms.values())

    def _factory(self, rows: Rows, n_rows: int) -> ModuleFactory:
        return ModuleFactory(
            clone(self.composition.architecture),
            clone(self.composition.latent),
            rows.n_features,
            self.recipe.n_components,
            n_rows,
            linear_path=self.composition.start is not None,
        )

    def _set_start(
        self, net: AutoencoderNet, rows: Rows, scaling: ColumnScaling, stream: tuple
    ) -> None:
        """Draw initial weights on the CPU, put the start in, and move both to the device."""
        module = net.module_.to("cpu")
        generator = self.seeds.torch("weights", *stream)
        module.encoder.reset(generator)
        module.decoder.reset(generator)
        if self.composition.start is not None:
            linear = self.composition.start.solve(
                rows, scaling, self.recipe.n_components, self.seeds.torch("start", *stream)
            )
            module.encoder.set_linear(linear.encoder.float())
            module.decoder.set_linear(linear.decoder.float())
        module.to(self.recipe.device)


def _check_same_shapes(factory: ModuleFactory, previous: Model) -> None:
    new, old = ([p.shape for p in m.parameters()] for m in (factory(), previous.module))
    if new != old:
        raise ValueError(
            f"The network so far is of {previous.factory.architecture!r}, whose weights do not "
            f"fit {factory.architecture!r}; set warm_start=False, or keep the layers and init."
        )


def _finite_unit(unit: float, scaling: ColumnScaling) -> float:
    if not np.isfinite(unit):
        raise ValueError(
            "The variance of X is not a finite number: a column's standard deviation is "
            f"{scaling.scale.max():.3g}; put a MaxAbsScaler in front."
        )
    return unit


def make_net(
    factory: ModuleFactory,
    composition: Composition,
    recipe: Recipe,
    scaling: ColumnScaling,
    leads: bool = False,
) -> AutoencoderNet:
    """Make an initialised skorch net, its weights not yet set.

    Parameters
    ----------
    factory : ModuleFactory
        Builds the network.
    composition : Composition
        Gives the objective.
    recipe : Recipe
        Gives optimizer, device and callbacks.
    scaling : ColumnScaling
        Gives the weights of the columns.
    leads : bool
        Whether callbacks and the terminal hear of its epochs.
    """
    printing = [("print_log", PrintLog())] if recipe.verbose else []
    return AutoencoderNet(
        factory,
        make_objective(composition, scaling),
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=recipe.alpha,
        optimizer__fused=True,
        lr=recipe.learning_rate_init,
        device=recipe.device,
        callbacks=[*printing, *recipe.callbacks] if leads else None,
        train_split=None,
        verbose=recipe.verbose if leads else 0,
    ).initialize()


def make_objective(composition: Composition, scaling: ColumnScaling) -> Objective:
    """Make the loss of a composition on columns of the given scales."""
    weights = torch.from_numpy(composition.loss.column_weights(scaling)).float()
    return Objective(composition.loss, weights, composition.corruption, composition.penalties)


def batch(rows: Rows, scaling: ColumnScaling, device: str) -> Batch:
    """Standardise rows into float32 tensors on a device; weights get mean 1."""
    x = np.empty((rows.n_rows, rows.n_features), dtype=np.float32)
    start = 0
    for block, _ in rows.blocks():
        x[start : start + len(block)] = scaling.apply(block)
        start += len(block)
    weights = rows.weights
    weight = None
    if weights is not None:
        weight = torch.from_numpy((weights / weights.mean()).astype(np.float32))
    return Batch(torch.from_numpy(x), weight=weight).to(device)
