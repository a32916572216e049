"""One implausible cell in a table as it was read, among the rows that are fitted.

A numeric column and a row with a value in it are drawn; the cell gets the column's largest value
and k times its range on top: an age of 170, where the oldest is 80 and the youngest a month, is one
range. Other columns are categories, numbers and missing values as `read_csv` gives them; of larger
tables, 2,000 rows are drawn. Each of the ten seeds is a placement of its own.

- ``rank``: share of the rows that are at least as strange, the row itself among them,
- ``named``: 1 if the reason that is named first is the cell's column.

The detector is fitted with ``novelty=False``, and its `training_scores_` count; an autoencoder
scores the rows that it was fitted to.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import data, problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["rank", "named"]
RIVALS = {
    "sklearn_ae": SklearnAERival("AutoencoderOutlierDetector", novelty=False),
    "autoencoder": SklearnAERival("Autoencoder"),
}
LIBRARIES = list(RIVALS)
DATA = ["tables/titanic", "tables/housing", "tables/online_shoppers", "tables/bank"]
MAX_ROWS = 2_000
SEEDS = range(10)
RANGES = [1, 2]
# The part of the rows among which the planted one is to be, and how often; how often it is named.
STRANGEST, FOUND, NAMED = 0.01, 0.9, 0.8


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is the number of ranges."""
    return _base.cells(data_names, libraries, seeds, widths=lambda _: RANGES, default_seeds=SEEDS)


def plant(frame: pd.DataFrame, n_ranges: int, seed: int) -> tuple[pd.DataFrame, int, str]:
    """Put an implausible value into a cell.

    Parameters
    ----------
    frame : DataFrame
        Rows.
    n_ranges : int
        How many ranges of the column the value is above the largest.
    seed : int
        Draws the column and the row.

    Returns
    -------
    planted : DataFrame
        A copy with the value.
    row : int
        Its position.
    column : str
        Its column.
    """
    rng = np.random.default_rng(seed)
    spread = frame.select_dtypes("number").agg(lambda values: values.max() - values.min())
    column = str(rng.choice(spread.index[spread > 0]))
    row = int(rng.choice(np.flatnonzero(frame[column].notna())))
    planted = frame.copy()
    planted.loc[planted.index[row], column] = frame[column].max() + n_ranges * spread[column]
    return planted, row, column


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        ``sklearn_ae`` is the detector.
    name : str
        Name of a table.
    k : int
        Number of ranges.
    seed : int
        Seed of the rows, the placement and the estimator.

    Returns
    -------
    row : dict
        Metrics, sizes and seconds.
    """
    frame, row, column = plant(data.load_labelled(name, seed, MAX_ROWS)[0], k, seed)
    model, seconds = _base.timed(problems.rival("planted", library).fit, frame, 0, seed)
    scores = _scores(model, frame)
    reasons = model.explain(frame.iloc[[row]], n_reasons=1)
    return _base.sizes(frame, frame.iloc[[row]]) | {
        "rank": round(float(np.mean(scores <= scores[row])), 6),
        "named": int(list(reasons["feature"]) == [column]),
        "fit_seconds": seconds,
    }


def _scores(model: Any, frame: pd.DataFrame) -> np.ndarray:
    own = getattr(model, "training_scores_", None)
    return np.asarray(model.score_samples(frame) if own is None else own)


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write how often the row is among the strangest and its column is named, and the bars.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the tables in Markdown, without the bars.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    results = results.assign(found=results["rank"] <= STRANGEST)
    keys = ["library", "k", "data"]
    table = results.groupby(keys)[["found", "named"]].mean().unstack("data")
    table["found", "all"], table["named", "all"] = (
        results.groupby(keys[:2])[metric].mean() for metric in ("found", "named")
    )
    table.columns = [f"{metric} {name.rpartition('/')[2]}" for metric, name in table.columns]
    if markdown:
        return tables.frame_markdown(table)
    lines = ["rows among the strangest 1 %, and columns named first", "", tables.frame(table), ""]
    ours = table.loc[tables.OURS] if tables.OURS in table.index else table.iloc[:0]
    for k, own in ours.iterrows():
        for metric, bar in (("found", FOUND), ("named", NAMED)):
            share = own[f"{metric} all"]
            verdict = "clears" if share >= bar else "fails"
            lines.append(f"ranges above the largest: {k}; {metric}: {share:.3f} {verdict} {bar}")
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the shares are in the report."""
    raise ValueError("The problem planted has no picture; use the report.")
