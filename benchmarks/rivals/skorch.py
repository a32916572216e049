"""NeuralNetRegressor of skorch, trained from X to X."""

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, net):
        self.net = net

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        return self.net.predict(X.astype(np.float32)).astype(np.float64)


class SkorchRival(Rival):
    """An autoencoder p-64-k-64-p trained by Adam at 1e-3 for 60 epochs, defaults otherwise."""

    distribution = "skorch"
    module = "skorch"

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Fitted:
        """Fit the net with X as target."""
        import torch
        from torch import nn

        torch.manual_seed(seed)
        p = X.shape[1]
        module = nn.Sequential(
            nn.Linear(p, 64), nn.ReLU(), nn.Linear(64, k), nn.Linear(k, 64), nn.ReLU(),
            nn.Linear(64, p),
        )  # fmt: skip
        net = self.load().NeuralNetRegressor(
            module, optimizer=torch.optim.Adam, lr=1e-3, max_epochs=60, verbose=0
        )
        rows = X.astype(np.float32)
        return _Fitted(net.fit(rows, rows))


RIVAL = SkorchRival()
