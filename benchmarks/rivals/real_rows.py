"""The training rows themselves: what no generator can be better than."""

import numpy as np
import pandas as pd

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, rows: pd.DataFrame):
        self.rows = rows

    def sample(self, n_samples: int, *, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        n = len(self.rows)
        times = -(-n_samples // n)
        order = np.concatenate([rng.permutation(n) for _ in range(times)])[:n_samples]
        return self.rows.iloc[order].reset_index(drop=True)


class RealRows(Rival):
    """Training rows in random order, each again only after all others; k is not used."""

    distribution = "numpy"
    module = "numpy"

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> _Fitted:
        """Keep the rows."""
        return _Fitted(X)


RIVAL = RealRows()
