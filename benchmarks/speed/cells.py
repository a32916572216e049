"""What is measured: layers, data and threads. A worker reads this file without torch."""

from dataclasses import dataclass

FIT, TRANSFORM, RECONSTRUCT = "fit", "transform", "reconstruct"
# Fits of several networks to the same rows.
ENSEMBLE, N_NETWORKS = "ensemble", 8
OURS, LIMIT, BARE = "sklearn_ae", "jax", "torch"
NORMAL = "normal"
SHUTTLE = "anomaly/shuttle"

# Who takes part in a task, in the order of the tables.
LIBRARIES = {
    FIT: [
        OURS,
        "sklearn_ae_eager",
        "sklearn_ae_pca",
        "skorch",
        "pyod",
        "mlp",
        BARE,
        LIMIT,
    ],
    ENSEMBLE: [OURS, "sklearn_ae_in_turn", BARE],
    TRANSFORM: [OURS, BARE, LIMIT],
    RECONSTRUCT: [OURS, "skorch", "pyod", "mlp", BARE, LIMIT],
}


@dataclass(frozen=True)
class Cell:
    """One measurement that every library of the task takes part in.

    Parameters
    ----------
    group : str
        Table of the report.
    task : {"fit", "ensemble", "transform", "reconstruct"}
        What the clock is on.
    n, p : int
        Rows and columns.
    hidden : tuple of int
        Widths of the encoder's hidden layers; the decoder has them in reverse.
    k : int
        Width of the code.
    batch : int
        Rows of a batch.
    epochs : int
        Passes over the rows.
    threads : int, default=1
        Threads, and cores, of the process.
    data : str, default="normal"
        "normal" for standard normal numbers, or a data set of `benchmarks.data`.
    device : {"cpu", "cuda"}, default="cpu"
        Where networks are.
    """

    group: str
    task: str
    n: int
    p: int
    hidden: tuple[int, ...]
    k: int
    batch: int
    epochs: int
    threads: int = 1
    data: str = NORMAL
    device: str = "cpu"

    def label(self) -> str:
        """Return a short name of the cell within its group."""
        layers = "-".join(map(str, (*self.hidden, self.k)))
        source = "" if self.data == NORMAL else f"{self.data.rpartition('/')[2]} "
        return f"{source}{self.n:,} x {self.p}, {layers}, batch {self.batch}, " + (
            f"threads {self.threads}" if self.device == "cpu" else self.device
        )


def _fit(group: str, n: int, p: int, epochs: int, **changes) -> Cell:
    layers = {"hidden": (64, 32), "k": 8, "batch": 256} | changes
    return Cell(group, FIT, n, p, epochs=epochs, **layers)


def _apply(task: str) -> list[Cell]:
    sizes = [(1_000_000, 20), (10_000, 100)]
    return [Cell(task, task, n, p, (64, 32), 8, 256, 1) for n, p in sizes]


_WIDE = {"hidden": (1024,), "k": 64}
_WIDTHS = [32, 64, 128, 256, 512, 1024]
_ROWS = (1_000, 10_000, 100_000, 1_000_000)

CELLS = [
    _fit("table", 49_097, 9, 20, data=SHUTTLE),
    _fit("table", 49_097, 9, 20, data=SHUTTLE, threads=2),
    _fit("table", 49_097, 9, 20, data=SHUTTLE, batch=1024),
    _fit("table", 49_097, 100, 20),
    _fit("table", 49_097, 100, 20, batch=1024),
    *(_fit("wide", 2_560, 1_000, 20, threads=threads, **_WIDE) for threads in (1, 2)),
    # Equally many epochs, so that passes before and after training weigh alike.
    *(_fit("n", n, 20, 5) for n in _ROWS),
    *(_fit("p", 10_000, p, 10) for p in (9, 30, 100, 300, 1_000)),
    *(_fit("width", 10_000, 100, 5, hidden=(width, width // 2)) for width in _WIDTHS),
    *(
        Cell(ENSEMBLE, ENSEMBLE, n, p, hidden, 8, batch, 20)
        for n, p, batch in ((1_000, 9, 32), (10_000, 20, 256))
        for hidden in ((16,), (64, 32))
    ),
    *(
        _fit("gpu", n, p, epochs, device="cuda", **changes)
        for n, p, epochs, changes in (
            (49_097, 9, 20, {"data": SHUTTLE}),
            (49_097, 9, 20, {"data": SHUTTLE, "batch": 1024}),
            (49_097, 100, 20, {}),
            (49_097, 1_000, 5, _WIDE),
        )
    ),
    *_apply(TRANSFORM),
    *_apply(RECONSTRUCT),
]


def n_batches(cell: Cell, library: str) -> int:
    """Return how many batches a library runs in a fit.

    Parameters
    ----------
    cell : Cell
        A cell whose task is "fit".
    library : str
        PyOD and the limit leave out the last batch of an epoch where it is not full.

    Returns
    -------
    n_batches : int
    """
    full, rest = divmod(cell.n, cell.batch)
    partial = rest > 0 and library not in ("pyod", LIMIT)
    return cell.epochs * (full + partial)
