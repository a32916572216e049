"""One training step as a pure function of parameters, state, batch and generator."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import reduce

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from sklearn_ae._compat import AdamWState, fused_adamw_, row_of, total_norm
from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import Batch
from sklearn_ae.latents import Code
from sklearn_ae.losses import CellLoss
from sklearn_ae.penalties import PenaltyTerm
from sklearn_ae.training._module import AutoencoderModule

# Draws of the corruption or the code over which a held-out row's loss is averaged, at most.
_MOST_DRAWS = 8

Params = dict[str, Tensor]
Terms = dict[str, Tensor]


class Objective(nn.Module):
    """The loss of a batch, as named terms that add up; skorch's criterion.

    Parameters
    ----------
    loss : CellLoss
        Cost of a cell.
    corruption : Corruption or None
        What is done to the encoder's input in training.
    penalties : dict of str to PenaltyTerm
        Further terms, by name.
    validated : collection of str
        The terms by which held-out rows are validated, too.
    validate_corrupted : bool
        Whether held-out rows are corrupted before they are validated.
    augmentation : callable, optional
        Moves the rows of a training batch, and what they are compared with.
    """

    def __init__(
        self,
        loss: CellLoss,
        corruption: Corruption | None,
        penalties: dict[str, PenaltyTerm],
        validated: Collection[str] = (),
        validate_corrupted: bool = False,
        augmentation: Callable[[Batch, Generator], Batch] | None = None,
    ) -> None:
        super().__init__()
        self.augmentation = augmentation
        self.loss = loss
        self.corruption = corruption
        self.penalties = nn.ModuleDict(penalties)
        self.validated = frozenset(validated)
        self.validate_corrupted = validate_corrupted
        # A nat counts as much as a nat of the loss, which is a mean over columns.
        self.divergence_weight = 1 / max(1, int((loss.weight > 0).sum()))

    def rows(self, output: Tensor, batch: Batch) -> Tensor:
        """Reconstruction loss of each row."""
        target = batch.x if batch.target is None else batch.target
        if batch.mask is None and target.ndim == 2:
            return self.loss.rows(output, target)
        if batch.mask is None:
            cells = self.loss(output, target)
        else:  # what was not observed must not reach a gradient as NaN
            cells = self.loss(output, torch.where(batch.mask, target, 0.0))
            cells = torch.where(batch.mask, cells, 0.0)
        if target.ndim == 2:
            return cells.sum(dim=-1)
        return cells.flatten(1).sum(dim=1) / self._positions(batch)

    @staticmethod
    def _positions(batch: Batch) -> Tensor | float:
        """Number of pixels or observed steps of each row whose size is its own."""
        if batch.x.ndim == 2:
            return 1.0
        if batch.mask is None:
            return float(batch.x[0, ..., 0].numel())
        return batch.mask.flatten(1).sum(dim=1).clamp(min=1) / batch.mask.shape[-1]

    def terms(self, module: AutoencoderModule, batch: Batch, generator: Generator) -> Terms:
        """Named terms of a training batch."""
        if self.augmentation is not None:
            batch = self.augmentation(batch, generator)
        x = batch.x
        if self.corruption is not None and batch.target is None:
            x = self._corrupted(batch, generator)
        result = module(x, generator, batch.condition, batch.extent)
        terms = {"reconstruction": _mean(self.rows(result.output, batch), batch.weight)}
        if result.code.divergence is not None:
            divergence = result.code.divergence / self._positions(batch)
            terms["divergence"] = _mean(divergence, batch.weight) * self.divergence_weight
        for name, penalty in self.penalties.items():
            terms[name] = penalty(module, batch, result.code, generator)
        return terms

    @torch.no_grad()
    def validate(self, module: AutoencoderModule, batch: Batch, generator: Generator) -> Tensor:
        """Loss of each held-out row, with the terms that depend on rows.

        Parameters
        ----------
        module : AutoencoderModule
            The network.
        batch : Batch
            Held-out rows.
        generator : Generator
            Feeds corruption and codes that are drawn. Seeded alike, it makes two
            judgements comparable.
        """
        corrupted = self.validate_corrupted and self.corruption is not None and batch.target is None
        n_draws = module.latent.n_draws or (max(1, 2000 // batch.n_rows) if corrupted else 1)
        total = batch.x.new_zeros(batch.n_rows)
        for _ in range(min(n_draws, _MOST_DRAWS)):
            x = batch.x
            if corrupted:
                x = self._corrupted(batch, generator)
            code = self._code(module, x, batch, generator)
            output = module.decode(code.sample, batch.condition, batch.extent)
            total = total + self.rows(output, batch)
            if code.divergence is not None:
                share = self.divergence_weight / self._positions(batch)
                total = total + code.divergence * share
        total = total / min(n_draws, _MOST_DRAWS)
        if self.validated:
            code = module.latent(module.parameters_of(batch.x, batch.condition))
            for name in sorted(self.validated):
                total = total + self.penalties[name](module, batch, code, None)
        return total

    def _corrupted(self, batch: Batch, generator: Generator) -> Tensor:
        """Return corrupted rows; what was not observed stays so."""
        assert self.corruption is not None
        x = self.corruption.corrupt(batch.x, generator)
        return x if batch.mask is None else torch.where(torch.isnan(batch.x), torch.nan, x)

    def _code(
        self, module: AutoencoderModule, x: Tensor, batch: Batch, generator: Generator
    ) -> Code:
        output = module.parameters_of(x, batch.condition)
        if not module.latent.n_draws:
            return module.latent(output)
        width = module.latent(output[:1]).mean.shape[1]
        noise = output.new_empty(len(x), width).normal_(generator=generator)
        return module.latent.draw(output, noise)


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    share = 1 / values.shape[0]
    return torch.dot(values, torch.full_like(values, share) if weight is None else weight * share)


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
        self.module = module
        self.objective = objective
        self.weight_decay = weight_decay
        self.own: Params = dict(module.named_parameters())

    def terms(self, params: Params, batch: Batch, generator: Generator) -> Terms:
        """Named terms of a batch under the given parameters."""
        if params is self.own:
            return self.objective.terms(self.module, batch, generator)
        call = TermsOf(self.module, self.objective)
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


class TermsOf(nn.Module):
    """Lets `functional_call` reach the network through its objective."""

    def __init__(self, module: AutoencoderModule, objective: Objective) -> None:
        super().__init__()
        self.module = module
        self._objective = objective

    def forward(self, batch: Batch, generator: Generator) -> Terms:
        return self._objective.terms(self.module, batch, generator)
