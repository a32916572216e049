"""Command line of the benchmarks."""

import argparse
import fnmatch
import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.prompt import Confirm
from rich.table import Table

from benchmarks import problems, runner


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    status : int
    """
    options = _parser().parse_args(argv)
    options.results = options.results or runner.results_path(options.problem)
    console = Console(width=None if sys.stdout.isatty() else 120)
    return options.command(options, console)


def _run(options: argparse.Namespace, console: Console) -> int:
    cells, absent = _cells(options)
    if options.rerun:
        n_removed = runner.remove(options.results, options.problem, cells)
        console.print(f"{n_removed} earlier rows removed.")
    results = runner.read(options.results, options.problem)
    missing = runner.missing(cells, results, retry=options.retry)
    _print_cost(missing, len(cells), absent, results, console)
    if not missing:
        return 0
    if not options.yes and not (sys.stdin.isatty() and Confirm.ask("Run them?", console=console)):
        console.print("Nothing is run without --yes.")
        return 1
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    with progress:
        task = progress.add_task(options.problem, total=len(missing))

        def show(row: dict) -> None:
            label = f"{row['data']} k={row['k']} seed={row['seed']} {row['library']}"
            metrics = " ".join(
                f"{name} {row[name]:.4f}"
                for name in problems.get(options.problem).METRICS
                if name in row
            )
            seconds = f"{row.get('seconds', float('nan')):.2f} s"
            progress.console.print(f"{label}  {row['error'] or metrics}  {seconds}", markup=False)
            progress.advance(task)

        n_failed = runner.run(missing, options.results, n_jobs=options.jobs, callback=show)
    if n_failed:
        console.print(f"{n_failed} cells failed; their rows say why, and --retry runs them again.")
    return int(n_failed > 0)


def _cost(options: argparse.Namespace, console: Console) -> int:
    cells, absent = _cells(options)
    results = runner.read(options.results, options.problem)
    missing = runner.missing(cells, results, retry=options.retry)
    _print_cost(missing, len(cells), absent, results, console)
    return 0


def _report(options: argparse.Namespace, console: Console) -> int:
    results = runner.read(options.results, options.problem)
    print(problems.get(options.problem).report(results, markdown=options.markdown))
    return 0


def _plot(options: argparse.Namespace, console: Console) -> int:
    results = runner.read(options.results, options.problem)
    if results.empty:
        console.print("No results to draw.")
        return 1
    path = options.output or Path("docs/_static") / f"{options.problem}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    problems.get(options.problem).plot(results, path)
    console.print(f"Wrote {path}.")
    return 0


def _cells(options: argparse.Namespace) -> tuple[list[runner.Cell], list[str]]:
    names = None
    if options.data is not None:
        known = problems.data_names(options.problem)
        names = [name for pattern in options.data for name in fnmatch.filter(known, pattern)]
        names = list(dict.fromkeys(names))
        if not names:
            raise SystemExit(f"No data set matches {options.data}; known are {', '.join(known)}.")
    for name in options.libraries or ():
        try:
            problems.rival(options.problem, name)
        except ValueError:
            known = problems.get(options.problem).LIBRARIES
            raise SystemExit(f"No library is {name!r}; known are {', '.join(known)}.") from None
    return runner.grid(
        options.problem, libraries=options.libraries, data_names=names, seeds=options.seeds
    )


def _print_cost(
    missing: list[runner.Cell],
    n_cells: int,
    absent: list[str],
    results: pd.DataFrame,
    console: Console,
) -> None:
    for library in absent:
        console.print(f"{library} is not installed: its cells are left out.")
    seconds = runner.estimate(missing, results)
    table = Table("library", "missing", "estimate", "without estimate", box=None)
    for library in dict.fromkeys(cell.library for cell in missing):
        own = [s for cell, s in zip(missing, seconds, strict=True) if cell.library == library]
        table.add_row(library, str(len(own)), _duration(own), str(own.count(None)))
    if missing:
        console.print(table)
    console.print(
        f"{len(missing)} of {n_cells} cells are missing; estimated cost {_duration(seconds)}."
    )


def _duration(seconds: list[float | None]) -> str:
    known = [value for value in seconds if value is not None]
    if not known:
        return "unknown" if seconds else "0 s"
    total = sum(known)
    return f"{total:.0f} s" if total < 120 else f"{total / 60:.0f} min"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("problem", choices=problems.names())
    common.add_argument("--results", type=Path, help="another results file")
    cells = argparse.ArgumentParser(add_help=False)
    cells.add_argument("--libraries", nargs="+", help="names, as in the reports")
    cells.add_argument("--data", nargs="+", help="names or patterns, as in 'anomaly/*'")
    cells.add_argument("--seeds", nargs="+", type=int, help="seeds of every library")
    cells.add_argument("--retry", action="store_true", help="count failed cells as missing")

    run = commands.add_parser("run", parents=[common, cells], help="run the missing cells")
    run.add_argument("--yes", action="store_true", help="do not ask")
    run.add_argument("--jobs", type=int, default=1, help="processes")
    run.add_argument(
        "--rerun",
        action="store_true",
        help="forget the selected cells first, in the results file too",
    )
    run.set_defaults(command=_run)

    cost = commands.add_parser("cost", parents=[common, cells], help="say what is missing")
    cost.set_defaults(command=_cost)

    report = commands.add_parser("report", parents=[common], help="print the summary")
    report.add_argument("--markdown", action="store_true", help="print a compact table instead")
    report.set_defaults(command=_report)

    plot = commands.add_parser("plot", parents=[common], help="draw the results")
    plot.add_argument("--output", type=Path, help="path of the picture")
    plot.set_defaults(command=_plot)
    return parser
