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
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

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
    rows = np.arange(len(ratios))

    figure, axes = plt.subplots(figsize=(8.5, 1.6 + 0.27 * len(rows)), layout="constrained")
    axes.axvline(1, color=BASELINE_COLOR, linewidth=1.2, zorder=1)
    rivals = [name for name in ratios if name not in (baseline, ours)]
    for name, color, marker in zip(rivals, RIVAL_COLORS, RIVAL_MARKERS, strict=False):
        style = {"color": color, "marker": marker, "size": 26, "label": labels.get(name, name)}
        _points(axes, ratios[name], rows, limits, **style, zorder=3)
    if ours in ratios:
        ends = ratios[ours].clip(*limits)
        axes.hlines(rows, ends, 1, color=OURS_COLOR, linewidth=2.2, alpha=0.55, zorder=2)
        style = {"color": OURS_COLOR, "marker": "o", "size": 58, "label": labels.get(ours, ours)}
        _points(axes, ratios[ours], rows, limits, **style, zorder=4)

    axes.set_xscale("log")
    axes.set_xlim(limits[0] / 1.1, limits[1] * 1.1)
    ticks = [tick for tick in (0.03, 0.1, 0.3, 1, 3, 10) if limits[0] <= tick <= limits[1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(rows, ratios.index)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.grid(axis="both", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(f"error left on held-out rows, {labels.get(baseline, baseline)} = 1")
    for row, name in zip(rows, ratios.index, strict=True):
        axes.annotate(
            f"{explained[name]:.2f}",
            (1.03, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color="#555555",
        )
    axes.annotate(
        f"R² of {labels.get(baseline, baseline)}",
        (1.03, len(rows) - 0.3),
        xycoords=("axes fraction", "data"),
        va="bottom",
        ha="center",
        fontsize=8,
        color="#555555",
    )
    handles, names = axes.get_legend_handles_labels()
    if ours in ratios:
        handles, names = [handles[-1], *handles[:-1]], [names[-1], *names[:-1]]
    figure.legend(handles, names, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)
    plt.close(figure)


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
