"""Parts of a code that fell dead: found, and brought back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from sklearn_ae.data import AnyBatch
from sklearn_ae.inference import AutoencoderModule, parameters_of
from sklearn_ae.training.callbacks._rate import LearningRate

# A unit whose activation varies less than this is dead.
_DEAD = 1e-6
# Rows that are looked at.
_ROWS = 2048


class DeadUnits:
    """Reinitialises units of the code that are the same in every row.

    It is called between a pass and its validation, where skorch has no hook.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks.
    rate : LearningRate
        Nothing is reinitialised while it falls.
    """

    def __init__(self, runs: list[Any], rate: LearningRate) -> None:
        self.runs = runs
        self.rate = rate

    def after_pass(self) -> None:
        """Between a pass over the training rows and their validation."""
        if self.rate.falls_next:
            return
        for run in self.runs:
            module = run.net.module_
            if run.units_may_die and not run.frozen.holds("encoder"):
                reinitialise(module, run.train, dead_units(module, run.train))
            if not run.frozen.holds("latent"):
                reinitialise_latent(module, run.train, run.noise)


@torch.no_grad()
def dead_units(module: AutoencoderModule, batch: AnyBatch) -> Tensor:
    """Return a mask of the units whose code is the same in every row."""
    codes = module.latent(parameters_of(module, batch.slice(0, _ROWS))).mean
    return codes.std(dim=0, unbiased=False) < _DEAD


@torch.no_grad()
def reinitialise(module: AutoencoderModule, batch: AnyBatch, dead: Tensor) -> None:
    """Give the encoder's output of dead units the mean and standard deviation of the others.

    Parameters
    ----------
    module : AutoencoderModule
        Changed in place.
    batch : Batch
        Rows that moments are taken over.
    dead : Tensor of shape (n_components,), bool
        The units.
    """
    if dead.all() or not dead.any():
        return
    output = parameters_of(module, batch.slice(0, _ROWS))
    mean, std = output.mean(dim=0), output.std(dim=0, unbiased=False)
    common_mean, common_std = mean[~dead].median(), std[~dead].median()
    scale = torch.where(dead, common_std / std.clamp(min=_DEAD), 1.0)
    # (output - shift) * scale has the common moments.
    shift = torch.where(dead, mean - common_mean / scale, 0.0)
    module.encoder.transform_output(torch.diag(scale), shift)


@torch.no_grad()
def reinitialise_latent(module: AutoencoderModule, batch: AnyBatch, generator: Generator) -> None:
    """Let the latent renew what no row has used, from what the encoder writes of some rows."""
    if module.latent.reads_outputs:
        output = parameters_of(module, batch.slice(0, _ROWS))
        module.latent.reinitialise(output, generator)
