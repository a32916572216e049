"""Fits by several workers."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from numbers import Integral
from typing import Any, TypeVar

from numpy.typing import ArrayLike
from sklearn.base import clone

from sklearn_ae.autoencoders import BaseAutoencoder
from sklearn_ae.autoencoders._from_source import Named
from sklearn_ae.distributed._checkpoint import kept_by_train
from sklearn_ae.distributed._fitter import agreed, fit_shard
from sklearn_ae.distributed._ray import started
from sklearn_ae.distributed._shards import as_dataset, cut
from sklearn_ae.distributed._torch_workers import TorchWorkers
from sklearn_ae.latents import VectorQuantized
from sklearn_ae.sources._ray_data import RayData

Estimator = TypeVar("Estimator", bound=BaseAutoencoder)

# What all workers raise alike, and again if they are started anew.
_LASTING = (ValueError, TypeError, FloatingPointError, NotImplementedError)


def fit(
    estimator: Estimator,
    dataset: Any,
    *,
    sample_weight: str | ArrayLike | None = None,
    companions: Mapping[str, str | ArrayLike] | None = None,
    num_workers: int = 2,
    use_gpu: bool = False,
    resources_per_worker: dict[str, float] | None = None,
    max_failures: int = 2,
    storage_path: str | None = None,
    address: str | None = None,
) -> Estimator:
    """Fit a clone of an autoencoder to a data set, of which each worker has a part.

    Ray Train runs the workers. Each has the rows of its part in memory, and takes its share of
    each batch; gradients are averaged in every step, so that all have the same network. The start
    comes from the moments of all rows, and the rows that are held out are those that `fit`
    would hold out. What is no sum over rows comes from a sample of 100,000 of them in even
    steps: levels and limits of columns, the canonical basis of codes, deciles and densities of
    codes, and the threshold from 10,000 held-out rows.

    Parameters
    ----------
    estimator : BaseAutoencoder
        An autoencoder. It is not changed.
    dataset : ray.data.Dataset, ndarray or data frame of shape (n_samples, ...)
        Rows, 1,000 at least: columns as of a data frame, or one column of arrays, which are rows
        of an array.
    sample_weight : str or array-like of shape (n_samples,), default=None
        Non-negative weights, or the name of the column that holds them. Rows of weight zero are
        left out.
    companions : mapping of str to str or array-like of shape (n_samples, ...), default=None
        What penalties read beside the rows, or the columns that hold it, by name.
    num_workers : int, default=2
        Number of processes. The result depends on it by rounding and the draws of each, and is
        the same each time for the same number.
    use_gpu : bool, default=False
        Give each worker a GPU, whatever `device` says.
    resources_per_worker : dict, default=None
        What else each worker takes, such as ``{"CPU": 4}``; by default one CPU, and so one thread.
    max_failures : int, default=2
        How many times the fit goes on where a worker has died, from the last epoch that was whole.
    storage_path : str, default=None
        Where Ray Train keeps epochs, and notes what it does. None takes a temporary folder;
        several machines need one that all of them reach.
    address : str, default=None
        A Ray cluster to connect to, if there is no connection yet. None takes the one that the
        environment names, and otherwise starts Ray on this machine.

    Returns
    -------
    fitted : BaseAutoencoder
        The fitted clone, which needs no Ray.

    Raises
    ------
    TypeError
        If the estimator or the data set is of a kind that cannot be fitted so.
    ValueError
        If the rows or a parameter are out of their domain.
    ConnectionError
        If no Ray cluster answers.

    Examples
    --------
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.distributed import fit
    >>> fit(Autoencoder(2), dataset, num_workers=8)  # doctest: +SKIP
    Autoencoder(n_components=2)
    """
    check_estimator(estimator)
    for name, value, least in (("num_workers", num_workers, 1), ("max_failures", max_failures, 0)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name}={value!r} must be an integer of at least {least}.")
    started(address)
    rows = as_dataset(dataset)
    shards = cut(rows, num_workers)
    shards[0].check(1)
    _check_resources(num_workers, use_gpu, resources_per_worker)
    config = {
        "estimator": clone(estimator),
        "shards": shards,
        "named": Named(RayData(rows), sample_weight, companions),
        "use_gpu": use_gpu,
    }
    folder = tempfile.TemporaryDirectory() if storage_path is None else nullcontext(storage_path)
    with folder as path:
        found = _trained(config, num_workers, use_gpu, resources_per_worker, max_failures, path)
    if isinstance(found, Exception):
        raise found
    return found


def check_estimator(estimator: Any) -> None:
    """Raise if an estimator cannot be fitted by several workers."""
    name = type(estimator).__name__
    if not isinstance(estimator, BaseAutoencoder):
        raise TypeError(
            f"estimator is a {name}, and several workers fit autoencoders alone; fit it on a "
            "sample in memory, such as dataset.random_sample(0.1).to_pandas(), and hand it to "
            'transform or score_samples; or let joblib.parallel_config("ray") spread a search.'
        )
    if estimator._in_stages:
        raise TypeError(
            f"{name} trains its layers one after the other, which one process does; use an "
            "Autoencoder with the same hidden_layer_sizes."
        )
    if isinstance(estimator.latent, VectorQuantized) or hasattr(estimator, "n_codewords"):
        raise TypeError(
            f"{name} moves its codewords by the rows of one process; fit it on a sample in memory."
        )
    for parameter in ("callbacks", "optimizer"):
        value = getattr(estimator, parameter)
        if value:
            raise TypeError(
                f"{parameter}={value!r:.60} acts on the batches of one process; set "
                f"{parameter}=None."
            )
    if estimator.checkpoint is not None:
        raise TypeError(
            f"checkpoint={str(estimator.checkpoint)!r} is a folder of one process; set "
            "checkpoint=None: Ray Train keeps epochs in storage_path."
        )
    if estimator.warm_start and estimator.__sklearn_is_fitted__():
        raise TypeError(
            "warm_start=True would go on from the weights of estimator, and a clone of it is "
            "fitted; set warm_start=False."
        )


def _check_resources(num_workers: int, use_gpu: bool, asked: dict[str, float] | None) -> None:
    """Raise if the one machine there is will never have what workers take."""
    import ray

    each = {"CPU": 1.0, **({"GPU": 1.0} if use_gpu else {}), **(asked or {})}
    if len(ray.nodes()) > 1:  # further ones may come
        return
    have = ray.cluster_resources()
    for name, amount in each.items():
        if amount * num_workers > have.get(name, 0.0):
            raise ValueError(
                f"num_workers={num_workers} take {amount * num_workers:g} {name}, and Ray has "
                f"{have.get(name, 0.0):g} on this machine; use fewer workers, or start Ray with "
                f"more, ray.init(num_{name.lower()}s=...)."
            )


def _trained(
    config: dict[str, Any],
    num_workers: int,
    use_gpu: bool,
    resources: dict[str, float] | None,
    max_failures: int,
    path: str,
) -> Any:
    """Let Ray Train run the workers; return what the first one found."""
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    trainer = TorchTrainer(
        _work,
        train_loop_config=config,
        scaling_config=ScalingConfig(
            num_workers=num_workers, use_gpu=use_gpu, resources_per_worker=resources
        ),
        run_config=RunConfig(
            storage_path=path,
            failure_config=FailureConfig(max_failures=max_failures),
            checkpoint_config=CheckpointConfig(num_to_keep=1),
        ),
    )
    return pickle.loads(trainer.fit().return_value)


def _work(config: dict[str, Any]) -> bytes:
    """Fit by one worker; return the estimator, or what is wrong with it or the rows."""
    from ray import cloudpickle
    from ray.train.torch import get_device

    workers = TorchWorkers()
    estimator, shard = config["estimator"], config["shards"][workers.rank]
    device = estimator.device
    found: Any
    try:
        estimator.device = str(get_device()) if config["use_gpu"] else device
        part = agreed(workers, lambda: shard.part(config["named"]))
        with kept_by_train(workers):
            found = fit_shard(estimator, part, shard, workers)
    except _LASTING as error:
        found = error
    if isinstance(found, BaseAutoencoder):
        found.device = device
    # By value where a class is of the main program, or of no module here.
    return cloudpickle.dumps(found)
