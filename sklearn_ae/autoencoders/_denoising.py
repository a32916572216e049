"""The denoising autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from sklearn.utils._param_validation import Interval

from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._slots import check_no_conflict
from sklearn_ae.corruptions import Corruption, GaussianNoise
from sklearn_ae.data import Rows
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

    With `condition`, which the ridge regression does not know, the start is PCA.

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
        "noise_scale": [Interval(Real, 0, None, closed="left")],
    }
    _overcomplete = True
    _validate_corrupted = True

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        noise_scale: float = 0.5,
        **shared: Any,
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

    def _start(self, given: Start, spec: ModelSpec, rows: Rows) -> Start:
        linear = isinstance(given, PCAStart) and not rows.n_conditions
        return RidgeStart(spec.corruption) if linear else given
