"""What is done between epochs, as callbacks of skorch's."""

from sklearn_ae.training.callbacks._base import TrainingEnd, suppressed_end
from sklearn_ae.training.callbacks._best_epoch import EXACT, BestEpoch
from sklearn_ae.training.callbacks._dead_units import DeadUnits, dead_units
from sklearn_ae.training.callbacks._finite import FiniteGuard
from sklearn_ae.training.callbacks._progress import EndOfTraining, FitProgress, Others, Progress
from sklearn_ae.training.callbacks._rate import LearningRate

__all__ = [
    "EXACT",
    "BestEpoch",
    "DeadUnits",
    "EndOfTraining",
    "FiniteGuard",
    "FitProgress",
    "LearningRate",
    "Others",
    "Progress",
    "TrainingEnd",
    "dead_units",
    "suppressed_end",
]
