"""The contractive autoencoder."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval

from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.penalties import Contraction, Penalty


class ContractiveAutoencoder(BaseAutoencoder):
    """Autoencoder whose codes change little when its input does.

    Minimises reconstruction + α E‖∂h/∂x‖²_F / tr Cov(h), where h is the code of the whole
    encoder and x a standardised row. Relative to the variance of the code the norm cannot be
    lowered by shrinking it. Components are the principal axes of the code; they are
    uncorrelated and ordered by their variance.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1.
    contraction : float, default=0.15
        The factor α.
    n_projections : int, default=None
        Codes of at most this width have their Jacobian taken whole, at the price of a
        backward pass a component. Wider ones are projected on so many random signs, which
        gives the squared norm without bias. None means 8 and 4.

    References
    ----------
    Rifai et al., Contractive auto-encoders: explicit invariance during feature
    extraction, ICML 2011.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import ContractiveAutoencoder
    >>> X = load_iris().data
    >>> codes = ContractiveAutoencoder(2, max_iter=5, random_state=0).fit_transform(X)
    >>> codes.shape
    (150, 2)
    """

    _parameter_constraints: dict = {
        "contraction": [Interval(Real, 0, None, closed="left")],
        "n_projections": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        contraction: float = 0.15,
        n_projections: int | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(n_components, **shared)
        self.contraction = contraction
        self.n_projections = n_projections

    def _penalties(self) -> tuple[Penalty, ...]:
        return (Contraction(self.contraction, self.n_projections),)
