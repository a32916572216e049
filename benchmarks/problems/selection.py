"""k columns from which the others are to be rebuilt.

A library chooses columns of the training rows. ``r2`` is that of all standardised columns of
held-out rows, rebuilt from the chosen ones by a decoder that is the same for all and none that a
library chooses by: ridge regression, and extremely randomised trees on what it leaves. It is
pooled over all cells. ``nonlinear`` is 1 where ours kept the non-linear selection.

At most 1,500 rows train, and as many are held out.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV

from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base, outliers
from benchmarks.problems._selectors import SELECTORS

METRICS = ["r2", "nonlinear"]
RIVALS = SELECTORS
LIBRARIES = list(SELECTORS)
DATA = outliers.DATA
BASELINE = "linear"
SEEDS = {BASELINE: range(5), tables.OURS: range(5)}
DEFAULT_SEEDS = range(2)
MAX_ROWS = 1_500
N_TREES = 40
# By how much the mean is to be above the baseline's, and how far a cell may be below.
GAIN, SLACK = 0.005, 0.005


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is below the number of columns."""
    return _base.cells(data_names, libraries, seeds, own_seeds=SEEDS, default_seeds=DEFAULT_SEEDS)


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Number of columns.
    seed : int
        Seed of the rows, of the split, of the library and of the decoder.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the selection.
    """
    train, test = (rows[:MAX_ROWS] for rows in _base.split(name, seed))
    rival = problems.rival("selection", library)
    chosen, seconds = _base.timed(rival.fit, train, k, seed)
    row = _base.sizes(train, test) | {
        "r2": rebuilt_r2(*_base.standardize(train, test), chosen, seed),
        "fit_seconds": seconds,
    }
    if library == tables.OURS:
        row["nonlinear"] = int(rival.kept == "nonlinear")
    return row


def rebuilt_r2(train: np.ndarray, test: np.ndarray, chosen: np.ndarray, seed: int) -> float:
    """Return how well held-out rows are rebuilt from some of their columns.

    Parameters
    ----------
    train, test : ndarray of shape (n_rows, n_columns)
        Standardised rows.
    chosen : ndarray of int
        Positions of the columns.
    seed : int
        Seed of the trees.

    Returns
    -------
    r2 : float
        Chosen columns count as rebuilt exactly.
    """
    rest = np.setdiff1d(np.arange(train.shape[1]), chosen)
    x, y = train[:, chosen], train[:, rest]
    ridge = RidgeCV(alphas=[0.01, 1.0, 100.0]).fit(x, y)
    trees = ExtraTreesRegressor(N_TREES, min_samples_leaf=3, random_state=seed)
    trees.fit(x, (y - ridge.predict(x).reshape(y.shape)).squeeze())
    found = test.copy()
    known = test[:, chosen]
    shape = (len(test), len(rest))
    found[:, rest] = ridge.predict(known).reshape(shape) + trees.predict(known).reshape(shape)
    return _base.pooled_r2(test, found)


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the means, and the bars.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the means over data sets, a row a k, instead.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    means = tables.means(results, "r2", LIBRARIES)
    by_k = means.dropna().groupby("k").mean()
    if markdown:
        return tables.frame_markdown(by_k)
    lines = ["R2 of held-out rows", "", tables.frame(means), "", tables.frame(by_k), ""]
    gains = tables.gains(results, "r2", BASELINE)
    if not gains.empty:
        cells = gains.groupby(tables.CELL).mean()
        mean, least = cells.mean(), cells.min()
        verdicts = ["clears" if held else "fails" for held in (mean >= GAIN, least >= -SLACK)]
        kept = results.loc[results["library"] == tables.OURS, "nonlinear"]
        lines += [
            f"mean gain over {BASELINE}: {mean:+.4f} {verdicts[0]} {GAIN:+g}",
            f"least gain of a cell: {least:+.4f} ({tables.where(cells.idxmin())}) "
            f"{verdicts[1]} {-SLACK:+g}",
            f"cells below {-SLACK:+g}: {int((cells < -SLACK).sum())} of {len(cells)}",
            f"non-linear selection kept: {kept.mean():.0%} of {len(kept)} fits",
            "",
            *_against(results),
        ]
    return "\n".join([*lines, *failed]).rstrip()


def _against(results: pd.DataFrame) -> list[str]:
    """Say how ours compares with each library on the fits that both have."""
    lines = []
    for library in (name for name in LIBRARIES if name != tables.OURS):
        paired = tables.gains(results, "r2", library)
        if paired.empty:
            continue
        cells = paired.groupby(tables.CELL).mean()
        above, below = int((cells > SLACK).sum()), int((cells < -SLACK).sum())
        lines.append(
            f"{tables.OURS} - {library}: {cells.mean():+.4f}; above by {SLACK:g} in {above} and "
            f"below in {below} of {len(cells)} cells"
        )
    return lines


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the table is in the report."""
    raise ValueError("The problem selection has no picture; use the report.")
