"""Private parts of the estimators of few labels."""

from sklearn_ae.applications._few_labels._estimator import MODES, FewLabels
from sklearn_ae.applications._few_labels._labels import read_classes, read_numbers

__all__ = ["MODES", "FewLabels", "read_classes", "read_numbers"]
