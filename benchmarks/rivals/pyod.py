"""AutoEncoder of PyOD."""

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, detector):
        self.detector = detector

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        import torch

        model = self.detector.model.eval()
        with torch.no_grad():
            rows = torch.as_tensor(X, dtype=torch.float32, device=self.detector.device)
            return model(rows).cpu().numpy().astype(np.float64)


class PyODRival(Rival):
    """`AutoEncoder` with hidden layers (64, k) and 60 epochs, defaults otherwise.

    The detector has no public reconstruction, so its network is asked. Its own standardisation is
    off: the columns are standardised already, and it divides by a standard deviation that is zero
    where a column is constant in the training rows.
    """

    distribution = "pyod"
    module = "pyod.models.auto_encoder"

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Fitted:
        """Fit the detector."""
        detector = self.load().AutoEncoder(
            hidden_neuron_list=[64, k],
            epoch_num=60,
            preprocessing=False,
            random_state=seed,
            device="cpu",
            verbose=0,
        )
        return _Fitted(detector.fit(X))


RIVAL = PyODRival()
