"""Imputers of tables, behind one interface."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

# Draws from which intervals are taken.
N_IMPUTATIONS = 100


class Filled:
    """A fitted imputer.

    Parameters
    ----------
    train : DataFrame
        The rows that it was fitted on, filled.
    fill : callable
        Fills further rows.
    draws : callable, optional
        Takes rows and a number, and returns as many filled frames.
    """

    def __init__(
        self,
        train: pd.DataFrame,
        fill: Callable[[pd.DataFrame], pd.DataFrame] | None,
        draws: Callable[[pd.DataFrame, int], list[pd.DataFrame]] | None = None,
    ) -> None:
        self.train = train
        self.fill = fill
        self.draws = draws


class Indicators:
    """Categories as one column of 0 and 1 a level, and back.

    Parameters
    ----------
    frame : DataFrame
        Its categories are the levels.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.dtypes = frame.dtypes

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Return a matrix; the cells of all levels are NaN where a category is missing."""
        blocks = []
        for name, dtype in self.dtypes.items():
            if not isinstance(dtype, pd.CategoricalDtype):
                blocks.append(frame[[name]].to_numpy(np.float64))
                continue
            codes = frame[name].astype(dtype).cat.codes.to_numpy()
            levels = np.eye(len(dtype.categories))[codes]
            levels[codes < 0] = np.nan
            blocks.append(levels)
        return np.hstack(blocks)

    def decode(self, matrix: np.ndarray) -> pd.DataFrame:
        """Return a frame; the level with the largest number is taken."""
        columns, start = {}, 0
        for name, dtype in self.dtypes.items():
            if not isinstance(dtype, pd.CategoricalDtype):
                columns[name] = matrix[:, start]
                start += 1
                continue
            stop = start + len(dtype.categories)
            codes = matrix[:, start:stop].argmax(axis=1)
            columns[name] = pd.Categorical.from_codes(codes, dtype=dtype)
            start = stop
        return pd.DataFrame(columns)


class SklearnImputer(Rival):
    """An imputer of scikit-learn over numbers and indicators.

    Parameters
    ----------
    make : callable
        Takes a seed and returns the imputer.
    """

    distribution = "scikit-learn"
    module = "sklearn.impute"

    def __init__(self, make: Callable[[int], Any]) -> None:
        self.make = make

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> Filled:
        """Fit the imputer, levels never seen included."""
        indicators = Indicators(X)
        imputer = self.make(seed).set_params(keep_empty_features=True)
        train = indicators.decode(imputer.fit_transform(indicators.encode(X)))
        return Filled(
            train, lambda new: indicators.decode(imputer.transform(indicators.encode(new)))
        )


def mean(seed: int) -> Any:
    """Return the imputer by means; that of indicators gives the most frequent level."""
    from sklearn.impute import SimpleImputer

    return SimpleImputer()


def knn(seed: int) -> Any:
    """Return the imputer by five neighbours."""
    from sklearn.impute import KNNImputer

    return KNNImputer()


def iterative(seed: int) -> Any:
    """Return the iterative imputer with its default, Bayesian ridge regression."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    return IterativeImputer(random_state=seed)


def extra_trees(seed: int) -> Any:
    """Return the iterative imputer with 10 extra trees a column, as in examples of scikit-learn."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    return IterativeImputer(ExtraTreesRegressor(10, random_state=seed), random_state=seed)


class AutoencoderImputerRival(SklearnAERival):
    """`sklearn_ae.AutoencoderImputer`, frames as they are."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__("AutoencoderImputer", **parameters)

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> Filled:
        """Fit the imputer."""
        imputer = self.make(0, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train = imputer.fit_transform(X)
        return Filled(
            pd.DataFrame(train),
            imputer.transform,
            lambda new, n: imputer.impute(new, n_imputations=n),
        )
