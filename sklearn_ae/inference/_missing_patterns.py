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
_TINY = 1e-300


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
    counts : ndarray of shape (n_patterns,), optional
        Rows that have each pattern.
    """

    counts: NDArray[np.float64] | None = None

    def __init__(
        self,
        patterns: NDArray[np.bool_],
        slopes: NDArray,
        offsets: NDArray,
        counts: NDArray[np.float64] | None = None,
    ) -> None:
        self.patterns = patterns
        self.slopes = slopes
        self.offsets = offsets
        self.counts = counts

    @classmethod
    def fit(
        cls, rows: Rows, codes: Callable[[], NDArray[np.float64]], n_components: int
    ) -> MissingPatterns:
        """Count the patterns of rows, and regress them on the codes of the rows."""
        patterns, label, count = _patterns(rows)
        order = np.argsort(-count, kind="stable")[:_MOST]
        kept = np.sort(order[(count[order] >= _FEWEST) | (order == order[0])])
        place = np.searchsorted(kept, label)
        known = np.isin(label, kept)
        held = count[kept].astype(np.float64)
        if len(kept) == 1:
            return cls(patterns[kept], np.zeros((1, n_components)), np.zeros(1), held)
        model = LogisticRegression()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(codes()[known], place[known])
        slopes, offsets = model.coef_, model.intercept_
        if len(kept) == 2:
            slopes, offsets = np.r_[0 * slopes, slopes], np.r_[0 * offsets, offsets]
        return cls(patterns[kept], slopes, offsets, held)

    @classmethod
    def counted(
        cls, rows: Rows, before: MissingPatterns | None, n_components: int
    ) -> MissingPatterns:
        """Count the patterns of further rows, whatever their codes, beside those before."""
        patterns, label, _ = _patterns(rows)
        count = np.bincount(label, rows.weights, minlength=len(patterns)).astype(np.float64)
        if before is not None and before.counts is not None:
            every, place = np.unique(
                np.concatenate([before.patterns, patterns]), axis=0, return_inverse=True
            )
            both = np.concatenate([before.counts, count])
            count = np.bincount(place.ravel(), both).astype(np.float64)
            patterns = every
        kept = np.sort(np.argsort(-count, kind="stable")[:_MOST])
        slopes = np.zeros((len(kept), n_components))
        return cls(patterns[kept], slopes, np.log(np.maximum(count[kept], _TINY)), count[kept])

    def draw(self, codes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw which cells are missing in rows of these codes."""
        log_share = log_softmax(codes @ self.slopes.T + self.offsets, axis=1)
        return self.patterns[(log_share + rng.gumbel(size=log_share.shape)).argmax(axis=1)]


def _patterns(rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """Return the sets of cells that are missing, that of each row, and rows that have each."""
    values = rows.selected(rows.values)
    lacks = np.isnan(values.codes if isinstance(values, TableRows) else values)
    if not lacks.any():
        none, n = np.zeros((1, lacks.shape[1]), dtype=bool), len(lacks)
        return none, np.zeros(n, dtype=np.intp), np.array([n])
    patterns, label, count = np.unique(lacks, axis=0, return_inverse=True, return_counts=True)
    return patterns, label.ravel(), count
