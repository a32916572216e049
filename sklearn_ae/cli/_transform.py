"""A saved model applied to a file, a part of its rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_ae.cli._models import load
from sklearn_ae.report import PARQUET, InputError, check_file, need_pyarrow, sniff, typed
from sklearn_ae.sources._out import as_frame
from sklearn_ae.sources._writing import ENDINGS, FileWriter

METHODS = ("transform", "score_samples", "reconstruct", "predict")
ROWS = 10_000


def transform_file(model: Path, file: Path, output: Path, method: str) -> int:
    """Write what a method of a saved model returns for the rows of a file.

    Parameters
    ----------
    model : Path
        A file of skops.
    file, output : Path
        CSV files, or Parquet files named .parquet.
    method : str
        One of `METHODS`.

    Returns
    -------
    n_rows : int
        Rows that were read.

    Raises
    ------
    InputError
        If a file is not what is needed, or the model has no such method.
    """
    check_file(file)
    estimator = load(model)
    part, answer = _answering(estimator, method)
    _check_output(output, file, model)
    n_rows = 0
    try:
        with FileWriter(output) as writer:
            for rows in _parts(file, _like(estimator)):
                try:
                    out = answer(rows)
                except (ValueError, KeyError) as error:
                    raise InputError(f"{file}, from row {n_rows:,}: {error}") from error
                writer.write(as_frame(part, out, method))
                n_rows += len(rows)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{output}: {error.strerror or error}.") from error
    except ValueError as error:  # a file of Parquet that is cut off
        raise InputError(f"{file} cannot be read: {error}") from error
    return n_rows


def _answering(estimator: Any, method: str) -> tuple[Any, Callable[[Any], Any]]:
    """Return who answers for rows, and how; of a Pipeline that predicts, the steps before may."""
    parts = [estimator, estimator[:-1]] if hasattr(estimator, "steps") else [estimator]
    for part in parts:
        if hasattr(part, method):
            return part, getattr(part, method)
        if method == "reconstruct" and hasattr(part, "inverse_transform"):
            return part, lambda rows, part=part: part.inverse_transform(part.transform(rows))
    others = [m for m in METHODS if m != method and any(hasattr(p, m) for p in parts)]
    raise InputError(
        f"the model, {type(estimator).__name__}, has no method {method}; use --method "
        f"{' or '.join(others) or 'of another model'}."
    )


def _like(estimator: Any) -> dict[str, Any]:
    """Return the dtypes that columns had in `fit`, of a model that can tell."""
    parts = [estimator, estimator[:-1]] if hasattr(estimator, "steps") else [estimator]
    for part in parts:
        if hasattr(part, "inverse_transform"):
            last = part[-1] if hasattr(part, "steps") else part
            rows = part.inverse_transform(np.zeros((1, last.n_components_)))
            if isinstance(rows, pd.DataFrame):
                return rows.dtypes.to_dict()
    return {}


def _parts(file: Path, dtypes: dict[str, Any]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a file, in parts that fit in memory."""
    if file.suffix.lower() in PARQUET:
        need_pyarrow()
        from pyarrow.parquet import ParquetFile

        with ParquetFile(file) as source:
            for batch in source.iter_batches(ROWS):
                yield _as_fitted(batch.to_pandas(), ",", dtypes)
        return
    dialect = sniff(file)
    text = {name: str for name, dtype in dtypes.items() if dtype.kind not in "iufbM"}
    parts = pd.read_csv(
        file, sep=dialect.separator, encoding=dialect.encoding, chunksize=ROWS, dtype=text
    )
    with parts:
        for rows in parts:
            yield _as_fitted(rows, dialect.separator, dtypes)


def _as_fitted(rows: pd.DataFrame, separator: str, dtypes: dict[str, Any]) -> pd.DataFrame:
    """Return the columns that the model knows; a part of a column may not tell what it holds."""
    if not dtypes:
        return typed(rows, separator)
    missing = [name for name in dtypes if name not in rows]
    if missing:
        raise InputError(
            f"there is no column {missing[0]!r}, which the model was fitted to; the columns are "
            f"{', '.join(map(str, rows.columns[:20]))}."
        )
    text = [name for name, dtype in dtypes.items() if dtype.kind not in "iufbM"]
    others = typed(rows[[name for name in dtypes if name not in text]], separator)
    dates = {n: dtypes[n] for n in others if dtypes[n].kind == "M" and others[n].isna().all()}
    return pd.concat([rows[text], others.astype(dates)], axis=1)[list(dtypes)]


def _check_output(output: Path, file: Path, model: Path) -> None:
    end = output.suffix.lower()
    if end not in ENDINGS:
        raise InputError(f"{output} has no ending that is known; use {', '.join(ENDINGS)}.")
    if end != ".csv":
        need_pyarrow()
    if output.resolve() in (file.resolve(), model.resolve()):
        raise InputError(f"{output} is a file that is read; write another one.")
    if not output.absolute().parent.is_dir():
        raise InputError(f"the folder of {output} does not exist; make it first.")
