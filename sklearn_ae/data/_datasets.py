"""Data sets of torch, which hand out rows one by one and hold no array."""

from __future__ import annotations

from typing import Any

from skorch.helper import SliceDataset
from torch.utils.data import DataLoader, Dataset


def refuse_dataset(X: Any, name: str = "X") -> None:
    """Raise if rows come as a data set, and say how to make an array of it.

    Raises
    ------
    TypeError
        If X is a `Dataset` or `DataLoader` of torch, or a `SliceDataset` of skorch.
    """
    if isinstance(X, SliceDataset):
        way_out = f"np.asarray({name})"
    elif isinstance(X, Dataset):
        way_out = f"np.stack([row for row, *_ in {name}])"
    elif isinstance(X, DataLoader):
        way_out = f"torch.cat([rows for rows, *_ in {name}])"
    else:
        return
    raise TypeError(
        f"{name} is a {type(X).__name__} ({type(X).__module__}), whose rows are not in one array; "
        f"pass the array behind it, or {way_out}."
    )
