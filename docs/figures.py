"""Figures of the guide from tracked CSV files; Sphinx draws them before it reads the pages."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from fitted_figures import FIGURES, frame
from matplotlib.figure import Figure

DOCS = Path(__file__).parent
OUTPUT = DOCS / "_figures"
RESULTS = DOCS.parent / "benchmarks" / "results"
LIBRARIES = {"sklearn_ae": "sklearn_ae", "torch": "torch, by hand", "mlp": "MLPRegressor"}


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


def source_memory() -> Figure:
    """Most memory of a fit, by the number of rows, from a file and in memory."""
    figure, (ax,) = frame(1.4)
    found = pd.read_csv(RESULTS / "sources.csv").query("task == 'small'")
    names = {"memory": "rows in memory", "file": "rows in files"}
    for where, marker in (("memory", "s"), ("file", "o")):
        own = found[found["where"] == where].sort_values("n")
        ax.plot(own["n"], own["anon_peak_mib"], marker=marker, label=names[where])
    n = np.geomspace(found["n"].min(), found["n"].max())
    ax.plot(n, n * found["p"].iloc[0] * 4 / 2**20, ":", color="0.5", label="the rows, as float32")
    ax.set(xscale="log", yscale="log", xlabel="rows of 50 columns", ylabel="MiB, at most")
    ax.legend()
    return figure


def source_seconds() -> Figure:
    """Microseconds of the processor for a row, by the number of rows."""
    figure, (ax,) = frame(1.4)
    found = pd.read_csv(RESULTS / "sources.csv")
    lines = {
        "fit, rows in memory": "task == 'fit' and where == 'memory'",
        "fit, rows in files": "task == 'fit' and where == 'file'",
        "codes into a file": "task == 'transform'",
    }
    for name, query in lines.items():
        own = found.query(query).sort_values("n")
        ax.plot(own["n"], own["us_a_row"], marker="o", label=name)
    ax.set(
        xscale="log", xlabel="rows of 50 columns", ylabel="µs of a core for a row", ylim=(0, None)
    )
    ax.legend()
    return figure


def kills() -> Figure:
    """When fits were killed, and whether the second call ended bit-equal."""
    figure, (ax,) = frame(1.4)
    found = pd.read_csv(RESULTS / "checkpoints.csv")
    for equal, color, name in ((1, "C0", "ended bit-equal"), (0, "C3", "did not")):
        own = found[found["equal"] == equal]
        ax.scatter(own["moment"], own["kind"], color=color, s=18, label=f"{name}: {len(own)}")
    ax.set(xlabel="moment of the kill, as a share of the time of the fit", xlim=(0, 1))
    ax.margins(y=0.15)
    ax.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def worker_lines(ax, column: str) -> None:
    """Draw a line a number of workers, by the width of the layers."""
    found = pd.read_csv(RESULTS / "workers.csv").query("batch_size == 1024")
    names = {0: "fit, without workers", 1: "one worker", 2: "two workers"}
    for workers, own in found.groupby("workers"):
        ax.plot(
            own["width"], own[column], marker="o", label=names.get(workers, f"{workers} workers")
        )
    widths = sorted(set(found["width"]))
    ax.set(xscale="log", yscale="log", xlabel="units of a hidden layer")
    ax.set_xticks(widths, widths, minor=False)
    ax.minorticks_off()
    ax.legend()


def worker_epochs() -> Figure:
    """Seconds of an epoch, by width and workers."""
    figure, (ax,) = frame(1.2)
    worker_lines(ax, "seconds_median")
    ax.set_ylabel("seconds an epoch")
    return figure


def worker_calls() -> Figure:
    """Seconds of the whole call, the start of the workers included."""
    figure, (ax,) = frame(1.2)
    worker_lines(ax, "seconds_call")
    ax.set_ylabel("seconds of the call, four epochs")
    return figure


OF_RESULTS = (
    *(width, rows, epochs, gains, serving, inference, sparse),
    *(source_memory, source_seconds, kills, worker_epochs, worker_calls),
)


def draw() -> None:
    """Draw every figure into `_figures`."""
    OUTPUT.mkdir(exist_ok=True)
    with mpl.rc_context({"axes.spines.right": False, "axes.spines.top": False}):
        for one in (*OF_RESULTS, *FIGURES):
            one().savefig(OUTPUT / f"{one.__name__}.png", dpi=110)


if __name__ == "__main__":
    draw()
