"""What is done between epochs, as callbacks of skorch's."""

from sklearn_ae.training.callbacks._base import TrainingEnd, asks_for_end
from sklearn_ae.training.callbacks._best_epoch import BestEpoch
from sklearn_ae.training.callbacks._dead_units import DeadUnits, dead_units
from sklearn_ae.training.callbacks._finite import FiniteGuard
from sklearn_ae.training.callbacks._progress import (
    EndOfSchedule,
    EpochHook,
    Others,
    Printed,
    Progress,
)
from sklearn_ae.training.callbacks._rate import LearningRate

__all__ = [
    "BestEpoch",
    "DeadUnits",
    "EndOfSchedule",
    "EpochHook",
    "FiniteGuard",
    "LearningRate",
    "Others",
    "Printed",
    "Progress",
    "TrainingEnd",
    "asks_for_end",
    "dead_units",
]
