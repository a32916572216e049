"""Column means and scales are numpy's, for weights, blocks and columns of any magnitude."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae.data import ColumnScaling, Rows, _rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)) * [0.5, 3.0, 20.0] + [-4.0, 0.0, 100.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_means_and_scales_are_those_of_numpy_in_float64(dtype: type) -> None:
    values = X.astype(dtype)
    scaling = ColumnScaling.fit(Rows(values))
    assert_allclose(scaling.mean, values.astype(np.float64).mean(axis=0), rtol=1e-12)
    assert_allclose(scaling.scale, values.astype(np.float64).std(axis=0), rtol=1e-12)
    assert scaling.mean.dtype == scaling.scale.dtype == np.float64


def test_weights_enter_means_and_scales() -> None:
    weight = RNG.uniform(size=40) * (RNG.uniform(size=40) < 0.7)
    scaling = ColumnScaling.fit(Rows(X, weight))
    mean = np.average(X, axis=0, weights=weight)
    assert_allclose(scaling.mean, mean, rtol=1e-12)
    assert_allclose(
        scaling.scale, np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight)), rtol=1e-12
    )


def test_a_weight_counts_like_repeated_rows() -> None:
    times = RNG.integers(0, 4, size=40)
    weighted = ColumnScaling.fit(Rows(X, times.astype(float)))
    repeated = ColumnScaling.fit(Rows(np.repeat(X, times, axis=0)))
    assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)
    assert_allclose(weighted.scale, repeated.scale, rtol=1e-12)


def test_a_row_of_weight_zero_is_not_looked_at() -> None:
    far = np.vstack([X, [1e300, -1e300, 1e300]])
    scaling = ColumnScaling.fit(Rows(far, np.r_[np.ones(40), 0.0]))
    assert_allclose(scaling.mean, X.mean(axis=0), rtol=1e-12)
    assert_allclose(scaling.scale, X.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("cells", [1, 7, 10**6])
@pytest.mark.parametrize("weighted", [False, True])
def test_block_size_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, cells: int, weighted: bool
) -> None:
    rows = Rows(X, np.arange(40.0) if weighted else None)
    whole = ColumnScaling.fit(rows)
    monkeypatch.setattr(_rows, "_BLOCK_CELLS", cells)
    monkeypatch.setattr(_rows, "_BLOCK_ROWS", 1)
    by_block = ColumnScaling.fit(rows)
    assert_allclose(by_block.mean, whole.mean, rtol=1e-13)
    assert_allclose(by_block.scale, whole.scale, rtol=1e-13)


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30, 1e300])
def test_no_column_is_too_small_or_too_large(unit: float) -> None:
    values = X / 200 * unit
    scaling = ColumnScaling.fit(Rows(values))
    assert_allclose(scaling.mean / unit, (X / 200).mean(axis=0), rtol=1e-12)
    assert_allclose(scaling.scale / unit, (X / 200).std(axis=0), rtol=1e-12)
    assert_allclose(scaling.apply(values), (X - X.mean(axis=0)) / X.std(axis=0), rtol=1e-9)
    assert_allclose(scaling.restore(scaling.apply(values)), values, rtol=1e-12)


def test_columns_sixty_orders_apart_keep_their_scales() -> None:
    units = np.array([1e-30, 1.0, 1e30])
    scaling = ColumnScaling.fit(Rows(X * units))
    assert_allclose(scaling.scale, X.std(axis=0) * units, rtol=1e-12)
    assert_allclose(scaling.relative_scale * scaling.scale.max(), scaling.scale, rtol=1e-15)


def test_a_far_mean_leaves_the_scale_right() -> None:
    scaling = ColumnScaling.fit(Rows(X + 1e9))
    assert_allclose(scaling.scale, X.std(axis=0), rtol=1e-6)
    assert_allclose(scaling.mean, X.mean(axis=0) + 1e9, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e9 / 3, -1e-30, 1e30])
def test_a_constant_column_is_seen_as_zero_and_restored_as_its_mean(
    value: float, weighted: bool, dtype: type
) -> None:
    constant = np.full((37, 1), value, dtype=dtype)
    scaling = ColumnScaling.fit(Rows(constant, np.arange(1.0, 38.0) / 7 if weighted else None))
    assert scaling.scale[0] == 0
    assert_array_equal(scaling.apply(constant), 0)
    assert_allclose(scaling.restore(np.ones((2, 1))), constant[:2], rtol=1e-14)


def test_standardised_rows_have_mean_0_and_standard_deviation_1() -> None:
    z = ColumnScaling.fit(Rows(X)).apply(X)
    assert_allclose(z.mean(axis=0), 0, atol=1e-14)
    assert_allclose(z.std(axis=0), 1, rtol=1e-13)


@pytest.mark.parametrize(
    ("scale", "expected"), [([2.0, 0.0, 4.0], [0.5, 0.0, 1.0]), ([0.0, 0.0], [0.0, 0.0])]
)
def test_relative_scales_are_shares_of_the_largest(
    scale: list[float], expected: list[float]
) -> None:
    scaling = ColumnScaling(np.zeros(len(scale)), np.array(scale))
    assert_array_equal(scaling.relative_scale, expected)


@pytest.mark.parametrize("n_features", [1, 5, 3000])
def test_float32_rows_are_standardised_as_float64_ones_are(n_features: int) -> None:
    rng = np.random.default_rng(0)
    size = 10.0 ** rng.integers(-8, 8, n_features)
    far = size * rng.choice([0.0, 1.0, 1e4], n_features)
    X = (rng.normal(size=(1234, n_features)) * size + far).astype(np.float32)
    X[:, -1] = 7.0 if n_features > 1 else X[:, -1]
    scaling = ColumnScaling.fit(Rows(X))
    found = scaling.standardizer(X.dtype)(X)
    assert found.dtype == np.float32
    assert_allclose(found, scaling.apply(X.astype(np.float64)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-38, 1e36])
def test_extreme_float32_columns_are_standardised(scale: float) -> None:
    X = (np.random.default_rng(0).normal(size=(50, 2)) * scale).astype(np.float32)
    scaling = ColumnScaling.fit(Rows(X))
    expected = scaling.apply(X.astype(np.float64))
    assert_allclose(scaling.standardizer(X.dtype)(X), expected, rtol=1e-6, atol=1e-6)
