"""FactorAnalysis of scikit-learn."""

import numpy as np

from benchmarks.rivals._base import Rival


class FactorAnalysisRival(Rival):
    """`sklearn.decomposition.FactorAnalysis` with its defaults."""

    distribution = "scikit-learn"
    module = "sklearn.decomposition"

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit k factors; the estimator has `score` itself."""
        return self.load().FactorAnalysis(n_components=k, random_state=seed).fit(X)


RIVAL = FactorAnalysisRival()
