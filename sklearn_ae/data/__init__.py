"""From what a user holds to what a network sees: rows, column scales, batches."""

from sklearn_ae.data._batch import Batch
from sklearn_ae.data._condition import ConditionEncoder
from sklearn_ae.data._containers import Container
from sklearn_ae.data._rows import Rows
from sklearn_ae.data._scaling import ColumnScaling, check_same_units
from sklearn_ae.data._warp import WarpedScaling, scaling_from

__all__ = [
    "Batch",
    "ColumnScaling",
    "ConditionEncoder",
    "Container",
    "Rows",
    "WarpedScaling",
    "check_same_units",
    "scaling_from",
]
