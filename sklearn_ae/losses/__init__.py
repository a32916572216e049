"""Losses: what an error costs, cell by cell."""

from sklearn_ae.losses._base import CellLoss, Loss
from sklearn_ae.losses._distances import AbsoluteError, HuberError, SquaredError
from sklearn_ae.losses._likelihoods import Bernoulli, GaussianLikelihood, Poisson
from sklearn_ae.losses._multinomial import Multinomial
from sklearn_ae.losses._tabular import TabularLoss

LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": HuberError,
    "gaussian": GaussianLikelihood,
    "bernoulli": Bernoulli,
    "poisson": Poisson,
    "multinomial": Multinomial,
}

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "Bernoulli",
    "CellLoss",
    "GaussianLikelihood",
    "HuberError",
    "Loss",
    "Multinomial",
    "Poisson",
    "SquaredError",
    "TabularLoss",
]
