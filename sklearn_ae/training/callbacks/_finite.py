"""A guard against losses and weights that are not finite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from skorch.callbacks import Callback

from sklearn_ae.data import RESERVED
from sklearn_ae.training.callbacks._rate import LearningRate

_RETRIES = 5
_LOWER = 0.3


class FiniteGuard(Callback):
    """Goes back to the weights before an epoch that left numbers which are not finite.

    Parameters
    ----------
    runs : list of TrainingRun
        The networks.
    rate : LearningRate
        Lowered before the epoch is run again.
    """

    def __init__(self, runs: list[Any], rate: LearningRate) -> None:
        self.runs = runs
        self.rate = rate

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Keep the weights."""
        self.weights = [run.weights() for run in self.runs]

    def attempts(self) -> Iterator[int]:
        """Yield the number of each attempt at an epoch.

        Raises
        ------
        FloatingPointError
            If none has left finite numbers.
        """
        yield from range(_RETRIES)
        companions = self.runs[0].train.companions.items()
        lacks = [name for name, of_rows in companions if of_rows.isnan().any()]
        unread = [name for name in lacks if name not in RESERVED]
        if unread:
            raise FloatingPointError(
                f"The training loss was not finite, and companions {unread} hold NaN; let the term "
                "that reads them leave such rows out, by torch.where before any product, or pass "
                "rows that have them."
            )
        raise FloatingPointError(
            f"The training loss was not finite {_RETRIES} times in epoch {self.rate.epoch + 1}, "
            f"the last time at learning rate {self.rate.schedule.peak / _LOWER:.3g}; lower "
            "learning_rate_init, or put a StandardScaler or RobustScaler in front."
        )

    def accepts(self, terms: list[dict[str, float]]) -> bool:
        """Whether all numbers are finite; if not, go back and lower the rate."""
        if all(run.finite(own) for run, own in zip(self.runs, terms, strict=True)):
            return True
        for run, weights in zip(self.runs, self.weights, strict=True):
            run.set_weights(weights)
            run.forget_moments()
        self.rate.lower(_LOWER)
        return False
