"""A target for the code: coordinates that a manifold learner has found."""

from __future__ import annotations

from typing import Any

from torch import Generator, Tensor

from sklearn_ae import Penalty, Term


class _Distance(Term):
    per_row = True

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, network: Any, batch: Any, result: Any, generator: Generator | None) -> Tensor:
        distance = result.code.sample - batch.companions["embedding"]
        return self.weight * distance.square().sum(dim=1)


class ManifoldPenalty(Penalty):
    """Squared distance of the code to the coordinates of its row."""

    name = "manifold"
    reads = ("embedding",)

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        return _Distance(self.weight)
