"""Sparse rows that would not fit into memory as a dense matrix, against truncated SVD.

A row of the results is a fit and a transform of all training rows in a process of its own:
``peak_gib`` is its peak resident memory, ``r2`` the share of the variance of held-out rows that
the reconstruction keeps.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from benchmarks.problems import _base, _process
from benchmarks.rivals import sklearn_ae

METRICS = ["filled", "epochs", "r2", "peak_gib", "transform_seconds"]
LIBRARIES = ["truncated_svd", "sklearn_ae_start", "sklearn_ae"]
RIVALS = {
    "sklearn_ae_start": sklearn_ae.SklearnAERival(max_iter=0),
    "sklearn_ae": sklearn_ae.SklearnAERival(),
}
DATA = ["sparse/100000x50000"]
THREADS = 2
# Most memory of a fit and a transform, in GiB.
BAR = 4.0


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library)."""
    return _base.cells(
        data_names, libraries, seeds, widths=lambda name: [16], default_seeds=range(1)
    )


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell in a process of its own.

    Parameters
    ----------
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
    """
    return _process.run("benchmarks.problems._sparse_worker", library, name, k, seed)


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write memory, time and held-out variance by library, and whether the bar is met.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write a markdown table.

    Returns
    -------
    text : str
    """
    done = results[results["error"] == ""]
    columns = ["r2", "peak_gib", "fit_seconds", "transform_seconds", "epochs"]
    table = done.groupby(["data", "k", "library"])[columns].median()
    text = table.to_markdown() if markdown else table.to_string()
    ours = done[done["library"].str.startswith("sklearn_ae")]
    if ours.empty:
        return text
    peak = ours["peak_gib"].max()
    verdict = "holds" if peak < BAR else "does not hold"
    return f"{text}\n\nFit and transform in less than {BAR:g} GiB {verdict}: {peak:.2f} GiB."


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: a few numbers need no picture."""
    raise ValueError("The problem sparse has no picture; use the report.")
