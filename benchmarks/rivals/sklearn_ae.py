"""The autoencoder of this project."""

from functools import cached_property

import numpy as np

from benchmarks.rivals._base import Rival


class SklearnAERival(Rival):
    """`sklearn_ae.Autoencoder` with its defaults."""

    distribution = "sklearn-ae"
    module = "sklearn_ae"

    @cached_property
    def version(self) -> str | None:
        """Version of the package that is imported, installed or not."""
        try:
            return self.load().__version__
        except (ImportError, AttributeError):
            return None

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit an autoencoder, which has `reconstruct` itself."""
        return self.load().Autoencoder(n_components=k, random_state=seed).fit(X)


RIVAL = SklearnAERival()
