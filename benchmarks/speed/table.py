"""Rows of a CSV file, of which the last one of every key counts."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Table:
    """A kind of CSV file.

    Parameters
    ----------
    keys : list of str
        Columns that name a row.
    values : list of str
        The other columns.
    text : list of str
        Which of the columns hold text.
    """

    keys: list[str]
    values: list[str]
    text: list[str]

    def read(self, path: Path) -> pd.DataFrame:
        """Read the rows.

        Parameters
        ----------
        path : Path
            A file, which may be absent.

        Returns
        -------
        rows : DataFrame
            Empty text is an empty string. A line that was cut off is left out.
        """
        if not path.exists() or path.stat().st_size == 0:
            return pd.DataFrame(columns=[*self.keys, *self.values])
        types = dict.fromkeys(self.text, str)
        frame = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
        frame[self.text] = frame[self.text].fillna("")
        whole = dict.fromkeys(set(self.keys) - set(self.text), int)
        frame = frame[frame["python"] != ""].astype(whole)
        return frame.drop_duplicates(self.keys, keep="last").reset_index(drop=True)

    def done(self, path: Path, of_version: str) -> set[tuple]:
        """Return the keys of rows of a version, which is the last key and left out.

        Parameters
        ----------
        path : Path
            A file, which may be absent.
        of_version : str
            Version of the package.
        """
        rows = self.read(path)
        own = rows.loc[rows["version"] == of_version, self.keys[:-1]]
        return set(own.itertuples(index=False, name=None))

    def append(self, path: Path, rows: Iterable[dict]) -> None:
        """Append rows in one write.

        Parameters
        ----------
        path : Path
            A file, written with its header where it is absent.
        rows : iterable of dict
            Values by column; columns left out stay empty.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = io.StringIO()
        with open(path, "a+", newline="") as file:
            writer = csv.DictWriter(lines, [*self.keys, *self.values], lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            else:
                file.seek(file.tell() - 1)
                if file.read(1) != "\n":
                    lines.write("\n")
            writer.writerows(rows)
            file.write(lines.getvalue())
