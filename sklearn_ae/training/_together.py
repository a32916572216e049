"""Several networks on rows of their own, trained in lockstep."""

from __future__ import annotations

from sklearn_ae.data import Batch, ColumnScaling, Rows
from sklearn_ae.runtime import Seeds
from sklearn_ae.training._config import ModelSpec, TrainingConfig
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._schedule import OneCycle
from sklearn_ae.training._starting import set_start
from sklearn_ae.training._training_loop import TrainingResult, TrainingRun, train_runs


def train_together(
    nets: list[AutoencoderNet],
    parts: list[tuple[Rows, Batch, Batch]],
    spec: ModelSpec,
    config: TrainingConfig,
    seeds: Seeds,
    scaling: ColumnScaling,
) -> TrainingResult:
    """Train networks from their start, each judged by rows of its own.

    Parameters
    ----------
    nets : list of AutoencoderNet
        The networks; their weights change.
    parts : list of tuple
        For each, the rows that its start is solved on, and the batches that it is trained on
        and judged by, in standard units.
    spec : ModelSpec
        Gives start and loss.
    config : TrainingConfig
        How to train; `max_iter` is a number.
    seeds : Seeds
        Feeds every draw.
    scaling : ColumnScaling
        Column scales of the rows.

    Returns
    -------
    schedule : TrainingResult
        The epoch that is best for all held-out parts together, with the weights there.
    """
    unit = spec.loss.unit(scaling)
    runs = []
    for i, (net, (rows, train, valid)) in enumerate(zip(nets, parts, strict=True)):
        stream = ("fold", i)
        set_start(
            net.module_, net.criterion_, spec, rows, (scaling, scaling), config, seeds, stream
        )
        run = TrainingRun(
            net,
            train.to(config.device),
            valid.to(config.device),
            unit,
            config.batch_rows(rows),
            seeds.torch("order", *stream),
            seeds.torch("noise", *stream, device=config.device),
            fresh=True,
        )
        runs.append(run)
    schedule = OneCycle(config.epochs(parts[0][0]), config.learning_rate_init)
    found = train_runs(runs, config, schedule)
    for net, weights in zip(nets, found.best_weights, strict=True):
        net.set_weights(weights)
        net.end()
    return found
