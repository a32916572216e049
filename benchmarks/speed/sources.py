"""Rows of a file against rows in memory: time, memory, held-out loss.

Each measurement runs in a process of its own, ``python -m benchmarks.speed.sources`` with task,
data, where, n and seed, which prints it as JSON. Memory is the most that the process has held
anonymously (RssAnon), which is what a limit of memory has to leave room for; pages of mapped files
are in `max_rss_mib` besides. It is looked at fifty times a second, and a process that holds more
than its limit in `MOST_MIB` is ended. Files are made of a seed in a temporary folder, block by
block, and deleted.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.runner import RESULTS
from benchmarks.speed import machine
from benchmarks.speed.runner import ROOT
from benchmarks.speed.table import Table

GROUP = "scale"
PATH = RESULTS / "sources.csv"
SIZES = (100_000, 1_000_000, 4_000_000, 20_000_000)
# Rows of fits in memory, the last number a tenth of the most rows in files.
SIZES_IN_MEMORY = (100_000, 1_000_000, 2_000_000)
N_COLUMNS = 50
EPOCHS = 2
SMALL = {"hidden_layer_sizes": (32,), "max_iter": 1}
# Rows of the tables by which losses are compared, and rows that they are of. Draws of networks
# differ by more than what is asked, so that the mean over many is compared.
N_TABLE, N_TEST, SEEDS = 200_000, 50_000, range(12)
TABLES = ("smooth", "heavy", "mixed", "sorted")
# Rows of a path are read into memory where they are few, as these of the tables are. Rows of a
# file stay there, and then a small share of the table is shuffled together, as of a large one.
FILE, PATH_OF_FEW, MEMORY = "file", "path", "memory"
SHUFFLED_CELLS = 2**18
MOST_MIB = {"small": 1536.0, "transform": 1024.0}
_BLOCK = 50_000
TABLE = Table(
    keys=["task", "data", "where", "n", "seed", "version"],
    values=[
        *("p", "epochs", "seconds", "cpu_seconds", "us_a_row"),
        *("anon_before_mib", "anon_peak_mib", "max_rss_mib", "held_out_loss"),
        # Mean logarithm of the losses of rows, which few rows of heavy tails do not decide.
        "log_loss",
        *("python", "platform", "cpus", "error"),
    ],
    text=["task", "data", "where", "version", "python", "platform", "error"],
)


Cell = tuple[str, str, str, int, int]


def cells() -> list[Cell]:
    """List what is measured: task, data, where the rows are, their number, and the seed."""
    many = [
        (task, "waves", where, n, 0)
        for task in ("fit", "small")
        for where, sizes in ((FILE, SIZES), (MEMORY, SIZES_IN_MEMORY))
        for n in sizes
    ]
    many += [("transform", "waves", FILE, n, 0) for n in SIZES]
    losses = [("loss", data, PATH_OF_FEW, N_TABLE, SEEDS[0]) for data in TABLES]
    losses += [
        ("loss", data, where, N_TABLE, seed)
        for seed in SEEDS
        for data in TABLES
        for where in (MEMORY, FILE)
    ]
    return [*many, *losses]


def run(of_version: str, path: Path = PATH, rerun: bool = False) -> int:
    """Measure what is missing, and return the number of failures.

    Parameters
    ----------
    of_version : str
        Version of the package.
    path : Path
        The results.
    rerun : bool
        Whether what is there is measured anew.
    """
    results = TABLE.read(path)
    own = results[results["version"] == of_version]
    there = set(own[TABLE.keys[:-1]].itertuples(index=False, name=None)) if len(own) else set()
    failed = 0
    for cell in cells():
        if cell in there and not rerun:
            continue
        row = measured(*cell, of_version)
        TABLE.append(path, [row])
        failed += bool(row["error"])
        print(f"scale: {' '.join(map(str, cell))}: {row['error'] or row['seconds']} s", flush=True)
    return failed


def measured(task: str, data: str, where: str, n: int, seed: int, of_version: str) -> dict:
    """Measure in a process of its own, and return a row of the results."""
    command = [sys.executable, "-m", "benchmarks.speed.sources", task, data, where]
    command += [str(n), str(seed)]
    # Of this process, as one that is ended deletes nothing.
    with tempfile.TemporaryDirectory(prefix="sklearn-ae-scale-") as folder:
        own = machine.environment(1) | {"TMPDIR": folder}
        done = subprocess.run(
            command, cwd=ROOT, env=own, capture_output=True, text=True, check=False
        )
    row = {"task": task, "data": data, "where": where, "n": n, "seed": seed}
    row["version"] = of_version
    row |= {"p": N_COLUMNS if data == "waves" else "", "error": "", **machine.describe()}
    if done.returncode:
        ended = f"It ended with {done.returncode}."
        return row | {"error": " ".join(done.stderr.split())[-300:] or ended}
    return row | json.loads(done.stdout.splitlines()[-1])


def main(argv: list[str]) -> int:
    """Measure here, and print what was found."""
    task, data, where, n, seed = *argv[:3], int(argv[3]), int(argv[4])
    with tempfile.TemporaryDirectory() as folder:
        tasks: dict[str, Callable[..., dict]] = {
            "fit": partial(_fit, max_iter=EPOCHS),
            "small": partial(_fit, most_mib=MOST_MIB["small"], **SMALL),
            "transform": _answer,
            "loss": _loss,
        }
        found = tasks[task](Path(folder), data, where, n, seed)
    print(json.dumps({name: round(value, 6) for name, value in found.items()}))
    return 0


def _fit(
    folder: Path,
    data: str,
    where: str,
    n: int,
    seed: int,
    most_mib: float = np.inf,
    **options: Any,
) -> dict:
    _write(folder / "rows", waves(n))
    model = _autoencoder(10, where, random_state=seed, **options)
    rows = _opened(folder / "rows", where)
    with _Watch(most_mib if where == FILE else np.inf) as watch:
        model.fit(rows)
    loss = model.selection_.network_loss
    found = {"epochs": model.n_iter_, "held_out_loss": loss}
    return watch.found | found | {"us_a_row": 1e6 * watch.cpu_seconds / n}


def _answer(folder: Path, data: str, where: str, n: int, seed: int) -> dict:
    from sklearn_ae.sources import apply_to_file

    few = pd.concat(list(waves(_BLOCK)))
    model = _autoencoder(10, where, random_state=seed, max_iter=1).fit(few)
    _write(folder / "rows", waves(n))
    with _Watch(MOST_MIB["transform"]) as watch:
        apply_to_file(model, folder / "rows", folder / "codes.parquet")
    return watch.found | {"us_a_row": 1e6 * watch.cpu_seconds / n}


def _loss(folder: Path, data: str, where: str, n: int, seed: int) -> dict:
    every = table(data, n + N_TEST)
    drawn = np.random.default_rng(1).permutation(len(every))
    train = every.iloc[np.sort(drawn[:n])]
    test = every.iloc[drawn[n:]]
    _write(folder / "rows", iter([train]))
    model = _autoencoder(4, where, SHUFFLED_CELLS, random_state=seed)
    rows = _opened(folder / "rows", where)
    with _Watch() as watch:
        model.fit(rows)
    losses = -model.score_samples(test)
    found = {
        "epochs": model.n_iter_,
        "held_out_loss": losses.mean(),
        "log_loss": np.log(losses).mean(),
    }
    return watch.found | found | {"us_a_row": 1e6 * watch.cpu_seconds / n}


def _autoencoder(
    n_components: int, where: str, shuffled_cells: int | None = None, **options: Any
) -> Any:
    from sklearn_ae import Autoencoder
    from sklearn_ae.sources import _batches, _opening

    if where == FILE:
        _opening.EXPANDED_CELLS = 0
        if shuffled_cells is not None:
            _batches._SHUFFLED_CELLS = shuffled_cells
    return Autoencoder(n_components, **options)


def _write(folder: Path, frames: Iterator[pd.DataFrame]) -> None:
    folder.mkdir()
    for i, frame in enumerate(frames):
        frame.to_parquet(folder / f"{i:05}.parquet", index=False)


def _opened(folder: Path, where: str) -> object:
    return pd.read_parquet(folder) if where == MEMORY else folder


def waves(n: int) -> Iterator[pd.DataFrame]:
    """Yield n rows of 50 columns of float32, waves of ten hidden numbers, and noise."""
    weights = np.random.default_rng(0).normal(size=(10, N_COLUMNS)).astype(np.float32)
    names = [f"x{j}" for j in range(N_COLUMNS)]
    for i, start in enumerate(range(0, n, _BLOCK)):
        rng = np.random.default_rng([1, i])
        size = min(_BLOCK, n - start)
        hidden = rng.standard_normal((size, 10), dtype=np.float32)
        noise = rng.standard_normal((size, N_COLUMNS), dtype=np.float32)
        yield pd.DataFrame(np.tanh(0.5 * hidden @ weights) + 0.1 * noise, columns=names)


def table(name: str, n: int) -> pd.DataFrame:
    """Return a table by which losses are compared.

    Parameters
    ----------
    name : {"smooth", "heavy", "mixed", "sorted"}
        Waves; with heavy tails and missing cells; with columns of all kinds; in the order of
        what the columns follow from.
    n : int
        Number of rows.
    """
    rng = np.random.default_rng(2)
    z = rng.normal(size=(n, 3))
    if name == "sorted":
        z = z[np.argsort(z[:, 0])]
    x = np.column_stack([np.sin(2 * z), z**2, np.tanh(z @ rng.normal(size=(3, 6)))])
    x += 0.1 * rng.normal(size=x.shape)
    if name == "heavy":
        x[:, :6] *= np.exp(0.7 * rng.normal(size=(n, 1)))
        x[rng.random(x.shape) < 0.05] = np.nan
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])])
    if name == "mixed":
        frame = frame.iloc[:, :6]
        frame["count"] = rng.poisson(np.exp(z[:, 0]))
        frame["flag"] = z[:, 1] > 0.5
        frame["level"] = np.array(list("abcdefgh"))[np.digitize(z[:, 2], np.linspace(-2, 2, 7))]
        frame["month"] = np.array(["north", "east", "south", None], dtype=object)[
            (z[:, 0] > 0) + 2 * (z[:, 1] > 0)
        ]
    return frame


class _Watch:
    """Seconds, seconds of the processor, and the most anonymous memory of a block of code.

    Parameters
    ----------
    most_mib : float
        The process ends if it holds more.
    """

    def __init__(self, most_mib: float = np.inf) -> None:
        self.most_mib = most_mib

    def __enter__(self) -> _Watch:
        machine.trim()
        self.before = self.peak = machine.anonymous() or 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        self._start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start[0]
        self.cpu_seconds = time.process_time() - self._start[1]
        self._done.set()
        self._thread.join()

    @property
    def found(self) -> dict[str, float]:
        """What was seen."""
        return {
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "anon_before_mib": self.before,
            "anon_peak_mib": self.peak,
            "max_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, machine.anonymous() or 0.0)
            if self.peak > self.most_mib:
                print(
                    f"The process holds {self.peak:.0f} MiB, and {self.most_mib:.0f} are allowed.",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(3)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
