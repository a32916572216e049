"""Outliers, in clean and in contaminated data.

Of 5,000 rows at most, 70 % are fitted: of the inliers (``clean``, all outliers are held out), or of
all rows (``contaminated``). The columns are standardised by the training rows, and cut at 20
standard deviations. ``auroc`` and ``ap`` are of the outliers among the held-out rows. Ten of the
twenty sets, every second one by name, are those that choices were made on; the report has the
others apart. k is 0.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

PROTOCOLS = ["clean", "contaminated"]
METRICS = [f"{metric}_{protocol}" for metric in ("auroc", "ap") for protocol in PROTOCOLS]
SEEDS = range(3)
MAX_ROWS = 5000
FARTHEST = 20
NAMES = [
    "Ionosphere", "PageBlocks", "WBC", "annthyroid", "breastw", "cardio", "fault", "glass",
    "landsat", "magic.gamma", "mammography", "mnist", "optdigits", "pendigits", "satellite",
    "shuttle", "thyroid", "vowels", "wine", "yeast",
]  # fmt: skip
DATA = [f"anomaly/{name}" for name in NAMES]
CHOSEN_ON = DATA[::2]
OURS = "sklearn_ae"


class Detector(Rival):
    """A detector of a library, by the score of new rows in which higher is stranger.

    Parameters
    ----------
    distribution, module, name : str
        Where it is from.
    score : {"decision_function", "score_samples"}
        What it is asked for. Scikit-learn's is higher for normal rows.
    seeded : bool
        Whether it takes `random_state`.
    sized : bool
        Whether it takes `n_features`.
    **parameters
        Parameters besides its defaults.
    """

    def __init__(
        self,
        distribution,
        module,
        name,
        score="score_samples",
        seeded=True,
        sized=False,
        **parameters,
    ):
        self.distribution, self.module, self.name = distribution, module, name
        self.score, self.seeded, self.sized = score, seeded, sized
        self.parameters = parameters

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit the detector, and return a function of rows."""
        given = {"random_state": seed} if self.seeded else {}
        given |= {"n_features": X.shape[1]} if self.sized else {}
        made = getattr(self.load(), self.name)(**given, **self.parameters).fit(X)
        sign = -1 if self.score == "score_samples" else 1
        return lambda rows: sign * getattr(made, self.score)(rows)


class Distance(Rival):
    """The distance to the fifth of the nearest training rows, or Mahalanobis' by MCD."""

    distribution = "scikit-learn"

    def __init__(self, module: str) -> None:
        self.module = module

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return a function of rows."""
        if self.module == "sklearn.neighbors":
            found = self.load().NearestNeighbors(n_neighbors=min(5, len(X))).fit(X)
            return lambda rows: found.kneighbors(rows)[0][:, -1]
        return self.load().MinCovDet(random_state=seed).fit(X).mahalanobis


class Ours(SklearnAERival):
    """The detector of this project, or what is left of it without a part.

    Parameters
    ----------
    without : {"activation", "networks", "absolute"}, optional
        The part that is left out.
    **parameters
        Parameters besides its defaults.
    """

    def __init__(self, without: str | None = None, **parameters) -> None:
        super().__init__("AutoencoderOutlierDetector", **parameters)
        self.without = without

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit the detector, and return a function of rows."""
        with self._ablated():
            made = self.make(0, seed).fit(X)
        return partial(self._score, made)

    def _score(self, made, rows: np.ndarray) -> np.ndarray:
        with self._ablated():
            return -made.score_samples(rows)

    @contextlib.contextmanager
    def _ablated(self) -> Iterator[None]:
        room = "sklearn_ae.applications._outlier_detection"
        recipe, networks, nearest = (
            importlib.import_module(f"{room}.{name}")
            for name in ("_recipe", "_networks", "_nearest")
        )
        with contextlib.ExitStack() as stack:
            set_to = lambda *pair: stack.enter_context(mock.patch.object(*pair))  # noqa: E731
            if self.without == "activation":
                set_to(networks, "activate", lambda x: x)
                set_to(networks, "slope", lambda x: 1.0)
            elif self.without == "networks":
                alone = {k: m._replace(networks=0.0) for k, m in recipe.MIXTURES.items()}
                set_to(recipe, "MIXTURES", alone)
            elif self.without == "absolute":
                set_to(nearest, "_NORM", 2.0)
            yield


def _pyod(module: str, name: str, seeded: bool = False, **parameters) -> Detector:
    path = f"pyod.models.{module}"
    return Detector("pyod", path, name, "decision_function", seeded, **parameters)


RIVALS = {
    "knn": Distance("sklearn.neighbors"),
    "isolation_forest": Detector("scikit-learn", "sklearn.ensemble", "IsolationForest"),
    "mcd": Distance("sklearn.covariance"),
    "lof": Detector(
        "scikit-learn", "sklearn.neighbors", "LocalOutlierFactor", seeded=False, novelty=True
    ),
    "one_class_svm": Detector("scikit-learn", "sklearn.svm", "OneClassSVM", seeded=False),
    "pyod_iforest": _pyod("iforest", "IForest", seeded=True),
    "pyod_ecod": _pyod("ecod", "ECOD"),
    "pyod_copod": _pyod("copod", "COPOD"),
    "pyod_hbos": _pyod("hbos", "HBOS"),
    "pyod_pca": _pyod("pca", "PCA", seeded=True),
    "pyod_knn": _pyod("knn", "KNN"),
    "pyod_lof": _pyod("lof", "LOF"),
    "pyod_cblof": _pyod("cblof", "CBLOF", seeded=True),
    "pyod_mcd": _pyod("mcd", "MCD", seeded=True),
    "sklearn_ae": Ours(),
    "sklearn_ae_clean": Ours(training_rows="clean"),
    "sklearn_ae_contaminated": Ours(training_rows="contaminated"),
    "linear": Ours("activation"),
    "neighbours_alone": Ours("networks"),
    "euclidean": Ours("absolute"),
    "pyod_autoencoder": _pyod("auto_encoder", "AutoEncoder", seeded=True, verbose=0, device="cpu"),
    "pyod_vae": _pyod("vae", "VAE", seeded=True, verbose=0, device="cpu"),
    "pyod_deep_svdd": _pyod("deep_svdd", "DeepSVDD", seeded=True, sized=True, verbose=0),
    "pyod_lunar": _pyod("lunar", "LUNAR"),
    "pyod_dif": _pyod("dif", "DIF", seeded=True, device="cpu"),
}
LIBRARIES = list(RIVALS)
OWN = [name for name in LIBRARIES if isinstance(RIVALS[name], Ours)]
ABLATIONS = ["linear", "neighbours_alone", "euclidean"]


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    return _base.cells(data_names, libraries, seeds, widths=lambda name: [0], default_seeds=SEEDS)


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell, of both protocols.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        0.
    seed : int
        Seed of the rows and of the library.

    Returns
    -------
    row : dict
        The metrics, sizes and the seconds of the contaminated fit.
    """
    row: dict = {}
    for protocol in PROTOCOLS:
        train, test, y = split(name, seed, protocol)
        # Deep detectors of PyOD draw from the global generators.
        np.random.seed(seed)  # noqa: NPY002
        score, seconds = _base.timed(problems.rival("outliers", library).fit, train, k, seed)
        strangeness = _base.finite(np.asarray(score(test)), (len(test),), "score")
        row[f"auroc_{protocol}"] = round(float(roc_auc_score(y, strangeness)), 6)
        row[f"ap_{protocol}"] = round(float(average_precision_score(y, strangeness)), 6)
    return _base.sizes(train, test) | row | {"fit_seconds": seconds}


def split(name: str, seed: int, protocol: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return training rows, held-out rows, and which of these are outliers.

    Parameters
    ----------
    name : str
        Name of the data set.
    seed : int
        Draws the rows and the split.
    protocol : {"clean", "contaminated"}
        Whether outliers are fitted.
    """
    frame, y = data.load_labelled(name, seed, np.iinfo(np.int64).max)
    order = np.random.default_rng(seed).permutation(len(y))[:MAX_ROWS]
    X, y = frame.to_numpy()[order], y[order]
    fitted = np.arange(len(y)) < int(0.7 * len(y))
    if protocol == "clean":
        inliers = np.flatnonzero(y == 0)
        fitted = np.isin(np.arange(len(y)), inliers[: int(0.7 * len(inliers))])
    train, test = _base.standardize(X[fitted], X[~fitted])
    return train.clip(-FARTHEST, FARTHEST), test.clip(-FARTHEST, FARTHEST), y[~fitted]


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the means over sets, the mean ranks, and how far ours is from the best rival.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table of means alone, in Markdown.

    Returns
    -------
    text : str
    """
    failed, broken = tables.failed(results), results.loc[results["error"] != "", "library"]
    results = tables.current(results)
    # A library that fails on a set has no mean over all; the others keep the set.
    results = results[~results["library"].isin(broken)]
    if results.empty:
        return "\n".join(["No results.", *failed])
    whole = summary(results, DATA)
    if markdown:
        return tables.frame_markdown(whole)
    lines = []
    for title, names in (
        ("all sets", DATA),
        ("sets that choices were made on", CHOSEN_ON),
        ("the other sets", [name for name in DATA if name not in CHOSEN_ON]),
    ):
        if not results["data"].isin(names).any():
            continue
        found = summary(results, names)
        lines += [
            f"{title}: means over fits that all libraries without a failure have",
            "",
            tables.frame(found),
            "",
        ]
        lines += [*_margins(found), ""]
    return "\n".join([*lines, *tables.slowest(results, LIBRARIES, MAX_ROWS), *failed]).rstrip()


def summary(results: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the means of metrics and the mean rank of each library over fits that all have.

    Parameters
    ----------
    results : DataFrame
        What `tables.current` returned.
    names : list of str
        Names of data sets.
    """
    results = results[results["data"].isin(names)]
    fits = results.pivot_table(index=tables.FIT, columns="library", values=METRICS).dropna()
    found = pd.DataFrame({metric: fits[metric].mean() for metric in METRICS})
    found["auroc_sum"] = found["auroc_clean"] + found["auroc_contaminated"]
    rivals = [name for name in fits[METRICS[0]] if name not in OWN or name == OURS]
    ranks = [fits[f"auroc_{p}"][rivals].rank(axis=1, ascending=False) for p in PROTOCOLS]
    found["rank"] = pd.concat(ranks).mean()
    return found.loc[[name for name in LIBRARIES if name in found.index]].round(4)


def _margins(found: pd.DataFrame) -> list[str]:
    """Return how far ours is above the best rival, by metric, and above what is left of it."""
    rivals = found.drop(index=[name for name in OWN if name in found.index])
    lines = []
    for ours, wanted in (
        ("sklearn_ae", [*METRICS, "auroc_sum"]),
        ("sklearn_ae_clean", ["auroc_clean", "ap_clean"]),
        ("sklearn_ae_contaminated", ["auroc_contaminated", "ap_contaminated"]),
    ):
        if ours in found.index and len(rivals):
            for metric in wanted:
                best = rivals[metric].idxmax()
                margin = found.loc[ours, metric] - rivals.loc[best, metric]
                lines.append(f"{ours} - {best}, {metric}: {margin:+.4f}")
    for name in ABLATIONS:
        if name in found.index and OURS in found.index:
            lost = found.loc[OURS, "auroc_sum"] - found.loc[name, "auroc_sum"]
            lines.append(f"{OURS} - {name}, auroc_sum: {lost:+.4f}")
    return lines


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw the sum of both AUROC by data set.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    results = tables.current(results)
    half = (results["auroc_clean"] + results["auroc_contaminated"]) / 2
    shown = ["knn", "isolation_forest", "mcd", "one_class_svm", "pyod_vae", OURS]
    table = tables.means(results.assign(auroc=half), "auroc", shown).droplevel("k")
    pictures.dots(
        table,
        {name: name.replace("_", " ") for name in shown} | {OURS: OURS},
        path,
        xlabel="AUROC, mean of fits to inliers and to contaminated rows",
        reference=0.5,
        limits=(0.3, 1.0),
    )
