"""Outliers, by several networks."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import ClassifierTags, get_tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.applications._outlier_detection import (
    Calibration,
    Clones,
    Recipe,
    false_discoveries_held,
)
from sklearn_ae.autoencoders import (
    Autoencoder,
    BaseAutoencoder,
    ReasonsMixin,
    StateMixin,
    ThresholdMixin,
    checkpointed,
    in_kind,
    serves,
)
from sklearn_ae.data import ArrayForm, as_numpy, check_accepted, rows_as_numpy
from sklearn_ae.runtime import Seeds, named_in_errors
from sklearn_ae.sources._opening import refuse_source

# What a fit learns.
_LEARNED = (
    "_panel",
    "_calibration",
    "_reader",
    "_replacements",
    "_namespace",
    "offset_",
    "training_scores_",
    "n_features_in_",
    "feature_names_in_",
)


class AutoencoderOutlierDetector(ReasonsMixin, ThresholdMixin, StateMixin):
    """Find outliers by networks and near rows, and thresholds by rows that these have not seen.

    By default, networks without a bottleneck and nearest rows score rows together. Each of
    `n_estimators` members leaves a fold of the training rows out. Its network takes noise from
    rows, and answers with the logarithm of its squared error. Rows near by answer with the
    logarithm of the mean distance, the sum of the absolute differences: 2 of 500, and 20 of the
    450 most typical ones, so that outliers that are alike do not vouch for each other. All
    answers are in units of what rows out of fold have: their median, and the distance from there
    down to the 16th percentile. Networks have .15 of the mean. Where training rows are declared to
    be clean or contaminated, rows near by answer alone, and no network is trained.

    With an `estimator`, its clones are fitted to all rows, and their mean score counts.

    Parameters
    ----------
    estimator : autoencoder of this library, default=None
        What is fitted several times, which may be of images or sequences. None stands for the
        networks above, which are of tables, mixed or sparse ones and such with missing cells
        among them.
    novelty : bool, default=True
        As in :class:`~sklearn.neighbors.LocalOutlierFactor`: True is for new rows, and has
        `predict`; False for the training rows themselves, and has `fit_predict` and
        `training_scores_`, by members that have not seen the row.
    training_rows : {"auto", "clean", "contaminated"}, default="auto"
        What is known of the training rows: that they are inliers, or that there are outliers
        among them. "clean" goes by the nearest of 1,000 rows, "contaminated" by the 5 nearest of
        the 400 most typical of 500 rows, "auto" by near and typical rows and by networks.
        An `estimator` has no such choice.
    n_estimators : int, default=3
        Number of members. A single one leaves a fifth of the rows out, 10,000 at most. From 50,000
        rows there is a single one.
    contamination : float in (0, 0.5] or "auto", default=0.1
        Share of fresh rows like the training rows that `predict` calls outliers. "auto" calls
        those outliers that lie below the median score by more than three times the distance from
        there up to the 84th percentile.
    calibration : "cross-fit" or float in (0, 1), default="cross-fit"
        The rows that thresholds and p-values go by. "cross-fit" takes all rows, each as scored
        by members that have not seen it; the p-values are then approximate. A number is the
        share of rows that is drawn and kept from every member, which makes p-values
        valid for any number of rows, if these are inliers.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto".
    random_state : int, RandomState or None, default=None
        Feeds every draw; `estimator` gets seeds from it. None draws a seed from the operating
        system.

    Attributes
    ----------
    estimators_ : list
        The fitted clones of `estimator`; only if there is one.
    offset_ : float
        Score below which `predict` says outlier.
    training_scores_ : ndarray of shape (n_samples,)
        Scores of the training rows by members that have not seen them; only with
        ``novelty=False``. NaN for rows of weight zero.
    device_ : str
        Where rows are scored, such as "cpu" or "cuda:0". A detector that is loaded where the
        device of its fit is not is on the CPU.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Outliers by random splits.
    sklearn.neighbors.LocalOutlierFactor : Outliers by density.

    Notes
    -----
    `predict` has 1 for inliers and -1 for outliers, and ``roc_auc`` expects 1 for inliers. At most
    65,536 rows are drawn to fit to. Below 20 different rows, scores are
    Mahalanobis distances with a shrunken covariance.

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio and Manzagol, Stacked denoising autoencoders, JMLR 2010.
    Bates, Candès, Lei, Romano and Sesia, Testing for outliers with conformal p-values, Annals of
    Statistics 2023. :doi:`10.1214/22-AOS2244`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import AutoencoderOutlierDetector
    >>> X = load_iris().data
    >>> detector = AutoencoderOutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[5.0, 3.4, 1.5, 0.2], [5.0, 3.4, 5.5, 0.2]])
    array([ 1, -1])
    """

    _parameter_constraints: dict = {
        "estimator": [BaseAutoencoder, None],
        "novelty": ["boolean"],
        "training_rows": [StrOptions({"auto", "clean", "contaminated"})],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "calibration": [StrOptions({"cross-fit"}), Interval(Real, 0, 1, closed="neither")],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }

    @named_in_errors
    def __init__(
        self,
        estimator: BaseAutoencoder | None = None,
        *,
        novelty: bool = True,
        training_rows: str = "auto",
        n_estimators: int = 3,
        contamination: float | str = 0.1,
        calibration: float | str = "cross-fit",
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.novelty = novelty
        self.training_rows = training_rows
        self.n_estimators = n_estimators
        self.contamination = contamination
        self.calibration = calibration
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the members, and set the threshold.

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
        with checkpointed(self, X=X, sample_weight=sample_weight):
            self._fit(X, sample_weight)
        return self

    def _fit(self, X: ArrayLike, sample_weight: ArrayLike | None) -> None:
        seeds = Seeds.of(self.random_state)
        panel = self._panel_of_parameters()
        found = clone(self)
        refuse_source(self, X)
        check_accepted(X)
        rows = rows_as_numpy(X)
        n = _num_samples(rows)
        weight = np.ones(n)
        if sample_weight is not None:
            weight = check_sample_weight(as_numpy(sample_weight), np.empty((n, 1)))
        if self.calibration == "cross-fit":
            given = None if sample_weight is None else weight
            index, scores = panel.fit(found, rows, given, seeds)
        else:
            index = self._held_out(weight, seeds)
            given = weight.copy()
            given[index] = 0.0
            panel.fit(found, rows, given, seeds)
            scores = panel.scores(panel.read(found, rows))[index]
        found._panel = panel
        found._reader, found._replacements = panel.reader, panel.replacements
        found._calibration = Calibration(scores, weight[index])
        found.offset_ = found._threshold()
        if not self.novelty:
            found.training_scores_ = np.full(n, np.nan)
            unseen = np.setdiff1d(np.flatnonzero(weight), index)
            if len(unseen):
                every = panel.scores(panel.read(found, rows))
                found.training_scores_[unseen] = every[unseen]
            found.training_scores_[index] = scores
        ArrayForm.of(X).mark(found.__dict__)
        for name in _LEARNED:
            self.__dict__.pop(name, None)
        self.__dict__.update({n: value for n, value in vars(found).items() if n in _LEARNED})

    @available_if(serves(new_rows=False))
    def fit_predict(
        self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Fit, and return +1 for inliers and -1 for outliers among the same rows.

        Only with ``novelty=False``. Each row is scored by members that have not seen it.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            As in `fit`.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`. Rows of weight zero, which are not scored, are +1.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
            -1 where `training_scores_` is below `offset_`.
        """
        self.fit(X, sample_weight=sample_weight)
        below = as_numpy(self.training_scores_) < self.offset_
        return ArrayForm.of(X).back(1 - 2 * below.astype(np.int64))

    @available_if(serves(new_rows=True))
    @in_kind
    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how normal each row is; higher is more normal.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows. Missing cells say nothing.

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            Minus the mean of the members' answers: 0 for a typical row, and 1 for one at the
            16th percentile of what they find strange. With an `estimator`, the mean of its
            clones' scores.
        """
        return self._scores(X)

    @available_if(serves(new_rows=True))
    @in_kind
    def p_values(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that a row like the training rows is as strange as each row.

        With a number for `calibration`, ``P(p_value <= t) <= t`` for rows that are like the
        training rows, for any t and any number of rows, in the mean over fits. With "cross-fit"
        this holds about.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        p_values : ndarray of shape (n_samples,), float64
            In (0, 1]; at least 1 / (n + 1), where n rows are kept for the calibration.
        """
        scores = self._scores(X)
        return self._calibration.p_values(scores)

    @available_if(serves(new_rows=True))
    @in_kind
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how sure it is that rows are inliers and outliers.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probability : ndarray of shape (n_samples, 2), float64
            `p_values`, and 1 less those: the probability that a row like the training rows is
            less strange. Of such rows, one in ten has more than .9 in the second column.
        """
        scores = self._scores(X)
        p = self._calibration.p_values(scores)
        return np.column_stack([p, 1 - p])

    @available_if(serves(new_rows=True))
    @in_kind
    def select_outliers(self, X: ArrayLike, fdr: float = 0.1) -> NDArray[np.bool_]:
        """Return the rows that are outliers, with a bound on the share of false ones.

        The procedure of Benjamini and Hochberg on `p_values`. Unlike `predict`, whether a
        row is selected depends on the others.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.
        fdr : float in (0, 1), default=0.1
            The expected share of inliers among the selected rows is at most this, where the
            p-values are valid.

        Returns
        -------
        selected : ndarray of shape (n_samples,), bool
            True for outliers.

        Raises
        ------
        ValueError
            If `fdr` is not between 0 and 1.
        """
        check_is_fitted(self)
        if not isinstance(fdr, Real) or not 0 < fdr < 1:
            raise ValueError(f"fdr={fdr!r} must be a number between 0 and 1.")
        return false_discoveries_held(self._calibration.p_values(self._scores(X)), float(fdr))

    @property
    def estimators_(self) -> list[BaseAutoencoder]:
        """The fitted clones of `estimator`."""
        return self._panel.estimators

    @property
    def device_(self) -> str:
        """Where rows are scored: as in `fit`, or on the CPU if loaded where that device is not."""
        return self._panel.device

    def _read(self, X: ArrayLike, condition: NDArray | None) -> tuple[Any, None]:
        """Return rows as they are scored, and no condition."""
        check_is_fitted(self)
        if condition is not None:
            raise ValueError(
                f"condition={condition!r:.60} was given, but this {type(self).__name__} has none; "
                "put it among the columns of X."
            )
        return self._panel.read(self, X), None

    def _score_rows(self, values: Any, given: NDArray | None) -> NDArray[np.float64]:
        return self._panel.scores(values)

    def _cell_errors(self, values: Any, given: NDArray | None) -> Any:
        return self._panel.cell_errors(values)

    def _rebuilt(self, values: Any, given: NDArray | None) -> Any:
        return self._panel.rebuilt(values)

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        values, _ = self._read(X, None)
        return self._panel.scores(values)

    def _panel_of_parameters(self) -> Clones | Recipe:
        """Return what scores rows, not fitted yet."""
        if self.estimator is None:
            return Recipe(self.n_estimators, self.training_rows, self.device)
        if self.training_rows != "auto":
            raise ValueError(
                f"training_rows={self.training_rows!r} is a choice of the default networks, but "
                f"estimator={self.estimator!r:.60} replaces them; leave one of the two at its "
                "default."
            )
        return Clones(self.estimator, self.n_estimators, self.device)

    def _threshold(self) -> float:
        if isinstance(self.contamination, str):
            return self._calibration.fence()
        return self._calibration.threshold(self.contamination)

    def _held_out(self, weight: NDArray[np.float64], seeds: Seeds) -> NDArray[np.intp]:
        """Draw the rows that are kept for the calibration."""
        candidates = np.flatnonzero(weight)
        n = round(float(self.calibration) * len(candidates))
        if not 0 < n < len(candidates):
            raise ValueError(
                f"calibration={self.calibration!r} keeps {n} of {len(candidates)} rows, but some "
                'are needed on either side; use another share, or calibration="cross-fit".'
            )
        return np.sort(seeds.numpy("calibration").permutation(candidates)[:n])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_panel")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags = get_tags(self.estimator or Autoencoder()).input_tags
        # scikit-learn's checks look here for the number of columns of predict_proba.
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags
