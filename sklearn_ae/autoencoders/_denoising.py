"""The denoising autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, Self, Unpack

from numpy.typing import ArrayLike
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import Interval

from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._parameters import Shared, check_no_conflict
from sklearn_ae.corruptions import Corruption, GaussianNoise
from sklearn_ae.starts import WIDEST, PCAStart, RidgeStart, Start
from sklearn_ae.training import ModelSpec

# Width of the code of rows that are too wide for the moments of all pairs of columns.
_WIDE_COMPONENTS = 1024


class DenoisingAutoencoder(BaseAutoencoder):
    """Autoencoder that rebuilds clean rows from corrupted ones.

    Minimises sum_ij (x_ij - xhat_ij(x̃_i))², where x̃ is a corrupted copy of the row that is
    drawn anew in each batch. It starts from the linear denoiser, the ridge regression of
    clean rows on corrupted ones in closed form, and keeps what denoises held-out rows
    better. Given pairs, `fit(X_noisy, X_clean=X_clean)`, it learns from them and corrupts
    nothing. `reconstruct` denoises.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. None takes the number of features: noise takes the place of a
        bottleneck. It may be larger. Beyond 4,096 features None takes 1,024 and the start
        is PCA, since the moments of all pairs of columns would fill the memory.
    noise_scale : float, default=0.5
        Standard deviation of the Gaussian noise, in standard deviations of a column, where
        `corruption` is None.
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    See Also
    --------
    sklearn_ae.metrics.denoising_score : Scorer that compares with clean rows.

    Notes
    -----
    Gaussian noise moves a cell by four of its standard deviations at most, nearly always. Of
    tables of numbers, what lies further beyond the range of all training rows is passed on
    as it is, as far as the code can hold it: the row is denoised as the nearest one in that
    range, and the rest is added. A wide code (`n_components` = number of features) holds
    all of it. `score_samples` of a row far outside is thus that of the nearest row at the
    edge.

    In a Pipeline, earlier steps transform `X_clean` only if it is named:
    ``Pipeline(steps, transform_input=["X_clean"])`` with metadata routing enabled and
    ``DenoisingAutoencoder().set_fit_request(X_clean=True)``.

    References
    ----------
    Vincent et al., Extracting and composing robust features with denoising
    autoencoders, ICML 2008. :doi:`10.1145/1390156.1390294`

    Chen et al., Marginalized denoising autoencoders for domain adaptation, ICML 2012.
    :arxiv:`1206.4683`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import DenoisingAutoencoder
    >>> X = load_iris().data
    >>> noisy = X + np.random.default_rng(0).normal(scale=0.4, size=X.shape)
    >>> denoiser = DenoisingAutoencoder(max_iter=5, random_state=0).fit(noisy, X_clean=X)
    >>> bool(np.mean((denoiser.reconstruct(noisy) - X) ** 2) < np.mean((noisy - X) ** 2))
    True
    """

    _parameter_constraints: dict = {
        **BaseAutoencoder._parameter_constraints,
        "noise_scale": [Interval(Real, 0, None, closed="left")],
    }
    _overcomplete = True
    _validate_corrupted = True

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        noise_scale: float = 0.5,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(n_components, **shared)
        self.noise_scale = noise_scale

    def _default_components(self, n_features: int) -> int | None:
        return n_features if n_features <= WIDEST else _WIDE_COMPONENTS

    def _corruption(self) -> Corruption | Callable | None:
        if self.corruption is None:
            return GaussianNoise(self.noise_scale)
        check_no_conflict(self, "corruption", self.corruption, ["noise_scale"])
        return self.corruption

    def _start(self, spec: ModelSpec) -> Start:
        start = super()._start(spec)
        return RidgeStart(spec.corruption) if isinstance(start, PCAStart) else start

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
    ) -> Self:
        """Fit to rows that are corrupted while training, or to pairs.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers: clean ones, or noisy ones if `X_clean` is given.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out.
        X_clean : array-like of shape (n_samples, n_features), default=None
            The clean version of each row, in the same units.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the rows, the weights or a parameter are out of their domain, or if
            `X_clean` has another shape or other units than X. The estimator is then as it
            was before.
        """
        return self._fit(X, sample_weight, X_clean=X_clean)

    def partial_fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
    ) -> Self:
        """Pass once over further rows, or pairs, at a constant learning rate.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        X_clean : array-like of shape (n_samples, n_features), default=None
            The clean version of each row, in the same units.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._partial_fit(X, sample_weight, X_clean=X_clean)

    def score(
        self,
        X: ArrayLike,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
    ) -> float:
        """Return minus the mean loss of the reconstructions of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        X_clean : array-like of shape (n_samples, n_features), default=None
            What reconstructions are compared with; X itself if None.

        Returns
        -------
        score : float
            The weighted mean.
        """
        return self._mean_score(self._score_samples(X, X_clean=X_clean), sample_weight)
