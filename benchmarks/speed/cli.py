"""Command line of the speed benchmark."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.speed import cells as grid
from benchmarks.speed import (
    default,
    imports,
    kills,
    plot,
    report,
    reports,
    runner,
    serving,
    sources,
    sources_report,
    workers,
)
from benchmarks.speed.libraries import LIBRARIES

ALONE = {module.GROUP: module.run for module in (imports, serving)}
# Groups whose results lie in files of their own beside the others, by the names of these.
BESIDE = {sources.GROUP: [kills, sources, workers], reports.GROUP: [reports]}
GROUPS = [*dict.fromkeys(cell.group for cell in grid.CELLS), *ALONE, default.GROUP, *BESIDE]
PICTURE = runner.ROOT / "docs" / "_static" / "speed.png"


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
    return options.command(options)


def defaults_path(path: Path) -> Path:
    """Return where the results of the group "default" lie, beside the others.

    Parameters
    ----------
    path : Path
        The results file of the other groups.

    Returns
    -------
    path : Path
    """
    return path.with_name(f"{path.stem}_default{path.suffix}")


def _run(options: argparse.Namespace) -> int:
    of_version = runner.version()
    failed = 0
    if set(options.groups) - {*ALONE, *BESIDE, default.GROUP}:
        failed += _run_cells(options, of_version)
    for group in ALONE:
        if group in options.groups:
            _run_alone(group, options, of_version)
    for group in BESIDE:
        for module in BESIDE[group] if group in options.groups else ():
            path = options.results.with_name(module.PATH.name)
            failed += module.run(of_version, path, options.rerun)
    if default.GROUP in options.groups:
        failed += _run_default(options, of_version)
    return int(failed > 0)


def _run_cells(options: argparse.Namespace, of_version: str) -> int:
    found = runner.installed(options.libraries, options.limit_python)
    for name in found.absent:
        print(f"{name} is not installed and is left out.")
    wanted = [cell for cell in grid.CELLS if cell.group in options.groups]
    for cell in wanted:
        if not runner.available(cell):
            print(f"The data or the device are not here: {cell.group} {cell.label()} is left out.")
    wanted = [cell for cell in wanted if runner.available(cell)]
    results = runner.TABLE.read(options.results)
    todo = wanted if options.rerun else runner.missing(wanted, found, results, of_version)
    print(f"{len(todo)} of {len(wanted)} cells to run.")

    def rows_of(cell: grid.Cell) -> list[dict]:
        return runner.run_cell(
            cell,
            found,
            rounds=options.rounds,
            patience=options.patience,
            of_version=of_version,
        )

    failed = 0
    for cell in todo:
        rows = _timed(f"{cell.group}: {cell.label()}", lambda cell=cell: rows_of(cell))
        runner.TABLE.append(options.results, rows)
        failed += sum(bool(row["error"]) for row in rows)
        for row in rows:
            shown = row["error"] or f"{row['seconds_median']:.4f} s in {row['rounds']} rounds"
            print(f"  {row['library']}: {shown}", flush=True)
    return failed


def _run_alone(group: str, options: argparse.Namespace, of_version: str) -> None:
    results = runner.TABLE.read(options.results)
    there = results[(results["group"] == group) & (results["version"] == of_version)]
    if len(there) and not options.rerun:
        print(f"{group}: nothing to run.")
        return
    rows = _timed(group, lambda: ALONE[group](of_version, options.rounds))
    runner.TABLE.append(options.results, rows)


def _run_default(options: argparse.Namespace, of_version: str) -> int:
    path = defaults_path(options.results)
    for name in default.installed()[1]:
        print(f"{name} is not installed and is left out.")
    wanted = default.cells()
    results = default.TABLE.read(path)
    todo = wanted if options.rerun else default.missing(wanted, results, of_version)
    print(f"default: {len(todo)} of {len(wanted)} cells to run.", flush=True)
    if todo:
        default.warm_up()
    failed = 0
    for name, k in todo:
        rows = _timed(
            f"default: {name} k={k}", lambda name=name, k=k: default.run(name, k, of_version)
        )
        default.TABLE.append(path, rows)
        failed += sum(bool(row["error"]) for row in rows)
    return failed


def _timed(label: str, function: Callable[[], list[dict]]) -> list[dict]:
    start = time.perf_counter()
    rows = function()
    print(f"{label} ({time.perf_counter() - start:.1f} s)", flush=True)
    return rows


def _report(options: argparse.Namespace) -> int:
    results = runner.TABLE.read(options.results)
    print(report.text(results, default.TABLE.read(defaults_path(options.results))))
    of_files = sources.TABLE.read(options.results.with_name(sources.PATH.name))
    of_files = report.current(of_files, sources.TABLE.keys[:-1])
    print(f"\n{sources_report.text(of_files)}")
    return 0


def _plot(options: argparse.Namespace) -> int:
    plot.scaling(runner.TABLE.read(options.results), options.output)
    print(f"{options.output} written.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    commands = parser.add_subparsers(required=True)
    results = argparse.ArgumentParser(add_help=False)
    results.add_argument("--results", type=Path, default=runner.PATH, metavar="FILE")
    run = commands.add_parser("run", parents=[results], help="run the cells that are missing")
    usual = [group for group in GROUPS if group not in BESIDE]
    run.add_argument("--groups", nargs="+", choices=GROUPS, default=usual)
    run.add_argument(
        "--libraries",
        nargs="+",
        choices=LIBRARIES,
        default=list(LIBRARIES),
        help="of every group but import, serve and default",
    )
    run.add_argument("--rounds", type=int, default=5)
    run.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="a library that took longer does not run again in the cell",
    )
    run.add_argument(
        "--limit-python",
        metavar="PATH",
        help="interpreter that has jax; .venv-limit/bin/python or the running one by default",
    )
    run.add_argument("--rerun", action="store_true", help="run cells that have rows as well")
    run.set_defaults(command=_run)
    commands.add_parser("report", parents=[results], help="tables and bars").set_defaults(
        command=_report
    )
    draw = commands.add_parser("plot", parents=[results], help="the picture")
    draw.add_argument("--output", type=Path, default=PICTURE, metavar="FILE")
    draw.set_defaults(command=_plot)
    return parser
