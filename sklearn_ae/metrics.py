"""Scorers of reconstructions, which also work on PCA and on Pipelines, and of events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import r2_score
from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_ae.data import as_images, as_numpy

__all__ = ["EventScores", "denoising_score", "event_scores", "reconstruction_r2"]


def reconstruction_r2(
    estimator: Any, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of the variance of X that the reconstruction keeps, pooled over cells.

    R² = 1 - sum_ij (x_ij - xhat_ij)² / sum_ij (x_ij - mean_j)², where xhat is
    `estimator.inverse_transform(estimator.transform(X))` and the means are those of X.
    A scorer: pass it as `scoring` to GridSearchCV. Columns count by their variance in
    X's units; score standardised rows if they shall count equally.

    Parameters
    ----------
    estimator : fitted estimator
        Has `transform` and `inverse_transform`: an autoencoder, PCA, or a Pipeline that
        ends in one. For lists of images or sequences it has `reconstruct`.
    X : array-like or data frame of shape (n_samples, n_features), or list of arrays
        Rows of numbers, two at least. Arrays of images or sequences are compared cell by
        cell; in a list the columns are the channels, and cells that are NaN are left out.
    y : ignored
        Here for scikit-learn's interface.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    r2 : float
        1 for a perfect reconstruction, 0 for that of the column means.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_ae.metrics import reconstruction_r2
    >>> X = load_iris().data
    >>> round(reconstruction_r2(PCA(n_components=2).fit(X), X), 3)
    0.978
    """
    if _has_cells(X) and hasattr(estimator, "reconstruct"):
        true = _cells(X)
        restored = _cells(estimator.reconstruct(X), true.shape[1])
        if sample_weight is not None:
            counts = [np.size(x) // true.shape[1] for x in np.asarray(X, dtype=object)]
            sample_weight = np.repeat(np.asarray(as_numpy(sample_weight)), counts)
    else:
        true = _rows(X)
        restored = _rows(estimator.inverse_transform(estimator.transform(X)))
    present = ~np.isnan(true).any(axis=1)
    weight = None if sample_weight is None else np.asarray(as_numpy(sample_weight))[present]
    return float(
        r2_score(
            true[present],
            restored[present],
            sample_weight=weight,
            multioutput="variance_weighted",
        )
    )


def _has_cells(X: Any) -> bool:
    """Whether X is a list of arrays, or an array of sequences with missing values."""
    if isinstance(X, list):
        return getattr(X[0], "ndim", 0) > 0
    return isinstance(X, np.ndarray) and X.ndim > 2 and bool(np.isnan(X).any())


def _rows(X: Any) -> NDArray[np.float64]:
    """Return rows as a matrix, whatever the shape of a row."""
    values = np.asarray(as_numpy(X), dtype=np.float64)
    return values.reshape(len(values), -1)


def _cells(X: Any, n_channels: int | None = None) -> NDArray[np.float64]:
    """Return the pixels or steps of all rows, a column a channel."""
    if all(np.ndim(x) == 3 for x in X):
        X, _ = as_images(X, n_channels)
    arrays = [np.asarray(as_numpy(x), dtype=np.float64) for x in X]
    # Images without channels have last axes of different lengths, and sequences one axis.
    last = {a.shape[-1] for a in arrays if a.ndim > 1}
    n_channels = last.pop() if len(last) == 1 else 1
    return np.concatenate([a.reshape(-1, n_channels) for a in arrays])


class _DenoisingScore:
    """Scorer of restored rows against clean ones; also a plain function of them.

    R² = 1 - sum_ij (c_ij - xhat_ij)² / sum_ij (c_ij - mean_j)², where xhat is
    `estimator.inverse_transform(estimator.transform(X))`, c the clean rows and the means
    are theirs. As `scoring` of GridSearchCV it gets its part of `X_clean` where metadata
    routing is enabled. In a Pipeline the clean rows are the raw ones: xhat has come back
    through every step.

    Parameters
    ----------
    estimator : fitted estimator
        Has `transform` and `inverse_transform`: a denoiser, PCA, or a Pipeline that ends
        in one.
    X : array-like or data frame of shape (n_samples, n_features)
        Noisy rows.
    y : ignored
        Here for scikit-learn's interface.
    X_clean : array-like of shape (n_samples, n_features)
        The clean version of each row.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    r2 : float
        1 for perfectly restored rows, 0 for the means of the clean ones.
    """

    __name__ = "denoising_score"

    def get_metadata_routing(self) -> MetadataRequest:
        """Ask for the clean rows, wherever metadata is routed."""
        request = MetadataRequest(owner=self)
        request.score.add_request(param="X_clean", alias=True)
        request.score.add_request(param="sample_weight", alias=None)
        return request

    def __call__(
        self,
        estimator: Any,
        X: ArrayLike,
        y: Any = None,
        *,
        X_clean: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        if X_clean is None:
            raise ValueError(
                "denoising_score got X_clean=None; pass the clean rows, in a search with "
                "sklearn.set_config(enable_metadata_routing=True) and fit(X, X_clean=X_clean)."
            )
        restored = estimator.inverse_transform(estimator.transform(X))
        return float(
            r2_score(
                np.asarray(as_numpy(X_clean), dtype=np.float64),
                np.asarray(as_numpy(restored), dtype=np.float64),
                sample_weight=as_numpy(sample_weight),
                multioutput="variance_weighted",
            )
        )

    def __repr__(self) -> str:
        return "denoising_score"


denoising_score = _DenoisingScore()
denoising_score.__doc__ = _DenoisingScore.__doc__


class EventScores(NamedTuple):
    """How well flagged steps find events."""

    precision: float
    recall: float
    f1: float


def event_scores(y_true: ArrayLike, y_pred: ArrayLike) -> EventScores:
    """Precision by step, recall by event, and the harmonic mean of both.

    An event is a run of labelled steps. It is found if one of its steps is flagged, so that a
    detector need not mark where it begins and ends; but every flagged step outside of events
    counts as false, so that flagging all steps is not rewarded. Labelled steps are not "point
    adjusted": where one flag makes all steps of its event true, flags at random reach the F1 of
    the best detectors (Kim et al. 2022).

    Parameters
    ----------
    y_true : array-like of shape (n_steps,)
        Labels in the order of time: True or 1 in events, False or 0 elsewhere.
    y_pred : array-like of shape (n_steps,)
        True or 1 where a step is flagged: ``detector.predict(X) == -1``.

    Returns
    -------
    precision : float
        Share of the flagged steps that lie in events; 0 where none is flagged.
    recall : float
        Share of the events that have a flagged step.
    f1 : float
        Their harmonic mean.

    Raises
    ------
    ValueError
        If the lengths differ, labels are others, or there is no event.

    References
    ----------
    Garg, Zhang, Samaran, Savitha and Foo, An evaluation of anomaly detection and diagnosis in
    multivariate time series, IEEE Transactions on Neural Networks and Learning Systems 2022.
    :doi:`10.1109/TNNLS.2021.3105827`

    Kim, Choi, Choi, Lee and Yoon, Towards a rigorous evaluation of time-series anomaly detection,
    AAAI 2022. :doi:`10.1609/aaai.v36i7.20680`

    Examples
    --------
    >>> from sklearn_ae.metrics import event_scores
    >>> event_scores([0, 1, 1, 1, 0, 0, 1, 0], [0, 0, 1, 0, 1, 0, 0, 0])
    EventScores(precision=0.5, recall=0.5, f1=0.5)
    """
    true, flagged = _flags(y_true, "y_true"), _flags(y_pred, "y_pred")
    if len(true) != len(flagged):
        raise ValueError(
            f"y_true has {len(true)} steps, but y_pred has {len(flagged)}; pass labels of the same."
        )
    event = np.cumsum(true & ~np.r_[False, true[:-1]]) * true
    n_events = int(event.max(initial=0))
    if not n_events:
        raise ValueError("y_true has no event, so that recall is not defined; pass labels of some.")
    hits = flagged & true
    precision = hits.sum() / max(1, flagged.sum())
    recall = len(np.unique(event[hits])) / n_events
    f1 = 2 * precision * recall / max(precision + recall, np.finfo(float).tiny)
    return EventScores(float(precision), float(recall), float(f1))


def _flags(labels: ArrayLike, name: str) -> NDArray[np.bool_]:
    """Return labels of steps as booleans."""
    values = np.asarray(as_numpy(labels))
    found = np.unique(values).tolist()
    if values.ndim == 1 and (values.dtype == bool or found in ([0, 1], [0], [])):
        return values.astype(bool)
    raise ValueError(
        f"{name} holds {found[:5]} in shape {values.shape}; pass True for outliers and False for "
        "other steps in one dimension, such as detector.predict(X) == -1."
    )
