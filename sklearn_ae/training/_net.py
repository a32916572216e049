"""The skorch net: its extension points, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from skorch.dataset import unpack_data
from skorch.utils import TeeGenerator, to_tensor
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.terms import Code, Forward, batch_mean

if TYPE_CHECKING:
    from sklearn_ae.training._joint import JointTraining


class AutoencoderNet(NeuralNet):
    """A skorch net of an autoencoder, between standardised rows.

    skorch builds module, objective (`criterion`) and optimizer, runs the epochs, calls the
    callbacks and keeps the history. Rows come as a :class:`JointTraining`, whose networks
    take their epochs together, or as arrays of standardised rows.
    """

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [("epoch_timer", EpochTimer())]

    @property
    def joint(self) -> JointTraining | None:
        """What this net trains in now, if it leads."""
        return self.__dict__.get("joint_")

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        """Return training and held-out rows."""
        if self.joint is not None:
            return self.joint.runs[0].train, self.joint.runs[0].valid
        return super().get_split_datasets(X, y, **fit_params)

    def get_iterator(self, dataset: Any, training: bool = False) -> Iterable[Any]:
        """Return batches of rows, each with what its reconstruction is compared with."""
        if self.joint is not None and dataset is self.joint.runs[0].train and training:
            return self.joint.runs[0].paired_batches()
        if hasattr(dataset, "blocks"):
            return [paired(part) for _, part in dataset.blocks(2**20)]
        return super().get_iterator(dataset, training)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Train or validate the networks that go together; skorch's own pass otherwise."""
        if self.joint is None:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        elif training:
            self.joint.train_epoch()
        elif iterator is not None:
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
        x = {name: _float(part) for name, part in x.items()} if isinstance(x, dict) else _float(x)
        return super().infer(x, **fit_params).output

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
        rows = X if isinstance(X, Batch) else Batch(_float(to_tensor(X, self.device)))
        if y_true is not None and y_true.ndim > 1:
            rows = rows.replace(target=_float(to_tensor(y_true, self.device)))
        costs = self.criterion_.terms["reconstruction"](
            None, rows, Forward(y_pred, Code(y_pred, y_pred)), None
        )
        return batch_mean(costs, rows.weight)

    def _rows(self, batch: Any) -> Batch:
        """Return a batch of skorch's as rows."""
        x, y = unpack_data(batch)
        if isinstance(x, Batch):
            return x
        rows = Batch(_float(to_tensor(x, self.device)))
        paired_with = y is not None and y.ndim > 1
        return rows.replace(target=_float(to_tensor(y, self.device))) if paired_with else rows

    def _noise(self) -> Generator:
        """Return what feeds the draws of training; seeded by 0 outside `fit`."""
        noise = self.__dict__.get("noise_")
        if noise is None:
            noise = self.noise_ = Generator(self.device).manual_seed(0)
        return noise


def paired(batch: Batch) -> tuple[Batch, Tensor]:
    """Return rows with what their reconstruction is compared with."""
    return batch, batch.x if batch.target is None else batch.target


def _float(values: Any) -> Any:
    return values.float() if isinstance(values, Tensor) else torch.as_tensor(values).float()
