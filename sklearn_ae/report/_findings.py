"""What a report holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from sklearn_ae.report._columns import Target
from sklearn_ae.report._missing import MissingCells
from sklearn_ae.report._pictures import Pictures
from sklearn_ae.report._search import Codes
from sklearn_ae.report._strange import Strange
from sklearn_ae.report._verdicts import on_codes, on_missing, on_strange


@dataclass
class Findings:
    """What was found in a table.

    Attributes
    ----------
    name : str
        What the table is called.
    frame : DataFrame
        The columns in use; its index counts the rows of the file.
    names : DataFrame
        The columns that name rows, with the same index.
    identifiers : dict of str
        Why they do.
    target : Target or None
        What was predicted.
    notes : list of str
        What a reader has to know.
    codes, strange, missing, pictures
        What each part found.
    seconds : float
        How long it took.
    command : str
        What was called.
    """

    name: str
    frame: pd.DataFrame
    names: pd.DataFrame
    identifiers: dict[str, str]
    target: Target | None
    notes: list[str]
    codes: Codes
    strange: Strange
    missing: MissingCells
    pictures: Pictures
    seconds: float = 0.0
    command: str = field(default="sklearn-ae report")

    def verdicts(self) -> dict[str, list[str]]:
        """Return what was found in sentences, the most important first, by section."""
        return {
            "codes": on_codes(self.codes, self.n_rows, self.target),
            "strange": on_strange(self.strange, self.n_rows),
            "missing": on_missing(self.missing),
        }

    @property
    def n_rows(self) -> int:
        """Rows that were read."""
        return len(self.frame)
