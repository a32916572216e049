"""What is found of rows in files: tables and bars, from the results alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.speed import sources
from benchmarks.speed.report import Bar
from benchmarks.speed.sources import FILE, MEMORY, PATH_OF_FEW

TASKS = {
    "fit": "fit, default network, two epochs",
    "small": "fit, 32 hidden units, one epoch",
    "transform": "codes",
}
_COMPARED = {"held_out_loss": "mean", "log_loss": "geometric mean"}


def text(results: pd.DataFrame) -> str:
    """Write tables of costs and of losses, and the bars.

    Parameters
    ----------
    results : DataFrame
        What `sources.TABLE.read` returned.

    Returns
    -------
    text : str
    """
    good = results[results["error"] == ""]
    if good.empty:
        return "scale: no results."
    lines = ["scale: microseconds of the processor a row, and peak MiB that are no file's"]
    for task, words in TASKS.items():
        rows = good[good["task"] == task].sort_values(["n", "where"])
        lines += [f"  {words}"] * bool(len(rows))
        lines += [
            f"    {row.n:>12,} rows, {row.where:6} {row.us_a_row:6.1f} µs {row.anon_peak_mib:7,.0f}"
            for row in rows.itertuples()
        ]
    compared = losses(good)
    if len(compared):
        lines += ["", "scale: held-out losses of a file over those in memory, in percent"]
        lines += [
            f"  {row.data:7} {words:15} {row.mean:+5.1f} ± {row.error:.1f} in {row.draws} draws; "
            f"two draws in memory differ by {row.spread:.1f}, by up to {row.most:.1f}"
            for measure, words in _COMPARED.items()
            for row in compared[compared["measure"] == measure].itertuples()
        ]
    for row in read_into_memory(good).itertuples():
        lines.append(f"  {row.data:7} a path of few rows: {100 * row.ratio - 100:+.3f}")
    lines += ["", "bars", *(f"  {bar}" for bar in bars(good))]
    lines += [
        f"  failed: {row.task} {row.data} {row.where} {row.n}: {row.error}"
        for row in results[results["error"] != ""].itertuples()
    ]
    return "\n".join(lines)


def losses(good: pd.DataFrame) -> pd.DataFrame:
    """Compare losses of a file with those in memory, draw by draw.

    Parameters
    ----------
    good : DataFrame
        Rows without an error.

    Returns
    -------
    compared : DataFrame
        Of each table, and of the mean and the geometric mean of the losses of held-out rows:
        `mean` of the paired differences in percent and its standard error, number of `draws`,
        `spread`, the root of the mean square of what two draws in memory differ by, and the
        `most` that they do.
    """
    rows = good[good["task"] == "loss"]
    found = []
    for data in dict.fromkeys(rows["data"]):
        own = rows[(rows["data"] == data) & rows["where"].isin([FILE, MEMORY])]
        for measure in _COMPARED:
            each = own.pivot_table(index="seed", columns="where", values=measure)
            if set(each) != {FILE, MEMORY} or len(each := each.dropna()) < 2:
                continue
            # Logarithms, so that a ratio and its inverse are as far from 1.
            each = each if measure == "log_loss" else np.log(each)
            ratios, there = 100 * (each[FILE] - each[MEMORY]), 100 * each[MEMORY]
            found.append(
                {
                    "data": data,
                    "measure": measure,
                    "draws": len(each),
                    "mean": ratios.mean(),
                    "error": ratios.std() / len(each) ** 0.5,
                    "spread": 2**0.5 * there.std(),
                    "most": there.max() - there.min(),
                }
            )
    return pd.DataFrame(found)


def read_into_memory(good: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of losses of a path of few rows to those of the same in memory."""
    rows = good[good["task"] == "loss"].set_index(["data", "seed"])
    here, there = (rows.loc[rows["where"] == w, "held_out_loss"] for w in (PATH_OF_FEW, MEMORY))
    return (here / there).dropna().rename("ratio").reset_index()


def bars(good: pd.DataFrame) -> list[Bar]:
    """List the bars.

    Parameters
    ----------
    good : DataFrame
        Rows without an error.

    Returns
    -------
    bars : list of Bar
    """

    def of(column: str, task: str, n: int, where: str = FILE) -> float:
        chosen = (good["task"] == task) & (good["n"] == n) & (good["where"] == where)
        rows = good.loc[chosen, column]
        return float(rows.iloc[0]) if len(rows) else np.nan

    most, million = sources.SIZES[-1], 1_000_000
    tenth = sources.SIZES_IN_MEMORY[-1]
    found = []
    for task in ("fit", "small"):
        ratio = of("us_a_row", task, most) / of("us_a_row", task, tenth, MEMORY)
        name = f"{task}, {most:,} rows of a file"
        found.append(Bar(f"{name}, time a row / in memory of {tenth:,}", ratio, 1.3))
        found.append(Bar(f"{name}, peak MiB", of("anon_peak_mib", task, most), 1536))
        grown = of("anon_peak_mib", task, most) / of("anon_peak_mib", task, million)
        found.append(Bar(f"{name}, peak / that of {million:,}", grown, 1.15))
        name = f"{task}, rows of a file, exponent of n in the seconds"
        found.append(Bar(name, exponent(good, task), 1.1, 0.9))
    peak = of("anon_peak_mib", "transform", most)
    found.append(Bar(f"transform, {most:,} rows of a file, peak MiB", peak, 1024))
    compared = losses(good)
    means = [row for row in compared.to_dict("records") if row["measure"] == "held_out_loss"]
    return found + [
        Bar(f"loss, {row['data']}, file - memory, percent", abs(row["mean"]), 1.0) for row in means
    ]


def exponent(good: pd.DataFrame, task: str) -> float:
    """Fit the exponent of n in the seconds of the processor of a file; NaN below three sizes."""
    rows = good[(good["task"] == task) & (good["where"] == FILE)]
    if rows["n"].nunique() < 3:
        return np.nan
    n, seconds = (np.log(rows[column].to_numpy(float)) for column in ("n", "cpu_seconds"))
    return float(np.polyfit(n, seconds, 1)[0])
