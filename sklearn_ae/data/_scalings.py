"""Which scaling rows have, and how it is made again from arrays."""

from __future__ import annotations

from sklearn_ae.data._channels import ChannelScaling
from sklearn_ae.data._rows import Rows
from sklearn_ae.data._scaling import ColumnScaling
from sklearn_ae.data._table import TableRows
from sklearn_ae.data._table_scaling import TableScaling
from sklearn_ae.data._warp import WarpedScaling


def fit_scaling(rows: Rows, *, warp: bool = False) -> ColumnScaling:
    """Measure the columns of rows, in the way that suits what they are.

    Parameters
    ----------
    rows : Rows
        Training rows.
    warp : bool
        Whether the columns of a matrix are mapped to normal scores.
    """
    if rows.grid is not None:
        return ChannelScaling.fit(rows)
    if isinstance(rows.values, TableRows):
        return TableScaling.fit(rows)
    return WarpedScaling.fit(rows) if warp else ColumnScaling.fit(rows)


def scaling_from(state: dict) -> ColumnScaling:
    """Make a scaling again from its arrays."""
    if "warps" in state:
        return WarpedScaling.of_state(state)
    return (TableScaling if "share" in state else ColumnScaling)(**state)
