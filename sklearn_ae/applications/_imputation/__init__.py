"""What fills holes in tables: closed forms, a network, and how they are weighed."""

from sklearn_ae.applications._imputation._filler import CANDIDATES, Filler
from sklearn_ae.applications._imputation._learners import FoldNetworks, Learner, OwnEstimators
from sklearn_ae.applications._imputation._spread import Spread
from sklearn_ae.applications._imputation._table import StandardTable

__all__ = [
    "CANDIDATES",
    "FoldNetworks",
    "Filler",
    "Learner",
    "OwnEstimators",
    "Spread",
    "StandardTable",
]
