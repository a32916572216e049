"""From what a user holds to what a network sees: rows, column scales, batches."""

from sklearn_ae.data._batch import Batch
from sklearn_ae.data._containers import Container
from sklearn_ae.data._rows import Rows
from sklearn_ae.data._scaling import ColumnScaling

__all__ = ["Batch", "ColumnScaling", "Container", "Rows"]
