"""A user's function as a corruption."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae.corruptions._base import Corruption
from sklearn_ae.data import ColumnScaling
from sklearn_ae.runtime import takes


class UserCorruption(Corruption):
    """Calls a function of rows in X's units.

    Parameters
    ----------
    function : callable
        `function(X, rng)` returns a corrupted copy of the rows X, an ndarray of shape
        (n, n_features), (n, height, width, n_channels) or (n, n_steps, n_channels),
        drawing from the numpy Generator rng.
    scaling : ColumnScaling
        Units of the columns.
    sample_shape : tuple of int, default=None
        Shape of a row that is flat.
    """

    _parameter_constraints: dict = {"function": [callable]}

    def __init__(
        self,
        function: Callable[[NDArray, np.random.Generator], NDArray],
        scaling: ColumnScaling,
        sample_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.function = function
        self.scaling = scaling
        self.sample_shape = sample_shape

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        """Return what the function makes of the rows."""
        seed = torch.randint(2**31, (), generator=generator, device=generator.device)
        rows = self.scaling.restore(x.cpu().numpy())
        if self.sample_shape is not None and x.ndim == 2:
            rows = rows.reshape(-1, *self.sample_shape)
        corrupted = np.asarray(self.function(rows, np.random.default_rng(int(seed))))
        if corrupted.shape != rows.shape or np.any(~np.isfinite(corrupted) & np.isfinite(rows)):
            raise ValueError(
                f"corruption={self.function!r} returned an array of shape {corrupted.shape} for "
                f"rows of shape {rows.shape}, or values that are not finite; return finite "
                "rows of the same shape."
            )
        return torch.from_numpy(self.scaling.apply(corrupted.reshape(x.shape))).to(x)


def in_standard_units(
    corruption: Corruption | Callable | None,
    scaling: ColumnScaling,
    sample_shape: tuple[int, ...] | None = None,
) -> Corruption | None:
    """Return a corruption of standardised rows; a user's function sees X's units.

    Parameters
    ----------
    corruption : Corruption, callable or None
        The corruption of an estimator.
    scaling : ColumnScaling
        Column scales of the rows.
    sample_shape : tuple of int, optional
        Shape of a row of an image or a sequence.
    """
    if corruption is None:
        return None
    if isinstance(corruption, Corruption):
        return corruption.bind(scaling, sample_shape)
    if not takes(corruption, None, None):
        raise TypeError(
            f"corruption={corruption!r} does not take (X, rng): rows and a numpy Generator; write "
            "for example lambda X, rng: X + rng.normal(size=X.shape)."
        )
    return UserCorruption(corruption, scaling, sample_shape)
