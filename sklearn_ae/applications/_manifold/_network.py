"""A network beside a linear map."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from sklearn_ae.applications._manifold._kernel import applied, linear_map
from sklearn_ae.runtime import Seeds

_HIDDEN, _EPOCHS, _RATE = (64, 64), 200, 3e-3
# Rows below which none are held out for the number of epochs.
_FEW_ROWS = 50


class ResidualNetwork:
    """A linear map, and a network with two hidden layers that learns what it leaves."""

    def fit(self, A: NDArray[np.float64], B: NDArray[np.float64], seeds: Seeds) -> ResidualNetwork:
        """Fit to rows of shape (n, p) and what they are mapped to, of shape (n, q)."""
        self.linear = linear_map(A, B)
        rest = B - applied(self.linear, A)
        self.scale = float(np.sqrt(np.square(rest).mean())) or 1.0
        network = MLPRegressor(
            hidden_layer_sizes=_HIDDEN,
            learning_rate_init=_RATE,
            max_iter=_EPOCHS,
            early_stopping=len(A) >= _FEW_ROWS,
            random_state=int(seeds.numpy("network").integers(2**31)),
        )
        target = (rest / self.scale).astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(A.astype(np.float32), target[:, 0] if target.shape[1] == 1 else target)
        self.weights = [np.asarray(w, dtype=np.float64) for w in network.coefs_]
        self.constants = [np.asarray(c, dtype=np.float64) for c in network.intercepts_]
        return self

    def __call__(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map rows of shape (n, p)."""
        h = A
        for weight, constant in zip(self.weights[:-1], self.constants[:-1], strict=True):
            h = np.maximum(h @ weight + constant, 0.0)
        return applied(self.linear, A) + self.scale * (h @ self.weights[-1] + self.constants[-1])
