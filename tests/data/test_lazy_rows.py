import numpy as np
import pytest
import torch
from scipy import sparse

from sklearn_ae.data import (
    Batch,
    ColumnScaling,
    LazyBatch,
    Rows,
    SparseRows,
    blocks,
    check_same_units,
    dense_block,
)


@pytest.fixture
def dense():
    rng = np.random.default_rng(0)
    values = rng.gamma(1.0, size=(60, 7)) * (rng.random((60, 7)) < 0.3)
    values[:, 0] = 5.0  # constant, without a zero
    values[:, 1] = 0.0
    values[:, 2] *= 1e30
    values[:, 3] += 2.0
    values[10] = values[11]
    values[12, 1:] = 0.0
    return values


def messy(values):
    """The same values with zeros that are stored, values in two parts, and any order."""
    rows, columns = np.nonzero(values)
    data = values[rows, columns] / 2
    extra = np.arange(len(values))
    order = np.random.default_rng(1).permutation(2 * len(rows) + len(extra))
    parts = [np.r_[rows, rows, extra], np.r_[columns, columns, extra % values.shape[1]]]
    coo = (np.r_[data, data, np.zeros(len(extra))][order], [p[order] for p in parts])
    matrix = sparse.coo_array(coo, shape=values.shape)
    indptr = np.r_[0, np.cumsum(np.bincount(matrix.row, minlength=len(values)))]
    by_row = np.argsort(matrix.row, kind="stable")
    return sparse.csr_array((matrix.data[by_row], matrix.col[by_row], indptr), values.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_those_of_the_dense_matrix(dense, dtype):
    dense = np.clip(dense, 0, 100).astype(dtype)
    rows = SparseRows(sparse.csr_array(dense))
    index = np.array([3, 3, 59, 0])
    assert rows.shape == dense.shape
    assert len(rows) == 60
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows.dense(index), dense[index])
    np.testing.assert_array_equal(rows[5:9].dense(slice(None)), dense[5:9])
    np.testing.assert_array_equal(dense_block(rows[index], slice(1, 3)), dense[index][1:3])
    assert rows.dense(index).dtype == dtype
    found = np.unique(np.concatenate(list(rows.pieces())))
    np.testing.assert_array_equal(found, np.unique(dense))


def test_a_matrix_in_any_state_is_put_in_order_and_left_as_it_was(dense):
    matrix = messy(dense)
    matrix.indices = matrix.indices.astype(np.int64)
    matrix.indptr = matrix.indptr.astype(np.int64)
    before = matrix.data.copy(), matrix.indices.copy()
    rows = SparseRows(matrix)
    np.testing.assert_allclose(rows.dense(slice(None)), dense)
    assert rows.matrix.nnz == np.count_nonzero(dense)
    assert rows.n_distinct() == len(np.unique(dense, axis=0))
    np.testing.assert_array_equal(matrix.data, before[0])
    np.testing.assert_array_equal(matrix.indices, before[1])


@pytest.mark.parametrize("weighted", [False, True])
def test_scales_are_those_of_the_dense_matrix(dense, weighted):
    weight = np.random.default_rng(2).integers(0, 3, 60) / 2 if weighted else None
    ours = ColumnScaling.fit(Rows(SparseRows(messy(dense)), weight))
    theirs = ColumnScaling.fit(Rows(dense, weight))
    np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-13)
    np.testing.assert_allclose(ours.scale, theirs.scale, rtol=1e-13)
    assert ours.scale[0] == ours.scale[1] == 0
    check_same_units(SparseRows(messy(dense)), dense)


def test_ends_of_columns_are_those_of_the_dense_matrix(dense):
    full = np.column_stack([dense, np.abs(dense[:, 0]) + 1, -np.abs(dense[:, 0]) - 1])
    low, high = SparseRows(sparse.csc_array(full)).ends()
    np.testing.assert_array_equal(low, full.min(axis=0))
    np.testing.assert_array_equal(high, full.max(axis=0))


def test_selections_read_dense_blocks(dense):
    weight = np.ones(60)
    weight[::4] = 0
    ours = Rows(SparseRows(sparse.csr_array(dense)), weight).take(np.arange(5, 30))
    theirs = Rows(dense, weight).take(np.arange(5, 30))
    for (x, w), (y, v) in zip(ours.blocks(), theirs.blocks(), strict=True):
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(w, v)
    np.testing.assert_array_equal(ours.matrix(), theirs.matrix())
    np.testing.assert_array_equal(ours.arrays().toarray(), theirs.arrays())
    assert ours.n_distinct == theirs.n_distinct
    parts = list(blocks(ours.values, 7 * 8))
    assert [len(block) for _, block, _ in parts] == [8] * 7 + [4]
    np.testing.assert_array_equal(np.concatenate([block for _, block, _ in parts]), dense)


def test_the_dense_form_is_large_or_not():
    assert not Rows(SparseRows(sparse.csr_array((2**10, 2**15)))).large
    assert Rows(SparseRows(sparse.csr_array((2**10 + 1, 2**15)))).large
    assert not Rows(np.zeros((3, 2))).large


@pytest.fixture
def pair(dense):
    """The same rows as a compact batch and as an ordinary one."""
    dense = np.clip(dense, 0, 100)
    target = dense + 1.0
    scalings = ColumnScaling.fit(Rows(dense)), ColumnScaling.fit(Rows(target))
    weight, condition = torch.rand(60), torch.rand(60, 2)
    compact = LazyBatch(
        SparseRows(sparse.csr_array(dense)),
        scalings,
        {"weight": weight, "condition": condition},
        target,
    )
    x, y = (
        torch.from_numpy(scaling.apply(values)).float()
        for scaling, values in zip(scalings, (dense, target), strict=True)
    )
    return compact, Batch(x, weight=weight, target=y, condition=condition)


def same(a, b):
    assert sorted(a.parts) == sorted(b.parts)
    for name, part in a.parts.items():
        torch.testing.assert_close(part, b.parts[name], rtol=0, atol=0)


@pytest.mark.parametrize("batch_size", [8, 100])
def test_batches_are_those_of_the_dense_rows(pair, batch_size):
    compact, dense = pair
    assert compact.n_rows == dense.n_rows
    assert compact.n_batches(batch_size) == dense.n_batches(batch_size)
    seeds = [torch.Generator().manual_seed(3) for _ in range(2)]
    batches = zip(
        compact.batches(batch_size, seeds[0]), dense.batches(batch_size, seeds[1]), strict=True
    )
    for a, b in batches:
        same(a, b)
    for (i, a), (j, b) in zip(compact.blocks(2000), dense.blocks(2000), strict=True):
        assert i == j
        same(a, b)
    [(_, part)] = compact.slice(3, 9).blocks(10**6)
    same(part, dense.slice(3, 9))


def test_batches_of_one_size_lie_in_the_same_memory(pair):
    compact, dense = pair
    generator = torch.Generator().manual_seed(0)
    buffers: dict[int, Batch] = {}
    seen: dict[int, set[int]] = {}
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    for batch, rows in zip(
        compact.batches(8, generator, buffers), order.tensor_split(8), strict=True
    ):
        same(batch, dense.take(rows))
        pointers = {part.data_ptr() for part in batch.parts.values()}
        seen.setdefault(batch.n_rows, pointers)
        assert seen[batch.n_rows] == pointers
    assert sorted(seen) == [7, 8]
