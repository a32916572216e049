"""Run the libraries of a cell side by side, and keep the results."""

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler

from benchmarks import data
from benchmarks.rivals.sklearn_ae import RIVAL as OURS_RIVAL
from benchmarks.runner import RESULTS
from benchmarks.speed import cells as grid
from benchmarks.speed import libraries, machine
from benchmarks.speed.cells import BARE, FIT, LIMIT, NORMAL, Cell
from benchmarks.speed.table import Table

ROOT = Path(__file__).resolve().parents[2]
PATH = RESULTS / "speed.csv"
LIMIT_PYTHON = ROOT / ".venv-limit" / "bin" / "python"

CELL = ["group", "task", "data", "n", "p", "hidden", "k", "batch", "epochs", "threads", "device"]
TABLE = Table(
    keys=[*CELL, "library", "version"],
    values=[
        "rounds",
        "seconds_median",
        "seconds_min",
        "seconds_spread",
        "us_per_batch",
        "ratio_limit",
        "ratio_torch",
        "peak_mib",
        "peak_per_input",
        "python",
        "platform",
        "cpus",
        "torch",
        "jax",
        "error",
    ],
    text=[
        *("group", "task", "data", "hidden", "device", "library", "version"),
        *("python", "platform", "torch", "jax", "error"),
    ],
)


@dataclass(frozen=True)
class Installed:
    """Which libraries can run here.

    Parameters
    ----------
    pythons : dict
        Interpreter by library.
    absent : list of str
        Libraries that are not installed.
    jax : str
        Version of jax, empty where it is not installed.
    """

    pythons: dict[str, str]
    absent: list[str]
    jax: str = ""


@dataclass
class _Runs:
    """What one library did in a cell."""

    seconds: list[float] = field(default_factory=list)
    peak_mib: float | None = None
    error: str = ""


class _WorkerError(Exception):
    pass


class _Worker:
    """A process that runs one library."""

    def __init__(self, library: str, python: str, threads: int, log: Path) -> None:
        self._log = log
        command = [python, "-m", "benchmarks.speed.worker", library, "--threads", str(threads)]
        with open(log, "w") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=machine.environment(threads),
            )

    def ask(self, do: str, **request: Any) -> dict:
        """Send a request and wait for its answer."""
        line = ""
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            pass
        if not line:
            said = self._log.read_text(errors="replace").strip().splitlines()
            raise _WorkerError(f"The process ended: {said[-1][:250] if said else 'no output'}")
        answer = json.loads(line)
        if "error" in answer:
            raise _WorkerError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()


def version() -> str:
    """Return the version of the package that is measured."""
    found = OURS_RIVAL.version
    if found is None:
        raise ImportError("sklearn_ae cannot be imported.")
    return found


def installed(names: Iterable[str], limit_python: str | Path | None = None) -> Installed:
    """Find the interpreter of every library.

    Parameters
    ----------
    names : iterable of str
        Libraries that are asked for.
    limit_python : str or Path, optional
        Interpreter that has jax. The default is that of ``.venv-limit`` where there is one, and
        the running one otherwise.

    Returns
    -------
    installed : Installed
    """
    pythons, absent, jax = {}, [], ""
    for name in names:
        if name == LIMIT:
            default = LIMIT_PYTHON if LIMIT_PYTHON.exists() else sys.executable
            python = str(limit_python or default)
            jax = _jax_version(python)
            there = bool(jax)
        else:
            python = sys.executable
            modules = libraries.LIBRARIES[name].modules
            there = all(importlib.util.find_spec(module.split(".")[0]) for module in modules)
        if there:
            pythons[name] = python
        else:
            absent.append(name)
    return Installed(pythons, absent, jax)


def missing(
    cells: Iterable[Cell], found: Installed, results: pd.DataFrame, of_version: str
) -> list[Cell]:
    """Return the cells in which a library has no row.

    Parameters
    ----------
    cells : iterable of Cell
        Candidates.
    found : Installed
        Who takes part.
    results : DataFrame
        What `TABLE.read` returned.
    of_version : str
        Version of the package.

    Returns
    -------
    cells : list of Cell
        In the order given.
    """
    done = set(results[TABLE.keys].itertuples(index=False, name=None))

    def has_row(cell: Cell, library: str) -> bool:
        row = key(cell, library, of_version)
        return tuple(row[name] for name in TABLE.keys) in done

    return [
        cell for cell in cells if not all(has_row(cell, name) for name in _of_task(cell, found))
    ]


def key(cell: Cell, library: str, of_version: str) -> dict[str, Any]:
    """Return the columns that name a row.

    Parameters
    ----------
    cell : Cell
        What was measured.
    library : str
        Who was measured.
    of_version : str
        Version of the package.

    Returns
    -------
    key : dict
    """
    hidden = "-".join(map(str, cell.hidden))
    return asdict(cell) | {"hidden": hidden, "library": library, "version": of_version}


def run_cell(
    cell: Cell,
    found: Installed,
    *,
    rounds: int = 5,
    patience: float = 60.0,
    of_version: str | None = None,
) -> list[dict]:
    """Run the libraries of a cell in turn, and return a row for each.

    All processes are prepared before the first round. Every other round goes backwards.

    Parameters
    ----------
    cell : Cell
        What to measure.
    found : Installed
        Who takes part.
    rounds : int, default=5
        How often each library runs.
    patience : float, default=60.0
        A library that took more seconds than this does not run again.
    of_version : str, optional
        Version of the package, read from it by default.

    Returns
    -------
    rows : list of dict
    """
    names = _of_task(cell, found)
    runs = {name: _Runs() for name in names}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows = _rows_file(cell, folder)
        workers = {}
        for name in names:
            log = folder / f"{name}.txt"
            workers[name] = _Worker(name, found.pythons[name], cell.threads, log)
            stack.callback(workers[name].close)
            # One after the other, so that warm-ups do not share the cores.
            _attempt(workers[name], runs[name], "prepare", cell=asdict(cell), data=rows)
        for number in range(rounds):
            for name in names[:: -1 if number % 2 else 1]:
                seconds = runs[name].seconds
                if runs[name].error or (seconds and seconds[-1] > patience):
                    continue
                answer = _attempt(workers[name], runs[name], "run")
                if answer:
                    seconds.append(answer["seconds"])
        for name in names:
            if not runs[name].error:
                runs[name].peak_mib = _attempt(workers[name], runs[name], "memory").get("peak_mib")
    return _rows(cell, runs, of_version or version(), found.jax)


def _of_task(cell: Cell, found: Installed) -> list[str]:
    return [
        name
        for name in grid.LIBRARIES[cell.task]
        if name in found.pythons and cell.device in libraries.LIBRARIES[name].devices
    ]


def _attempt(worker: _Worker, runs: _Runs, do: str, **request: Any) -> dict:
    try:
        return worker.ask(do, **request)
    except _WorkerError as error:
        runs.error = str(error)
        return {}


def _rows(cell: Cell, runs: dict[str, _Runs], of_version: str, jax: str) -> list[dict]:
    medians = {
        name: statistics.median(run.seconds)
        for name, run in runs.items()
        if run.seconds and not run.error
    }
    input_mib = cell.n * cell.p * 4 / 2**20
    shared = machine.describe() | {"torch": metadata.version("torch"), "jax": jax}
    rows = []
    for name, run in runs.items():
        row = key(cell, name, of_version) | shared | {"rounds": len(run.seconds)}
        row["error"] = run.error
        if name in medians:
            median = medians[name]
            row |= {
                "seconds_median": round(median, 6),
                "seconds_min": round(min(run.seconds), 6),
                "seconds_spread": round(max(run.seconds) - min(run.seconds), 6),
            }
            if cell.task == FIT:
                row["us_per_batch"] = round(1e6 * median / grid.n_batches(cell, name), 2)
            for column, other in (("ratio_limit", LIMIT), ("ratio_torch", BARE)):
                if other in medians:
                    row[column] = round(median / medians[other], 4)
            if run.peak_mib is not None:
                row["peak_mib"] = round(run.peak_mib, 2)
                row["peak_per_input"] = round(run.peak_mib / input_mib, 3)
        rows.append(row)
    return rows


def available(cell: Cell) -> bool:
    """Return whether the data and the device of a cell are here.

    Parameters
    ----------
    cell : Cell
        A cell.

    Returns
    -------
    available : bool
    """
    there = cell.device == "cpu" or torch.cuda.is_available()
    return there and (cell.data == NORMAL or data.available(cell.data))


def _rows_file(cell: Cell, folder: Path) -> str | None:
    """Write standardised rows for the workers; None where they draw their own."""
    if cell.data == NORMAL:
        return None
    # `data.load` samples rows and keeps the inliers alone; all rows are wanted here.
    X = data._archive(data._path(cell.data))["X"].astype(np.float64)
    if X.shape != (cell.n, cell.p):
        raise ValueError(f"{cell.data} has the shape {X.shape}, not {(cell.n, cell.p)}.")
    path = folder / "rows.npy"
    np.save(path, StandardScaler().fit_transform(X).astype(np.float32))
    return str(path)


def _jax_version(python: str) -> str:
    """Return the version of jax that an interpreter has, empty where it has none."""
    try:
        said = subprocess.run(
            [python, "-c", "import jax; print(jax.__version__)"],
            capture_output=True,
            text=True,
            env=machine.environment(1),
        )
    except OSError:
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""
