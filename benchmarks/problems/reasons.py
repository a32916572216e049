"""The cell that makes a row strange.

Half of the held-out inliers, 200 at most, get one cell of another row: its column is drawn, and the
value from the twentieth of the training rows that lies on the far side of the column's median.
``right`` is the share of the rows in which the cell that a library names first is the planted one,
over the rows that the outlier detector flags: those that it finds stranger than nine tenths of the
other half. ``right_all`` is the same over all planted rows, and ``flagged`` the share that is
flagged. Every library explains the same rows. Fits are of 1,500 rows at most.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from benchmarks import plot as pictures
from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["right", "right_all", "flagged"]
MAX_TRAIN, MAX_PLANTED = 1500, 200
# What a PCA keeps of the variance, and the share of a column that counts as its tail.
KEPT, TAIL = 0.95, 0.05
BAR = 0.85
DETECTOR = "AutoencoderOutlierDetector"
SEEDS = range(3)
# The sets of the folder that have 200 inliers or more, and in which every column has at least 30
# distinct values and none that half of the rows hold.
DATA = [
    "anomaly/Ionosphere", "anomaly/PageBlocks", "anomaly/annthyroid", "anomaly/glass",
    "anomaly/landsat", "anomaly/magic.gamma", "anomaly/pendigits", "anomaly/satellite",
    "anomaly/thyroid", "anomaly/vowels",
]  # fmt: skip
LABELS = {
    "z": "z-score",
    "pca_residual": "PCA residual",
    "whitened_pca": "whitened PCA",
    "conditional_z": "conditional z-score",
    "shap": "SHAP on IsolationForest",
    "errors": "reconstruction errors",
    "denoising": "denoising, replacement",
    "sklearn_ae": "sklearn_ae",
}
LIBRARIES = list(LABELS)
RIVALS_NAMED = ["z", "pca_residual", "whitened_pca", "shap"]


class _Explainer(NamedTuple):
    """Names a column of each row."""

    first: object


class Strangeness(Rival):
    """A number a cell, the largest of which is the reason.

    Parameters
    ----------
    of_cells : callable
        Takes training rows and a seed, and returns a function from rows to numbers of cells.
    module : str
        Module to import before the clock starts.
    distribution : str
        Where it is from.
    """

    def __init__(self, of_cells, module="sklearn.decomposition", distribution="scikit-learn"):
        self.of_cells = of_cells
        self.module = module
        self.distribution = distribution

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Explainer:
        """Fit what measures cells."""
        measure = self.of_cells(X, seed)
        return _Explainer(lambda rows: np.asarray(measure(rows)).argmax(axis=1))


class Ours(SklearnAERival):
    """An estimator of this project, by its reasons or by its reconstruction errors.

    Parameters
    ----------
    estimator : str
        Name of the class.
    method : {"explain", "reconstruction_errors"}
        What names the column.
    """

    def __init__(self, estimator: str, method: str = "explain") -> None:
        super().__init__(estimator)
        self.method = method

    def fit(self, X: np.ndarray, k: int, seed: int) -> _Explainer:
        """Fit the estimator, or take the one that has been fitted to these rows."""
        fitted = _fitted(self.estimator, seed, X.tobytes(), X.shape[1])
        if self.method == "reconstruction_errors":
            return _Explainer(lambda rows: fitted.reconstruction_errors(rows).argmax(axis=1))
        return _Explainer(lambda rows: _first(fitted.explain(rows, n_reasons=1), len(rows)))


@lru_cache(maxsize=2)
def _fitted(estimator: str, seed: int, rows: bytes, n_columns: int):
    """Fit an estimator once for all that is asked of it."""
    X = np.frombuffer(rows).reshape(-1, n_columns)
    return SklearnAERival(estimator).make(0, seed).fit(X)


def _first(reasons: pd.DataFrame, n_rows: int) -> np.ndarray:
    """Return the column that is named first, -1 where there is none."""
    column = np.full(n_rows, -1)
    column[reasons["row"]] = reasons["feature"]
    return column


def _z(X: np.ndarray, seed: int):
    return np.abs


def _pca_residual(X: np.ndarray, seed: int):
    pca = PCA(KEPT, svd_solver="full").fit(X)
    return lambda rows: (rows - pca.inverse_transform(pca.transform(rows))) ** 2


def _whitened_pca(X: np.ndarray, seed: int):
    """Turn whitened components back into columns, whose squares sum to Mahalanobis' distance."""
    variance, axes = np.linalg.eigh(LedoitWolf().fit(X).covariance_)
    back = (axes / np.sqrt(variance)) @ axes.T
    return lambda rows: ((rows - X.mean(axis=0)) @ back) ** 2


def _conditional_z(X: np.ndarray, seed: int):
    """Compare each cell with its normal distribution given the others."""
    precision = LedoitWolf().fit(X).precision_
    return lambda rows: ((rows - X.mean(axis=0)) @ precision) ** 2 / np.diag(precision)


def _shap(X: np.ndarray, seed: int):
    import shap

    explainer = shap.TreeExplainer(IsolationForest(random_state=seed).fit(X))
    return lambda rows: -explainer.shap_values(rows)  # of the depth, which is small for outliers


RIVALS = {
    "z": Strangeness(_z),
    "pca_residual": Strangeness(_pca_residual),
    "whitened_pca": Strangeness(_whitened_pca),
    "conditional_z": Strangeness(_conditional_z),
    "shap": Strangeness(_shap, "shap", "shap"),
    "errors": Ours(DETECTOR, "reconstruction_errors"),
    "denoising": Ours("DenoisingAutoencoder"),
    "sklearn_ae": Ours(DETECTOR),
}


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    return _base.cells(data_names, libraries, seeds, widths=lambda _: [0], default_seeds=SEEDS)


class Planted(NamedTuple):
    """Training rows, rows with a planted cell and its column, and which of them are flagged."""

    train: np.ndarray
    rows: np.ndarray
    column: np.ndarray
    flagged: np.ndarray


def plant(train: np.ndarray, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Put a value of the far tail into one cell of each row.

    Parameters
    ----------
    train : ndarray of shape (n_train, n_columns)
        Where the values are from.
    rows : ndarray of shape (n_rows, n_columns)
        Rows without a planted cell.
    seed : int
        Draws columns and values.

    Returns
    -------
    planted : ndarray of shape (n_rows, n_columns)
    column : ndarray of shape (n_rows,), int
        Where the planted cells are; columns that are constant in the training rows have none.
    """
    rng = np.random.default_rng(seed)
    column = rng.choice(np.flatnonzero(np.ptp(train, axis=0) > 0), len(rows))
    ordered = np.sort(train, axis=0)
    size = max(1, int(TAIL * len(train)))
    rank = rng.integers(size, size=len(rows))
    at = np.arange(len(rows))
    above = rows[at, column] > np.median(train, axis=0)[column]
    planted = rows.copy()
    planted[at, column] = ordered[np.where(above, rank, len(train) - 1 - rank), column]
    return planted, column


@lru_cache(maxsize=1)
def planted(name: str, seed: int) -> Planted:
    """Split a data set, plant cells, and flag rows by the default detector."""
    train, test = _base.split(name, seed)
    train, test = _base.standardize(train[:MAX_TRAIN], test)
    half = min(len(test) // 2, MAX_PLANTED)
    rows, column = plant(train, test[:half], seed)
    detector = _fitted(DETECTOR, seed, train.tobytes(), train.shape[1])
    threshold = np.quantile(detector.score_samples(test[half:]), 0.1)
    return Planted(train, rows, column, detector.score_samples(rows) < threshold)


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
        Seed of the rows, the split, the planted cells and the library.

    Returns
    -------
    row : dict
        Shares of right columns, and sizes.
    """
    given = planted(name, seed)
    model = problems.rival("reasons", library).fit(given.train, k, seed)
    hit = model.first(given.rows) == given.column
    return _base.sizes(given.train, given.rows) | {
        "right": round(float(hit[given.flagged].mean()), 6),
        "right_all": round(float(hit.mean()), 6),
        "flagged": round(float(given.flagged.mean()), 6),
    }


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the shares of right columns by data set, and the bars.

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
        return tables.markdown(results, "right", LIBRARIES, LABELS)
    failures, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failures])
    lines = []
    for metric, rows in (("right", "flagged rows"), ("right_all", "all planted rows")):
        table = tables.means(results, metric, LIBRARIES).droplevel("k")
        table.loc["mean"] = table.dropna().mean()
        lines += [f"{metric}: planted column named first, {rows}, mean over seeds", ""]
        lines += [tables.frame(table), ""]
        if metric == "right" and tables.OURS in table:
            lines += [*_bars(table.loc["mean"]), ""]
    lines += [tables.seeds(results, LIBRARIES)]
    return "\n".join([*lines, *failures]).rstrip()


def _bars(mean: pd.Series) -> list[str]:
    """Compare the mean with the bar and with each rival."""
    ours = mean[tables.OURS]
    lines = [f"{tables.OURS} at least {BAR}: {'clears' if ours >= BAR else 'fails'}, {ours:.3f}"]
    for name in [name for name in RIVALS_NAMED if name in mean]:
        gap = ours - mean[name]
        lines += [f"{tables.OURS} above {name}: {'clears' if gap > 0 else 'fails'}, {gap:+.3f}"]
    return lines


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the share of right columns of each library by data set.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    shown = [*RIVALS_NAMED, "conditional_z", tables.OURS]
    table = tables.means(tables.current(results), "right", shown).droplevel("k")
    pictures.dots(
        table,
        LABELS,
        path,
        xlabel="share of flagged rows in which the planted column is named first",
        reference=BAR,
        limits=(0.0, 1.0),
    )
