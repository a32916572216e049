"""One training step as a function of a batch, without Python that depends on data."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Generator, Tensor, nn

from sklearn_ae._compat import AdamWUpdate
from sklearn_ae.data import Batch
from sklearn_ae.inference import AutoencoderModule
from sklearn_ae.runtime import ALONE, Workers
from sklearn_ae.training._objective import Objective, Terms, add_terms


class Whole(nn.Module):
    """Network and objective as one module, so that both can be called with given weights.

    Parameters
    ----------
    module : AutoencoderModule
        The network.
    objective : Objective
        Its loss.
    """

    def __init__(self, module: AutoencoderModule, objective: Objective) -> None:
        super().__init__()
        self.module = module
        self.objective = objective

    def forward(self, batch: Batch, generator: Generator) -> Terms:
        """Return the named terms of a batch."""
        return self.objective(self.module, batch, generator)[0]


class Step:
    """Forward, backward, clipping to a norm of 1 and the AdamW update.

    The call has no data-dependent Python and reads nothing back from the device. Parameters
    and moments are updated in place, at the rates that the update holds.

    Parameters
    ----------
    whole : Whole
        The network and its loss.
    update : AdamWUpdate
        Updates the parameters that are trained.
    workers : Workers
        Processes whose gradients are averaged.
    """

    def __init__(self, whole: Whole, update: AdamWUpdate, workers: Workers = ALONE) -> None:
        self.whole = whole
        self.workers = workers
        self.update = update
        self.totals: Terms = {}

    def __call__(self, batch: Batch, generator: Generator) -> Terms:
        """Update by a batch; return the detached terms, which are added up too."""
        terms = self.whole(batch, generator)
        total: Tensor = reduce(torch.add, terms.values())
        leaves = self.update.leaves
        with torch.no_grad():
            if leaves:
                grads = torch.autograd.grad(total, leaves, allow_unused=True)
                self.update(self.workers.mean_gradients(grads))
        terms = {name: term.detach() for name, term in terms.items()}
        add_terms(self.totals, terms)
        return terms
