"""Numbers from few labels and many rows."""

from __future__ import annotations

import os
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_ae.applications._few_labels import MODES, FewLabels, labelled, read_numbers
from sklearn_ae.autoencoders import BaseAutoencoder, in_kind
from sklearn_ae.data import as_numpy
from sklearn_ae.runtime import named_in_errors


class AutoencoderRegressor(RegressorMixin, FewLabels):
    r"""Predict numbers that are known of few rows, with many rows without one.

    An autoencoder is fitted to all rows. Several candidates then predict the numbers: a ridge
    regression on codes and on columns in normal scores, boosted trees if 200 numbers are known,
    and means by a graph of nearest rows, :math:`(I - \alpha S)^{-1}` times the known numbers over
    :math:`(I - \alpha S)^{-1}` times where they are known, on codes and on columns in units of
    their range. Each predicts numbers that were held out, and predictions are averaged with
    weights

    .. math:: w_k \propto \pi_k s_k^{-n},

    where n is how many are known and :math:`s_k` the root of the mean squared error of
    candidate k, as likelihoods of normal errors are. The odds :math:`\pi_k` are higher for strong
    penalties, and for columns mapped to normal scores. The mean is one of the candidates.

    Parameters
    ----------
    estimator : autoencoder of this library or FrozenEstimator of one, default=None
        What reads rows and finds codes. One that is fitted, and that in a
        :class:`~sklearn.frozen.FrozenEstimator`, is taken as it is, as fitted to another table
        of the same columns; clones, as searches make them, keep the latter alone. None stands
        for an :class:`Autoencoder` with a short training.
    mode : {"auto", "frozen", "graph", "joint", "fine-tuned"}, default="auto"
        Which candidates there are. "auto" has all of the above, "frozen" heads on codes and
        columns, "graph" the graphs. "joint" trains the autoencoder with the squared error of
        the numbers beside the loss of reconstructions, and "fine-tuned" goes on so with one
        that was fitted without them; both have a ridge regression on the codes.
    n_neighbors : int, default=7
        Neighbours of a row in a graph.
    distill : bool, default=False
        Fit a head to what the candidates say of all rows, and answer by that alone. It holds no
        rows.
    label_weight : float, default=1.0
        Weight of the loss of the numbers in "joint" and "fine-tuned".
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
        A row a candidate: its name, its `weight` in the average, and its `log_loss`, minus the
        mean log-likelihood of numbers that were held out in units of their standard deviation,
        NaN if there is one candidate alone. With several outputs, their number is in `output`.
    device_ : str
        Where the network is, such as "cpu" or "cuda:0".
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    AutoencoderClassifier : Classes in place of numbers.

    Notes
    -----
    A graph is of 10,000 rows at most, drawn at random beside those with a label, and the
    estimator holds these rows; `distill` and "frozen" hold none. Candidates are compared on
    10,000 labels at most. Below 20 different rows there is one, a ridge regression on codes.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schölkopf, Learning with local and global consistency, NIPS
    2003.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_ae import AutoencoderRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> few = np.where(np.arange(442) % 5 == 0, y, np.nan)
    >>> regressor = AutoencoderRegressor(random_state=0).fit(X, few)
    >>> bool(regressor.score(X, y) > 0.3)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [BaseAutoencoder, FrozenEstimator, None],
        "mode": [StrOptions(set(MODES))],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "distill": ["boolean"],
        "label_weight": [Interval(Real, 0, None, closed="neither")],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }

    _read_labels = staticmethod(read_numbers)

    @named_in_errors
    def __init__(
        self,
        estimator: BaseAutoencoder | FrozenEstimator | None = None,
        mode: str = "auto",
        *,
        n_neighbors: int = 7,
        distill: bool = False,
        label_weight: float = 1.0,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.distill = distill
        self.label_weight = label_weight
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    @in_kind
    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return what rows are expected to have.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
            In the units of y.
        """
        pairs = zip(self._answers(X), self._units, strict=True)
        found = np.column_stack([answer * unit + zero for answer, (zero, unit) in pairs])
        return found[:, 0] if self._flat else found

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination on the rows whose numbers are known.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers. As in `fit`, NaN marks rows without one, which do not count.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            1 is perfect, 0 that of the mean.

        Raises
        ------
        ValueError
            If the numbers of no row are known.
        """
        found = as_numpy(self.predict(X))
        given, known = labelled(y, len(found))
        weight = None if sample_weight is None else as_numpy(sample_weight)[known]
        true = given[known].astype(np.float64)
        return float(r2_score(true, found[known], sample_weight=weight))
