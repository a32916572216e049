"""Seconds an epoch of fits by one and by two workers, each on one thread, by width and batch."""

import os
import statistics
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.runner import RESULTS
from benchmarks.speed import machine
from benchmarks.speed.table import Table

GROUP = "scale"
PATH = RESULTS / "workers.csv"
ROWS, COLUMNS, K, EPOCHS, SEED = 20_000, 100, 10, 4, 0
# Hidden units and rows of a batch.
SIZES, WORKERS = ((64, 1024), (256, 1024), (1024, 1024), (1024, 4096)), (0, 1, 2)
TABLE = Table(
    keys=["width", "batch_size", "workers", "version"],
    values=[
        *("n", "p", "k", "epochs"),
        # Of an epoch, the first left out; and of the whole call with the start of the workers.
        *("seconds_median", "seconds_min", "seconds_call"),
        *("start_loss", "network_loss"),
        *("load", "python", "platform", "cpus"),
    ],
    text=["version", "python", "platform"],
)


def run(of_version: str, path: Path, rerun: bool) -> int:
    """Fit by one process on the threads it takes, and by one and two workers of Ray's.

    Parameters
    ----------
    of_version : str
        Version of the package.
    path : Path
        The file of results. `load` is that of the machine before the fit; much above the number
        of workers it had other work.
    rerun : bool
        Run what has rows as well.

    Returns
    -------
    failed : int
        0; what fails is raised.
    """
    done = set() if rerun else TABLE.done(path, of_version)
    cells = [(*size, n) for size in SIZES for n in WORKERS if (*size, n) not in done]
    if not cells:
        return 0
    if find_spec("ray") is None:
        print(f"ray is not installed, and {path.name} is left out.")
        return 0
    import ray

    ray.init(
        num_cpus=max(WORKERS), include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    try:
        for cell in cells:
            TABLE.append(path, [_cell(*cell, of_version)])
    finally:
        ray.shutdown()
    return 0


def _cell(width: int, batch: int, workers: int, of_version: str) -> dict:
    from sklearn_ae import Autoencoder
    from sklearn_ae.distributed import fit

    X = _rows()
    estimator = Autoencoder(
        K,
        hidden_layer_sizes=(width, width),
        batch_size=batch,
        max_iter=EPOCHS,
        random_state=SEED,
    )
    load, start = os.getloadavg()[0], time.perf_counter()
    fitted = fit(estimator, X, num_workers=workers) if workers else estimator.fit(X)
    call = time.perf_counter() - start
    seconds = fitted.history_["seconds"].tolist()[2:]
    row = {
        "width": width,
        "batch_size": batch,
        "workers": workers,
        "version": of_version,
        "n": ROWS,
        "p": COLUMNS,
        "k": K,
        "epochs": EPOCHS,
        "seconds_median": round(statistics.median(seconds), 3),
        "seconds_min": round(min(seconds), 3),
        "seconds_call": round(call, 1),
        "start_loss": round(fitted.selection_.start_loss, 6),
        "network_loss": round(fitted.selection_.network_loss, 6),
        "load": round(load, 1),
    } | machine.describe()
    print(f"  {row}", flush=True)
    return row


def _rows() -> np.ndarray:
    """Return rows near a curved surface."""
    rng = np.random.default_rng(SEED)
    z = rng.normal(size=(ROWS, K))
    x = np.tanh(z @ rng.normal(size=(K, COLUMNS))) + z @ rng.normal(size=(K, COLUMNS)) / 5
    return (x + 0.1 * rng.normal(size=x.shape)).astype(np.float32)
