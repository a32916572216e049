"""Nets, objectives and batches from a spec, a config and rows."""

from __future__ import annotations

from inspect import Parameter, signature

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Generator, Tensor

from sklearn_ae._compat import import_compiler
from sklearn_ae.corruptions import in_standard_units
from sklearn_ae.data import (
    AnyBatch,
    Batch,
    ColumnScaling,
    LazyBatch,
    Ragged,
    RaggedBatch,
    Rows,
    SparseRows,
    as_tensor,
)
from sklearn_ae.inference import WIDE, Model, ModuleFactory, TrainingRange, state_tensors
from sklearn_ae.losses import Loss
from sklearn_ae.runtime import constructed, interrupts_held, takes, thread_count, torch_defaults
from sklearn_ae.sources._batches import SpooledBatch
from sklearn_ae.sources._spool import SpooledRows, SpooledTableRows
from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training._net import AutoencoderNet, RowsDataset
from sklearn_ae.training._objective import Objective
from sklearn_ae.training._own_parts import check_own_parts
from sklearn_ae.training._run import TrainingRun
from sklearn_ae.training._spec import ModelSpec

# What the shapes of a network follow from, in a user's words.
_MADE_OF = (
    ("architecture", "the architecture"),
    ("latent", "the latent"),
    ("linear_path", 'a linear map beside it, unless init="random":'),
    ("n_parameters", "numbers for each column, by the loss:"),
    ("n_conditions", "columns of the condition:"),
)
# Standard deviations whose squares add up to a number in float32.
_FARTHEST = 1e16
# Cells of rows of different sizes that are standardised at once.
_BLOCK_CELLS = 2**18


def make_factory(
    spec: ModelSpec, config: TrainingConfig, rows: Rows, n_rows: int | None = None
) -> ModuleFactory:
    """Return what builds the network of a spec for some rows.

    Parameters
    ----------
    spec : ModelSpec
        Gives architecture, latent and loss.
    config : TrainingConfig
        Gives the width of the code.
    rows : Rows
        Training rows.
    n_rows : int, optional
        Number of rows that rules by data size see; None means those of `rows`.
    """
    return ModuleFactory(
        clone(spec.architecture),
        clone(spec.latent),
        rows.n_features,
        config.n_components,
        rows.n_of_all if n_rows is None else n_rows,
        linear_path=spec.start is not None,
        n_conditions=rows.n_conditions,
        n_parameters=spec.loss.n_parameters,
        sample_shape=rows.sample_shape,
        ragged=rows.ragged,
        missing_columns=rows.missing_columns,
    )


def training_threads(spec: ModelSpec, config: TrainingConfig, rows: Rows) -> int:
    """Return the number of threads to train with, which follows from the work of a batch."""
    return thread_count(make_factory(spec, config, rows).work * config.batch_rows(rows))


def make_net(
    factory: ModuleFactory,
    spec: ModelSpec,
    config: TrainingConfig,
    scalings: tuple[ColumnScaling, ColumnScaling],
) -> AutoencoderNet:
    """Make an initialised skorch net, its weights not yet set.

    Parameters
    ----------
    factory : ModuleFactory
        Builds the network.
    spec : ModelSpec
        Gives the objective.
    config : TrainingConfig
        Gives optimizer and device.
    scalings : pair of ColumnScaling
        Column scales of the rows and of what reconstructions are compared with.
    """
    if config.optimizer is not None:
        with interrupts_held():  # an import that is interrupted stays half done
            import_compiler()
        if not takes(config.optimizer, [], lr=config.learning_rate_init):
            raise TypeError(
                f"optimizer={config.optimizer!r} does not take (params, lr=...); write a factory "
                "that does, such as functools.partial(torch.optim.SGD, momentum=0.9)."
            )
    with torch_defaults():
        net = AutoencoderNet(
            factory,
            make_objective(spec, scalings, factory),
            lr=config.learning_rate_init,
            device=config.device,
            train_split=None,
            dataset=RowsDataset,
            verbose=config.verbose,
            **config.optimizer_parameters,
        ).initialize()
    if not isinstance(net.optimizer_, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer={config.optimizer!r} returned {net.optimizer_!r:.60}, which is not a torch "
            "optimizer; return one that was made of the params that it is called with."
        )
    if signature(net.optimizer_.step).parameters["closure"].default is Parameter.empty:
        raise ValueError(
            f"optimizer={config.optimizer!r} computes the loss several times in each step, which "
            "is not done here; use one like torch.optim.SGD or torch.optim.Adam."
        )
    net.module_.eval()
    return net


def make_objective(
    spec: ModelSpec,
    scalings: tuple[ColumnScaling, ColumnScaling],
    factory: ModuleFactory,
) -> Objective:
    """Make the loss of a spec on columns of the given scales."""
    sample_shape = factory.sample_shape
    return Objective(
        constructed(spec.loss.build, scalings[1]),
        in_standard_units(spec.corruption, scalings[0], sample_shape),
        constructed(spec.terms, factory.n_components),
        spec.validate_corrupted,
        spec.architecture.augmentation(scalings, sample_shape),
    )


def replace_objective(net: AutoencoderNet, objective: Objective) -> None:
    """Give a net another objective, whose terms go on with the weights of the same names.

    Raises
    ------
    ValueError
        If terms have other weights than before.
    """
    before = dict(net.criterion_.named_parameters())
    now = {name: parameter.shape for name, parameter in objective.named_parameters()}
    if {name: parameter.shape for name, parameter in before.items()} != now:
        raise ValueError(
            f"The terms so far have the weights {sorted(before)}, but now {sorted(now)}; keep "
            "penalties and latent, or fit anew."
        )
    for name, parameter in before.items():
        owner, _, own = name.rpartition(".")
        setattr(objective.get_submodule(owner), own, parameter)
    net.criterion_ = objective


def make_run(
    net: AutoencoderNet,
    spec: ModelSpec,
    config: TrainingConfig,
    parts: tuple[Rows, Rows | None],
    model: Model,
    generators: tuple[Generator, Generator],
    fresh: bool = False,
) -> TrainingRun:
    """Put the rows of a network on its device, in standard units.

    Parameters
    ----------
    net : AutoencoderNet
        The network.
    spec : ModelSpec
        Gives the loss.
    config : TrainingConfig
        Gives device and batch size.
    parts : pair of Rows
        Rows to train on and to be validated on.
    model : Model
        The network with its scales, and what it is validated with.
    generators : pair of Generator
        Feed the order of the rows, and corruption and dropout.
    fresh : bool
        Whether the network is at a start that training may leave.
    """
    device, loss, mixture = config.device, spec.loss, model.mixture
    scalings = (model.scaling, model.target_scaling)
    train, valid = parts
    training_rows = batch(train, scalings, device, model.factory.missing_columns)
    check_own_parts(net, training_rows, config.n_components)
    return TrainingRun(
        net,
        training_rows,
        None if valid is None else batch(valid, scalings, device, model.factory.missing_columns),
        loss.unit(scalings[1]),
        config.batch_rows(train),
        *generators,
        units_may_die=spec.units_may_die,
        has_least=not loss.log_likelihood,
        constants=(
            _constants(loss, train.targets, scalings[1]),
            0.0 if valid is None else _constants(loss, valid.targets, scalings[1]),
        ),
        fresh=fresh,
        floor=None if valid is None or mixture is None else mixture.floor(valid),
        training_range=model.training_range,
        freeze=config.freeze,
        workers=train.workers,
    )


def training_range_of(
    spec: ModelSpec,
    rows: Rows,
    scaling: ColumnScaling,
    previous: Model | None,
    *,
    fixed: bool = False,
) -> TrainingRange | None:
    """Return where rows lie, and those before them, if they are tables to be denoised.

    Parameters
    ----------
    spec : ModelSpec
        Says how far beyond the rows those may lie that are to be denoised.
    rows : Rows
        Training rows.
    scaling : ColumnScaling
        Their column scales.
    previous : Model, optional
        A model that was trained on other rows.
    fixed : bool
        Whether the codes of that model are to stay what they are, of whatever rows.
    """
    if previous is not None and fixed:
        return previous.fixed_range()
    before = None if previous is None else previous.training_range
    largest_move, values = spec.largest_move, rows.values
    flat = rows.sample_shape is None and not rows.ragged
    # Products with sparse rows know no range.
    flat = flat and not (isinstance(values, SparseRows) and rows.n_features > WIDE)
    if largest_move is None or rows.target is not None or scaling.feature is not None or not flat:
        return before
    training_range = TrainingRange.of(rows, scaling, largest_move)
    return training_range if before is None else training_range.united(before)


def check_same_shapes(factory: ModuleFactory, previous: Model) -> None:
    new, old = ([t.shape for t in state_tensors(m)] for m in (factory(), previous.module))
    if new != old:
        pairs = [
            (words, getattr(previous.factory, n), getattr(factory, n)) for n, words in _MADE_OF
        ]
        found = [f"{words} {a!r} and now {b!r}" for words, a, b in pairs if repr(a) != repr(b)]
        raise ValueError(
            "The weights of the network so far do not fit the one that is asked for: it has "
            f"{'; '.join(found) or 'other modules'}; set warm_start=False, or keep these."
        )


def batch(
    rows: Rows,
    scalings: tuple[ColumnScaling, ColumnScaling],
    device: str,
    marked: NDArray[np.intp],
) -> AnyBatch:
    """Standardise rows into float32 tensors on a device; weights get mean 1.

    Parameters
    ----------
    rows : Rows
        The rows.
    scalings : pair of ColumnScaling
        Column scales of the rows and of what reconstructions are compared with.
    device : str
        Where tensors go.
    marked : ndarray of int
        Columns of which the encoder is told what is missing; it reads cells that are missing
        elsewhere as their column's mean. Without any, they are filled here.
    """
    fill = len(rows.missing_columns) > 0 and not len(marked)
    found = rows.selected_companions
    target = found.pop("target", None)
    if isinstance(rows.values, SpooledRows | SpooledTableRows) and rows.index is None:
        return SpooledBatch(rows.values, scalings, found, device, fill)
    if rows.weight is not None:
        found["weight"] = found["weight"] / rows.mean_weight
    companions = {name: as_tensor(values) for name, values in found.items()}
    if rows.large:
        values = rows.selected(rows.values)
        return LazyBatch(values, scalings, companions, target, device, fill)
    if rows.ragged:
        values = rows.selected(rows.values)
        # Steps after the last that was observed are padding.
        target = None if target is None else target.trimmed(values.lengths)
        values = values.trimmed(values.lengths)
        return RaggedBatch(
            _standardized_cells(values, scalings[0]).to(device),
            values.sizes,
            {name: part.to(device) for name, part in companions.items()},
            None if target is None else _standardized_cells(target, scalings[1]).to(device),
        )
    x = _standardized(rows, scalings[0])
    target = None if target is None else _standardized(rows.targets, scalings[1])
    masked = rows.sample_shape is not None or len(rows.targets.missing_columns)
    missing = torch.isnan(x if target is None else target) if masked else None
    mask = None if missing is None or not missing.any() else ~missing
    if fill:
        x.nan_to_num_()
    return Batch(x, mask=mask, target=target, **companions).to(device)


def _constants(loss: Loss, rows: Rows, scaling: ColumnScaling) -> NDArray[np.float64] | float:
    """Parts of rows' losses that do not depend on the network."""
    if not loss.log_likelihood:
        return 0.0
    if rows.ragged:  # a pixel or step of any row has the same
        return loss.constants(np.repeat(scaling.mean[None], rows.n_rows, axis=0), scaling)
    if rows.spooled:
        total = sum(float(np.sum(loss.constants(x, scaling))) for x, _ in rows.blocks())
        return total / rows.n_rows
    found = [loss.constants(x, scaling) for x, _ in rows.blocks()]
    return np.concatenate(found) if any(map(np.any, found)) else 0.0


def _standardized(rows: Rows, scaling: ColumnScaling) -> Tensor:
    x = np.empty((rows.n_rows, rows.n_features), dtype=np.float32)
    start = 0
    for block, _ in rows.blocks():
        x[start : start + len(block)] = _apply(scaling, block)
        start += len(block)
    return torch.from_numpy(x)


def _standardized_cells(values: Ragged, scaling: ColumnScaling) -> Tensor:
    cells = np.empty(values.cells.shape, dtype=np.float32)
    for start in range(0, len(cells), _BLOCK_CELLS):
        part = slice(start, start + _BLOCK_CELLS)
        cells[part] = _apply(scaling, values.cells[part].astype(np.float64, copy=False))
    return torch.from_numpy(cells)


def _apply(scaling: ColumnScaling, x: NDArray) -> NDArray[np.float64]:
    """Standardise rows; held-out ones may be as far away as float32 has losses for."""
    return np.clip(scaling.apply(x), -_FARTHEST, _FARTHEST)
