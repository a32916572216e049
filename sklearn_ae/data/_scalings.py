"""Which scaling rows have, and how it is made again from arrays."""

from __future__ import annotations

import math

from sklearn_ae.data._channels import ChannelScaling
from sklearn_ae.data._normal_scores import NormalScores
from sklearn_ae.data._rows import Rows
from sklearn_ae.data._scaling import ColumnScaling, UnitScaling
from sklearn_ae.data._table_rows import TableRows
from sklearn_ae.data._table_scaling import TableScaling


def fit_scaling(rows: Rows, *, normal_scores: bool = False) -> ColumnScaling:
    """Measure the columns of rows, in the way that suits what they are.

    Parameters
    ----------
    rows : Rows
        Training rows.
    normal_scores : bool
        Whether the columns of a matrix are mapped to normal scores.

    Raises
    ------
    ValueError
        If variances do not add up to a finite number.
    """
    scaling: ColumnScaling
    if rows.sample_shape is not None:
        scaling = ChannelScaling.fit(rows)
    elif isinstance(rows.values, TableRows):
        scaling = TableScaling.fit(rows)
    else:
        scaling = NormalScores.fit(rows) if normal_scores else ColumnScaling.fit(rows)
    largest = float(scaling.scale.max(initial=0.0))
    if not math.isfinite(largest * largest * len(scaling.scale)):
        raise ValueError(
            "The variance of X is not a finite number: a column's standard deviation is "
            f"{largest:.3g}; put a MaxAbsScaler in front."
        )
    return scaling


def scaling_from(state: dict) -> ColumnScaling:
    """Make a scaling again from its arrays."""
    if "maps" in state:
        return NormalScores.of_state(state)
    if "center" in state:
        return UnitScaling(**state)
    return (TableScaling if "share" in state else ColumnScaling)(**state)
