"""The loss of a batch, as named terms that add up."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import Batch
from sklearn_ae.inference import AutoencoderModule
from sklearn_ae.losses import CellLoss
from sklearn_ae.terms import Forward, Term, batch_mean, positions

# Draws of the corruption or the code over which a held-out row's loss is averaged, at most.
_MOST_DRAWS = 8

Terms = dict[str, Tensor]


class Reconstruction(Term):
    """What reconstructions of rows cost.

    Parameters
    ----------
    loss : CellLoss
        Cost of a cell.
    """

    per_row = True

    def __init__(self, loss: CellLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        target = batch.x if batch.target is None else batch.target
        if batch.mask is None and target.ndim == 2:
            return self.loss.rows(result.output, target)
        if batch.mask is None:
            cells = self.loss(result.output, target)
        else:  # what was not observed must not reach a gradient as NaN
            cells = self.loss(result.output, torch.where(batch.mask, target, 0.0))
            cells = torch.where(batch.mask, cells, 0.0)
        if target.ndim == 2:
            return cells.sum(dim=-1)
        return cells.flatten(1).sum(dim=1) / positions(batch)


class Objective(nn.Module):
    """The loss of a batch, as named terms that add up; skorch's criterion.

    Parameters
    ----------
    loss : CellLoss
        Cost of a cell, whose mean over rows is the term "reconstruction".
    corruption : Corruption or None
        What is done to the encoder's input in training.
    further : dict of str to Term
        The other terms, by name.
    validate_corrupted : bool
        Whether held-out rows are corrupted before they are validated.
    augmentation : callable, optional
        Moves the rows of a training batch, and what they are compared with.
    """

    def __init__(
        self,
        loss: CellLoss,
        corruption: Corruption | None,
        further: dict[str, Term],
        validate_corrupted: bool = False,
        augmentation: Callable[[Batch, Generator], Batch] | None = None,
    ) -> None:
        super().__init__()
        self.augmentation = augmentation
        self.corruption = corruption
        self.terms = nn.ModuleDict({"reconstruction": Reconstruction(loss), **further})
        for term in further.values():
            term.bind(self.terms["reconstruction"])  # type: ignore[arg-type]
        self.validate_corrupted = validate_corrupted
        # A nat counts as much as a nat of the loss, which is a mean over columns.
        self.nat = 1 / max(1, int((loss.weight > 0).sum()))
        late = {name: torch.tensor(0.0) for name, term in further.items() if term.begin > 0}
        for name, factor in late.items():
            self.register_buffer(f"factor_{name}", factor, persistent=False)
        self.late = list(late)

    @property
    def loss(self) -> CellLoss:
        """Cost of a cell."""
        return self.terms["reconstruction"].loss  # type: ignore[return-value]

    def reset(self, generator: Generator) -> None:
        """Draw the terms' initial weights."""
        for _, term in self.named_terms():
            term.reset(generator)

    def set_epoch(self, epoch: int) -> None:
        """Take the number of epochs that are done: terms that begin later are 0."""
        for name in self.late:
            begin = self.terms[name].begin
            getattr(self, f"factor_{name}").fill_(float(epoch >= begin))  # type: ignore[operator]

    def named_terms(self) -> list[tuple[str, Term]]:
        """Return the terms with their names."""
        return list(self.terms.items())  # type: ignore[arg-type]

    def forward(
        self, module: AutoencoderModule, batch: Batch, generator: Generator
    ) -> tuple[Terms, Forward]:
        """Return the named terms of a training batch, and the pass that they are of."""
        if self.augmentation is not None:
            batch = self.augmentation(batch, generator)
        x = batch.x
        if self.corruption is not None and batch.target is None:
            x = self._corrupted(batch, generator)
        result = module(x, generator, batch.condition, batch.extent)
        terms = {}
        for name, term in self.named_terms():
            cost = term(module, batch, result, generator)
            terms[name] = self._counted(
                name, term, batch_mean(cost, batch.weight) if term.per_row else cost
            )
        return terms, result

    @torch.no_grad()
    def validate(self, module: AutoencoderModule, batch: Batch, generator: Generator) -> Tensor:
        """Loss of each held-out row, by the terms that are validated.

        Parameters
        ----------
        module : AutoencoderModule
            The network.
        batch : Batch
            Held-out rows.
        generator : Generator
            Feeds corruption and codes that are drawn. Seeded alike, it makes two
            validations comparable.
        """
        corrupted = self.validate_corrupted and self.corruption is not None and batch.target is None
        n_draws = module.latent.n_draws or (max(1, 2000 // batch.n_rows) if corrupted else 1)
        n_draws = min(n_draws, _MOST_DRAWS)
        terms = [(name, term) for name, term in self.named_terms() if term.validated]
        total = batch.x.new_zeros(batch.n_rows)
        for _ in range(n_draws):
            x = self._corrupted(batch, generator) if corrupted else batch.x
            code = module.latent.drawn(module.parameters_of(x, batch.condition), generator)
            output = module.decode(code.sample, batch.condition, batch.extent)
            result = Forward(output, code)
            costs = [(n, t, t(module, batch, result, None)) for n, t in terms if t.per_row]
            total = reduce(torch.add, (self._counted(*cost) for cost in costs), total)
        total = total / n_draws
        of_batch = [(name, term) for name, term in terms if not term.per_row]
        if of_batch:
            code = module.latent(module.parameters_of(batch.x, batch.condition))
            result = Forward(output, code)
            for name, term in of_batch:
                cost = _by_row(term, module, batch, result)
                total = total + self._counted(name, term, cost)
        return total

    def _counted(self, name: str, term: Term, cost: Tensor) -> Tensor:
        """Return a cost in the units of the objective, or 0 before the term begins."""
        if term.in_nats:
            cost = cost * self.nat
        return cost * getattr(self, f"factor_{name}") if name in self.late else cost

    def _corrupted(self, batch: Batch, generator: Generator) -> Tensor:
        """Return corrupted rows; what was not observed stays so."""
        assert self.corruption is not None
        x = self.corruption.corrupt(batch.x, generator)
        return x if batch.mask is None else torch.where(torch.isnan(batch.x), torch.nan, x)


def _by_row(term: Term, module: AutoencoderModule, batch: Batch, result: Forward) -> Tensor:
    """Return what each row has to do with a term of the batch, the term being the mean.

    It is the infinitesimal jackknife: the term plus its derivative in the row's weight (Efron,
    1982, doi:10.1137/1.9781611970319). A term that does not read weights is the same for all.
    """
    weight = batch.x.new_ones(len(batch)) if batch.weight is None else batch.weight.clone()
    trained = [p for p in (*module.parameters(), *term.parameters()) if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        with torch.enable_grad():
            cost = term(module, batch.replace(weight=weight.requires_grad_()), result, None)
        slope = None
        if cost.requires_grad:
            [slope] = torch.autograd.grad(cost, weight, allow_unused=True)
    finally:
        for parameter in trained:
            parameter.requires_grad_()
    cost = cost.detach().expand(len(batch))
    return cost if slope is None else cost + weight.detach().sum() * slope


def term_weights(objective: Objective) -> dict[str, NDArray]:
    """Return what terms have learned, by name."""
    return {name: p.detach().cpu().numpy().copy() for name, p in objective.named_parameters()}


@torch.no_grad()
def adopt_terms(objective: Objective, weights: dict[str, NDArray]) -> None:
    """Copy in what terms of the same names and shapes have learned."""
    for name, parameter in objective.named_parameters():
        value = weights.get(name)
        if value is not None and value.shape == parameter.shape:
            parameter.copy_(torch.from_numpy(value))


def add_terms(totals: Terms, terms: Terms) -> None:
    """Add the terms of a batch up."""
    for name, term in terms.items():
        if name not in totals:
            totals[name] = torch.zeros_like(term)
        totals[name].add_(term)


def means_of(totals: Terms, n_batches: int) -> dict[str, float]:
    """Return the mean of each term over batches, by one synchronisation."""
    means = torch.stack(list(totals.values())) / n_batches
    return dict(zip(totals, means.tolist(), strict=True))
