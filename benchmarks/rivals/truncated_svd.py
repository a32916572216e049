"""Truncated singular value decomposition of scikit-learn, which takes sparse rows as they are."""

from collections.abc import Iterator

import numpy as np

from benchmarks.rivals._base import Rival


class _Fitted:
    def __init__(self, svd):
        self.svd = svd

    def transform(self, X) -> np.ndarray:
        return self.svd.transform(X)

    def iter_reconstruct(self, X, *, batch_size: int) -> Iterator[np.ndarray]:
        for start in range(0, X.shape[0], batch_size):
            code = self.svd.transform(X[start : start + batch_size])
            yield self.svd.inverse_transform(code)


class TruncatedSVDRival(Rival):
    """`sklearn.decomposition.TruncatedSVD` with its defaults."""

    distribution = "scikit-learn"
    module = "sklearn.decomposition"

    def fit(self, X, k: int, seed: int) -> _Fitted:
        """Fit k components to a sparse matrix."""
        return _Fitted(self.load().TruncatedSVD(n_components=k, random_state=seed).fit(X))


RIVAL = TruncatedSVDRival()
