"""One unit a channel, for columns that are neighbours in an image or a sequence."""

from __future__ import annotations

import numpy as np

from sklearn_ae.data._ragged import Ragged
from sklearn_ae.data._rows import Rows
from sklearn_ae.data._scaling import ColumnScaling


class ChannelScaling(ColumnScaling):
    """A mean for each pixel or step, and one standard deviation for each channel.

    The scale of a channel is the root mean variance of its pixels or steps, so that
    neighbours stay comparable. Where rows differ in size, means are by channel too.
    """

    @classmethod
    def fit(cls, rows: Rows) -> ChannelScaling:
        """Measure some rows."""
        assert rows.sample_shape is not None
        n_channels = rows.sample_shape[-1]
        if isinstance(rows.values, Ragged):
            own = _observed(rows)
            return cls(own.mean, own.scale)
        own = ColumnScaling.fit(rows)
        largest = own.scale.max(initial=0.0) or 1.0
        by_channel = (own.scale / largest).reshape(-1, n_channels)
        scale = np.sqrt(np.square(by_channel).mean(axis=0)) * largest
        return cls(own.mean, np.tile(scale, len(by_channel)))


def _observed(rows: Rows) -> ColumnScaling:
    """Return the scaling of the cells of ragged rows, missing ones left out, by channel."""
    values = rows.selected(rows.values)
    weight = rows.weights
    counts = values.sizes.prod(axis=1)
    by_cell = np.ones(len(values.cells)) if weight is None else np.repeat(weight, counts)
    mean, scale = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for j, column in enumerate(values.cells.T):
        present = ~np.isnan(column)
        if present.any():
            one = ColumnScaling.fit(Rows(column[present][:, None], by_cell[present]))
            mean[j], scale[j] = one.mean[0], one.scale[0]
    return ColumnScaling(mean, scale)
