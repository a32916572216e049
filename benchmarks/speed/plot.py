"""Picture of the seconds against the number of rows, of columns and of units."""

from pathlib import Path

import pandas as pd

from benchmarks.plot import OURS_COLOR, RIVAL_COLORS, RIVAL_MARKERS
from benchmarks.speed import report
from benchmarks.speed.cells import BARE, FIT, LIMIT, OURS

LABELS = {
    OURS: "sklearn_ae",
    "skorch": "skorch",
    "pyod": "PyOD",
    "mlp": "MLPRegressor",
    BARE: "torch alone",
    LIMIT: "jax, compiled epoch",
}
PANELS = {"n": "rows", "p": "columns", "width": "units of the first layer"}


def scaling(results: pd.DataFrame, path: Path) -> None:
    """Draw a panel a group: seconds an epoch against rows, µs a batch against the others.

    Parameters
    ----------
    results : DataFrame
        What `runner.TABLE.read` returned.
    path : Path
        Where to write the picture.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    results = report.current(results)
    results = results[(results["error"] == "") & (results["task"] == FIT)]
    results = results.assign(
        width=results["hidden"].str.partition("-")[0], s=results["seconds_median"]
    )
    results["s"] /= results["epochs"]
    figure = Figure(figsize=(10.5, 4.0), layout="constrained")
    panels = figure.subplots(1, len(PANELS))
    for axes, (group, xlabel) in zip(panels, PANELS.items(), strict=True):
        rows = results[results["group"] == group].astype({"width": int})
        value = "s" if group == "n" else "us_per_batch"
        rivals = [name for name in LABELS if name != OURS]
        for number, name in enumerate([*rivals, OURS]):
            line = rows[rows["library"] == name].sort_values(group)
            style = {"label": LABELS[name], "zorder": 2 + number}
            if name == OURS:
                style |= {"color": OURS_COLOR, "marker": "o", "linewidth": 2.2, "markersize": 6}
            else:
                style |= {"color": RIVAL_COLORS[number], "marker": RIVAL_MARKERS[number]}
                style |= {"linewidth": 1.3, "markersize": 4.5}
            if len(line):
                axes.plot(line[group], line[value], **style)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(sorted(set(rows[group])))
        axes.xaxis.set_major_formatter(FuncFormatter(_short))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.minorticks_off()
        axes.grid(axis="both", color="#e4e4e4", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(xlabel)
        axes.set_title("seconds an epoch" if group == "n" else "µs a batch", fontsize=10)
    handles = {}
    for axes in panels:
        found = zip(*axes.get_legend_handles_labels(), strict=True)
        handles |= {label: handle for handle, label in found}
    names = [label for label in LABELS.values() if label in handles]
    if names:
        figure.legend(
            [handles[name] for name in names],
            names,
            loc="outside upper center",
            ncols=len(names),
            frameon=False,
            fontsize=9,
        )
    figure.savefig(path, dpi=150)


def _short(value: float, _position: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size and value % (size / 10) == 0:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
