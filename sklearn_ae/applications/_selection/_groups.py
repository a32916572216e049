"""Which columns of a table are kept together."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_groups(groups: Iterable[Iterable[Any]] | None, names: list[Any]) -> list[NDArray[np.intp]]:
    """Return the positions of columns that are kept together, in the order of their first ones.

    Parameters
    ----------
    groups : iterable of iterables of int or str, or None
        Names or positions; a column that is in none is a group of its own.
    names : list
        Names of the columns.

    Raises
    ------
    ValueError
        If an entry is no column, or is in two groups.
    """
    group = np.full(len(names), -1)
    for number, members in enumerate(groups or ()):
        if isinstance(members, str) or not isinstance(members, Iterable):
            raise ValueError(
                f"groups holds {members!r:.60}, which is no list of columns; put brackets around "
                "it, as in groups=[[0, 1], [2, 3]]."
            )
        for member in members:
            j = _position(member, names)
            if group[j] >= 0:
                raise ValueError(
                    f"groups holds {member!r} twice; leave it in one group, as columns are kept "
                    "once."
                )
            group[j] = number
    alone = group < 0
    group[alone] = len(names) + np.flatnonzero(alone)
    found = [np.flatnonzero(group == number) for number in np.unique(group)]
    return sorted(found, key=lambda columns: int(columns[0]))


def _position(member: Any, names: list[Any]) -> int:
    if member in names:
        return names.index(member)
    if isinstance(member, Integral) and -len(names) <= int(member) < len(names):
        return int(member) % len(names)
    raise ValueError(
        f"groups holds {member!r}, which is no column of X; use names or positions of its "
        f"{len(names)} columns."
    )
