"""A latent with weights: codes are turned and scaled by a triangular map that is learned."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from sklearn_ae import Code, Latent, LatentModule


class _Triangular(LatentModule):
    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.lower = nn.Parameter(torch.eye(n_components))
        self.shift = nn.Parameter(torch.zeros(n_components))

    def reset(self, generator: Generator) -> None:
        with torch.no_grad():
            nn.init.eye_(self.lower)
            self.shift.normal_(0.0, 1e-3, generator=generator)

    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        code = output @ self.lower.tril().T + self.shift
        return Code(code, code)


class Triangular(Latent):
    """code = L z + m, where L is lower triangular and L and m are learned."""

    def build(self, n_components: int) -> LatentModule:
        return _Triangular(n_components)
