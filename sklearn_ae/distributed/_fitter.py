"""A fit of one worker, on its part of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_ae.autoencoders import BaseAutoencoder
from sklearn_ae.autoencoders._fitting import prepare, take, training_mode
from sklearn_ae.data import ColumnScaling, Rows, TableRows
from sklearn_ae.distributed._shards import Part, Shard
from sklearn_ae.distributed._torch_workers import TorchWorkers
from sklearn_ae.inference import DefensiveMixture, Model, state_tensors
from sklearn_ae.training import Fitted, Fitter, fit_specs

# Held-out rows that the threshold comes from.
_RANKED = 10_000


class SharedFitter(Fitter):
    """Fits a spec to rows of which each worker has a part.

    All workers hold out the rows that one process would. The start is that of the moments of
    all rows; what is not a sum over rows is the first worker's.

    Parameters
    ----------
    fitter : Fitter
        Says what is fitted.
    shard : Shard
        Where the rows of this worker are.
    workers : TorchWorkers
        The others.
    sample : Rows
        Some rows of all, the same for each worker.
    """

    def __init__(self, fitter: Fitter, shard: Shard, workers: TorchWorkers, sample: Rows) -> None:
        super().__init__(fitter.spec, fitter.config, fitter.seeds, calibrated=fitter.calibrated)
        self.shard = shard
        self.workers = workers
        held_out = self._held_out()[shard.sampled(sample.n_columns)]
        self.sample = sample.take(np.flatnonzero(~held_out))

    def folds(self, rows: Rows, n_folds: int) -> Any:
        """Yield the parts of this worker's rows that are trained on and held out."""
        mine = self._held_out()[self.shard.start :][: rows.n_rows]
        yield rows.take(np.flatnonzero(~mine)), rows.take(np.flatnonzero(mine))

    def _held_out(self) -> NDArray[np.bool_]:
        """Whether each row of the data set is held out."""
        n = self.shard.n_rows
        held_out = np.zeros(n, dtype=bool)
        order = self.seeds.numpy("split").permutation(n)
        held_out[order[: self.config.held_out_rows(n)]] = True
        return held_out

    def choose_scaling(self, rows: Rows, n_folds: int, margin: float) -> None:
        """Map columns to normal scores if rows of the sample prefer that to X's units."""
        alone = Fitter(self.spec, self.config, self.seeds)
        alone.choose_scaling(self.sample, n_folds, margin)
        self._normal_scores = self.workers.of_first(alone._normal_scores)

    def run(self, train: Rows, *given: Any, **named: Any) -> Any:
        """Make a network, the same for each worker; see `Fitter.run`."""
        model, run = super().run(train, *given, **named)
        self.workers.copy_first([*state_tensors(run.net.module_), *run.net.criterion_.parameters()])
        model.clear_cache()
        # All take equally many steps, with batches of one size.
        run.batches.limit(-int(self.workers.largest(-run.batches.n_rows)))
        return model, run

    def defensive_mixture(self, *given: Any) -> DefensiveMixture | None:
        """Return the first worker's part of the density that is not the network's."""
        return self.workers.of_first(super().defensive_mixture(*given))

    def _scalings(
        self, rows: Rows, previous: Model | None, normal_scores: bool
    ) -> tuple[ColumnScaling, ColumnScaling]:
        """Column scales of all rows; quantiles are those of the sample."""
        return super()._scalings(self.sample if normal_scores else rows, previous, normal_scores)

    def _ready(self, *given: Any) -> Any:
        """Put rows on the device; each worker has an order and noise of its own."""
        net, model, train, valid, stream, *fresh = given
        if self.workers.rank:
            stream = (*stream, "worker", self.workers.rank)
        return super()._ready(net, model, train, valid, stream, *fresh)


def fit_shard(
    estimator: BaseAutoencoder, part: Part, shard: Shard, workers: TorchWorkers
) -> BaseAutoencoder | None:
    """Fit an estimator with the other workers; the first one returns it.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Not fitted before.
    part : Part
        The rows of this worker.
    shard : Shard
        Where they are.
    workers : TorchWorkers
        The others.
    """
    part = part.kept()
    counts = workers.objects(len(part.X))
    shard = shard._replace(start=sum(counts[: workers.rank]), n_rows=sum(counts))
    shard.check(min(counts))
    mine = shard.sampled(int(np.prod(part.X.shape[1:]))) - shard.start
    some = Part.joined(workers.objects(part.take(mine[(mine >= 0) & (mine < len(part.X))])))
    fitter, sample = prepare(estimator, some.X, some.weight, None, None, some.companions)
    values = agreed(workers, lambda: estimator._reader.values(estimator, part.X))
    rows = Rows(values, sample_shape=sample.sample_shape)
    lacks = np.zeros(rows.n_features)
    lacks[rows.missing_columns] = 1.0
    rows = Rows(
        values,
        part.weight,
        sample_shape=sample.sample_shape,
        missing_columns=np.flatnonzero(workers.largest(lacks)),
        workers=workers,
        **(part.companions or {}),
    )
    shared = SharedFitter(fitter, shard, workers, sample)
    with training_mode(shared, rows):
        [fitted] = fit_specs([shared], rows)
        fitted = fitted._replace(held_out=_gathered(fitted, workers))
        if workers.rank:
            return None
        take(estimator, some.X, sample, fitter, shared.weighed(fitted))
    return estimator


def agreed(workers: TorchWorkers, read: Any) -> Any:
    """Return what a function returns, unless it fails for one of the workers."""
    found = failure = None
    try:
        found = read()
    except Exception as error:
        failure = error
    failures = [each for each in workers.objects(failure) if each is not None]
    if failures:
        raise failures[0]
    return found


def _gathered(fitted: Fitted, workers: TorchWorkers) -> tuple[tuple[Model, Rows], ...]:
    """Return networks with rows that none of the workers has fitted them to."""
    found = []
    for model, part in fitted.held_out:
        share = -(-_RANKED // workers.count)
        step = np.arange(min(share, part.n_rows)) * part.n_rows // max(1, min(share, part.n_rows))
        some = part.take(step)
        pieces = workers.objects(some.selected(some.values))
        if isinstance(pieces[0], TableRows):
            codes = np.concatenate([piece.codes for piece in pieces])
            values: Any = TableRows(codes, pieces[0].columns)
        else:
            values = np.concatenate(pieces)
        weight = None
        if part.weight is not None:
            weight = np.concatenate(workers.objects(some.weights))
        shape, missing = part.sample_shape, part.missing_columns
        found.append((model, Rows(values, weight, sample_shape=shape, missing_columns=missing)))
    return tuple(found)
