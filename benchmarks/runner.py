"""Run the cells of a problem that are missing, and keep the results."""

import csv
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks import data, problems

RESULTS = Path(__file__).parent / "results"
KEYS = ["problem", "data", "k", "seed", "library", "version"]
SIZES = ["n_train", "n_test", "p"]
CLOCKS = ["fit_seconds", "seconds"]
MACHINE = ["cpus", "python", "platform"]


@dataclass(frozen=True)
class Cell:
    """One fit of one library; the fields are the key of a row of the results."""

    problem: str
    data: str
    k: int
    seed: int
    library: str
    version: str


def results_path(problem: str) -> Path:
    """Return where the tracked results of a problem lie."""
    return RESULTS / f"{problem}.csv"


def columns(problem: str) -> list[str]:
    """Return the columns of the results of a problem."""
    return [*KEYS, *SIZES, *problems.get(problem).METRICS, *CLOCKS, *MACHINE, "error"]


def read(path: Path, problem: str) -> pd.DataFrame:
    """Read results, the last row of every key.

    Parameters
    ----------
    path : Path
        A results file, which may be absent.
    problem : str
        Name of the problem.

    Returns
    -------
    results : DataFrame
        ``error`` is an empty string where the cell succeeded.
    """
    if not path.exists() or path.stat().st_size == 0:
        return pd.DataFrame(columns=columns(problem))
    text = ["problem", "data", "library", "version", "error"]
    frame = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
    frame[text] = frame[text].fillna("")
    frame = frame[frame["version"] != ""].drop_duplicates(KEYS, keep="last")
    return frame.reset_index(drop=True).astype({"k": int, "seed": int})


def append(path: Path, problem: str, row: dict) -> None:
    """Append one row in one write, so that two runners may share a file.

    Parameters
    ----------
    path : Path
        A results file, written with its header where it is absent.
    problem : str
        Name of the problem.
    row : dict
        Values by column; columns left out stay empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    names = columns(problem)
    with open(path, "a+", newline="") as file:
        if file.tell() == 0:
            csv.writer(file, lineterminator="\n").writerow(names)
        else:
            file.seek(file.tell() - 1)
            if file.read(1) != "\n":
                file.write("\n")
        csv.DictWriter(file, names, lineterminator="\n").writerow(row)


def remove(path: Path, problem: str, cells: Iterable[Cell]) -> int:
    """Remove the rows of some cells and return how many there were.

    Parameters
    ----------
    path : Path
        A results file.
    problem : str
        Name of the problem.
    cells : iterable of Cell
        The cells to forget.

    Returns
    -------
    n_removed : int
    """
    results = read(path, problem)
    if results.empty:
        return 0
    keys = {tuple(asdict(cell).values()) for cell in cells}
    drop = np.array([key in keys for key in results[KEYS].itertuples(index=False, name=None)])
    if drop.any():
        temporary = path.with_suffix(".tmp")
        results[~drop].to_csv(temporary, index=False, lineterminator="\n")
        os.replace(temporary, path)
    return int(drop.sum())


def grid(
    problem: str,
    *,
    libraries: Iterable[str] | None = None,
    data_names: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
) -> tuple[list[Cell], list[str]]:
    """List the cells of a problem, the smallest data first.

    Parameters
    ----------
    problem : str
        Name of the problem.
    libraries, data_names : iterable of str, optional
        What to keep; everything by default.
    seeds : iterable of int, optional
        Seeds of every library, instead of those that the problem names.

    Returns
    -------
    cells : list of Cell
        Cells of the installed libraries.
    absent : list of str
        Libraries that are asked for and not installed.
    """
    module = problems.get(problem)
    libraries = list(module.LIBRARIES if libraries is None else libraries)
    versions = {library: problems.rival(problem, library).version for library in libraries}
    absent = [library for library in libraries if versions[library] is None]
    present = [library for library in libraries if versions[library] is not None]
    data_names = list(problems.data_names(problem) if data_names is None else data_names)
    data_names.sort(key=lambda name: (np.prod(data.shape(name)), name))
    cells = [
        Cell(problem, name, k, seed, library, versions[library])
        for name, k, seed, library in module.grid(data_names, present, seeds)
    ]
    return cells, absent


def missing(cells: Iterable[Cell], results: pd.DataFrame, *, retry: bool = False) -> list[Cell]:
    """Return the cells that have no row.

    Parameters
    ----------
    cells : iterable of Cell
        Candidates.
    results : DataFrame
        What `read` returned.
    retry : bool, default=False
        Count a cell whose row holds an error as missing.

    Returns
    -------
    cells : list of Cell
        In the order given.
    """
    if retry:
        results = results[results["error"] == ""]
    done = set(results[KEYS].itertuples(index=False, name=None))
    return [cell for cell in cells if tuple(asdict(cell).values()) not in done]


def estimate(cells: Iterable[Cell], results: pd.DataFrame) -> list[float | None]:
    """Estimate the seconds of cells from those of earlier ones.

    The estimate is the median over earlier cells of the same library and data, of any version.
    For data that the library has not seen it is the library's median per row.

    Parameters
    ----------
    cells : iterable of Cell
        What is to run.
    results : DataFrame
        What `read` returned.

    Returns
    -------
    seconds : list of float or None
        None where the library has no earlier cell.
    """
    earlier = results[results["error"] == ""]
    same = earlier.groupby(["library", "data"])["seconds"].median().to_dict()
    per_row = (
        (earlier["seconds"] / (earlier["n_train"] + earlier["n_test"]))
        .groupby(earlier["library"])
        .median()
        .to_dict()
    )
    seconds: list[float | None] = []
    for cell in cells:
        if (cell.library, cell.data) in same:
            seconds.append(same[cell.library, cell.data])
        elif cell.library in per_row:
            seconds.append(per_row[cell.library] * data.shape(cell.data)[0])
        else:
            seconds.append(None)
    return seconds


def run_cell(cell: Cell) -> dict:
    """Run one cell on the threads of its problem; a failure becomes the ``error`` of the row.

    Parameters
    ----------
    cell : Cell
        What to run.

    Returns
    -------
    row : dict
    """
    row = asdict(cell) | {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}",
        "error": "",
    }
    try:
        # Importing a library is not part of its fit.
        problems.rival(cell.problem, cell.library).load()
        threads = getattr(problems.get(cell.problem), "THREADS", 1)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)
        os.environ["OMP_NUM_THREADS"] = str(threads)  # which sklearn_ae does not exceed
        with threadpool_limits(threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.perf_counter()
            row |= problems.get(cell.problem).run(cell.library, cell.data, cell.k, cell.seed)
            row["seconds"] = round(time.perf_counter() - start, 4)
    except Exception as error:  # a row says what failed, and the other cells go on
        row["error"] = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return row


def run(
    cells: Iterable[Cell],
    path: Path,
    *,
    n_jobs: int = 1,
    callback: Callable[[dict], None] | None = None,
) -> int:
    """Run cells and append a row after each.

    Parameters
    ----------
    cells : iterable of Cell
        What to run, all of one problem.
    path : Path
        The results file.
    n_jobs : int, default=1
        Processes; each uses the threads of the problem.
    callback : callable, optional
        Called with every row once it is written.

    Returns
    -------
    n_failed : int
        How many rows hold an error.
    """
    cells = list(cells)
    if n_jobs == 1:
        rows = map(run_cell, cells)
    else:
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", inner_max_num_threads=1)
        rows = parallel(delayed(run_cell)(cell) for cell in cells)
    n_failed = 0
    for row in rows:
        append(path, row["problem"], row)
        n_failed += bool(row["error"])
        if callback is not None:
            callback(row)
    return n_failed
