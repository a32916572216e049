"""Novelties, where half of the inliers are known: the protocol of Livernoche et al. (2024).

Half of the inliers of each set are fitted, in standardised columns; the other half and all
outliers are held out. The published mean of ROC AUC over these twenty sets is `PUBLISHED` for the
fifth nearest neighbour, which runs here too. k is 0.

References
----------
Livernoche, V., Jain, V., Hezaveh, Y. and Ravanbakhsh, S. (2024). On diffusion modeling for anomaly
detection. ICLR.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base, outliers

METRICS = ["auroc", "ap"]
DATA = outliers.DATA
RIVALS = {
    name: outliers.RIVALS[name]
    for name in ("knn", "isolation_forest", "sklearn_ae", "sklearn_ae_clean")
}
LIBRARIES = list(RIVALS)
PUBLISHED = 0.877
WANTED = 0.90


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    return _base.cells(data_names, libraries, seeds, widths=lambda name: [0])


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        0.
    seed : int
        Seed of the split and of the library.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    frame, y = data.load_labelled(name, seed, np.iinfo(np.int64).max)
    X = frame.to_numpy()
    known, fresh = train_test_split(X[y == 0], test_size=0.5, random_state=seed)
    train, test = _base.standardize(known, np.concatenate([fresh, X[y == 1]]))
    strange = np.repeat([0, 1], [len(fresh), int((y == 1).sum())])
    score, seconds = _base.timed(problems.rival("novelty", library).fit, train, k, seed)
    strangeness = _base.finite(np.asarray(score(test)), (len(test),), "score")
    return _base.sizes(train, test) | {
        "auroc": round(float(roc_auc_score(strange, strangeness)), 6),
        "ap": round(float(average_precision_score(strange, strangeness)), 6),
        "fit_seconds": seconds,
    }


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write ROC AUC by data set, and the means beside the published one.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table as Markdown instead.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = results.pivot_table(index="data", columns="library", values="auroc")
    table = table[[name for name in LIBRARIES if name in table]]
    table.loc["mean"] = table.mean()
    if markdown:
        return tables.frame_markdown(table)
    lines = ["ROC AUC, mean over seeds", "", tables.frame(table), ""]
    for name in table:
        mean = table.loc["mean", name]
        verdict = "clears" if mean >= WANTED else "is below"
        lines.append(
            f"{name}: {mean:.3f} {verdict} {WANTED}; the nearest neighbours as published: "
            f"{PUBLISHED}"
        )
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw ROC AUC by data set.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    shown = ["knn", "isolation_forest", "sklearn_ae"]
    table = tables.means(tables.current(results), "auroc", shown).droplevel("k")
    pictures.dots(
        table,
        {name: name.replace("_", " ") for name in shown} | {"sklearn_ae": "sklearn_ae"},
        path,
        xlabel="ROC AUC, half of the inliers fitted",
        reference=0.5,
        limits=(0.4, 1.0),
    )
