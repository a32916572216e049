"""The penalty of codes whose first components are codes themselves."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.data import Batch
from sklearn_ae.penalties._base import Penalty
from sklearn_ae.terms import Forward, Term


class _NestedTerm(Term):
    per_row = True
    kept: Tensor

    def __init__(self, weight: float, sizes: list[int], width: int) -> None:
        super().__init__()
        self.weight = weight
        kept = torch.arange(width) < torch.tensor(sizes, dtype=torch.long)[:, None]
        self.register_buffer("kept", kept.float(), persistent=False)

    def bind(self, reconstruction: Term) -> None:
        # It has a place in the objective of its own.
        self.reconstruction = (reconstruction,)

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        code, total = result.code, batch.x.new_zeros(batch.n_rows)
        for kept in self.kept:
            part = code._replace(sample=code.sample * kept)
            output = network.decode(part.sample, batch.condition, batch.extent)
            shorter = Forward(output, part)
            total = total + self.reconstruction[0](network, batch, shorter, generator)
        return self.weight * total / max(1, len(self.kept))


class NestedCodes(Penalty):
    """The reconstruction loss of the first components alone, for several numbers of them.

    weight / |M| Σₘ loss(x, decoder(z₁, …, zₘ, 0, …, 0)), m in M. So the code of m components is
    in the first m of a wider one, which can be cut where they are enough, and components come
    in the order of what they add, as in PCA. With linear maps and squared errors, PCA is the
    minimiser.

    Parameters
    ----------
    sizes : tuple of int, default=None
        The numbers of components M. Those that are not below the width of the code are left
        out. None takes the powers of two below it.
    weight : float, default=1.0
        Multiplies the mean over M.

    References
    ----------
    Rippel, Gelbart and Adams, Learning ordered representations with nested dropout, ICML 2014.
    :arxiv:`1402.0915`

    Kusupati et al., Matryoshka representation learning, NeurIPS 2022. :arxiv:`2205.13147`

    Bussmann et al., Learning multi-level features with Matryoshka sparse autoencoders, ICML
    2025. :arxiv:`2503.17547`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, NestedCodes
    >>> Autoencoder(penalties=(NestedCodes(sizes=(2, 4)),))
    Autoencoder(penalties=(NestedCodes(sizes=(2, 4)),))
    """

    name = "nested_codes"
    # Components may be scaled and their signs flipped, but not mixed, shifted or reordered:
    # what is cut off is the last ones, and it is cut at zero.
    symmetry = "signs"
    _parameter_constraints: dict = {
        "sizes": [tuple, list, None],
        "weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, sizes: Sequence[int] | None = None, weight: float = 1.0) -> None:
        self.sizes = sizes
        self.weight = weight

    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the mean over numbers of components."""
        sizes = self.sizes
        if sizes is None:
            sizes = [2**i for i in range((n_components - 1).bit_length())]
        if any(isinstance(s, bool) or not isinstance(s, Integral) or s < 1 for s in sizes):
            raise ValueError(
                f"sizes={sizes!r} must hold integers of at least 1; use for example sizes=(2, 4)."
            )
        below = sorted({int(size) for size in sizes if size < n_components})
        return _NestedTerm(float(self.weight), below, n_components)
