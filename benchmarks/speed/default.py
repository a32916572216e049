"""The default fit of a rival against short and default fits of ours.

Data, widths, split and scaling are those of the reconstruction problem, with seed 0. Everything
runs in this process on one thread.
"""

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks import data, problems, rivals
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival
from benchmarks.runner import RESULTS
from benchmarks.speed import machine
from benchmarks.speed.cells import OURS
from benchmarks.speed.table import Table

GROUP = "default"
PATH = RESULTS / "speed_default.csv"
RIVALS = ["pyod", "hypertools"]
MAX_ITER = [0, 3, 10, 30, None]
SEED = 0
SHARE = 0.25
TABLE = Table(
    keys=["data", "k", "library", "max_iter", "version"],
    values=[
        "library_version",
        "n_train",
        "n_test",
        "p",
        "seconds",
        "r2",
        "python",
        "platform",
        "cpus",
        "error",
    ],
    text=[
        *("data", "library", "max_iter", "version", "library_version"),
        *("python", "platform", "error"),
    ],
)


def cells(data_names: Iterable[str] | None = None) -> list[tuple[str, int]]:
    """List the data sets and widths, the smallest data first.

    Parameters
    ----------
    data_names : iterable of str, optional
        Data sets; those of the reconstruction problem by default.

    Returns
    -------
    cells : list of (str, int)
    """
    found = list(problems.data_names("reconstruction") if data_names is None else data_names)
    found.sort(key=lambda name: (np.prod(data.shape(name)), name))
    return [(name, k) for name in found for k in _base.widths_below(name)]


def installed() -> tuple[list[str], list[str]]:
    """Return the rivals that are installed, and those that are not."""
    there = [name for name in RIVALS if rivals.get(name).version is not None]
    return there, [name for name in RIVALS if name not in there]


def missing(
    wanted: Iterable[tuple[str, int]], results: pd.DataFrame, of_version: str
) -> list[tuple[str, int]]:
    """Return the cells in which an installed rival, or ours, has no row.

    Parameters
    ----------
    wanted : iterable of (str, int)
        Candidates.
    results : DataFrame
        What `TABLE.read` returned.
    of_version : str
        Version of the package.

    Returns
    -------
    cells : list of (str, int)
        In the order given.
    """
    done = set(results[TABLE.keys].itertuples(index=False, name=None))
    fits = [(library, label) for library, label, _ in _fits()]
    return [cell for cell in wanted if not all((*cell, *fit, of_version) in done for fit in fits)]


def warm_up() -> None:
    """Fit every library once, so that imports and first calls are not timed."""
    X = np.random.default_rng(SEED).standard_normal((100, 4))
    for _, _, rival in _fits():
        rival.load()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rival.fit(X, 2, SEED)


def run(name: str, k: int, of_version: str) -> list[dict]:
    """Run a cell and return a row for each fit.

    Parameters
    ----------
    name : str
        Name of the data set.
    k : int
        Width of the code.
    of_version : str
        Version of the package.

    Returns
    -------
    rows : list of dict
        ``max_iter`` is "default" where the library has its own, "" for a rival.
    """
    train, test = _base.split_standardized(name, SEED)
    rows = []
    for library, label, rival in _fits():
        row = {
            "data": name,
            "k": k,
            "library": library,
            "max_iter": label,
            "version": of_version,
            "library_version": rival.version,
            "error": "",
        }
        row |= _base.sizes(train, test) | machine.describe()
        try:
            with _one_thread(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                start = time.perf_counter()
                model = rival.fit(train, k, SEED)
                row["seconds"] = round(time.perf_counter() - start, 4)
                row["r2"] = _base.pooled_r2(test, model.reconstruct(test))
        except Exception as error:  # a row says what failed, and the other fits go on
            row["error"] = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        rows.append(row)
    return rows


def compare(results: pd.DataFrame) -> pd.DataFrame:
    """Set every default fit of a rival beside the short fits of ours.

    Parameters
    ----------
    results : DataFrame
        What `TABLE.read` returned; the newest row of a fit counts.

    Returns
    -------
    table : DataFrame
        A row a data set, k and rival: ``seconds`` and ``r2`` of the rival, ``r2_ours`` the best
        of ours within a quarter of these seconds (NaN where none is), and ``clears``.
    """
    good = results[results["error"] == ""]
    good = good.drop_duplicates(["data", "k", "library", "max_iter"], keep="last")
    ours = good[good["library"] == OURS]
    rows = []
    for rival in good[good["library"] != OURS].itertuples():
        short = ours[
            (ours["data"] == rival.data)
            & (ours["k"] == rival.k)
            & (ours["seconds"] <= SHARE * rival.seconds)
        ]
        best = short["r2"].max()
        rows.append(
            {
                "data": rival.data,
                "k": rival.k,
                "library": rival.library,
                "seconds": rival.seconds,
                "r2": rival.r2,
                "r2_ours": best,
                "clears": bool(best > rival.r2),
            }
        )
    columns = ["data", "k", "library", "seconds", "r2", "r2_ours", "clears"]
    return pd.DataFrame(rows, columns=columns)


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with machine.pinned(1), threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _fits() -> list[tuple[str, str, rivals.Rival]]:
    """List the fits of a cell as (library, max_iter, adapter)."""
    found = [(name, "", rivals.get(name)) for name in installed()[0]]
    for max_iter in MAX_ITER:
        own = {} if max_iter is None else {"max_iter": max_iter}
        label = "default" if max_iter is None else str(max_iter)
        found.append((OURS, label, SklearnAERival(**own)))
    return found
