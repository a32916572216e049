"""A network with the rows it is trained on and those it is validated on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn import Parameter

from sklearn_ae._compat import AdamW, total_norm
from sklearn_ae.data import AnyBatch, Batch, LazyBatch
from sklearn_ae.inference import TrainingRange, parameters_of, state_tensors
from sklearn_ae.runtime import ALONE, Workers
from sklearn_ae.training._frozen import Frozen
from sklearn_ae.training._net import AutoencoderNet, paired
from sklearn_ae.training._objective import means_of
from sklearn_ae.training._weights import copied, put_back
from sklearn_ae.training.callbacks import LearningRate, dead_units
from sklearn_ae.training.steps import BatchIterator, EpochRunner, needs_batches

# Rows that are measured before and after each epoch.
_MEASURED_ROWS = 2048
# Cells of one block of held-out rows.
_VALIDATION_CELLS = 2**20


class TrainingRun:
    """A network with the rows it is trained on and those it is validated on.

    Parameters
    ----------
    net : AutoencoderNet
        The network, initialised.
    train : AnyBatch
        Training rows, on the device.
    valid : AnyBatch or None
        Rows that training does not see.
    unit : float
        Factor from training losses to X's units.
    batch_size : int
        Largest batch.
    order, noise : Generator
        Feed the order of the rows, and corruption and dropout.
    units_may_die : bool
        Whether units of the code may become the same in every row, and are then reinitialised.
    has_least : bool
        Whether no loss is below that of an exact reconstruction, which is 0.
    constants : pair of ndarray
        Parts of the losses of training and held-out rows, in X's units, that do not
        depend on the network.
    fresh : bool
        Whether the network is at its start, which training may leave.
    floor : callable, optional
        From the losses of held-out rows, in X's units, to those they are validated by.
    training_range : TrainingRange, optional
        Where rows are validated; what is out of it is passed on.
    freeze : sequence of str
        Names of what training leaves as it is.
    workers : Workers
        Processes that train the same network on other rows.
    """

    def __init__(
        self,
        net: AutoencoderNet,
        train: AnyBatch,
        valid: AnyBatch | None,
        unit: float,
        batch_size: int,
        order: Generator,
        noise: Generator,
        units_may_die: bool = False,
        has_least: bool = True,
        constants: tuple[NDArray | float, NDArray | float] = (0.0, 0.0),
        fresh: bool = False,
        floor: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
        training_range: TrainingRange | None = None,
        freeze: Sequence[str] = (),
        workers: Workers = ALONE,
    ) -> None:
        self.net = net
        self.workers = workers
        self.frozen = Frozen(net.module_, freeze)
        self.train = train
        self.valid = valid
        self.unit = unit
        self.units_may_die = units_may_die
        self.has_least = has_least
        self.constants = constants
        self.fresh = fresh
        self.floor = floor
        if training_range is not None and isinstance(valid, Batch):
            # Mostly all are inside, which is then asked for once and not in every epoch.
            inside = torch.equal(
                *(x.nan_to_num() for x in (training_range.inside(valid.x), valid.x))
            )
            training_range = None if inside else training_range
        self.training_range = training_range
        self.batches = BatchIterator(train, batch_size, order)
        self.noise = net.noise_ = noise
        self.runner: EpochRunner | None = None
        self.printed = False
        self.places: list[int] = []
        self.first_rates = [group["lr"] for group in net.optimizer_.param_groups]
        net.batch_size = batch_size  # what callbacks read

    @property
    def watched_by_batch(self) -> bool:
        """Whether callbacks are called for each batch."""
        return any(needs_batches(callback) for _, callback in self.net.callbacks_)

    @property
    def by_batch(self) -> bool:
        """Whether skorch's own steps run: for other optimizers, and callbacks of each batch."""
        return self.watched_by_batch or not isinstance(self.net.optimizer_, AdamW)

    def paired_batches(self) -> Iterator[tuple[Batch, Tensor]]:
        """Yield training batches with what reconstructions are compared with."""
        return map(paired, self.batches)

    @property
    def ready(self) -> bool:
        """Whether steps are those of the parameters that are trained now, where they lie now."""
        runner = self.runner
        return runner is not None and runner.update.current() and self.places == self._places()

    def prepare(self) -> None:
        """Get ready for an epoch: moments start at zero if there are none."""
        if isinstance(self.net.optimizer_, AdamW) and not self.ready:
            self.net.optimizer_.release()
            self.release_runner()
            self.runner = EpochRunner(self.net, self.batches, self.noise, self.workers)

    def note_places(self) -> None:
        """Note where parameters lie after an epoch, so that it is seen if they are moved."""
        self.places = self._places()

    def _places(self) -> list[int]:
        return [parameter.data_ptr() for parameter in self._parameters()]

    def _parameters(self) -> list[Parameter]:
        return [*self.net.module_.parameters(), *self.net.criterion_.parameters()]

    def train_by_batch(self, rate: LearningRate) -> list[dict[str, float]]:
        """Let skorch run a pass, whose callbacks may change rates and gradients.

        Returns the mean of each term, for this one network.
        """
        net = self.net
        net.totals = {}
        self.batches.buffers = None
        if net.verbose > 1 and not self.printed:
            self.printed = True
            why = "the optimizer is another one"
            if isinstance(net.optimizer_, AdamW):
                why = "a callback is called for each batch"
            print(f"Steps are not captured: {why}.")

        def batches() -> Iterator[Any]:
            for i, batch in enumerate(self.paired_batches()):
                rate.set(net, i, len(self.batches))
                yield batch

        super(AutoencoderNet, net).run_single_epoch(batches(), True, "train", net.train_step)
        net._set_training(False)
        return [means_of(net.totals, len(self.batches))]

    def validate(self) -> NDArray[np.float64]:
        """Loss of each held-out row in X's units, times its weight."""
        if self.valid is None:
            return np.empty(0)
        found = self.row_losses(self.valid, self.training_range)
        losses = found.cpu().numpy().astype(np.float64) * self.unit + self.constants[1]
        if self.floor is not None:
            losses = self.floor(losses)
        weight = self.valid.weight
        if weight is not None:
            losses = losses * weight.cpu().numpy()
        return self.workers.gathered(losses)

    def row_losses(self, batch: AnyBatch, training_range: TrainingRange | None = None) -> Tensor:
        """Loss of each row by which networks are compared, of its part within a range."""
        out = batch.x.new_empty(batch.n_rows)
        for index, losses in self._block_losses(batch, training_range):
            out[index] = losses
        return out

    def _block_losses(
        self, batch: AnyBatch, training_range: TrainingRange | None = None
    ) -> Iterator[tuple[Any, Tensor]]:
        """Yield positions of rows, and their losses."""
        generator = Generator(batch.x.device).manual_seed(0)
        for index, part in batch.blocks(_VALIDATION_CELLS):
            if training_range is not None:
                part = part.replace(x=training_range.inside(part.x))
            yield index, self.net.criterion_.validate(self.net.module_, part, generator)

    def train_losses(self) -> dict[str, float]:
        """Mean loss of the training rows in X's units, as held-out rows are validated.

        Of very many lazy rows it is that of a few thousand.
        """
        rows, constants = self.train, self.constants[0]
        if isinstance(rows, LazyBatch):
            rows, index = rows.evenly_spaced(_MEASURED_ROWS)
            constants = constants[index] if isinstance(constants, np.ndarray) else constants
        if rows.weight is not None and isinstance(constants, np.ndarray):
            constants = constants * rows.weight.cpu().numpy()
        elif rows.weight is not None:
            constants = constants * float(rows.weight.mean())
        total = 0.0
        for index, losses in self._block_losses(rows):
            weighted = losses if rows.weight is None else losses * rows.weight[index]
            total += float(weighted.sum(dtype=torch.float64))
        mean = total / rows.n_rows * self.unit + float(np.mean(constants))
        return self.workers.mean_terms({"train_loss": mean})

    def measures(self) -> dict[str, float]:
        """Named quantities of the code over some training rows."""
        module, found = self.net.module_, {}
        if module.latent.measured:
            rows = self.train.slice(0, _MEASURED_ROWS)
            found = module.latent.measures(parameters_of(module, rows))
        if self.units_may_die:
            found["dead_units"] = float(dead_units(module, self.train).sum())
        return found

    def release(self) -> None:
        """Leave the start, if the network is there and may."""
        module = self.net.module_
        for part in ("encoder", "decoder"):
            if self.fresh and not self.frozen.holds(part):
                getattr(module, part).release()

    def freeze(self) -> None:
        """Take what is frozen out of training, until `thaw`."""
        self.net.frozen_ = self.frozen
        self.frozen.begin()

    def thaw(self) -> None:
        """Let everything be trained again."""
        self.frozen.end()
        self.net.__dict__.pop("frozen_", None)

    def in_units(self, terms: dict[str, float]) -> dict[str, float]:
        """Return mean terms in X's units."""
        terms = {name: value * self.unit for name, value in terms.items()}
        terms["reconstruction"] += float(np.mean(self.constants[0]))
        return terms

    def finite(self, terms: dict[str, float]) -> bool:
        """Whether mean terms and all weights are finite numbers."""
        with torch.no_grad():
            norm = float(total_norm(self._parameters()))
        return all(map(math.isfinite, (norm, *terms.values())))

    def follow_first(self) -> None:
        """Take the network of the first of the workers, which renewed parts of it by its rows."""
        self.workers.copy_first(
            [*state_tensors(self.net.module_), *self.net.criterion_.parameters()]
        )

    def weights(self) -> list[Tensor]:
        """Copies of what network and terms have learned."""
        return copied(self.net)

    def set_weights(self, weights: list[Tensor]) -> None:
        """Copy in what network and terms have learned."""
        put_back(self.net, weights)

    def forget_moments(self) -> None:
        """Start the optimizer anew."""
        if self.runner is not None:
            self.runner.update.forget()
        else:
            self.net.optimizer_.state.clear()

    def release_runner(self) -> None:
        """Let go of recorded steps."""
        if self.runner is not None:
            self.runner.end()
            self.runner = None

    def end(self) -> None:
        """Let go of the rows and of what training needed besides the weights."""
        self.release_runner()
        net = self.net
        for name in ("noise_", "totals"):
            net.__dict__.pop(name, None)
        net.callbacks = None
        net.initialize_callbacks()
        for group, rate in zip(net.optimizer_.param_groups, self.first_rates, strict=True):
            group["lr"] = rate
        # Products round by where their factors lie; here they lie as after loading.
        for parameter in self._parameters():
            parameter.data = parameter.data.clone(memory_format=torch.contiguous_format)
