"""Share of fresh rows that a default fit calls outliers, which is to be one in ten.

Half of at most 2,000 rows are fitted, in standardised columns, and the others are fresh: all are
inliers, so that each row that is flagged is one too many or one of the tenth. k is 0: every
estimator uses its own width.

- ``flagged``: share of the fresh rows that `predict` calls outliers with ``contamination="auto"``,
- ``in_sample``: the same where ``contamination=0.1`` would have set the threshold,
- ``n_calibration``: rows that the threshold comes from. All are held out once, in folds, below
  1,000 rows, and the validation part is from there on.

The outlier detector takes part twice: by folds, and as ``split`` by .3 of the rows, kept for it.

- ``p_01``, ``p_05``, ``p_50``: shares of the fresh rows whose p-value is at most .01, .05 and .5,
- ``false``: share of inliers among the rows that ``select_outliers(fdr=0.1)`` finds in the fresh
  rows and all outliers of the set, 0 if it finds none; ``power`` is the share of outliers it finds.

The bar allows for the rows that are counted and for those that the threshold comes from: the
standard error of the share is sqrt(0.09 / n_test + 0.09 / n_calibration).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks import data, problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["flagged", "in_sample", "n_calibration", "p_01", "p_05", "p_50", "false", "power"]
RIVALS = {
    "sklearn_ae": SklearnAERival("Autoencoder"),
    "wasserstein": SklearnAERival("WassersteinAutoencoder"),
    "vector_quantized": SklearnAERival("VectorQuantizedAutoencoder"),
    "denoising": SklearnAERival("DenoisingAutoencoder"),
    "sparse": SklearnAERival("SparseAutoencoder"),
    "contractive": SklearnAERival("ContractiveAutoencoder"),
    "variational": SklearnAERival("VariationalAutoencoder"),
    "stacked": SklearnAERival("StackedAutoencoder"),
    "detector": SklearnAERival("AutoencoderOutlierDetector"),
    "split": SklearnAERival("AutoencoderOutlierDetector", calibration=0.3),
}
LIBRARIES = list(RIVALS)
DATA = [
    "anomaly/Ionosphere",
    "anomaly/PageBlocks",
    "anomaly/WBC",
    "anomaly/breastw",
    "anomaly/cardio",
    "anomaly/fault",
    "anomaly/landsat",
    "anomaly/pendigits",
    "anomaly/vowels",
    "anomaly/wine",
]
MAX_ROWS = 2000
SHARE = 0.1
LEVELS = {"p_01": 0.01, "p_05": 0.05, "p_50": 0.5}
# The part of fits whose share is to be within two standard errors.
WITHIN = 0.95


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
        Name of the estimator.
    name : str
        Name of the data set.
    k : int
        0.
    seed : int
        Seed of the rows, of the split and of the estimator.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    X = np.random.default_rng(seed).permutation(data.load(name, seed))[:MAX_ROWS]
    halves = train_test_split(X, test_size=0.5, random_state=seed)
    train, fresh = _base.standardize(*halves)
    model, seconds = _base.timed(problems.rival("thresholds", library).fit, train, k, seed)
    n = len(train)
    part = getattr(model, "calibration", "cross-fit")
    if part == "cross-fit":
        part = 1.0 if n < 1000 or library == "detector" else model.validation_fraction
    known, new = (model.score_samples(rows) for rows in (train, fresh))
    return _base.sizes(train, fresh) | {
        "flagged": round(float(np.mean(model.predict(fresh) == -1)), 6),
        "in_sample": round(float(np.mean(new < np.quantile(known, SHARE))), 6),
        "n_calibration": round(part * n),
        "fit_seconds": seconds,
        **(_p_values(model, name, *halves) if hasattr(model, "p_values") else {}),
    }


def _p_values(model: Any, name: str, train: np.ndarray, fresh: np.ndarray) -> dict[str, float]:
    """Return how p-values of inliers are distributed, and what is selected by them."""
    frame, y = data.load_labelled(name, 0, np.iinfo(np.int64).max)
    strange = _base.standardize(train, frame.to_numpy()[y != 0])[1]
    fresh = _base.standardize(train, fresh)[1]
    p_values = model.p_values(fresh)
    found = model.select_outliers(np.concatenate([fresh, strange]), fdr=SHARE)
    measures = {name: np.mean(p_values <= level) for name, level in LEVELS.items()}
    measures["false"] = found[: len(fresh)].sum() / max(1, found.sum())
    measures["power"] = found[len(fresh) :].mean()
    return {name: round(float(value), 6) for name, value in measures.items()}


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write the shares, and whether they are within sampling error.

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
    table = results.pivot_table(index="data", columns="library", values="flagged")
    table = table[[name for name in LIBRARIES if name in table]]
    table.loc["mean"] = table.mean()
    if markdown:
        return tables.frame_markdown(table)
    variance = SHARE * (1 - SHARE) * (1 / results["n_test"] + 1 / results["n_calibration"])
    lines = ["flagged, mean over seeds", "", tables.frame(table), ""]
    found = results.assign(z=(results["flagged"] - SHARE) / np.sqrt(variance))
    for library in table:
        own = found[found["library"] == library]
        within = int((own["z"].abs() <= 2).sum())
        verdict = "clears" if within >= WITHIN * len(own) else "fails"
        lines.append(
            f"{library}: {own['flagged'].mean():.3f} of fresh rows (contamination=0.1: "
            f"{own['in_sample'].mean():.3f}); within two standard errors of {SHARE}: {within} of "
            f"{len(own)} fits: {verdict}"
        )
        if own["false"].notna().any():
            lines += _of_p_values(library, own)
    return "\n".join([*lines, *failed]).rstrip()


def _of_p_values(library: str, own: pd.DataFrame) -> list[str]:
    """Compare the shares of small p-values with their levels, and the false ones with the bound."""
    lines = []
    bounds = {**LEVELS, "false": SHARE}
    for name, level in bounds.items():
        error = own[name].std() / np.sqrt(len(own)) if len(own) > 1 else np.nan
        over = own[name].mean() - level > 2 * error
        lines.append(
            f"{library}: {name} {own[name].mean():.4f}, standard error {error:.4f}: "
            f"{'above' if over else 'within'} {level}"
        )
    return [*lines, f"{library}: power {own['power'].mean():.3f}"]


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the shares are in the report."""
    raise ValueError("The problem thresholds has no picture; use the report.")
