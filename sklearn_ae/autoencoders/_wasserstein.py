"""The Wasserstein autoencoder."""

from __future__ import annotations

from numbers import Real
from typing import Any

from sklearn.utils._param_validation import Interval

from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._slots import fill_slot
from sklearn_ae.latents import MMD, Latent


class WassersteinAutoencoder(BaseAutoencoder):
    """Autoencoder whose codes are spread like N(0, 1), so that rows can be drawn.

    Minimises reconstruction + λ MMD²(codes, N(0, 1)), the squared maximum mean discrepancy
    between the codes of a batch and the prior, with inverse multiquadratic kernels of several
    lengths. Codes are certain, unlike those of :class:`VariationalAutoencoder`. The start is
    PCA with components of unit variance, and what held-out rows prefer is kept.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1.
    mmd_weight : float, default=1.0
        The factor λ. The larger it is, the more codes look like draws from the prior, and the
        less of the rows is restored.
    latent : MMD, default=None
        What stands between encoder and decoder, in place of `mmd_weight`.

    References
    ----------
    Tolstikhin et al., Wasserstein auto-encoders, ICLR 2018. :arxiv:`1711.01558`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import WassersteinAutoencoder
    >>> X = load_iris().data
    >>> codes = WassersteinAutoencoder(2, max_iter=5, random_state=0).fit_transform(X)
    >>> print(abs(codes.mean(axis=0)).round(1), codes.std(axis=0).round(1))
    [0. 0.] [1. 1.]
    """

    _parameter_constraints: dict = {
        "mmd_weight": [Interval(Real, 0, None, closed="left")],
        "latent": [MMD, None],
    }

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        mmd_weight: float = 1.0,
        latent: MMD | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(n_components, latent=latent, **shared)
        self.mmd_weight = mmd_weight

    def _latent(self, n_components: int) -> Latent:
        return fill_slot(self, "latent", MMD, weight="mmd_weight")
