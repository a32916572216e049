"""Trees of dependence between binary columns are the best ones, and distributions."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.csgraph import minimum_spanning_tree

from sklearn_ae.data import Rows
from sklearn_ae.starts import TreeMixture, fit_trees, stacked_shares

RNG = np.random.default_rng(0)
EVERY = np.array(list(itertools.product([0.0, 1.0], repeat=5)))


def chain(n, seed=0, p=5):
    rng = np.random.default_rng(seed)
    rows = np.empty((n, p))
    rows[:, 0] = rng.random(n) < 0.3
    for j in range(1, p):
        rows[:, j] = np.where(rng.random(n) < 0.85, rows[:, j - 1], rng.random(n) < 0.5)
    return rows


def fit(x, weight=None, seed=0):
    companions = {} if weight is None else {"weight": weight}
    return fit_trees(Rows(x, **companions), np.random.default_rng(seed))


def information(x):
    p = x.shape[1]
    found = np.zeros((p, p))
    for i, j in itertools.permutations(range(p), 2):
        joint = np.histogram2d(x[:, i], x[:, j], bins=2)[0] / len(x)
        alone = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        found[i, j] = (joint[joint > 0] * np.log(joint[joint > 0] / alone[joint > 0])).sum()
    return found


def test_a_single_tree_has_the_most_information_of_all():
    x = chain(150)[:, [2, 0, 4, 1, 3]]
    trees = fit(x)
    trees.check(5)
    weights = information(x)
    edges = [(j, q) for j, q in enumerate(trees.parents[0]) if j != q]
    best = -minimum_spanning_tree(-weights).sum()
    assert sum(weights[edge] for edge in edges) == pytest.approx(best, rel=1e-6)


def test_a_single_tree_has_the_shares_of_the_rows():
    x = chain(180)
    trees = fit(x)
    for j, parent in enumerate(trees.parents[0]):
        for value in (0, 1):
            rows = slice(None) if parent == j else x[:, parent] == value
            assert trees.chances[0, j, value] == pytest.approx(x[rows, j].mean(), abs=0.02)


@pytest.mark.parametrize("n", [150, 800])
def test_probabilities_add_up_and_holes_are_summed_over(n):
    trees = fit(chain(n))
    assert (len(trees.log_weights) > 1) == (n == 800)
    found = np.exp(trees.log_density(EVERY))
    assert found.sum() == pytest.approx(1.0)
    holes = EVERY.copy()
    holes[:, [1, 4]] = np.nan
    expected = [found[(EVERY[:, [0, 2, 3]] == row[[0, 2, 3]]).all(axis=1)].sum() for row in EVERY]
    assert_allclose(np.exp(trees.log_density(holes)), expected)
    assert trees.log_density(np.full((1, 5), np.nan)) == pytest.approx(0.0, abs=1e-12)


def test_draws_are_those_of_the_probabilities():
    trees = fit(chain(800))
    drawn = trees.sample(20_000, np.random.default_rng(1))
    number = drawn @ 2 ** np.arange(4, -1, -1)
    shares = np.bincount(number.astype(int), minlength=32) / len(drawn)
    assert_allclose(shares, np.exp(trees.log_density(EVERY)), atol=0.012)


def test_weights_count_rows():
    x = chain(90)
    weight = np.where(np.arange(90) < 30, 2.0, 1.0)
    weighted, repeated = fit(x, weight), fit(np.concatenate([x, x[:30]]))
    given, expected = (np.exp(trees.log_density(EVERY)) for trees in (weighted, repeated))
    assert_allclose(given, expected, atol=0.003)
    assert np.abs(given - np.exp(fit(x).log_density(EVERY))).max() > 0.01
    scaled = fit(x, weight * 1e6)
    assert_allclose(scaled.log_density(EVERY), weighted.log_density(EVERY), rtol=1e-9)


def test_a_mixture_is_as_large_as_held_out_rows_want_it():
    rng = np.random.default_rng(3)
    centres = rng.random((6, 12)) < 0.5
    rows = (centres[rng.integers(0, 6, 4000)] ^ (rng.random((4000, 12)) < 0.05)).astype(float)
    single = fit(rows[:150])
    trees = fit(rows[:2000])
    assert len(single.log_weights) == 1
    gain = trees.log_density(rows[2000:]).mean() - single.log_density(rows[2000:]).mean()
    assert gain > 0.5
    alone = fit((rng.random((2000, 12)) < 0.5).astype(float))
    assert len(alone.log_weights) <= 3


def test_columns_may_be_constant_alone_or_in_between():
    x = np.c_[chain(150), np.ones(150), np.zeros(150), RNG.random(150)]
    trees = fit(x)
    trees.check(8)
    assert np.isfinite(trees.log_density(x)).all()
    assert np.isfinite(fit(x[:, 5:6]).log_density(x[:, 5:6])).all()


def test_a_row_alone_has_what_it_has_in_company():
    x = chain(800)
    x[::7, 2] = np.nan
    trees = fit(x)
    alone = np.concatenate([trees.log_density(row[None]) for row in x[:40]])
    assert_allclose(alone, trees.log_density(x)[:40], rtol=1e-12)


def test_rows_that_are_no_table_have_no_trees():
    assert fit_trees(Rows(RNG.random((60, 4, 4)).reshape(60, 16), sample_shape=(4, 4)), RNG) is None
    assert fit_trees(Rows(RNG.random((60, 2)), condition=RNG.random((60, 1))), RNG) is None
    assert fit_trees(Rows(np.zeros((60, 3000))), RNG) is None


def test_shares_are_the_most_likely():
    densities = np.log(RNG.random((500, 2)))
    share = stacked_shares(densities)[0]
    grid = np.linspace(0.001, 0.999, 999)
    likelihood = [np.log(np.exp(densities) @ [s, 1 - s]).mean() for s in grid]
    assert share == pytest.approx(grid[np.argmax(likelihood)], abs=0.02)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("parents", lambda a: a + 9, "a column that there is not"),
        ("parents", lambda a: np.roll(a, 1, axis=1), "do not come before"),
        ("order", lambda a: a * 0, "not an order"),
        ("order", lambda a: a[:, :3], "shape"),
        ("chances", lambda a: a * 0, "between 0 and 1"),
        ("chances", lambda a: a * np.nan, "between 0 and 1"),
        ("log_weights", lambda a: a - np.inf, "not finite"),
        ("parents", lambda a: a.astype(float), "type"),
    ],
)
def test_damaged_trees_are_refused(name, change, words):
    trees = fit(chain(150))
    damaged = trees._replace(**{name: change(getattr(trees, name))})
    with pytest.raises(ValueError, match=words):
        TreeMixture(*damaged).check(5)
