"""The command line."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from sklearn_ae._version import __version__
from sklearn_ae.cli._bars import bar
from sklearn_ae.cli._models import check_target, save
from sklearn_ae.cli._transform import METHODS, transform_file
from sklearn_ae.report import (
    MAX_ROWS,
    MIN_ROWS,
    TOTAL,
    InputError,
    Table,
    check_folder,
    check_matplotlib,
    read_file,
    report_on,
    write,
)

SHIPPED = Path(__file__).parents[1] / "report" / "data" / "flights.csv"


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : list of str, optional
        What is called; None takes those of the process.

    Returns
    -------
    status : int
        0, or 2 if a file, a column or a folder is not what is needed.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sklearn-ae", description="Autoencoders for a table in a file."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")
    report = commands.add_parser(
        "report",
        help="what autoencoders find in a table, as a page",
        description="Write a page on a table: codes beside PCA, strange rows with their reasons, "
        "and missing cells filled, with the error at hidden cells.",
    )
    report.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="a CSV or Parquet file; flights from New York, which the package brings, without one",
    )
    report.add_argument("--target", help="a column to predict from the codes, text or numbers")
    report.add_argument("--output", type=Path, help="a folder; FILE_report without one")
    report.add_argument("--model", type=Path, help="save what the search chose there (.skops)")
    report.add_argument(
        "--max-rows", type=int, default=MAX_ROWS, help="draw so many of more rows; %(default)s"
    )
    report.add_argument("--seed", type=int, default=0, help="seed of every draw; %(default)s")
    report.add_argument("--jobs", type=int, help="fits at a time; the cores, two at most")
    report.set_defaults(run=_report)
    transform = commands.add_parser(
        "transform",
        help="codes, scores or reconstructions of the rows of a file",
        description="Apply a saved model to a file, some thousand rows at a time.",
    )
    transform.add_argument("model", type=Path, help="what report --model has saved")
    transform.add_argument("file", type=Path, help="a CSV or Parquet file")
    transform.add_argument("output", type=Path, help="a CSV or Parquet file to write")
    transform.add_argument("--method", choices=METHODS, default=METHODS[0])
    transform.set_defaults(run=_transform)
    return parser


def _report(options: Any) -> int:
    check_matplotlib()
    if options.max_rows < MIN_ROWS:
        raise InputError(f"--max-rows {options.max_rows} is too few; use {MIN_ROWS} or more.")
    path = options.file or SHIPPED
    frame = read_file(path)
    table = Table(
        frame,
        path.name,
        target=options.target,
        max_rows=options.max_rows,
        random_state=options.seed,
    )
    folder = options.output or Path(f"{path.stem}_report")
    check_folder(folder)
    if options.model is not None:
        check_target(options.model)
        check_folder(options.model.absolute().parent)
    n_jobs = options.jobs or min(2, os.cpu_count() or 1)
    with bar(TOTAL) as progress:
        found = report_on(table, random_state=options.seed, n_jobs=n_jobs, progress=progress)
    found.command = _command(options)
    for sentences in found.verdicts().values():
        print(*sentences, sep="\n", end="\n\n")
    written = write(found, folder)
    if options.model is not None:
        save(found.codes.search.best_estimator_, options.model)
        written.append(options.model)
    print("Written: " + ", ".join(map(str, written)))
    return 0


def _command(options: Any) -> str:
    """Return what has to be called for the same report."""
    words = ["sklearn-ae", "report"]
    if options.file is not None:
        words.append(str(options.file))
    if options.target is not None:
        words += ["--target", options.target]
    if options.max_rows != MAX_ROWS:
        words += ["--max-rows", str(options.max_rows)]
    if options.seed:
        words += ["--seed", str(options.seed)]
    return shlex.join(words)


def _transform(options: Any) -> int:
    n_rows = transform_file(options.model, options.file, options.output, options.method)
    print(f"Written: {options.output}, {n_rows:,} rows")
    return 0
