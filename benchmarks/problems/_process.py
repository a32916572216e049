"""A cell in a process of its own, whose peak memory is its own."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any


def run(module: str, library: str, name: str, k: int, seed: int) -> dict:
    """Run a cell by ``python -m module LIBRARY DATA K SEED``.

    Parameters
    ----------
    module : str
        Calls `answer` where it is run.
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Width of the code.
    seed : int
        Seed of the rows and of the fit.

    Returns
    -------
    row : dict

    Raises
    ------
    RuntimeError
        With the end of what the process said, if it fails.
    """
    command = [sys.executable, "-m", module, library, name, str(k), str(seed)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-250:])
    return json.loads(done.stdout)


def answer(main: Callable[[str, str, int, int], dict[str, Any]]) -> None:
    """Print what a cell returns as a line of JSON, and nothing else.

    Parameters
    ----------
    main : callable
        Takes library, data, k and seed.
    """
    warnings.simplefilter("ignore")
    # What a library prints must not come between.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    library, name, k, seed = sys.argv[1:]
    out.write(json.dumps(main(library, name, int(k), int(seed))) + "\n")
    out.flush()
