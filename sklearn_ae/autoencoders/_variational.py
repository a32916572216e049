"""The variational autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._slots import fill_slot
from sklearn_ae.data import Rows
from sklearn_ae.inference import Model, log_density, mean_divergence
from sklearn_ae.latents import (
    Gaussian,
    Latent,
    fitted_density,
    importance_draws,
    mixture_of_codes,
)
from sklearn_ae.losses import Loss


class VariationalAutoencoder(BaseAutoencoder):
    """Autoencoder with a Gaussian posterior a row: a density that can be sampled.

    Maximises the evidence lower bound,
    E_q[log p(x | z)] - β KL(q(z | x) ‖ N(0, 1)), where q is Gaussian with a mean and a
    variance for each component and p is Gaussian with noise that is learned, Bernoulli or
    Poisson. A Gaussian p starts from probabilistic PCA, for which the bound is exact and
    equals `PCA.score`, and what held-out rows prefer is kept: a map of each column to normal
    scores (see :class:`GaussianLikelihood`), then networks. The start in X's units keeps
    one hundredth of the density. `score_samples` is in nats and compares with
    `PCA.score_samples`.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes the number of features, up to 64; the
        divergence switches off what is not needed.
    beta : float, default=1.0
        Weight of the divergence. Above 1, fewer components are used.
    warm_up : float in [0, 1], default=0.0
        Share of the epochs over which the weight rises from 0 to `beta`.
    n_importance_samples : int, default=10
        Codes over which `score_samples` averages the density of a row. The bound grows
        with their number. Below 20, the bound is averaged over groups of so many codes.
    prior : {"auto", "normal"} or estimator, default="auto"
        What `sample` draws codes from. "auto" is a mixture of axis-aligned Gaussians, fitted to
        codes of the training rows, of as many components as held-out codes prefer, or N(0, 1) if
        they prefer that; of tables of numbers without missing cells or a condition, a mixture of
        Gaussians of the columns themselves draws the share of the rows that held-out rows
        prefer. "normal" is N(0, 1), the prior of the bound. An estimator with `fit`
        and `sample`, such as a mixture, a kernel density or a second autoencoder, is cloned
        and fitted to codes that are drawn from the posterior of each row.
    latent : Gaussian, default=None
        What stands between encoder and decoder, in place of `beta` and `warm_up`.
    loss : {"gaussian", "bernoulli", "poisson", "multinomial"} or Loss, default="gaussian"
        The distribution of a row given its code. "bernoulli" needs X in [0, 1], "poisson" and
        "multinomial" X >= 0.

    Attributes
    ----------
    kl_per_component_ : ndarray of shape (n_components_,)
        Divergence of each component from the prior, in nats, averaged over the training
        rows, in descending order. Components near 0 are not used.
    prior_ : estimator or None
        What `sample` draws codes from; None is N(0, 1).

    See Also
    --------
    sklearn.decomposition.PCA : Its `score` is the start's.
    sklearn.mixture.GaussianMixture : Another density that can be sampled.

    Notes
    -----
    `score_samples` is log 1/m Σᵢ p(x | zᵢ) p(zᵢ) / q(zᵢ | x) in nats and X's units, with
    m = `n_importance_samples` draws that depend on the row alone, averaged over groups of
    them where m is below 20, and mixed with that of the start. It compares with
    `PCA.score_samples`. `reconstruction_errors` are minus the log-density of each cell given
    the row's posterior mean.

    A network says little about rows far from all that it was trained on, and a few of them
    decide a mean of log-densities. So the density is a mixture, .99 of the network's and .01
    of the start's, and no row has more than log(100) = 4.6 nats less than the start gives
    it. Scores and the choice among epochs are those of the mixture, and so are samples where
    codes are drawn from N(0, 1); codes and reconstructions are the network's. With
    `init="random"`, and for rows that differ in size, there is no start, and the density is the
    network's alone.

    With `loss="bernoulli"` and rows of a table, up to 2,048 columns without a condition,
    trees of dependence between the columns take the place of the start in the mixture (Chow
    and Liu 1968), in the share that gives held-out rows the largest likelihood, between .01
    and .99; a half where no rows are held out. They have that share of the samples, too, and
    are fitted to at most 10,000 rows.

    With `condition`, in `fit` and in each later call, the model is of rows given the
    condition: encoder and decoder both see it, and the start is probabilistic PCA of what
    a linear regression on the condition leaves. One column of labels becomes indicators;
    numbers are standardised.

    References
    ----------
    Kingma and Welling, Auto-encoding variational Bayes, ICLR 2014. :arxiv:`1312.6114`

    Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, ICLR 2016.
    :arxiv:`1509.00519`

    Chow and Liu, Approximating discrete probability distributions with dependence trees,
    IEEE Transactions on Information Theory 1968. :doi:`10.1109/TIT.1968.1054142`

    Hesterberg, Weighted average importance sampling and defensive mixture distributions,
    Technometrics 1995. :doi:`10.1080/00401706.1995.10484303`

    Dai and Wipf, Diagnosing and enhancing VAE models, ICLR 2019. :arxiv:`1903.05789`

    Lucas et al., Don't blame the ELBO! A linear VAE perspective on posterior collapse,
    NeurIPS 2019. :arxiv:`1911.02469`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import VariationalAutoencoder
    >>> X, y = load_iris(return_X_y=True)
    >>> model = VariationalAutoencoder(2, max_iter=5, random_state=0)
    >>> model.fit(X).sample(3, random_state=0).shape
    (3, 4)
    >>> model.fit(X, condition=y).sample(3, random_state=0, condition=[0, 1, 2]).shape
    (3, 4)
    """

    _defensive_share = 0.01
    _parameter_constraints: dict = {
        "beta": [Interval(Real, 0, None, closed="left")],
        "warm_up": [Interval(Real, 0, 1, closed="both")],
        "n_importance_samples": [Interval(Integral, 1, None, closed="left")],
        "prior": [StrOptions({"auto", "normal"}), HasMethods(["fit", "sample"])],
        "latent": [Gaussian, None],
        "loss": [StrOptions({"gaussian", "bernoulli", "poisson", "multinomial"}), Loss],
    }

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        beta: float = 1.0,
        warm_up: float = 0.0,
        n_importance_samples: int = 10,
        prior: Any = "auto",
        latent: Gaussian | None = None,
        loss: str | Loss = "gaussian",
        **shared: Any,
    ) -> None:
        super().__init__(n_components, latent=latent, loss=loss, **shared)
        self.beta = beta
        self.warm_up = warm_up
        self.n_importance_samples = n_importance_samples
        self.prior = prior

    @property
    def prior_(self) -> Any:
        """What `sample` draws codes from; None is N(0, 1)."""
        check_is_fitted(self)
        return self._sampler.prior

    @property
    def _blends(self) -> bool:  # type: ignore[override]
        return isinstance(self.prior, str) and self.prior == "auto"

    def _default_components(self, n_features: int) -> int | None:
        return min(n_features, 64)

    def _latent(self, n_components: int) -> Latent:
        return fill_slot(self, "latent", Gaussian)

    def _prior(self, codes: Callable[[], NDArray], rng: np.random.Generator) -> Any:
        if isinstance(self.prior, str):
            return mixture_of_codes(codes(), rng) if self.prior == "auto" else None
        return fitted_density(self.prior, codes(), rng)

    def _validate_params(self) -> None:
        super()._validate_params()
        if isclass(self.prior):
            name = self.prior.__name__
            raise ValueError(f"prior={name} is a class; pass an object, as in prior={name}().")

    def _further_attributes(self, model: Model, rows: Rows) -> dict[str, Any]:
        return {"kl_per_component_": mean_divergence(model, rows)}

    def _scores(
        self,
        model: Model,
        values: Any,
        condition: NDArray | None = None,
        target: Any = None,
    ) -> NDArray[np.float64]:
        if target is not None:
            raise ValueError(
                f"X_clean was given, but scores of a {type(self).__name__} are log-densities of X "
                "itself; leave X_clean out, or use sklearn_ae.metrics.denoising_score."
            )
        draws = importance_draws(self.n_importance_samples, model.factory.n_components)
        return log_density(model, values, condition, draws)
