"""How an autoencoder is fitted, and what it learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from sklearn_ae._compat import CallbackContext, with_callbacks
from sklearn_ae.autoencoders._composing import code_width, model_spec, training_config
from sklearn_ae.autoencoders._from_source import spooled
from sklearn_ae.autoencoders._reading import Reader
from sklearn_ae.autoencoders._threshold import (
    FRESH_SHARE,
    fresh_threshold,
    of_all_rows,
    outlier_threshold,
)
from sklearn_ae.data import ArrayForm, Ragged, Rows, rows_as_numpy
from sklearn_ae.inference import Model, Sampler, canonicalize, sample
from sklearn_ae.inspection._reasons import Replacements, typical_score
from sklearn_ae.runtime import Seeds, torch_defaults, torch_threads
from sklearn_ae.sources import RowSource
from sklearn_ae.training import (
    EXACT,
    AutoencoderNet,
    Fitted,
    Fitter,
    History,
    Selection,
    Snapshot,
    fit_specs,
    training_threads,
    tuned_folds,
)

# Cells of the training rows whose answers are looked at: what diverges does so for most rows.
_CHECKED_CELLS = 2**14
# Rows that say where a tenth of the training rows lies, where none is held out; of wide ones, for
# each of which a density draws several codes, fewer.
_MOST_RANKED, _FEWEST_RANKED, _RANKED_CELLS = 10_000, 1_000, 2**24
# Rows of a file on which codes, thresholds and what is drawn are measured, at most.
_MOST_MEASURED = 2**18

if TYPE_CHECKING:
    from sklearn_ae.autoencoders._base import BaseAutoencoder


def prepare(
    estimator: BaseAutoencoder,
    X: ArrayLike,
    *given: Any,
    reset: bool = True,
    previous: Model | None = None,
) -> tuple[Fitter, Rows]:
    """Read rows and resolve parameters for them.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Gets a reader and a seed.
    X : array-like, sparse matrix or data frame
        Rows.
    *given
        What comes with them: sample_weight, X_clean, condition and companions.
    reset : bool
        Whether these rows say how all later ones are read.
    previous : Model, optional
        A model that is to go on from where it is.

    Returns
    -------
    fitter : Fitter
        What is to be fitted.
    rows : Rows
        The rows as they were read.
    """
    estimator._validate_params()
    X, *given = map(rows_as_numpy, (X, *given))  # type: ignore[assignment]
    goes_on, index = reset and previous is not None, None
    if reset:
        estimator._entropy = Seeds.of(estimator.random_state).entropy
    if isinstance(X, RowSource):
        rows = spooled(estimator, X, *given, goes_on=goes_on)
        return _resolved(estimator, rows, None, previous), rows
    if goes_on:
        estimator._reader, index = estimator._reader.following(estimator, X)
    elif reset:
        estimator._reader = Reader(estimator, X)
    rows = estimator._reader.rows(estimator, X, *given, reset=reset, goes_on=goes_on)
    return _resolved(estimator, rows, index, previous), rows


def _resolved(
    estimator: BaseAutoencoder,
    rows: Rows,
    index: NDArray[np.intp] | None,
    previous: Model | None,
) -> Fitter:
    """Resolve parameters for rows; an index says where columns of a model were before."""
    seeds = Seeds(estimator._entropy)
    n_components = code_width(estimator, rows, seeds, previous, followed=index is not None)
    spec = model_spec(estimator, rows, n_components)
    calibrated = estimator.contamination == "auto"
    config = training_config(estimator, n_components)
    fitter = Fitter(spec, config, seeds, calibrated=calibrated)
    if previous is not None and index is not None:
        with training_mode(fitter, rows):
            previous = fitter.followed(previous, index, rows)
    fitter.previous = previous
    return fitter


def fit(estimator: BaseAutoencoder, X: ArrayLike, *given: Any) -> Any:
    """Fit to rows.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Gets the attributes that are learned.
    X : array-like, sparse matrix or data frame
        Rows.
    *given
        What comes with them: sample_weight, X_clean, condition and companions.

    Returns
    -------
    fitter : Fitter
        What was fitted.
    rows : Rows
        The rows as they were read.
    fitted : Fitted
        What came of it.
    """
    goes_on = estimator.warm_start and estimator.__sklearn_is_fitted__()
    previous = estimator._model if goes_on else None
    fitter, rows = prepare(estimator, X, *given, previous=previous)
    previous = fitter.previous
    pretrained: list[tuple[Model, Rows]] = []
    if previous is None:
        previous, pretrained = estimator._greedy(rows, fitter.config.n_components)
    n_epochs = fitter.config.epochs(rows)
    context = estimator._init_callback_context(max_subtasks=n_epochs or None)
    context.call_on_fit_task_begin(estimator=estimator, X=X, y=X)
    if hasattr(estimator, "_skl_callbacks"):
        watch(estimator, context, X, rows, fitter)
    with training_mode(fitter, rows):
        [fitted] = fit_specs([fitter], rows, previous)
        if previous is None:  # whose density may be of the held-out rows too
            fitted = fitter.weighed(fitted)
        if pretrained:
            fitted = tuned_folds(fitter, rows, fitted, pretrained)
        if goes_on and not n_epochs:
            fitted = fitted._replace(selection=Selection(estimator.selection_.kept))
        take(estimator, X, rows, fitter, fitted)
    context.call_on_fit_task_end(estimator=estimator, X=X, y=X, reconstruction_attributes=dict)
    return fitter, rows, fitted


def fit_further(estimator: BaseAutoencoder, X: ArrayLike, *given: Any) -> None:
    """Pass once over further rows; the first call begins at the start.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Its network and attributes are changed.
    X : array-like, sparse matrix or data frame
        Rows.
    *given
        What comes with them: sample_weight, X_clean, condition and companions.
    """
    previous = estimator._model if estimator.__sklearn_is_fitted__() else None
    fitter, rows = prepare(estimator, X, *given, reset=previous is None, previous=previous)
    with training_mode(fitter, rows):
        if previous is None:
            take(estimator, X, rows, fitter, fitter.start(rows), say=False)
        n_before, model = estimator._n_streamed, estimator._model
        loss = fitter.continue_stream(estimator.net_, model, rows, n_before)
    estimator._spec_used = fitter.spec
    estimator._config_used = replace(fitter.config, callbacks=())
    estimator._n_streamed += 1
    estimator.n_iter_ += 1
    estimator._history = estimator._history.extended({"train_loss": loss})
    estimator._selection = tuple(Selection("network"))
    estimator.offset_ = offset(estimator, rows, model)
    typical = typical_score(rows, estimator._score_rows)
    estimator._replacements = estimator._replacements._replace(typical=typical)
    # What was measured on the first rows is not true of all that have come since.
    before = Sampler() if previous is None else estimator._sampler
    estimator._sampler = before.streamed(model, rows)


@contextmanager
def training_mode(fitter: Fitter, rows: Rows) -> Iterator[None]:
    """Take the threads of a fit, and gradients, whatever the caller has set."""
    threads = training_threads(fitter.spec, fitter.config, rows)
    with (
        torch_threads(threads),
        torch_defaults(),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        yield


def take(
    estimator: BaseAutoencoder,
    X: ArrayLike,
    rows: Rows,
    fitter: Fitter,
    fitted: Fitted,
    say: bool = True,
) -> None:
    """Set what was learned, in the library of X, and say what was kept if `verbose` asks for it."""
    fitted.net.optimizer_.state.clear()
    estimator.__dict__.update(learned(estimator, rows, fitter, fitted), _n_streamed=0)
    ArrayForm.of(X).mark(estimator.__dict__)
    if estimator.verbose and say:
        print(f"{type(estimator).__name__}: {fitted.selection.sentence}")


def learned(
    estimator: BaseAutoencoder, rows: Rows, fitter: Fitter, fitted: Fitted
) -> dict[str, Any]:
    """Return the attributes of a fitted network, its code made canonical in place."""
    model = fitted.model
    rows = measured(estimator, rows)
    symmetry, fixed = fitter.spec.symmetry, fitter.keeps_basis
    variance = canonicalize(model, rows, symmetry, estimator.whiten, fixed)
    if fitted.n_epochs:
        check_answers(estimator, model, rows)
    return {
        "net_": fitted.net,
        "_model": model,
        "_spec_used": fitter.spec,
        "_config_used": replace(fitter.config, callbacks=()),
        "_history": fitted.history,
        "n_components_": model.factory.n_components,
        "n_iter_": fitted.n_iter,
        "_selection": tuple(fitted.selection),
        "explained_variance_ratio_": variance,
        "offset_": offset(estimator, rows, model, fitted.held_out),
        "_replacements": Replacements.fit(rows, partial(estimator._scores, model)),
        **_sampler(estimator, rows, model),
        **estimator._further_attributes(model, rows),
    }


def measured(estimator: BaseAutoencoder, rows: Rows) -> Rows:
    """Return the rows that are looked at beside training: all, but of rows in a file some."""
    return rows.thinned(_MOST_MEASURED, Seeds(estimator._entropy).numpy("measured"))


def _sampler(estimator: BaseAutoencoder, rows: Rows, model: Model) -> dict[str, Any]:
    """Return how rows are drawn, where they can be."""
    if not model.factory.latent.samples:
        return {}
    rng = Seeds(estimator._entropy).numpy("sampler")
    return {"_sampler": Sampler.fit(model, rows, estimator._prior, rng, blends=estimator._blends)}


def check_answers(estimator: BaseAutoencoder, model: Model, rows: Rows) -> None:
    """Raise if what a trained network says of training rows, or draws, is not finite."""
    few = rows.take(np.arange(min(rows.n_rows, max(1, _CHECKED_CELLS // rows.n_features))))
    values, given = few.selected(few.values), few.conditions
    like = values if isinstance(values, Ragged) else None
    with np.errstate(over="ignore", invalid="ignore"):
        code = model.encode(values, given)
        answers = [code, model.decode(code, given, like), estimator._scores(model, values, given)]
        if model.factory.latent.samples:
            drawn = sample(model, few.n_rows, given, Seeds(0).numpy("sample"), like)
            answers.append(drawn)
        finite = [
            np.isfinite((a.cells if isinstance(a, Ragged) else a).astype(values.dtype)).all()
            for a in answers
        ]
    if not all(finite):
        raise FloatingPointError(
            "The network that was trained answers training rows with numbers that are not finite; "
            "lower learning_rate_init, put a StandardScaler or RobustScaler in front, or leave "
            "early_stopping=True."
        )


def offset(
    estimator: BaseAutoencoder,
    rows: Rows,
    model: Model,
    held_out: tuple[tuple[Model, Rows], ...] = (),
) -> float:
    """Return the score below which the asked share lies: of further rows, or of these."""
    share = estimator.contamination
    if isinstance(share, str):
        share = FRESH_SHARE
        if held_out:
            _, scores = held_out_scores(estimator, held_out)
            weighted = [part.weights for _, part in held_out if part.weights is not None]
            threshold = fresh_threshold(scores, np.concatenate(weighted) if weighted else None)
            if len(scores) == rows.n_rows:
                seen = fresh_threshold(_scores(estimator, model, rows), rows.weights)
                threshold = of_all_rows(threshold, seen, len(held_out))
            if not _decided_by_rounding(model, threshold):
                return threshold
        most = min(_MOST_RANKED, max(_FEWEST_RANKED, _RANKED_CELLS // max(1, rows.n_features)))
        if rows.n_rows > most:
            drawn = Seeds(estimator._entropy).numpy("offset").permutation(rows.n_rows)
            rows = rows.take(np.sort(drawn[:most]))
    return outlier_threshold(_scores(estimator, model, rows), rows.weights, share)


def held_out_scores(
    estimator: BaseAutoencoder, held_out: tuple[tuple[Model, Rows], ...]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the positions of rows that networks have not seen, and their scores by these."""
    scores = [_scores(estimator, model, part) for model, part in held_out]
    return np.concatenate([part.positions for _, part in held_out]), np.concatenate(scores)


def _decided_by_rounding(model: Model, threshold: float) -> bool:
    """Whether rows differ, or reconstructions do from exact, by no more than rounding.

    Networks of folds then round otherwise than the one that was kept.
    """
    scaling, loss = model.target_scaling, model.loss
    exact = not loss.log_likelihood and abs(threshold) <= EXACT * loss.unit(scaling)
    return exact or not scaling.scale.any()


def _scores(estimator: BaseAutoencoder, model: Model, rows: Rows) -> NDArray[np.float64]:
    if rows.spooled:  # which come with no condition
        return np.concatenate([estimator._scores(model, rows.values[p]) for p in rows.parts()])
    return estimator._scores(model, rows.selected(rows.values), rows.conditions)


def watch(
    estimator: BaseAutoencoder, context: CallbackContext, X: ArrayLike, rows: Rows, fitter: Fitter
) -> None:
    """Call scikit-learn's callbacks after each epoch."""

    def on_epoch(net: AutoencoderNet, model: Model) -> bool:
        part = context.subcontext(task_name="epoch")
        part.call_on_fit_task_begin(estimator=estimator, X=X, y=X)
        return part.call_on_fit_task_end(
            estimator=estimator,
            X=X,
            y=X,
            reconstruction_attributes=lambda: learned(
                estimator,
                rows,
                fitter,
                Fitted(net, model.copy(), History(), 0, Selection("network")),
            ),
        )

    fitter.on_epoch = on_epoch


@contextmanager
def unchanged_on_failure(estimator: BaseAutoencoder) -> Iterator[None]:
    """Put every attribute back if the block fails."""
    before = estimator.__dict__.copy()
    net = before.get("net_")
    snapshot = None if net is None else Snapshot(net)
    try:
        yield
    except BaseException:
        state = estimator.__dict__
        kept = {k: v for k, v in state.items() if k.startswith("_callback_fit_ctx")}
        kept |= {k: v for k, v in state.items() if k == "_skl_callbacks_to_teardown"}
        state.clear()
        state.update(before, **kept)
        if snapshot is not None:
            snapshot.restore()
            estimator._model.clear_cache()
        raise


def fit_together(
    autoencoders: list[BaseAutoencoder], X: ArrayLike, sample_weight: ArrayLike | None = None
) -> tuple[Rows, list[Fitted]]:
    """Fit autoencoders that differ in `random_state` alone to the same rows, as one program.

    Those that are trained in stages, or watched by callbacks, are fitted in turn.

    Parameters
    ----------
    autoencoders : list of BaseAutoencoder
        Not fitted before.
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        As in `fit`.
    sample_weight : array-like of shape (n_samples,), optional
        As in `fit`.

    Returns
    -------
    rows : Rows
        The rows as they were read.
    found : list of Fitted
        What came of each.
    """
    if autoencoders[0]._in_stages or autoencoders[0].callbacks:
        given = sample_weight, None, None, None
        results = [with_callbacks(fit)(autoencoder, X, *given) for autoencoder in autoencoders]
        rows, found = results[0][1], [fitted for *_, fitted in results]
    else:
        fitters = []
        for autoencoder in autoencoders:
            fitter, rows = prepare(autoencoder, X, sample_weight)
            fitters.append(fitter)
        with training_mode(fitter, rows):
            found = fit_specs(fitters, rows)
            found = [fitter.weighed(one) for fitter, one in zip(fitters, found, strict=True)]
            for autoencoder, fitter, fitted in zip(autoencoders, fitters, found, strict=True):
                take(autoencoder, X, rows, fitter, fitted)
    for autoencoder in autoencoders[1:]:  # all read alike, and warn once
        autoencoder._reader = autoencoders[0]._reader
    return rows, found
