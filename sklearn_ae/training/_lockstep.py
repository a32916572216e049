"""Several networks on rows of their own, trained in lockstep."""

from __future__ import annotations

from sklearn_ae.data import Batch, ColumnScaling, Rows
from sklearn_ae.training._cycle import Cycle, Lane, run_cycle
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._recipe import Composition, Recipe
from sklearn_ae.training._schedule import OneCycle
from sklearn_ae.training._seeds import Seeds
from sklearn_ae.training._starting import set_start


def train_lanes(
    nets: list[AutoencoderNet],
    parts: list[tuple[Rows, Batch, Batch]],
    composition: Composition,
    recipe: Recipe,
    seeds: Seeds,
    scaling: ColumnScaling,
) -> Cycle:
    """Train networks from their start, each judged by rows of its own.

    Parameters
    ----------
    nets : list of AutoencoderNet
        The networks; their weights change.
    parts : list of tuple
        For each, the rows that its start is solved on, and the batches that it is trained on
        and judged by, in standard units.
    composition : Composition
        Gives start and loss.
    recipe : Recipe
        How to train; `max_iter` is a number.
    seeds : Seeds
        Feeds every draw.
    scaling : ColumnScaling
        Column scales of the rows.

    Returns
    -------
    cycle : Cycle
        The epoch that is best for all held-out parts together, with the weights there.
    """
    unit = composition.loss.unit(scaling)
    lanes = []
    for i, (net, (rows, train, valid)) in enumerate(zip(nets, parts, strict=True)):
        stream = ("fold", i)
        set_start(net.module_, None, composition, rows, (scaling, scaling), recipe, seeds, stream)
        lane = Lane(
            net,
            train.to(recipe.device),
            valid.to(recipe.device),
            unit,
            recipe.batch_rows(rows),
            seeds.torch("order", *stream),
            seeds.torch("noise", *stream, device=recipe.device),
            fresh=True,
        )
        lanes.append(lane)
    cycle = OneCycle(recipe.epochs(parts[0][0]), recipe.learning_rate_init)
    found = run_cycle(lanes, recipe, cycle)
    for net, weights in zip(nets, found.best_weights, strict=True):
        net.set_weights(weights)
        net.end()
    return found
