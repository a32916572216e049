"""What an adapter has to offer.

A fitted model is a `Reconstructor`, a `DensityModel` or a `Sampler`, or several of them; the
problem says which it needs.
"""

import importlib
from abc import ABC, abstractmethod
from functools import cached_property
from importlib import metadata
from typing import Protocol

import numpy as np


class Reconstructor(Protocol):
    """A fitted model that rebuilds rows."""

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        """Return X as the model rebuilds it, in the units of X."""
        ...


class DensityModel(Protocol):
    """A fitted model of the density of rows."""

    def score(self, X: np.ndarray) -> float:
        """Return the mean log-likelihood of the rows of X, in nats."""
        ...


class Sampler(Protocol):
    """A fitted model that generates rows."""

    def sample(self, n_samples: int, *, random_state: int) -> np.ndarray:
        """Return new rows, in the units of the training rows."""
        ...


FittedModel = Reconstructor | DensityModel | Sampler


class Rival(ABC):
    """Adapter of one library.

    Attributes
    ----------
    distribution : str
        Name of the installed distribution, whose version is a key of the results.
    module : str
        Module to import before the clock starts.
    """

    distribution: str
    module: str

    @cached_property
    def version(self) -> str | None:
        """Installed version, None where the library is not installed."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def load(self):
        """Import the library and return the module."""
        return importlib.import_module(self.module)

    @abstractmethod
    def fit(self, X: np.ndarray, k: int, seed: int) -> FittedModel:
        """Fit a model whose code has k numbers.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
            Training rows.
        k : int
            Width of the code; 0 leaves it to the library.
        seed : int
            Seed of every random draw.

        Returns
        -------
        model : Reconstructor, DensityModel or Sampler
        """
