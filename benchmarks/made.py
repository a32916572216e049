"""Rows that are drawn, for what no data set shows: known structure, and any size."""

import numpy as np
import pandas as pd
from scipy import sparse


def sparse_rows(n: int, p: int, seed: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Draw sparse rows with a planted structure of low rank.

    Each row has two of 12 topics, in shares of its own. Of its 55 values, 44 are in columns that
    its topics prefer, which are 100 each, and the others anywhere; a value is the row's strength
    times a draw from a gamma distribution.

    Parameters
    ----------
    n, p : int
        Number of rows that train, and of columns.
    seed : int
        Seed of the rows.

    Returns
    -------
    train, test : sparse array
        Float32; a twentieth as many rows, at least 100, are held out besides.
    """
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


def users(n: int, p: int, seed: int) -> sparse.csr_array:
    """Draw users who each have about a hundred items, of two tastes.

    Each of 50 tastes has an order of the items; those that come first in it are taken most often.

    Parameters
    ----------
    n, p : int
        Number of users, and of items.
    seed : int
        Seed of the users.

    Returns
    -------
    users : sparse array of shape (n_users, n_items)
        1 where a user has an item.
    """
    rng = np.random.default_rng(seed)
    n_tastes, n_draws = 50, 110
    orders = np.stack([rng.permutation(p) for _ in range(n_tastes)]).astype(np.int32)
    tastes = rng.integers(0, n_tastes, (n, 2))
    which = np.where(rng.random((n, n_draws)) < 0.7, tastes[:, :1], tastes[:, 1:])
    place = (p * rng.random((n, n_draws)) ** 3).astype(np.int32)
    row = np.repeat(np.arange(n, dtype=np.int32), n_draws)
    ones = np.ones(n * n_draws, np.float64)
    found = sparse.coo_array((ones, (row, orders[which, place].ravel())), shape=(n, p)).tocsr()
    found.data[:] = 1.0
    return found


def on_manifold(
    name: str, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw rows on a manifold.

    Parameters
    ----------
    name : {"roll", "noisy_roll", "s_curve", "severed_sphere", "spheres"} or another name
        Which one; another name is a roll with noise of a tenth.
    n : int
        Number of rows.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    X : ndarray of shape (n, n_columns)
        The rows.
    flat : ndarray of shape (n, 2) or None
        Coordinates between which Euclidean distances are the geodesic ones, where there are any.
    """
    if name == "spheres":
        return spheres(n, rng), None
    u, v = rng.random(n), rng.random(n)
    if name == "s_curve":
        t = 3 * np.pi * (u - 0.5)
        X = np.column_stack([np.sin(t), 2 * v, np.sign(t) * (np.cos(t) - 1)])
        return X, np.column_stack([t, 2 * v])
    if name == "severed_sphere":
        # Without its poles and a slice, as in scikit-learn's comparison of manifold learners.
        t, p = np.pi / 8 + 3 / 4 * np.pi * u, (2 * np.pi - 0.55) * v
        return np.column_stack([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)]), None
    t, height = 1.5 * np.pi * (1 + 2 * u), 21 * v
    X = np.column_stack([t * np.cos(t), height, t * np.sin(t)])
    noise = {"roll": 0.0, "noisy_roll": 0.5}.get(name, 0.1)
    arc = (t * np.sqrt(1 + t**2) + np.arcsinh(t)) / 2
    return X + noise * rng.standard_normal(X.shape), np.column_stack([arc, height])


def spheres(n: int, rng: np.random.Generator) -> np.ndarray:
    """Ten spheres of 100 dimensions within a larger one (Moor et al. 2020), half of the rows."""
    directions = rng.standard_normal((n, 101))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    centres = rng.standard_normal((10, 101)) * 10 / np.sqrt(101)
    which = rng.integers(0, 20, n)
    inside = which < 10
    X = 25.0 * directions
    X[inside] = 5 * directions[inside] + centres[which[inside]]
    return X


def low_rank(n_rows: int, n_columns: int, seed: int) -> np.ndarray:
    """Draw six factors of decreasing strength and unit noise."""
    rng = np.random.default_rng(seed)
    strengths = np.array([1.0, 0.8, 0.6, 0.5, 0.4, 0.3])
    scores = rng.standard_normal((n_rows, len(strengths))) * strengths
    loadings = rng.standard_normal((len(strengths), n_columns))
    return scores @ loadings + rng.standard_normal((n_rows, n_columns))


def people(n: int, seed: int) -> pd.DataFrame:
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
