"""Log-likelihood of held-out rows of zeros and ones, on the splits that others publish.

A library is fitted to the training and the validation rows together, and ``score`` is the mean
log-probability of a test row in nats. k is 0: every library uses its own width. EoNADE, an average
over 16 orders of its columns, is published with -82.31 on dna and -9.68 on mushrooms (Uria, Murray
and Larochelle, A deep and tractable density estimator, ICML 2014, arXiv:1310.1757).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.special import logsumexp, xlogy

from benchmarks import data, problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["score"]
DATA = ["binary/dna", "binary/mushrooms"]
# What the autoencoder is to reach.
BARS = {"binary/dna": -88.0, "binary/mushrooms": -10.5}


class _Columns(Rival):
    """Independent columns; a mixture of k such with more than one component.

    Parameters
    ----------
    numbers : tuple of int
        Numbers of components, of which a tenth of the rows chooses one.
    """

    distribution = "numpy"
    module = "numpy"

    def __init__(self, numbers: tuple[int, ...] = (1,)) -> None:
        self.numbers = numbers

    def fit(self, X: np.ndarray, k: int, seed: int) -> "_Mixture":
        """Fit by expectation maximisation."""
        if len(self.numbers) == 1:
            return _Mixture(X, self.numbers[0], seed)
        order = np.random.default_rng(seed).permutation(len(X))
        valid, train = np.split(order, [len(X) // 10])
        scores = [_Mixture(X[train], n, seed).score(X[valid]) for n in self.numbers]
        return _Mixture(X, self.numbers[int(np.argmax(scores))], seed)


class _Mixture:
    def __init__(self, X: np.ndarray, n_components: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        belongs = rng.dirichlet(np.full(n_components, 0.5), len(X))
        for _ in range(100 if n_components > 1 else 1):
            sizes = belongs.sum(axis=0)
            self.log_weights = np.log((sizes + 1) / (sizes + 1).sum())
            self.chances = (belongs.T @ X + X.mean(axis=0) + 1e-6) / (sizes[:, None] + 1 + 2e-6)
            found = self._by_component(X)
            belongs = np.exp(found - logsumexp(found, axis=1, keepdims=True))

    def score(self, X: np.ndarray) -> float:
        return float(logsumexp(self._by_component(X), axis=1).mean())

    def _by_component(self, X: np.ndarray) -> np.ndarray:
        one, zero = np.log(self.chances), np.log1p(-self.chances)
        return self.log_weights + X @ one.T + (1 - X) @ zero.T


class _Tree(Rival):
    """The tree of Chow and Liu (1968)."""

    distribution = "scipy"
    module = "scipy.sparse.csgraph"

    def fit(self, X: np.ndarray, k: int, seed: int) -> "_FittedTree":
        """Solve."""
        return _FittedTree(X)


class _FittedTree:
    def __init__(self, X: np.ndarray) -> None:
        n, p = X.shape
        mean = (X.sum(axis=0) + 0.5) / (n + 1)
        both = (X.T @ X + np.outer(mean, mean)) / (n + 1)
        np.fill_diagonal(both, mean)
        information = np.zeros((p, p))
        for joint, a, b in (
            (both, mean, mean),
            (mean[:, None] - both, mean, 1 - mean),
            (mean - both, 1 - mean, mean),
            (1 - mean[:, None] - mean + both, 1 - mean, 1 - mean),
        ):
            joint = np.maximum(joint, 0.0)
            information += xlogy(joint, joint) - xlogy(joint, np.outer(a, b))
        tree = minimum_spanning_tree(-np.maximum(information, 1e-12))
        _, self.parents = breadth_first_order(tree + tree.T, 0, directed=False)
        self.parents[0] = 0
        parent = mean[self.parents]
        shared = both[np.arange(p), self.parents]
        self.chances = np.stack([(mean - shared) / (1 - parent), shared / parent])
        self.chances[:, 0] = mean[0]
        self.chances = self.chances.clip(1e-9, 1 - 1e-9)

    def score(self, X: np.ndarray) -> float:
        chances = np.where(X[:, self.parents] == 1, self.chances[1], self.chances[0])
        return float(np.log(np.where(X == 1, chances, 1 - chances)).sum(axis=1).mean())


RIVALS = {
    "independent": _Columns(),
    "chow_liu": _Tree(),
    "bernoulli_mixture": _Columns((4, 8, 16, 32, 64, 128)),
    "sklearn_ae_random": SklearnAERival("VariationalAutoencoder", loss="bernoulli", init="random"),
    "sklearn_ae_start": SklearnAERival("VariationalAutoencoder", loss="bernoulli", max_iter=0),
    "sklearn_ae": SklearnAERival("VariationalAutoencoder", loss="bernoulli"),
}
LIBRARIES = list(RIVALS)


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    return _base.cells(
        data_names, libraries, seeds, widths=lambda name: [0], default_seeds=range(3)
    )


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
        Seed of the library; the split is the published one.

    Returns
    -------
    row : dict
        Log-likelihood, sizes and the seconds of the fit.
    """
    train, test = data.binary(name)
    model, seconds = _base.timed(problems.rival("binary_likelihood", library).fit, train, k, seed)
    score = float(_base.finite(model.score(test), (), "score"))
    return _base.sizes(train, test) | {"score": round(score, 6), "fit_seconds": seconds}


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the means, and which bars the autoencoder clears.

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
    table = results.groupby(["library", "data"])["score"].mean().unstack("data")
    table = table.reindex([name for name in LIBRARIES if name in table.index])
    if markdown:
        return tables.frame_markdown(table)
    lines = ["nats a test row, mean over seeds", "", tables.frame(table), ""]
    own = results[results["library"] == tables.OURS].groupby("data")["score"]
    for name, least in own.min().items():
        bar = BARS.get(str(name))
        if bar is not None:
            verdict = "clears" if least >= bar else "fails"
            lines.append(f"{name}: least over seeds {least:.2f} {verdict} {bar:.2f}")
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: a few numbers need no picture."""
    raise ValueError("The problem binary_likelihood has no picture; use the report.")
