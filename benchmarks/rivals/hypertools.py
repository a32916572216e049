"""Autoencoder of hypertools: one hidden layer on each side of the code."""

import os

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, reducer):
        self.reducer = reducer

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        return self.reducer.inverse_transform(self.reducer.transform(X))


class HypertoolsRival(Rival):
    """One of the autoencoders that `hypertools.reduce` dispatches to, with its defaults.

    Parameters
    ----------
    reducer : str
        Name of the class in `hypertools.reduce.autoencoders`.
    """

    distribution = "hypertools"
    module = "hypertools.reduce.autoencoders"

    def __init__(self, reducer: str) -> None:
        self.reducer = reducer

    def load(self):
        """Import the library, which installs nothing while it runs."""
        os.environ.setdefault("HYPERTOOLS_AUTO_INSTALL", "0")
        return super().load()

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Fitted:
        """Fit the reducer."""
        reducer = getattr(self.load(), self.reducer)
        return _Fitted(reducer(n_components=k, random_state=seed, device="cpu").fit(X))


RIVAL = HypertoolsRival("Autoencoder")
