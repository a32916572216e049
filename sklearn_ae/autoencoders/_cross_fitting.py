"""What networks that have not seen a training row say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from sklearn_ae.data import Ragged, Rows
from sklearn_ae.inference import Model, align, canonicalize
from sklearn_ae.training import Fitted, Fitter, fold_networks, splits

if TYPE_CHECKING:
    from sklearn_ae.autoencoders._base import BaseAutoencoder


class CrossFit(NamedTuple):
    """Out-of-fold results of training rows, in their order.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_components_)
        Codes, in the basis of the fitted estimator as far as its objective lets it change.
    reconstructions : array-like of shape (n_samples, n_features)
        Reconstructions, in the container of X.
    scores : ndarray of shape (n_samples,)
        What `score_samples` of a network without the row returns.
    folds : ndarray of shape (n_samples,), int
        Fold that a row was held out in; -1 for rows of weight zero, which no network has seen.
    """

    codes: NDArray
    reconstructions: Any
    scores: NDArray[np.float64]
    folds: NDArray[np.int64]


def cross_fitted(
    estimator: BaseAutoencoder, X: ArrayLike, fitter: Fitter, rows: Rows, fitted: Fitted
) -> CrossFit:
    """Return what networks of folds say of the rows that were held out of them.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Fitted to the rows.
    X : array-like, sparse matrix or data frame
        The rows, for their container.
    fitter : Fitter
        What was fitted.
    rows : Rows
        The rows.
    fitted : Fitted
        What came of it.
    """
    if rows.n_rows < 2:
        raise ValueError(
            f"cross_fit needs at least 2 rows of positive weight, but got {rows.n_rows}; use fit."
        )
    n, dtype = len(rows.values), rows.values.dtype
    every: Any = rows.values
    ragged = isinstance(every, Ragged)
    codes = np.empty((n, estimator.n_components_), dtype)
    scores, folds = np.empty(n), np.full(n, -1)
    p = rows.n_features
    shaped: Any = Ragged.empty(every.sizes, p, dtype) if ragged else np.empty((n, p), dtype)

    def put(model: Model, at: NDArray[np.intp], moved: Any = None) -> None:
        """Fill in what a network says of some rows."""
        values = every[at]
        given = None if rows.condition is None else rows.condition[at]
        target = None if rows.target is None else rows.target[at]
        code = model.encode(values, given)
        codes[at] = code if moved is None else moved(code)
        found = model.decode(code, given, values if ragged else None)
        if ragged:
            for i, row in zip(at, found.arrays(), strict=True):
                shaped.put(np.array([i]), row[None])
        else:
            shaped[at] = found
        scores[at] = estimator._scores(model, values, given, target)

    left_out = np.setdiff1d(np.arange(n), rows.positions)
    if len(left_out):
        put(estimator._model, left_out)
    fixed = fitter.keeps_basis
    symmetry = "none" if fixed else fitter.spec.symmetry
    for i, (model, held_out) in enumerate(_networks(estimator, fitter, rows, fitted)):
        others = rows.others(held_out)
        canonicalize(model, others, symmetry, estimator.whiten, fixed)
        known, given = others.selected(every), others.conditions
        own, whole = (m.encode(known, given) for m in (model, estimator._model))
        put(model, held_out.positions, align(own, whole, symmetry))
        folds[held_out.positions] = i
    container = estimator._reader.adapter.container(X)
    return CrossFit(codes, container.wrap(shaped, like=X), scores, folds)


def _networks(
    estimator: BaseAutoencoder, fitter: Fitter, rows: Rows, fitted: Fitted
) -> list[tuple[Model, Rows]]:
    """Return the networks of folds; what is trained in stages is trained so in each fold."""
    if not estimator._in_stages or fitter.previous is not None:
        return fold_networks(fitter, rows, fitted)
    found, shape = [], None if rows.ragged else rows.sample_shape
    for train, valid in splits(fitter, rows):
        own = clone(estimator).set_params(random_state=estimator._entropy, warm_start=False)
        own.set_params(checkpoint=None)  # what is kept is a part of this fit
        if own.architecture is not None:
            own.set_params(architecture=own.architecture.of_arrays(shape))
        own.fit(train.arrays(), sample_weight=train.weights)
        found.append((own._model, valid))
    return found
