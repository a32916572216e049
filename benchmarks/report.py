"""Summaries of results in which a metric is compared with a baseline and with rivals."""

import pandas as pd
from packaging.version import Version

CELL = ["data", "k"]
FIT = [*CELL, "seed"]
OURS = "sklearn_ae"


def current(results: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of every library's newest version that hold no error.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.

    Returns
    -------
    results : DataFrame
    """
    newest = results.groupby("library")["version"].agg(lambda found: max(found, key=Version))
    keep = results["version"].eq(results["library"].map(newest)) & results["error"].eq("")
    return results[keep]


def means(results: pd.DataFrame, metric: str, libraries: list[str]) -> pd.DataFrame:
    """Average a metric over seeds.

    Parameters
    ----------
    results : DataFrame
        What `current` returned.
    metric : str
        Column to average.
    libraries : list of str
        Order of the columns; those without rows are left out.

    Returns
    -------
    table : DataFrame
        A row a (data, k), a column a library.
    """
    table = results.pivot_table(index=CELL, columns="library", values=metric, aggfunc="mean")
    return table[[name for name in libraries if name in table]]


def gains(results: pd.DataFrame, metric: str, library: str, ours: str = OURS) -> pd.Series:
    """Pair fits of the same data, k and seed, and subtract.

    Parameters
    ----------
    results : DataFrame
        What `current` returned.
    metric : str
        Column to compare, higher is better.
    library : str
        What to subtract.
    ours : str, default="sklearn_ae"
        What to subtract from.

    Returns
    -------
    gains : Series
        Indexed by (data, k, seed), only fits that both have.
    """
    fits = results.pivot_table(index=FIT, columns="library", values=metric)
    fits = fits.reindex(columns=[ours, library]).dropna()
    return (fits[ours] - fits[library]).rename(library)


def text(
    results: pd.DataFrame,
    metrics: list[str],
    libraries: list[str],
    *,
    baseline: str = "pca",
    tolerance: float = 1e-3,
    max_rows: int = 5000,
) -> str:
    """Write the table of means and the bars that our estimator has to clear.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    metrics : list of str
        Columns to compare, higher is better; the table shows the first.
    libraries : list of str
        Order of the columns.
    baseline : str, default="pca"
        The library that the mean of a cell may not fall below.
    tolerance : float, default=1e-3
        How far below the baseline counts as equal.
    max_rows : int, default=5000
        Most training rows of the fits whose seconds are reported.

    Returns
    -------
    text : str
    """
    failures = failed(results)
    results = current(results)
    if results.empty:
        return "\n".join(["No results.", *failures])
    table = means(results, metrics[0], libraries)
    paired = gains(results, metrics[0], baseline)
    if not paired.empty:
        by_cell = paired.groupby(CELL)
        table["worst"] = by_cell.min()
        table["at least " + baseline] = (by_cell.mean() >= -tolerance).map({True: "", False: "no"})
        table["at least " + baseline] = table["at least " + baseline].fillna("")
    lines = [f"{metrics[0]}, mean over seeds; worst: lowest {OURS} - {baseline} of one seed", ""]
    lines += [frame(table), ""]
    complete = means(results, metrics[0], libraries).dropna()
    if len(complete):
        overall = ", ".join(f"{name} {value:.3f}" for name, value in complete.mean().items())
        lines += [f"mean over the {len(complete)} cells that all have: {overall}", ""]
    versions = results.groupby("library")["version"].first()
    lines += ["versions: " + ", ".join(f"{name} {versions[name]}" for name in versions.index), ""]
    if paired.empty:
        lines += [f"No fit of {OURS} to compare with {baseline}.", ""]
    else:
        for metric in metrics:
            lines += bars(results, metric, baseline, tolerance)
        lines += shares(results, metrics[0], libraries, baseline)
        lines += slowest(results, libraries, max_rows)
    return "\n".join([*lines, *failures]).rstrip()


def markdown(
    results: pd.DataFrame,
    metric: str,
    libraries: list[str],
    labels: dict[str, str],
    *,
    lower: bool = False,
) -> str:
    """Write a table of means over k and seeds, a row a data set, as Markdown.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    metric : str
        Column to show.
    libraries : list of str
        Order of the columns.
    labels : dict
        Headings by library.
    lower : bool, default=False
        Lower is better.

    Returns
    -------
    text : str
        The best value of each row is bold. The last row is the mean over the data sets that every
        library has finished.
    """
    results = current(results)
    if results.empty:
        return "No results."
    table = (
        means(results, metric, libraries)
        .groupby("data")
        .agg(lambda column: column.mean(skipna=False))
    )
    table.loc["mean"] = table.dropna().mean()
    sizes = (results["n_train"] + results["n_test"]).groupby(results["data"]).first()
    widths = results["p"].groupby(results["data"]).first()
    lines = [
        "| data | rows | columns | " + " | ".join(labels.get(name, name) for name in table) + " |",
        "|---|" + "---:|" * (len(table.columns) + 2),
    ]
    for name, row in table.iterrows():
        shown = [_three_digits(value) for value in row]
        best = _three_digits(row.min() if lower else row.max())
        shown = [f"**{value}**" if value == best else value for value in shown]
        size = f"{sizes[name]:.0f} | {widths[name]:.0f}" if name in sizes else " | "
        label = name.replace("_", r"\_")
        lines.append(f"| {label} | {size} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def seeds(results: pd.DataFrame, libraries: list[str]) -> str:
    """Say how many seeds each library has.

    Parameters
    ----------
    results : DataFrame
        What `current` returned.
    libraries : list of str
        Order of the libraries.

    Returns
    -------
    line : str
        The least and the most over data sets, where they differ.
    """
    counts = results.groupby(["library", *CELL])["seed"].nunique().groupby("library")
    ranges = counts.agg(["min", "max"])
    shown = [
        f"{name} " + "-".join(str(count) for count in dict.fromkeys(ranges.loc[name]))
        for name in libraries
        if name in ranges.index
    ]
    return "seeds: " + ", ".join(shown)


def with_best(results: pd.DataFrame, metric: str, libraries: list[str], name: str) -> pd.DataFrame:
    """Add the rows of the library that is best in each cell, under another name.

    Parameters
    ----------
    results : DataFrame
        What `current` returned.
    metric : str
        Column by whose mean over seeds libraries are compared, higher is better.
    libraries : list of str
        Whom to choose from.
    name : str
        Name of the library in the added rows.

    Returns
    -------
    results : DataFrame
    """
    table = means(results, metric, libraries).dropna(how="all")
    if table.empty:
        return results
    best = table.idxmax(axis=1)
    chosen = best.reindex(pd.MultiIndex.from_frame(results[CELL])).to_numpy()
    rows = results[results["library"].to_numpy() == chosen]
    return pd.concat([results, rows.assign(library=name)], ignore_index=True)


def bars(results: pd.DataFrame, metric: str, baseline: str, tolerance: float) -> list[str]:
    """Say in how many cells ours is at least a baseline, and list the others.

    Parameters
    ----------
    results : DataFrame
        What `current` returned.
    metric : str
        Column to compare, higher is better.
    baseline : str
        The library that the mean of a cell may not fall below.
    tolerance : float
        How far below the baseline counts as equal. Ours has to be above the baseline by that
        much where it is negative.

    Returns
    -------
    lines : list of str
    """
    paired = gains(results, metric, baseline)
    if paired.empty:
        return []
    cells = paired.groupby(CELL).mean()
    losers = cells[cells < -tolerance].sort_values()
    lines = [
        f"{OURS} - {baseline}, {metric}",
        f"  mean >= {0 - tolerance:g}: {len(cells) - len(losers)} of {len(cells)} cells",
        f"  worst fit: {paired.min():+.4f} ({where(paired.idxmin())})",
        f"  mean gain: {cells.mean():+.4f}",
    ]
    lines += [f"  loses {where(key)}: {value:+.4f}" for key, value in losers.items()]
    return [*lines, ""]


def shares(results: pd.DataFrame, metric: str, libraries: list[str], baseline: str) -> list[str]:
    """Say how our estimator compares with each library that is not the baseline.

    Parameters
    ----------
    results : DataFrame
        What `current` returned.
    metric : str
        Column to compare, higher is better.
    libraries : list of str
        Whom to compare with.
    baseline : str
        The library to leave out.

    Returns
    -------
    lines : list of str
    """
    lines = [f"{OURS} - rival, {metric}, on the seeds that both have"]
    for library in libraries:
        if library in (OURS, baseline):
            continue
        cells = gains(results, metric, library).groupby(CELL).mean()
        if cells.empty:
            continue
        lines.append(
            f"  {library}: mean gain {cells.mean():+.4f}, above in {(cells > 0).mean():.1%} "
            f"of {len(cells)} cells"
        )
        losers = cells[cells <= 0].sort_values()
        lines += [f"    loses {where(key)}: {value:+.4f}" for key, value in losers.items()]
    return [*lines, ""]


def slowest(results: pd.DataFrame, libraries: list[str], max_rows: int) -> list[str]:
    """Say which fit of each library took longest.

    Parameters
    ----------
    results : DataFrame
        What `current` returned.
    libraries : list of str
        Order of the lines.
    max_rows : int
        Most training rows of the fits that count.

    Returns
    -------
    lines : list of str
    """
    small = results[(results["n_train"] <= max_rows) & results["fit_seconds"].notna()]
    lines = [f"slowest fit of up to {max_rows:,} rows"]
    for library in libraries:
        seconds = small[small["library"] == library].set_index(FIT)["fit_seconds"]
        if len(seconds):
            lines.append(f"  {library}: {seconds.max():.1f} s ({where(seconds.idxmax())})")
    return [*lines, ""] if lines[1:] else []


def failed(results: pd.DataFrame) -> list[str]:
    """List the fits that ended in an error.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.

    Returns
    -------
    lines : list of str
    """
    rows = results[results["error"] != ""]
    lines = [f"{len(rows)} failed fits"] if len(rows) else []
    return lines + [
        f"  {row.library} {row.version} {row.data} k={row.k} seed={row.seed}: {row.error}"
        for row in rows.itertuples()
    ]


def where(key: tuple) -> str:
    """Write the index of a cell or of a fit.

    Parameters
    ----------
    key : tuple
        (data, k) or (data, k, seed).

    Returns
    -------
    text : str
    """
    return " ".join([str(key[0]), f"k={key[1]}", *(f"seed={seed}" for seed in key[2:])])


def frame(table: pd.DataFrame) -> str:
    """Write a table for the terminal.

    Parameters
    ----------
    table : DataFrame
        Numbers with three digits; a dash where there is none.

    Returns
    -------
    text : str
    """
    return table.to_string(float_format=_three_digits, na_rep="-")


def frame_markdown(table: pd.DataFrame) -> str:
    """Write a table as Markdown.

    Parameters
    ----------
    table : DataFrame
        Its index becomes the first columns.

    Returns
    -------
    text : str
    """
    n_levels = table.index.nlevels
    table = table.reset_index()
    lines = [
        "| " + " | ".join(map(str, table.columns)) + " |",
        "|" + "---|" * n_levels + "---:|" * (len(table.columns) - n_levels),
    ]
    for row in table.itertuples(index=False):
        shown = [_three_digits(v) if isinstance(v, float) else str(v) for v in row]
        lines.append("| " + " | ".join(shown).replace("_", r"\_") + " |")
    return "\n".join(lines)


def _three_digits(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.3f}"
