"""How a user names items."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Catalogue:
    """Items by their columns, or by names where they have some.

    Parameters
    ----------
    n_items : int
        Number of columns.
    names : ndarray of str, optional
        Their names.
    """

    def __init__(self, n_items: int, names: NDArray | None) -> None:
        self.n_items = n_items
        self.names = names

    def mask(self, items: ArrayLike) -> NDArray[np.bool_]:
        """Return which columns are among some items."""
        allowed = np.zeros(self.n_items, dtype=bool)
        allowed[self.columns(items)] = True
        return allowed

    def columns(self, items: ArrayLike) -> list[int]:
        """Return the columns of some items."""
        given = np.atleast_1d(np.asarray(list(items) if isinstance(items, set) else items))
        if given.dtype == bool:
            if given.shape != (self.n_items,):
                raise ValueError(
                    f"items is a mask of shape {given.shape}, but there are {self.n_items} "
                    "items; give an entry for each, or their columns."
                )
            return np.flatnonzero(given).tolist()
        return [self.column(item) for item in given.tolist()]

    def column(self, item: Any) -> int:
        """Return the column of an item."""
        if self.names is not None and isinstance(item, str):
            found = np.flatnonzero(self.names == item)
            if len(found):
                return int(found[0])
        elif isinstance(item, Integral) and 0 <= int(item) < self.n_items:
            return int(item)
        known = f"columns 0 to {self.n_items - 1}" if self.names is None else "their names"
        raise ValueError(f"items holds {item!r}, which is not known; use {known}.")

    def named(self, columns: NDArray[np.intp]) -> NDArray[Any]:
        """Return items as the user knows them; -1 has no name."""
        if self.names is None:
            return columns
        return np.array([*self.names, None], dtype=object)[columns]
