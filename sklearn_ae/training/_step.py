"""One training step as a pure function of parameters, state, batch and generator."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from sklearn_ae._compat import AdamWState, fused_adamw_, row_of, total_norm
from sklearn_ae.data import Batch
from sklearn_ae.inference import AutoencoderModule
from sklearn_ae.training._objective import Objective, Terms

Params = dict[str, Tensor]


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

    The call has no data-dependent Python and reads nothing back from the device.
    Parameters and moments are updated in place.

    Parameters
    ----------
    module : AutoencoderModule
        The network.
    objective : Objective
        Its loss.
    weight_decay : float
        Decoupled weight decay.
    """

    def __init__(
        self,
        module: AutoencoderModule,
        objective: Objective,
        weight_decay: float,
    ) -> None:
        self.whole = Whole(module, objective)
        self.weight_decay = weight_decay
        self.own: Params = dict(self.whole.named_parameters())

    def terms(self, params: Params, batch: Batch, generator: Generator) -> Terms:
        """Named terms of a batch under the given parameters."""
        if params is self.own:
            return self.whole(batch, generator)
        return functional_call(self.whole, params, (batch, generator))

    def __call__(
        self,
        params: Params,
        state: AdamWState,
        lr: Tensor,
        batch: Batch,
        generator: Generator,
    ) -> Terms:
        """Update parameters and state in place; return the detached terms."""
        terms = self.terms(params, batch, generator)
        leaves = list(params.values())
        total = reduce(torch.add, terms.values())
        with torch.no_grad():
            grads = [
                # The fused kernel reads memory in order, whatever the strides of a transpose.
                torch.zeros_like(leaf) if grad is None else grad.contiguous()
                for leaf, grad in zip(
                    leaves, torch.autograd.grad(total, leaves, allow_unused=True), strict=True
                )
            ]
            row = row_of(leaves)
            if row is not None:
                leaves, grads = [row], [torch.cat([grad.view(-1) for grad in grads])]
                state = state.in_a_row()
            divisor = torch.maximum(total_norm(grads), lr.new_ones(()))
            fused_adamw_(leaves, grads, state, lr, self.weight_decay, divisor)
        return {name: term.detach() for name, term in terms.items()}
