"""Gaussian copula with beta marginals, as SDV's `GaussianCopulaSynthesizer` has them."""

import numpy as np
import pandas as pd

from benchmarks.rivals._base import Rival
from benchmarks.rivals._tables import Formatted


class GaussianCopulaRival(Rival):
    """`GaussianMultivariate` of copulas; categories are intervals of a number; k is not used."""

    distribution = "copulas"
    module = "copulas"

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> Formatted:
        """Fit marginals and correlations."""
        from copulas.multivariate import GaussianMultivariate
        from copulas.univariate import BetaUnivariate

        np.random.seed(seed)  # noqa: NPY002 - the encoder of categories knows no other

        def fit(rows, discrete):
            model = GaussianMultivariate(distribution=BetaUnivariate)
            model.fit(rows)

            def draw(n_samples, random_state):
                model.set_random_state(random_state)
                return model.sample(n_samples)

            return draw

        return Formatted(X, fit, discrete_as_numbers=True)


RIVAL = GaussianCopulaRival()
