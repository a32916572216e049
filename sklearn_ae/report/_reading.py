"""Tables of files, as they stand there: separators, decimal commas and dates are found out."""

from __future__ import annotations

import csv
import importlib.util
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sklearn_ae.report._errors import InputError

SEPARATORS = ",;\t"
PARQUET = (".parquet", ".pq")
# Lines that tell what separates cells, and their characters at most.
_LINES, _CHARACTERS = 50, 2**20
_ENCODINGS = ("utf-8-sig", "cp1252")
_COMMA = re.compile(r"\s*[+-]?(\d+|\d{1,3}([. ’']\d{3})+)(,\d+)?\s*")
_THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+(\.\d+)?\s*")
# What a date looks like, and how it is read; of those that fit all cells the first counts.
_DATES = (
    (r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", "ISO8601"),
    (r"\d{4}/\d\d?/\d\d?", "%Y/%m/%d"),
    (r"\d{4}/\d\d?/\d\d? \d\d?:\d\d", "%Y/%m/%d %H:%M"),
    (r"\d\d?\.\d\d?\.\d{4}", "%d.%m.%Y"),
    (r"\d\d?\.\d\d?\.\d\d", "%d.%m.%y"),
    (r"\d\d?\.\d\d?\.\d{4} \d\d?:\d\d", "%d.%m.%Y %H:%M"),
    (r"\d\d?/\d\d?/\d{4}", "%m/%d/%Y"),
    (r"\d\d?/\d\d?/\d{4}", "%d/%m/%Y"),
    (r"\d\d?/\d\d?/\d\d", "%m/%d/%y"),
    (r"\d\d?/\d\d?/\d\d", "%d/%m/%y"),
    (r"\d\d?/\d\d?/\d{4} \d\d?:\d\d", "%m/%d/%Y %H:%M"),
    (r"\d\d?/\d\d?/\d{4} \d\d?:\d\d", "%d/%m/%Y %H:%M"),
    (r"\d\d?[- ][A-Za-z]{3}[- ]\d{4}", "mixed"),
)


class Dialect(NamedTuple):
    """How a CSV file is written."""

    separator: str
    encoding: str


def read_file(path: Path) -> pd.DataFrame:
    """Read a table from a CSV or a Parquet file.

    Parameters
    ----------
    path : Path
        The file. Cells of CSV are separated by commas, semicolons or tabs.

    Returns
    -------
    frame : DataFrame
        Its columns: numbers, booleans, dates and text.

    Raises
    ------
    InputError
        If there is no such file, or no table in it.
    """
    check_file(path)
    if path.suffix.lower() in PARQUET:
        need_pyarrow()
        try:
            return typed(pd.read_parquet(path), ",")
        except (ValueError, OSError) as error:
            raise InputError(f"{path} cannot be read as Parquet: {_short(error)}") from error
    dialect = sniff(path)
    try:
        frame = pd.read_csv(
            path, sep=dialect.separator, encoding=dialect.encoding, low_memory=False
        )
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path} is empty; its first line has to name the columns.") from error
    except (pd.errors.ParserError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as CSV: {_short(error)}") from error
    return typed(frame, dialect.separator)


def check_file(path: Path) -> None:
    """Raise if there is no file to read."""
    if not path.exists():
        raise InputError(f"{path} does not exist; pass the path of a CSV or Parquet file.")
    if not path.is_file():
        raise InputError(f"{path} is not a file; pass the path of a CSV or Parquet file.")


def need_pyarrow() -> None:
    """Raise if Parquet files cannot be read."""
    if importlib.util.find_spec("pyarrow") is None:
        raise InputError("Parquet files need pyarrow; run pip install pyarrow, or pass a CSV file.")


def sniff(path: Path) -> Dialect:
    """Find out what separates the cells of a CSV file, and how its text is encoded."""
    try:
        with path.open("rb") as file:
            start = file.read(_CHARACTERS)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if b"\0" in start:
        raise InputError(f"{path} is not text; pass a CSV file, or a Parquet file named .parquet.")
    if not start.strip():
        raise InputError(f"{path} is empty; its first line has to name the columns.")
    # A character may be cut at the end of what was read.
    lines = start.splitlines()[: _LINES + 1][: -1 if len(start) == _CHARACTERS else None]
    encoding = next(e for e in (*_ENCODINGS, "latin-1") if _decodes(lines, e))
    text = [line.decode(encoding) for line in lines]
    return Dialect(max(SEPARATORS, key=lambda separator: _fit(text, separator)), encoding)


def _decodes(lines: list[bytes], encoding: str) -> bool:
    try:
        b"\n".join(lines).decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fit(lines: list[str], separator: str) -> tuple[float, int]:
    """Return how many lines have as many cells as the first, and how many these are."""
    try:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=separator) if cells]
    except csv.Error:
        return (0.0, 0)
    if not widths or widths[0] == 1:
        return (0.0, 0)
    return (Counter(widths)[widths[0]] / len(widths), widths[0])


def typed(frame: pd.DataFrame, separator: str) -> pd.DataFrame:
    """Read numbers with decimal commas, dates and booleans in columns of text.

    Parameters
    ----------
    frame : DataFrame
        The table.
    separator : str
        What separates cells in its file: where that is a comma, one in a number comes before
        thousands.

    Returns
    -------
    frame : DataFrame
        The same columns. Infinite numbers are missing, and so is text of white space.
    """
    columns = {name: _typed(frame.iloc[:, j], separator) for j, name in enumerate(frame)}
    return pd.DataFrame(columns, index=frame.index)


def _typed(column: pd.Series, separator: str) -> pd.Series:
    if pd.api.types.is_float_dtype(column):
        return column.replace([np.inf, -np.inf], np.nan)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert(None)
    if not (pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)):
        return column
    held = column.dropna()
    if len(held) and held.map(lambda cell: isinstance(cell, bool)).all():
        return column.astype("boolean")
    held_as = pd.api.types.infer_dtype(held)
    if held_as == "date":
        return pd.to_datetime(column)
    if held_as == "decimal":
        return column.astype(float)
    if not len(held) or not held.map(lambda cell: isinstance(cell, str)).all():
        return column
    blank = held.str.strip() == ""
    if blank.any():
        column = column.mask(column.index.isin(held.index[blank]))
        held = held[~blank]
    number = _numbers(held, separator)
    if number is not None:
        return number.reindex(column.index)
    dates = _dates(held)
    return column if dates is None else dates.reindex(column.index)


def _numbers(held: pd.Series, separator: str) -> pd.Series | None:
    if not len(held):
        return None
    thousands = bool(held.map(lambda cell: _THOUSANDS.fullmatch(cell) is not None).all())
    if thousands and separator == ",":
        return pd.to_numeric(held.str.replace(",", "").str.strip())
    if not held.map(lambda cell: _COMMA.fullmatch(cell) is not None).all():
        return None
    plain = held.str.replace(r"[. ’'\s]", "", regex=True).str.replace(",", ".")
    return pd.to_numeric(plain)


def _dates(held: pd.Series) -> pd.Series | None:
    cells = held.str.strip()
    for pattern, form in _DATES:
        first = cells.head(_LINES)  # most columns of text are told from dates by these
        if not first.str.fullmatch(pattern).all() or not cells.str.fullmatch(pattern).all():
            continue
        try:
            found = pd.to_datetime(cells, format=form, utc=form == "ISO8601")
        except ValueError:
            continue
        return found.dt.tz_localize(None) if found.dt.tz is not None else found
    return None


def _short(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
