"""Outliers, by several networks."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.autoencoders import (
    Autoencoder,
    BaseAutoencoder,
    ReasonsMixin,
    StateMixin,
    ThresholdMixin,
    fit_together,
    in_kind,
    outlier_threshold,
)
from sklearn_ae.data import ArrayForm, Ragged, as_numpy, rows_as_numpy
from sklearn_ae.runtime import Seeds


class AutoencoderOutlierDetector(ReasonsMixin, ThresholdMixin, StateMixin):
    """Find outliers by the mean score of several autoencoders.

    The autoencoders differ in their draws: initial weights, order of the rows, noise and the
    rows held out. What one of them rebuilds by chance, others do not, so that their mean is
    steadier than the score of one. Where their layers allow it they are trained as one
    program, which costs less than their fits in turn.

    Parameters
    ----------
    estimator : autoencoder of this library, default=None
        What is fitted several times. None stands for ``Autoencoder()``.
    n_estimators : int, default=5
        Number of autoencoders.
    contamination : float in (0, 0.5], default=0.1
        Share of outliers among the training rows, which `predict` goes by.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto"; handed to `estimator`.
    random_state : int, RandomState or None, default=None
        Feeds every draw; `estimator` gets seeds from it. None draws a seed from the operating
        system.

    Attributes
    ----------
    estimators_ : list
        The fitted clones of `estimator`.
    offset_ : float
        Score below which `predict` says outlier.
    device_ : str
        Where the network is, such as "cpu" or "cuda:0". An estimator that is loaded where the
        device of its fit is not is on the CPU.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Outliers by random splits.
    sklearn.neighbors.LocalOutlierFactor : Outliers by density.

    References
    ----------
    Chen, Sathe, Aggarwal and Turaga, Outlier detection with autoencoder ensembles, SDM 2017.
    :doi:`10.1137/1.9781611974973.11`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import AutoencoderOutlierDetector
    >>> X = load_iris().data
    >>> detector = AutoencoderOutlierDetector(n_estimators=2, random_state=0).fit(X)
    >>> int((detector.predict(X) == -1).sum())
    15
    """

    _parameter_constraints: dict = {
        "estimator": [BaseAutoencoder, None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
        "device": [str],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: BaseAutoencoder | None = None,
        *,
        n_estimators: int = 5,
        contamination: float = 0.1,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.contamination = contamination
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the autoencoders.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If the rows, the weights or a parameter are out of their domain. The detector is
            then as it was before.
        """
        self._validate_params()
        draws = Seeds.of(self.random_state).numpy("estimators")
        estimators = [
            clone(self._prototype()).set_params(random_state=int(seed), device=self.device)
            for seed in draws.integers(2**31, size=self.n_estimators)
        ]
        rows, sample_weight = rows_as_numpy(X), as_numpy(sample_weight)
        fit_together(estimators, rows, sample_weight)
        scores = _mean_score(estimators, rows)
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, scores[:, None])
        self.offset_ = outlier_threshold(scores, weight, self.contamination)
        self.estimators_ = estimators
        self._reader = estimators[0]._reader
        typical = float(np.median(scores))
        self._replacements = estimators[0]._replacements._replace(typical=typical)
        self.n_features_in_ = estimators[0].n_features_in_
        self.__dict__.pop("feature_names_in_", None)
        if hasattr(estimators[0], "feature_names_in_"):
            self.feature_names_in_ = estimators[0].feature_names_in_
        ArrayForm.of(X).mark(self.__dict__)
        return self

    @in_kind
    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the mean of the autoencoders' scores of each row; higher is more normal.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            Minus the mean loss in X's units by default.
        """
        check_is_fitted(self)
        return _mean_score(self.estimators_, X)

    @property
    def device_(self) -> str:
        """Where the networks are: that of `fit`, or the CPU if loaded where that one is not."""
        return self.estimators_[0].device_

    def _read(self, X: ArrayLike, condition: ArrayLike | None) -> tuple[Any, NDArray | None]:
        """Return rows as the autoencoders take them, and no condition."""
        check_is_fitted(self)
        return self.estimators_[0]._read(X, condition)

    def _score_rows(self, values: Any, given: NDArray | None) -> NDArray[np.float64]:
        """Return the mean score of rows that were read."""
        return np.mean([e._score_rows(values, given) for e in self.estimators_], axis=0)

    def _cell_errors(self, values: Any, given: NDArray | None) -> Any:
        """Return the mean loss of each cell of rows that were read."""
        return _mean_cells([e._cell_errors(values, given) for e in self.estimators_])

    def _rebuilt(self, values: Any, given: NDArray | None) -> Any:
        """Return the mean reconstruction of rows that were read."""
        return _mean_cells([e._rebuilt(values, given) for e in self.estimators_])

    def _prototype(self) -> BaseAutoencoder:
        return Autoencoder() if self.estimator is None else self.estimator

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimators_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags = get_tags(self._prototype()).input_tags
        return tags


def _mean_score(estimators: list[BaseAutoencoder], X: ArrayLike) -> NDArray[np.float64]:
    return np.mean([as_numpy(e.score_samples(X)) for e in estimators], axis=0)


def _mean_cells(found: list[Any]) -> Any:
    """Return the mean of numbers of cells, of rows of one size or not."""
    if isinstance(found[0], Ragged):
        return Ragged(np.mean([rows.cells for rows in found], axis=0), found[0].sizes)
    return np.mean(found, axis=0)
