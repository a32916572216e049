"""Networks of one shape, trained as one program over stacked parameters."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial, reduce
from itertools import chain
from typing import Any, cast

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, vmap

from sklearn_ae._compat import fused_adamw_
from sklearn_ae.data import Batch
from sklearn_ae.runtime import interrupts_held
from sklearn_ae.training.steps._captured import Captured, program_maker, replaying
from sklearn_ae.training.steps._epoch import EpochRunner

Named = dict[str, Tensor]
# Where torch keeps parameters, buffers, children and hooks of a module.
_TORCHS_OWN = set(vars(nn.Module())) - {"training"}


class Ensemble:
    """Networks that take their steps together.

    Weights, moments and buffers of the networks become slices of stacked tensors, so that
    each network still is what it was to everyone else. A step is one program for all.
    Networks that have more rows than others leave some out of each epoch, drawn anew.

    Parameters
    ----------
    runners : list of EpochRunner
        The networks, ready to train; see `together`.

    Attributes
    ----------
    noise : Generator
        Feeds the draws of all networks.
    run_step : Captured
        Runs a step of all networks.
    """

    def __init__(self, runners: list[EpochRunner]) -> None:
        self.runners = runners
        first = runners[0]
        self._whole = first.whole
        self.noise = Generator(first.noise.device).manual_seed(first.noise.initial_seed())
        self._rate = torch.zeros_like(first.update.rates[0])
        self._totals: Named = {}
        self._rows, parts = _stacked([list(runner.whole.parameters()) for runner in runners])
        names = (name for name, _ in first.whole.named_parameters())
        self._params: Named = dict(zip(names, parts, strict=True))
        self._buffers = _stacked_buffers(runners)
        moments = [_stacked([r.update.moments[i] for r in runners])[0] for i in range(2)]
        self._moments = list(zip(*moments, strict=True))
        self._stack_batches()
        maker = program_maker(self.noise, self._frozen())
        self.run_step = Captured(self._step, first.run_step.obstacle, maker)

    def train_epoch(self, rates: list[float]) -> list[dict[str, float]]:
        """Run one pass over the rows of each network; return the means of its terms.

        Parameters
        ----------
        rates : list of float
            Learning rate of each batch.
        """
        each = torch.tensor(rates, dtype=torch.float32).to(self._rate.device).unbind()
        for total in self._totals.values():
            total.zero_()
        for runner in self.runners:
            runner.net._set_training(True)
        programs = self.run_step.programs({stack.x.shape for stack in self._stacks.values()})
        with replaying() if programs else nullcontext():
            for rate, *batches in zip(each, *(r.batches for r in self.runners), strict=True):
                stack = self._stacks[batches[0].n_rows]
                for runner, batch in zip(self.runners, batches, strict=True):
                    buffer = _buffers(runner)[batch.n_rows]
                    if batch is not buffer:
                        batch.copied(buffer)
                self._rate.copy_(rate)
                if programs:
                    for operation in programs[stack.x.shape]:
                        operation()
                else:
                    self.run_step.call(stack)()
        for runner in self.runners:
            runner.net._set_training(False)
        self.runners[0].print_obstacle(self.run_step.obstacle)
        means = torch.stack(list(self._totals.values())) / len(rates)
        return [dict(zip(self._totals, own, strict=True)) for own in means.T.tolist()]

    def resume(self, state: dict[str, Any]) -> None:
        """Record steps that another ensemble of the same networks had recorded.

        Weights, moments and generators have to be put back behind it.
        """
        for runner in self.runners:
            runner.net._set_training(True)
        self.run_step.resume(state, self._stacks.values())
        for runner in self.runners:
            runner.net._set_training(False)

    def works(self) -> bool:
        """Whether torch can run the networks together: not all it does can be stacked."""
        before = {name: buffer.clone() for name, buffer in self._buffers.items()}
        batch = next(iter(self._stacks.values()))
        for runner in self.runners:
            runner.net._set_training(True)
        try:
            self.terms(self._params, batch, Generator(self._rate.device).manual_seed(0))
        except RuntimeError:
            return False
        finally:
            for runner in self.runners:
                runner.net._set_training(False)
            for name, buffer in before.items():
                self._buffers[name].copy_(buffer)
        return True

    def end(self) -> None:
        """Give each network memory of its own, and all of its rows."""
        self.run_step.close()
        del self.run_step  # which holds this object, and so the rows
        for runner in self.runners:
            runner.batches.limit(_rows(runner).n_rows)
            runner.batches.buffers = {}
            for tensor in (*runner.whole.parameters(), *runner.whole.buffers()):
                tensor.data = tensor.data.clone()
            runner.update.optimizer.release()

    def terms(self, params: Named, batch: Batch, noise: Generator) -> Named:
        """Terms of a stacked batch, of shape (n_nets,) each."""
        parts = batch.parts

        def of_one(params: Named, buffers: Named, parts: Named) -> Named:
            return functional_call(
                self._whole, params | buffers, (Batch(**parts), noise), tie_weights=False
            )

        with interrupts_held():
            return vmap(of_one, randomness="different")(params, self._buffers, parts)

    def _step(self, batch: Batch) -> None:
        """Run a step of all networks at the current rate, and add its terms up."""
        leaves = {name: p.detach().requires_grad_() for name, p in self._params.items()}
        terms = self.terms(leaves, batch, self.noise)
        total = reduce(torch.add, terms.values()).sum()
        grads = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        n = len(self.runners)
        with torch.no_grad():
            parts = [
                torch.zeros_like(leaf) if grad is None else grad
                for leaf, grad in zip(leaves.values(), grads, strict=True)
            ]
            rows = torch.cat([part.reshape(n, -1) for part in parts], dim=1)
            divisors = torch.linalg.vector_norm(rows, dim=1).clamp(min=1.0)
            for i, (first, second) in enumerate(self._moments):
                update = self.runners[i].update
                update.step.add_(1)
                decay = update.optimizer.param_groups[0]["weight_decay"]
                fused_adamw_(
                    [self._rows[i]],
                    [rows[i]],
                    [first],
                    [second],
                    update.step,
                    self._rate,
                    decay,
                    divisors[i],
                )
        for name, term in terms.items():
            if name not in self._totals:
                self._totals[name] = torch.zeros_like(term)
            self._totals[name].add_(term.detach())

    def _stack_batches(self) -> None:
        """Let batches of one size come to lie beside each other."""
        n_rows = min(_rows(runner).n_rows for runner in self.runners)
        for runner in self.runners:
            runner.batches.limit(n_rows)
            runner.batches.buffers = {}
        self._stacks: dict[int, Batch] = {}
        for size in self.runners[0].batches.sizes:
            stack = _stacked_batch([_rows(runner).slice(0, size) for runner in self.runners])
            for i, runner in enumerate(self.runners):
                _buffers(runner)[size] = stack.map(partial(torch.select, dim=0, index=i))
            self._stacks[size] = stack

    def _frozen(self) -> list[Tensor]:
        """Return stacked tensors that no step changes."""
        loss = dict(self.runners[0].net.criterion_.loss.named_buffers())
        return [self._buffers[f"objective.terms.reconstruction.loss.{name}"] for name in loss]


def together(runners: list[EpochRunner]) -> Ensemble | None:
    """Return the networks as an ensemble; None where they cannot take steps together.

    They can if they differ in nothing but numbers, and are small and fully connected.

    Parameters
    ----------
    runners : list of EpochRunner
        The networks, ready to train.
    """
    first, *others = runners
    if (
        not others
        or any(runner.varying for runner in runners)
        or not all(_stackable(runner) for runner in runners)
        or len({runner.batches.batch_size for runner in runners}) > 1
        or not all(_alike(_parts(first), _parts(runner)) for runner in others)
    ):
        return None
    ensemble = Ensemble(runners)
    if ensemble.works():
        return ensemble
    ensemble.end()
    return None


def _stackable(runner: EpochRunner) -> bool:
    """Whether a network's layers, rows and updates can be stacked with others'."""
    module = runner.net.module_
    return (
        isinstance(runner.batches.dataset, Batch)
        and all(coder.stackable for coder in (module.encoder, module.decoder))
        and runner.update.in_a_row
    )


def _parts(runner: EpochRunner) -> list[Any]:
    """What steps of a network depend on besides its numbers."""
    rows = _rows(runner)
    return [runner.whole, list(rows.parts), rows.x.shape[1:], rows.x.device]


def _alike(one: Any, other: Any) -> bool:
    """Whether two objects are the same but for the numbers of parameters and buffers."""
    if type(one) is not type(other):
        return False
    if isinstance(one, nn.Module):
        return _alike(_described(one), _described(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, (Tensor, np.ndarray)):
        return one.shape == other.shape and bool((one == other).all())
    if hasattr(one, "__dict__") and not isinstance(one, type) and not callable(one):
        return _alike(vars(one), vars(other))
    return bool(one == other)


def _described(module: nn.Module) -> dict[str, Any]:
    """What a module holds, with shapes in place of numbers."""
    held = {name: value for name, value in vars(module).items() if name not in _TORCHS_OWN}
    tensors = {
        name: (tensor.shape, tensor.dtype)
        for name, tensor in chain(module._parameters.items(), module._buffers.items())
        if tensor is not None and tensor.is_floating_point()
    }
    others = {
        name: tensor
        for name, tensor in module._buffers.items()
        if tensor is None or not tensor.is_floating_point()
    }
    children = dict(module.named_children())
    return {"held": held, "tensors": tensors, "others": others, "children": children}


def _rows(runner: EpochRunner) -> Batch:
    return cast(Batch, runner.batches.dataset)


def _buffers(runner: EpochRunner) -> dict[int, Batch]:
    return cast(dict[int, Batch], runner.batches.buffers)


def _stacked_batch(batches: list[Batch]) -> Batch:
    parts = [batch.parts for batch in batches]
    return Batch(**{name: torch.stack([part[name] for part in parts]) for name in parts[0]})


@torch.no_grad()
def _stacked(tensors: list[list[Tensor]]) -> tuple[Tensor, list[Tensor]]:
    """Move tensors of several networks, a list each, into one row a network.

    Returns
    -------
    rows : Tensor of shape (n_nets, n)
        The rows.
    parts : list of Tensor of shape (n_nets, ...)
        Each tensor of the networks, stacked; a view of the rows.
    """
    rows = torch.stack([torch.cat([t.detach().reshape(-1) for t in row]) for row in tensors])
    sizes = [t.numel() for t in tensors[0]]
    for row, own in zip(rows, tensors, strict=True):
        for tensor, part in zip(own, row.split(sizes), strict=True):
            tensor.data = part.view(tensor.shape)
    parts = rows.split(sizes, dim=1)
    return rows, [
        part.unflatten(1, t.shape) if t.ndim else part[:, 0]
        for part, t in zip(parts, tensors[0], strict=True)
    ]


@torch.no_grad()
def _stacked_buffers(runners: list[EpochRunner]) -> Named:
    """Stack the buffers of several networks, by their names."""
    found: Named = {}
    each = [dict(runner.whole.named_buffers()) for runner in runners]
    for name, tensor in each[0].items():
        if tensor.is_floating_point():
            found[name] = torch.stack([buffers[name] for buffers in each])
            for buffers, part in zip(each, found[name], strict=True):
                buffers[name].data = part
    return found
