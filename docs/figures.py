"""Figures of the guide, from tracked CSV files; Sphinx draws them before it reads the pages."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

DOCS = Path(__file__).parent
OUTPUT = DOCS / "_figures"
RESULTS = DOCS.parent / "benchmarks" / "results"
LIBRARIES = {"sklearn_ae": "sklearn_ae", "torch": "torch, by hand", "mlp": "MLPRegressor"}


def frame(*rows: float, **style) -> tuple[Figure, list]:
    """Return a figure and its axes, side by side, by their widths."""
    figure = Figure(figsize=(3 + 3.2 * sum(rows), 3.4), layout="constrained")
    return figure, list(figure.subplots(1, len(rows), squeeze=False, width_ratios=rows, **style)[0])


def width() -> Figure:
    """Microseconds a batch, by the width of the first layer."""
    figure, (ax,) = frame(1.2)
    speed = pd.read_csv(RESULTS / "speed.csv").query("group == 'width'")
    units = speed["hidden"].str.partition("-")[0].astype(int)
    for library, name in LIBRARIES.items():
        own = speed["library"] == library
        ax.plot(units[own], speed.loc[own, "us_per_batch"], marker="o", label=name)
    ax.set(
        xscale="log", yscale="log", xlabel="units of the first layer", ylabel="µs a batch of 256"
    )
    ax.set_xticks(sorted(set(units)), sorted(set(units)), minor=False)
    ax.minorticks_off()
    ax.legend()
    return figure


def default_fits() -> pd.DataFrame:
    """Return fits of `Autoencoder` by the number of epochs."""
    fits = pd.read_csv(RESULTS / "speed_default.csv").query("library == 'sklearn_ae'")
    return fits[fits["r2"].notna()]


def rows() -> Figure:
    """Seconds of a default fit, by the number of rows."""
    figure, (ax,) = frame(1.2)
    fits = default_fits().query("max_iter == 'default'")
    points = ax.scatter(fits["n_train"], fits["seconds"], c=np.log10(fits["p"]), s=20)
    bar = figure.colorbar(points, ax=ax, label="columns", ticks=[1, 2, 3])
    bar.ax.set_yticklabels(["10", "100", "1,000"])
    ax.set(xscale="log", yscale="log", xlabel="training rows", ylabel="seconds of a default fit")
    return figure


def epochs() -> Figure:
    """R² of held-out rows and seconds, by `max_iter`."""
    figure, axes = frame(1, 1)
    by_epochs = default_fits().groupby("max_iter")[["r2", "seconds"]]
    order = ["0", "3", "10", "30", "default"]
    mean, median = by_epochs.mean().loc[order], by_epochs.median().loc[order]
    bars = axes[0].bar(order, mean["r2"], color=["0.7", "C0", "C0", "C0", "C1"])
    axes[0].bar_label(bars, fmt="%.3f")
    axes[0].set(xlabel="max_iter", ylabel="R² of held-out rows, mean", ylim=(0.6, 0.85))
    bars = axes[1].bar(order, median["seconds"], color=["0.7", "C0", "C0", "C0", "C1"])
    axes[1].bar_label(bars, fmt="%.2f")
    axes[1].set(xlabel="max_iter", ylabel="seconds, median")
    return figure


def gains() -> Figure:
    """Gain over PCA, a bar a table."""
    figure, (ax,) = frame(1.8)
    found = pd.read_csv(RESULTS / "reconstruction.csv")
    found = found[found["library"].isin(["pca", "sklearn_ae"]) & found["r2"].notna()]
    mean = found.pivot_table(index="data", columns="library", values="r2")
    gain = (mean["sklearn_ae"] - mean["pca"]).dropna().sort_values()
    ax.bar(range(len(gain)), gain, color=np.where(gain > 0.01, "C0", "0.7"))
    ax.set(xlabel=f"{len(gain)} tables", ylabel="R² above PCA's", xticks=[])
    for place in (0, len(gain) - 1):
        name = gain.index[place].rpartition("/")[2]
        ax.annotate(name, (place, gain.iloc[place]), ha="right" if place else "left", va="bottom")
    return figure


def serving() -> Figure:
    """Microseconds of one row, by who answers."""
    figure, (ax,) = frame(1.4)
    serve = pd.read_csv(RESULTS / "speed.csv").query("group == 'serve'")
    bars = ax.barh(serve["library"], serve["seconds_median"] * 1e6, color="C0")
    ax.bar_label(bars, fmt="%.0f", padding=3)
    ax.set(xlabel="µs for one row of 30 columns", xscale="log", xlim=(5, 2000))
    ax.invert_yaxis()
    return figure


def inference() -> Figure:
    """Seconds to encode and to rebuild rows, by who does it."""
    figure, axes = frame(1, 1)
    speed = pd.read_csv(RESULTS / "speed.csv").query("n == 1000000")
    for ax, group in zip(axes, ("transform", "reconstruct"), strict=True):
        own = speed[speed["group"] == group].sort_values("seconds_median")
        bars = ax.barh(own["library"], own["seconds_median"], color="C0")
        ax.bar_label(bars, fmt="%.2f", padding=3)
        ax.set(title=group, xlabel="seconds, 1,000,000 rows of 20 columns")
        ax.margins(x=0.15)
        ax.invert_yaxis()
    return figure


def sparse() -> Figure:
    """Memory and time of sparse rows, beside `TruncatedSVD`."""
    figure, axes = frame(1, 1, sharey=True)
    found = pd.read_csv(RESULTS / "sparse.csv")
    names = {"truncated_svd": "TruncatedSVD", "sklearn_ae_start": "max_iter=0"}
    libraries = found["library"].replace(names)
    for ax, column, unit in zip(axes, ("peak_gib", "fit_seconds"), ("GiB", "s"), strict=True):
        bars = ax.barh(libraries, found[column], color="C0")
        ax.bar_label(bars, fmt="%.3g", padding=3)
        ax.margins(x=0.15)
        ax.set(xlabel=f"{column.partition('_')[0]}, {unit}")
    axes[1].set(xscale="log", xlim=(0.1, 20_000))
    axes[0].invert_yaxis()
    return figure


def files() -> Figure:
    """Memory and time of rows in files and in memory, by their number."""
    figure, axes = frame(1.1, 1.1)
    found = pd.read_csv(RESULTS / "sources.csv").query("error.isna() and task != 'loss'")
    names = {"fit": "fit, default", "small": "fit, 32 units", "transform": "transform"}
    styles = {"file": "o-", "memory": "s--"}
    for (task, where), own in found.sort_values("n").groupby(["task", "where"]):
        color = f"C{list(names).index(task)}"
        label = names[task] + ", in memory" * (where == "memory")
        for ax, column in zip(axes, ("anon_peak_mib", "cpu_seconds"), strict=True):
            ax.plot(own["n"], own[column], styles[where], color=color, label=label)
    axes[0].set(xscale="log", xlabel="rows of 50 columns", ylabel="peak MiB", ylim=(0, None))
    axes[1].set(xscale="log", yscale="log", xlabel="rows of 50 columns", ylabel="seconds")
    axes[1].legend()
    return figure


def draw() -> None:
    """Draw every figure into `_figures`."""
    OUTPUT.mkdir(exist_ok=True)
    with mpl.rc_context({"axes.spines.right": False, "axes.spines.top": False}):
        for one in (width, rows, epochs, gains, serving, inference, sparse, files):
            one().savefig(OUTPUT / f"{one.__name__}.png", dpi=110)


if __name__ == "__main__":
    draw()
