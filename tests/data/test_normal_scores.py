"""Columns become normal scores and come back, with the density of the map."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest, norm

from sklearn_ae.data import ColumnScaling, NormalScores, Rows, scaling_from

RNG = np.random.default_rng(0)
N = 2000
SKEWED = RNG.lognormal(sigma=1.0, size=N)
CENSORED = np.maximum(RNG.standard_normal(N), 0.0)
LEVELS = RNG.integers(0, 4, N).astype(float)
CONSTANT = np.full(N, 7.0)
X = np.column_stack([SKEWED, CENSORED, LEVELS, CONSTANT, 1e9 * SKEWED])
CENSORED_AT, LEVELS_AT, CONSTANT_AT = 1, 2, 3


@pytest.fixture(scope="module")
def scaling() -> NormalScores:
    return NormalScores.fit(Rows(X))


def test_skewed_columns_become_standard_normal(scaling: NormalScores) -> None:
    u = scaling.apply(X)
    assert kstest(u[:, 0], norm.cdf).statistic < 0.02
    assert abs(u[:, 0].std() - 1) < 0.02
    new = RNG.lognormal(sigma=1.0, size=(N, 1)) * np.ones((1, X.shape[1]))
    assert kstest(scaling.apply(new)[:, 0], norm.cdf).statistic < 0.05


def test_rows_come_back_up_to_the_width_of_a_value(scaling: NormalScores) -> None:
    error = np.abs(scaling.restore(scaling.apply(X)) - X)
    assert (error <= 2e-3 * X.std(axis=0)).all()
    assert (error <= 1e-9 * (1 + np.abs(X))).mean() > 0.99


def test_no_slope_is_steeper_than_the_width_of_a_value_allows(scaling: NormalScores) -> None:
    close = np.column_stack([np.r_[np.zeros(500), 1e-9, RNG.standard_normal(500)]])
    for mapped, rows in ((scaling, X), (NormalScores.fit(Rows(close)), close)):
        steepest = np.exp(mapped.log_slope(rows)) * ColumnScaling.fit(Rows(rows)).scale
        assert steepest.max() < 8 / 1e-3


def test_values_that_many_rows_share_come_back_as_themselves(scaling: NormalScores) -> None:
    draws = scaling.restore(RNG.standard_normal((N, X.shape[1])))
    assert_array_equal(np.unique(draws[:, LEVELS_AT]), [0.0, 1.0, 2.0, 3.0])
    share = (draws[:, CENSORED_AT] == CENSORED.min()).mean()
    assert share == pytest.approx((CENSORED == 0).mean(), abs=0.04)
    assert draws[:, CENSORED_AT].min() == CENSORED.min()
    assert_array_equal(draws[:, CONSTANT_AT], 7.0)


def test_the_map_rises_and_its_slope_is_the_one_reported(scaling: NormalScores) -> None:
    x = np.sort(RNG.uniform(-5, 40, 500))[:, None] * np.ones((1, X.shape[1]))
    u = scaling.apply(x)[:, 0]
    assert (np.diff(u) > 0).all()
    step = 1e-7
    slope = (scaling.apply(x + step)[:, 0] - scaling.apply(x - step)[:, 0]) / (2 * step)
    agrees = np.isclose(np.log(slope), scaling.log_slope(x)[:, 0], atol=1e-3)
    assert agrees.mean() > 0.99  # all but steps across a knot


def test_the_density_integrates_to_one(scaling: NormalScores) -> None:
    sample_shape = np.linspace(-20, 400, 400_001)
    x = sample_shape[:, None] * np.ones((1, X.shape[1]))
    density = norm.pdf(scaling.apply(x)[:, 0]) * np.exp(scaling.log_slope(x)[:, 0])
    assert density.sum() * (sample_shape[1] - sample_shape[0]) == pytest.approx(1.0, abs=1e-3)


def test_weights_count_rows() -> None:
    x = X[:200]
    weight = RNG.integers(0, 4, len(x)).astype(float)
    weighted = NormalScores.fit(Rows(x, weight))
    repeated = NormalScores.fit(Rows(np.repeat(x, weight.astype(int), axis=0)))
    assert_allclose(weighted.apply(X), repeated.apply(X), rtol=1e-9, atol=1e-9)


def test_arrays_make_the_scaling_again(scaling: NormalScores) -> None:
    again = scaling_from(scaling.state())
    assert_array_equal(again.apply(X), scaling.apply(X))
    plain = ColumnScaling.fit(Rows(X))
    assert type(scaling_from(plain.state())) is ColumnScaling
    assert_array_equal(scaling_from(plain.state()).apply(X), plain.apply(X))


@pytest.mark.parametrize("n_rows", [1, 2, 3, 10])
def test_few_rows_are_no_error(n_rows: int) -> None:
    small = NormalScores.fit(Rows(X[:n_rows]))
    assert np.isfinite(small.apply(X)).all()
    assert np.isfinite(small.restore(RNG.standard_normal((50, X.shape[1])))).all()
    assert np.isfinite(small.log_slope(X)).all()
