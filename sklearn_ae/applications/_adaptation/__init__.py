"""Rows of two domains: which is which, source classifiers, graphs of target rows."""

from sklearn_ae.applications._adaptation._classifiers import (
    default_classifier,
    fitted_to,
    out_of_fold,
    probabilities,
    seeded,
)
from sklearn_ae.applications._adaptation._coordinates import Codes, Columns
from sklearn_ae.applications._adaptation._domains import DOMAINS, source_rows
from sklearn_ae.applications._adaptation._spreading import (
    TargetGraph,
    exchanged,
    spread_predictions,
)

__all__ = [
    "DOMAINS",
    "Codes",
    "Columns",
    "TargetGraph",
    "default_classifier",
    "exchanged",
    "fitted_to",
    "out_of_fold",
    "probabilities",
    "seeded",
    "source_rows",
    "spread_predictions",
]
