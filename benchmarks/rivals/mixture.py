"""A mixture of normal distributions of normal scores."""

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split

from benchmarks.rivals._base import Rival

N_COMPONENTS = [1, 2, 4, 8, 16, 32]


class _Scores:
    """A column as normal scores of ranks, ties in random order, missing cells a level of their own.

    The way back is by ranks too, so that every value is one that the column has held, as often.
    """

    def __init__(self, column: pd.Series):
        codes, levels = pd.factorize(column, sort=True, use_na_sentinel=False)
        if not pd.api.types.is_numeric_dtype(column):  # the frequent beside each other
            frequency = np.bincount(codes)
            order = np.argsort(-frequency, kind="stable")
            codes, levels = np.argsort(order)[codes], levels.take(order)
        self.codes = np.sort(codes)
        self.levels, self.dtype, self._given = levels, column.dtype, codes

    def scores(self, rng: np.random.Generator) -> np.ndarray:
        order = np.lexsort((rng.random(len(self._given)), self._given))
        ranks = np.empty(len(order))
        ranks[order] = (np.arange(len(order)) + 0.5) / len(order)
        return ndtri(ranks)

    def values(self, scores: np.ndarray) -> pd.Series:
        ranks = (ndtr(scores) * len(self.codes)).astype(np.intp)
        codes = self.codes[np.clip(ranks, 0, len(self.codes) - 1)]
        return pd.Series(self.levels.take(codes)).astype(self.dtype)


class _Fitted:
    def __init__(self, columns: dict, mixture: GaussianMixture):
        self.columns = columns
        self.mixture = mixture

    def sample(self, n_samples: int, *, random_state: int) -> pd.DataFrame:
        self.mixture.random_state = random_state
        scores = self.mixture.sample(n_samples)[0]
        scores = scores[np.random.default_rng(random_state).permutation(n_samples)]
        parts = zip(self.columns.items(), scores.T, strict=True)
        return pd.DataFrame({name: column.values(part) for (name, column), part in parts})


class MixtureRival(Rival):
    """`GaussianMixture` with full covariances, of as many components as held-out rows prefer.

    Columns are normal scores; a category is a range of them. A fifth of the rows is held out for
    the number of components, and all are used then. k is not used.
    """

    distribution = "scikit-learn"
    module = "sklearn.mixture"

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> _Fitted:
        """Fit a mixture of each size, and the best again to all rows."""
        rng = np.random.default_rng(seed)
        columns = {name: _Scores(X[name]) for name in X}
        scores = np.column_stack([column.scores(rng) for column in columns.values()])
        train, test = train_test_split(scores, test_size=0.2, random_state=seed)
        sizes = [size for size in N_COMPONENTS if 2 * size <= len(train)]

        def make(size):
            return GaussianMixture(size, reg_covar=1e-4, random_state=seed)

        found = [make(size).fit(train).score(test) for size in sizes]
        return _Fitted(columns, make(sizes[int(np.argmax(found))]).fit(scores))


RIVAL = MixtureRival()
