"""The closed-form solution, put into a network."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.starts import LinearStart, standardized_columns
from sklearn_ae.training._module import AutoencoderModule
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._recipe import Composition, Recipe
from sklearn_ae.training._seeds import Seeds


def set_start(
    net: AutoencoderNet,
    composition: Composition,
    rows: Rows,
    scalings: tuple[ColumnScaling, ColumnScaling],
    recipe: Recipe,
    seeds: Seeds,
    stream: tuple[str | int, ...],
) -> None:
    """Draw initial weights on the CPU, put the start in, and move both to the device.

    Parameters
    ----------
    net : AutoencoderNet
        Changed in place.
    composition : Composition
        Gives the start, if there is one, and the loss that reads the decoder.
    rows : Rows
        Training rows, on which the start is solved.
    scalings : pair of ColumnScaling
        Column scales of the rows and of what reconstructions are compared with.
    recipe : Recipe
        Gives the width of the code and the device.
    seeds : Seeds
        Feeds the draws.
    stream : tuple of str or int
        Name of the random streams.
    """
    module: AutoencoderModule = net.module_.to("cpu")
    generator = seeds.torch("weights", *stream)
    module.encoder.reset(generator)
    module.decoder.reset(generator)
    if composition.start is not None:
        generator = seeds.torch("start", *stream)
        start = composition.start.solve(rows, *scalings, recipe.n_components, generator)
        bias = start.encoder_bias
        n_holes = 0 if module.holes is None else len(module.holes)
        holes = start.encoder.new_zeros(n_holes, start.encoder.shape[1])
        into = torch.cat([start.encoder, holes])
        module.encoder.set_linear(into.float(), None if bias is None else bias.float())
        module.encoder.set_units(start.decoder)
        if start.noise is None and composition.loss.n_parameters > 1:
            corruption = None if rows.target is not None else net.criterion_.corruption
            noise = _noise(module, start, rows, scalings, corruption, generator)
            start = start._replace(noise=noise)
        weight, bias = composition.loss.outputs(start)
        module.decoder.set_linear(weight.float(), None if bias is None else bias.float())
    module.to(recipe.device)


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
    return (total / mass.clamp(min=1e-300)).sqrt()
