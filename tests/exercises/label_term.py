"""A term with weights that reads labels: a linear classifier of the code."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sklearn_ae import Penalty, Term


class _Classifier(Term):
    per_row = True

    def __init__(self, n_components: int, n_classes: int, weight: float) -> None:
        super().__init__()
        self.linear = nn.Linear(n_components, n_classes)
        self.weight = weight

    def reset(self, generator: Generator) -> None:
        with torch.no_grad():
            self.linear.weight.normal_(0.0, 0.1, generator=generator)
            self.linear.bias.zero_()

    def forward(self, network: Any, batch: Any, result: Any, generator: Generator | None) -> Tensor:
        label = batch.companions["label"]
        cost = F.cross_entropy(
            self.linear(result.code.sample), label.clamp(min=0), reduction="none"
        )
        return self.weight * torch.where(label >= 0, cost, 0.0)


class LabelPenalty(Penalty):
    """Cross-entropy of the labels given the code; rows of label -1 have none."""

    name = "labels"
    reads = ("label",)

    def __init__(self, n_classes: int = 2, weight: float = 1.0) -> None:
        self.n_classes = n_classes
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        return _Classifier(n_components, self.n_classes, self.weight)
