"""From a table to what is found in it."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ae.data import read_table
from sklearn_ae.report._columns import MIN_ROWS, find_target, identifiers
from sklearn_ae.report._errors import InputError
from sklearn_ae.report._findings import Findings
from sklearn_ae.report._missing import fill_missing
from sklearn_ae.report._page import page
from sklearn_ae.report._pictures import draw
from sklearn_ae.report._search import N_COMPONENTS, N_FOLDS, search_codes
from sklearn_ae.report._strange import find_strange

MAX_ROWS = 5_000
# What the bar is made of: fits of the search, the fit to all rows, the detector, three imputers,
# and the pictures.
_SEARCH = 2 * len(N_COMPONENTS) * N_FOLDS
_DETECTOR, _IMPUTERS, _PICTURES = 4, 3, 2
TOTAL = _SEARCH + 1 + _DETECTOR + _IMPUTERS + _PICTURES

Progress = Callable[[int, str], None]


class Table:
    """A table that a report can be made of.

    Parameters
    ----------
    frame : DataFrame
        As it was read.
    name : str
        What it is called.
    target : str, optional
        The column to predict.
    max_rows : int, default=5000
        Of more rows, so many are drawn.
    random_state : int, default=0
        Seed of the draw.

    Raises
    ------
    InputError
        If there are too few rows or columns, or nothing to predict.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        name: str,
        *,
        target: str | None = None,
        max_rows: int = MAX_ROWS,
        random_state: int = 0,
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        if frame.shape[1] < 2:
            raise InputError(
                f"{name} has the column {str(frame.columns[0])!r} only, and a code needs two; are "
                "its cells separated by commas, semicolons or tabs?"
                if frame.shape[1]
                else f"{name} has no column."
            )
        _check_rows(len(frame), name)
        try:
            read_table(frame)
        except (TypeError, ValueError) as error:  # such as durations in a Parquet file
            raise InputError(f"{name}: {error}") from error
        found = None if target is None else find_target(frame, target, N_FOLDS)
        if found is not None:
            _check_rows(int(found.rows.sum()), name, f" that have a value of {found.name}")
        frame = frame.reset_index(drop=True)
        columns = frame.drop(columns=[] if found is None else [found.name])
        self.identifiers = identifiers(columns)
        self.names = columns[list(self.identifiers)]
        self.frame = columns.drop(columns=list(self.identifiers))
        self._check_columns()
        self.target = found
        if len(frame) > max_rows:
            self._draw(max_rows, random_state)
        if found is not None:
            self.notes += found.notes

    def _check_columns(self) -> None:
        varying = [name for name in self.frame if self.frame[name].nunique() > 1]
        if len(varying) < 2:
            left = ", ".join(map(str, self.identifiers))
            raise InputError(
                f"{self.name} has {len(varying)} columns with different values beside the target, "
                f"and a code needs two{f'; {left} name rows, and are left out' if left else ''}."
            )

    def _draw(self, n: int, random_state: int) -> None:
        self.notes.append(f"{n:,} of {len(self.frame):,} rows were drawn (--max-rows)")
        rows = np.random.default_rng(random_state).permutation(len(self.frame))[:n]
        rows.sort()
        self.frame, self.names = self.frame.iloc[rows], self.names.iloc[rows]
        if self.target is not None:
            place = np.cumsum(self.target.rows) - 1
            of = rows[self.target.rows[rows]]
            self.target = self.target._replace(
                y=self.target.y[place[of]], rows=self.target.rows[rows]
            )


def _check_rows(n: int, name: str, which: str = "") -> None:
    if n < MIN_ROWS:
        rows = "1 row" if n == 1 else f"{n} rows"
        raise InputError(f"{name} has {rows}{which}; a report needs {MIN_ROWS}.")


def report_on(
    table: Table,
    *,
    progress: Progress,
    random_state: int = 0,
    n_jobs: int = 2,
) -> Findings:
    """Search codes, find strange rows, fill missing cells, and draw.

    Parameters
    ----------
    table : Table
        The table.
    random_state : int, default=0
        Seed of all of it.
    n_jobs : int, default=2
        Fits at a time.
    progress : callable
        Called with what was done, of `TOTAL` in all, and with what comes next.

    Returns
    -------
    found : Findings
        What a page is made of.
    """
    start, frame, target = time.perf_counter(), table.frame, table.target
    rows = frame if target is None else frame[target.rows]
    searching = "Codes of PCA and of the autoencoder"
    progress(0, searching)
    codes = search_codes(
        rows,
        target,
        random_state=random_state,
        n_jobs=n_jobs,
        advance=lambda: progress(1, searching),
    )
    # Small tables have fewer sizes to try.
    progress(_SEARCH - len(codes.table) * N_FOLDS, "Strange rows")
    strange = find_strange(frame, random_state)
    progress(_DETECTOR, "Missing cells")
    missing = fill_missing(frame, random_state, lambda: progress(1, "Missing cells"))
    progress(0, "Pictures")
    pictures = draw(frame, target, codes, strange)
    progress(_PICTURES, "Done")
    return Findings(
        name=table.name,
        frame=frame,
        names=table.names,
        identifiers=table.identifiers,
        target=target,
        notes=table.notes,
        codes=codes,
        strange=strange,
        missing=missing,
        pictures=pictures,
        seconds=time.perf_counter() - start,
    )


def check_folder(folder: Path) -> None:
    """Make the folder of a report, or say why that cannot be.

    Raises
    ------
    InputError
        If it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output {folder} cannot be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"--output {folder} cannot be written to; choose another folder.")


def check_matplotlib() -> None:
    """Raise if there is nothing to draw with."""
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError('a report needs matplotlib; run pip install "sklearn-ae[plot]".')


def write(found: Findings, folder: Path) -> list[Path]:
    """Write the page and the picture.

    Parameters
    ----------
    found : Findings
        What is reported.
    folder : Path
        An existing folder.

    Returns
    -------
    paths : list of Path
        What was written.
    """
    paths = [folder / "report.html", folder / "report.png"]
    try:
        paths[0].write_text(page(found), encoding="utf-8")
        paths[1].write_bytes(found.pictures.whole)
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror}.") from error
    return paths
