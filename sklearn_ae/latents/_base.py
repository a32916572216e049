"""What a latent owes to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from sklearn.base import BaseEstimator
from torch import Generator, Tensor, nn

from sklearn_ae.starts import PCAStart, Start


class Code(NamedTuple):
    """A code as the decoder gets it, and what it costs.

    Parameters
    ----------
    mean : Tensor of shape (n, n_components)
        The code that `transform` returns.
    sample : Tensor of shape (n, n_components)
        The code that the decoder reads; equal to the mean outside training.
    divergence : Tensor of shape (n,), optional
        The cost of each row's code in nats; None if codes cost nothing.
    """

    mean: Tensor
    sample: Tensor
    divergence: Tensor | None = None


class LatentModule(nn.Module, ABC):
    """From an encoder's output to a code.

    `n_draws` is the number of codes that are drawn for a row when held-out rows are
    judged; 0 means that the code of a row is certain. `measured` says whether there are
    quantities for `history_`.
    """

    n_draws: int = 0
    measured: bool = False

    @abstractmethod
    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        """Make the code; a generator means training, and feeds its draws."""

    def draw(self, output: Tensor, noise: Tensor) -> Code:
        """Make the code that a standard normal draw stands for, with the cost of that draw."""
        raise NotImplementedError

    def set_progress(self, progress: float) -> None:
        """Hear which share of the training is done."""

    def measures(self, output: Tensor) -> dict[str, float]:
        """Return named quantities of an encoder's output for `history_`."""
        return {}


class Latent(BaseEstimator, ABC):
    """Stores hyperparameters; builds the module when the width is known.

    `symmetry` names the changes of basis of the code that leave the objective as it is,
    so that codes can be brought into their canonical basis. `bounded` says whether codes
    lie in [0, 1], `sparse` whether units may fall dead, and `samples` whether codes can be
    drawn from a prior.
    """

    symmetry: str = "linear"
    bounded: bool = False
    sparse: bool = False
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

    @abstractmethod
    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
