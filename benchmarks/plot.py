"""Pictures of results."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks import report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS_COLOR = "#1f5fbf"
BASELINE_COLOR = "#222222"
RIVAL_COLORS = ["#d9822b", "#b5524a", "#7a9a4e", "#8b6fb0", "#5a9ea6"]
RIVAL_MARKERS = ["s", "D", "^", "v", "P"]


def relative_errors(
    results: pd.DataFrame,
    metric: str,
    libraries: list[str],
    labels: dict[str, str],
    path: Path,
    *,
    baseline: str = "pca",
    ours: str = report.OURS,
    limits: tuple[float, float] = (0.02, 12.0),
) -> None:
    """Draw the error that each library leaves, as a multiple of the baseline's.

    A row is a data set. The error is one minus the metric, averaged over k and seeds. A value
    outside the limits is drawn hollow at the edge.

    Parameters
    ----------
    results : DataFrame
        What `runner.read` returned.
    metric : str
        A share of explained variance.
    libraries : list of str
        Order of the legend.
    labels : dict
        Names by library.
    path : Path
        Where to write the picture.
    baseline : str, default="pca"
        The library at 1.
    ours : str, default="sklearn_ae"
        The library to emphasise, by which the rows are sorted.
    limits : tuple of float, default=(0.02, 12.0)
        Range of the axis.
    """
    table = report.means(report.current(results), metric, libraries)
    errors = 1 - table
    ratios = pd.DataFrame(
        {
            name: errors[name].groupby("data").mean()
            / errors[baseline].where(errors[name].notna()).groupby("data").mean()
            for name in errors
        }
    )
    explained = table[baseline].groupby("data").mean()
    order = ratios.get(ours, explained)
    ratios = ratios.loc[order.sort_values(ascending=ours not in ratios, na_position="first").index]
    _draw(
        ratios.drop(columns=baseline),
        labels,
        path,
        xlabel=f"error left on held-out rows, {labels.get(baseline, baseline)} = 1",
        reference=1.0,
        limits=limits,
        scale="log",
        ours=ours,
        margin=(f"R² of {labels.get(baseline, baseline)}", explained),
    )


def dots(
    table: pd.DataFrame,
    labels: dict[str, str],
    path: Path,
    *,
    xlabel: str,
    reference: float,
    limits: tuple[float, float],
    scale: str = "linear",
    ours: str = report.OURS,
) -> None:
    """Draw one number a data set and library.

    A row is a data set. A value outside the limits is drawn hollow at the edge.

    Parameters
    ----------
    table : DataFrame
        A row a data set, a column a library.
    labels : dict
        Names by library.
    path : Path
        Where to write the picture.
    xlabel : str
        What the numbers are.
    reference : float
        Where the line stands that ours is compared with.
    limits : tuple of float
        Range of the axis.
    scale : {"linear", "log", "symlog"}, default="linear"
        Scale of the axis.
    ours : str, default="sklearn_ae"
        The library to emphasise, by which the rows are sorted.
    """
    if ours in table:
        table = table.sort_values(ours, ascending=False, na_position="first")
    _draw(
        table,
        labels,
        path,
        xlabel=xlabel,
        reference=reference,
        limits=limits,
        scale=scale,
        ours=ours,
    )


def _draw(
    table: pd.DataFrame,
    labels: dict[str, str],
    path: Path,
    *,
    xlabel: str,
    reference: float,
    limits: tuple[float, float],
    scale: str,
    ours: str,
    margin: tuple[str, pd.Series] | None = None,
) -> None:
    """Draw the rows of a table from below, with the numbers of `margin` at the right."""
    from matplotlib.figure import Figure

    rows = np.arange(len(table))
    figure = Figure(figsize=(8.5, 1.6 + 0.27 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(reference, color=BASELINE_COLOR, linewidth=1.2, zorder=1)
    rivals = [name for name in table if name != ours]
    for name, color, marker in zip(rivals, RIVAL_COLORS, RIVAL_MARKERS, strict=False):
        style = {"color": color, "marker": marker, "size": 26, "label": labels.get(name, name)}
        _points(axes, table[name], rows, limits, **style, zorder=3)
    if ours in table:
        ends = table[ours].clip(*limits)
        axes.hlines(rows, ends, reference, color=OURS_COLOR, linewidth=2.2, alpha=0.55, zorder=2)
        style = {"color": OURS_COLOR, "marker": "o", "size": 58, "label": labels.get(ours, ours)}
        _points(axes, table[ours], rows, limits, **style, zorder=4)

    axes.set_xscale(scale)
    if scale == "log":
        axes.set_xlim(limits[0] / 1.1, limits[1] * 1.1)
        ticks = [tick for tick in (0.03, 0.1, 0.3, 1, 3, 10) if limits[0] <= tick <= limits[1]]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    else:
        if scale == "symlog":
            ticks = [tick for tick in (-10, -1, 0, 1, 10) if limits[0] <= tick <= limits[1]]
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        room = 0.02 * (limits[1] - limits[0])
        axes.set_xlim(limits[0] - room, limits[1] + room)
    axes.minorticks_off()
    axes.set_yticks(rows, table.index)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.grid(axis="both", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(xlabel)
    if margin is not None:
        _write_margin(axes, *margin, table.index)
    handles, names = axes.get_legend_handles_labels()
    if ours in table:
        handles, names = [handles[-1], *handles[:-1]], [names[-1], *names[:-1]]
    figure.legend(handles, names, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)


def _write_margin(axes: "Axes", title: str, values: pd.Series, index: pd.Index) -> None:
    style = {"va": "center", "fontsize": 8, "color": "#555555"}
    for row, name in enumerate(index):
        axes.annotate(
            f"{values[name]:.2f}", (1.03, row), xycoords=("axes fraction", "data"), **style
        )
    style |= {"va": "bottom", "ha": "center"}
    axes.annotate(title, (1.03, len(index) - 0.3), xycoords=("axes fraction", "data"), **style)


def _points(
    axes: "Axes",
    values: pd.Series,
    rows: np.ndarray,
    limits: tuple[float, float],
    *,
    color: str,
    marker: str,
    size: float,
    label: str,
    zorder: int,
) -> None:
    inside = values.between(*limits).to_numpy()
    outside = ~inside & values.notna().to_numpy()
    style = {"marker": marker, "s": size, "zorder": zorder, "edgecolors": color}
    axes.scatter(values[inside], rows[inside], facecolors=color, label=label, **style)
    axes.scatter(values.clip(*limits)[outside], rows[outside], facecolors="white", **style)
