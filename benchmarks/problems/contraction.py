"""Codes that move little when the row does.

``plain`` is the autoencoder without the penalty. Both are fitted on standardised training columns,
with k = 4. ``r2`` is pooled over all cells of the held-out rows. The others are divided by the
trace of the covariance of the held-out codes, so that a smaller code alone does not lower them:

- ``jacobian``: squared Frobenius norm of the Jacobian of `transform`, by central differences in
  float64, averaged over at most 256 held-out rows; above 64 columns it is estimated without bias
  from 64 random orthonormal directions,
- ``moved``: squared displacement of the codes under normal noise with a standard deviation of
  0.1, averaged over the held-out rows.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import problems
from benchmarks import report as tables
from benchmarks.problems import _base
from benchmarks.rivals.sklearn_ae import SklearnAERival

METRICS = ["r2", "jacobian", "moved"]
LIBRARIES = ["plain", "sklearn_ae"]
RIVALS = {
    "plain": SklearnAERival("Autoencoder"),
    "sklearn_ae": SklearnAERival("ContractiveAutoencoder"),
}
NOISE = 0.1
STEP = 1e-4
MAX_ROWS = 256
MAX_DIRECTIONS = 64


def grid(
    data_names: Iterable[str], libraries: Iterable[str], seeds: Iterable[int] | None
) -> Iterator[tuple[str, int, int, str]]:
    """Yield the cells as (data, k, seed, library); k is 4."""
    return _base.cells(data_names, libraries, seeds, widths=_base.four_below)


def run(library: str, name: str, k: int, seed: int) -> dict:
    """Run one cell.

    Parameters
    ----------
    library : str
        Name of the library.
    name : str
        Name of the data set.
    k : int
        Width of the code.
    seed : int
        Seed of the rows, the split, the library, the noise and the directions.

    Returns
    -------
    row : dict
        Metrics, sizes and the seconds of the fit.
    """
    train, test = _base.split_standardized(name, seed)
    fit = problems.rival("contraction", library).fit
    model, seconds = _base.timed(fit, train, k, seed)
    rng = np.random.default_rng(seed)
    codes = _base.finite(model.transform(test), (len(test), k), "code")
    variance = codes.var(axis=0, ddof=1).sum()
    moved = model.transform(test + NOISE * rng.standard_normal(test.shape)) - codes
    return _base.sizes(train, test) | {
        "r2": _base.pooled_r2(test, model.reconstruct(test)),
        "jacobian": float(f"{squared_jacobian(model.transform, test, rng) / variance:.6g}"),
        "moved": float(f"{np.mean(np.sum(moved**2, axis=1)) / variance:.6g}"),
        "fit_seconds": seconds,
    }


def squared_jacobian(
    transform: Callable[[np.ndarray], np.ndarray], X: np.ndarray, rng: np.random.Generator
) -> float:
    """Return the mean over rows of the squared Frobenius norm of a Jacobian.

    Parameters
    ----------
    transform : callable
        Maps rows to codes.
    X : ndarray of shape (n_rows, n_columns)
        Where to differentiate; the first `MAX_ROWS` are used.
    rng : Generator
        Draws the directions where there are more columns than `MAX_DIRECTIONS`.

    Returns
    -------
    norm : float
    """
    X = X[:MAX_ROWS]
    p = X.shape[1]
    directions = np.eye(p)
    if p > MAX_DIRECTIONS:
        directions = np.linalg.qr(rng.standard_normal((p, MAX_DIRECTIONS)))[0].T
    steps = STEP * directions[:, None, :]
    ahead, behind = (transform((X + sign * steps).reshape(-1, p)) for sign in (1, -1))
    slopes = (ahead - behind) / (2 * STEP)
    return float(np.sum(slopes**2) / len(X) * p / len(directions))


def report(results: pd.DataFrame, *, markdown: bool = False) -> str:
    """Write what contraction costs and what it brings.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    markdown : bool, default=False
        Write the table of means over k as Markdown instead.

    Returns
    -------
    text : str
    """
    failed, results = tables.failed(results), tables.current(results)
    fits = results.pivot_table(index=tables.FIT, columns="library", values=METRICS).dropna()
    if not {("r2", name) for name in LIBRARIES} <= set(fits):
        return "\n".join([f"No fit of both {' and '.join(LIBRARIES)}.", *failed])
    cells = fits.groupby(tables.CELL).mean()
    table = cells["r2"][LIBRARIES].add_prefix("r2 ")
    table["r2 difference"] = table[f"r2 {tables.OURS}"] - table["r2 plain"]
    for metric in ("jacobian", "moved"):
        table[metric] = cells[metric][tables.OURS] / cells[metric]["plain"]
    table.insert(table.columns.get_loc("jacobian") + 1, "root", np.sqrt(table["jacobian"]))
    if markdown:
        return tables.frame_markdown(table.groupby("data").mean())
    close = table["r2 difference"] >= -0.01
    lines = [
        "mean over seeds; jacobian, its square root and moved: those of sklearn_ae over those of "
        "plain",
        "",
        tables.frame(table),
        "",
        "mean over the cells: "
        + ", ".join(f"{name} {value:.3f}" for name, value in table.mean().items()),
        f"r2 at most 0.01 lower: {close.sum()} of {len(table)} cells",
    ]
    for column in ("jacobian", "root", "moved"):
        halved = table[column] <= 0.5
        lines += [
            f"{column} <= 0.5: {halved.sum()} of {len(table)} cells; "
            f"with r2 at most 0.01 lower: {(halved & close).sum()}"
        ]
    lines += ["", *tables.slowest(results, LIBRARIES, 5000)]
    return "\n".join([*lines, *failed]).rstrip()


def plot(results: pd.DataFrame, path: Path) -> None:
    """Refuse: the ratios are in the report."""
    raise ValueError("The problem contraction has no picture; use the report.")
