"""Fits the start and the network, and keeps the one that held-out rows prefer."""

from __future__ import annotations

from collections.abc import Iterable

from sklearn_ae.data import Rows
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
        return [fitter.start(rows, previous) for fitter in fitters]
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
        fitter.run(train, valid, rows.n_rows, ("fold", i) if folded else ("network",), previous)
        for fitter, own in zip(fitters, parts, strict=True)
        for i, (train, valid) in enumerate(own)
    )
    found = train_runs(runs, config, schedule, on_epoch=first.watch(models[0], runs[0]))
    # Networks on the same rows are no further evidence.
    if first.spec.start is not None and not found.wins(margin * len(fitters) ** 0.5):
        models.clear()
        while runs:  # before all rows are put on the device
            runs.pop().end()
        return [fitter.start(rows, previous, found) for fitter in fitters]
    if folded:
        _end(models, runs)
        held_out = [valid for own in parts for _, valid in own]
        of_folds = list(zip(models, held_out, strict=True)) if first.keep_folds else []
        del runs
        models, runs = _on_all(fitters, rows, None)
        train_runs(runs, config, schedule, found.best_epoch, None, False, found.history)
        refitted = _all_finished(models, runs, found, found.best_epoch)
        return [
            fitted._replace(folds=tuple(of_folds[i * n_folds : (i + 1) * n_folds]))
            for i, fitted in enumerate(refitted)
        ]
    for fitter, model in zip(fitters, models, strict=True):
        if previous is None:  # it is not on trial, and can be of the held-out rows too
            model.mixture = fitter.defensive_mixture(model.factory, rows, ("network",))
    return _all_finished(models, runs, found, found.best_epoch)


def splits(fitter: Fitter, rows: Rows) -> list[tuple[Rows, Rows]]:
    """Return training and held-out parts of all folds."""
    return list(fitter.folds(rows, min(_FOLDS, rows.n_rows)))


def fold_networks(fitter: Fitter, rows: Rows, fitted: Fitted) -> list[tuple[Model, Rows]]:
    """Return networks of folds, each with the rows that it was not fitted to.

    Those that selection has trained are used; otherwise each is trained as long as the one that
    was kept, or is the start if that was kept.

    Parameters
    ----------
    fitter : Fitter
        What has been fitted.
    rows : Rows
        Training rows.
    fitted : Fitted
        What came of it.
    """
    if fitted.folds:
        return list(fitted.folds)
    parts = splits(fitter, rows)
    models, runs = _split(
        fitter.run(train, None, rows.n_rows, ("fold", i)) for i, (train, _) in enumerate(parts)
    )
    if fitted.n_epochs:
        schedule = OneCycle(fitter.config.epochs(rows), fitter.config.learning_rate_init)
        train_runs(runs, fitter.config, schedule, fitted.n_epochs, watched=False)
    _end(models, runs)
    return [(model, valid) for model, (_, valid) in zip(models, parts, strict=True)]


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


def _on_all(
    fitters: list[Fitter], rows: Rows, previous: Model | None
) -> tuple[list[Model], list[TrainingRun]]:
    """Return what trains on all rows."""
    return _split(fitter.run(rows, None, rows.n_rows, ("network",), previous) for fitter in fitters)


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


def _end(models: list[Model], runs: list[TrainingRun]) -> None:
    for model, run in zip(models, runs, strict=True):
        run.end()
        model.clear_cache()
