"""Missing cells filled, and the error at cells that were hidden."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import KNNImputer

from sklearn_ae.applications import AutoencoderImputer
from sklearn_ae.report._encoder import TableEncoder
from sklearn_ae.report._kept import is_level, numbers

OURS, CONSTANT, NEAREST, ITERATIVE = (
    "AutoencoderImputer",
    "median or mode",
    "KNNImputer",
    "IterativeImputer",
)
# Share of the observed cells that are hidden, and the fewest of a column that say something.
_HIDDEN, _FEWEST = 0.1, 5
# Rows among which KNNImputer looks, and columns that IterativeImputer takes.
_DONORS, _WIDEST = 2_000, 40
_EXAMPLES = 6


class MissingCells(NamedTuple):
    """What was filled.

    Parameters
    ----------
    errors : DataFrame
        A row a column of the table, with `missing`, `hidden`, `text`, and the error of each
        imputer: the root mean squared error in standard deviations, or the share of wrong texts.
    filled : DataFrame
        Some of the cells that were missing: row, column, and what was filled in.
    """

    errors: pd.DataFrame
    filled: pd.DataFrame

    @property
    def imputers(self) -> list[str]:
        """Names of the imputers."""
        return [name for name in (OURS, CONSTANT, NEAREST, ITERATIVE) if name in self.errors]

    def means(self, *, text: bool) -> pd.Series:
        """Return the mean error over columns of text, or over the others."""
        errors = self.errors[self.errors["text"] == text]
        return errors[self.imputers].mean()


def fill_missing(
    frame: pd.DataFrame, random_state: int, advance: Callable[[], None]
) -> MissingCells:
    """Hide cells, fill them and those that are missing, and compare.

    Parameters
    ----------
    frame : DataFrame
        The columns.
    random_state : int
        Seed.
    advance : callable
        Called after each imputer.
    """
    rng = np.random.default_rng(random_state)
    hidden = (rng.random(frame.shape) < _HIDDEN) & frame.notna().to_numpy()
    # What a column has left says what it holds.
    hidden[:, (hidden | frame.isna().to_numpy()).all(axis=0)] = False
    incomplete = frame.mask(hidden)
    ours = AutoencoderImputer(random_state=random_state).fit(incomplete)
    answers = {OURS: ours.transform(incomplete)}
    advance()
    answers[CONSTANT] = _constants(incomplete)
    encoder = TableEncoder(fill=False)
    cells = encoder.fit_transform(incomplete)
    donors = rng.permutation(len(cells))[:_DONORS]
    nearest = KNNImputer().fit(cells[donors])
    if cells.shape[1]:
        answers[NEAREST] = encoder.inverse_transform(nearest.transform(cells))
    advance()
    if cells.shape[1] <= _WIDEST:
        answers[ITERATIVE] = encoder.inverse_transform(_iterative(cells, random_state))
    advance()
    errors = pd.DataFrame(
        [
            {
                "column": name,
                "missing": int(frame[name].isna().sum()),
                "hidden": int(hidden[:, j].sum()),
                "text": is_level(frame[name]),
                **{
                    imputer: _error(frame[name], answer.get(name), hidden[:, j])
                    for imputer, answer in answers.items()
                },
            }
            for j, name in enumerate(frame.columns)
        ]
    )
    return MissingCells(errors, _examples(frame, answers[OURS]))


def _error(true: pd.Series, filled: pd.Series | None, hidden: np.ndarray) -> float:
    if filled is None or hidden.sum() < _FEWEST:
        return np.nan
    filled = filled.set_axis(true.index)
    a, b = true[hidden], filled[hidden]
    if is_level(true):
        return float((a.astype(str) != b.astype(str)).mean())
    spread = float(np.nanstd(numbers(true)))
    return float(np.sqrt(np.mean((numbers(a) - numbers(b)) ** 2)) / spread) if spread else np.nan


def _constants(frame: pd.DataFrame) -> pd.DataFrame:
    filled = {}
    for name in frame.columns:
        column = frame[name]
        if column.isna().all():
            continue
        constant = column.mode().iloc[0] if is_level(column) else column.median()
        filled[name] = pd.Series([constant] * len(column), index=column.index)
    return pd.DataFrame(filled)


def _iterative(cells: np.ndarray, random_state: int) -> np.ndarray:
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        imputer = IterativeImputer(max_iter=5, random_state=random_state)
        return imputer.fit_transform(cells)


def _examples(frame: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    """Return what was filled in, from one column after the other."""
    found = []
    for name in frame.columns:
        if name in filled:
            empty = np.flatnonzero(frame[name].isna())
            found += [(turn, row, name) for turn, row in enumerate(empty[:_EXAMPLES])]
    chosen = sorted(found, key=lambda place: place[0])[:_EXAMPLES]
    cells = [(row, name, filled[name].iloc[row]) for _, row, name in chosen]
    return pd.DataFrame(cells, columns=["row", "column", "filled"], dtype=object)
