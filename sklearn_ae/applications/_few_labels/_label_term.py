"""Labels in the objective of an autoencoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae.penalties import Penalty
from sklearn_ae.terms import Term


class LabelTerm(Term):
    """Cross-entropy, or half the squared error, of a linear map of the code.

    Parameters
    ----------
    n_components : int
        Width of the code.
    widths : tuple of int
        Columns of each output; 1 for a number.
    weight : float
        Multiplies the cost.
    """

    per_row = True

    def __init__(self, n_components: int, widths: tuple[int, ...], weight: float) -> None:
        super().__init__()
        self.linear = nn.Linear(n_components, sum(widths))
        self.widths = widths
        self.weight = weight

    def reset(self, generator: Generator) -> None:
        """Begin at no preference."""
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.bias.zero_()

    def forward(self, network: Any, batch: Any, result: Any, generator: Generator | None) -> Tensor:
        """Return the cost of each row; rows without a label have none."""
        target = batch.companions["labels"]
        found = self.linear(result.code.sample)
        cost = found.new_zeros(len(found))
        start = 0
        for width in self.widths:
            part = slice(start, start + width)
            start += width
            known = ~torch.isnan(target[:, part]).any(dim=1)
            wanted = torch.where(known[:, None], target[:, part], 0.0)
            if width == 1:
                each = 0.5 * (found[:, start - 1] - wanted[:, 0]).square()
            else:
                each = -(wanted * F.log_softmax(found[:, part], dim=1)).sum(dim=1)
            cost = cost + torch.where(known, each, 0.0)
        return self.weight * cost


class LabelPenalty(Penalty):
    """Loss of labels given the code.

    Parameters
    ----------
    widths : tuple of int
        Columns of each output.
    weight : float
        Multiplies the cost of a row with a label.
    """

    name = "labels"
    reads = ("labels",)

    def __init__(self, widths: tuple[int, ...] = (1,), weight: float = 1.0) -> None:
        self.widths = widths
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the linear map."""
        return LabelTerm(n_components, tuple(self.widths), float(self.weight))
