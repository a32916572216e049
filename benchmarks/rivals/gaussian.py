"""Normal distribution with the mean and the full covariance of the training rows."""

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, mean: np.ndarray, covariance: np.ndarray):
        self.mean = mean
        self.covariance = covariance

    def sample(self, n_samples: int, *, random_state: int) -> np.ndarray:
        rng = np.random.default_rng(random_state)
        return rng.multivariate_normal(self.mean, self.covariance, n_samples, method="eigh")


class GaussianRival(Rival):
    """Mean and covariance; k is not used."""

    distribution = "numpy"
    module = "numpy"

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Fitted:
        """Take the moments."""
        return _Fitted(X.mean(axis=0), np.cov(X, rowvar=False, ddof=0))


RIVAL = GaussianRival()
