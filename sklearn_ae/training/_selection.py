"""Fits the start and the network, and keeps the one that held-out rows prefer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_ae.data import FEW_ROWS, SMALL, ColumnScaling, Rows
from sklearn_ae.starts import LinearStart, fit_scalings
from sklearn_ae.training._assembly import (
    check_same_shapes,
    make_lane,
    make_net,
    make_objective,
    support_of,
)
from sklearn_ae.training._background import Background
from sklearn_ae.training._cycle import Cycle, Lane, run_cycle, train_epoch
from sklearn_ae.training._factory import ModuleFactory
from sklearn_ae.training._history import History
from sklearn_ae.training._model import Model
from sklearn_ae.training._net import AutoencoderNet, state_tensors
from sklearn_ae.training._recipe import Composition, Recipe
from sklearn_ae.training._schedule import Constant, OneCycle
from sklearn_ae.training._seeds import Seeds
from sklearn_ae.training._starting import set_start, start_alone

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
    groups : ndarray of shape (n_rows,), optional
        Number of each row's group, from 0 on; rows of one group are held out together.
    """

    def __init__(
        self,
        composition: Composition,
        recipe: Recipe,
        seeds: Seeds,
        on_epoch: OnEpoch | None = None,
        groups: NDArray[np.intp] | None = None,
    ) -> None:
        self.composition = composition
        self.recipe = recipe
        self.seeds = seeds
        self.on_epoch = on_epoch
        self.groups = groups
        self._warp = False

    def fit(self, rows: Rows, previous: Model | None = None) -> Fitted:
        """Fit, by the protocol that the number of rows allows.

        Parameters
        ----------
        rows : Rows
            Training rows.
        previous : Model, optional
            A model whose weights are epoch 0 in place of the start.
        """
        return fit_compositions([self], rows, previous)[0]

    def protocol(self, rows: Rows, previous: Model | None) -> str:
        """How the number of rows lets the network be judged, if at all."""
        if self.recipe.epochs(rows) == 0:
            return "start"
        # Rows that are repeated are no further evidence.
        n_rows = rows.n_distinct if rows.n_rows < SMALL else rows.n_rows
        if self.recipe.early_stopping and n_rows >= FEW_ROWS:
            folded = rows.n_rows < SMALL and previous is None
            return "out of fold" if folded else "hold out"
        if self.recipe.early_stopping and self.composition.start is not None:
            return "start"
        return "fixed"

    def choose_scaling(self, rows: Rows, n_folds: int, margin: float) -> None:
        """Map columns to normal scores if held-out rows prefer that to X's units."""
        self._warp = False
        start, loss = self.composition.start, self.composition.loss
        if not loss.warp or start is None or rows.grid is not None or rows.large:
            return
        gains = []
        for i, (train, valid) in enumerate(self.folds(rows, n_folds)):
            plain, warped = (
                self.lane(train, valid, rows.n_rows, ("fold", i), warp=warp)[1].judge()
                for warp in (False, True)
            )
            gains.append(plain - warped)
        gain = np.concatenate(gains)
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        self._warp = bool(gain.mean() > margin * error)

    def folds(self, rows: Rows, n_folds: int) -> Iterator[tuple[Rows, Rows]]:
        """Yield training and held-out parts; one fold holds out a fraction."""
        n_groups = rows.n_rows if self.groups is None else int(self.groups.max()) + 1
        order = self.seeds.numpy("split").permutation(n_groups)
        parts = np.array_split(order, n_folds)
        if n_folds == 1:
            parts = [order[: self.recipe.held_out_rows(n_groups)].copy()]
        del order
        for part in parts:
            held_out = np.zeros(n_groups, dtype=bool)
            held_out[part] = True
            if self.groups is not None:
                held_out = held_out[self.groups]
            yield rows.take(np.flatnonzero(~held_out)), rows.take(np.flatnonzero(held_out))

    def start(
        self, rows: Rows, previous: Model | None = None, judged: Cycle | None = None
    ) -> Fitted:
        """Return the start, solved on all rows, or the previous weights."""
        model, lane = self.lane(rows, None, rows.n_rows, ("network",), previous)
        return _finished(model, lane, judged or run_cycle([lane], self.recipe, OneCycle(0, 0.0)))

    def watch(self, model: Model, lane: Lane) -> Callable[[], bool] | None:
        """Return what is called after each epoch of a network."""
        on_epoch = self.on_epoch
        return None if on_epoch is None else lambda: on_epoch(lane.net, model)

    def lane(
        self,
        train: Rows,
        valid: Rows | None,
        n_rows: int,
        stream: tuple[str | int, ...],
        previous: Model | None = None,
        leads: bool = False,
        warp: bool | None = None,
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
        warp : bool, optional
            Whether columns are mapped to normal scores; None takes what was preferred.
        """
        warp = self._warp if warp is None else warp
        scaling, target_scaling = self._scalings(train, previous, warp)
        factory = self._factory(train, n_rows)
        if previous is not None:
            factory.n_rows, factory.holes = previous.factory.n_rows, previous.factory.holes
            check_same_shapes(factory, previous)
        scalings = (scaling, target_scaling)
        net = make_net(factory, self.composition, self.recipe, scalings, leads)
        if previous is None:
            start = set_start(
                net.module_,
                net.criterion_.corruption,
                self.composition,
                train,
                scalings,
                self.recipe,
                self.seeds,
                stream,
            )
            background = self.background(factory, train, stream, None if warp else start)
        else:
            net.set_weights(state_tensors(previous.module))
            background = previous.background
        model = Model(
            factory,
            net.module_,
            scaling,
            self.composition.loss,
            target_scaling,
            background=background,
            support=support_of(self.composition, train, scaling, previous),
        )
        fresh = previous is None and self.composition.start is not None
        return model, self._ready(net, model, train, valid, stream, fresh)

    def background(
        self,
        factory: ModuleFactory,
        rows: Rows,
        stream: tuple[str | int, ...],
        start: LinearStart | None = None,
    ) -> Background | None:
        """Return the start in X's units as a part of the density, if it is to be one.

        Parameters
        ----------
        factory : ModuleFactory
            Builds the network.
        rows : Rows
            Training rows.
        stream : tuple of str or int
            Name of the random streams.
        start : LinearStart, optional
            The start; None solves it.
        """
        composition = self.composition
        share, loss = composition.background, composition.loss
        if not share or composition.start is None or not loss.log_likelihood:
            return None
        scaling, target_scaling = scalings = self._scalings(rows, None, warp=False)
        if start is None:
            generator = self.seeds.torch("start", *stream)
            start = composition.start.solve(rows, *scalings, self.recipe.n_components, generator)
        alone = factory.alone()
        module = start_alone(alone, loss, start).to(self.recipe.device)
        return Background(Model(alone, module, scaling, loss, target_scaling), share)

    def _ready(
        self,
        net: AutoencoderNet,
        model: Model,
        train: Rows,
        valid: Rows | None,
        stream: tuple[str | int, ...],
        fresh: bool = False,
    ) -> Lane:
        """Put rows on the device, with the streams that order and noise are drawn from."""
        order = self.seeds.torch("order", *stream)
        noise = self.seeds.torch("noise", *stream, device=self.recipe.device)
        return make_lane(
            net, self.composition, self.recipe, (train, valid), model, (order, noise), fresh
        )

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
        scalings = (model.scaling, model.target_scaling)
        net.criterion_ = make_objective(self.composition, scalings, model.factory).to(
            self.recipe.device
        )
        net.optimizer_.param_groups[0]["weight_decay"] = self.recipe.alpha
        model.support = support_of(self.composition, rows, model.scaling, model)
        lane = self._ready(net, model, rows, None, ("stream", call))
        [terms] = train_epoch([lane], 0, Constant(self.recipe.learning_rate_init * STREAM_RATE))
        net.end()
        model.freeze()
        return sum(terms.values())

    def _scalings(
        self, rows: Rows, previous: Model | None, warp: bool
    ) -> tuple[ColumnScaling, ColumnScaling]:
        """Column scales of rows and of their targets, or those of a previous model."""
        if previous is not None:
            return previous.scaling, previous.target_scaling
        start = self.composition.start
        if start is None:
            return fit_scalings(rows, warp=warp)
        return start.scalings(rows, warp=warp)

    def _factory(self, rows: Rows, n_rows: int) -> ModuleFactory:
        return ModuleFactory(
            clone(self.composition.architecture),
            clone(self.composition.latent),
            rows.n_features,
            self.recipe.n_components,
            n_rows,
            linear_path=self.composition.start is not None,
            n_conditions=rows.n_conditions,
            n_parameters=self.composition.loss.n_parameters,
            grid=rows.grid,
            ragged=rows.ragged,
            holes=rows.holes,
        )


def fit_compositions(
    fitters: list[Fitter], rows: Rows, previous: Model | None = None
) -> list[Fitted]:
    """Fit compositions that differ in their draws alone, by one cycle of all networks.

    They leave the start together: where their mean loss is below that of their starts.

    Parameters
    ----------
    fitters : list of Fitter
        Each with seeds of its own. The first hears of the epochs.
    rows : Rows
        Training rows.
    previous : Model, optional
        A model whose weights are epoch 0 in place of the start.
    """
    first = fitters[0]
    recipe, protocol = first.recipe, first.protocol(rows, previous)
    if protocol == "start":
        return [fitter.start(rows, previous) for fitter in fitters]
    n_epochs = recipe.epochs(rows)
    cycle = OneCycle(n_epochs, recipe.learning_rate_init)
    if protocol == "fixed":
        return _train_on_all(fitters, rows, previous, cycle, n_epochs)
    folded = protocol == "out of fold"
    n_folds, margin = (_FOLDS, _MARGIN_OUT_OF_FOLD) if folded else (1, _MARGIN_HOLD_OUT)
    if previous is None:
        for fitter in fitters:
            fitter.choose_scaling(rows, n_folds, margin)
    models, lanes = _split(
        fitter.lane(
            train,
            valid,
            rows.n_rows,
            ("fold", i) if folded else ("network",),
            previous,
            leads=fitter is first and i == 0,
        )
        for fitter in fitters
        for i, (train, valid) in enumerate(fitter.folds(rows, n_folds))
    )
    found = run_cycle(lanes, recipe, cycle, first.watch(models[0], lanes[0]))
    # Networks on the same rows are no further evidence.
    if first.composition.start is not None and not found.wins(margin * len(fitters) ** 0.5):
        models.clear()
        while lanes:  # before all rows are put on the device
            lanes.pop().net.end()
        return [fitter.start(rows, previous, found) for fitter in fitters]
    if folded:
        return _train_on_all(fitters, rows, None, cycle, found.best_epoch, found)
    for fitter, model, lane, weights in zip(
        fitters, models, lanes, found.best_weights, strict=True
    ):
        lane.net.set_weights(weights)
        if previous is None:  # it is not on trial, and can be of the held-out rows too
            model.background = fitter.background(model.factory, rows, ("network",))
    return [_finished(*pair, found) for pair in zip(models, lanes, strict=True)]


def _train_on_all(
    fitters: list[Fitter],
    rows: Rows,
    previous: Model | None,
    cycle: OneCycle,
    n_epochs: int,
    judged: Cycle | None = None,
) -> list[Fitted]:
    """Train on all rows for a number of epochs and keep the last weights."""
    first, leads = fitters[0], judged is None
    models, lanes = _split(
        fitter.lane(
            rows, None, rows.n_rows, ("network",), previous, leads=leads and fitter is first
        )
        for fitter in fitters
    )
    watch = first.watch(models[0], lanes[0]) if leads else None
    found = run_cycle(lanes, first.recipe, cycle, watch, n_epochs=n_epochs)
    return [_finished(*pair, judged or found) for pair in zip(models, lanes, strict=True)]


def _split(pairs: Iterable[tuple[Model, Lane]]) -> tuple[list[Model], list[Lane]]:
    models, lanes = zip(*pairs, strict=True)
    return list(models), list(lanes)


def _finished(model: Model, lane: Lane, found: Cycle) -> Fitted:
    lane.net.end()
    model.freeze()
    return Fitted(lane.net, model, found.history, found.n_iter)
