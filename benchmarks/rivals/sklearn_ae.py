"""The autoencoders of this project."""

from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.rivals._base import Rival


class SklearnAERival(Rival):
    """An estimator of `sklearn_ae`, with its defaults unless a problem says otherwise.

    Parameters
    ----------
    estimator : str, default="Autoencoder"
        Name of the class.
    **parameters
        Parameters other than the width and the seed.
    """

    distribution = "sklearn-ae"
    module = "sklearn_ae"

    def __init__(self, estimator: str = "Autoencoder", **parameters: Any) -> None:
        self.estimator = estimator
        self.parameters = parameters

    @cached_property
    def version(self) -> str | None:
        """Version of the package that is imported, installed or not."""
        try:
            return self.load().__version__
        except (ImportError, AttributeError):
            return None

    def make(self, k: int, seed: int) -> Any:
        """Return the estimator before its fit.

        Parameters
        ----------
        k : int
            Width of the code; 0 leaves it to the estimator.
        seed : int
            Seed of every random draw.

        Returns
        -------
        estimator : object
        """
        width = {"n_components": k} if k else {}
        return getattr(self.load(), self.estimator)(**width, **self.parameters, random_state=seed)

    def fit(self, X: np.ndarray, k: int, seed: int) -> Any:
        """Fit the estimator, which offers what the problem needs itself."""
        return self.make(k, seed).fit(X)


RIVAL = SklearnAERival()
