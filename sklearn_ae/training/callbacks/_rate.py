"""The learning rate of each epoch and batch."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from sklearn_ae.training.callbacks._schedule import Constant, OneCycle

# Where a group of parameters keeps the factor to the schedule, the rate that was planned last
# and the one that was set: it goes where the group goes, into checkpoints too.
_SET = "scheduled"


class LearningRate(Callback):
    """Sets the rates of all groups of parameters by a schedule.

    What somebody else made of a rate since it was set last is kept, as a factor. With a
    scheduler of the user's, rates are left alone.

    Parameters
    ----------
    schedule : OneCycle or Constant
        Rate after a number of epochs.
    nets : list of AutoencoderNet
        The networks.
    scheduled_by_user : bool
        Whether a callback of the user's sets rates.
    """

    def __init__(
        self, schedule: OneCycle | Constant, nets: list[Any], scheduled_by_user: bool = False
    ) -> None:
        self.schedule = schedule
        self.nets = nets
        self.scheduled_by_user = scheduled_by_user
        self.epoch = 0
        for net in nets:
            for group in net.optimizer_.param_groups:
                group.pop(_SET, None)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the rates at which the epoch begins."""
        self.epoch = len(net.history) - 1
        if not self.scheduled_by_user:
            for each in self.nets:
                self.set(each, 0, 1)

    def set(self, net: Any, i: int, n_batches: int) -> None:
        """Set the rates of a batch."""
        if self.scheduled_by_user:
            return
        planned = self.schedule.rate(self.epoch + i / n_batches)
        groups = net.optimizer_.param_groups
        for group, factor in zip(groups, self._factors(net), strict=True):
            group["lr"] = planned * factor
            group[_SET] = {"factor": factor, "planned": planned, "rate": group["lr"]}

    def of_batches(self, net: Any, n_batches: int) -> list[list[float]]:
        """Return the rates of all batches of an epoch, and leave the last one set."""
        if self.scheduled_by_user:
            return [[group["lr"] for group in net.optimizer_.param_groups]] * n_batches
        factors = self._factors(net)
        planned = [self.schedule.rate(self.epoch + i / n_batches) for i in range(n_batches)]
        self.set(net, n_batches - 1, n_batches)
        return [[rate * factor for factor in factors] for rate in planned]

    def _factors(self, net: Any) -> list[float]:
        """Return what others made of the schedule, for each group of parameters."""
        factors = []
        for group in net.optimizer_.param_groups:
            found = group.get(_SET, {"factor": 1.0, "planned": net.lr, "rate": net.lr})
            changed = group["lr"] != found["rate"] and found["planned"] > 0
            factors.append(group["lr"] / found["planned"] if changed else found["factor"])
        return factors

    @property
    def falls_next(self) -> bool:
        """Whether the rate falls in the next epoch."""
        return not self.scheduled_by_user and self.schedule.annealing(self.epoch + 1)

    def begin_anneal(self, epoch: int) -> bool:
        """Let the final fall begin; return whether there is one."""
        if self.scheduled_by_user or not isinstance(self.schedule, OneCycle):
            return False
        self.schedule.begin_anneal(epoch)
        return True

    def lower(self, factor: float) -> None:
        """Multiply all further rates by a factor."""
        self.schedule.lower(factor)
        if self.scheduled_by_user:
            for net in self.nets:
                for group in net.optimizer_.param_groups:
                    group["lr"] *= factor
