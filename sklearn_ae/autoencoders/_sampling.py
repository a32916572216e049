"""Rows that are drawn: new ones, or some like those that are given.

`sample` and `sample_like` are methods of every autoencoder whose codes can be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_ae.autoencoders._cells import Cells
from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.autoencoders._rejection import accepted
from sklearn_ae.data import ArrayForm, Ragged, as_numpy, with_missing
from sklearn_ae.inference import draw_codes
from sklearn_ae.latents import Latent
from sklearn_ae.runtime import Seeds

# Rows of which the nearest to a value that is hardly ever drawn exactly is taken.
_NEAREST_OF = 50

Predicate = Callable[[Any], ArrayLike]


def _latent_of(autoencoder: Any) -> Latent:
    if autoencoder.__sklearn_is_fitted__():
        return autoencoder._spec_used.latent
    latent = autoencoder.latent
    return autoencoder._latent(1) if latent is None else latent


def _can_sample(autoencoder: Any) -> bool:
    return _latent_of(autoencoder).samples


def _has_posterior(autoencoder: Any) -> bool:
    latent = _latent_of(autoencoder)
    return latent.samples and latent.build(1).n_draws > 0


@available_if(_can_sample)
def sample(
    self: Any,
    n_samples: int = 1,
    random_state: int | np.random.RandomState | None = None,
    condition: ArrayLike | None = None,
    *,
    lengths: ArrayLike | None = None,
    conditions: Mapping | None = None,
    constraint: Predicate | None = None,
    missing: bool = False,
    return_n_drawn: bool = False,
) -> Any:
    """Draw new rows: codes from their density, then rows given codes, noise included.

    It is there where codes can be drawn, as those of :class:`Gaussian`. Rows of tables hold
    what the columns of the training rows hold, if the loss does not say what is drawn:

    - A column of whole numbers holds whole numbers.
    - A column of few values, each held by three rows or more in the mean, has these values,
      unless most of the rows beside its frequent values have one of their own.
    - In a column with values that one row in 50 holds, and three rows or more, these come as
      often as in the training rows, and the others lie between quantiles of the rest.
    - A level that few rows hold comes as often as among its like, one of 100 at most.
    - A column without any value in the training rows has none.
    - The others lie in the range of the training rows. Without a `condition` in `fit`, they
      are mapped to the quantiles of these where the distribution functions of draws
      and rows are more than .05 apart.

    After `partial_fit`, whose rows are never seen together, draws are those of the network
    with the latent's prior, and cells are missing as often as in all rows so far, whatever
    the code.

    Parameters
    ----------
    n_samples : int, default=1
        Number of rows.
    random_state : int, RandomState or None, default=None
        Feeds the draws. None draws a seed from the operating system.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.
    lengths : array-like of shape (n_samples,) or (n_samples, 2), default=None
        As in `inverse_transform`.
    conditions : mapping, default=None
        A value for each of some columns, by names, or positions in arrays, as in
        `{"job": "nurse"}`; the network need not have been trained on them. Rows with
        other levels, or other values of a column of few, are rejected. For other
        numbers and dates, the nearest of 50 rows is taken, and the value put in.
    constraint : callable, default=None
        `constraint(rows)` returns a boolean for each of the rows, which come as they are
        returned, with their missing cells. Those without True are drawn again.
    missing : bool, default=False
        Whether cells are missing as they are in the training rows: sets of cells that
        are missing together, by a logistic regression on the code. Otherwise none is.
    return_n_drawn : bool, default=False
        Whether to return how many rows were drawn.

    Returns
    -------
    X : ndarray or data frame of shape (n_samples, n_features)
        Rows in X's units, in the container that `fit` saw.
    n_drawn : int
        Rows that were drawn, if asked for; more than `n_samples` where some were rejected.

    Raises
    ------
    ValueError
        If no training row holds what `conditions` asks for, or fewer than one row in
        100 satisfies what is asked for.
    """
    check_is_fitted(self)
    if (
        isinstance(n_samples, bool | np.bool_)
        or not isinstance(n_samples, Integral)
        or n_samples < 1
    ):
        raise ValueError(f"n_samples={n_samples!r} must be an integer of at least 1.")
    _check_asked(random_state, constraint, missing=missing, return_n_drawn=return_n_drawn)
    given = self._reader.conditions(self, as_numpy(condition), n_samples)
    rng = Seeds.of(random_state).numpy("sample")
    typical = self._reader.typical(n_samples, as_numpy(lengths))

    def codes(rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
        return self._sampler.codes(self._model, len(rows), rng, explicit=missing)

    form = ArrayForm.of(self.explained_variance_ratio_)
    asked = conditions, constraint, missing, form
    rows, n_drawn = _drawn(self, int(n_samples), codes, given, typical, rng, *asked)
    return (form.back(rows), n_drawn) if return_n_drawn else form.back(rows)


@available_if(_has_posterior)
@in_kind
def sample_like(
    self: Any,
    X: ArrayLike,
    noise: float = 1.0,
    random_state: int | np.random.RandomState | None = None,
    condition: ArrayLike | None = None,
    *,
    constraint: Predicate | None = None,
    missing: bool = False,
) -> Any:
    """Draw a row like each of the given ones, as further rows to train others on.

    A code is drawn for each row, z = mean(x) + noise std(x) ε, with ε of N(0, 1), and then a
    row given that code, noise of its cells included. It holds what the columns of the
    training rows hold, as those of `sample`.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Rows.
    noise : float, default=1.0
        Factor of the standard deviation of codes. 1 draws from their posterior, 0 takes
        its mean; the larger, the less a draw is like its row.
    random_state : int, RandomState or None, default=None
        Feeds the draws. None draws a seed from the operating system.
    condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
        As in `fit`. A scalar holds for every row.
    constraint : callable, default=None
        As in `sample`.
    missing : bool, default=False
        As in `sample`.

    Returns
    -------
    X_new : ndarray or data frame of shape (n_samples, n_features)
        A row for each, in the container that `fit` saw, with the index of X.

    Raises
    ------
    ValueError
        If `noise` is negative or not finite, or as `sample`.
    """
    check_is_fitted(self)
    if isinstance(noise, bool) or not isinstance(noise, Real) or not 0 <= noise < np.inf:
        raise ValueError(f"noise={noise!r} must be a finite number of at least 0.")
    _check_asked(random_state, constraint, missing=missing)
    values, given = self._read(X, condition)
    rng = Seeds.of(random_state).numpy("sample_like")
    like = values if isinstance(values, Ragged) else None

    def codes(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        own = None if given is None else given[rows]
        return draw_codes(self._model, values[rows], own, rng, float(noise))

    asked = None, constraint, missing, ArrayForm()
    table = isinstance(X, pd.DataFrame) and self._reader.adapter.sample_shape is None
    index = X.index if table else None
    return _drawn(self, len(values), codes, given, like, rng, *asked, index, of_rows=True)[0]


def _drawn(
    self: Any,
    n: int,
    codes: Callable[[NDArray[np.intp]], NDArray[np.float64] | None],
    given: NDArray | None,
    like: Ragged | None,
    rng: np.random.Generator,
    conditions: Mapping | None,
    constraint: Predicate | None,
    missing: bool,
    form: ArrayForm,
    index: pd.Index | None = None,
    of_rows: bool = False,
) -> tuple[Any, int]:
    """Return rows that satisfy what is asked for, and how many were drawn."""
    sampler, model, adapter = self._sampler, self._model, self._reader.adapter
    container, patterns = adapter.stored(self._reader.container), sampler.missing
    empty = adapter.without_values
    cells: Cells | None = None

    def draw(place: NDArray[np.intp]) -> tuple[Any, NDArray[np.bool_]]:
        code = codes(place)
        own = None if given is None else given[place]
        sizes = None if like is None else like[place]
        rows = adapter.drawn(
            sampler.draw(model, len(place), own, rng, sizes, code, alone=of_rows), rng
        )
        width = self.n_features_in_ if patterns is not None or empty else 0
        lacks = np.zeros((len(place), width), dtype=bool)
        if missing and patterns is not None:
            lacks |= patterns.draw(code, rng)
        lacks[:, empty] = True
        if cells is not None and width:
            lacks[:, cells.features] = False
        return rows, lacks

    def wrapped(rows: Any, lacks: NDArray[np.bool_], place: NDArray[np.intp]) -> Any:
        own = None if index is None else pd.DataFrame(index=index[place])
        found = container.wrap(rows, own)
        return with_missing(found, lacks) if lacks.any() else found

    asked = {"conditions": conditions, "constraint": constraint, "missing": missing or None}
    asked = {name: value for name, value in asked.items() if value is not None}
    if like is not None and asked:
        raise ValueError(
            f"{', '.join(asked)} was given, which is for tables, but the rows differ in size; "
            "leave it out, and choose among the rows that come back."
        )
    every = np.arange(n)
    if conditions is None and constraint is None:
        return wrapped(*draw(every), every), n
    labels = getattr(self._reader.container, "labels", [])
    names = labels or list(range(self.n_features_in_))
    cells = Cells(conditions or {}, self._reader, sampler.support, model.loss, names)

    def judge(
        rows: NDArray[np.float64], lacks: NDArray[np.bool_], place: NDArray[np.intp]
    ) -> tuple[NDArray, NDArray]:
        good, distance = cells.hold(rows), cells.distance(rows)
        cells.put(rows)
        if constraint is not None and good.any():
            few = wrapped(rows[good], lacks[good], place[good])
            good[good] = _satisfied(constraint, form.back(few))
        return good, distance

    drawn, n_drawn = accepted(
        n,
        draw,
        judge,
        nearest_of=_NEAREST_OF if cells.near else 1,
        alike=given is None and not of_rows,
        asked=" and ".join(f"{name}={value!r:.60}" for name, value in asked.items()),
    )
    return wrapped(*drawn, every), n_drawn


def _check_asked(random_state: Any, constraint: Any, **flags: Any) -> None:
    """Raise if what is asked for is not of its kind."""
    check_random_state(random_state)  # which says what it has to be
    for name, flag in flags.items():
        if not isinstance(flag, bool | np.bool_):
            raise ValueError(f"{name}={flag!r:.60} must be True or False.")
    if constraint is not None and not callable(constraint):
        raise ValueError(
            f"constraint={constraint!r:.60} must be a function of rows that returns a boolean for "
            "each, such as lambda rows: rows['age'] > 40."
        )


def _satisfied(constraint: Predicate, rows: Any) -> NDArray[np.bool_]:
    """Return what a predicate says of rows; what it leaves open is not satisfied."""
    try:
        said = np.asarray(as_numpy(constraint(rows)))
    except Exception as error:
        error.add_note(f"constraint={constraint!r:.60} was called with {rows!r:.300}")
        raise
    if said.dtype == object and said.ndim == 1:
        unknown = pd.isna(said)
        if {type(answer) for answer in said[~unknown]} <= {bool, np.bool_}:
            said = np.where(unknown, False, said).astype(bool)
    if said.dtype != bool or said.shape != (len(rows),):
        example = f", with {said.ravel().tolist()[0]!r:.60} first" if said.size else ""
        raise ValueError(
            f"constraint={constraint!r:.60} returned an array of shape {said.shape} and dtype "
            f"{said.dtype}{example} for {len(rows)} rows; return one boolean for each row, as by "
            ".all(axis=1) of a comparison of several columns."
        )
    return said
