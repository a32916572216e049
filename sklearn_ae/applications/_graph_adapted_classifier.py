"""A classifier for rows of another domain than those that have labels."""

from __future__ import annotations

import os
import warnings
from numbers import Integral, Real
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.applications._adaptation import (
    DOMAINS,
    Codes,
    Columns,
    TargetGraph,
    default_classifier,
    exchanged,
    fitted_to,
    out_of_fold,
    probabilities,
    seeded,
    source_rows,
    spread_predictions,
)
from sklearn_ae.applications._few_labels import accuracy_where_labelled, read_classes
from sklearn_ae.autoencoders import Autoencoder, StateMixin, checkpointed, in_kind
from sklearn_ae.data import ArrayForm, Container, as_numpy, check_accepted, rows_as_numpy
from sklearn_ae.runtime import Seeds, named_in_errors
from sklearn_ae.sources._opening import refuse_source

# What a fit learns.
_LEARNED = (
    "_places",
    "_graph",
    "_evidence",
    "_namespace",
    "classifier_",
    "classes_",
    "n_features_in_",
    "feature_names_in_",
)
# Accuracy that a graph of the source may cost, and be taken for a good one.
_TOLERANCE = 0.02


class Evidence(NamedTuple):
    """What the graph of the source rows, and that of the target rows, say of a classifier.

    Parameters
    ----------
    accuracy : float
        Of the classifier, out of fold, on rows of the source.
    graph_accuracy : float
        Of the same predictions, spread over the graph of these rows.
    exchanged : float
        Share of the source rows that exchange labels when these are spread: their label changes,
        though shares of classes do not.
    target_exchanged : float
        The same of the target rows.
    """

    accuracy: float
    graph_accuracy: float
    exchanged: float
    target_exchanged: float


class GraphAdaptedClassifier(ClassifierMixin, StateMixin):
    r"""Spread what a classifier of the source says over a graph of the target rows.

    The classifier is fitted to rows of the source. What it says of the target rows goes to
    their neighbours, by the closed form of :math:`F = (I - \alpha S)^{-1} Y` on the graph of
    the target rows; classes are held at their shares, and the labels that come of it are spread
    again until they stay. New rows have the weighted mean of their neighbours. So labels follow
    the clusters of the target, where the classifier is right about most rows of each.

    No label of the target says whether this helps. The source says what it does to the accuracy
    of predictions out of fold, spread over a graph of these rows; beyond that, it is expected to
    mend as many labels as rows exchange them more often in the target than in the source. Rows
    whose labels change only since the shares of classes do are not counted, as these shares may be
    others in the target. The classifier itself answers unless the sum is above two standard
    errors, the accuracy in the source falls by .02 at most, and is above a half and the share of
    the largest class.

    Parameters
    ----------
    classifier : classifier, default=None
        A clone is fitted to the rows of the source, as they are given: a Pipeline may prepare
        them. Without `predict_proba`, its decision function counts. None takes
        :class:`~sklearn.svm.SVC` on columns in units of their ranges in the source, categories as
        a column a level, missing cells filled by means.
    estimator : transformer, default=None
        Its clone is fitted to the rows of both domains, and distances are those of the codes that
        it returns, such as an autoencoder of this library. None takes the columns themselves, as
        they are described above. Either is divided by its ranges in the rows of the graph; of
        more than 40, principal components are taken.
    n_neighbors : int, default=7
        Neighbours of a row in the graph; few, compared with the rows of a class.
    alpha : float in [0, 1), default=0.9
        How far labels spread; with 0 they stay where they are.
    class_prior : array-like of shape (n_classes,), default=None
        Shares of the classes in the target, in the order of `classes_`. None takes those of the
        source. If they differ, say so: labels are spread to these shares.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    random_state : int, RandomState or None, default=None
        Draws folds, and seeds `classifier` and `estimator` where their own is None.

    Attributes
    ----------
    classifier_ : classifier
        The fitted clone. It takes rows as `fit` does, but the default one those in units of
        ranges.
    classes_ : ndarray of shape (n_classes,)
        Labels of the source.
    adapted_ : bool
        Whether labels that were spread are predicted, and not what the classifier says.
    evidence_ : Evidence or None
        What was decided by: `accuracy` of the classifier out of fold and `graph_accuracy`, both in
        the source; `exchanged` and `target_exchanged`, the shares of rows that exchange labels
        when these are spread once. None where nothing could be spread.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    DomainAdaptationTransformer : Codes in which two domains look alike.
    sklearn.semi_supervised.LabelSpreading : Labels on a graph, in one domain.

    Notes
    -----
    A fitted classifier that is adapted holds the coordinates of the target rows.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schölkopf, Learning with local and global consistency, NIPS
    2003.

    Zhu, Ghahramani and Lafferty, Semi-supervised learning using Gaussian fields and harmonic
    functions, ICML 2003: class mass normalisation.

    Agresti and Caffo, Simple and effective confidence intervals for proportions and differences
    of proportions, The American Statistician 2000. :doi:`10.1080/00031305.2000.10474560`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.svm import SVC
    >>> from sklearn_ae import GraphAdaptedClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> domain = np.where(np.arange(len(X)) % 2, -1, 1)
    >>> target = domain < 0
    >>> X[target] = np.roll(X[target].reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)
    >>> model = GraphAdaptedClassifier(SVC(), random_state=0)
    >>> model = model.fit(X, y, sample_domain=domain)
    >>> model.adapted_
    True
    >>> X, y = X[target], y[target]
    >>> model.score(X, y) > model.classifier_.score(X, y) + 0.3
    True
    """

    _parameter_constraints: dict = {
        "classifier": [HasMethods(["fit", "predict"]), None],
        "estimator": [HasMethods(["fit", "transform"]), None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="left")],
        "class_prior": ["array-like", None],
        "checkpoint": [str, os.PathLike, None],
        "random_state": ["random_state"],
    }

    @named_in_errors
    def __init__(
        self,
        classifier: BaseEstimator | None = None,
        *,
        estimator: BaseEstimator | None = None,
        n_neighbors: int = 7,
        alpha: float = 0.9,
        class_prior: ArrayLike | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.classifier = classifier
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.class_prior = class_prior
        self.checkpoint = checkpoint
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_domain: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the classifier to the source, and spread what it says over the target.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of both domains.
        y : array-like of shape (n_samples,)
            Labels. Those of target rows are not looked at. In the source, -1, None and NaN mark
            rows without one, which the classifier is not fitted to; with fewer than two other
            classes, -1 is a class, with a warning.
        sample_domain : array-like of shape (n_samples,), default=None
            At least 0 for rows of the source, negative for those of the target. Without it all
            rows are of the source, and the classifier itself answers, with a warning.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out. They count as repetitions, so
            that small ones regularise the default classifier as few rows do.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If one of the domains has no rows, the rows of the source have fewer than two
            classes, or rows, weights or a parameter are out of their domain. The estimator is
            then as it was before.
        """
        self._validate_params()
        form = ArrayForm.of(X)
        found = clone(self)
        given = {"X": X, "y": y, "sample_domain": sample_domain, "sample_weight": sample_weight}
        with checkpointed(self, **given):
            found._fit(X, y, as_numpy(sample_domain), as_numpy(sample_weight))
        form.mark(found.__dict__)
        for name in _LEARNED:
            self.__dict__.pop(name, None)
        self.__dict__.update({n: value for n, value in vars(found).items() if n in _LEARNED})
        return self

    def _fit(self, X: Any, y: Any, sample_domain: Any, sample_weight: Any) -> None:
        refuse_source(self, X)
        check_accepted(X)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None; pass "
                "labels, of which those of target rows are not looked at."
            )
        seeds = Seeds.of(self.random_state)
        X = _to_index(rows_as_numpy(X))
        y = column_or_1d(as_numpy(y), warn=True)
        check_consistent_length(X, y)
        n = len(y)
        weight = np.ones(n)
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, np.empty((n, 1)))
        source, target = self._domains(sample_domain, n, weight > 0)
        of_source = np.zeros(n)
        of_source[source] = weight[source]
        self._places = self._placed(X, of_source, seeds)
        read = read_classes(y[source], len(source), where=" of the source")
        codes = read.values[:, 0]
        source, codes = source[codes >= 0], codes[codes >= 0]
        self.classes_ = read.classes
        labels = self.classes_[codes]
        prior = self._prior(np.bincount(codes, weight[source]))
        given = None if sample_weight is None else weight[source]
        seen = self._seen(X)
        rows = _safe_indexing(seen, source)
        own = self.classifier
        if own is None:
            own = default_classifier(rows, weight[source])
        classifier = seeded(own, seeds, "classifier")
        self.classifier_ = fitted_to(classifier, rows, labels, given)
        self._graph, self._evidence = None, None
        if not len(target):
            return
        if len(target) < 2 or np.bincount(codes).min() < 2:
            what = "The target has one row"
            if len(target) > 1:
                lone = self.classes_[np.bincount(codes).argmin()]
                what = f"Class {lone!s:.60} has one row in the source"
            warnings.warn(
                f"{what}, which is too few to validate a graph by: the classifier itself answers. "
                "Pass at least two rows of the target, and of each class in the source.",
                stacklevel=4,
            )
            return
        places = self._places(self, X)
        graph = TargetGraph(places[target], self.n_neighbors)
        said = probabilities(self.classifier_, _safe_indexing(seen, target))
        unseen = out_of_fold(classifier, rows, codes, given, seeds)
        evidence = self._judged(places[source], codes, weight[source], unseen)
        once = spread_predictions(graph.graph, said, prior, self.alpha)
        moved = exchanged(said.argmax(axis=1), once.argmax(axis=1), len(prior))
        self._evidence = tuple(evidence._replace(target_exchanged=moved))
        guessed = np.bincount(codes, weight[source]).max() / weight[source].sum()
        mostly_right = evidence.accuracy > max(guessed, 0.5)
        if mostly_right and _helps(Evidence(*self._evidence), len(source), len(target)):
            graph.hold(said, prior, self.alpha)
            self._graph = graph

    def _placed(self, X: Any, weight: NDArray, seeds: Seeds) -> Columns | Codes:
        if self.estimator is None:
            return Columns(self, X, weight)
        return Codes(self, seeded(self.estimator, seeds, "estimator"), X)

    def _seen(self, X: Any) -> Any:
        """Return rows as the classifier gets them."""
        return self._places(self, X) if self.classifier is None else X

    def _domains(
        self, sample_domain: Any, n: int, kept: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows of the source and of the target that have a weight."""
        if sample_domain is None:
            warnings.warn(
                f"{type(self).__name__} was fitted without sample_domain: all rows are of the "
                f"source, and the classifier itself answers. To adapt, {DOMAINS}.",
                stacklevel=5,
            )
            return np.flatnonzero(kept), np.zeros(0, np.intp)
        of_source = source_rows(sample_domain, n)
        parts = np.flatnonzero(of_source & kept), np.flatnonzero(~of_source & kept)
        for name, rows in zip(("source", "target"), parts, strict=True):
            if not len(rows):
                weighted = "" if kept.all() else " with a weight"
                raise ValueError(
                    f"sample_domain has no row of the {name} among the {kept.sum()}{weighted}; "
                    f"{DOMAINS}. Without sample_domain, the classifier itself answers."
                )
        return parts

    def _prior(self, mass: NDArray) -> NDArray[np.float64]:
        if self.class_prior is None:
            return mass / mass.sum()
        try:
            prior = np.asarray(as_numpy(self.class_prior), np.float64)
        except (TypeError, ValueError):
            prior = np.zeros(0)
        if prior.shape != mass.shape or not (prior > 0).all() or not np.isclose(prior.sum(), 1):
            raise ValueError(
                f"class_prior={self.class_prior!r:.60} must be an array of {len(mass)} positive "
                f"shares that sum to 1, one for each class, in the order of classes_: "
                f"{self.classes_.tolist()!r:.60}."
            )
        return prior / prior.sum()

    def _judged(
        self, places: NDArray, codes: NDArray, weight: NDArray, unseen: NDArray
    ) -> Evidence:
        """Return what spreading does in the source, whose labels are known."""
        graph = TargetGraph(places, self.n_neighbors)
        mass = np.bincount(codes, weight)
        spread = spread_predictions(graph.graph, unseen, mass / mass.sum(), self.alpha)
        said, after = unseen.argmax(axis=1), spread.argmax(axis=1)
        right, still = (float(np.average(f == codes, weights=weight)) for f in (said, after))
        return Evidence(right, still, exchanged(said, after, len(mass)), 0.0)

    @in_kind
    def predict(self, X: ArrayLike) -> NDArray:
        """Return labels of rows of the target.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, those of `fit` or new ones.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        if self._graph is None:
            self._checked(X)
            return self.classifier_.predict(self._seen(X))
        return as_numpy(self.classes_)[self._shares(X).argmax(axis=1)]

    @in_kind
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities of classes for rows of the target.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, those of `fit` or new ones.

        Returns
        -------
        shares : ndarray of shape (n_samples, n_classes), float64
            In the order of `classes_`: shares of labels that were spread, or what the classifier
            says. Those by a decision function may be largest for another class than the one that
            the classifier predicts, as with the votes of SVC.
        """
        check_is_fitted(self)
        return self._shares(X)

    def _shares(self, X: Any) -> NDArray[np.float64]:
        if self._graph is None:
            self._checked(X)
            return probabilities(self.classifier_, self._seen(X))
        return self._graph(self._places(self, X))

    def _checked(self, X: Any) -> None:
        """Raise if rows are not like those of `fit`, whatever the classifier looks at."""
        if self.classifier is not None:
            self._places.check(self, X)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on the rows that have a label.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels. As in `fit`, -1, None and NaN mark rows without one, which do not count.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Share of the rows whose label is predicted.

        Raises
        ------
        ValueError
            If no row has a label.
        """
        return accuracy_where_labelled(self, X, y, sample_weight)

    @property
    def adapted_(self) -> bool:
        """Whether labels that were spread are predicted."""
        return self._graph is not None

    @property
    def evidence_(self) -> Evidence | None:
        """What was decided by."""
        return None if self._evidence is None else Evidence(*self._evidence)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_places")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        held = [Autoencoder() if self.estimator is None else self.estimator, self.classifier]
        inputs = [get_tags(e).input_tags for e in held if e is not None]
        tags.input_tags.sparse = all(i.sparse for i in inputs)
        tags.input_tags.allow_nan = all(i.allow_nan for i in inputs)
        return tags


def _to_index(X: Any) -> Any:
    """Return rows that can be taken by position: frames, lists and arrays, sparse ones by rows."""
    if issparse(X):
        return X.tocsr()
    known = isinstance(X, list | np.ndarray) or Container.of(X).backend is not None
    return X if known else np.asarray(X)


def _helps(evidence: Evidence, n_source: int, n_target: int) -> bool:
    """Whether neighbours share labels, and more of them than the classifier gives the same."""
    n = np.array([n_source, n_target])
    # One row more of either kind, so that few rows are not taken for certain (Agresti and Caffo).
    share = (n * [evidence.exchanged, evidence.target_exchanged] + 1) / (n + 2)
    gain = evidence.graph_accuracy - evidence.accuracy
    # As many labels change at least as it takes for the accuracy to change.
    changed = max(share[0], abs(gain))
    variance = (share * (1 - share) / (n + 2)).sum() + changed / n_source
    return bool(gain >= -_TOLERANCE and gain + share[1] - share[0] > 2 * np.sqrt(variance))
