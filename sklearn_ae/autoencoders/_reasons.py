"""Where a row is strange, and what would be typical in its place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.autoencoders._reading import Reader, check_dense_size
from sklearn_ae.data import SparseRows, as_numpy, check_accepted
from sklearn_ae.inspection._reasons import (
    OfRows,
    Reason,
    Replacements,
    by_error,
    by_replacement,
)


@in_kind
def reconstruction_errors(self: Any, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
    """Return the loss of each cell: how far it is from what was expected there.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows of finite numbers.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.

    Returns
    -------
    errors : ndarray or data frame of shape (n_samples, n_features), float64
        Losses in X's units, in the container of X; squared differences by default, and
        minus the log-density in nats where the loss is a likelihood. Where the latent
        has no density, their sum over a row is minus its score.
    """
    values, given = self._read(X, condition)
    if isinstance(values, SparseRows):
        check_dense_size(*values.shape, np.dtype(float), "reconstruction_errors")
    errors = self._cell_errors(values, given)
    return self._reader.adapter.container(X).wrap_errors(errors, like=X)


@in_kind
def explain(
    self: Any, X: ArrayLike, n_reasons: int = 3, condition: ArrayLike | None = None
) -> pd.DataFrame:
    """Return the cells that make rows strange, and what would be typical in their place.

    Each decile of a column, or each of its levels, is put in the cell's place. The reason
    is the cell whose best replacement brings the score nearest to that of a typical row:

        share = (s(x with the replacement) - s(x)) / (m - s(x)),

    where s is `score_samples`, and m the median score of training rows, at which s is cut.
    The replacement is kept before the next reason is looked for, until the score is typical:
    two cells that are strange together are two reasons, and a row with a typical score has
    none. Missing cells are no reasons. In images and sequences the reasons are the pixels
    or steps of the largest `reconstruction_errors`, which are the whole map; share is then
    that of the row's error.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows, of which strange ones are worth the time: a row of p numbers costs the scores of
        9 p rows a reason. Of several hundred columns and more, those with the largest
        `reconstruction_errors` are looked at.
    n_reasons : int, default=3
        Reasons of a row at most.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.

    Returns
    -------
    reasons : pandas.DataFrame
        A row a reason, with the index of X where that is a pandas frame, and the columns

        - `row`: position of the row in X;
        - `feature`: name or position of the column. The position of a pixel or step is
          a number or a tuple, the channel last if there are several;
        - `observed`: what X holds;
        - `expected`: the replacement, or the reconstruction of a pixel or step;
        - `share`: how much of the strangeness goes with it, in (0, 1]; the shares of a
          row add up to 1 at most.

    Raises
    ------
    ValueError
        If `n_reasons` is no integer of at least 1, or as `score_samples`.
    """
    check_is_fitted(self)
    if isinstance(n_reasons, bool) or not isinstance(n_reasons, Integral) or n_reasons < 1:
        raise ValueError(f"n_reasons={n_reasons!r} must be an integer of at least 1.")
    check_accepted(X)
    if not _num_samples(X):
        return _frame([], [[], [], []])
    values, given = self._read(X, condition)
    values, adapter = as_numpy(values), self._reader.adapter
    if adapter.sample_shape is None:
        of_rows = self._score_rows, self._cell_errors
        reasons = by_replacement(values, given, *of_rows, self._replacements, int(n_reasons))
    else:
        maps = self._rebuilt(values, given), self._cell_errors(values, given)
        reasons = by_error(values, *maps, int(n_reasons))
    places = [[getattr(r, name) for r in reasons] for name in ("row", "column")]
    cells = [np.array([getattr(r, name) for r in reasons]) for name in ("observed", "expected")]
    labels = adapter.index(X)
    if labels is None and isinstance(X, pd.DataFrame):
        labels = X.index
    return _frame(reasons, adapter.described(X, values, *places, *cells), labels)


class ReasonsMixin:
    """Says which cells make a row strange, of whatever scores rows.

    An estimator has a reader, what `Replacements.fit` returns of its training rows, and four
    methods. Rows are as the reader reads them, and their condition may be None:

    ============================= ============================================
    `_read(X, condition)`         such rows and their condition
    `_score_rows(values, given)`  the score of each row; higher is more normal
    `_cell_errors(values, given)` the error of each cell
    `_rebuilt(values, given)`     what was expected in each cell
    ============================= ============================================
    """

    _reader: Reader
    _replacements: Replacements
    _read: Callable[[Any, Any], tuple[Any, NDArray | None]]
    _score_rows: OfRows
    _cell_errors: OfRows
    _rebuilt: OfRows

    reconstruction_errors = reconstruction_errors
    explain = explain


def _frame(reasons: list[Reason], described: list[list], labels: Any = None) -> pd.DataFrame:
    row = np.array([r.row for r in reasons], dtype=np.int64)
    found: dict[str, Any] = {"row": row}
    for name, cells in zip(("feature", "observed", "expected"), described, strict=True):
        column = pd.Series(cells, dtype=object)
        with suppress(UnicodeEncodeError):  # half of a surrogate pair, which pyarrow refuses
            column = column.infer_objects()
        found[name] = column
    found["share"] = np.array([r.share for r in reasons], dtype=np.float64)
    frame = pd.DataFrame(found)
    return frame if labels is None else frame.set_axis(pd.Index(labels)[row])
