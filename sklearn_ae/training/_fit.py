"""Fits the start and the network, and keeps the one that held-out rows prefer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from torch import Tensor

from sklearn_ae.data import SMALL, Rows
from sklearn_ae.inference import Model
from sklearn_ae.training._fitter import Fitted, Fitter, Selection, finished
from sklearn_ae.training._joint import TrainingResult, train_runs
from sklearn_ae.training._run import TrainingRun
from sklearn_ae.training.callbacks._schedule import OneCycle

_FOLDS = 5
# Standard errors by which the network must win: the epoch is the best of many, and errors
# of few rows have heavy tails.
_MARGIN_OUT_OF_FOLD = 2.5
_MARGIN_HOLD_OUT = 1.0


def fit_specs(fitters: list[Fitter], rows: Rows, previous: Model | None = None) -> list[Fitted]:
    """Fit compositions that differ in their draws alone, by one schedule of all networks.

    They leave the start together: where their mean loss is below that of their starts.

    Parameters
    ----------
    fitters : list of Fitter
        Each with seeds of its own. Callbacks follow the first.
    rows : Rows
        Training rows.
    previous : Model, optional
        A model whose weights are epoch 0 in place of the start.
    """
    first = fitters[0]
    config, protocol = first.config, first.protocol(rows, previous)
    if protocol == "start":
        return [
            fitter.start(rows, previous)._replace(held_out=_solved_on_parts(fitter, rows, previous))
            for fitter in fitters
        ]
    n_epochs = config.epochs(rows)
    schedule = OneCycle(n_epochs, config.learning_rate_init)
    if protocol == "fixed":
        models, runs = _on_all(fitters, rows, previous)
        found = train_runs(runs, config, schedule, n_epochs, first.watch(models[0], runs[0]))
        return _all_finished(models, runs, found, n_epochs)
    folded = protocol == "out of fold"
    n_folds, margin = (_FOLDS, _MARGIN_OUT_OF_FOLD) if folded else (1, _MARGIN_HOLD_OUT)
    if previous is None:
        for fitter in fitters:
            fitter.choose_scaling(rows, n_folds, margin)
    parts = [list(fitter.folds(rows, n_folds)) for fitter in fitters]
    models, runs = _split(
        fitter.run(train, valid, rows.n_of_all, ("fold", i) if folded else ("network",), previous)
        for fitter, own in zip(fitters, parts, strict=True)
        for i, (train, valid) in enumerate(own)
    )
    starts = [run.weights() for run in runs]
    found = train_runs(runs, config, schedule, on_epoch=first.watch(models[0], runs[0]))
    each = iter(models)
    held_out = [tuple((next(each), valid) for _, valid in own) for own in parts]
    # Networks on the same rows are no further evidence.
    if first.spec.start is not None and not found.wins(margin * len(fitters) ** 0.5):
        _go_back(runs, starts)
        _end(models, runs)
        runs.clear()  # before all rows are put on the device
        fitted = [fitter.start(rows, previous, found) for fitter in fitters]
    elif folded:
        _end(models, runs)
        runs.clear()
        models, runs = _on_all(fitters, rows, None)
        train_runs(runs, config, schedule, found.best_epoch, None, False, found.history)
        fitted = _all_finished(models, runs, found, found.best_epoch)
    else:
        if previous is None and models[0].mixture is not None:
            # It is not on trial, and can be of the held-out rows too.
            held_out = [tuple((model.copy(), valid) for model, valid in own) for own in held_out]
            for fitter, model in zip(fitters, models, strict=True):
                model.mixture = fitter.defensive_mixture(model.factory, rows, ("network",))
        fitted = _all_finished(models, runs, found, found.best_epoch)
    return [one._replace(held_out=own) for one, own in zip(fitted, held_out, strict=True)]


def splits(fitter: Fitter, rows: Rows) -> list[tuple[Rows, Rows]]:
    """Return training and held-out parts of all folds."""
    return list(fitter.folds(rows, min(_FOLDS, rows.n_rows)))


def fold_networks(fitter: Fitter, rows: Rows, fitted: Fitted) -> list[tuple[Model, Rows]]:
    """Return networks of folds, each with the rows that it was not fitted to.

    Those that selection has trained are used; otherwise each is trained as long as the one that
    was kept, or is the start if that was kept. They go on from where that one has.

    Parameters
    ----------
    fitter : Fitter
        What has been fitted.
    rows : Rows
        Training rows.
    fitted : Fitted
        What came of it.
    """
    if sum(held_out.n_rows for _, held_out in fitted.held_out) == rows.n_rows:
        return list(fitted.held_out)
    parts = splits(fitter, rows)
    before = [fitter.previous] * len(parts)
    return _trained_on_parts(fitter, rows, parts, fitted.n_epochs, before)


def tuned_folds(
    fitter: Fitter, rows: Rows, fitted: Fitted, pretrained: list[tuple[Model, Rows]]
) -> Fitted:
    """Return what was fitted with networks of folds that were trained before as it was itself.

    Parameters
    ----------
    fitter : Fitter
        What has been fitted, from weights that were trained before on all rows.
    rows : Rows
        Training rows.
    fitted : Fitted
        What came of it.
    pretrained : list of (Model, Rows)
        What was trained before on folds, or on all but one held-out part, with the rows that
        each has not seen.
    """
    if fitted.n_epochs and len(pretrained) == 1:
        return fitted  # its own held-out part is the same
    if fitted.n_epochs:
        parts = [(rows.others(held_out), held_out) for _, held_out in pretrained]
        models = [model for model, _ in pretrained]
        pretrained = _trained_on_parts(fitter, rows, parts, fitted.n_epochs, models)
    return fitted._replace(held_out=tuple(pretrained))


def fit_folds(fitter: Fitter, parts: list[tuple[Rows, Rows]]) -> tuple[list[Model], TrainingResult]:
    """Train a network on the first part of each fold, validated on the second.

    Parameters
    ----------
    fitter : Fitter
        What is fitted.
    parts : list of (Rows, Rows)
        Rows to train on and to be validated on.

    Returns
    -------
    models : list of Model
        The networks at the epoch that is best for all held-out rows together.
    found : TrainingResult
        Their losses.
    """
    models, runs = _split(
        fitter.run(rows, valid, rows.n_rows, ("fold", i)) for i, (rows, valid) in enumerate(parts)
    )
    schedule = OneCycle(fitter.config.epochs(parts[0][0]), fitter.config.learning_rate_init)
    found = train_runs(runs, fitter.config, schedule)
    _end(models, runs)
    return models, found


def _solved_on_parts(
    fitter: Fitter, rows: Rows, previous: Model | None
) -> tuple[tuple[Model, Rows], ...]:
    """Return the start of parts of the rows, each with the others, where that is asked for."""
    solved = previous is None and fitter.spec.start is not None
    asked = fitter.calibrated and fitter.config.early_stopping
    if not (solved and asked and fitter.enough(rows)):
        return ()
    n_folds = 1 if rows.n_of_all >= SMALL else _FOLDS
    return tuple(_trained_on_parts(fitter, rows, list(fitter.folds(rows, n_folds)), 0))


def _trained_on_parts(
    fitter: Fitter,
    rows: Rows,
    parts: list[tuple[Rows, Rows]],
    n_epochs: int,
    previous: Sequence[Model | None] = (),
) -> list[tuple[Model, Rows]]:
    """Train a network on the first part of each fold, and return it with the second."""
    models, runs = _split(
        fitter.run(train, None, rows.n_of_all, ("fold", i), before)
        for i, ((train, _), before) in enumerate(zip_longest(parts, previous))
    )
    if n_epochs:
        schedule = OneCycle(fitter.config.epochs(rows), fitter.config.learning_rate_init)
        train_runs(runs, fitter.config, schedule, n_epochs, watched=False)
    _end(models, runs)
    return [(model, valid) for model, (_, valid) in zip(models, parts, strict=True)]


def _on_all(
    fitters: list[Fitter], rows: Rows, previous: Model | None
) -> tuple[list[Model], list[TrainingRun]]:
    """Return what trains on all rows."""
    n_rows = rows.n_of_all
    return _split(fitter.run(rows, None, n_rows, ("network",), previous) for fitter in fitters)


def _all_finished(
    models: list[Model], runs: list[TrainingRun], found: TrainingResult, n_iter: int
) -> list[Fitted]:
    """Return the networks that were trained together."""
    selection = Selection.of("network", found)
    return [
        finished(model, run, found, selection, n_iter)
        for model, run in zip(models, runs, strict=True)
    ]


def _split(pairs: Iterable[tuple[Model, TrainingRun]]) -> tuple[list[Model], list[TrainingRun]]:
    models, runs = zip(*pairs, strict=True)
    return list(models), list(runs)


def _go_back(runs: list[TrainingRun], weights: list[list[Tensor]]) -> None:
    for run, own in zip(runs, weights, strict=True):
        run.set_weights(own)


def _end(models: list[Model], runs: list[TrainingRun]) -> None:
    for model, run in zip(models, runs, strict=True):
        run.end()
        model.clear_cache()
