"""The skorch net: modules, optimizer, callbacks and history; batches are ours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from torch import Generator, Tensor

from sklearn_ae._compat import AdamWState, lay_in_a_row
from sklearn_ae.data import AnyBatch, Batch, RaggedBatch
from sklearn_ae.training._capture import Captured, program_maker, replaying
from sklearn_ae.training._module import parameters_of
from sklearn_ae.training._step import Step
from sklearn_ae.training._training_range import TrainingRange

# Cells of one block of held-out rows.
_VALIDATION_CELLS = 2**20
# Packages whose modules do the same in each step.
_KNOWN = ("torch", "skorch", "sklearn_ae")
_WHILE_TRAINING = ("batches_", "noise_", "step_", "moments_", "rate_", "totals_", "run_step_")
_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


def state_tensors(module: torch.nn.Module) -> list[Tensor]:
    """Return what a module has learned: parameters, and buffers that are kept."""
    kept = module.state_dict(keep_vars=True)
    buffers = [b for name, b in module.named_buffers() if name in kept]
    return [*module.parameters(), *buffers]


@torch.no_grad()
def set_state_tensors(module: torch.nn.Module, values: list[Tensor]) -> None:
    """Copy in what a module has learned."""
    for tensor, value in zip(state_tensors(module), values, strict=True):
        tensor.copy_(value)


class BatchIterator:
    """Shuffled batches of rows that already are on their device.

    With `buffers`, a batch lies where the last one of its size lay, so it must be done with
    by then.

    Parameters
    ----------
    dataset : AnyBatch
        The training rows.
    batch_size : int
        Largest batch.
    generator : Generator
        Feeds the order, on the CPU, so that every device sees the same one.
    """

    def __init__(self, dataset: AnyBatch, batch_size: int, generator: Generator) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator
        self.n_batches = dataset.n_batches(batch_size)
        self.n_rows = dataset.n_rows
        # The order of an epoch, where rows are alike.
        alike = isinstance(dataset, Batch)
        self.order = torch.empty(dataset.n_rows, dtype=torch.int32) if alike else None
        self.buffers: dict[int, Batch] | None = None

    def __len__(self) -> int:
        return self.n_batches

    def limit(self, n_rows: int) -> None:
        """Draw only so many rows for each epoch, of rows that are alike."""
        self.n_rows = n_rows
        self.n_batches = max(1, math.ceil(n_rows / self.batch_size))

    @property
    def sizes(self) -> set[int]:
        """Numbers of rows that batches have, where rows are alike."""
        least, rest = divmod(self.n_rows, self.n_batches)
        return {least, least + 1} if rest else {least}

    @property
    def shapes(self) -> set[torch.Size]:
        """Shapes that batches have, where rows are alike."""
        return {torch.Size((size, *self.dataset.x.shape[1:])) for size in self.sizes}

    def __iter__(self) -> Iterator[Batch]:
        if not isinstance(self.dataset, Batch):
            return self.dataset.batches(self.batch_size, self.generator, self.buffers)
        return self.dataset.batches(
            self.batch_size, self.generator, self.buffers, self.n_rows, self.order
        )


class AutoencoderNet(NeuralNet):
    """A skorch net whose epoch runs without Python work per row and one synchronisation.

    skorch builds the module (`module`), the objective (`criterion`) and the optimizer,
    calls the callbacks and keeps the history. An epoch is one pass of the pure step
    over device batches; the step is captured where it can be.
    """

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [("epoch_timer", EpochTimer())]

    def begin(self, batches: BatchIterator, noise: Generator) -> None:
        """Get ready to train on some batches; moments start at zero if there are none."""
        self.batches_ = batches
        self.noise_ = noise
        group = self.optimizer_.param_groups[0]
        self.step_ = Step(self.module_, self.criterion_, group["weight_decay"])
        self.moments_ = _moments(self.optimizer_)
        self.rate_ = torch.zeros((), device=batches.dataset.x.device)
        self.totals_: dict[str, Tensor] = {}
        self.per_batch_ = any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for _, callback in self.callbacks_
            for hook in _BATCH_HOOKS
        )
        self.varying_ = self._varying()
        obstacle = self.varying_ or self._obstacle()
        batches.buffers = None if obstacle else {}
        maker = program_maker(noise, self.criterion_.loss.buffers())
        self.run_step_ = Captured(self._run_step, obstacle, maker)
        self.said_ = ""

    def end(self) -> None:
        """Let go of the rows and of what training needed besides the weights."""
        if "run_step_" in self.__dict__:
            self.run_step_.close()
        for name in _WHILE_TRAINING:
            self.__dict__.pop(name, None)
        # Products round by where their factors lie; here they lie as after loading.
        for parameter in self.module_.parameters():
            parameter.data = parameter.data.clone(memory_format=torch.contiguous_format)

    def _varying(self) -> str:
        """Say why a step may do something else next time, or nothing if it may not."""
        if self.per_batch_:
            return "a callback is called for each batch"
        for part in (*self.module_.modules(), *self.criterion_.modules()):
            if type(part).__module__.split(".")[0] not in _KNOWN:
                return f"{type(part).__name__} may do something else in each step"
        return ""

    def _obstacle(self) -> str:
        """Say why a known step cannot be captured, or nothing if it can."""
        if isinstance(self.batches_.dataset, RaggedBatch):
            return "rows differ in size"
        if self.rate_.device.type not in ("cpu", "cuda"):
            return f"the device is {self.rate_.device.type}"
        return ""

    def _run_step(self, batch: Batch) -> None:
        """Run a step at the current rate, and add its terms up."""
        terms = self.step_(self.step_.own, self.moments_, self.rate_, batch, self.noise_)
        for name, term in terms.items():
            if name not in self.totals_:
                self.totals_[name] = torch.zeros_like(term)
            self.totals_[name].add_(term)

    def train_epoch(self, rates: list[float]) -> dict[str, float]:
        """Run one pass over the rows; return the mean of each term.

        Parameters
        ----------
        rates : list of float
            Learning rate of each batch.
        """
        self._set_training(True)
        each = torch.tensor(rates, dtype=torch.float32).to(self.rate_.device).unbind()
        for total in self.totals_.values():
            total.zero_()
        run = self._run_watched if self.per_batch_ else self.run_step_
        programs = self.run_step_.programs(self.batches_.shapes)
        if programs is None:
            for rate, batch in zip(each, self.batches_, strict=True):
                self.rate_.copy_(rate)
                run(batch)
        else:
            with replaying():
                for rate, batch in zip(each, self.batches_, strict=True):
                    self.rate_.copy_(rate)
                    for operation in programs[batch.x.shape]:
                        operation()
        self._set_training(False)
        self.optimizer_.param_groups[0]["lr"] = rates[-1]
        self.say(self.run_step_.obstacle)
        means = torch.stack(list(self.totals_.values())) / len(self.batches_)
        return dict(zip(self.totals_, means.tolist(), strict=True))

    def say(self, obstacle: str) -> None:
        """Print why steps are not captured, once and only if `verbose` asks for it."""
        if self.verbose > 1 and obstacle != self.said_:
            self.said_ = obstacle
            print(f"Steps are not captured: {obstacle}.")

    def _run_watched(self, batch: Batch) -> None:
        """Run a step between the calls of callbacks."""
        before = sum(self.totals_.values())
        self.notify("on_batch_begin", batch=batch, training=True)
        self._run_step(batch)
        self.history.record_batch("train_batch_size", batch.n_rows)
        loss = sum(self.totals_.values()) - before
        self.notify("on_batch_end", batch=batch, training=True, loss=loss)

    def row_losses(self, batch: AnyBatch, training_range: TrainingRange | None = None) -> Tensor:
        """Loss of each row by which networks are validated: of its part in the training_range."""
        out = batch.x.new_empty(batch.n_rows)
        for index, losses in self._block_losses(batch, training_range):
            out[index] = losses
        return out

    def mean_loss(self, batch: AnyBatch) -> float:
        """Mean over rows of their loss times their weight, a block at a time."""
        total = 0.0
        for index, losses in self._block_losses(batch):
            weighted = losses if batch.weight is None else losses * batch.weight[index]
            total += float(weighted.sum(dtype=torch.float64))
        return total / batch.n_rows

    def _block_losses(
        self, batch: AnyBatch, training_range: TrainingRange | None = None
    ) -> Iterator[tuple[Any, Tensor]]:
        """Yield positions of rows, and their losses."""
        generator = Generator(batch.x.device).manual_seed(0)
        for index, part in batch.blocks(_VALIDATION_CELLS):
            if training_range is not None:
                part = part._replace(x=training_range.inside(part.x))
            yield index, self.criterion_.validate(self.module_, part, generator)

    def measures(self, batch: AnyBatch) -> dict[str, float]:
        """Named quantities of the code of a few rows, if the latent has any."""
        if not self.module_.latent.measured:
            return {}
        return self.module_.latent.measures(parameters_of(self.module_, batch))

    def weights(self) -> list[Tensor]:
        """Copies of the weights and of running moments."""
        return [t.detach().clone() for t in state_tensors(self.module_)]

    def set_weights(self, weights: list[Tensor]) -> None:
        """Copy weights in."""
        set_state_tensors(self.module_, weights)

    def snapshot(self) -> tuple[list[Tensor], dict]:
        """Copies of the weights and of the optimizer's moments."""
        moments = {
            parameter: {name: value.clone() for name, value in state.items()}
            for parameter, state in self.optimizer_.state.items()
        }
        return self.weights(), moments

    def restore(self, weights: list[Tensor], moments: dict) -> None:
        """Go back to a snapshot."""
        self.set_weights(weights)
        self.optimizer_.state.clear()
        self.optimizer_.state.update(moments)

    @torch.no_grad()
    def forget_moments(self) -> None:
        """Start the optimizer anew."""
        self.moments_.zero_()


def _moments(optimizer: torch.optim.Optimizer) -> AdamWState:
    """Moments as the optimizer keeps them, so that its state_dict stays true."""
    params = optimizer.param_groups[0]["params"]
    step = optimizer.state[params[0]].get("step", torch.zeros((), device=params[0].device))
    for p in params:
        if not optimizer.state[p]:
            optimizer.state[p] |= {
                "exp_avg": torch.zeros_like(p),
                "exp_avg_sq": torch.zeros_like(p),
            }
        optimizer.state[p]["step"] = step
    states = [optimizer.state[p] for p in params]
    moments = AdamWState([s["exp_avg"] for s in states], [s["exp_avg_sq"] for s in states], step)
    # So that an update is one operation.
    for tensors in (params, moments.exp_avgs, moments.exp_avg_sqs):
        lay_in_a_row(tensors)
    return moments
