"""Private parts of the estimators of few labels."""

from sklearn_ae.applications._few_labels._estimator import MODES, FewLabels
from sklearn_ae.applications._few_labels._labels import (
    accuracy_where_labelled,
    labelled,
    read_classes,
    read_numbers,
)

__all__ = [
    "MODES",
    "FewLabels",
    "accuracy_where_labelled",
    "labelled",
    "read_classes",
    "read_numbers",
]
