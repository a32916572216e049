"""Codes that are words of codebooks."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor
from torch.nn import functional as F

from sklearn_ae.data import Batch
from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.latents._k_means import drawn_apart, k_means, one_hot, squared_distances
from sklearn_ae.terms import Code, Forward, Term

# Rows that k-means sees for each word.
_ROWS_PER_WORD = 64
# Share of the rows, relative to that of a word on average, below which a word is rare.
_RARE = 0.1
_TINY = 1e-30


class VectorQuantizedModule(LatentModule):
    """The word nearest to what the encoder writes, in each of several groups of components."""

    reads_outputs = True
    codebook: Tensor
    share: Tensor
    used: Tensor
    spread: Tensor
    source: Tensor
    place: Tensor

    def __init__(self, n_components: int, n_codebooks: int, n_codewords: int, decay: float) -> None:
        super().__init__()
        self.n_components = n_components
        self.decay = decay
        groups = _groups(n_components, n_codebooks)
        self.n_codebooks, self.width = len(groups), len(groups[0])
        source = torch.tensor(groups).flatten()
        self.register_buffer("source", source, persistent=False)
        self.register_buffer("place", source.argsort()[:n_components], persistent=False)
        shape = (self.n_codebooks, n_codewords)
        self.register_buffer("codebook", torch.zeros(*shape, self.width))
        # Of the rows, those whose word it is.
        self.register_buffer("share", torch.full(shape, 1 / n_codewords))
        self.register_buffer("spread", torch.ones(()))
        # Rows of this epoch.
        self.register_buffer("used", torch.zeros(shape), persistent=False)

    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        """Return the words; in training their gradient is the encoder's, and they move."""
        parts = self._parts(output)
        chosen = one_hot(self._nearest(parts), self.codebook.shape[1], output)
        word = self._joined(chosen @ self.codebook)
        distance = (output - word.detach()).square().sum(dim=1) / self.spread
        if generator is None:
            return Code(word, word, distance)
        if self.training:
            with torch.no_grad():
                self._move(parts, chosen)
        return Code(word, output + (word - output).detach(), distance)

    def indices(self, code: Tensor) -> Tensor:
        """Return the numbers of the words that are nearest to codes, (n, n_codebooks)."""
        return self._nearest(self._parts(code)).T

    @property
    def words(self) -> Tensor:
        """The words as parts of the code: zero in the components of other codebooks."""
        n_codebooks, n_codewords, width = self.codebook.shape
        book = torch.arange(n_codebooks, device=self.codebook.device)
        spread = self.codebook.new_zeros(n_codebooks, n_codewords, n_codebooks, width)
        spread[book, :, book] = self.codebook
        return spread.flatten(2)[..., self.place]

    def reset(self, generator: Generator) -> None:
        """Draw words from N(0, 1)."""
        self.codebook.normal_(generator=generator)
        self.share.fill_(1 / self.share.shape[1])
        self.spread.fill_(1.0)
        self.used.zero_()

    @torch.no_grad()
    def start_from(self, output: Tensor, weight: Tensor | None, generator: Generator) -> None:
        """Take the means of k-means in each group of components."""
        n_codewords = self.codebook.shape[1]
        some = slice(None, None, max(1, len(output) // (_ROWS_PER_WORD * n_codewords)))
        parts, mass = self._parts(output), output.new_ones(len(output))
        mass = mass if weight is None else weight.to(mass)
        self.codebook.copy_(k_means(parts[:, some], mass[some], n_codewords, generator))
        words = self.codebook.to(output)
        nearest = squared_distances(parts, words).argmin(dim=2)
        chosen = one_hot(nearest, n_codewords, output) * mass[:, None]
        self.share.copy_(chosen.sum(dim=1) / mass.sum())
        mean = mass @ output / mass.sum()
        spread = mass @ (output - mean).square().sum(dim=1) / mass.sum()
        self.spread.copy_(torch.where(spread > _TINY, spread, 1.0))

    @torch.no_grad()
    def reinitialise(self, output: Tensor, generator: Generator) -> None:
        """Move words that no row of the epoch has to rows that are far from all words."""
        parts, n_codewords = self._parts(output), self.codebook.shape[1]
        # The few rows of a stream's pass may leave out a word that others have.
        unused = (self.used == 0) & (self.share < _RARE / n_codewords)
        n_unused = unused.sum(dim=1)
        # More words than rows would find none.
        free = len(output) - n_codewords + n_unused
        n_moved = int(torch.minimum(n_unused, free).amax().clamp(min=0))
        mass = output.new_ones(len(output))
        drawn = drawn_apart(parts, self.codebook, mass, n_moved, generator)
        place = unused.cumsum(dim=1) - 1
        for i, book in enumerate(self.codebook):
            moved = unused[i] & (place[i] < n_moved)
            book[moved] = drawn[i, place[i, moved]]
        chosen = one_hot(self._nearest(parts), n_codewords, output).mean(dim=1)
        self.share.copy_(torch.where(unused, chosen, self.share))

    def set_progress(self, progress: float) -> None:
        """Begin an epoch, of which no word has rows yet."""
        self.used.zero_()

    def sample(
        self, n_samples: int, n_components: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw words by the share of rows that have them, in each codebook by itself."""
        words = self.words.double().cpu().numpy()
        code = np.zeros((n_samples, n_components))
        for own, share in zip(words, self.share.double().cpu().numpy(), strict=True):
            code += own[rng.choice(len(own), n_samples, p=share / share.sum())]
        return code

    def _move(self, parts: Tensor, chosen: Tensor) -> None:
        """Move each word and its share towards the rows of the batch that have it."""
        rate = (1 - self.decay) / parts.shape[1]
        share = chosen.sum(dim=1)
        self.used.add_(share)
        self.share.mul_(self.decay).add_(rate * share)
        step = chosen.transpose(1, 2) @ parts - share[..., None] * self.codebook
        self.codebook.add_(rate * step / self.share.clamp(min=_TINY)[..., None])

    def _nearest(self, parts: Tensor) -> Tensor:
        return squared_distances(parts, self.codebook).argmin(dim=2)

    def _parts(self, code: Tensor) -> Tensor:
        """Split codes into groups, (n_codebooks, n, width); what is missing is zero."""
        filled = F.pad(code, (0, len(self.source) - self.n_components))
        return filled[:, self.source].unflatten(1, (self.n_codebooks, self.width)).transpose(0, 1)

    def _joined(self, parts: Tensor) -> Tensor:
        """Return the codes of groups."""
        return parts.transpose(0, 1).flatten(1)[:, self.place]


def _groups(n_components: int, n_codebooks: int) -> list[list[int]]:
    """Deal components to codebooks, forward and back in turn, so that each has its share.

    Numbers beyond the components fill up groups that would be smaller than others.
    """
    n_codebooks = min(n_codebooks, n_components)
    rounds = range(0, n_components, n_codebooks)
    deals = [list(range(first, first + n_codebooks)) for first in rounds]
    turned = [deal[::-1] if i % 2 else deal for i, deal in enumerate(deals)]
    return [list(group) for group in zip(*turned, strict=True)]


class _Commitment(Term):
    # Networks are compared by what they restore.
    per_row = True
    validated = False

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(
        self, network: Any, batch: Batch, result: Forward, generator: Generator | None
    ) -> Tensor:
        assert result.code.divergence is not None
        return self.weight * result.code.divergence


class VectorQuantized(Latent):
    """The code is a word of a codebook, or of several, side by side.

    Components are dealt to the codebooks, and in each group the code is the word e nearest
    to what the encoder writes, z. In the backward pass the word's gradient is handed on to z
    as it is. The objective has the term weight ‖z - e‖² / tr Cov(z₀), whose gradient is z's
    alone, with z₀ at the start; words are moving averages of the z that are nearest to them.

    The start is product k-means of principal components. Words that no row had in an epoch,
    and few before it, are moved to rows that are far from all words.

    Parameters
    ----------
    n_codewords : int, default=64
        Words of each codebook. Those that are more than there are rows are never used.
    n_codebooks : int, default=None
        Number of codebooks, no more than components. None takes one for two components, so
        that a component costs 3 bits.
    commitment : float, default=1.0
        Weight of the term; the reconstruction loss that it joins is a share of the variance
        of X.
    decay : float in (0, 1), default=0.95
        What a batch leaves of the averages before it.

    Notes
    -----
    `sample` draws from each codebook by itself, with the shares of rows as they were in the
    last batches.

    References
    ----------
    van den Oord, Vinyals and Kavukcuoglu, Neural discrete representation learning, NeurIPS
    2017. :arxiv:`1711.00937`

    Jégou, Douze and Schmid, Product quantization for nearest neighbor search, IEEE TPAMI
    2011. :doi:`10.1109/TPAMI.2010.57`

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, VectorQuantized
    >>> Autoencoder(latent=VectorQuantized(n_codewords=16))
    Autoencoder(latent=VectorQuantized(n_codewords=16))
    """

    symmetry = "none"
    samples = True
    _parameter_constraints: dict = {
        "n_codewords": [Interval(Integral, 1, None, closed="left")],
        "n_codebooks": [Interval(Integral, 1, None, closed="left"), None],
        "commitment": [Interval(Real, 0, None, closed="left")],
        "decay": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        n_codewords: int = 64,
        n_codebooks: int | None = None,
        commitment: float = 1.0,
        decay: float = 0.95,
    ) -> None:
        self.n_codewords = n_codewords
        self.n_codebooks = n_codebooks
        self.commitment = commitment
        self.decay = decay

    def terms(self, n_components: int) -> dict[str, Term]:
        """Return the commitment of the encoder to the words."""
        return {"commitment": _Commitment(float(self.commitment))}

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        n_codebooks = self.n_codebooks or -(-n_components // 2)
        return VectorQuantizedModule(n_components, n_codebooks, self.n_codewords, float(self.decay))
