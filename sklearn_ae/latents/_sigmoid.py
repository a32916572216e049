"""Codes between 0 and 1, the activations of sparse autoencoders."""

from __future__ import annotations

from numbers import Real

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.latents._base import Latent, LatentModule
from sklearn_ae.starts import SigmoidStart, Start
from sklearn_ae.terms import Code


class _Squashed(LatentModule):
    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        code = torch.sigmoid(output)
        return Code(code, code)


class Sigmoid(Latent):
    """The code is the logistic function of the encoder's output.

    Parameters
    ----------
    activity : float in (0, 1), default=0.05
        Mean of each unit over the training rows at the start. The start is the logistic
        function of principal directions, with the regression of the rows on it.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, Sigmoid
    >>> Autoencoder(latent=Sigmoid(activity=0.2))
    Autoencoder(latent=Sigmoid(activity=0.2))
    """

    symmetry = "permutation"
    bounded = True
    _parameter_constraints: dict = {"activity": [Interval(Real, 0, 1, closed="neither")]}

    def __init__(self, activity: float = 0.05) -> None:
        self.activity = activity

    def start(self, symmetry: str) -> Start:
        """Return the start in which each unit has the mean that is asked for."""
        return SigmoidStart(self.activity)

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        return _Squashed()
