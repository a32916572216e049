"""Which cells of a row are missing, given its code."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sklearn_ae.data import Rows, TableRows

# Patterns that are told apart, at most, and rows that one needs.
_MOST, _FEWEST = 32, 5


class MissingPatterns:
    """The sets of cells that are missing together, by a logistic regression on the code.

    Parameters
    ----------
    patterns : ndarray of shape (n_patterns, n_columns), bool
        Cells that are missing, in the user's columns.
    slopes : ndarray of shape (n_patterns, n_components), float64
        Of the log-probability of each pattern.
    offsets : ndarray of shape (n_patterns,), float64
        The same at the code 0.
    """

    def __init__(self, patterns: NDArray[np.bool_], slopes: NDArray, offsets: NDArray) -> None:
        self.patterns = patterns
        self.slopes = slopes
        self.offsets = offsets

    @classmethod
    def fit(cls, rows: Rows, codes: Callable[[], NDArray[np.float64]]) -> MissingPatterns:
        """Count the patterns of rows, and regress them on the codes of the rows."""
        values = rows.selected(rows.values)
        lacks = np.isnan(values.codes if isinstance(values, TableRows) else values)
        patterns, label, count = np.unique(lacks, axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(-count, kind="stable")[:_MOST]
        kept = np.sort(order[(count[order] >= _FEWEST) | (order == order[0])])
        place = np.searchsorted(kept, label.ravel())
        known = np.isin(label.ravel(), kept)
        width = codes().shape[1]
        if len(kept) == 1:
            return cls(patterns[kept], np.zeros((1, width)), np.zeros(1))
        model = LogisticRegression()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(codes()[known], place[known])
        slopes, offsets = model.coef_, model.intercept_
        if len(kept) == 2:
            slopes, offsets = np.r_[0 * slopes, slopes], np.r_[0 * offsets, offsets]
        return cls(patterns[kept], slopes, offsets)

    def draw(self, codes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw which cells are missing in rows of these codes."""
        log_share = log_softmax(codes @ self.slopes.T + self.offsets, axis=1)
        return self.patterns[(log_share + rng.gumbel(size=log_share.shape)).argmax(axis=1)]
