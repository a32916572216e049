"""The latent of variational autoencoders: a Gaussian posterior a row."""

from __future__ import annotations

from numbers import Real

import torch
from sklearn.utils._param_validation import Interval
from torch import Generator, Tensor

from sklearn_ae.latents._base import Code, Latent, LatentModule
from sklearn_ae.starts import PPCAStart, Start

# Nats per component from which it counts as used.
_USED = 0.01
# Log-variances are kept in this range, in which float32 is exact enough.
_LOG_VARIANCE = (-30.0, 10.0)


class GaussianModule(LatentModule):
    """q(z | x) = N(mean, diag(variance)), with a standard normal prior."""

    n_draws = 4
    measured = True
    beta: Tensor

    def __init__(self, beta: float, warm_up: float) -> None:
        super().__init__()
        self.full_beta = beta
        self.warm_up = warm_up
        self.register_buffer("beta", torch.tensor(beta), persistent=False)

    def forward(self, output: Tensor, generator: Generator | None = None) -> Code:
        """Return the mean, or in training a draw, and beta times the divergence."""
        mean, log_variance = self.posterior(output)
        sample = mean
        if generator is not None:
            noise = torch.empty_like(mean).normal_(generator=generator)
            sample = mean + (log_variance / 2).exp() * noise
        return Code(mean, sample, self.beta * self.kl(output).sum(dim=-1))

    def draw(self, output: Tensor, noise: Tensor) -> Code:
        """Return mean + std * noise, and log q(z | x) - log p(z) at that draw."""
        mean, log_variance = self.posterior(output)
        sample = mean + (log_variance / 2).exp() * noise
        cost = (sample.square() - noise.square() - log_variance) / 2
        return Code(mean, sample, cost.sum(dim=-1))

    def posterior(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances."""
        mean, log_variance = output.chunk(2, dim=-1)
        return mean, log_variance.clamp(*_LOG_VARIANCE)

    def kl(self, output: Tensor) -> Tensor:
        """Divergence of each component from the prior, in nats."""
        mean, log_variance = self.posterior(output)
        return (mean.square() + log_variance.exp() - 1 - log_variance) / 2

    def set_progress(self, progress: float) -> None:
        """Raise beta over the share of the training that is the warm-up."""
        reached = 1.0 if self.warm_up == 0 else min(1.0, progress / self.warm_up)
        self.beta.fill_(self.full_beta * reached)

    def measures(self, output: Tensor) -> dict[str, float]:
        """Return the divergence and how many components have a share in it."""
        kl = self.kl(output).mean(dim=0)
        return {"kl": float(kl.sum()), "components_used": float((kl > _USED).sum())}


class Gaussian(Latent):
    """A Gaussian posterior a row, drawn by reparameterisation, at the price of its divergence.

    z = mean(x) + std(x) * noise costs beta KL(N(mean, std²) ‖ N(0, 1)), which is
    beta/2 Σⱼ (meanⱼ² + stdⱼ² - 1 - log stdⱼ²) nats.

    Parameters
    ----------
    beta : float, default=1.0
        Weight of the divergence. 1 is the evidence lower bound.
    warm_up : float in [0, 1], default=0.0
        Share of the epochs over which the weight rises from 0 to beta.

    References
    ----------
    Kingma and Welling, Auto-encoding variational Bayes, ICLR 2014. :arxiv:`1312.6114`

    Higgins et al., beta-VAE, ICLR 2017.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder, Gaussian
    >>> Autoencoder(latent=Gaussian(beta=4.0))
    Autoencoder(latent=Gaussian(beta=4.0))
    """

    symmetry = "signed_permutation"
    samples = True
    _parameter_constraints: dict = {
        "beta": [Interval(Real, 0, None, closed="left")],
        "warm_up": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, beta: float = 1.0, warm_up: float = 0.0) -> None:
        self.beta = beta
        self.warm_up = warm_up

    def n_codes(self, n_components: int) -> int:
        """Width of the encoder's output: means and log-variances."""
        return 2 * n_components

    def start(self, symmetry: str) -> Start:
        """Return probabilistic PCA."""
        return PPCAStart()

    def build(self, n_components: int) -> LatentModule:
        """Build the module."""
        return GaussianModule(float(self.beta), float(self.warm_up))
