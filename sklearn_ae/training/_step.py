"""One training step as a pure function of parameters, state, batch and generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from sklearn_ae._compat import AdamWState, clip_, fused_adamw_
from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import Batch
from sklearn_ae.losses import Loss
from sklearn_ae.penalties import Penalty
from sklearn_ae.training._module import AutoencoderModule, Forward

Params = dict[str, Tensor]
Terms = dict[str, Tensor]


class Objective(nn.Module):
    """The loss of a batch, as named terms that add up; skorch's criterion.

    Parameters
    ----------
    loss : Loss
        Cost of a cell.
    column_weights : Tensor of shape (n_features,)
        Weight of each column.
    corruption : Corruption or None
        What is done to the encoder's input in training.
    penalties : sequence of Penalty
        Further terms.
    """

    def __init__(
        self,
        loss: Loss,
        column_weights: Tensor,
        corruption: Corruption | None,
        penalties: Sequence[Penalty],
    ) -> None:
        super().__init__()
        self.column_weights: Tensor
        self.loss = loss
        self.register_buffer("column_weights", column_weights)
        self.corruption = corruption
        self.penalties = penalties

    def rows(self, result: Forward, batch: Batch) -> Tensor:
        """Reconstruction loss of each row."""
        target = batch.x if batch.target is None else batch.target
        cells = self.loss.cells(result.output, target) * self.column_weights
        if batch.mask is not None:
            cells = torch.where(batch.mask, cells, 0.0)
        return cells.sum(dim=1)

    def terms(self, module: AutoencoderModule, batch: Batch, generator: Generator) -> Terms:
        """Named terms of a training batch."""
        x = batch.x if self.corruption is None else self.corruption.corrupt(batch.x, generator)
        result = module(x, generator)
        terms = {"reconstruction": _mean(self.rows(result, batch), batch.weight)}
        if result.code.divergence is not None:
            terms["divergence"] = _mean(result.code.divergence, batch.weight)
        for penalty in self.penalties:
            terms[penalty.name] = penalty.term(module, batch, result.code)
        return terms


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    return (values if weight is None else values * weight).mean()


class Step:
    """Forward, backward, clipping and the AdamW update.

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
    max_norm : float
        Gradients are scaled down to this Euclidean norm.
    """

    def __init__(
        self,
        module: AutoencoderModule,
        objective: Objective,
        weight_decay: float,
        max_norm: float = 1.0,
    ) -> None:
        self.module = module
        self.objective = objective
        self.weight_decay = weight_decay
        self.max_norm = max_norm
        self.own: Params = dict(module.named_parameters())

    def terms(self, params: Params, batch: Batch, generator: Generator) -> Terms:
        """Named terms of a batch under the given parameters."""
        if params is self.own:
            return self.objective.terms(self.module, batch, generator)
        call = _TermsOf(self.module, self.objective)
        renamed = {f"module.{name}": value for name, value in params.items()}
        return functional_call(call, renamed, (batch, generator))

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
        total = torch.stack(tuple(terms.values())).sum()
        with torch.no_grad():
            grads = [
                torch.zeros_like(leaf) if grad is None else grad
                for leaf, grad in zip(
                    leaves, torch.autograd.grad(total, leaves, allow_unused=True), strict=True
                )
            ]
            clip_(grads, self.max_norm)
            fused_adamw_(leaves, grads, state, lr, self.weight_decay)
        return {name: term.detach() for name, term in terms.items()}


class _TermsOf(nn.Module):
    """Lets `functional_call` reach the network through its objective."""

    def __init__(self, module: AutoencoderModule, objective: Objective) -> None:
        super().__init__()
        self.module = module
        self._objective = objective

    def forward(self, batch: Batch, generator: Generator) -> Terms:
        return self._objective.terms(self.module, batch, generator)
