"""A fit of a source is that of its rows, whatever they come in."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.utils.data import DataLoader, TensorDataset

from sklearn_ae import (
    Autoencoder,
    ConvolutionalAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.autoencoders import _fitting
from sklearn_ae.data import Batch, _rows, digest_of_data
from sklearn_ae.runtime import Seeds
from sklearn_ae.sources import Blocks, _base, _batches, _held_out, _opening
from sklearn_ae.sources._held_out import HeldOut
from sklearn_ae.sources._opening import row_source
from sklearn_ae.sources._staging import Staging
from tests.sources.ray_stub import Dataset

N = 3000
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(N, 2))
ROWS = np.column_stack([Z @ RNG.normal(size=(2, 3)), np.sin(2 * Z), Z[:, :1] ** 2])
ROWS = (ROWS + 0.1 * RNG.normal(size=ROWS.shape)).astype(np.float32)
FRAME = pd.DataFrame(ROWS, columns=list("abcdef"))


def mixed():
    frame = pd.DataFrame(
        {
            "far": 1e9 + Z[:, 0],
            "number": np.where(RNG.random(N) < 0.1, np.nan, Z[:, 1]),
            "count": RNG.poisson(np.exp(Z[:, 0])),
            "level": np.where(Z[:, 0] > 0, "x", np.where(Z[:, 1] > 0, "y", None)),
            "flag": Z[:, 1] > 0.3,
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 10**6, N), "s"),
            "id": [f"row {i % 2000}" for i in range(N)],
            "weight": RNG.integers(0, 3, N).astype(float),
        }
    )
    return frame.astype({"level": object})


MIXED = mixed()


@pytest.fixture
def in_file(monkeypatch):
    """Let few rows be put into a file, as many are."""
    monkeypatch.setattr(_opening, "EXPANDED_CELLS", 0)


def autoencoder(cls=Autoencoder, **further):
    options = {"hidden_layer_sizes": (16,), "max_iter": 3, "random_state": 0, **further}
    return cls(2, **options)


def kinds(model):
    return model._reader.adapter.columns.columns


def parquet(path, frame, size):
    """Write a file of row groups of so many rows."""
    frame.to_parquet(path, row_group_size=size)
    return str(path)


def in_blocks(rows, size):
    return Blocks(lambda: (rows[i : i + size] for i in range(0, len(rows), size)))


def folder(path, frame):
    path.mkdir()
    for i, start in enumerate(range(0, N, 1100)):
        frame.iloc[start : start + 1100].to_feather(path / f"{i}.arrow")
    return path


def mapped(path, rows):
    np.save(path, rows)
    return np.load(path, mmap_mode="r")


def sources(path):
    return {
        "file": parquet(path / "rows.parquet", FRAME, 700),
        "folder": folder(path / "rows", FRAME),
        "dataset": pa.dataset.dataset(parquet(path / "again.parquet", FRAME, 10**6)),
        "memory map": mapped(path / "rows.npy", ROWS),
        "blocks": in_blocks(ROWS, 77),
        "lazy frame": pl.from_pandas(FRAME).lazy(),
        "loader": DataLoader(TensorDataset(torch.from_numpy(ROWS)), batch_size=100),
        "Ray": Dataset([FRAME[:1100], FRAME[1100:]]),
        "arrays of Ray": Dataset([ROWS[:1100], ROWS[1100:]]),
    }


def test_all_kinds_of_sources_give_the_same_network(in_file, tmp_path):
    fitted = {name: autoencoder().fit(source) for name, source in sources(tmp_path).items()}
    first = fitted["file"]
    assert first.selection_.kept == "network"
    for name, model in fitted.items():
        arrays = ("memory map", "blocks", "loader", "arrays of Ray")
        rows = ROWS if name in arrays else FRAME
        assert model.selection_ == first.selection_, name
        assert_array_equal(model.transform(rows), first.transform(FRAME), name)
    assert list(fitted["lazy frame"].feature_names_in_) == list("abcdef")
    wider = Dataset([FRAME[::-1].assign(further=0)])
    assert_allclose(first.score_samples(wider), first.score_samples(FRAME[::-1]), rtol=1e-4)


def test_categories_of_blocks_are_united():
    parts = [pd.DataFrame({"c": pd.Categorical(levels)}) for levels in (["a", "b"], ["c", "a"])]
    found = _base.joined(parts)["c"]
    assert list(found.cat.categories) == ["a", "b", "c"]
    assert found.tolist() == ["a", "b", "c", "a"]


def test_rows_are_told_from_others_whatever_they_come_in(tmp_path):
    found = sources(tmp_path)
    same = digest_of_data(row_source(found["file"])), digest_of_data(row_source(found["dataset"]))
    assert same[0][1] == same[1][1]
    other = parquet(tmp_path / "other.parquet", FRAME + 1, 700)
    assert digest_of_data(row_source(other))[1] != same[0][1]


def test_held_out_loss_is_that_of_rows_in_memory(in_file):
    there = autoencoder(max_iter=20).fit(ROWS[:2500])
    here = autoencoder(max_iter=20).fit(in_blocks(ROWS[:2500], 1000))
    # So few rows are told apart by the order in which they come, to either side.
    assert here.score(ROWS[2500:]) > 1.1 * there.score(ROWS[2500:])
    assert np.mean(here.predict(ROWS[2500:]) < 0) == pytest.approx(0.1, abs=0.05)
    start = autoencoder(max_iter=0)
    scores = [start.fit(X).score(ROWS) for X in (ROWS, in_blocks(ROWS, 1000))]
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)


@pytest.mark.parametrize(
    ("cls", "numeric_map"), [(Autoencoder, None), (VariationalAutoencoder, "quantile")]
)
def test_columns_of_all_kinds_are_read_as_in_memory(in_file, tmp_path, cls, numeric_map):
    model, there = (autoencoder(cls, numeric_map=numeric_map) for _ in range(2))
    path = parquet(tmp_path / "rows.parquet", MIXED, 500)
    model.fit(path, sample_weight="weight")
    own = in_blocks(pl.from_pandas(MIXED), 999)
    again = autoencoder(cls, numeric_map=numeric_map).fit(own, sample_weight="weight")
    rows = MIXED.drop(columns="weight")
    there.fit(rows, sample_weight=MIXED["weight"])
    assert list(model.feature_names_in_) == list(rows)
    for a, b in zip(kinds(model), kinds(there), strict=True):
        assert type(a) is type(b)
        for name in ("levels", "infrequent", "limits"):
            assert getattr(a, name, None) == getattr(b, name, None), a.type.name
    some = rows[:300]
    assert_array_equal(again.score_samples(some), model.score_samples(some))
    assert model.score(some) == pytest.approx(there.score(some), rel=0.1)
    assert model.reconstruct(path).schema.field("date").type == pa.timestamp("us")


def test_rows_of_weight_zero_are_left_out(in_file):
    weight = np.repeat([1.0, 0.0], N // 2)
    rows = np.where(weight[:, None] > 0, ROWS, 1e6).astype(np.float32)
    model = autoencoder().fit(in_blocks(rows, 500), sample_weight=weight)
    assert np.abs(model._model.scaling.mean).max() < 10


def test_few_rows_are_read_into_memory(tmp_path):
    path = parquet(tmp_path / "rows.parquet", MIXED, 500)
    model = autoencoder().fit(path, sample_weight="weight")
    there = autoencoder().fit(
        pa.table(MIXED.drop(columns="weight")), sample_weight=MIXED["weight"].to_numpy()
    )
    assert model.selection_ == there.selection_


@pytest.mark.parametrize("ordered", [0, 10**6])
def test_rows_are_held_out_by_their_positions(monkeypatch, ordered):
    monkeypatch.setattr(_held_out, "_ORDERED", ordered)
    chosen, other = (HeldOut(10_000, 1000, Seeds(seed)) for seed in (5, 6))
    whole = chosen.among(0, 10_000)
    parts = [chosen.among(start, 37) for start in range(0, 10_000, 37)]
    assert_array_equal(np.concatenate(parts)[:10_000], whole)
    assert 900 < whole.sum() < 1100
    assert (whole != other.among(0, 10_000)).any()
    # Neighbours are no more alike than others.
    assert abs(np.corrcoef(whole[1:], whole[:-1])[0, 1]) < 0.05


@pytest.mark.parametrize("rows", [ROWS, MIXED.drop(columns="weight")], ids=["numbers", "mixed"])
def test_all_but_the_order_of_rows_is_that_of_a_fit_in_memory(in_file, monkeypatch, rows):
    def batches(self, batch_size, generator, buffers=None):
        return self.take(slice(0, self.n_rows)).batches(batch_size, generator, buffers)

    monkeypatch.setattr(_batches.SpooledBatch, "batches", batches)
    here, there = (autoencoder(max_iter=5).fit(X) for X in (in_blocks(rows, 700), rows))
    found, expected = here.selection_, there.selection_
    assert found.kept == expected.kept == "network"
    assert found.start_loss == pytest.approx(expected.start_loss, rel=1e-6)
    assert found.network_loss == pytest.approx(expected.network_loss, rel=1e-4)
    assert_allclose(here.score_samples(rows), there.score_samples(rows), rtol=1e-3)
    assert here.offset_ == pytest.approx(there.offset_, rel=1e-3)


def test_memory_is_read_into_again_once_nothing_is_copied_from_it(monkeypatch):
    """As for a GPU, whose copies go on while the next rows are read."""
    happened = []

    class Event:
        def __init__(self, number):
            self.number = number

        def synchronize(self):
            happened.append(self.number)

    staging = Staging(5, 2, torch.device("cpu"))
    monkeypatch.setattr(staging, "pinned", True)
    numbers = iter(range(9))
    monkeypatch.setattr(staging, "_event", lambda: Event(next(numbers)))
    places = []
    for i in range(4):
        memory = staging.free(i)
        memory.fill_(i)
        places.append(memory.data_ptr())
        assert (staging.sent(i, Batch(memory)).x == i).all()
    assert happened == [0, 1]
    assert places[:2] == places[2:] != places[1::-1]


def test_a_source_is_passed_over_once_by_partial_fit():
    blocks = [ROWS[:1700], ROWS[1700:]]
    once = autoencoder().partial_fit(block for block in blocks)
    again = autoencoder().partial_fit(in_blocks(ROWS, 333))
    assert_array_equal(once.transform(ROWS), again.transform(ROWS))
    assert once.n_iter_ == 1
    with pytest.raises(TypeError, match=r"generator, which can be read only once, .*partial_fit"):
        autoencoder().fit(block for block in blocks)
    with pytest.raises(TypeError, match=r"generator, which can be read only once.*partial_fit"):
        autoencoder().fit(Blocks(block for block in blocks))


def test_memory_does_not_grow_with_the_rows(in_file, monkeypatch):
    """Of what numpy holds; the rows themselves are 16 bytes each."""
    for module, name, size in (
        (_base, "_PIECE_CELLS", 2**12),
        (_batches, "_SHUFFLED_CELLS", 2**12),
        (_batches, "_SCALED_CELLS", 2**10),
        (_rows, "_BLOCK_CELLS", 2**10),
        (_held_out, "MOST_HELD_OUT", 1000),
        (_held_out, "_ORDERED", 1000),
        (_fitting, "_MOST_MEASURED", 1000),
    ):
        monkeypatch.setattr(module, name, size)

    def peak(n):
        blocks = Blocks(lambda: (ROWS[:1000, :4] for _ in range(n // 1000)), n)
        model = autoencoder(max_iter=1, hidden_layer_sizes=(4,), batch_size=500)
        tracemalloc.start()
        model.fit(blocks)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(100_000) < peak(20_000) + 0.5 * 80_000


def test_a_fit_goes_on_with_a_source(in_file):
    model = autoencoder(warm_start=True).fit(in_blocks(FRAME, 500))
    before = model.selection_.network_loss
    model.fit(in_blocks(FRAME, 600))
    assert model.selection_.start_loss == pytest.approx(before)
    with pytest.raises(ValueError, match=r"set warm_start=False"):
        model.fit(in_blocks(FRAME.rename(columns={"a": "new"}), 500))
    found = model.set_output(transform="pandas").transform(in_blocks(pl.from_pandas(FRAME), 700))
    assert list(found.index) == list(range(N))


@pytest.mark.parametrize("cls", [StackedAutoencoder, ConvolutionalAutoencoder])
def test_who_takes_no_source_says_so_by_name(cls):
    with pytest.raises(TypeError, match=rf"source of rows, and was given to {cls.__name__}, "):
        cls(2).fit(in_blocks(ROWS, 100))


def test_rows_far_from_zero_keep_their_digits(in_file):
    far = ROWS.astype(np.float64) * [1, 1, 1e-9, 1e40, 1, 1] + [1e9, 0, 0, 0, 1e10, 0]
    near, there = (autoencoder(max_iter=0).fit(X) for X in (in_blocks(far, 500), far))
    scaling, expected = near._model.scaling, there._model.scaling
    assert_allclose(scaling.mean, expected.mean, rtol=1e-6, atol=1e-6 * expected.scale.min())
    assert_allclose(scaling.scale, expected.scale, rtol=1e-6)
