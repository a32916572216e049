"""Codes in which two domains look alike."""

from __future__ import annotations

import os
import warnings
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from sklearn_ae.applications._adaptation import DOMAINS, seeded, source_rows
from sklearn_ae.autoencoders import (
    Autoencoder,
    BaseAutoencoder,
    StateMixin,
    checkpointed,
    in_kind,
)
from sklearn_ae.data import ArrayForm, as_numpy, check_accepted, rows_as_numpy
from sklearn_ae.penalties import DomainAdversary, DomainDiscrepancy
from sklearn_ae.runtime import Seeds, named_in_errors
from sklearn_ae.sources._opening import refuse_source
from sklearn_ae.starts import Coral

_DTYPES = (np.float64, np.float32)
_PENALTIES = {"mmd": DomainDiscrepancy, "adversarial": DomainAdversary}
# What a fit learns.
_LEARNED = ("_coral", "_namespace", "estimator_", "n_features_in_", "feature_names_in_")


class DomainAdaptationTransformer(TransformerMixin, StateMixin):
    r"""Give rows of a source the look of those of a target.

    The start is CORAL: rows of the source get the mean and the covariance of the target, by

    .. math:: x \mapsto \mu_t + C_t^{1/2} C_s^{-1/2} (x - \mu_s),

    and rows of the target stay as they are. Beyond it, an autoencoder of all rows can learn codes
    by which the domains are told apart less still. A classifier that follows is fitted to the
    rows of the source, and predicts those of the target.

    Nothing here is promised to be better than no adaptation: no label of the target validates it,
    and domains that look alike may still have their classes exchanged.

    Parameters
    ----------
    estimator : estimator, default=None
        Its clone is fitted to the rows of both domains, after CORAL, and returns its codes. With
        "mmd" and "adversarial" it is an autoencoder of this library, and gets a penalty besides
        its own; None takes :class:`Autoencoder`, for "adversarial" with
        ``early_stopping=False``. With "coral", None returns the columns themselves.
    method : {"coral", "mmd", "adversarial"}, default="coral"
        "coral" is the start alone, "mmd" adds :class:`DomainDiscrepancy` and "adversarial"
        :class:`DomainAdversary` to the objective.
    weight : float, default=1.0
        Weight of that penalty.
    reg_covar : float, default=1.0
        What CORAL adds to the diagonals of covariances, in units of the standard deviations
        over both domains.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto"; handed to an autoencoder.
    random_state : int, RandomState or None, default=None
        Seeds `estimator`, where its own is None.

    Attributes
    ----------
    estimator_ : estimator or None
        The fitted clone; None where columns are returned.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    GraphAdaptedClassifier : Labels that are spread over the target rows.

    Notes
    -----
    A graph of neighbours spreads labels, not columns: :class:`GraphAdaptedClassifier` takes it.

    References
    ----------
    Sun, Feng and Saenko, Return of frustratingly easy domain adaptation, AAAI 2016.
    :arxiv:`1511.05547`

    Ganin et al., Domain-adversarial training of neural networks, JMLR 2016. :arxiv:`1505.07818`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import DomainAdaptationTransformer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> domain = np.repeat([1, -1], 100)
    >>> X[100:] = X[100:] * [1.0, 2.0, 3.0] + 5
    >>> transformer = DomainAdaptationTransformer(reg_covar=0)
    >>> Z = transformer.fit_transform(X, sample_domain=domain)
    >>> bool(np.allclose(np.cov(Z[:100].T), np.cov(X[100:].T)))
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "transform"]), None],
        "method": [StrOptions({"coral", "mmd", "adversarial"})],
        "weight": [Interval(Real, 0, None, closed="left")],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }

    @named_in_errors
    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        method: str = "coral",
        weight: float = 1.0,
        reg_covar: float = 1.0,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.weight = weight
        self.reg_covar = reg_covar
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, *, sample_domain: ArrayLike | None = None) -> Self:
        """Learn from rows of both domains.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers, none missing. Encode categories before, and fill what is missing.
        y : ignored
            Here for scikit-learn's interface.
        sample_domain : array-like of shape (n_samples,), default=None
            At least 0 for rows of the source, negative for those of the target. Without it all
            rows are of the target, and nothing is adapted, with a warning.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If one of the domains has fewer than two rows, or rows or a parameter are out of their
            domain. The transformer is then as it was before.
        """
        self._validate_params()
        form = ArrayForm.of(X)
        found = clone(self)
        with checkpointed(self, X=X, sample_domain=sample_domain):
            found._fit(X, as_numpy(sample_domain), Seeds.of(self.random_state))
        form.mark(found.__dict__)
        for name in _LEARNED:
            self.__dict__.pop(name, None)
        self.__dict__.update({n: value for n, value in vars(found).items() if n in _LEARNED})
        return self

    def fit_transform(
        self, X: ArrayLike, y: Any = None, *, sample_domain: ArrayLike | None = None
    ) -> Any:
        """Fit, and transform the same rows, each as one of its domain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `fit`.
        y : ignored
            Here for scikit-learn's interface.
        sample_domain : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features_out)
            As `transform` returns it.
        """
        return self.fit(X, sample_domain=sample_domain).transform(X, sample_domain=sample_domain)

    @in_kind
    def transform(self, X: ArrayLike, sample_domain: ArrayLike | None = None) -> NDArray:
        """Return rows of both domains as they look alike.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,), default=None
            At least 0 for rows of the source, negative for those of the target. None takes all for
            rows of the target.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features_out)
            Columns, or the codes of the estimator.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        if sample_domain is not None:
            X = self._aligned(X, source_rows(sample_domain, len(X)))
        return X if self.estimator_ is None else np.asarray(self.estimator_.transform(X))

    def _fit(self, X: Any, sample_domain: Any, seeds: Seeds) -> None:
        X = self._checked(rows_as_numpy(X), reset=True)
        self._coral, given = None, {}
        if sample_domain is None:
            warnings.warn(
                f"{type(self).__name__} was fitted without sample_domain: all rows are of the "
                f"target, and nothing is adapted. To adapt, {DOMAINS}.",
                stacklevel=4,
            )
        else:
            source = source_rows(sample_domain, len(X))
            for name, n in (("source", source.sum()), ("target", (~source).sum())):
                if n < 2:
                    count = "one row" if n else "no row"
                    raise ValueError(
                        f"sample_domain has {count} of the {name} among its {len(X)}, but a "
                        f"covariance takes two; {DOMAINS}. Without sample_domain, nothing is "
                        "adapted."
                    )
            self._coral = Coral(X[source], X[~source], self.reg_covar)
            X = self._aligned(X, source)
            given = {"domain": np.where(source, 1, -1)}
        self.estimator_ = self._estimator(seeds, adapting=bool(given))
        if self.estimator_ is not None:
            reads = given and self.method in _PENALTIES
            self.estimator_.fit(X, **({"companions": given} if reads else {}))

    def _estimator(self, seeds: Seeds, adapting: bool) -> Any:
        """Return what codes rows, with the penalty of the method, not fitted yet."""
        own = self.estimator
        if own is None and self.method in _PENALTIES:
            own = Autoencoder(early_stopping=self.method != "adversarial")
        if own is None:
            return None
        found = seeded(own, seeds, "estimator")
        if isinstance(found, BaseAutoencoder):
            found.set_params(device=self.device)
        elif self.method in _PENALTIES:
            raise ValueError(
                f"method={self.method!r} adds a penalty to an objective, which "
                f"estimator={own!r:.60} has none of; use an autoencoder of this library, or "
                'method="coral".'
            )
        if adapting and self.method in _PENALTIES:
            penalty = _PENALTIES[self.method](self.weight)
            found.set_params(penalties=(*found.penalties, penalty))
        return found

    def _aligned(self, X: NDArray, source: NDArray[np.bool_]) -> NDArray:
        if self._coral is None or not source.any():
            return X
        X = X.copy()
        X[source] = self._coral(X[source])
        return X

    def _checked(self, X: Any, *, reset: bool) -> NDArray:
        refuse_source(self, X)
        check_accepted(X)
        try:
            return validate_data(self, X, dtype=_DTYPES, reset=reset)
        except (TypeError, ValueError) as error:
            mixed = isinstance(error, np.exceptions.DTypePromotionError)
            if not mixed and "could not convert" not in str(error):
                raise
            raise ValueError(
                f"{error}: {type(self).__name__} moves numbers alone. Encode other columns before "
                "it, by OneHotEncoder in a ColumnTransformer; GraphAdaptedClassifier reads them "
                "as they are."
            ) from error

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the columns that come back.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; those seen in `fit` by default.

        Returns
        -------
        names : ndarray of str
            Those of the features, or of codes.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if self.estimator_ is None:
            return names
        n_codes = len(self.estimator_.get_feature_names_out())
        name = type(self).__name__.lower()
        return np.array([f"{name}{i}" for i in range(n_codes)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
