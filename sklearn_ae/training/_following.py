"""A network whose table has other columns than before: some are new, some gone, some moved."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from torch import nn

from sklearn_ae.data import NormalScores, Rows, TableRows
from sklearn_ae.inference import Model, ModuleFactory, TrainingRange, parameters_of
from sklearn_ae.runtime import Seeds, torch_defaults
from sklearn_ae.starts import LinearStart
from sklearn_ae.training._assembly import batch, make_factory, training_range_of
from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training._spec import ModelSpec

# Rows that new columns are regressed on codes over, at least, and cells at most.
_LEAST_ROWS = 3
_MOST_CELLS = 2**22
_PENALTIES = np.logspace(-3, 3, 7)


class _Ends(NamedTuple):
    """Where inputs and outputs of a network were in the one before, -1 for those that are new."""

    inputs: NDArray[np.intp]
    outputs: NDArray[np.intp]

    @classmethod
    def of(cls, index: NDArray[np.intp], factory: ModuleFactory, before: ModuleFactory) -> _Ends:
        """Put together those of features, conditions and marks of missing cells."""
        n, c = before.n_features, before.n_conditions
        marks = np.searchsorted(before.missing_columns, index[factory.missing_columns])
        inputs = np.concatenate([index, n + np.arange(c), n + c + marks])
        blocks = n * np.arange(before.n_parameters)[:, None]
        return cls(inputs, np.where(index < 0, -1, index + blocks).ravel())


def check_followed(previous: Model, rows: Rows) -> None:
    """Raise if columns were mapped to normal scores and are now those of a mixed table."""
    if isinstance(previous.scaling, NormalScores) and isinstance(rows.values, TableRows):
        raise ValueError(
            "The columns of numbers so far were mapped to normal scores, which those of a table "
            "with columns of other kinds are not; leave these columns out, or set "
            "warm_start=False."
        )


@torch_defaults()
def followed(
    previous: Model,
    index: NDArray[np.intp],
    scalings: tuple,
    spec: ModelSpec,
    config: TrainingConfig,
    rows: Rows,
    seeds: Seeds,
) -> Model:
    """Return a network on further rows, with the weights of the columns that stay.

    The encoder does not read a new column at first, and the decoder has its ridge regression on
    the codes.

    Parameters
    ----------
    previous : Model
        The network so far.
    index : ndarray of shape (n_features,), int
        Where each column was before, -1 for those that are new.
    scalings : pair of ColumnScaling
        Scales of the rows and of what reconstructions are compared with.
    spec : ModelSpec
        The slots, for the rows.
    config : TrainingConfig
        Gives the width of the code.
    rows : Rows
        The rows.
    seeds : Seeds
        Feeds initial weights, of which none stays but buffers.

    Raises
    ------
    ValueError
        If a weight of the network does not belong to one column.
    """
    scaling, target = (
        fresh.following(old, index)
        for fresh, old in zip(scalings, (previous.scaling, previous.target_scaling), strict=True)
    )
    before = previous.factory
    factory = make_factory(spec, config, rows, before.n_rows)
    factory.missing_columns = np.flatnonzero(np.isin(index, before.missing_columns))
    module = factory()
    generator = seeds.torch("weights", "following")
    for part in (module.encoder, module.decoder, module.latent):
        part.reset(generator)
    ends = _Ends.of(index, factory, before)
    _carry(module, factory, previous, ends)
    module.eval().to(config.device)
    model = Model(
        factory,
        module,
        scaling,
        spec.loss,
        target,
        previous.code_scale,
        training_range=_ranges(
            previous.fixed_range() if "encoder" in config.freeze else previous.training_range,
            index,
            training_range_of(spec, rows, scaling, None),
        ),
        term_weights=previous.term_weights,
    )
    if (index < 0).any():
        _regress(model, rows, ends.outputs < 0, index < 0)
    return model


@torch.no_grad()
def _carry(module: nn.Module, factory: ModuleFactory, previous: Model, ends: _Ends) -> None:
    """Copy weights, those of columns from where the columns were."""
    old = previous.module.state_dict(keep_vars=True)
    wider = copy.copy(previous.factory)
    wider.n_features += 1
    # What belongs to a column is what becomes larger with one more.
    probe = wider().state_dict()
    new = module.state_dict(keep_vars=True)
    if new.keys() != old.keys():
        raise ValueError(_refusal("its modules are others"))
    for name, tensor in new.items():
        source = old[name].to(tensor.device)
        grown = [d for d, n in enumerate(source.shape) if probe[name].shape[d] != n]
        if not grown and source.shape == tensor.shape:
            tensor.copy_(source)
            continue
        at = ends.outputs if name.startswith("decoder.") else ends.inputs
        widths = (previous.factory.shapes, factory.shapes)
        own = [s.n_outputs if name.startswith("decoder.") else s.n_inputs for s in widths]
        shape = [own[1] if d in grown else n for d, n in enumerate(source.shape)]
        alone = len(grown) == 1 and source.shape[grown[0]] == own[0]
        if not alone or list(tensor.shape) != shape:
            raise ValueError(_refusal(f"{name} is of no single column"))
        stays = torch.from_numpy(at >= 0)
        if isinstance(tensor, nn.Parameter):
            tensor.zero_()  # buffers, as scales, have a beginning of their own
        kept = source.index_select(grown[0], torch.from_numpy(at[at >= 0]))
        tensor.index_copy_(grown[0], stays.nonzero()[:, 0], kept)


def _refusal(why: str) -> str:
    return (
        f"The columns of X are not those that the network was fitted to, and it cannot follow "
        f"them by name, since {why}; pass the same columns, or set warm_start=False."
    )


def _ranges(
    before: TrainingRange | None, index: NDArray[np.intp], fresh: TrainingRange | None
) -> TrainingRange | None:
    """Return the range of new columns with that of those that stay."""
    if fresh is None or before is None:
        return fresh
    ends = zip(fresh[:2], before[:2], strict=True)
    low, high = (np.where(index < 0, own, old[index]) for own, old in ends)
    beyond = before.of_beyond
    if beyond is not None:
        beyond = np.where(index[:, None] < 0, 0.0, beyond[index])
    return TrainingRange(low, high, beyond)


@torch.no_grad()
def _regress(model: Model, rows: Rows, outputs: NDArray, columns: NDArray) -> None:
    """Let the decoder's affine map write the regression of new columns on the codes."""
    n_most = max(_LEAST_ROWS, _MOST_CELLS // rows.n_features)
    if rows.n_rows > n_most:
        rows = rows.take(np.linspace(0, rows.n_rows - 1, n_most).astype(np.intp))
    scalings = (model.scaling, model.target_scaling)
    some = batch(rows, scalings, "cpu", model.factory.missing_columns)
    module = copy.deepcopy(model.module).cpu().double()
    code = module.latent(parameters_of(module, some, torch.float64)).mean
    if rows.conditions is not None:
        code = torch.cat([code, torch.from_numpy(rows.conditions)], dim=1)
    path = module.decoder.affine_end(code)
    if path is None or rows.n_rows < _LEAST_ROWS:
        return
    read, _ = path
    targets = model.target_scaling.apply(rows.targets.matrix())
    wanted = np.nan_to_num(targets[:, columns])
    ridge = RidgeCV(_PENALTIES, alpha_per_target=True)
    ridge.fit(read.numpy(), wanted, sample_weight=rows.weights)
    decoder = torch.zeros(read.shape[1], model.factory.n_features, dtype=torch.float64)
    bias, noise = (torch.zeros(model.factory.n_features, dtype=torch.float64) for _ in range(2))
    at = torch.from_numpy(np.flatnonzero(columns))
    decoder[:, at] = torch.from_numpy(np.atleast_2d(ridge.coef_).T)
    bias[at] = torch.from_numpy(np.atleast_1d(ridge.intercept_))
    errors = wanted - ridge.predict(read.numpy()).reshape(wanted.shape)
    noise[at] = torch.from_numpy(np.sqrt(np.average(errors**2, axis=0, weights=rows.weights)))
    weight, shift = model.loss.outputs(LinearStart(decoder, decoder, None, bias, noise))
    new = torch.from_numpy(np.flatnonzero(outputs))
    end = model.module.decoder.affine_end(code[:1].to(model.device, torch.float32))
    assert end is not None
    _, layer = end
    layer.weight[new] = weight.T[new].to(layer.weight)
    if shift is not None:
        layer.bias[new] = shift[new].to(layer.bias)
