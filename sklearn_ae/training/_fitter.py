"""Networks of a spec on some rows: at their start, in training, and as they are handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.data import FEW_ROWS, SMALL, ColumnScaling, NormalScores, Rows, UnitScaling
from sklearn_ae.inference import (
    DefensiveMixture,
    Model,
    ModuleFactory,
    TrainingRange,
    TreeBackground,
    set_state_tensors,
    state_tensors,
)
from sklearn_ae.runtime import Seeds
from sklearn_ae.starts import LinearStart, fit_scalings
from sklearn_ae.training._assembly import (
    check_same_shapes,
    make_factory,
    make_net,
    make_objective,
    make_run,
    replace_objective,
    training_range_of,
)
from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training._following import check_followed, followed
from sklearn_ae.training._history import History
from sklearn_ae.training._joint import TrainingResult, exceeds_error, train_runs
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._objective import adopt_terms, term_weights
from sklearn_ae.training._run import TrainingRun
from sklearn_ae.training._spec import ModelSpec
from sklearn_ae.training._starting import set_start, start_alone
from sklearn_ae.training.callbacks._schedule import Constant, OneCycle

# Share of the initial learning rate at which partial_fit trains.
STREAM_RATE = 1 / 3


class Selection(NamedTuple):
    """Which of start and network was kept, and by which losses.

    Parameters
    ----------
    kept : {"start", "network"}
        What the estimator is.
    start_loss, network_loss : float or None
        Mean losses of the same held-out rows in X's units; None if nothing was held out.
    """

    kept: str
    start_loss: float | None = None
    network_loss: float | None = None

    @classmethod
    def of(cls, kept: str, found: TrainingResult) -> Selection:
        """Return what was kept, with the losses that were found."""
        losses = (found.start_losses, found.best_losses)
        return cls(kept, *(float(each.mean()) if len(each) else None for each in losses))

    @property
    def sentence(self) -> str:
        """The same for a reader."""
        if self.start_loss is None or self.network_loss is None:
            return f"the {self.kept} was kept, without held-out rows."
        return (
            f"the {self.kept} was kept; held-out loss of the start {self.start_loss:.6g}, of the "
            f"network {self.network_loss:.6g}."
        )


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
    selection : Selection
        Which of start and network it is.
    n_epochs : int
        Epochs that the network which was kept has been trained for.
    held_out : tuple of (Model, Rows)
        Networks of the kind that was kept, with rows that each was not fitted to: those of
        folds, or what was kept itself. Empty if nothing was held out.
    """

    net: AutoencoderNet
    model: Model
    history: History
    n_iter: int
    selection: Selection
    n_epochs: int = 0
    held_out: tuple[tuple[Model, Rows], ...] = ()


OnEpoch = Callable[[AutoencoderNet, Model], bool]


class Fitter:
    """Fits a spec to rows.

    Parameters
    ----------
    spec : ModelSpec
        The slots.
    config : TrainingConfig
        How to train.
    seeds : Seeds
        Feeds every draw.
    on_epoch : callable, optional
        Called after each epoch with the leading net and its model; True ends training.
    groups : ndarray of shape (n_rows,), optional
        Number of each row's group, from 0 on; rows of one group are held out together.
    calibrated : bool
        Whether a start that is kept without selection is solved on parts of the rows too, so
        that others are held out.

    Attributes
    ----------
    previous : Model or None
        A model that is to go on from where it is, with the columns of the rows.
    share : float
        Share of the density that is not the network's.
    """

    previous: Model | None = None

    def __init__(
        self,
        spec: ModelSpec,
        config: TrainingConfig,
        seeds: Seeds,
        on_epoch: OnEpoch | None = None,
        groups: NDArray[np.intp] | None = None,
        calibrated: bool = False,
    ) -> None:
        self.spec = spec
        self.config = config
        self.seeds = seeds
        self.on_epoch = on_epoch
        self.groups = groups
        self.calibrated = calibrated
        self.share: float | None = None
        self._normal_scores = False

    @property
    def keeps_basis(self) -> bool:
        """Whether codes stay in their basis, since a part of what goes on is frozen."""
        return self.previous is not None and bool(self.config.freeze)

    def protocol(self, rows: Rows, previous: Model | None) -> str:
        """How the number of rows lets the network be validated, if at all."""
        if self.config.epochs(rows) == 0:
            return "start"
        if self.config.early_stopping and self.enough(rows):
            folded = rows.n_of_all < SMALL and previous is None
            return "out of fold" if folded else "hold out"
        if self.config.early_stopping and self.spec.start is not None:
            return "start"
        return "fixed"

    @staticmethod
    def enough(rows: Rows) -> bool:
        """Whether there are enough rows to hold some out."""
        # Rows that are repeated are no further evidence.
        n_rows = rows.n_of_all
        return (rows.n_distinct if n_rows < SMALL else n_rows) >= FEW_ROWS

    def choose_scaling(self, rows: Rows, n_folds: int, margin: float) -> None:
        """Map columns to normal scores if held-out rows prefer that to X's units."""
        self._normal_scores = False
        start, loss = self.spec.start, self.spec.loss
        if not loss.normal_scores or start is None or rows.sample_shape is not None:
            return
        if rows.large and not rows.spooled:
            return
        gains = []
        for i, (train, valid) in enumerate(self.folds(rows, n_folds)):
            plain, mapped = (
                self.run(train, valid, rows.n_of_all, ("fold", i), normal_scores=normal_scores)[
                    1
                ].validate()
                for normal_scores in (False, True)
            )
            gains.append(plain - mapped)
        self._normal_scores = exceeds_error(np.concatenate(gains), margin)

    def folds(self, rows: Rows, n_folds: int) -> Iterator[tuple[Rows, Rows]]:
        """Yield training and held-out parts; one fold holds out a fraction."""
        if rows.spooled and n_folds == 1:
            yield rows.apart()
            return
        n_groups = rows.n_rows if self.groups is None else int(self.groups.max()) + 1
        order = self.seeds.numpy("split").permutation(n_groups)
        parts = np.array_split(order, n_folds)
        if n_folds == 1:
            parts = [order[: self.config.held_out_rows(n_groups)].copy()]
        del order
        for part in parts:
            held_out = np.zeros(n_groups, dtype=bool)
            held_out[part] = True
            if self.groups is not None:
                held_out = held_out[self.groups]
            yield rows.take(np.flatnonzero(~held_out)), rows.take(np.flatnonzero(held_out))

    def start(
        self, rows: Rows, previous: Model | None = None, validated: TrainingResult | None = None
    ) -> Fitted:
        """Return the start, solved on all rows, or the previous weights."""
        model, run = self.run(rows, None, rows.n_of_all, ("network",), previous)
        found = validated or train_runs([run], self.config, OneCycle(0, 0.0))
        return finished(model, run, found, Selection.of("start", found))

    def weighed(self, fitted: Fitted) -> Fitted:
        """Return what was fitted, the parts of its density in the shares that held-out rows prefer.

        Networks of folds have the same shares, here and later.
        """
        mixture = fitted.model.mixture
        if mixture is not None:
            self.share = mixture.weighed(fitted.held_out).share
            for model in (fitted.model, *(model for model, _ in fitted.held_out)):
                model.mixture = model.mixture._replace(share=self.share)
        return fitted

    def watch(self, model: Model, run: TrainingRun) -> Callable[[], bool] | None:
        """Return what is called after each epoch of a network."""
        on_epoch = self.on_epoch
        return None if on_epoch is None else lambda: on_epoch(run.net, model)

    def run(
        self,
        train: Rows,
        valid: Rows | None,
        n_rows: int,
        stream: tuple[str | int, ...],
        previous: Model | None = None,
        normal_scores: bool | None = None,
    ) -> tuple[Model, TrainingRun]:
        """Make a network at its start, or at previous weights, with its rows on the device.

        Parameters
        ----------
        train, valid : Rows
            Rows to train on and to be validated by.
        n_rows : int
            Number of rows that rules by data size see.
        stream : tuple of str or int
            Name of the random streams.
        previous : Model, optional
            A model to go on from; None solves the start.
        normal_scores : bool, optional
            Whether columns are mapped to normal scores; None takes what was preferred.
        """
        normal_scores = self._normal_scores if normal_scores is None else normal_scores
        scaling, target_scaling = self._scalings(train, previous, normal_scores)
        factory = make_factory(self.spec, self.config, train, n_rows)
        if previous is not None:
            factory.n_rows, factory.missing_columns = (
                previous.factory.n_rows,
                previous.factory.missing_columns,
            )
            check_same_shapes(factory, previous)
        scalings = (scaling, target_scaling)
        net = make_net(factory, self.spec, self.config, scalings)
        if previous is None:
            start = set_start(
                net.module_,
                net.criterion_,
                self.spec,
                train,
                scalings,
                self.config,
                self.seeds,
                stream,
            )
            mixture = self.defensive_mixture(
                factory, train, stream, None if normal_scores else start
            )
        else:
            set_state_tensors(net.module_, state_tensors(previous.module))
            adopt_terms(net.criterion_, previous.term_weights)
            mixture = previous.mixture
        model = Model(
            factory,
            net.module_,
            scaling,
            self.spec.loss,
            target_scaling,
            None if previous is None else previous.code_scale,
            mixture=mixture,
            training_range=self._training_range(train, scaling, previous),
        )
        fresh = previous is None and self.spec.start is not None
        return model, self._ready(net, model, train, valid, stream, fresh)

    def defensive_mixture(
        self,
        factory: ModuleFactory,
        rows: Rows,
        stream: tuple[str | int, ...],
        start: LinearStart | None = None,
    ) -> DefensiveMixture | None:
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
        spec, loss = self.spec, self.spec.loss
        share = spec.defensive_share if self.share is None else self.share
        if not share or spec.start is None or not loss.log_likelihood:
            return None
        trees = loss.background(rows, self.seeds.numpy("trees", *stream))
        if trees is not None:
            return TreeBackground(trees, share)
        scaling, target_scaling = scalings = self._scalings(rows, None, normal_scores=False)
        if start is None:
            generator = self.seeds.torch("start", *stream)
            start = spec.start.solve(rows, *scalings, self.config.n_components, generator)
        alone = factory.alone()
        module = start_alone(alone, loss, start).to(self.config.device)
        return DefensiveMixture(Model(alone, module, scaling, loss, target_scaling), share)

    def followed(self, previous: Model, index: NDArray[np.intp], rows: Rows) -> Model:
        """Return a model with the columns of further rows; see `followed`.

        Parameters
        ----------
        previous : Model
            A model to go on from.
        index : ndarray of shape (n_features,), int
            Where each column was before, -1 for those that are new.
        rows : Rows
            The rows.
        """
        check_followed(previous, rows)
        normal_scores = isinstance(previous.scaling, NormalScores)
        scalings = self._scalings(rows, None, normal_scores)
        model = followed(previous, index, scalings, self.spec, self.config, rows, self.seeds)
        if previous.mixture is not None:
            self.share = previous.mixture.share
            model.mixture = self.defensive_mixture(model.factory, rows, ("network",))
        return model

    def _ready(
        self,
        net: AutoencoderNet,
        model: Model,
        train: Rows,
        valid: Rows | None,
        stream: tuple[str | int, ...],
        fresh: bool = False,
    ) -> TrainingRun:
        """Put rows on the device, with the streams that order and noise are drawn from."""
        order = self.seeds.torch("order", *stream)
        noise = self.seeds.torch("noise", *stream, device=self.config.device)
        return make_run(net, self.spec, self.config, (train, valid), model, (order, noise), fresh)

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
        objective = make_objective(self.spec, scalings, model.factory)
        replace_objective(net, objective.to(self.config.device))
        for group in net.optimizer_.param_groups:
            group["lr"] = self.config.learning_rate_init * STREAM_RATE
            if self.config.optimizer is None:
                group["weight_decay"] = self.config.alpha
        net.lr = self.config.learning_rate_init * STREAM_RATE
        model.training_range = self._training_range(rows, model.scaling, model)
        run = self._ready(net, model, rows, None, ("stream", call))
        found = train_runs([run], self.config, Constant(net.lr), n_epochs=1)
        finished(model, run, found, Selection("network"))
        return float(found.history.column("train_loss")[-1])

    def _training_range(
        self, rows: Rows, scaling: ColumnScaling, previous: Model | None
    ) -> TrainingRange | None:
        """Where rows lie, and those before them unless their codes are frozen."""
        fixed = "encoder" in self.config.freeze
        return training_range_of(self.spec, rows, scaling, previous, fixed=fixed)

    def _scalings(
        self, rows: Rows, previous: Model | None, normal_scores: bool
    ) -> tuple[ColumnScaling, ColumnScaling]:
        """Column scales of rows and of their targets, or those of a previous model."""
        if previous is not None:
            return previous.scaling, previous.target_scaling
        start = self.spec.start
        if not self.spec.loss.standardized:
            scaling = UnitScaling.fit(rows)
            return scaling, scaling if rows.target is None else UnitScaling.fit(rows.targets)
        if start is None:
            return fit_scalings(rows, normal_scores=normal_scores)
        return start.scalings(rows, normal_scores=normal_scores)


def finished(
    model: Model,
    run: TrainingRun,
    found: TrainingResult,
    selection: Selection,
    n_epochs: int = 0,
) -> Fitted:
    watched = run.watched_by_batch and len(run.net.history) == found.n_iter
    batches = [row["batches"] for row in run.net.history] if watched else None
    run.end()
    run.net.history_ = found.history.to_skorch(batches)
    model.clear_cache()
    model.term_weights = term_weights(run.net.criterion_)
    return Fitted(run.net, model, found.history, found.n_iter, selection, n_epochs)
