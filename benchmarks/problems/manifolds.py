"""Codes of rows that a manifold learner did not see, and rows of their codes.

A model is fitted to the training rows of `data.MANIFOLDS`, and finds codes of two numbers for the
held-out ones. ``spearman`` is the rank correlation of the Euclidean distances between these codes
with geodesic distances between the rows, where the surface is known: a Swiss roll without noise
and with normal noise of .5, and an S-curve. ``r2`` is the share of the variance of the held-out
rows that their codes rebuild; learners without an inverse have none. ``trustworthiness`` is that of
the held-out rows' codes among each other, with five neighbours, and ``own`` that of the learner's
codes of the training rows. ``peak_mib`` is how far the peak of the resident memory is above that
before the fit; it means something for the first cell of a process alone, as with
``--data manifolds/roll_100000``.

umap-learn, pacmap and openTSNE come with the extra ``bench``; for ParametricUMAP,
``pip install tensorflow-cpu``.
"""

import resource
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.manifold import trustworthiness

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["spearman", "r2", "trustworthiness", "own", "peak_mib"]
DATA = list(data.MANIFOLDS)
OURS = "sklearn_ae"
K = 2
ROLLS = ["manifolds/roll", "manifolds/noisy_roll"]
DIGITS = "manifolds/digits"
SIZES = ["manifolds/roll_20000", "manifolds/roll_100000"]
SEEDS, FEW_SEEDS = range(5), range(2)
# What a roll is to reach in its worst seed, and digits of t-SNE's own trustworthiness: from
# landmarks, and from all rows.
BAR, SHARES = 0.995, {"sklearn_ae_tsne": 0.97, "sklearn_ae_tsne_all": 0.98}
# Of the plain autoencoder.
EPOCHS = 300
# Seconds that 100,000 rows may take.
SECONDS = 60


class Model(NamedTuple):
    """Maps from rows to codes and back, and the learner's codes of the training rows."""

    transform: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray] | None
    codes: np.ndarray


class Sklearn(Rival):
    """A transformer of scikit-learn.

    Parameters
    ----------
    module, name : str
        Where it is.
    **parameters
        Parameters besides its defaults.
    """

    distribution = "scikit-learn"

    def __init__(self, module: str, name: str, **parameters: object) -> None:
        self.module, self.name, self.parameters = module, name, parameters

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return its maps."""
        learner = getattr(self.load(), self.name)(n_components=k, **self.parameters)
        codes = learner.fit_transform(X)
        return Model(learner.transform, getattr(learner, "inverse_transform", None), codes)


class NearestRows(Rival):
    """Means over the five nearest training rows, both ways, for a learner without maps.

    Parameters
    ----------
    name : str
        Class of `sklearn.manifold`.
    **parameters
        Parameters besides its defaults.
    """

    distribution = "scikit-learn"
    module = "sklearn.manifold"

    def __init__(self, name: str, **parameters: object) -> None:
        self.name, self.parameters = name, parameters

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return both means."""
        from sklearn.neighbors import KNeighborsRegressor

        given = {"random_state": seed} if self.name == "TSNE" else {}
        learner = getattr(self.load(), self.name)(n_components=k, **given, **self.parameters)
        codes = learner.fit_transform(X).astype(np.float64)
        there, back = (
            KNeighborsRegressor(5, weights="distance").fit(a, b)
            for a, b in ((X, codes), (codes, X))
        )
        return Model(there.predict, back.predict, codes)


class Perceptron(Rival):
    """A plain autoencoder, p-64-k-64-p, by MLPRegressor."""

    distribution = "scikit-learn"
    module = "sklearn.neural_network"

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return the halves of the network."""
        mean, scale = X.mean(axis=0), X.std(axis=0) + 1e-12
        net = self.load().MLPRegressor(
            hidden_layer_sizes=(64, k, 64),
            activation="tanh",
            learning_rate_init=5e-3,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS,
            random_state=seed,
        )
        with warnings.catch_warnings(action="ignore"):
            net.fit((X - mean) / scale, (X - mean) / scale)
        layers = list(zip(net.coefs_, net.intercepts_, strict=True))

        def through(rows: np.ndarray, part: list, last: bool) -> np.ndarray:
            for i, (weight, constant) in enumerate(part):
                rows = rows @ weight + constant
                if not last or i + 1 < len(part):
                    rows = np.tanh(rows)
            return rows

        def encode(rows: np.ndarray) -> np.ndarray:
            return through((rows - mean) / scale, layers[:2], last=False)

        def decode(codes: np.ndarray) -> np.ndarray:
            return through(codes, layers[2:], last=True) * scale + mean

        return Model(encode, decode, encode(X))


class Umap(Rival):
    """UMAP, by its own maps."""

    distribution = "umap-learn"
    module = "umap"

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return its maps."""
        learner = self.load().UMAP(n_components=k, random_state=seed, n_jobs=1)
        codes = learner.fit_transform(X)
        return Model(learner.transform, learner.inverse_transform, codes)


class ParametricUmap(Rival):
    """UMAP by a network, with a decoder that learns standardised columns by squared errors."""

    distribution = "umap-learn"
    module = "umap.parametric_umap"

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return its maps."""
        import keras
        from sklearn.preprocessing import StandardScaler

        keras.utils.set_random_seed(seed)
        scaler = StandardScaler().fit(X)
        learner = self.load().ParametricUMAP(
            n_components=k,
            random_state=seed,
            n_jobs=1,
            parametric_reconstruction=True,
            parametric_reconstruction_loss_fcn=keras.losses.MeanSquaredError(),
            keras_fit_kwargs={"verbose": 0},
        )
        codes = learner.fit_transform(scaler.transform(X))
        return Model(
            lambda rows: learner.transform(scaler.transform(rows)),
            lambda found: scaler.inverse_transform(learner.inverse_transform(found)),
            codes,
        )


class PaCMAP(Rival):
    """PaCMAP, by its own map of new rows; it has none back."""

    distribution = "pacmap"
    module = "pacmap"

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return its map."""
        learner = self.load().PaCMAP(n_components=k, random_state=seed, save_tree=True)
        codes = learner.fit_transform(X)
        return Model(lambda rows: learner.transform(rows, basis=X), None, codes)


class OpenTSNE(Rival):
    """The t-SNE of openTSNE, by its own map of new rows; it has none back."""

    distribution = "openTSNE"
    module = "openTSNE"

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return its map."""
        codes = self.load().TSNE(n_components=k, random_state=seed, n_jobs=1).fit(X)
        return Model(lambda rows: np.asarray(codes.transform(rows)), None, np.asarray(codes))


class Ours(SklearnAERival):
    """The estimator, around a learner.

    Parameters
    ----------
    learner : str
        Where it is, as in "sklearn.manifold.TSNE"; "" for the default.
    estimator : str
        The class.
    **parameters
        Parameters besides its defaults.
    """

    def __init__(
        self, learner: str = "", estimator: str = "ManifoldAutoencoder", **parameters: object
    ) -> None:
        super().__init__(estimator, **parameters)
        self.learner = learner

    def fit(self, X: np.ndarray, k: int, seed: int):
        """Fit, and return its maps."""
        import importlib

        model = self.make(k, seed)
        if self.learner:
            module, _, name = self.learner.rpartition(".")
            model.set_params(embedding=getattr(importlib.import_module(module), name)())
        model.fit(X)
        codes = getattr(model, "embedding_", None)
        codes = model.transform(X) if codes is None else codes
        return Model(model.transform, model.inverse_transform, codes)


_TSNE = "sklearn.manifold.TSNE"
RIVALS = {
    "pca": Sklearn("sklearn.decomposition", "PCA"),
    "isomap": Sklearn("sklearn.manifold", "Isomap", n_neighbors=10),
    "knn": NearestRows("Isomap", n_neighbors=10),
    "mlp": Perceptron(),
    "autoencoder": Ours("", "Autoencoder"),
    "local_stress": Ours(embedding="autoencoder"),
    "umap": Umap(),
    "parametric_umap": ParametricUmap(),
    "pacmap": PaCMAP(),
    OURS: Ours(),
    "sklearn_ae_umap": Ours("umap.UMAP"),
    "sklearn_ae_pacmap": Ours("pacmap.PaCMAP"),
    "knn_tsne": NearestRows("TSNE"),
    "opentsne": OpenTSNE(),
    "sklearn_ae_tsne": Ours(_TSNE),
    "sklearn_ae_tsne_all": Ours(_TSNE, n_landmarks=None),
}
LIBRARIES = list(RIVALS)
_OF_DIGITS = ["pca", "umap", "pacmap", "sklearn_ae_umap", *LIBRARIES[LIBRARIES.index("knn_tsne") :]]
_MANY_SEEDS = ["pca", "knn", "mlp", "autoencoder", OURS, *SHARES, "opentsne"]


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 2."""
    for name in data_names:
        for library in libraries:
            if name in SIZES:
                takes_part, own = library == OURS, [0]
            elif name == DIGITS:
                takes_part = library in _OF_DIGITS
                own = list(SEEDS if library in _MANY_SEEDS else FEW_SEEDS)
            else:
                takes_part = library in LIBRARIES[: LIBRARIES.index("knn_tsne")]
                own = list(SEEDS if name in ROLLS and library in _MANY_SEEDS else FEW_SEEDS)
            if takes_part:
                yield from ((name, K, seed, library) for seed in (own if seeds is None else seeds))


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of a model.
    name : str
        Name of a manifold.
    k : int
        2.
    seed : int
        Seed of the rows and of the model.

    Returns
    -------
    row : dict
        Metrics, sizes and seconds.
    """
    X, flat = data.manifold(name, seed)
    n = data.MANIFOLDS[name][0]
    train, test = X[:n], X[n:]
    before = _peak()
    rival = problems.rival("manifolds", library)
    model, seconds = _base.timed(rival.fit, train, k, seed)
    codes = _base.finite(model.transform(test), (len(test), k), "codes")
    row = _base.sizes(train, test) | {
        "trustworthiness": round(float(trustworthiness(test, codes)), 6),
        "peak_mib": round(_peak() - before, 1),
        "fit_seconds": seconds,
    }
    if len(model.codes) == n:
        row["own"] = round(float(trustworthiness(train, model.codes)), 6)
    if flat is not None:
        row["spearman"] = round(float(spearmanr(pdist(codes), pdist(flat[n:]))[0]), 6)
    if model.inverse is not None:
        row["r2"] = _base.pooled_r2(test, model.inverse(codes), train.mean(axis=0))
    return row


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the means, and the bars.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table of the rolls in Markdown, without the bars.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    order = [name for name in LIBRARIES if name in set(results["library"])]
    if markdown:
        rolls = results[results["data"].isin(ROLLS)]
        table = rolls.groupby(["library", "data"])[["spearman", "r2"]].mean().unstack("data")
        table.columns = [f"{metric}, {name.rpartition('/')[2]}" for metric, name in table.columns]
        return tables.frame_markdown(table.reindex([name for name in order if name in table.index]))
    lines = []
    for name, own in results.groupby("data", sort=False):
        table = own.groupby("library")[[*METRICS, "fit_seconds"]].mean()
        table = table.reindex([library for library in order if library in table.index])
        lines += [str(name), "", tables.frame(table.dropna(axis=1, how="all")), ""]
    lines += [*_of_rolls(results), *_of_digits(results), *_of_sizes(results)]
    return "\n".join([*lines, *failed]).rstrip()


def _of_rolls(results: pd.DataFrame) -> list[str]:
    ours = results[results["library"] == OURS]
    return [
        f"{name}, {metric}, worst of {len(own)} seeds: {own[metric].min():.4f} "
        f"{'clears' if own[metric].min() >= BAR else 'fails'} {BAR:g}"
        for name, own in ours[ours["data"].isin(ROLLS)].groupby("data")
        for metric in ("spearman", "r2")
    ]


def _of_digits(results: pd.DataFrame) -> list[str]:
    own = results[results["data"] == DIGITS].pivot_table(
        index="seed", columns="library", values=["trustworthiness", "own"]
    )
    if own.empty or "sklearn_ae_tsne" not in own["own"]:
        return []
    shares = own["trustworthiness"].div(own["own"]["sklearn_ae_tsne"], axis=0)
    lines = []
    for library in (name for name in LIBRARIES if name in shares):
        found = shares[library].dropna()
        text = (
            f"{DIGITS}, trustworthiness of held-out rows over t-SNE's own, {library}: mean "
            f"{found.mean():.4f}, worst of {len(found)} seeds {found.min():.4f}"
        )
        if library in SHARES:
            bar = SHARES[library]
            text += f" {'clears' if found.min() >= bar else 'fails'} {bar:g}"
        lines.append(text)
    return lines


def _of_sizes(results: pd.DataFrame) -> list[str]:
    own = results[(results["data"] == SIZES[-1]) & (results["library"] == OURS)]
    return [
        f"{SIZES[-1]}: {seconds:.1f} s {'clears' if seconds <= SECONDS else 'fails'} {SECONDS} s"
        for seconds in own["fit_seconds"].dropna()
    ]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw rank correlations with geodesic distances.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    shown = ["pca", "autoencoder", "local_stress", "umap", "pacmap", OURS]
    results = results[~results["data"].isin(SIZES)]
    table = (
        tables.means(tables.current(results), "spearman", shown).droplevel("k").dropna(how="all")
    )
    pictures.dots(
        table.dropna(how="all"),
        {name: name.replace("_", " ") for name in shown} | {OURS: OURS},
        path,
        xlabel="rank correlation with geodesic distances",
        reference=1.0,
        limits=(0.0, 1.0),
    )


def _peak() -> float:
    """Return the peak of the resident memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
