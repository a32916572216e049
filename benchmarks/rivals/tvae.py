"""TVAE of ctgan: a variational autoencoder for tables."""

import pandas as pd

from benchmarks.rivals._base import Rival
from benchmarks.rivals._tables import Formatted


class CTGANRival(Rival):
    """A synthesizer of ctgan with its defaults, on the CPU; k is not used.

    Its seed sets the global generators of numpy and torch while it runs.

    Parameters
    ----------
    synthesizer : {"TVAE", "CTGAN"}
        Name of the class.
    """

    distribution = "ctgan"
    module = "ctgan"

    def __init__(self, synthesizer: str) -> None:
        self.synthesizer = synthesizer

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> Formatted:
        """Fit the synthesizer."""

        def fit(rows, discrete):
            model = getattr(self.load(), self.synthesizer)(enable_gpu=False)
            model.set_random_state(seed)
            model.fit(rows, discrete)

            def draw(n_samples, random_state):
                model.set_random_state(random_state)
                return model.sample(n_samples)

            return draw

        return Formatted(X, fit)


RIVAL = CTGANRival("TVAE")
