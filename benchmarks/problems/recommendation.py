"""Items for users that were not in training.

A fifth of the users is held out, and of each of them a fifth of the items, drawn by the seed; the
other items are shown. ``ndcg`` is at 100, ``recall_20`` and ``recall_50`` are the share of the
hidden items among so many, or of so many where more are hidden. k is 0. The autoencoder without
hidden layers of Steck (2019) has the ridge of its name, and the report compares with the best of
these in each split.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.mult_vae import MultVAERival
from benchmarks.rivals.rec_vae import RecVAERival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["ndcg", "recall_20", "recall_50"]
DATA = list(data.RATINGS)
SEEDS = [11, 20, 21, 22, 23, 30, 31, 32, 33, 34]
SHARE = 0.2
OURS = "sklearn_ae"
# How much the mean gain is to be above the best ridge's: NDCG, and recall.
NDCG = {"ratings/ml-100k": 0.007, "ratings/lastfm": 0.005}
RECALL_50 = 0.005


class Popularity(Rival):
    """How many users have an item."""

    distribution = "numpy"
    module = "numpy"

    def fit(self, X: csr_array, k: int, seed: int):
        """Count, and return a function from users to scores."""
        counts = np.asarray(X.sum(axis=0), dtype=np.float64)
        return lambda users: np.tile(counts, (users.shape[0], 1))


class EASE(Rival):
    """The linear autoencoder without a diagonal, with one ridge.

    Parameters
    ----------
    ridge : float
        Added to the diagonal of X'X.
    """

    distribution = "numpy"
    module = "numpy"

    def __init__(self, ridge: float) -> None:
        self.ridge = ridge

    def fit(self, X: csr_array, k: int, seed: int):
        """Solve, and return a function from users to scores."""
        gram = (X.T @ X).toarray()
        gram[np.diag_indices_from(gram)] += self.ridge
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        return lambda users: users @ weights


class Implicit(Rival):
    """A model of the package implicit.

    Parameters
    ----------
    module, name : str
        Where it is.
    seeded : bool
        Whether it takes `random_state`.
    **parameters
        Parameters besides its defaults.
    """

    distribution = "implicit"

    def __init__(self, module: str, name: str, seeded: bool, **parameters: object) -> None:
        self.module, self.name, self.seeded = module, name, seeded
        self.parameters = parameters

    def fit(self, X: csr_array, k: int, seed: int):
        """Fit, and return a function from users to scores."""
        given = {"random_state": seed} if self.seeded else {}
        model = getattr(self.load(), self.name)(**given, **self.parameters)
        model.fit(_matrix(X), show_progress=False)

        def scores(users: csr_array) -> np.ndarray:
            found = np.full(users.shape, -np.inf)
            items, values = model.recommend(
                np.arange(users.shape[0]),
                _matrix(users),
                N=users.shape[1],
                filter_already_liked_items=False,
                recalculate_user=True,
            )
            known = items >= 0
            rows = np.nonzero(known)[0]
            found[rows, items[known]] = values[known]
            return np.where(found == -np.inf, found[found > -np.inf].min() - 1, found)

        return scores


class Ours(SklearnAERival):
    """The recommender."""

    def fit(self, X: csr_array, k: int, seed: int):
        """Fit, and return a function from users to scores."""
        return self.make(k, seed).fit(X).predict_scores


_KNN = "implicit.nearest_neighbours"
RIVALS = {
    "popularity": Popularity(),
    **{f"ease_{ridge}": EASE(ridge) for ridge in (100, 200, 500, 1000)},
    "item_knn": Implicit(_KNN, "CosineRecommender", False, K=100),
    "bm25_knn": Implicit(_KNN, "BM25Recommender", False, K=100),
    "als": Implicit("implicit.cpu.als", "AlternatingLeastSquares", True, factors=64, alpha=10.0),
    "linear": Ours("AutoencoderRecommender", network_weight=0),
    "sklearn_ae": Ours("AutoencoderRecommender"),
    "mult_vae": MultVAERival(),
    "rec_vae": RecVAERival(),
}
LIBRARIES = list(RIVALS)


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    return _base.cells(data_names, libraries, seeds, widths=lambda name: [0], default_seeds=SEEDS)


def split(name: str, seed: int) -> tuple[csr_array, csr_array, csr_array]:
    """Hold users out, and hide a part of what they have.

    Parameters
    ----------
    name : str
        Name of a set of ratings.
    seed : int
        Draws the users and the items.

    Returns
    -------
    train, shown, hidden : csr_array
        Users of training; items of the others that are shown, and that are to be found.
    """
    users = data.ratings(name)
    rng = np.random.default_rng(seed)
    order = rng.permutation(users.shape[0])
    n_held_out = users.shape[0] // 5
    train = users[np.sort(order[n_held_out:])]
    others = users[np.sort(order[:n_held_out])]
    hides = np.zeros(others.nnz, dtype=bool)
    for start, stop in zip(others.indptr, others.indptr[1:], strict=False):
        n_hidden = max(1, int(SHARE * (stop - start)))
        hides[start + rng.permutation(stop - start)[:n_hidden]] = True
    row = np.repeat(np.arange(n_held_out), np.diff(others.indptr))
    parts = [
        csr_array((others.data[keep], (row[keep], others.indices[keep])), shape=others.shape)
        for keep in (~hides, hides)
    ]
    return train, *parts


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of a model.
    name : str
        Name of a set of ratings.
    k : int
        0.
    seed : int
        Seed of the split and of the model.

    Returns
    -------
    row : dict
        Metrics, sizes and seconds.
    """
    train, shown, hidden = split(name, seed)
    scores, seconds = _base.timed(problems.rival("recommendation", library).fit, train, k, seed)
    found = _base.finite(scores(shown), shown.shape, "scores")
    found[shown.nonzero()] = -np.inf
    ranked = np.argsort(-found, axis=1, kind="stable")[:, :100]
    hits = np.take_along_axis(hidden.toarray() > 0, ranked, axis=1)
    n_hidden = np.diff(hidden.indptr)
    discount = 1 / np.log2(np.arange(2, ranked.shape[1] + 2))
    ideal = np.cumsum(discount)[np.minimum(n_hidden, len(discount)) - 1]
    recall = {
        f"recall_{m}": round(float(np.mean(hits[:, :m].sum(axis=1) / np.minimum(n_hidden, m))), 6)
        for m in (20, 50)
    }
    return {"n_train": train.shape[0], "n_test": shown.shape[0], "p": train.shape[1]} | {
        "ndcg": round(float(np.mean((hits * discount).sum(axis=1) / ideal)), 6),
        **recall,
        "fit_seconds": seconds,
    }


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the means, and how far the recommender is above the best ridge of each split.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table in Markdown, without the bars.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    table = results.groupby(["library", "data"])[METRICS].mean().unstack("data")
    table.columns = [f"{metric} {name.rpartition('/')[2]}" for metric, name in table.columns]
    table = table.reindex([name for name in LIBRARIES if name in table.index])
    if markdown:
        return tables.frame_markdown(table)
    lines = ["means over splits", "", tables.frame(table), ""]
    for name, own in results.groupby("data"):
        wide = own.pivot_table(index="seed", columns="library", values=METRICS)
        ridges = [library for library in wide["ndcg"] if library.startswith("ease_")]
        if OURS not in wide["ndcg"] or not ridges:
            continue
        bars = {"ndcg": NDCG[str(name)], "recall_20": 0.0, "recall_50": RECALL_50}
        for metric, bar in bars.items():
            gain = (wide[metric][OURS] - wide[metric][ridges].max(axis=1)).dropna()
            verdict = "clears" if gain.mean() >= bar else "fails"
            lines.append(
                f"{name}, {metric} above the best ridge of each split: mean {gain.mean():+.4f} "
                f"{verdict} {bar:+.4f}; least of {len(gain)} splits {gain.min():+.4f}"
            )
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw NDCG@100 by set.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    path : Path
        Where to write the picture.
    """
    shown = ["popularity", "item_knn", "als", "mult_vae", "ease_200", "sklearn_ae"]
    table = tables.means(tables.current(results), "ndcg", shown).droplevel("k")
    pictures.dots(
        table,
        {name: name.replace("_", " ") for name in shown} | {OURS: OURS},
        path,
        xlabel="NDCG@100",
        reference=0.0,
        limits=(0.0, 0.6),
    )


def _matrix(users: csr_array):
    from scipy.sparse import csr_matrix

    return csr_matrix(users, dtype=np.float32)
