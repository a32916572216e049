"""A table of any columns as numbers, for PCA and for scikit-learn's imputers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_ae.autoencoders import StateMixin
from sklearn_ae.data import Columns, fit_column, read_table


class TableEncoder(TransformerMixin, StateMixin):
    """Numbers and days in standard units, text as indicators, so that each column counts once.

    A column of text has an indicator a level, and the sum of their variances is 1, as is the
    variance of a number. `inverse_transform` takes the largest indicator.

    Parameters
    ----------
    fill : bool, default=True
        Whether missing cells become 0, the mean; they stay NaN otherwise.
    """

    # It is part of a report's pipelines, and has no page.
    _doc_link_module = ""

    def __init__(self, fill: bool = True) -> None:
        self.fill = fill

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Read columns and their scales.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
            The table.
        y : ignored
            Here for scikit-learn's interface.

        Returns
        -------
        self : object
            The fitted encoder.
        """
        table = read_table(X)
        self._columns = Columns([fit_column(s, categorical=False, numeric_map=None) for s in table])
        cells = self._columns.expand(self._columns.encode(table))
        self._mean, self._scale = np.nanmean(cells, axis=0), np.ones(cells.shape[1])
        variances = np.nanvar(cells, axis=0)
        for span in self._columns.spans:
            self._scale[span] = np.sqrt(variances[span].sum()) or 1.0
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return numbers.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
            Rows with the columns of `fit`.

        Returns
        -------
        numbers : ndarray of shape (n_samples, width)
            Columns of numbers come before indicators.
        """
        check_is_fitted(self, "_columns")
        cells = self._columns.expand(self._columns.encode(read_table(X)))
        numbers = (cells - self._mean) / self._scale
        return np.nan_to_num(numbers) if self.fill else numbers

    def inverse_transform(self, numbers: NDArray[np.float64]) -> pd.DataFrame:
        """Return a table.

        Parameters
        ----------
        numbers : ndarray of shape (n_samples, width)
            Numbers, such as PCA gives back.

        Returns
        -------
        frame : DataFrame of shape (n_samples, n_features)
            The columns of `fit`.
        """
        check_is_fitted(self, "_columns")
        codes = self._columns.collapse(np.asarray(numbers) * self._scale + self._mean)
        index = pd.RangeIndex(len(codes))
        cells = {
            column.type.name: column.decode(codes[:, j], index)
            for j, column in enumerate(self._columns.columns)
        }
        return pd.DataFrame(cells, index=index)
