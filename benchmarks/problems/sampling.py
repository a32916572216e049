"""Generated rows that a classifier is to tell from held-out ones.

A library is fitted on standardised training columns and generates as many rows as were held out.
``auroc`` is that of gradient boosting that tells generated rows from held-out ones, out of fold
over five stratified folds, averaged over five draws of generated rows. 0.5 means that it cannot
tell them apart; lower is better. k is left to the library, which the results write as 0.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from benchmarks import plot as pictures
from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["auroc"]
LIBRARIES = [
    "gaussian",
    "sklearn_ae_start",
    "sklearn_ae",
    "sklearn_ae_wasserstein",
    "sklearn_ae_vector_quantized",
    "tvae",
]
RIVALS = {
    "sklearn_ae": SklearnAERival("VariationalAutoencoder"),
    "sklearn_ae_start": SklearnAERival("VariationalAutoencoder", max_iter=0),
    # The noise around reconstructions is part of a row.
    "sklearn_ae_wasserstein": SklearnAERival("WassersteinAutoencoder", loss="gaussian"),
    "sklearn_ae_vector_quantized": SklearnAERival("VectorQuantizedAutoencoder", loss="gaussian"),
}
LABELS = {
    "gaussian": "normal distribution",
    "sklearn_ae_start": "sklearn_ae, start",
    "sklearn_ae": "sklearn_ae",
    "sklearn_ae_wasserstein": "sklearn_ae, Wasserstein",
    "sklearn_ae_vector_quantized": "sklearn_ae, words",
    "tvae": "TVAE",
}
# The real sets in which every column has at least 30 distinct values; of these the ten with the
# largest median share of distinct values; the second copy of wine left out.
DATA = [
    "anomaly/glass",
    "anomaly/vowels",
    "anomaly/magic.gamma",
    "anomaly/Ionosphere",
    "anomaly/pendigits",
    "anomaly/PageBlocks",
    "anomaly/mammography",
    "breast_cancer",
    "wine",
    "tables/housing",
]
N_DRAWS = 5
N_FOLDS = 5


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
        0: the library's own width.
    seed : int
        Seed of the rows, the split, the library and the classifier.

    Returns
    -------
    row : dict
        The mean AUROC of the classifier, sizes and the seconds of the fit.
    """
    train, test = _base.split_standardized(name, seed)
    model, seconds = _base.timed(problems.rival("sampling", library).fit, train, k, seed)
    scores = []
    for draw in range(N_DRAWS):
        rows = model.sample(len(test), random_state=N_DRAWS * seed + draw)
        scores.append(distinguishability(test, _base.finite(rows, test.shape, "sample"), seed))
    return _base.sizes(train, test) | {
        "auroc": round(float(np.mean(scores)), 6),
        "fit_seconds": seconds,
    }


def distinguishability(real: np.ndarray, generated: np.ndarray, seed: int) -> float:
    """Return the AUROC of gradient boosting that tells generated rows from real ones.

    Parameters
    ----------
    real, generated : ndarray of shape (n_rows, n_columns)
        The two classes.
    seed : int
        Seed of the folds and of the classifier.

    Returns
    -------
    auroc : float
        Out of fold, over both classes.
    """
    X = np.vstack([real, generated])
    y = np.repeat([0, 1], [len(real), len(generated)])
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    classifier = HistGradientBoostingClassifier(random_state=seed)
    chances = cross_val_predict(classifier, X, y, cv=folds, method="predict_proba")
    return float(roc_auc_score(y, chances[:, 1]))


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the mean AUROC by data set, and on how many sets ours is the lowest.

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
    if markdown:
        return tables.markdown(results, "auroc", LIBRARIES, LABELS, lower=True)
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = tables.means(results, "auroc", LIBRARIES).droplevel("k")
    lines = ["auroc, mean over seeds; lower is better, 0.5 is the best", ""]
    lines += [tables.frame(table), ""]
    complete = table.dropna()
    if len(complete):
        overall = ", ".join(f"{name} {value:.3f}" for name, value in complete.mean().items())
        lines += [f"mean over the {len(complete)} sets that all have: {overall}", ""]
    for others in (["tvae"], ["gaussian"], ["tvae", "gaussian"], ["sklearn_ae_start"]):
        lines += _lower(table, others)
    lines += ["", *tables.slowest(results, LIBRARIES, 10_000)]
    return "\n".join([*lines, *failed]).rstrip()


def _lower(table: pd.DataFrame, others: list[str]) -> list[str]:
    pairs = table.reindex(columns=[tables.OURS, *others]).dropna()
    if pairs.empty:
        return []
    margins = pairs[tables.OURS] - pairs[others].min(axis=1)
    lines = [
        f"{tables.OURS} below {' and '.join(others)}: {(margins < 0).sum()} of {len(pairs)} sets, "
        f"mean difference {margins.mean():+.4f}"
    ]
    losers = margins[margins >= 0].sort_values(ascending=False)
    return lines + [f"  loses {name}: {value:+.4f}" for name, value in losers.items()]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the AUROC of each library by data set.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    table = tables.means(tables.current(results), "auroc", LIBRARIES).droplevel("k")
    pictures.dots(
        table,
        LABELS,
        path,
        xlabel="AUROC of a classifier that tells generated rows from real ones",
        reference=0.5,
        limits=(0.45, 1.0),
    )
