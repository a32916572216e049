"""Rows select without copying, drop weight zero, and read float64 blocks."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_ae.data import Rows, _rows

X = np.arange(36.0).reshape(12, 3)
WEIGHT = np.array([0, 1, 2, 0, 3, 1, 1, 0, 2, 2, 1, 0], dtype=float)
KEPT = np.flatnonzero(WEIGHT)


def read(rows: Rows) -> tuple[np.ndarray, np.ndarray | None]:
    values, weights = zip(*rows.blocks(), strict=True)
    return np.concatenate(values), None if weights[0] is None else np.concatenate(weights)


def test_without_weights_all_rows_count_once() -> None:
    rows = Rows(X)
    assert (rows.n_rows, rows.n_features, rows.total_weight) == (12, 3, 12.0)
    assert rows.weights is None
    values, weights = read(rows)
    assert_array_equal(values, X)
    assert weights is None


def test_rows_of_weight_zero_are_dropped() -> None:
    rows = Rows(X, WEIGHT)
    assert (rows.n_rows, rows.total_weight) == (len(KEPT), WEIGHT.sum())
    assert_array_equal(rows.weights, WEIGHT[KEPT])
    values, weights = read(rows)
    assert_array_equal(values, X[KEPT])
    assert_array_equal(weights, WEIGHT[KEPT])


@pytest.mark.parametrize("weight", [None, WEIGHT, WEIGHT + 1])
def test_take_selects_by_position_in_the_selection(weight: np.ndarray | None) -> None:
    kept = np.arange(12) if weight is None else np.flatnonzero(weight)
    chosen = Rows(X, weight).take(np.array([6, 2, 3])).take(np.array([2, 0]))
    expected = kept[[3, 6]]
    values, weights = read(chosen)
    assert_array_equal(values, X[expected])
    assert chosen.n_rows == 2
    if weight is None:
        assert weights is None
        assert chosen.total_weight == 2
    else:
        assert_array_equal(weights, weight[expected])
        assert_array_equal(chosen.weights, weight[expected])
        assert chosen.total_weight == weight[expected].sum()


@pytest.mark.parametrize("cells", [1, 3, 10, 10**6])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_blocks_are_bounded_and_add_up_to_the_rows(
    monkeypatch: pytest.MonkeyPatch, cells: int, weight: np.ndarray | None
) -> None:
    rows = Rows(X, weight)
    whole, whole_weights = read(rows)
    monkeypatch.setattr(_rows, "_BLOCK_CELLS", cells)
    monkeypatch.setattr(_rows, "_BLOCK_ROWS", 1)
    assert max(block.size for block, _ in rows.blocks()) <= max(cells, rows.n_features)
    values, weights = read(rows)
    assert_array_equal(values, whole)
    if weight is not None:
        assert_array_equal(weights, whole_weights)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_are_float64(dtype: type) -> None:
    assert {block.dtype for block, _ in Rows(X.astype(dtype)).blocks()} == {np.dtype(np.float64)}


def test_float64_rows_are_not_copied() -> None:
    values = X.copy()
    values.setflags(write=False)
    assert all(np.shares_memory(block, values) for block, _ in Rows(values).blocks())
