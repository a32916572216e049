"""Steps of training: one, an epoch of them, recorded, as CUDA graphs, of several networks."""

from sklearn_ae.training.steps._ensemble import Ensemble, together
from sklearn_ae.training.steps._epoch import BatchIterator, EpochRunner, needs_batches

__all__ = [
    "BatchIterator",
    "Ensemble",
    "EpochRunner",
    "needs_batches",
    "together",
]
