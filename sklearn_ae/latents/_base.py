"""What a latent owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from sklearn_ae.runtime import NamesParameters
from sklearn_ae.starts import PCAStart, Start
from sklearn_ae.terms import Code, Term


class LatentModule(nn.Module, ABC):
    """From an encoder's output to a code, with weights of its own if it needs some.

    Attributes
    ----------
    n_draws : int
        Codes that are drawn for a row when held-out rows are validated; 0 means that the code
        of a row is certain.
    measured : bool
        Whether there are quantities for `history_`.
    reads_outputs : bool
        Whether `start_from` and `reinitialise` are called, with what the encoder writes of
        training rows.
    standard : bool
        Whether codes are to be distributed as N(0, 1), whose scale and mean they then keep.

    Examples
    --------
    Codes that are noisy in training, and certain afterwards:

    >>> import torch
    >>> from sklearn_ae import Code, LatentModule
    >>> class Noisy(LatentModule):
    ...     def forward(self, output, generator=None):
    ...         if generator is None:
    ...             return Code(mean=output, sample=output)
    ...         noise = torch.empty_like(output).normal_(generator=generator)
    ...         return Code(mean=output, sample=output + noise)
    >>> output = torch.zeros(1000, 1)
    >>> code = Noisy()(output, torch.Generator().manual_seed(0))
    >>> print(f"{code.mean.std():.1f}, {code.sample.std():.1f}")
    0.0, 1.0
    >>> Noisy()(output).sample.std()
    tensor(0.)
    """

    n_draws: int = 0
    measured: bool = False
    reads_outputs: bool = False
    standard: bool = False

    @abstractmethod
    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        """Make the code; a generator means training, and feeds its draws."""

    def reset(self, generator: Generator) -> None:
        """Draw initial weights, if there are any."""

    def start_from(self, output: Tensor, weight: Tensor | None, generator: Generator) -> None:
        """Fit the weights to what the encoder writes of training rows before training.

        Parameters
        ----------
        output : Tensor of shape (n, n_codes)
            What the start, or a network of random weights, writes of some 10,000 rows at most.
        weight : Tensor of shape (n,) or None
            Weights of the rows.
        generator : Generator
            Feeds draws.
        """

    def reinitialise(self, output: Tensor, generator: Generator) -> None:
        """Give what no row has used since the last call a new beginning.

        Called after each epoch in which the learning rate does not fall, outside of the
        training step, so it may look at values.

        Parameters
        ----------
        output : Tensor of shape (n, n_codes)
            What the encoder writes of some training rows.
        generator : Generator
            Feeds draws.
        """

    def drawn(self, output: Tensor, generator: Generator) -> Code:
        """Make a code that is drawn where codes are, with the cost of the draw."""
        return self(output)

    def draw(self, output: Tensor, noise: Tensor) -> Code:
        """Make the code that standard normal noise stands for, with the cost of that draw."""
        raise NotImplementedError

    def noise_for(self, output: Tensor) -> Callable[[Tensor], Tensor]:
        """Return what makes the noise of each row from noise that all rows share."""
        return lambda noise: noise

    def divergence(self, output: Tensor) -> Tensor | None:
        """Return the divergence of each component from the prior, in nats, if there is one."""
        return None

    def sample(
        self, n_samples: int, n_components: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw codes from the prior."""
        raise NotImplementedError

    def set_progress(self, progress: float) -> None:
        """Take the share of the training that is done."""

    def measures(self, output: Tensor) -> dict[str, float]:
        """Return named quantities of an encoder's output for `history_`."""
        return {}

    def change_basis(self, into: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Follow a change of basis of the code, new = (old - shift) @ into.

        Returns
        -------
        into, shift : Tensor
            The same for the encoder's output.
        """
        return into, shift


class Latent(NamesParameters, ABC):
    """Stores hyperparameters; builds the module when the width is known.

    Attributes
    ----------
    symmetry : {"linear", "rotation", "signed_permutation", "permutation", "signs", "none"}
        The changes of basis of the code that leave the objective as it is, so that codes can
        be brought into their canonical basis.
    bounded : bool
        Whether codes lie in [0, 1].
    units_may_die : bool
        Whether units may become the same in every row.
    samples : bool
        Whether there is a prior that codes can be drawn from.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder, Code, Latent, LatentModule
    >>> class Shrinking(LatentModule):
    ...     def forward(self, output, generator=None):
    ...         code = output.abs().sub(0.1).clamp(min=0) * output.sign()
    ...         return Code(mean=code, sample=code)
    >>> class SoftThreshold(Latent):
    ...     symmetry = "signed_permutation"
    ...
    ...     def build(self, n_components):
    ...         return Shrinking()
    >>> autoencoder = Autoencoder(2, latent=SoftThreshold(), max_iter=5, random_state=0)
    >>> autoencoder.fit_transform(load_iris().data).shape
    (150, 2)
    """

    symmetry: str = "none"
    bounded: bool = False
    units_may_die: bool = False
    samples: bool = False
    _parameter_constraints: dict = {}

    def n_codes(self, n_components: int) -> int:
        """Width of the encoder's output."""
        return n_components

    def start(self, symmetry: str) -> Start:
        """Return the closed-form solution that networks with this latent begin from.

        Parameters
        ----------
        symmetry : str
            The changes of basis of the code that leave the whole objective as it is. A
            code of free scale has unit variance, and otherwise the scale of X.
        """
        return PCAStart(scaled=symmetry != "linear")

    def terms(self, n_components: int) -> dict[str, Term]:
        """Return the terms of the objective that codes bring with them, by name."""
        return {}

    @abstractmethod
    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
