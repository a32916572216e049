"""Hidden cells of tables.

A fifth of the cells is hidden: at random (MCAR, k = 0), more often the larger another column is
(MAR, k = 1), or more often the larger the cell itself is (MNAR, k = 2). Columns are standardised
by the complete table. ``rmse`` is that of hidden numbers and ``accuracy`` that of hidden
categories, in the rows of the fit; ``rmse_new`` and ``accuracy_new`` the same in a quarter of the
rows, which the fit does not see, where the library can fill them. ``coverage`` is the share of
hidden numbers within the central 90 % of a hundred draws. ``fit_seconds`` are those of filling the
rows of the fit, and ``cpu_seconds`` what the process worked meanwhile.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from benchmarks import data, problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.problems._imputers import (
    N_IMPUTATIONS,
    AutoencoderImputerRival,
    SklearnImputer,
    extra_trees,
    iterative,
    knn,
    mean,
)

METRICS = [
    "rmse",
    "accuracy",
    "rmse_new",
    "accuracy_new",
    "coverage",
    "coverage_new",
    "cpu_seconds",
]
LIBRARIES = ["mean", "knn", "iterative", "start", "sklearn_ae", "extra_trees"]
RIVALS = {
    "mean": SklearnImputer(mean),
    "knn": SklearnImputer(knn),
    "iterative": SklearnImputer(iterative),
    "extra_trees": SklearnImputer(extra_trees),
    "start": AutoencoderImputerRival(max_iter=0),
    "sklearn_ae": AutoencoderImputerRival(),
}
DATA = [
    "wine", "breast_cancer", "digits", "anomaly/cardio", "anomaly/satellite", "anomaly/magic.gamma",
    "anomaly/mammography", "anomaly/pendigits", "tables/titanic", "tables/housing",
    "tables/online_shoppers", "tables/bank",
]  # fmt: skip
MECHANISMS = ["MCAR", "MAR", "MNAR"]
SHARE = 0.2
# Rows of a set, a quarter of which the fit does not see; the slow imputers end with so many.
MAX_ROWS = 1500


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is the number of the mechanism."""
    mechanisms = range(len(MECHANISMS))
    return _base.cells(
        data_names, libraries, seeds, widths=lambda name: mechanisms, default_seeds=range(3)
    )


def hide(frame: pd.DataFrame, k: int, seed: int) -> np.ndarray:
    """Choose the cells to hide.

    Parameters
    ----------
    frame : DataFrame
        A table; its own missing values stay.
    k : int
        Number of the mechanism.
    seed : int
        Seed of the choice.

    Returns
    -------
    hidden : ndarray of bool
        Of the shape of the frame.
    """
    rng = np.random.default_rng([seed, k])
    draws = rng.random(frame.shape)
    observed = frame.notna().to_numpy()
    if k == 0:
        return (draws < SHARE) & observed
    ranks = np.column_stack([_ranks(frame[name], rng) for name in frame])
    if k == 2:
        return (draws < 2 * SHARE * ranks) & observed
    numeric = [j for j, t in enumerate(frame.dtypes) if t != "category" and observed[:, j].all()]
    varied = [j for j in numeric if frame.iloc[:, j].nunique() > 1]
    driver = rng.choice(varied)
    hidden = (draws < 2 * SHARE * ranks[:, [driver]]) & observed
    hidden[:, driver] = False
    return hidden


def _ranks(values: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """Ranks in (0, 1); the levels of a category are in random order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        order = rng.permutation(len(values.cat.categories))
        values = pd.Series(order[values.cat.codes.to_numpy()])
    return (rankdata(values, nan_policy="omit") - 0.5) / max(1, values.notna().sum())


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Number of the mechanism.
    seed : int
        Seed of the rows, the hidden cells and the library.

    Returns
    -------
    row : dict
        Errors, coverage, sizes and the seconds of the fit.
    """
    frame = _standardized(data.load_frame(name, seed, MAX_ROWS))
    hidden = hide(frame, k, seed)
    n_new = len(frame) // 4
    order = np.random.default_rng([seed, 7]).permutation(len(frame))
    parts = [np.sort(order[n_new:]), np.sort(order[:n_new])]
    train, new = (frame.iloc[part].reset_index(drop=True) for part in parts)
    hid, hid_new = (hidden[part] for part in parts)
    incomplete, incomplete_new = train.mask(hid), new.mask(hid_new)
    worked = time.process_time()
    model, seconds = _base.timed(problems.rival("imputation", library).fit, incomplete, k, seed)
    row = {"cpu_seconds": round(time.process_time() - worked, 4)}
    row |= {"n_train": len(train), "n_test": len(new), "p": train.shape[1], "fit_seconds": seconds}
    row |= _errors(model.train, train, hid)
    if model.fill is not None:
        row |= {f"{m}_new": v for m, v in _errors(model.fill(incomplete_new), new, hid_new).items()}
    if model.draws is not None:
        row["coverage"] = _coverage(model.draws(incomplete, N_IMPUTATIONS), train, hid)
        row["coverage_new"] = _coverage(model.draws(incomplete_new, N_IMPUTATIONS), new, hid_new)
    return row


def _standardized(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    for name in frame.select_dtypes("number"):
        frame[name] = (frame[name] - frame[name].mean()) / (frame[name].std(ddof=0) or 1.0)
    return frame


def _errors(filled: pd.DataFrame, truth: pd.DataFrame, hidden: np.ndarray) -> dict[str, float]:
    errors, hits = [], []
    for j, name in enumerate(truth):
        at = hidden[:, j]
        found, true = filled[name].to_numpy()[at], truth[name].to_numpy()[at]
        if isinstance(truth[name].dtype, pd.CategoricalDtype):
            hits.append(found == true)
        else:
            found = _base.finite(found, true.shape, "filled table")
            # A constant column has no standard units.
            errors.append((found - true) if truth[name].nunique() > 1 else true[:0])
    row = {"rmse": round(float(np.sqrt(np.mean(np.concatenate(errors) ** 2))), 6)}
    return row | ({"accuracy": round(float(np.concatenate(hits).mean()), 6)} if hits else {})


def _coverage(draws: list[pd.DataFrame], truth: pd.DataFrame, hidden: np.ndarray) -> float:
    inside = []
    for j, name in enumerate(truth):
        at = hidden[:, j]
        if isinstance(truth[name].dtype, pd.CategoricalDtype) or truth[name].nunique() < 2:
            continue
        found = np.stack([draw[name].to_numpy(np.float64)[at] for draw in draws])
        low, high = np.quantile(found, [0.05, 0.95], axis=0)
        true = truth[name].to_numpy()[at]
        # Values that many rows share lie on the ends of intervals, where rounding decides.
        inside.append((true >= low - 1e-9) & (true <= high + 1e-9))
    return round(float(np.concatenate(inside).mean()), 4)


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the tables and the bars that our imputer has to clear.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the compact table instead.

    Returns
    -------
    text : str
    """
    failures, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failures])
    shown = [library for library in LIBRARIES if library in set(results["library"])]
    if markdown:
        table = tables.means(results, "rmse", shown).groupby("data").mean()
        table.loc["mean rank"] = _ranked(results, "rmse", shown, True).mean()
        return tables.frame_markdown(table)
    lines = []
    for metric, lower in [("rmse", True), ("rmse_new", True), ("accuracy", False),
                          ("accuracy_new", False)]:  # fmt: skip
        table = tables.means(results, metric, shown)
        table = table.dropna(how="all").dropna(axis=1, how="all")
        if table.empty:
            continue
        ranks = _ranked(results, metric, list(table), lower)
        table.index = [f"{name} {MECHANISMS[k]}" for name, k in table.index]
        lines += [f"{metric}, mean over seeds", "", tables.frame(table), ""]
        average = ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.mean().items())
        lines += [f"mean rank over {len(ranks)} cells that all have: {average}", ""]
    lines += [*_bars(results), *tables.slowest(results, shown, 5000), tables.seeds(results, shown)]
    return "\n".join([*lines, *failures]).rstrip()


def _ranked(results: pd.DataFrame, metric: str, libraries: list[str], lower: bool) -> pd.DataFrame:
    """Ranks of the libraries other than our start, 1 being the best, in each cell."""
    libraries = [library for library in libraries if library != "start"]
    table = tables.means(results, metric, libraries).dropna()
    return table.rank(axis=1, ascending=lower)


def _bars(results: pd.DataFrame) -> list[str]:
    lines = []
    for metric in ("rmse", "rmse_new"):
        table = tables.means(results, metric, LIBRARIES)
        if not {tables.OURS, "mean", "knn"} <= set(table):
            return []
        ratio = (table[tables.OURS] / table[["mean", "knn"]].min(axis=1, skipna=False)).dropna()
        over = ratio[ratio > 1.02].sort_values(ascending=False)
        lines += [
            f"{metric} at most 2 % above the better of mean and knn: "
            f"{len(ratio) - len(over)} of {len(ratio)} cells; largest ratio {ratio.max():.3f}"
        ]
        lines += [f"  fails {_label(key)}: {value:.3f}" for key, value in over.items()]
        if "start" in table:
            above = (table[tables.OURS] / table["start"]).dropna()
            lines += [
                f"{metric} at most that of the start: {(above <= 1).sum()} of {len(above)} cells; "
                f"mean ratio {above.mean():.3f}, largest {above.max():.3f}"
            ]
    for metric in ("accuracy", "accuracy_new"):
        table = tables.means(results, metric, LIBRARIES).dropna(how="all")
        for other in ("mean", "knn"):
            pairs = table.reindex(columns=[tables.OURS, other]).dropna()
            above = pairs[tables.OURS] > pairs[other]
            lines += [f"{metric} above {other}: {above.sum()} of {len(pairs)} cells"]
            lines += [f"  fails {_label(key)}" for key in above.index[~above]]
    for metric in ("coverage", "coverage_new"):
        found = results[results["library"] == tables.OURS].groupby(tables.CELL)[metric].mean()
        found = found.dropna()
        outside = found[(found < 0.85) | (found > 0.95)]
        lines += [
            f"{metric} of 90 % intervals from 0.85 to 0.95: {len(found) - len(outside)} of "
            f"{len(found)} cells; mean {found.mean():.3f}"
        ]
        lines += [f"  fails {_label(key)}: {value:.3f}" for key, value in outside.items()]
    seconds = results.pivot_table(index=tables.FIT, columns="library", values="cpu_seconds")
    if "extra_trees" in seconds and tables.OURS in seconds:
        ratio = (seconds[tables.OURS] / seconds["extra_trees"]).dropna()
        over = ratio[ratio > 0.5].sort_values(ascending=False)
        lines += [
            f"processor seconds at most half of extra_trees: {(ratio <= 0.5).sum()} of "
            f"{len(ratio)} fits; median ratio {ratio.median():.2f}"
        ]
        lines += [
            f"  fails {_label(key)} seed={key[2]}: {value:.2f}" for key, value in over.items()
        ]
    return [*lines, ""]


def _label(key: tuple) -> str:
    return f"{key[0]} {MECHANISMS[key[1]]}"


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the report has the table."""
    raise ValueError("The problem imputation has no picture; use the report.")
