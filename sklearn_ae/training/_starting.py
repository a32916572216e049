"""The closed-form solution, put into a network."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Generator, Tensor

from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.inference import AutoencoderModule, ModuleFactory, parameters_of
from sklearn_ae.losses import Loss
from sklearn_ae.runtime import Seeds, constructed
from sklearn_ae.starts import LinearStart, standardized_columns
from sklearn_ae.training._assembly import batch
from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training._objective import Objective
from sklearn_ae.training._spec import ModelSpec

# Training rows that a latent starts from.
_LATENT_ROWS = 10_000


def set_start(
    module: AutoencoderModule,
    objective: Objective,
    spec: ModelSpec,
    rows: Rows,
    scalings: tuple[ColumnScaling, ColumnScaling],
    config: TrainingConfig,
    seeds: Seeds,
    stream: tuple[str | int, ...],
) -> LinearStart | None:
    """Draw initial weights on the CPU, put the start in, and move both to the device.

    Parameters
    ----------
    module : AutoencoderModule
        Changed in place.
    objective : Objective
        Its terms draw their weights, and it knows what is done to the encoder's input.
    spec : ModelSpec
        Gives the start, if there is one, and the loss that reads the decoder.
    rows : Rows
        Training rows, on which the start is solved.
    scalings : pair of ColumnScaling
        Column scales of the rows and of what reconstructions are compared with.
    config : TrainingConfig
        Gives the width of the code and the device.
    seeds : Seeds
        Feeds the draws.
    stream : tuple of str or int
        Name of the random streams.

    Returns
    -------
    start : LinearStart or None
        What was put in.
    """
    module.to("cpu")
    _draw_parts(module, objective, spec, config.n_components, seeds.numpy("parts", *stream))
    generator = seeds.torch("weights", *stream)
    module.encoder.reset(generator)
    module.decoder.reset(generator)
    module.latent.reset(generator)
    objective.to("cpu").reset(generator)
    start = None
    if spec.start is not None:
        generator = seeds.torch("start", *stream)
        start = spec.start.solve(rows, *scalings, config.n_components, generator)
        _set_encoder(module, start)
    if module.latent.reads_outputs:
        _start_latent(module, rows, scalings, seeds.torch("latent", *stream))
    if start is not None:
        if start.noise is None and spec.loss.n_parameters > 1:
            drawn = objective.corruption if rows.target is None else None
            noise = _noise(module, start, rows, scalings, drawn, generator)
            start = start._replace(noise=noise)
        _set_decoder(module, start, spec.loss)
    module.to(config.device)
    objective.to(config.device)
    return start


def start_alone(factory: ModuleFactory, loss: Loss, start: LinearStart) -> AutoencoderModule:
    """Return linear maps that are the start, on the CPU.

    Parameters
    ----------
    factory : ModuleFactory
        Builds networks without hidden layers.
    loss : Loss
        Reads the decoder.
    start : LinearStart
        The closed-form solution.
    """
    module = factory().eval()
    _set_encoder(module, start)
    _set_decoder(module, start, loss)
    return module


@torch.no_grad()
def _draw_parts(
    module: AutoencoderModule,
    objective: Objective,
    spec: ModelSpec,
    n_components: int,
    rng: np.random.Generator,
) -> None:
    """Draw the weights of latent and terms as their constructors do; `reset` may draw others."""
    seed = int(rng.integers(2**31))
    latent = constructed(spec.latent.build, n_components, seed=seed)
    terms = constructed(spec.terms, n_components, seed=seed)
    pairs = [(module.latent, latent), *((objective.terms[n], t) for n, t in terms.items())]
    for part, fresh in pairs:
        for parameter, drawn in zip(part.parameters(), fresh.parameters(), strict=True):
            parameter.copy_(drawn)


def _set_encoder(module: AutoencoderModule, start: LinearStart) -> None:
    bias = start.encoder_bias
    n_missing = 0 if module.missing_columns is None else len(module.missing_columns)
    unread = start.encoder.new_zeros(n_missing, start.encoder.shape[1])
    into = torch.cat([start.encoder, unread])
    module.encoder.set_linear(into.float(), None if bias is None else bias.float())
    module.encoder.set_units(start.decoder)


def _set_decoder(module: AutoencoderModule, start: LinearStart, loss: Loss) -> None:
    weight, bias = loss.outputs(start)
    module.decoder.set_linear(weight.float(), None if bias is None else bias.float())


@torch.no_grad()
def _start_latent(
    module: AutoencoderModule,
    rows: Rows,
    scalings: tuple[ColumnScaling, ColumnScaling],
    generator: Generator,
) -> None:
    """Let the latent begin from what the encoder writes of training rows."""
    if rows.n_rows > _LATENT_ROWS:
        rows = rows.take(np.linspace(0, rows.n_rows - 1, _LATENT_ROWS).astype(np.intp))
    marked = (
        np.empty(0, np.intp) if module.missing_columns is None else module.missing_columns.numpy()
    )
    some = batch(rows, scalings, "cpu", marked)
    # A weight then is as good as a row that is repeated.
    output = parameters_of(copy.deepcopy(module).double(), some, torch.float64)
    module.latent.start_from(output, some.weight, generator)


@torch.no_grad()
def _noise(
    module: AutoencoderModule,
    start: LinearStart,
    rows: Rows,
    scalings: tuple[ColumnScaling, ColumnScaling],
    corruption: Corruption | None,
    generator: Generator,
) -> Tensor:
    """Standard deviations of rows around the start's reconstruction, in standard units."""
    total = torch.zeros(rows.n_features, dtype=torch.float64)
    mass = torch.zeros(rows.n_features, dtype=torch.float64)
    for part in rows.parts():
        x = standardized_columns(rows, scalings[0], part)
        target = torch.from_numpy(scalings[1].apply(rows.targets.block(part)))
        if corruption is not None:
            x = corruption.corrupt(x, generator)
        code = module.latent(module.parameters_of(x.float())).mean.double()
        error = target - code @ start.decoder
        if start.decoder_bias is not None:
            error = error - start.decoder_bias
        observed = ~torch.isnan(target)
        weight = torch.ones(len(x), dtype=torch.float64)
        if rows.weight is not None:
            weight = torch.from_numpy(rows.weight[part])
        total += weight @ torch.where(observed, error, 0.0).square()
        mass += weight @ observed.double()
    total, mass = rows.workers.sum(total), rows.workers.sum(mass)
    return (total / mass.clamp(min=1e-300)).sqrt()
