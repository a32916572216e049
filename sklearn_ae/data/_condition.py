"""What rows are conditioned on: labels as indicators, numbers in standard units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples

from sklearn_ae.data._rows import Rows


class ConditionEncoder:
    """Turns a condition into columns of order one.

    One column of labels (strings, booleans or whole numbers) becomes an indicator a
    label; anything else is a matrix of numbers, whose columns are standardised.
    """

    def fit(self, condition: ArrayLike, rows: Rows) -> ConditionEncoder:
        """Note the labels, or the means and scales, of the rows of positive weight."""
        self.labels = _are_labels(condition)
        self.encoder: Any = (
            OneHotEncoder(handle_unknown="error", sparse_output=False)
            if self.labels
            else StandardScaler()
        )
        self.encoder.set_output(transform="default")  # whatever sklearn.set_config asks for
        values = self._matrix(condition, len(rows.values))
        weights = () if self.labels else (rows.weights,)
        self.encoder.fit(rows.selected(values), None, *weights)
        return self

    def apply(self, condition: ArrayLike | None, n_rows: int) -> NDArray[np.float64]:
        """Return the columns of a condition.

        Parameters
        ----------
        condition : array-like of shape (n_rows,) or (n_rows, n_conditions), or scalar
            A scalar holds for every row.
        n_rows : int
            Number of rows.
        """
        if condition is None:
            raise ValueError(
                "condition=None, but this estimator was fitted with a condition; pass "
                "condition= with one entry a row."
            )
        if np.ndim(condition) == 0:
            condition = np.repeat(np.asarray(condition), n_rows)
        values = self._matrix(condition, n_rows)
        known = self.encoder.n_features_in_
        if values.shape[1] != known:
            raise ValueError(
                f"condition has {values.shape[1]} columns, but {known} in fit; pass the same."
            )
        if self.labels:
            self._check_known(values)
        return self.encoder.transform(values).astype(np.float64, copy=False)

    def _check_known(self, values: NDArray) -> None:
        [known] = self.encoder.categories_
        unknown = sorted(set(values[:, 0].tolist()) - set(known.tolist()), key=str)
        if unknown:
            raise ValueError(
                f"condition holds {unknown[0]!r}, which fit has not seen; use one of "
                f"{known.tolist()}."
            )

    def _matrix(self, condition: ArrayLike, n_rows: int) -> NDArray:
        if _num_samples(condition) != n_rows:
            raise ValueError(
                f"condition has {_num_samples(condition)} rows, but X has {n_rows}; pass one "
                "entry a row."
            )
        values = np.asarray(condition)
        values = values[:, None] if values.ndim == 1 else values
        dtype = None if self.labels else np.float64
        return check_array(values, dtype=dtype, input_name="condition")


def _are_labels(condition: ArrayLike) -> bool:
    values = np.asarray(condition)
    single = values.ndim == 1 or values.shape[1:] == (1,)
    if not single:
        return False
    flat = values.ravel()
    if flat.dtype.kind in "OUSb":
        return True
    return flat.dtype.kind in "iu" and type_of_target(flat) in ("binary", "multiclass")
