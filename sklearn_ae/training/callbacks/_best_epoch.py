"""The epoch that held-out rows prefer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skorch.callbacks import Callback

from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training.callbacks._rate import LearningRate

# A share of the variance below which a reconstruction cannot be told from exact.
EXACT = 1e-11


class BestEpoch(Callback):
    """Keeps the weights of the epoch of least validation loss, the start being epoch 0.

    When the loss has not improved by `tol`, relatively, for `n_iter_no_change` epochs, the final
    fall of the learning rate begins; where there is none, training ends.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks, at epoch 0.
    losses : ndarray of shape (n_held_out,)
        Losses of their held-out rows.
    config : TrainingConfig
        Gives `tol` and `n_iter_no_change`.
    rate : LearningRate
        The learning rate.
    """

    def __init__(
        self,
        runs: list[Any],
        losses: NDArray[np.float64],
        config: TrainingConfig,
        rate: LearningRate,
    ) -> None:
        self.runs = runs
        self.config = config
        self.rate = rate
        self.start_losses = self.losses = losses
        self.least = float(self.losses.mean())
        self.epoch = 0
        self.weights = [run.weights() for run in runs]
        self.epochs_without_improvement = 0
        self.has_ended = False

    @property
    def exact(self) -> bool:
        """Whether the start leaves nothing to learn."""
        first = self.runs[0]
        return bool(first.has_least and self.start_losses.mean() <= EXACT * first.unit)

    def compare(self, epoch: int, losses: NDArray[np.float64]) -> None:
        """Compare the weights, which are those after some epochs, with the best so far."""
        loss = float(losses.mean())
        if loss < self.losses.mean():
            self.losses, self.epoch = losses, epoch
            self.weights = [run.weights() for run in self.runs]
        self.least = min(self.least, loss)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compare the weights after an epoch with the best so far."""
        losses = net.joint.losses
        epoch, loss = len(net.history), float(losses.mean())
        improved = loss < self.least - self.config.tol * abs(self.least)
        self.epochs_without_improvement = 0 if improved else self.epochs_without_improvement + 1
        self.compare(epoch, losses)
        net.history.record("valid_loss_best", self.epoch == epoch)
        if self.epochs_without_improvement >= self.config.n_iter_no_change:
            self.has_ended = not self.rate.begin_anneal(epoch)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Go back to the best weights."""
        for run, weights in zip(self.runs, self.weights, strict=True):
            run.set_weights(weights)
