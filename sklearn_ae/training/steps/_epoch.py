"""Passes over the rows of one network, their steps recorded where they can be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from skorch.callbacks import Callback, PassthroughScoring
from torch import Generator

from sklearn_ae._compat import AdamW
from sklearn_ae.data import AnyBatch, Batch, RaggedBatch
from sklearn_ae.runtime import ALONE, Workers
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._objective import means_of
from sklearn_ae.training.steps._captured import Captured, program_maker, replaying
from sklearn_ae.training.steps._step import Step, Whole

# Packages whose modules do the same in each step.
_KNOWN = ("torch", "skorch", "sklearn_ae")
_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


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


class EpochRunner:
    """Runs passes over the rows of a network, with one synchronisation each.

    Parameters
    ----------
    net : AutoencoderNet
        The network, its optimizer being :class:`~sklearn_ae._compat.AdamW`.
    batches : BatchIterator
        Its training rows.
    noise : Generator
        Feeds corruption, codes and dropout.
    workers : Workers
        Processes that take the same steps on other rows.
    """

    def __init__(
        self,
        net: AutoencoderNet,
        batches: BatchIterator,
        noise: Generator,
        workers: Workers = ALONE,
    ) -> None:
        assert isinstance(net.optimizer_, AdamW)
        self.net = net
        self.batches = batches
        self.noise = noise
        self.update = net.optimizer_.update()
        self.whole = Whole(net.module_, net.criterion_)
        self.workers = workers
        self.step = Step(self.whole, self.update, workers)
        self.varying = _varying(self.whole)
        obstacle = self.varying or self._obstacle()
        batches.buffers = None if obstacle else {}
        maker = program_maker(noise, net.criterion_.loss.buffers())
        self.run_step = Captured(partial(self.step, generator=noise), obstacle, maker)
        self._printed = ""

    def _obstacle(self) -> str:
        """Return why a known step cannot be captured, or nothing if it can."""
        if isinstance(self.batches.dataset, RaggedBatch):
            return "rows differ in size"
        device = self.update.rates.device.type
        if self.workers.count > 1 and (device != "cpu" or not self.workers.recordable):
            return f"gradients are means over {self.workers.count} workers"
        if device not in ("cpu", "cuda"):
            return f"the device is {device}"
        return ""

    def train_epoch(self, rates: list[list[float]]) -> list[dict[str, float]]:
        """Run one pass over the rows; return the mean of each term, for this one network.

        Parameters
        ----------
        rates : list of list of float
            Learning rates of each batch, one for each group of parameters.
        """
        each = torch.tensor(rates, dtype=torch.float32).to(self.update.rates.device).unbind()
        for total in self.step.totals.values():
            total.zero_()
        self.net._set_training(True)
        programs = self.run_step.programs(self.batches.shapes)
        if programs is None:
            for rate, batch in zip(each, self.batches, strict=True):
                self.update.rates.copy_(rate)
                self.run_step.call(batch)()
        else:
            with replaying():
                for rate, batch in zip(each, self.batches, strict=True):
                    self.update.rates.copy_(rate)
                    for operation in programs[batch.x.shape]:
                        operation()
        self.net._set_training(False)
        self.print_obstacle(self.run_step.obstacle)
        return [self.workers.mean_terms(means_of(self.step.totals, len(self.batches)))]

    def resume(self, state: dict[str, Any]) -> None:
        """Record steps that another runner of the same network had recorded.

        Weights, moments and generators have to be put back behind it.
        """
        self.net._set_training(True)
        self.run_step.resume(state, self.batches)
        self.net._set_training(False)

    def end(self) -> None:
        """Let go of recorded steps and of the memory they are of."""
        self.run_step.close()
        del self.run_step  # which holds this object, and so the rows
        self.update.optimizer.release()

    def print_obstacle(self, obstacle: str) -> None:
        """Print why steps are not captured, once and only if `verbose` asks for it."""
        if self.net.verbose > 1 and obstacle != self._printed:
            self._printed = obstacle
            print(f"Steps are not captured: {obstacle}.")


def needs_batches(callback: Callback) -> bool:
    """Whether a callback takes part in each batch, or reads what is noted of each."""
    own = type(callback)
    hooked = any(getattr(own, hook) is not getattr(Callback, hook) for hook in _BATCH_HOOKS)
    return hooked or isinstance(callback, PassthroughScoring)


def _varying(whole: Whole) -> str:
    """Return why a step may do something else next time, or nothing if it may not."""
    for part in whole.modules():
        if type(part).__module__.split(".")[0] not in _KNOWN:
            return f"{type(part).__name__} may do something else in each step"
    return ""
