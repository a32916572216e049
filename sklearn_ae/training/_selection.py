"""Fits the start and the network, and keeps the one that held-out rows prefer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from skorch.callbacks import PrintLog
from torch import Tensor

from sklearn_ae._compat import AdamW
from sklearn_ae.corruptions import in_standard_units
from sklearn_ae.data import AnyBatch, Batch, ColumnScaling, CompactBatch, Ragged, RaggedBatch, Rows
from sklearn_ae.losses import Loss
from sklearn_ae.starts import fit_scalings
from sklearn_ae.training._cycle import Cycle, Lane, run_cycle, train_epoch
from sklearn_ae.training._history import History
from sklearn_ae.training._model import Model, ModuleFactory
from sklearn_ae.training._net import AutoencoderNet, state_tensors
from sklearn_ae.training._recipe import Composition, Recipe
from sklearn_ae.training._schedule import Constant, OneCycle
from sklearn_ae.training._seeds import Seeds
from sklearn_ae.training._starting import set_start
from sklearn_ae.training._step import Objective

# Below this many rows nothing can be judged; below the second, one split is noise.
FEW_ROWS = 20
SMALL = 1000
_FOLDS = 5
# Standard errors by which the network must win: the epoch is the best of many, and errors
# of few rows have heavy tails.
_MARGIN_OUT_OF_FOLD = 2.5
_MARGIN_HOLD_OUT = 1.0
# Cells of rows of different sizes that are standardised at once.
_BLOCK_CELLS = 2**18
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
        self._warp = False
        protocol = self._protocol(rows)
        if protocol == "start":
            return self._start(rows, previous)
        cycle = OneCycle(self.recipe.epochs(rows), self._rate)
        if protocol == "fixed":
            return self._fixed(rows, previous, cycle, self.recipe.epochs(rows))
        if previous is None and self.composition.loss.warp:
            self._warp = self._prefers_warp(rows)
        if protocol == "out of fold" and previous is None:
            return self._out_of_fold(rows, cycle)
        return self._hold_out(rows, cycle, previous)

    @staticmethod
    def fit_together(fitters: list[Fitter], rows: Rows) -> list[Fitted]:
        """Fit compositions that differ in their draws alone, by one cycle of all networks.

        They leave the start together: where their mean loss is below that of their starts.

        Parameters
        ----------
        fitters : list of Fitter
            Each with seeds of its own.
        rows : Rows
            Training rows.
        """
        first = fitters[0]
        protocol = first._protocol(rows)
        if protocol == "start" or first.composition.loss.warp:
            return [fitter.fit(rows) for fitter in fitters]
        recipe, folded = first.recipe, protocol == "out of fold"
        n_epochs = recipe.epochs(rows)
        cycle = OneCycle(n_epochs, first._rate)
        if protocol == "fixed":
            return _fixed_together(fitters, rows, cycle, n_epochs)
        made = [
            fitter._lane(train, valid, rows.n_rows, ("fold", i) if folded else ("network",))
            for fitter in fitters
            for i, (train, valid) in enumerate(fitter._folds(rows, _FOLDS if folded else 1))
        ]
        found = run_cycle([lane for _, lane in made], recipe, cycle)
        # Networks on the same rows are no further evidence.
        margin = (_MARGIN_OUT_OF_FOLD if folded else _MARGIN_HOLD_OUT) * len(fitters) ** 0.5
        if first.composition.start is not None and not found.wins(margin):
            return [fitter._start(rows, None, found) for fitter in fitters]
        if folded:
            return _fixed_together(fitters, rows, cycle, found.best_epoch, found)
        for (_, lane), weights in zip(made, found.best_weights, strict=True):
            lane.net.set_weights(weights)
        return [
            fitter._finish(lane.net, model, found)
            for fitter, (model, lane) in zip(fitters, made, strict=True)
        ]

    def _protocol(self, rows: Rows) -> str:
        """How the number of rows lets the network be judged, if at all."""
        if self.recipe.epochs(rows) == 0:
            return "start"
        # Rows that are repeated are no further evidence.
        n_rows = rows.n_distinct if rows.n_rows < SMALL else rows.n_rows
        if self.recipe.early_stopping and n_rows >= FEW_ROWS:
            return "out of fold" if rows.n_rows < SMALL else "hold out"
        if self.recipe.early_stopping and self.composition.start is not None:
            return "start"
        return "fixed"

    def _prefers_warp(self, rows: Rows) -> bool:
        """Whether held-out rows prefer the start in normal scores to the start in X's units."""
        if self.composition.start is None or rows.grid is not None or rows.large:
            return False
        gains = []
        for i, (train, valid) in enumerate(self._folds(rows, _FOLDS if rows.n_rows < SMALL else 1)):
            plain, warped = (
                self._lane(train, valid, rows.n_rows, ("fold", i), warp=warp)[1].judge()
                for warp in (False, True)
            )
            gains.append(plain - warped)
        gain = np.concatenate(gains)
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        margin = _MARGIN_OUT_OF_FOLD if rows.n_rows < SMALL else _MARGIN_HOLD_OUT
        return bool(gain.mean() > margin * error)

    def _folds(self, rows: Rows, n_folds: int) -> Iterator[tuple[Rows, Rows]]:
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

    @property
    def _rate(self) -> float:
        return self.recipe.learning_rate_init

    def _hold_out(self, rows: Rows, cycle: OneCycle, previous: Model | None) -> Fitted:
        """Judge every epoch on one held-out part; if the start wins, refit it on all rows."""
        [(train, valid)] = self._folds(rows, 1)
        model, lane = self._lane(train, valid, rows.n_rows, ("network",), previous, leads=True)
        del train, valid
        found = run_cycle([lane], self.recipe, cycle, self._watch(lane, model))
        if self.composition.start is not None and not found.wins(_MARGIN_HOLD_OUT):
            lane.net.end()
            del model, lane  # before all rows are put on the device
            return self._start(rows, previous, found)
        lane.net.set_weights(found.best_weights[0])
        return self._finish(lane.net, model, found)

    def _out_of_fold(self, rows: Rows, cycle: OneCycle) -> Fitted:
        """Judge every epoch out of fold; refit what wins on all rows."""
        candidates = [
            self._lane(train, valid, rows.n_rows, ("fold", i), leads=i == 0)
            for i, (train, valid) in enumerate(self._folds(rows, _FOLDS))
        ]
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
        net.end()
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
            _check_same_shapes(factory, previous)
        scalings = (scaling, target_scaling)
        net = make_net(factory, self.composition, self.recipe, scalings, leads)
        if previous is None:
            set_start(net, self.composition, train, scalings, self.recipe, self.seeds, stream)
        else:
            net.set_weights(state_tensors(previous.module))
        model = Model(factory, net.module_, scaling, self.composition.loss, target_scaling)
        return model, self._on_device(net, train, valid, scalings, stream, previous is None)

    def _on_device(
        self,
        net: AutoencoderNet,
        train: Rows,
        valid: Rows | None,
        scalings: tuple[ColumnScaling, ColumnScaling],
        stream: tuple[str | int, ...],
        fresh: bool = False,
    ) -> Lane:
        device, loss = self.recipe.device, self.composition.loss
        _finite_variance(scalings)
        return Lane(
            net,
            batch(train, scalings, device),
            None if valid is None else batch(valid, scalings, device),
            loss.unit(scalings[1]),
            self.recipe.batch_rows(train),
            self.seeds.torch("order", *stream),
            self.seeds.torch("noise", *stream, device=device),
            sparse=self.composition.sparse,
            has_least=not loss.log_likelihood,
            constants=(
                _constants(loss, train.targets, scalings[1]),
                0.0 if valid is None else _constants(loss, valid.targets, scalings[1]),
            ),
            fresh=fresh and self.composition.start is not None,
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
        scalings = (model.scaling, model.target_scaling)
        net.criterion_ = make_objective(self.composition, scalings, model.factory).to(
            self.recipe.device
        )
        net.optimizer_.param_groups[0]["weight_decay"] = self.recipe.alpha
        lane = self._on_device(net, rows, None, scalings, ("stream", call))
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


def _fixed_together(
    fitters: list[Fitter], rows: Rows, cycle: OneCycle, n_epochs: int, judged: Cycle | None = None
) -> list[Fitted]:
    """Train on all rows for a number of epochs and keep the last weights."""
    made = [fitter._lane(rows, None, rows.n_rows, ("network",)) for fitter in fitters]
    found = run_cycle([lane for _, lane in made], fitters[0].recipe, cycle, n_epochs=n_epochs)
    return [
        fitter._finish(lane.net, model, judged or found)
        for fitter, (model, lane) in zip(fitters, made, strict=True)
    ]


def _constants(loss: Loss, rows: Rows, scaling: ColumnScaling) -> NDArray[np.float64] | float:
    """Parts of rows' losses that do not depend on the network."""
    if not loss.log_likelihood:
        return 0.0
    if rows.ragged:  # a pixel or step of any row has the same
        return loss.constants(np.repeat(scaling.mean[None], rows.n_rows, axis=0), scaling)
    found = [loss.constants(x, scaling) for x, _ in rows.blocks()]
    return np.concatenate(found) if any(map(np.any, found)) else 0.0


def _check_same_shapes(factory: ModuleFactory, previous: Model) -> None:
    new, old = ([t.shape for t in state_tensors(m)] for m in (factory(), previous.module))
    if new != old:
        raise ValueError(
            f"The network so far is of {previous.factory.architecture!r}, whose weights do not "
            f"fit {factory.architecture!r}; set warm_start=False, or keep the layers and init."
        )


def _finite_variance(scalings: tuple[ColumnScaling, ColumnScaling]) -> None:
    for scaling in scalings:
        largest = float(scaling.scale.max(initial=0.0))
        if not np.isfinite(largest * largest * len(scaling.scale)):
            raise ValueError(
                "The variance of X is not a finite number: a column's standard deviation is "
                f"{largest:.3g}; put a MaxAbsScaler in front."
            )


def make_net(
    factory: ModuleFactory,
    composition: Composition,
    recipe: Recipe,
    scalings: tuple[ColumnScaling, ColumnScaling],
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
    scalings : pair of ColumnScaling
        Column scales of the rows and of what reconstructions are compared with.
    leads : bool
        Whether callbacks and the terminal hear of its epochs.
    """
    printing = [("print_log", PrintLog())] if recipe.verbose else []
    net = AutoencoderNet(
        factory,
        make_objective(composition, scalings, factory),
        optimizer=AdamW,
        optimizer__weight_decay=recipe.alpha,
        lr=recipe.learning_rate_init,
        device=recipe.device,
        callbacks=[*printing, *recipe.callbacks] if leads else None,
        train_split=None,
        verbose=recipe.verbose if leads else 0,
    ).initialize()
    net.module_.eval()
    return net


def make_objective(
    composition: Composition,
    scalings: tuple[ColumnScaling, ColumnScaling],
    factory: ModuleFactory,
) -> Objective:
    """Make the loss of a composition on columns of the given scales."""
    bounded, width, grid = composition.latent.bounded, factory.n_components, factory.grid
    return Objective(
        composition.loss.build(scalings[1]),
        in_standard_units(composition.corruption, scalings[0], grid),
        {p.name: p.build(width, bounded) for p in composition.penalties},
        [p.name for p in composition.penalties if p.judged],
        composition.judge_corrupted,
        composition.architecture.augmentation(scalings, grid),
    )


def batch(rows: Rows, scalings: tuple[ColumnScaling, ColumnScaling], device: str) -> AnyBatch:
    """Standardise rows into float32 tensors on a device; weights get mean 1."""
    weight, condition = rows.weights, rows.conditions
    if rows.large:
        return CompactBatch(
            rows.selected(rows.values),
            scalings,
            None if weight is None else _float32(weight / weight.mean()),
            None if rows.target is None else rows.selected(rows.target),
            None if condition is None else _float32(condition),
            device,
            masked=len(rows.targets.holes) > 0,
        )
    if rows.ragged:
        values = rows.selected(rows.values)
        target = None if rows.target is None else rows.selected(rows.target)
        # Steps after the last that was observed are padding.
        target = None if target is None else target.trimmed(values.lengths)
        values = values.trimmed(values.lengths)
        return RaggedBatch(
            _standardized_cells(values, scalings[0]).to(device),
            values.sizes,
            None if weight is None else _float32(weight / weight.mean()).to(device),
            None if target is None else _standardized_cells(target, scalings[1]).to(device),
            None if condition is None else _float32(condition).to(device),
        )
    x = _standardized(rows, scalings[0])
    target = None if rows.target is None else _standardized(rows.targets, scalings[1])
    masked = rows.grid is not None or len(rows.targets.holes)
    holes = torch.isnan(x if target is None else target) if masked else None
    return Batch(
        x,
        mask=None if holes is None or not holes.any() else ~holes,
        weight=None if weight is None else _float32(weight / weight.mean()),
        target=target,
        condition=None if condition is None else _float32(condition),
    ).to(device)


def _standardized(rows: Rows, scaling: ColumnScaling) -> Tensor:
    x = np.empty((rows.n_rows, rows.n_features), dtype=np.float32)
    start = 0
    for block, _ in rows.blocks():
        x[start : start + len(block)] = scaling.apply(block)
        start += len(block)
    return torch.from_numpy(x)


def _standardized_cells(values: Ragged, scaling: ColumnScaling) -> Tensor:
    cells = np.empty(values.cells.shape, dtype=np.float32)
    for start in range(0, len(cells), _BLOCK_CELLS):
        part = slice(start, start + _BLOCK_CELLS)
        cells[part] = scaling.apply(values.cells[part].astype(np.float64, copy=False))
    return torch.from_numpy(cells)


def _float32(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
