"""Rows of different sizes go into blocks and come out as they were."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae.data import Batch, Ragged, RaggedBatch, blocks, plan

RNG = np.random.default_rng(0)
IMAGE_SIZES = RNG.integers(1, 5, size=(40, 2))
LENGTHS = RNG.integers(1, 30, size=(40, 1))
SIZES = {"images": IMAGE_SIZES, "sequences": LENGTHS}
KINDS = pytest.mark.parametrize("kind", SIZES)


def rows_of(kind, n_channels=3, dtype=np.float64):
    arrays = [RNG.normal(size=(*size, n_channels)).astype(dtype) for size in SIZES[kind]]
    return arrays, Ragged.of(arrays)


def assert_equal_lists(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert_array_equal(one, other)


@KINDS
def test_arrays_come_out_as_they_went_in(kind):
    arrays, ragged = rows_of(kind)
    assert_equal_lists(ragged.arrays(), arrays)
    assert len(ragged) == 40
    assert ragged.shape == (40, 3)
    assert_array_equal(ragged.sizes, SIZES[kind])


@KINDS
@pytest.mark.parametrize("most_cells", [1, 7, 50, 10_000])
def test_a_plan_has_each_row_once_and_keeps_to_its_cells(kind, most_cells):
    sizes = SIZES[kind]
    parts = list(plan(sizes, most_cells))
    assert_array_equal(np.sort(np.concatenate(parts)), np.arange(40))
    for rows in parts:
        cells = len(rows) * int(sizes[rows].max(axis=0).prod())
        assert cells <= most_cells or len(rows) == 1
        if kind == "images":
            assert (sizes[rows] == sizes[rows[0]]).all()


def test_a_plan_pads_little_and_splits_no_more_than_it_must():
    sizes = LENGTHS
    parts = list(plan(sizes, 120))
    padded = sum(len(rows) * sizes[rows].max() for rows in parts)
    assert padded < 1.5 * sizes.sum()
    assert len(list(plan(sizes, 40 * 30))) == 1
    assert len(list(plan(IMAGE_SIZES, 10_000))) == len(np.unique(IMAGE_SIZES, axis=0))


@KINDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_hold_the_rows_and_nan_and_go_back(kind, dtype):
    arrays, ragged = rows_of(kind, dtype=dtype)
    back = Ragged.empty(ragged.sizes, 3, dtype)
    for rows, block, again in blocks(ragged, 100):
        sizes = ragged.sizes[rows]
        assert_array_equal(again.sizes, sizes)
        assert block.dtype == dtype
        assert block.shape == (len(rows), *sizes.max(axis=0), 3)
        for i, one in zip(rows, block, strict=True):
            within = tuple(slice(s) for s in arrays[i].shape[:-1])
            assert_array_equal(one[within], arrays[i])
            assert np.isfinite(one).sum() == arrays[i].size
        back.put(rows, np.nan_to_num(block, nan=-99.0))
    assert_array_equal(back.cells, ragged.cells)


def test_blocks_of_a_matrix_are_its_rows_in_order():
    X = RNG.normal(size=(10, 4))
    parts = list(blocks(X, 12))
    assert [len(block) for _, block, _ in parts] == [3, 3, 3, 1]
    assert_array_equal(np.concatenate([block for _, block, _ in parts]), X)
    assert all(sizes is None for _, _, sizes in parts)


@KINDS
@pytest.mark.parametrize(
    "index",
    [
        slice(3, 9),
        slice(None, None, 7),
        np.array([5, 2, 2, 39]),
        np.arange(40) % 3 == 0,
        np.array([-1]),
        np.array([], dtype=int),
    ],
    ids=["slice", "steps", "repeated", "mask", "last", "none"],
)
def test_rows_are_selected_as_those_of_an_array(kind, index):
    arrays, ragged = rows_of(kind)
    expected = [arrays[i] for i in np.arange(40)[index]]
    chosen = ragged[index]
    assert len(chosen) == len(expected)
    assert_equal_lists(chosen.arrays() if len(chosen) else [], expected)


@KINDS
def test_means_are_over_observed_cells_times_channels(kind):
    arrays, ragged = rows_of(kind, n_channels=2)
    assert_allclose(ragged.means(), [a.mean() * 2 for a in arrays])
    ragged.cells[RNG.random(ragged.cells.shape) < 0.3] = np.nan
    ragged.cells[ragged.start[4] : ragged.start[5]] = np.nan
    means = ragged.means()
    for i, a in enumerate(ragged.arrays()):
        if np.isfinite(a).any():
            assert means[i] == pytest.approx(np.nanmean(a) * 2)
        else:
            assert means[i] == 0


def test_rows_differ_by_size_as_well_as_by_cells():
    flat = np.arange(6.0)
    arrays = [flat.reshape(2, 3, 1), flat.reshape(3, 2, 1), flat.reshape(2, 3, 1)]
    assert Ragged.of(arrays).n_distinct() == 2


def test_another_type_keeps_the_sizes():
    _, ragged = rows_of("images")
    single = ragged.astype(np.float32)
    assert single.dtype == np.float32
    assert_array_equal(single.sizes, ragged.sizes)


def batch_of(kind, target=None, **parts):
    arrays, ragged = rows_of(kind)
    cells = torch.from_numpy(ragged.cells)
    return arrays, RaggedBatch(cells, ragged.sizes, parts, target)


@KINDS
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_batches_have_each_row_once(kind, batch_size):
    number = torch.arange(40.0)
    arrays, ragged = batch_of(kind, weight=number, condition=number[:, None])
    seen, n_batches = [], 0
    for batch in ragged.batches(batch_size, torch.Generator().manual_seed(0)):
        assert isinstance(batch, Batch)
        assert 1 <= batch.n_rows <= batch_size
        n_batches += 1
        seen += batch.weight.int().tolist()
        assert_array_equal(batch.condition[:, 0], batch.weight)
        for i, x in zip(batch.weight.int().tolist(), batch.x.numpy(), strict=True):
            within = tuple(slice(s) for s in arrays[i].shape[:-1])
            assert_array_equal(x[within], arrays[i])
        if kind == "images":
            assert batch.mask is None
            assert torch.isfinite(batch.x).all()
        else:
            assert_array_equal(batch.lengths, LENGTHS[batch.weight.int(), 0])
            assert_array_equal(batch.mask, torch.isfinite(batch.x))
    assert sorted(seen) == list(range(40))
    assert n_batches == ragged.n_batches(batch_size)


@KINDS
def test_batches_follow_the_generator_alone(kind):
    _, ragged = batch_of(kind)

    def drawn(seed):
        return [b.x for b in ragged.batches(4, torch.Generator().manual_seed(seed))]

    for first, second in zip(drawn(1), drawn(1), strict=True):
        assert_array_equal(first, second)
    sums = [[float(x.nansum()) for x in drawn(seed)] for seed in (1, 2)]
    assert sums[0] != sums[1]


@KINDS
def test_parts_of_a_ragged_batch_go_along_with_its_rows(kind):
    _, whole = batch_of(kind, weight=torch.arange(40.0))
    whole.target = whole.cells + 1
    part = whole.slice(10, 15)
    assert part.n_rows == 5
    assert part.weight.tolist() == [10, 11, 12, 13, 14]
    rows = np.array([1]) if kind == "images" else np.arange(5)
    expected = whole.take(rows + 10)
    assert list(part.take(rows).parts) == list(expected.parts)
    for name, value in part.take(rows).parts.items():
        assert_array_equal(value, expected.parts[name])
    batch = part.take(rows)
    assert_array_equal(batch.target, batch.x + 1)


@KINDS
def test_blocks_of_a_ragged_batch_cover_it(kind):
    _, ragged = batch_of(kind, weight=torch.arange(40.0))
    seen = []
    for rows, batch in ragged.blocks(3000):
        assert_array_equal(rows, batch.weight)
        seen += rows.tolist()
    assert sorted(seen) == list(range(40))
