"""Column scales of tables with columns of several kinds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, xlogy

from sklearn_ae.data._rows import Rows
from sklearn_ae.data._scaling import ColumnScaling
from sklearn_ae.data._table_rows import Columns, TableRows

# Losses of best constants are at least this.
_LEAST = 1e-12


class TableScaling(ColumnScaling):
    """Scales of the dense form of a table, and what each column's best constant costs.

    Relative scales are those of factor analysis of mixed data: numbers have one, and the
    indicator of a level of frequency p has (1 - p)^½, divided so that the squares of a column's
    levels add up to one.

    Parameters
    ----------
    mean, scale : ndarray of shape (width,), float64
        Weighted means and standard deviations of the dense form.
    share : ndarray of shape (width,), float64
        Relative scales.
    together : ndarray of shape (width,), int
        Column of the table that each belongs to.
    best : ndarray of shape (width,), float64
        Loss of the column's best constant: 1 for numbers in standard units, the entropy of
        levels, half the deviance of counts.

    References
    ----------
    Pagès, Analyse factorielle de données mixtes, Revue de statistique appliquée 2004.
    """

    _of_columns = ("mean", "scale", "share", "best")

    def __init__(
        self, mean: NDArray, scale: NDArray, share: NDArray, together: NDArray, best: NDArray
    ) -> None:
        super().__init__(mean, scale)
        self.together = together
        self.share = share
        self.best = best

    @classmethod
    def fit(cls, rows: Rows) -> TableScaling:
        """Measure the columns of a table."""
        assert isinstance(rows.values, TableRows)
        columns = rows.values.columns
        plain = ColumnScaling.fit(rows)
        frequency = np.clip(plain.mean, 0.0, 1.0)  # of a level
        share = (plain.scale > 0).astype(np.float64)
        best = np.ones(columns.width)
        counts = columns.of_kind("count")
        if counts.stop > counts.start:
            best[counts] = _half_deviance(rows, plain.mean, counts)
        binary = columns.of_kind("binary")
        best[binary] = entr(frequency[binary]) + entr(1 - frequency[binary])
        for span in level_spans(columns):
            p = frequency[span]
            best[span] = entr(p).sum()
            variance = (1 - p) * (plain.scale[span] > 0)
            share[span] = np.sqrt(variance / max(variance.sum(), _LEAST))
        best = np.maximum(best, _LEAST)
        return cls(plain.mean, plain.scale, share, columns.feature, best)

    @property
    def relative_scale(self) -> NDArray:
        """Relative scales, whatever the units."""
        return self.share

    @property
    def largest(self) -> float:
        """Codes have no unit."""
        return 1.0

    @property
    def feature(self) -> NDArray[np.intp]:
        """Column of the table that each belongs to."""
        return self.together

    def state(self) -> dict:
        """Return plain arrays."""
        own = {"share": self.share, "together": self.together, "best": self.best}
        return {**super().state(), **own}


def level_spans(columns: Columns) -> list[slice]:
    """Return where the levels of each categorical column stand, in the order of the dense form."""
    pairs = zip(columns.columns, columns.spans, strict=True)
    spans = [span for column, span in pairs if column.kind == "categorical"]
    return sorted(spans, key=lambda span: span.start)


def _half_deviance(rows: Rows, mean: NDArray, counts: slice) -> NDArray[np.float64]:
    """Half the mean deviance of counts from their mean."""
    total = np.zeros(counts.stop - counts.start)
    mass = np.zeros(counts.stop - counts.start)
    for dense, weight in rows.blocks():
        x = dense[:, counts]
        w = np.ones(len(x)) if weight is None else weight
        total += w @ np.nan_to_num(xlogy(x, np.maximum(x, 1.0)))
        mass += w @ (~np.isnan(x)).astype(np.float64)
    total, mass = rows.workers.sum(total), rows.workers.sum(mass)
    return total / np.maximum(mass, _LEAST) - xlogy(mean[counts], np.maximum(mean[counts], _LEAST))
