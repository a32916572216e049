"""Two tables of the same columns, side by side, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.utils.validation import _num_samples

from sklearn_ae.data import Series, check_accepted, few_values, read_table

# Rows without which no classifier can be judged, and its folds.
LEAST_ROWS = 10
_FOLDS = 5
# Levels that gradient boosting tells apart, one of them being all others.
_MOST_LEVELS = 255
# Intervals of a number beside a category.
_BINS = 10
_LARGE = 1e300
# Numbers of so few values are not between them.
_FEW_VALUES = 20
# Pairs of rows whose distance is computed in all, and at a time; rows at most and at least.
_PAIRS, _BLOCK, _MOST_QUERIES, _FEWEST_QUERIES = 2**25, 2**21, 2_000, 200


class Tables:
    """Tables of the same columns as matrices: numbers, and numbers of levels.

    Parameters
    ----------
    tables : dict of str to data frame or array-like of shape (n_rows, n_columns)
        The tables by name; the first says which columns there are, and what they hold.

    Attributes
    ----------
    names : list
        Labels of the columns.
    kinds : list of {"number", "date", "category"}
        What each column holds.
    levels : list of list or None
        Levels of each column, the most frequent first; None for numbers and dates.
    codes : dict of str to ndarray of shape (n_rows, n_columns)
        Float64, NaN where a cell is missing.
    """

    def __init__(self, tables: dict[str, Any]) -> None:
        read = {name: _read(X, name) for name, X in tables.items()}
        first, *others = read
        self.names = [series.name for series in read[first]]
        framed = read[first][0].frame
        for name in others:
            read[name] = _in_order(read[name], self.names, name, first, framed)
        self.kinds: list[str] = []
        self.levels: list[list | None] = []
        codes: dict[str, list] = {name: [] for name in read}
        for column in zip(*read.values(), strict=True):
            kind, levels, cells = _encode(list(read), column)
            self.kinds.append(kind)
            self.levels.append(levels)
            for name, found in zip(read, cells, strict=True):
                codes[name].append(found)
        self.codes = {name: np.column_stack(found) for name, found in codes.items()}
        largest = np.nanmax([_range(np.abs(found))[1] for found in self.codes.values()], axis=0)
        # Sums and differences of the largest numbers overflow.
        self._unit = np.where(largest > _LARGE, largest, 1.0)

    def scaled(self, name: str) -> NDArray[np.float64]:
        """Return the codes of a table, those of columns of enormous numbers in smaller units."""
        return self.codes[name] / self._unit

    @property
    def categorical(self) -> NDArray[np.bool_]:
        """Which columns hold levels."""
        return np.array([kind == "category" for kind in self.kinds])

    def features(self, name: str) -> NDArray[np.float64]:
        """Return a table as gradient boosting takes it, of shape (n_rows, n_columns).

        The rarest of many levels are one. Missing cells are a level, and a number below all
        others, for no fold of a column may be without any.
        """
        out = self.scaled(name)
        out[:, self.categorical] = np.minimum(out[:, self.categorical], _MOST_LEVELS - 2)
        low, _ = _range(np.vstack([self.scaled(other) for other in self.codes]))
        below = low - 1 - np.abs(low)
        return np.where(np.isnan(out), np.where(self.categorical, _MOST_LEVELS - 1, below), out)

    def cells(self, name: str) -> dict[Any, NDArray]:
        """Return what a table holds, by column: numbers, points in time or levels."""
        found: dict[Any, NDArray] = {}
        for label, kind, levels, codes in zip(
            self.names, self.kinds, self.levels, self.codes[name].T, strict=True
        ):
            known = codes[~np.isnan(codes)]
            if levels is not None:
                found[label] = _objects(levels)[known.astype(np.intp)]
            elif kind == "date":
                found[label] = np.round(known * 86_400).astype("datetime64[s]")
            else:
                found[label] = known
        return found


def _read(X: Any, name: str) -> list[Series]:
    check_accepted(X, name)
    if issparse(X):
        raise TypeError(
            f"The table {name!r} is a sparse matrix; pass a data frame or an array, as with "
            ".toarray()."
        )
    if _num_samples(X) < LEAST_ROWS:
        raise ValueError(
            f"The table {name!r} has {_num_samples(X)} rows; a comparison needs {LEAST_ROWS}."
        )
    if np.ndim(X) == 2 and np.shape(X)[1] == 0:
        raise ValueError(f"The table {name!r} has no columns; pass one with some.")
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f":
        strange = np.argwhere(np.isinf(X))
        if len(strange):
            raise ValueError(
                f"The table {name!r} contains infinity in column {strange[0, 1]}, row "
                f"{strange[0, 0]}; replace it by a number or by NaN."
            )
    try:
        return read_table(X)
    except (ValueError, TypeError) as error:
        raise type(error)(f"The table {name!r} cannot be read: {error}") from error


def _in_order(
    table: list[Series], names: list, name: str, first: str, framed: bool
) -> list[Series]:
    """Return columns in the order of the first table's; those of arrays go by position."""
    if len(table) == len(names) and not (table[0].frame and framed):
        return table
    own = {series.name: series for series in table}
    missing = [label for label in names if label not in own]
    further = [label for label in own if label not in names]
    if missing or further:
        raise ValueError(
            f"The tables {first!r} and {name!r} differ in their columns: {name!r} lacks "
            f"{missing!r:.200} and has {further!r:.200} besides; pass tables of the same columns."
        )
    return [own[label] for label in names]


# Kinds of columns that compare with one that real rows hold, and what cells are called.
_COMPARABLE = {"number": ("number", "boolean")} | dict.fromkeys(
    ("category", "ordered"), ("category", "ordered")
)
_CALLED = {"number": "numbers", "date": "dates", "boolean": "booleans"}


def _encode(
    names: list[str], column: Sequence[Series]
) -> tuple[str, list | None, list[NDArray[np.float64]]]:
    """Return the kind of a column, its levels, None for numbers, and its cells in each table."""
    held = [series for series in column if not series.missing().all()]
    kind = held[0].kind if held else "number"
    for name, series in zip(names, column, strict=True):
        if series in held and series.kind not in _COMPARABLE.get(kind, (kind,)):
            first, both = names[column.index(held[0])], (held[0], series)
            a, b = (repr(s.objects()[~s.missing()][0])[:60] for s in both)
            raise ValueError(
                f"Column {series.name!r} held {_CALLED.get(kind, 'categories')} in the table "
                f"{first!r}, such as {a}, and holds {b} in {name!r}; convert it in one of them."
            )
    numeric = {"number": Series.numbers, "date": Series.days}.get(kind)
    if numeric is not None:
        cells = []
        for name, series in zip(names, column, strict=True):
            try:
                own = numeric(series) if series in held else np.full(len(series), np.nan)
            except ValueError as error:
                raise ValueError(f"The table {name!r} cannot be read: {error}") from error
            cells.append(own + 0.0)  # for -0 is 0
        return kind, None, cells
    objects = [series.objects() for series in column]
    known = [c[~s.missing()] for c, s in zip(objects, column, strict=True)]
    counts = pd.Series(np.concatenate(known), dtype=object).value_counts(sort=False)
    counts = counts.iloc[sorted(range(len(counts)), key=lambda i: str(counts.index[i]))]
    index = counts.sort_values(ascending=False, kind="stable").index
    codes = [index.get_indexer(pd.Index(c, dtype=object, tupleize_cols=False)) for c in objects]
    return "category", index.tolist(), [np.where(found < 0, np.nan, found) for found in codes]


def _objects(values: list) -> NDArray[np.object_]:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def marginals(tables: Tables, real: str, synthetic: str, seen: str) -> pd.DataFrame:
    """Compare each column of two tables; see `SyntheticReport`.

    Parameters
    ----------
    tables : Tables
        The rows.
    real, synthetic : str
        Names of the tables.
    seen : str
        Name of the table that says what a column can hold.
    """
    rows = []
    for j, levels in enumerate(tables.levels):
        a, b, known = (tables.codes[name][:, j] for name in (real, synthetic, seen))
        rows.append(
            {
                "kind": tables.kinds[j],
                "shape": _shape(a[~np.isnan(a)], b[~np.isnan(b)], levels),
                "outside": _outside(known, b, levels),
                "missing_real": float(np.isnan(a).mean()),
                "missing_synthetic": float(np.isnan(b).mean()),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(tables.names, tupleize_cols=False))


def _shape(a: NDArray, b: NDArray, levels: list | None) -> float:
    """Return 1 less the largest distance of distribution functions, or the total variation."""
    if not len(a) or not len(b):
        return float(len(a) == len(b))
    if levels is None:
        at = np.sort(np.concatenate([a, b]))
        below = [np.searchsorted(np.sort(c), at, side="right") / len(c) for c in (a, b)]
        return 1 - float(np.abs(below[0] - below[1]).max())
    shares = [np.bincount(c.astype(np.intp), minlength=len(levels)) / len(c) for c in (a, b)]
    return 1 - float(np.abs(shares[0] - shares[1]).sum() / 2)


def _outside(seen: NDArray, cells: NDArray, levels: list | None) -> float:
    """Return the share of cells that the column could not hold."""
    lacks = np.isnan(cells)
    held, count = np.unique(seen[~np.isnan(seen)], return_counts=True)
    few = len(held) <= min(_FEW_VALUES, len(seen) // 2) and few_values(count)
    if levels is not None or few or not len(held):
        strange = ~np.isin(cells, held)
    else:
        strange = (cells < held[0]) | (cells > held[-1])
        if (held == np.round(held)).all():
            strange |= cells != np.round(cells)
    return float(np.where(lacks, not np.isnan(seen).any(), strange).mean())


def pairs(tables: Tables, real: str, synthetic: str) -> pd.DataFrame:
    """Compare the dependence in each pair of columns; see `SyntheticReport`."""
    p = len(tables.names)
    categorical = tables.categorical
    a, b = tables.codes[real], tables.codes[synthetic]
    scores = np.full((p, p), np.nan)
    numbers = np.flatnonzero(~categorical)
    if len(numbers) > 1:
        ranks = [
            pd.DataFrame(c[:, numbers]).corr(method="spearman", min_periods=2).to_numpy()
            for c in (a, b)
        ]
        # A column that is constant has no correlation, and goes with no other.
        found = 1 - np.abs(np.nan_to_num(ranks[0]) - np.nan_to_num(ranks[1])) / 2
        scores[np.ix_(numbers, numbers)] = found
    cells = [_binned(a[:, j], b[:, j], levels) for j, levels in enumerate(tables.levels)]
    for i in range(p):
        for j in range(i):
            if categorical[i] or categorical[j]:
                scores[i, j] = scores[j, i] = _contingency(cells[i], cells[j])
    np.fill_diagonal(scores, np.nan)
    labels = pd.Index(tables.names, tupleize_cols=False)
    return pd.DataFrame(scores, index=labels, columns=labels)


def _binned(a: NDArray, b: NDArray, levels: list | None) -> tuple[NDArray, NDArray, int]:
    """Return the cells of a column as numbers of levels, a missing one as the last of them."""
    if levels is None:
        known = a[~np.isnan(a)]
        shares = np.arange(1, _BINS) / _BINS
        edges = np.unique(np.quantile(known, shares)) if len(known) else np.empty(0)
        n = len(edges) + 1
        binned = [np.asarray(np.searchsorted(edges, c, side="left")) for c in (a, b)]
    else:
        n, binned = len(levels), [a, b]
    codes = [
        np.where(np.isnan(c), n, found).astype(np.intp)
        for c, found in zip((a, b), binned, strict=True)
    ]
    return codes[0], codes[1], n + 1


def _contingency(
    first: tuple[NDArray, NDArray, int], second: tuple[NDArray, NDArray, int]
) -> float:
    """Return 1 less the total variation between the shares of pairs of levels."""
    width, n = second[2], len(first[0])
    joint = [first[0] * width + second[0], first[1] * width + second[1]]
    levels, place = np.unique(np.concatenate(joint), return_inverse=True)
    shares = [
        np.bincount(part, minlength=len(levels)) / len(part) for part in (place[:n], place[n:])
    ]
    return 1 - float(np.abs(shares[0] - shares[1]).sum() / 2)


def chances(
    tables: Tables, real: str, synthetic: str, seed: int
) -> tuple[NDArray[np.float64], float]:
    """Return the chance of each row that it is synthetic, out of fold, and its AUROC.

    Parameters
    ----------
    tables : Tables
        The rows.
    real, synthetic : str
        Names of the tables; real rows come first in the answer.
    seed : int
        Seed of the folds and of the classifier.
    """
    a, b = tables.features(real), tables.features(synthetic)
    X, y = np.vstack([a, b]), np.repeat([0, 1], [len(a), len(b)])
    classifier = _boosting(HistGradientBoostingClassifier, tables, seed)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    found = cross_val_predict(classifier, X, y, cv=folds, method="predict_proba")
    return found[:, 1], float(roc_auc_score(y, found[:, 1]))


def _boosting(kind: type, tables: Tables, seed: int, without: int | None = None) -> Any:
    categorical = tables.categorical
    if without is not None:
        categorical = np.delete(categorical, without)
    return kind(categorical_features=categorical, random_state=seed)


class Usefulness:
    """A target that is learned from one table and predicted in another.

    Parameters
    ----------
    tables : Tables
        The rows.
    target : object
        Label of the target.
    real : str
        Name of the table that decides what is to be predicted: numbers of more than two values
        by regression, all else by classification.
    """

    def __init__(self, tables: Tables, target: Any, real: str) -> None:
        self.tables = tables
        if target not in tables.names:
            raise ValueError(
                f"target={target!r} is no column of the tables, which have "
                f"{tables.names!r:.200}; name one of them."
            )
        self.place = tables.names.index(target)
        if len(tables.names) < 2:
            raise ValueError(f"target={target!r} is the only column; there is none to learn from.")
        y = tables.codes[real][:, self.place]
        values = np.unique(y[~np.isnan(y)])
        if len(values) < 2:
            raise ValueError(
                f"The target {target!r} has {len(values)} value in the table {real!r}; name a "
                "column that varies."
            )
        self.target = target
        self.regression = tables.levels[self.place] is None and len(values) > 2

    @property
    def measure(self) -> str:
        """Name of the score."""
        return "r2" if self.regression else "auroc"

    def split(self, name: str) -> tuple[NDArray, NDArray]:
        """Return features and target of the rows whose target is known."""
        rows = self.tables.features(name)
        y = self.tables.codes[name][:, self.place]
        known = ~np.isnan(y)
        return np.delete(rows[known], self.place, axis=1), y[known]

    def score(self, train: str, test: str, seed: int) -> float:
        """Return R² or the AUROC, that of one class against the others on average."""
        X, y = self.split(train)
        X_test, y_test = self.split(test)
        if len(np.unique(y_test)) < 2:
            raise ValueError(
                f"The target {self.target!r} does not vary in the table {test!r}, which has "
                f"{len(y_test)} rows that hold it; pass more rows, or another target."
            )
        if len(np.unique(y)) < 2:  # nothing to learn from
            constant = np.full(len(y_test), y[0] if len(y) else 0.0)
            return float(r2_score(y_test, constant)) if self.regression else 0.5
        kind = HistGradientBoostingRegressor if self.regression else HistGradientBoostingClassifier
        model = _boosting(kind, self.tables, seed, self.place).fit(X, y)
        if self.regression:
            return float(r2_score(y_test, model.predict(X_test)))
        return _auroc(y_test, model.predict_proba(X_test), model.classes_)


def _auroc(y: NDArray, chances: NDArray, classes: NDArray) -> float:
    """Return the AUROC of each class against the others, on average over those of y."""
    known = np.unique(y)
    if len(known) == 2:
        known = known[1:]
    column = {value: chances[:, k] for k, value in enumerate(classes)}
    none = np.zeros(len(y))
    return float(np.mean([roc_auc_score(y == v, column.get(v, none)) for v in known]))


def copies(tables: Tables, of: str, among: str, *, others: bool = False) -> float:
    """Return the share of rows of a table that occur in another, cell by cell.

    With `others`, both are the same table, and a row counts if another is like it.
    """
    own, known = (
        pd.util.hash_pandas_object(pd.DataFrame(tables.codes[name]), index=False)
        for name in (of, among)
    )
    return float((own.duplicated(keep=False) if others else own.isin(known)).mean())


def closest(
    tables: Tables, of: str, among: str, rng: np.random.Generator, *, others: bool = False
) -> NDArray[np.float64]:
    """Return the distance of rows of a table to the closest row of another.

    The distance is Gower's: the mean over columns of the difference of numbers as a share of
    their range in `among`, at most 1, and 0 or 1 for levels, and for a cell that one row lacks.

    Parameters
    ----------
    tables : Tables
        The rows.
    of, among : str
        Names of tables; of many rows, some are drawn from the first, none from the second.
    rng : numpy.random.Generator
        Draws them.
    others : bool, default=False
        Leave the row itself out, where both tables are the same.
    """
    rows, reference = tables.scaled(of), tables.scaled(among)
    n = int(np.clip(_PAIRS // len(reference), _FEWEST_QUERIES, _MOST_QUERIES))
    chosen = np.sort(rng.permutation(len(rows))[:n])
    low, high = _range(reference)
    found = np.empty(len(chosen))
    step = max(1, _BLOCK // len(reference))
    for start in range(0, len(chosen), step):
        block = chosen[start : start + step]
        distance = np.zeros((len(block), len(reference)))
        for j, categorical in enumerate(tables.categorical):
            a, b = rows[block, j][:, None], reference[None, :, j]
            apart = (a != b) * 1.0 if categorical else np.abs(a - b) / (high[j] - low[j])
            lacks = np.isnan(a), np.isnan(b)
            apart = np.where(lacks[0] | lacks[1], lacks[0] ^ lacks[1], np.minimum(apart, 1.0))
            distance += apart
        if others:
            distance[np.arange(len(block)), block] = np.inf
        found[start : start + step] = distance.min(axis=1)
    return found / len(tables.names)


def _range(rows: NDArray) -> tuple[NDArray, NDArray]:
    """Return the least and largest number of each column, 0 and 1 where they are the same."""
    empty = np.isnan(rows).all(axis=0)
    low = np.where(empty, 0.0, np.nanmin(np.where(empty, 0.0, rows), axis=0))
    high = np.where(empty, 1.0, np.nanmax(np.where(empty, 1.0, rows), axis=0))
    return low, np.where(high > low, high, low + 1.0)
