"""The strangest rows of a table, and why they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from sklearn_ae.applications import AutoencoderOutlierDetector

N_ROWS = 5
N_REASONS = 3


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
    """

    scores: np.ndarray
    rows: np.ndarray
    reasons: pd.DataFrame
    n_outliers: int


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
    return Strange(scores, labels, reasons, int((scores < detector.offset_).sum()))
