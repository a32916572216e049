"""The strangest rows of a table, and why they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sklearn_ae.applications import AutoencoderOutlierDetector
from sklearn_ae.report._kept import is_level, numbers

N_ROWS = 5
N_REASONS = 3
# Share of a row's strangeness below which its reasons say little, as where columns are far out
# together: a replacement of one of them does not go with the others.
_LITTLE = 0.2


class Strange(NamedTuple):
    """What the detector found.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Of rows, by members that have not seen them; higher is more normal.
    rows : ndarray of shape (n_rows,)
        Labels of the strangest in the index of the table, the strangest first.
    reasons : DataFrame
        What `explain` returned, `row` being such a label.
    n_outliers : int
        Rows below the threshold.
    together : dict of list
        Of rows that no few cells explain: columns that are farthest out, what they hold, and
        their medians.
    """

    scores: np.ndarray
    rows: np.ndarray
    reasons: pd.DataFrame
    n_outliers: int
    together: dict[Any, list[tuple[str, Any, Any]]]


def find_strange(frame: pd.DataFrame, random_state: int) -> Strange:
    """Score rows by networks that have not seen them, and explain the strangest.

    Parameters
    ----------
    frame : DataFrame
        The columns.
    random_state : int
        Seed.
    """
    detector = AutoencoderOutlierDetector(
        novelty=False, contamination="auto", random_state=random_state
    ).fit(frame)
    scores = detector.training_scores_
    rows = np.argsort(scores, kind="stable")[:N_ROWS]
    reasons = detector.explain(frame.iloc[rows], N_REASONS)
    labels = frame.index.to_numpy()[rows]
    reasons = reasons.assign(row=labels[reasons["row"].to_numpy(dtype=int)])
    explained = reasons.groupby("row")["share"].sum()
    together = {
        label: _farthest_out(frame, label)
        for label in labels
        if explained.get(label, 0.0) < _LITTLE
    }
    return Strange(scores, labels, reasons, int((scores < detector.offset_).sum()), together)


def _farthest_out(frame: pd.DataFrame, label: Any) -> list[tuple[str, Any, Any]]:
    """Return numbers and dates of a row that are farthest from the median, in quartile ranges."""
    found = []
    for name in frame.columns:
        column = frame[name]
        if is_level(column) or pd.isna(column[label]):
            continue
        values = pd.Series(numbers(column), index=column.index)
        low, middle, high = values.quantile([0.25, 0.5, 0.75])
        distance = abs(values[label] - middle)
        if distance > high - low:
            out = distance / (high - low) if high > low else np.inf
            found.append((out, str(name), column[label], column.median()))
    found.sort(key=lambda each: -each[0])
    return [each[1:] for each in found[:N_REASONS]]
