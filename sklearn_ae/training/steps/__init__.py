"""Steps of training: one, an epoch of them, recorded, as CUDA graphs, of several networks."""

from sklearn_ae.training.steps._ensemble import Ensemble, together
from sklearn_ae.training.steps._epoch import (
    BatchIterator,
    EpochRunner,
    add_terms,
    means_of,
    needs_batches,
)

__all__ = [
    "BatchIterator",
    "Ensemble",
    "EpochRunner",
    "add_terms",
    "means_of",
    "needs_batches",
    "together",
]
