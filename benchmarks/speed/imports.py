"""Seconds that a fresh process takes to import the package, and what it is built on."""

import compileall
import statistics
import subprocess
import sys
import time
from importlib import metadata

from benchmarks.speed import machine
from benchmarks.speed.cells import OURS
from benchmarks.speed.runner import CELL, ROOT

GROUP = "import"
BASE, BASE_PANDAS = "torch+skorch+sklearn", "torch+skorch+sklearn+pandas"
STATEMENTS = {
    BASE: "import torch, skorch, sklearn",
    BASE_PANDAS: "import torch, skorch, sklearn, pandas",
    OURS: "import sklearn_ae",
}


def run(of_version: str, rounds: int = 5) -> list[dict]:
    """Import in fresh processes, in turn, and return a row for each statement.

    Parameters
    ----------
    of_version : str
        Version of the package.
    rounds : int, default=5
        How often each statement runs. One more run, which is not timed, fills the file cache.
        The package is compiled, as pip does when it installs one.

    Returns
    -------
    rows : list of dict
        The seconds include the start of the interpreter.
    """
    compileall.compile_dir(ROOT / "sklearn_ae", quiet=1)
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for number in range(-1, rounds):
        for name in list(STATEMENTS)[:: -1 if number % 2 else 1]:
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", STATEMENTS[name]],
                check=True,
                cwd=ROOT,
                env=machine.environment(1),
            )
            if number >= 0:
                seconds[name].append(time.perf_counter() - start)
    shared = dict.fromkeys(CELL, 0) | {"group": GROUP, "task": GROUP, "data": "", "hidden": ""}
    shared |= machine.describe() | {
        "threads": 1,
        "device": "cpu",
        "torch": metadata.version("torch"),
        "error": "",
    }
    return [
        shared
        | {
            "library": name,
            "version": of_version,
            "rounds": rounds,
            "seconds_median": round(statistics.median(found), 4),
            "seconds_min": round(min(found), 4),
            "seconds_spread": round(max(found) - min(found), 4),
        }
        for name, found in seconds.items()
    ]
