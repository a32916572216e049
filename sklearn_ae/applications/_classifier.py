"""Classes from few labels and many rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_ae.applications._few_labels import (
    MODES,
    FewLabels,
    accuracy_where_labelled,
    read_classes,
)
from sklearn_ae.autoencoders import BaseAutoencoder, in_kind
from sklearn_ae.data import ArrayForm, as_numpy, rows_as_numpy
from sklearn_ae.runtime import named_in_errors


class AutoencoderClassifier(ClassifierMixin, FewLabels):
    r"""Classify by few labels and many rows without one.

    An autoencoder is fitted to all rows. Several candidates then predict the labels: a logistic
    regression on codes and on columns in normal scores, boosted trees from 200 labels on, and
    labels that are spread over a graph of nearest rows, :math:`F = (I - \alpha S)^{-1} Y`, on
    codes and on columns in units of their range. Each predicts labels that were held out, and
    probabilities are averaged with weights

    .. math:: w_k \propto \pi_k \exp(-n \ell_k),

    where n is the number of labels and :math:`\ell_k` the mean log loss of candidate k. The odds
    :math:`\pi_k` are higher for strong penalties, and for columns mapped to normal scores. The
    shares of the classes are one of the candidates.

    Parameters
    ----------
    estimator : autoencoder of this library or FrozenEstimator of one, default=None
        What reads rows and finds codes. One that is fitted, and that in a
        :class:`~sklearn.frozen.FrozenEstimator`, is taken as it is, as fitted to another table
        of the same columns; clones, as searches make them, keep the latter alone. None stands
        for an :class:`Autoencoder` with a short training.
    mode : {"auto", "frozen", "graph", "joint", "fine-tuned"}, default="auto"
        Which candidates there are. "auto" has all of the above, "frozen" heads on codes and
        columns, "graph" the graphs. "joint" trains the autoencoder with the loss of the labels
        beside that of reconstructions, and "fine-tuned" goes on so with one that was fitted
        without labels; both have a logistic regression on the codes.
    n_neighbors : int, default=7
        Neighbours of a row in a graph.
    distill : bool, default=False
        Fit a head to what the candidates decide for all rows, each weighted by its margin, and
        answer by that alone. It holds no rows, and is less accurate than a graph.
    label_weight : float, default=1.0
        Weight of the loss of the labels in "joint" and "fine-tuned"; that of reconstructions
        is 1 for those that are no better than the means.
    class_weight : dict, "balanced" or None, default=None
        Factors of the weights of rows by class, as in
        :class:`~sklearn.linear_model.LogisticRegression`. "balanced" makes classes count
        equally. With several labels a dict has factors of 0 and 1.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto": where the autoencoder is.
    random_state : int, RandomState or None, default=None
        Feeds every draw; `estimator` gets a seed from it. None draws a seed from the operating
        system.

    Attributes
    ----------
    estimator_ : BaseAutoencoder
        The autoencoder that is held.
    candidates_ : DataFrame
        A row a candidate: its name, its `weight` in the average, and its mean `log_loss` of
        labels that were held out, NaN if there is one candidate alone. With several labels,
        their number is in `output`.
    classes_ : ndarray of shape (n_classes,)
        The classes; 0 and 1 with several labels.
    device_ : str
        Where the network is, such as "cpu" or "cuda:0".
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    AutoencoderRegressor : Numbers in place of classes.
    sklearn.semi_supervised.LabelSpreading : A graph alone.
    sklearn.semi_supervised.SelfTrainingClassifier : Labels that a classifier gives itself.

    Notes
    -----
    A graph is of 10,000 rows at most, drawn at random beside those with a label, and the
    estimator holds these rows; `distill` and "frozen" hold none. Candidates are compared on
    10,000 labels at most. Below 20 different rows there is one, a logistic regression on codes.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schölkopf, Learning with local and global consistency, NIPS
    2003.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import AutoencoderClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> few = np.where(np.arange(150) % 10 == 0, y, -1)  # five labels a class
    >>> classifier = AutoencoderClassifier(random_state=0).fit(X, few)
    >>> bool(classifier.score(X, y) > 0.85)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [BaseAutoencoder, FrozenEstimator, None],
        "mode": [StrOptions(set(MODES))],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "distill": ["boolean"],
        "label_weight": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }

    _read_labels = staticmethod(read_classes)

    @named_in_errors
    def __init__(
        self,
        estimator: BaseAutoencoder | FrozenEstimator | None = None,
        mode: str = "auto",
        *,
        n_neighbors: int = 7,
        distill: bool = False,
        label_weight: float = 1.0,
        class_weight: Mapping[Any, float] | str | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.distill = distill
        self.label_weight = label_weight
        self.class_weight = class_weight
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    @in_kind
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities of the classes.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            In the order of `classes_`. With several labels, that each is there.
        """
        found = self._answers(X)
        return found[0] if self._flat else np.column_stack([p[:, 1] for p in found])

    @in_kind
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return logarithms of the probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            Of two classes, the log-odds of the second; of more, the logarithm of each. Of
            several labels, the log-odds of each.
        """
        found = [np.log(np.maximum(p, np.finfo(np.float64).tiny)) for p in self._answers(X)]
        if not self._flat:
            return np.column_stack([p[:, 1] - p[:, 0] for p in found])
        [p] = found
        return p[:, 1] - p[:, 0] if p.shape[1] == 2 else p

    def predict(self, X: ArrayLike) -> Any:
        """Return the most likely class of each row.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Classes; of several labels, 0 or 1 for each.
        """
        form = ArrayForm.of(X)
        form.check(self, "predict")
        with config_context(array_api_dispatch=False):
            found = [answers.argmax(axis=1) for answers in self._answers(rows_as_numpy(X))]
        if not self._flat:
            return form.back(np.column_stack(found))
        labels = as_numpy(self.classes_)[found[0]]
        return form.back(labels) if labels.dtype.kind in "biuf" else labels

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on the rows that have a label.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels. As in `fit`, -1, None and NaN mark rows without one, which do not count, so
            that searches validate by labels alone.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Share of the rows whose labels are all predicted.

        Raises
        ------
        ValueError
            If no row has a label.
        """
        return accuracy_where_labelled(self, X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
