"""One library in a process of its own: JSON lines in, JSON lines out.

``python -m benchmarks.speed.worker LIBRARY --threads N`` answers ``prepare``, then any number of
``run``, then ``memory``.
"""

import argparse
import contextlib
import gc
import json
import os
import sys
import time
import warnings
from typing import Any

import numpy as np

from benchmarks.speed import libraries, machine
from benchmarks.speed.cells import ENSEMBLE, FIT, Cell

# Enough for a step to be recorded; a fit of so few rows takes milliseconds.
WARM_UP_BATCHES = 12
SEED = 0


class Worker:
    """State of the process between two requests.

    Parameters
    ----------
    library : str
        Name of the library.
    """

    def __init__(self, library: str) -> None:
        self.name = library

    def prepare(self, cell: dict, data: str | None) -> dict:
        """Import, warm up and load the data.

        Parameters
        ----------
        cell : dict
            Fields of the cell.
        data : str or None
            File of float32 rows; None draws them.

        Returns
        -------
        answer : dict
        """
        self.cell = Cell(**{**cell, "hidden": tuple(cell["hidden"])})
        self.library = libraries.LIBRARIES[self.name](self.cell)
        self.library.load()
        n_first = min(self.cell.n, WARM_UP_BATCHES * self.cell.batch)
        model = self.library.warm_up(self._rows(n_first, data))
        self.model = None if self.cell.task in (FIT, ENSEMBLE) else model
        del model
        gc.collect()
        machine.trim()
        # What the imports and the warm-up took is not memory of the task.
        self.held = machine.held()
        self.X = self._rows(self.cell.n, data)
        self.forgot = machine.forget_peak()
        return {}

    def run(self) -> dict:
        """Run the task once.

        Returns
        -------
        answer : dict
            ``seconds``.
        """
        gc.collect()
        machine.trim()  # what the allocator kept of the round before is not this one's
        task = getattr(self.library, self.cell.task)
        fits = self.cell.task in (FIT, ENSEMBLE)
        args = (self.X, self.cell.epochs) if fits else (self.model, self.X)
        start = time.perf_counter()
        result = task(*args)
        self.library.wait()
        seconds = time.perf_counter() - start
        del result
        return {"seconds": seconds}

    def memory(self) -> dict:
        """Return the peak during the runs above what the process held without the data.

        Returns
        -------
        answer : dict
            ``peak_mib``, None where the platform does not tell.
        """
        peak = machine.peak() if self.forgot else None
        return {"peak_mib": None if peak is None or self.held is None else peak - self.held}

    def _rows(self, n: int, data: str | None) -> np.ndarray:
        if data is not None:
            return np.array(np.load(data, mmap_mode="r")[:n])
        rng = np.random.default_rng(SEED)
        return rng.standard_normal((n, self.cell.p), dtype=np.float32)


def main(argv: list[str] | None = None) -> int:
    """Answer requests until the input ends.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    status : int
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.worker")
    parser.add_argument("library", choices=libraries.LIBRARIES)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker = Worker(options.library)
    with machine.pinned(options.threads):
        for line in sys.stdin:
            answers.write(json.dumps(_answer(worker, json.loads(line))) + "\n")
            answers.flush()
    return 0


def _answer(worker: Worker, request: dict[str, Any]) -> dict:
    try:
        return getattr(worker, request.pop("do"))(**request)
    except Exception as error:  # the other libraries go on
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]}


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        raise SystemExit(main())
