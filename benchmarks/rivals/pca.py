"""PCA of scikit-learn."""

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, pca):
        self.pca = pca

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        return self.pca.inverse_transform(self.pca.transform(X))

    def score(self, X: np.ndarray) -> float:
        covariance = self.pca.get_covariance()
        # The score itself goes on with the inverse of a matrix that has none.
        if np.linalg.matrix_rank(covariance, hermitian=True) < len(covariance):
            raise ValueError("The covariance is singular.")
        return self.pca.score(X)


class PCARival(Rival):
    """`sklearn.decomposition.PCA` with its defaults."""

    distribution = "scikit-learn"
    module = "sklearn.decomposition"

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Fitted:
        """Fit PCA with k components."""
        return _Fitted(self.load().PCA(n_components=k, random_state=seed).fit(X))


RIVAL = PCARival()
