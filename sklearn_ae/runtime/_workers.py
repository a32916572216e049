"""Processes that share the rows of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor


class Workers:
    """What processes do together whose rows are parts of one data set; this one is alone.

    Each of them makes the same calls in the same order, and all get the same answers.

    Attributes
    ----------
    count : int
        Number of processes.
    rank : int
        Which of them this is.
    recordable : bool
        Whether means of gradients are operations of torch, so that steps can be recorded.
    """

    count: int = 1
    rank: int = 0
    recordable: bool = False

    def sum(self, value: Any) -> Any:
        """Return the sum over processes of a number, an array or a tensor."""
        return value

    def largest(self, value: Any) -> Any:
        """Return the largest, entry by entry, of the arrays of all processes."""
        return value

    def gathered(self, values: Any) -> Any:
        """Return the entries of the arrays of all processes, in their order."""
        return values

    def of_first(self, value: Any) -> Any:
        """Return what the first process has."""
        return value

    def copy_first(self, tensors: Sequence[Tensor]) -> None:
        """Copy in the tensors of the first process."""

    def mean_gradients(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Return the mean over processes of gradients, which are None in all or in none."""
        return grads

    def mean_terms(self, terms: dict[str, float]) -> dict[str, float]:
        """Return the mean over processes of named numbers."""
        return terms


ALONE = Workers()
