"""Fits that are killed at random moments, and go on from their checkpoints.

Each fit runs in a forked process, which is ended by SIGKILL. `equal` says whether what the second
call learned answers bit for bit as the fit that was never broken off.
"""

import os
import signal
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.runner import RESULTS
from benchmarks.speed import machine
from benchmarks.speed.table import Table

PATH = RESULTS / "checkpoints.csv"
KINDS = ("memory", "file", "folds", "images", "sequences", "detector")
KILLS = 20
TABLE = Table(
    keys=["kind", "kill", "version"],
    # Share of the seconds of the fit, whether the kill came in time, and what was kept then.
    values=["moment", "killed", "files", "equal", "python", "platform", "cpus"],
    text=["kind", "version", "python", "platform"],
)


def run(of_version: str, path: Path, rerun: bool) -> int:
    """Kill fits, and compare what comes of them.

    Parameters
    ----------
    of_version : str
        Version of the package.
    path : Path
        The file of results.
    rerun : bool
        Run what has rows as well.

    Returns
    -------
    failed : int
        Fits that did not end bit-equal.
    """
    done = set() if rerun else TABLE.done(path, of_version)
    failed = 0
    for kind in KINDS:
        wanted = [kill for kill in range(KILLS) if (kind, kill) not in done]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="sklearn-ae-kills-") as folder:
            whole, seconds = _whole(kind, Path(folder))
            for kill in wanted:
                row = _killed(kind, kill, Path(folder), whole, seconds) | machine.describe()
                TABLE.append(path, [{"kind": kind, "kill": kill, "version": of_version} | row])
                failed += not row["equal"]
                print(f"{kind} {kill}: at {row['moment']}, equal {row['equal']}", flush=True)
    return failed


def _whole(kind: str, folder: Path) -> tuple[bytes, float]:
    """Return the answers of a fit that is not killed, and its seconds with a checkpoint."""
    _wait(_forked(kind, None, folder / "whole"))
    start = time.perf_counter()
    _wait(_forked(kind, folder / "timed", folder / "timed.answers"))
    return (folder / "whole").read_bytes(), time.perf_counter() - start


def _killed(kind: str, kill: int, folder: Path, whole: bytes, seconds: float) -> dict:
    moment = np.random.default_rng([kill, KINDS.index(kind)]).random()
    kept, answers = folder / f"kept{kill}", folder / f"answers{kill}"
    process = _forked(kind, kept, answers)
    time.sleep(moment * seconds)
    os.kill(process, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(process, 0)[1])
    files = len(list(kept.glob("*.npz")))
    _wait(_forked(kind, kept, answers))
    return {
        "moment": round(moment, 3),
        "killed": int(killed),
        "files": files,
        "equal": int(answers.read_bytes() == whole),
    }


def _forked(kind: str, checkpoint: Path | None, answers: Path) -> int:
    """Fit in another process, which writes what the estimator answers; return its number."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        answers.write_bytes(_answers(kind, checkpoint))
        status = 0
    finally:
        os._exit(status)


def _wait(process: int) -> None:
    status = os.waitpid(process, 0)[1]
    if status:
        raise RuntimeError(f"The fit ended with status {status}.")


def _answers(kind: str, checkpoint: Path | None) -> bytes:
    """Return scores of the rows of fit, as bytes."""
    from sklearn.datasets import load_digits

    import sklearn_ae
    from sklearn_ae.sources import Blocks, _opening

    digits, options = load_digits(), {"random_state": 0, "checkpoint": checkpoint}
    X = asked = digits.data
    if kind == "detector":
        estimator = sklearn_ae.AutoencoderOutlierDetector(**options)
    elif kind == "images":
        estimator = sklearn_ae.ConvolutionalAutoencoder(4, max_iter=5, **options)
        X = asked = digits.images
    elif kind == "sequences":
        estimator = sklearn_ae.RecurrentAutoencoder(4, max_iter=5, **options)
        rng = np.random.default_rng(0)
        X = asked = [np.cumsum(rng.normal(size=n)) for n in rng.integers(8, 20, 300)]
    else:
        estimator = sklearn_ae.Autoencoder(8, max_iter=30, **options)
        if kind == "folds":
            X = asked = digits.data[:400]
        elif kind == "file":
            _opening.EXPANDED_CELLS = 0  # few rows are put into a file as well
            X = Blocks(lambda: iter(np.array_split(digits.data, 8)))
    return estimator.fit(X).score_samples(asked).tobytes()
