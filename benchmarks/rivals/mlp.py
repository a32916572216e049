"""MLPRegressor of scikit-learn, trained from X to X."""

import warnings

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, regressor):
        self.regressor = regressor

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        return self.regressor.predict(X).reshape(X.shape)


class MLPRival(Rival):
    """`MLPRegressor(hidden_layer_sizes=(64, k, 64))`, defaults otherwise."""

    distribution = "scikit-learn"
    module = "sklearn.neural_network"

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Fitted:
        """Fit the regressor with X as target."""
        regressor = self.load().MLPRegressor(hidden_layer_sizes=(64, k, 64), random_state=seed)
        with warnings.catch_warnings():
            # The default number of epochs is part of what is measured.
            warnings.simplefilter("ignore")
            return _Fitted(regressor.fit(X, X))


RIVAL = MLPRival()
