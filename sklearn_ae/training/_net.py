"""The skorch net: its extension points, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from skorch.dataset import Dataset, unpack_data
from skorch.utils import TeeGenerator, to_tensor
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.terms import Code, Forward, batch_mean
from sklearn_ae.training._objective import add_terms

if TYPE_CHECKING:
    from sklearn_ae.training._joint import JointTraining

# Cells of one block of rows that are read in order.
_BLOCK_CELLS = 2**20


class AutoencoderNet(NeuralNet):
    """A skorch net of an autoencoder, between standardised rows.

    skorch builds module, objective (`criterion`) and optimizer, runs the epochs, calls the
    callbacks and keeps the history. Rows come as a :class:`JointTraining`, whose networks
    take their epochs together, or as arrays of standardised rows.
    """

    # Sums of the terms of batches, while an epoch runs batch by batch.
    totals: dict[str, Tensor] | None = None

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [("epoch_timer", EpochTimer())]

    @property
    def joint(self) -> JointTraining | None:
        """What this net trains in now, if it leads."""
        return self.__dict__.get("joint_")

    def initialize_module(self) -> AutoencoderNet:
        """Build the network; draw its weights anew where skorch's own `fit` asks for it."""
        again = self.initialized_
        super().initialize_module()
        if again:
            generator = Generator().manual_seed(0)
            for part in (self.module_.encoder, self.module_.decoder, self.module_.latent):
                part.reset(generator)
            self.criterion_.to("cpu").reset(generator)
            self.module_.release()
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what a fit that is under way holds."""
        state = super().__getstate__()
        for name in ("joint_", "noise_", "totals", "frozen_"):
            state.pop(name, None)
        if self.joint is not None:
            state["callbacks"] = [c for c in self.callbacks if not is_ours(c)]
            state["callbacks_"] = [pair for pair in self.callbacks_ if not is_ours(pair[1])]
        return state

    def _set_training(self, training: bool = True) -> None:
        """Set the mode of all modules; those that are frozen stay as they are."""
        super()._set_training(training)
        frozen = self.__dict__.get("frozen_")
        if training and frozen is not None:
            frozen.still()

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        """Return training and held-out rows."""
        if self.joint is not None:
            valid = self.joint.runs[0].valid
            return X, None if valid is None else RowsDataset(valid)
        return super().get_split_datasets(X, y, **fit_params)

    def get_iterator(self, dataset: Any, training: bool = False) -> Iterable[Any]:
        """Return batches of rows, each with what its reconstruction is compared with."""
        rows = getattr(dataset, "rows", None)
        if self.joint is not None and training and rows is self.joint.runs[0].train:
            return self.joint.runs[0].paired_batches()
        if rows is not None:
            return [paired(part) for _, part in rows.blocks(_BLOCK_CELLS)]
        return super().get_iterator(dataset, training)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Train or validate the networks that go together; skorch's own pass otherwise."""
        if self.joint is None:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            if iterator is not None:
                losses = self.history[-1, "batches", :, f"{prefix}_loss"]
                self.history.record(f"{prefix}_loss", sum(losses) / len(losses))
        elif training:
            self.joint.begin_epoch()
            for _ in self.joint.guard.attempts():
                terms = []
                for train in self.joint.passes():
                    terms += train()
                if self.joint.guard.accepts(terms):
                    break
            self.joint.end_epoch(terms)
        else:
            if self.joint.runs[0].by_batch:
                super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            self.joint.validate()

    def train_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Compute gradients, call callbacks, and let the optimizer take its step."""
        self._set_training(True)
        rows = self._rows(batch)
        self.optimizer_.zero_grad()
        terms, result = self.criterion_(self.module_, rows, self._noise())
        loss = self.get_loss(terms, None, X=rows, training=True)
        loss.backward()
        self.notify(
            "on_grad_computed",
            named_parameters=TeeGenerator(self.get_all_learnable_params()),
            batch=batch,
            training=True,
        )
        self.optimizer_.step()
        terms = {name: term.detach() for name, term in terms.items()}
        if self.totals is not None:
            add_terms(self.totals, terms)
        return {"loss": loss.detach(), "y_pred": result.output.detach(), "terms": terms}

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss by which networks are compared."""
        self._set_training(False)
        rows = self._rows(batch)
        generator = Generator(rows.x.device).manual_seed(0)
        with torch.no_grad():
            losses = self.criterion_.validate(self.module_, rows, generator)
            return {"loss": batch_mean(losses, rows.weight), "y_pred": self.infer(rows)}

    def infer(self, x: Any, **fit_params: Any) -> Tensor:
        """Return what the loss reads of standardised rows: their reconstructions, first."""
        if isinstance(x, Batch):
            return self.module_(x.x, None, x.condition, x.extent).output
        return self.infer(self._rows((x, None)), **fit_params)

    def get_loss(self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False) -> Tensor:
        """Return the sum of the terms of a training batch, or the loss of reconstructions.

        Parameters
        ----------
        y_pred : dict of str to Tensor, or Tensor
            Named terms, or what `infer` returns.
        y_true : Tensor or None
            Standardised rows that reconstructions are compared with; X if None.
        X : Tensor, Batch or None
            The rows.
        training : bool
            Ignored; here for skorch's interface.
        """
        if isinstance(y_pred, dict):
            return reduce(torch.add, y_pred.values())
        rows = self._rows((y_true if X is None else X, None if X is None else y_true))
        y_pred = to_tensor(y_pred, self.device)
        costs = self.criterion_.terms["reconstruction"](
            None, rows, Forward(y_pred, Code(y_pred, y_pred)), None
        )
        return batch_mean(costs, rows.weight)

    def _rows(self, batch: Any) -> Batch:
        """Return a batch of skorch's, whose rows may be named "x" among what goes with them."""
        x, y = unpack_data(batch)
        if isinstance(x, Batch):
            return x
        named = x if isinstance(x, dict) else {"x": x}
        parts = {name: self._tensor(part) for name, part in named.items()}
        rows = Batch(**{**parts, "x": parts["x"].float()})
        if y is None or isinstance(y, dict) or y.ndim < 2:
            return rows
        return rows.replace(target=self._tensor(y))

    def _tensor(self, values: Any) -> Tensor:
        """Return numbers on the device; those that are not whole as float32."""
        found = to_tensor(values, self.device)
        return found.float() if found.is_floating_point() else found

    def _noise(self) -> Generator:
        """Return what feeds the draws of training; seeded by 0 outside `fit`."""
        noise = self.__dict__.get("noise_")
        if noise is None:
            noise = self.noise_ = Generator(self.device).manual_seed(0)
        return noise


def is_ours(callback: Any) -> bool:
    """Whether a callback is one of those that training needs."""
    return type(callback).__module__.startswith("sklearn_ae.")


def paired(batch: Batch) -> tuple[Batch, Tensor]:
    """Return rows with what their reconstruction is compared with."""
    return batch, batch.x if batch.target is None else batch.target


class RowsDataset(Dataset):
    """Rows as skorch reads them: `X`, and `y`, which reconstructions are compared with.

    Parameters
    ----------
    X : AnyBatch, array-like, Tensor or dict of them
        The rows; a dict names them "x" among what goes with them. Batches that are not at hand
        as a whole are `X` themselves, and `y` is None.
    y : array-like or Tensor, optional
        What reconstructions are compared with; None means the rows.
    """

    def __init__(self, X: Any, y: Any = None) -> None:
        self.rows = X if hasattr(X, "blocks") else None
        if isinstance(X, Batch):
            y = paired(X)[1]
            X = X.x if X.condition is None else {"x": X.x, "condition": X.condition}
        elif self.rows is None and y is None:
            y = X["x"] if isinstance(X, dict) else X
        super().__init__(X, y)
