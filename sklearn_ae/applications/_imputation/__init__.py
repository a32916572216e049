"""Imputation of missing values: closed forms, a network, and the weights of each."""

from sklearn_ae.applications._imputation._filler import CANDIDATES, Filler
from sklearn_ae.applications._imputation._gaussian import Gaussian
from sklearn_ae.applications._imputation._learners import FoldNetworks, Learner, OwnEstimators
from sklearn_ae.applications._imputation._residual_draws import ResidualDraws
from sklearn_ae.applications._imputation._table import StandardTable

__all__ = [
    "CANDIDATES",
    "FoldNetworks",
    "Filler",
    "Gaussian",
    "Learner",
    "OwnEstimators",
    "ResidualDraws",
    "StandardTable",
]
