"""TVAE of ctgan: a variational autoencoder for tables."""

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, synthesizer):
        self.synthesizer = synthesizer

    def sample(self, n_samples: int, *, random_state: int) -> np.ndarray:
        self.synthesizer.set_random_state(random_state)
        return self.synthesizer.sample(n_samples)


class TVAERival(Rival):
    """`TVAE` with its defaults, on the CPU; every column is continuous and k is not used.

    Its seed sets the global generators of numpy and torch while it runs.
    """

    distribution = "ctgan"
    module = "ctgan"

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Fitted:
        """Fit the synthesizer."""
        synthesizer = self.load().TVAE(enable_gpu=False)
        synthesizer.set_random_state(seed)
        synthesizer.fit(X)
        return _Fitted(synthesizer)


RIVAL = TVAERival()
