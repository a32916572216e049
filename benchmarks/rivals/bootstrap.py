"""Training rows drawn with replacement: what a generator that knew them all would draw."""

import numpy as np
import pandas as pd

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, rows: pd.DataFrame):
        self.rows = rows

    def sample(self, n_samples: int, *, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        return self.rows.iloc[rng.integers(0, len(self.rows), n_samples)].reset_index(drop=True)


class Bootstrap(Rival):
    """Independent draws of training rows; k is not used."""

    distribution = "numpy"
    module = "numpy"

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> _Fitted:
        """Keep the rows."""
        return _Fitted(X)


RIVAL = Bootstrap()
