"""How long a recommender takes, and how much memory, by users and items.

A row of the results is a fit to made users in a process of its own, and ten items for each of
1,000 of them: ``peak_gib`` is its peak resident memory, data and libraries included, and
``filled`` the number of items that users have.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from benchmarks.problems import _base, _process
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["filled", "cpu_seconds", "peak_gib", "recommend_seconds"]
_NAME = "AutoencoderRecommender"
RIVALS = {
    "linear": SklearnAERival(_NAME, network_weight=0),
    "sklearn_ae": SklearnAERival(_NAME),
}
LIBRARIES = list(RIVALS)
DATA = ["users/1000x2000", "users/10000x5000", "users/100000x20000"]
THREADS = 2
# Most seconds of a fit, and most memory in GiB.
BARS = {"users/1000x2000": (10.0, 12.0), "users/100000x20000": (900.0, 12.0)}


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    return _base.cells(
        data_names, libraries, seeds, widths=lambda name: [0], default_seeds=range(1)
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
        Without a meaning here.
    seed : int
        Seed of the users and of the fit.

    Returns
    -------
    row : dict
    """
    return _process.run("benchmarks.problems._users_worker", library, name, k, seed)


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write time and memory by size, and whether the bars are met.

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
    columns = ["filled", "fit_seconds", "cpu_seconds", "peak_gib", "recommend_seconds"]
    table = done.groupby(["data", "library"])[columns].median()
    lines = [table.to_markdown() if markdown else table.to_string(), ""]
    for name, (seconds, gib) in BARS.items():
        if (name, "sklearn_ae") in table.index:
            own = table.loc[name, "sklearn_ae"]
            holds = own["fit_seconds"] <= seconds and own["peak_gib"] <= gib
            lines.append(
                f"{name} in at most {seconds:g} s and {gib:g} GiB "
                f"{'holds' if holds else 'does not hold'}: {own['fit_seconds']:.1f} s, "
                f"{own['peak_gib']:.2f} GiB."
            )
    return "\n".join(lines)


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: a few numbers need no picture."""
    raise ValueError("The problem recommendation_size has no picture; use the report.")
