"""Labels in one domain, rows to classify in another.

At most 3,000 rows of the source have labels. Of as many rows of the target, 70 % are in the fit
without their labels (``accuracy``, and ``auroc`` for two classes), and the others are new
(``accuracy_new``). k is the number of the pair of domains:

- ``images/mnist_5k``: 0, to the digits of scikit-learn. The inner 20 x 20 pixels are brought to
  8 x 8 by means over areas, and to the range 0 to 16.
- ``tables/bank``: 0, from one half of the months to the other, which the seed draws; 1, from one
  half of the jobs to the other. The column that tells the domains apart is left out. Numbers are
  standardised and categories a column a level, by the rows of the fit.

Names of libraries end in the classifier: a support vector machine, or logistic regression on
standardised columns. Methods of skada take the support vector machine. Those of its methods whose
fit takes minutes with so many rows, such as its regularised optimal transport (489 s), are left
out. ``none_default`` is the default of ``sklearn_ae`` without adaptation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from benchmarks import data, problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["accuracy", "accuracy_new", "auroc"]
SEEDS = range(5)
MAX_ROWS = 3_000
DATA = ["images/mnist_5k", "tables/bank"]
COLUMNS = {"tables/bank": ["month", "job"]}
PIXELS, CROP = 8, 20
# What images have to gain in the mean, and the most that any fit may lose.
GAIN, LOSS = 0.08, 0.01


class Pair(NamedTuple):
    """Rows of two domains.

    Parameters
    ----------
    source, y_source : ndarray
        Rows with labels.
    target, y_target : ndarray
        Rows of the fit, and the labels that it does not see.
    new, y_new : ndarray
        Further rows of the target.
    """

    source: np.ndarray
    y_source: np.ndarray
    target: np.ndarray
    y_target: np.ndarray
    new: np.ndarray
    y_new: np.ndarray


def classifier(kind: str) -> Any:
    """Return a classifier that is not fitted."""
    if kind == "svc":
        return SVC()
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


class Alone(Rival):
    """A classifier of the source, without adaptation."""

    distribution, module = "scikit-learn", "sklearn.svm"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def fit(self, X: np.ndarray, k: int, seed: int, y: Any = None, domain: Any = None):
        """Fit to the source."""
        return classifier(self.kind).fit(X[domain >= 0], y[domain >= 0])


class Default(SklearnAERival):
    """What this project's classifier is without rows of a target."""

    def fit(self, X: np.ndarray, k: int, seed: int, y: Any = None, domain: Any = None):
        """Fit to the source."""
        return self.make(0, seed).fit(X[domain >= 0], y[domain >= 0])


class Graph(SklearnAERival):
    """The classifier of this project."""

    def __init__(self, kind: str | None = None) -> None:
        super().__init__("GraphAdaptedClassifier")
        self.kind = kind

    def fit(self, X: np.ndarray, k: int, seed: int, y: Any = None, domain: Any = None):
        """Fit to both domains."""
        own = None if self.kind is None else classifier(self.kind)
        return self.make(0, seed).set_params(classifier=own).fit(X, y, sample_domain=domain)


class Transformed(SklearnAERival):
    """The transformer of this project, and a classifier of what it returns."""

    def __init__(self, method: str, kind: str) -> None:
        super().__init__("DomainAdaptationTransformer", method=method)
        self.kind = kind

    def fit(self, X: np.ndarray, k: int, seed: int, y: Any = None, domain: Any = None):
        """Fit to both domains, and the classifier to the source."""
        transformer = self.make(0, seed)
        Z = transformer.fit_transform(X, sample_domain=domain)
        fitted = classifier(self.kind).fit(Z[domain >= 0], y[domain >= 0])
        return make_pipeline(transformer, fitted)


class Skada(Rival):
    """A method of skada.

    Parameters
    ----------
    name : str
        Name of the function that returns the estimator.
    **parameters
        Its parameters besides the classifier.
    """

    distribution = module = "skada"

    def __init__(self, name: str, **parameters: Any) -> None:
        self.name, self.parameters = name, parameters

    def fit(self, X: np.ndarray, k: int, seed: int, y: Any = None, domain: Any = None):
        """Fit to both domains; -1 is skada's mark of a label that is not known."""
        own = SVC().set_fit_request(sample_weight=True)
        made = getattr(self.load(), self.name)(own, **self.parameters)
        return made.fit(X, np.where(domain >= 0, y, -1), sample_domain=domain)


KINDS = ["svc", "lr"]
# Methods of the transformer that train a network, for a minute a fit: fewer seeds.
SLOW = ["mmd", "adversarial"]
RIVALS: dict[str, Rival] = {
    **{f"none_{kind}": Alone(kind) for kind in KINDS},
    "none_default": Default("GraphAdaptedClassifier"),
    **{f"coral_{kind}": Transformed("coral", kind) for kind in KINDS},
    **{f"{method}_svc": Transformed(method, "svc") for method in SLOW},
    "sklearn_ae": Graph(),
    **{f"graph_{kind}": Graph(kind) for kind in KINDS},
    "skada_coral": Skada("CORAL"),
    "skada_subspace_alignment": Skada("SubspaceAlignment", n_components=20),
    "skada_linear_ot": Skada("LinearOTMapping"),
    "skada_ot": Skada("OTMapping"),
    "skada_gaussian_reweight": Skada("GaussianReweight"),
    "skada_density_reweight": Skada("DensityReweight"),
}
LIBRARIES = list(RIVALS)
# What each of ours is compared with: the same classifier, without adaptation.
BASELINES = {"sklearn_ae": "none_default", "graph_svc": "none_svc", "graph_lr": "none_lr"}


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is the number of the pair."""
    return _base.cells(
        data_names,
        libraries,
        seeds,
        widths=lambda name: range(len(COLUMNS.get(name, [None]))),
        own_seeds={f"{method}_svc": range(2) for method in SLOW},
        default_seeds=SEEDS,
    )


def domains(name: str, k: int, seed: int) -> Pair:
    """Return rows of two domains.

    Parameters
    ----------
    name : str
        Name of the data set.
    k : int
        Number of the pair.
    seed : int
        Draws rows, and which levels of a column are the target.
    """
    rng = np.random.default_rng(seed)
    if name not in COLUMNS:
        digits = data.load_labelled("digits", seed, MAX_ROWS)
        pixels = reduced(data.images(name) * 16.0)
        return _pair(pixels, data.image_labels(name), digits[0].to_numpy(), digits[1], rng)
    frame, y = data.load_labelled(name, seed, np.iinfo(np.int64).max)
    column = frame[COLUMNS[name][k]].astype(str).to_numpy()
    frame = frame.drop(columns=COLUMNS[name][k])
    levels = rng.permutation(np.unique(column))
    target = np.isin(column, levels[: len(levels) // 2])
    found = _pair(frame[~target], y[~target], frame[target], y[target], rng)
    categories = make_column_selector(dtype_exclude="number")
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        remainder=StandardScaler(),
    ).fit(pd.concat([found.source, found.target]))
    rows = {part: encoder.transform(getattr(found, part)) for part in ("source", "target", "new")}
    return found._replace(**rows)


def reduced(pixels: np.ndarray) -> np.ndarray:
    """Return the inner pixels of images as means over areas, a row an image."""
    margin = (pixels.shape[1] - CROP) // 2
    inner = pixels[:, margin : margin + CROP, margin : margin + CROP]
    edges = np.linspace(0, CROP, PIXELS + 1)
    low, high = edges[:-1, None], edges[1:, None]
    left = np.arange(CROP)
    share = np.clip(np.minimum(high, left + 1) - np.maximum(low, left), 0, None)
    share /= share.sum(axis=1, keepdims=True)
    return np.einsum("ai,nij,bj->nab", share, inner, share).reshape(len(pixels), -1)


def _pair(X: Any, y: np.ndarray, X_target: Any, y_target: np.ndarray, rng: Any) -> Pair:
    source = rng.permutation(len(y))[:MAX_ROWS]
    target = rng.permutation(len(y_target))[:MAX_ROWS]
    fitted, new = np.split(target, [int(0.7 * len(target))])
    of = X.iloc.__getitem__ if isinstance(X, pd.DataFrame) else X.__getitem__
    of_target = (
        X_target.iloc.__getitem__ if isinstance(X_target, pd.DataFrame) else X_target.__getitem__
    )
    return Pair(
        of(source), y[source], of_target(fitted), y_target[fitted], of_target(new), y_target[new]
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
        Number of the pair of domains.
    seed : int
        Seed of the rows and of the library.

    Returns
    -------
    row : dict
        Metrics, sizes and seconds.
    """
    pair = domains(name, k, seed)
    X = np.concatenate([pair.source, pair.target])
    domain = np.repeat([1, -1], [len(pair.source), len(pair.target)])
    # Labels of the target are hidden, and no class is called so.
    y = np.concatenate([pair.y_source, np.full(len(pair.target), -1)])
    fit: Callable = partial(problems.rival("adaptation", library).fit, y=y, domain=domain)
    np.random.seed(seed)  # noqa: NPY002
    model, seconds = _base.timed(fit, X, k, seed)
    row = {
        "accuracy": round(float(np.mean(model.predict(pair.target) == pair.y_target)), 6),
        "accuracy_new": round(float(np.mean(model.predict(pair.new) == pair.y_new)), 6),
    }
    if len(np.unique(pair.y_source)) == 2:
        row["auroc"] = round(float(roc_auc_score(pair.y_target, _score(model, pair.target))), 6)
    return _base.sizes(X, pair.new) | row | {"fit_seconds": seconds}


def _score(model: Any, X: np.ndarray) -> np.ndarray:
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X))[:, 1]
    return np.asarray(model.decision_function(X))


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the means over seeds, and how far ours are from no adaptation.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table alone, in Markdown.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    if results.empty:
        return "\n".join(["No results.", *failed])
    names = {
        (name, k): f"{name.rpartition('/')[2]} by {column}" if column else name.rpartition("/")[2]
        for name in results["data"].unique()
        for k, column in enumerate(COLUMNS.get(name, [None]))
    }
    results = results.assign(
        pair=[names.get(key, key[0]) for key in zip(results["data"], results["k"], strict=True)]
    )
    table = results.pivot_table(index="library", columns="pair", values=METRICS)
    table.columns = [f"{pair} {metric}" for metric, pair in table.columns]
    table = table.loc[[name for name in LIBRARIES if name in table.index]]
    table = table[sorted(table)]
    if markdown:
        return tables.frame_markdown(table)
    lines = ["means over seeds", "", tables.frame(table), "", tables.seeds(results, LIBRARIES), ""]
    for ours, baseline in BASELINES.items():
        for metric in METRICS[:2]:
            lines += _bars(results, metric, ours, baseline)
    return "\n".join([*lines, *tables.slowest(results, LIBRARIES, 2 * MAX_ROWS), *failed]).rstrip()


def _bars(results: pd.DataFrame, metric: str, ours: str, baseline: str) -> list[str]:
    """Return whether ours clears the bars of a metric."""
    gains = tables.gains(results, metric, baseline, ours)
    if gains.empty:
        return []
    lines = [f"{ours} - {baseline}, {metric}"]
    worst = gains.min()
    verdict = "clears" if worst >= -LOSS else "fails"
    lines.append(f"  worst fit {worst:+.4f} ({tables.where(gains.idxmin())}) {verdict} {-LOSS}")
    images = gains[[name.startswith("images/") for name in gains.index.get_level_values("data")]]
    if len(images):
        verdict = "clears" if images.mean() >= GAIN else "fails"
        lines.append(f"  images, mean {images.mean():+.4f} {verdict} {GAIN:+}")
    return [*lines, ""]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the shares are in the report."""
    raise ValueError("The problem adaptation has no picture; use the report.")
