"""Generated rows: whether they are told from held-out ones, and what they are good for.

A library is fitted to the training rows of a table, 5,000 at most, as a frame with whole numbers,
categories and missing cells, and generates rows. What is measured:

- ``auroc``: gradient boosting tells generated rows from as many held-out ones, out of fold over
  five stratified folds, as `SyntheticReport` does; mean over three draws. 0.5 means that it cannot.
- ``outside``: the share of cells that their column cannot hold; ``closer``: how likely a generated
  row is closer to the training rows than a held-out row is; ``copies``: the share of exact copies
  of training rows. All three are `SyntheticReport`'s, of the same draws.
- ``useful``: AUROC in held-out rows of gradient boosting that learned from as many generated rows
  as there are training rows. The label is the table's; of a table without one, whether the last
  column is above its median.
- ``shape`` and ``trend``: "Column Shapes" and "Column Pair Trends" of SDMetrics, against the
  training rows, as SDV evaluates; empty where it is not installed.
- ``sample_seconds``: the time that 50,000 rows take.

k is left to the library, which the results write as 0. The training rows themselves, drawn in
random order, are the ceiling of ``auroc`` and ``useful``.

SDV itself needs pandas below 3. TVAE, CTGAN and the Gaussian copula are the models behind its
synthesizers, of ctgan and copulas, with their defaults, 300 epochs included, and with SDV's
formatters of columns. They and SDMetrics are in the extra ``bench``.
"""

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from benchmarks import data, problems
from benchmarks import plot as pictures
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals._tables import discrete_columns
from benchmarks.rivals.sklearn_ae import SklearnAERival
from sklearn_ae.inspection import SyntheticReport

METRICS = [
    "auroc",
    "useful",
    "outside",
    "shape",
    "trend",
    "closer",
    "copies",
    "sample_seconds",
]
LIBRARIES = [
    "real_rows",
    "bootstrap",
    "gaussian",
    "gaussian_copula",
    "mixture",
    "sklearn_ae_start",
    "sklearn_ae",
    "sklearn_ae_wasserstein",
    "sklearn_ae_vector_quantized",
    "tvae",
    "ctgan",
]
# They know numbers alone.
OF_NUMBERS = ["gaussian", "sklearn_ae_wasserstein", "sklearn_ae_vector_quantized"]


class _WithMissingCells:
    """A fitted estimator whose rows lack cells as the training rows do."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def sample(self, n_samples: int, *, random_state: int) -> Any:
        return self.estimator.sample(n_samples, random_state=random_state, missing=True)


class _Tables(SklearnAERival):
    """An estimator of `sklearn_ae` that draws tables with missing cells."""

    def fit(self, X: pd.DataFrame, k: int, seed: int) -> _WithMissingCells:
        return _WithMissingCells(super().fit(X, k, seed))


RIVALS = {
    "sklearn_ae": _Tables("VariationalAutoencoder"),
    "sklearn_ae_start": _Tables("VariationalAutoencoder", max_iter=0),
    # The noise around reconstructions is part of a row.
    "sklearn_ae_wasserstein": SklearnAERival("WassersteinAutoencoder", loss="gaussian"),
    "sklearn_ae_vector_quantized": SklearnAERival("VectorQuantizedAutoencoder", loss="gaussian"),
}
LABELS = {
    "real_rows": "training rows",
    "bootstrap": "training rows, drawn with replacement",
    "gaussian": "normal distribution",
    "gaussian_copula": "Gaussian copula",
    "mixture": "mixture of normals",
    "sklearn_ae_start": "sklearn_ae, start",
    "sklearn_ae": "sklearn_ae",
    "sklearn_ae_wasserstein": "sklearn_ae, Wasserstein",
    "sklearn_ae_vector_quantized": "sklearn_ae, words",
    "tvae": "TVAE",
    "ctgan": "CTGAN",
}
# The real sets in which every column has at least 30 distinct values; of these the ten with the
# largest median share of distinct values; the second copy of wine left out.
CONTINUOUS = [
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
MIXED = ["tables/titanic", "tables/bank", "tables/online_shoppers", data.PEOPLE]
DATA = [*CONTINUOUS, *MIXED]
N_DRAWS = 3
# 5,000 training rows, and what is held out beside them.
MAX_ROWS = 7_143
N_SAMPLES = 50_000
# Their fits take minutes.
SLOW = ["tvae", "ctgan"]


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 0."""
    own = dict.fromkeys(SLOW, range(1))
    for cell in _base.cells(
        data_names,
        libraries,
        seeds,
        widths=lambda _: [0],
        own_seeds=own,
        default_seeds=range(3),
    ):
        if cell[0] not in MIXED or cell[3] not in OF_NUMBERS:
            yield cell


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
        Metrics, sizes and seconds.
    """
    frame, target = _read(name, seed)
    train, test = train_test_split(frame, test_size=0.3, random_state=seed)
    train, test = train.reset_index(drop=True), test.reset_index(drop=True)
    model, seconds = _base.timed(problems.rival("sampling", library).fit, train, k, seed)

    def draw(n: int, number: int) -> pd.DataFrame:
        rows = model.sample(n, random_state=(N_DRAWS + 2) * seed + number)
        return pd.DataFrame(rows, columns=train.columns)

    summaries = [
        SyntheticReport.from_tables(
            train, draw(len(test), number), test, random_state=seed
        ).summary()
        for number in range(N_DRAWS)
    ]
    found = pd.concat(summaries, axis=1).mean(axis=1)
    many, sample_seconds = _base.timed(draw, N_SAMPLES, N_DRAWS)
    assert len(many) == N_SAMPLES
    rows = draw(len(train), N_DRAWS + 1)
    metrics = {name: found[name] for name in ("auroc", "outside", "closer", "copies")}
    metrics |= {"useful": usefulness(train, rows, test, target)} | _quality(train, rows)
    return (
        _base.sizes(train, test)
        | {name: round(float(value), 6) for name, value in metrics.items()}
        | {"sample_seconds": sample_seconds, "fit_seconds": seconds}
    )


def usefulness(
    train: pd.DataFrame, rows: pd.DataFrame, test: pd.DataFrame, target: str | None
) -> float:
    """Return the AUROC in held-out rows of gradient boosting that learned from others.

    Parameters
    ----------
    train : DataFrame
        Training rows, whose median is what a number is to be above of.
    rows, test : DataFrame
        What is learned from, and what is predicted.
    target : str or None
        Name of the label, of two values; None takes the last column.

    Returns
    -------
    auroc : float
        0.5 if the label does not vary in what is learned from.
    """
    if target is None:
        name = train.columns[-1]
        labels = [frame[name] > train[name].median() for frame in (rows, test)]
    else:
        name = target
        # The rarer value; of a number, whatever is nearer to it than to the other.
        if pd.api.types.is_numeric_dtype(train[name]):
            labels = [frame[name].astype(float) > 0.5 for frame in (rows, test)]
        else:
            rare = train[name].value_counts().index[-1]
            labels = [frame[name] == rare for frame in (rows, test)]
    y, y_test = (label.to_numpy(bool) for label in labels)
    if len(np.unique(y)) < 2:
        return 0.5
    coded = _coded([rows.drop(columns=name), test.drop(columns=name)])
    classifier = HistGradientBoostingClassifier(random_state=0).fit(coded[0], y)
    return float(roc_auc_score(y_test, classifier.predict_proba(coded[1])[:, 1]))


def _coded(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return frames whose text is categories that they share."""
    whole = pd.concat(frames, ignore_index=True)
    text = [c for c in whole if not pd.api.types.is_numeric_dtype(whole[c])]
    whole = whole.astype(dict.fromkeys(text, "category"))
    stops = np.cumsum([len(frame) for frame in frames])
    return [whole.iloc[stop - len(f) : stop] for f, stop in zip(frames, stops, strict=True)]


def _quality(train: pd.DataFrame, rows: pd.DataFrame) -> dict[str, float]:
    """Return the scores of SDMetrics for columns and for pairs, none where it is not installed."""
    if importlib.util.find_spec("sdmetrics") is None:
        return {}
    from sdmetrics.reports.single_table import QualityReport

    discrete = discrete_columns(train)
    columns = {
        name: {"sdtype": "categorical" if name in discrete else "numerical"} for name in train
    }
    report = QualityReport()
    report.generate(train, rows, {"columns": columns}, verbose=False)
    scores = report.get_properties().set_index("Property")["Score"]
    return {"shape": scores["Column Shapes"], "trend": scores["Column Pair Trends"]}


def _read(name: str, seed: int) -> tuple[pd.DataFrame, str | None]:
    """Return a table and its label; of the continuous sets, the numbers alone."""
    if name in MIXED:
        return data.load_mixed(name, seed, MAX_ROWS)
    X = data.load(name, seed)
    if len(X) > MAX_ROWS:
        X = X[np.random.default_rng(seed).choice(len(X), MAX_ROWS, replace=False)]
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    whole = frame.columns[(frame == frame.round()).all()]
    return frame.astype(dict.fromkeys(whole, np.int64)), None


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the mean AUROC by data set, whom ours is below of, and the means of the others.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the compact table of AUROCs instead.

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
    lines += [tables.frame(table), "", tables.seeds(results, LIBRARIES), ""]
    rivals = ["tvae", "ctgan", "gaussian_copula", "mixture", "gaussian", "sklearn_ae_start"]
    for others in (*([name] for name in rivals), rivals[:3]):
        lines += _lower(table, others)
    lines += ["", "useful, mean over seeds; higher is better", ""]
    lines += [tables.frame(tables.means(results, "useful", LIBRARIES).droplevel("k")), ""]
    for names in (CONTINUOUS, MIXED):
        lines += _overall(results[results["data"].isin(names)])
    lines += tables.slowest(results, LIBRARIES, 10_000)
    return "\n".join([*lines, *failed]).rstrip()


def _overall(results: pd.DataFrame) -> list[str]:
    """Return the means of all metrics over the sets that a library and the others have."""
    if results.empty:
        return []
    sets = results.groupby("library")["data"].agg(set)
    shared = set.intersection(*sets)
    if not shared:
        return []
    few = results[results["data"].isin(shared)]
    by_set = few.groupby(["library", "data"])[METRICS].mean()
    table = by_set.groupby("library").mean()
    table["worst trend"] = by_set["trend"].groupby("library").min()
    table["worst shape"] = by_set["shape"].groupby("library").min()
    order = [name for name in LIBRARIES if name in table.index]
    title = f"means over {', '.join(sorted(shared))}"
    return [title, "", tables.frame(table.loc[order]), ""]


def _lower(table: pd.DataFrame, others: list[str]) -> list[str]:
    """Say on how many sets ours is below the best of others."""
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
