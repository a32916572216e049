"""A term across rows: codes of two domains have the same mean and covariance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from sklearn_ae import Penalty, Term


def _moments(code: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    share = weight / weight.sum().clamp(min=1e-6)
    mean = share @ code
    centred = code - mean
    return mean, (centred * share[:, None]).T @ centred


class _Coral(Term):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, network: Any, batch: Any, result: Any, generator: Generator | None) -> Tensor:
        code, domain = result.code.sample, batch.companions["domain"]
        of_rows = torch.ones_like(code[:, 0]) if batch.weight is None else batch.weight
        first = _moments(code, of_rows * (domain == 0))
        second = _moments(code, of_rows * (domain == 1))
        distances = [(a - b).square().sum() for a, b in zip(first, second, strict=True)]
        return self.weight * torch.stack(distances).sum()


class DomainPenalty(Penalty):
    """Squared distances of the means and covariances of the codes of two domains."""

    name = "domains"
    reads = ("domain",)
    symmetry = "rotation"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        return _Coral(self.weight)
