"""Named terms of an objective, and what they read of a pass through the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from sklearn_ae.data import Batch

_TINY = 1e-12


class Code(NamedTuple):
    """A code as the decoder gets it, and what it costs.

    Parameters
    ----------
    mean : Tensor of shape (n, n_components)
        The code that `transform` returns.
    sample : Tensor of shape (n, n_components)
        The code that the decoder reads; equal to the mean outside training.
    divergence : Tensor of shape (n,), optional
        The cost of each row's code, in nats if the latent has a density, and otherwise
        what the latent's own terms count; None if codes cost nothing.

    Examples
    --------
    The code of a row that is certain, and costs what it is away from 0:

    >>> import torch
    >>> from sklearn_ae import Code
    >>> mean = torch.tensor([[1.0, 2.0]])
    >>> Code(mean, sample=mean, divergence=mean.square().sum(dim=1) / 2).divergence
    tensor([2.5000])
    """

    mean: Tensor
    sample: Tensor
    divergence: Tensor | None = None


class Forward(NamedTuple):
    """What a pass through the network gives.

    Parameters
    ----------
    output : Tensor of shape (n, n_outputs) or (n, *size, n_outputs)
        What the loss reads: the standardised reconstruction, or the parameters of a
        distribution of it.
    code : Code
        The code and its cost.
    """

    output: Tensor
    code: Code


class Term(nn.Module, ABC):
    """A part of the objective, with weights of its own if it needs some.

    Its parameters are trained, saved and moved to the device with those of the network.

    Attributes
    ----------
    per_row : bool
        Whether `forward` returns the cost of each row, or one number for the batch.
    validated : bool
        Whether held-out rows are compared by it too.
    in_nats : bool
        Whether it counts nats of a row, as a log-likelihood does.
    begin : int
        Epochs before the first in which it counts.

    Examples
    --------
    Codes that cost their size are small; what they cost is in `history_`.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder, Penalty, Term
    >>> class Size(Term):
    ...     per_row = True
    ...
    ...     def forward(self, network, batch, result, generator):
    ...         return result.code.sample.abs().mean(dim=1)
    >>> class SmallCodes(Penalty):
    ...     def build(self, n_components, bounded):
    ...         return Size()
    >>> X = load_iris().data
    >>> options = {"max_iter": 5, "random_state": 0}
    >>> small = Autoencoder(2, penalties=(SmallCodes(),), **options).fit(X)
    >>> plain = Autoencoder(2, **options).fit(X)
    >>> sizes = [abs(fitted.transform(X)).mean() for fitted in (plain, small)]
    >>> bool(sizes[1] < sizes[0] / 2)
    True
    >>> costs = small.history_["small_codes"]
    >>> bool(costs[5] < costs[1] / 2)
    True
    """

    per_row: bool = False
    validated: bool = True
    in_nats: bool = False
    begin: int = 0

    @abstractmethod
    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        """Return the cost of a batch or of each of its rows; a generator means training.

        Parameters
        ----------
        network : AutoencoderModule
            Encoder, latent and decoder.
        batch : Batch
            The rows; `batch.companions` has what came with them, by name.
        result : Forward
            Their codes and what the decoder writes.
        generator : Generator or None
            Feeds draws.
        """

    def reset(self, generator: Generator) -> None:
        """Draw initial weights, if there are any."""

    def bind(self, reconstruction: Term) -> None:
        """Be told of the term that reconstructions cost, before anything is trained."""


class Divergence(Term):
    """The cost of codes, as the latent counts it."""

    per_row = True
    in_nats = True

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        """Return nats of each row, or of its pixels or steps."""
        assert result.code.divergence is not None
        return result.code.divergence / positions(batch)


def positions(batch: Batch) -> Tensor | float:
    """Number of pixels or observed steps of each row whose size is its own; 1 otherwise."""
    if batch.x.ndim == 2:
        return 1.0
    if batch.mask is None:
        return float(batch.x[0, ..., 0].numel())
    return batch.mask.flatten(1).sum(dim=1).clamp(min=1) / batch.mask.shape[-1]


def weighted_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over rows, whose weights have mean 1 over the training rows."""
    if weight is None:
        return values.mean(dim=0)
    share = weight / weight.sum().clamp(min=_TINY)
    return share @ values


def batch_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of the costs of a batch's rows, each times its weight."""
    share = 1 / values.shape[0]
    return torch.dot(values, torch.full_like(values, share) if weight is None else weight * share)
