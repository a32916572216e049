"""Sequences of every form go in and come back as they were, steps and ids in their places."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae import Recurrent, RecurrentAutoencoder
from sklearn_ae.data import Ragged, Sequences, Steps

RNG = np.random.default_rng(0)
LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars"])


def series(*shapes, dtype="float64"):
    return [RNG.normal(size=shape).astype(dtype) for shape in shapes]


def with_hole(X):
    X[1, 2] = np.nan
    return X


def objects(sequences):
    out = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        out[i] = sequence
    return out


FORMS = {
    "matrix": lambda d: RNG.normal(size=(6, 5)).astype(d),
    "channels": lambda d: RNG.normal(size=(6, 5, 3)).astype(d),
    "one channel": lambda d: RNG.normal(size=(6, 5, 1)).astype(d),
    "matrix with holes": lambda d: with_hole(RNG.normal(size=(6, 5)).astype(d)),
    "channels with holes": lambda d: with_hole(RNG.normal(size=(6, 5, 3)).astype(d)),
    "tensor": lambda d: torch.from_numpy(RNG.normal(size=(6, 5, 3)).astype(d)),
    "tensor with holes": lambda d: torch.from_numpy(
        with_hole(RNG.normal(size=(6, 5, 3)).astype(d))
    ),
    "list of one length": lambda d: series((5, 2), (5, 2), dtype=d),
    "list of lengths": lambda d: series((5, 2), (1, 2), (9, 2), dtype=d),
    "list of 1-D": lambda d: series((5,), (1,), (9,), dtype=d),
    "mixed list": lambda d: series((5,), (1, 1), (9,), dtype=d),
    "tuple": lambda d: tuple(series((5,), (3,), dtype=d)),
    "objects": lambda d: objects(series((5, 2), (3, 2), dtype=d)),
}
RAGGED = set(FORMS) - {"matrix", "channels", "one channel", "tensor", "list of one length"}


def is_list(X):
    return isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object)


def assert_same_form(result, X):
    if is_list(X):
        assert isinstance(result, list)
        for one, other in zip(result, X, strict=True):
            assert_same_form(one, other)
        return
    assert type(result) is type(X)
    assert result.dtype == X.dtype
    assert_array_equal(np.asarray(result), np.asarray(X), strict=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sequences_come_back_as_they_went_in(form, dtype):
    X = FORMS[form](dtype)
    adapter = Sequences().fit(X)
    values = adapter.rows(X)
    assert adapter.ragged == isinstance(values, Ragged) == (form in RAGGED)
    assert values.dtype == dtype
    assert_same_form(adapter.container(X).wrap(values, like=X), X)


@pytest.mark.parametrize("form", FORMS)
def test_steps_have_their_channels_last(form):
    X = FORMS[form]("float64")
    adapter = Sequences().fit(X)
    steps = adapter.container(X).steps(adapter.rows(X), X)
    assert isinstance(steps, list) == is_list(X)
    for one, other in zip(steps, X, strict=True):
        assert_array_equal(one, np.asarray(other).reshape(len(other), -1))


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_numbers_that_are_not_floating_come_back_as_float64(dtype):
    for X in (np.ones((4, 3, 2), dtype), [np.ones(3, dtype), np.ones(2, dtype)]):
        adapter = Sequences().fit(X)
        back = adapter.container(X).wrap(adapter.rows(X), like=X)
        assert all(b.dtype == np.float64 for b in back)


def test_the_typical_length_is_the_median():
    adapter = Sequences().fit(series((3, 2), (4, 2), (50, 2)))
    assert adapter.sample_shape == (4, 2)
    assert adapter.sizes(None, 2).tolist() == [[4], [4]]
    assert adapter.sizes(7, 2).tolist() == [[7], [7]]
    assert adapter.sizes([7, 1], 2).tolist() == [[7], [1]]


def test_one_length_may_be_named_where_there_is_one():
    adapter = Sequences().fit(RNG.normal(size=(6, 5, 3)))
    assert adapter.sizes(None, 2) is adapter.sizes(5, 2) is adapter.sizes([5, 5], 2) is None


def test_lengths_that_differ_turn_an_array_into_a_list():
    X = FORMS["channels with holes"]("float64")
    adapter = Sequences().fit(X)
    back = adapter.container(X).wrap(Ragged.of(series((2, 3), (4, 3))))
    assert [b.shape for b in back] == [(2, 3), (4, 3)]


# Long frames

ORDER = [3, 1, 3, 3, 2, 1, 3, 2, 2, 2]
IDS = {
    "integers": {1: 10, 2: -7, 3: 500},
    "strings": {1: "zebra", 2: "ape", 3: "mole"},
    "floats": {1: 0.5, 2: 0.25, 3: 1.5},
    "dates": {i: datetime(2020, 1, 4 - i) for i in (1, 2, 3)},
}


def long_frame(library, ids="strings", columns=("speed", "who", "rate"), index=None):
    names = [c for c in columns if c != "who"]
    data = {n: RNG.normal(size=10) for n in names}
    data["who"] = [IDS[ids][i] for i in ORDER]
    data = {c: data[c] for c in columns}
    if library == "pandas":
        return pd.DataFrame(data, index=index)
    return pytest.importorskip(library).DataFrame(data)


def cells_of(frame):
    return np.asarray(frame[["speed", "rate"]])


@LIBRARIES
@pytest.mark.parametrize("ids", IDS)
def test_sequences_of_a_long_frame_are_in_the_order_of_first_appearance(library, ids):
    frame = long_frame(library, ids)
    adapter = Sequences("who").fit(frame)
    rows = adapter.rows(frame)
    assert adapter.ragged
    assert adapter.sample_shape == (4, 2)
    for number, sequence in zip([3, 1, 2], rows.arrays(), strict=True):
        assert_array_equal(sequence, cells_of(frame)[np.array(ORDER) == number])
    expected = pd.Series([IDS[ids][i] for i in (3, 1, 2)])
    assert pd.Series(Steps(frame, "who").unique_ids).tolist() == expected.tolist()
    assert list(adapter.named(frame).columns) == ["speed", "rate"]


@LIBRARIES
@pytest.mark.parametrize("ids", IDS)
def test_a_long_frame_comes_back_row_by_row(library, ids):
    frame = long_frame(library, ids)
    adapter = Sequences("who").fit(frame)
    container = adapter.container(frame)
    back = container.wrap(adapter.rows(frame), like=frame)
    assert type(back) is type(frame)
    assert list(back.columns) == ["speed", "who", "rate"]
    assert_array_equal(cells_of(back), cells_of(frame))
    assert list(back["who"]) == list(frame["who"])
    assert_array_equal(container.steps(adapter.rows(frame), frame), cells_of(frame))


def test_the_index_of_a_long_frame_is_kept():
    frame = long_frame("pandas", index=[f"r{i}" for i in range(10, 0, -1)])
    adapter = Sequences("who").fit(frame)
    back = adapter.container(frame).wrap(adapter.rows(frame), like=frame)
    pd.testing.assert_frame_equal(back, frame)


@LIBRARIES
def test_codes_without_a_frame_are_given_numbers_as_ids(library):
    frame = long_frame(library)
    container = Sequences("who").fit(frame).container(frame)
    back = container.wrap(Ragged.of(series((2, 2), (3, 2))), like=np.zeros((2, 4)))
    assert type(back) is type(frame)
    assert list(back.columns) == ["speed", "who", "rate"]
    assert list(back["who"]) == [0, 0, 1, 1, 1]


@LIBRARIES
def test_missing_values_of_a_long_frame_stay_missing(library):
    frame = long_frame(library)
    if library == "pandas":
        frame.loc[4, "rate"] = np.nan
    else:
        polars = pytest.importorskip("polars")
        frame = frame.with_columns(
            rate=polars.when(polars.arange(10) == 4).then(None).otherwise(polars.col("rate"))
        )
    adapter = Sequences("who").fit(frame)
    cells = np.concatenate(adapter.rows(frame).arrays())
    assert np.isnan(cells).sum() == 1
    back = adapter.container(frame).wrap(adapter.rows(frame), like=frame)
    assert_array_equal(cells_of(back)[4], [cells_of(frame)[4][0], np.nan])


def test_columns_of_a_long_frame_may_be_single_precision_or_integers():
    frame = long_frame("pandas").astype({"speed": "float32", "rate": "float32"})
    assert Sequences("who").fit(frame).rows(frame).dtype == np.float32
    frame["rate"] = np.arange(10)
    rows = Sequences("who").fit(frame).rows(frame)
    assert rows.dtype == np.float64
    assert_allclose(rows.cells[:4, 1], [0, 2, 3, 6])


def test_a_column_of_ids_may_have_any_name():
    frame = long_frame("pandas").rename(columns={"who": 7, "speed": 1, "rate": 2})
    adapter = Sequences(7).fit(frame)
    back = adapter.container(frame).wrap(adapter.rows(frame), like=frame)
    pd.testing.assert_frame_equal(back, frame)


def frame_with(ids):
    return pd.DataFrame({"id": ids, "u": RNG.normal(size=60), "v": RNG.normal(size=60)})


@pytest.mark.parametrize(
    "kind",
    ["of several types", "category", "Int64", "polars Int8", "polars Categorical", "pyarrow"],
)
def test_ids_come_back_as_they_are(kind):
    numbers = np.repeat(np.arange(12), 5)
    frame = frame_with([n if n % 2 else f"id {n}" for n in numbers])
    if kind in ("category", "Int64"):
        frame = frame_with(pd.Series(numbers).astype(kind))
    elif kind.startswith("polars"):
        polars = pytest.importorskip("polars")
        dtype = getattr(polars, kind.partition(" ")[2])
        text = numbers.astype(str) if dtype is polars.Categorical else numbers
        frame = polars.from_pandas(frame_with(text)).cast({"id": dtype})
    elif kind == "pyarrow":
        pyarrow = pytest.importorskip("pyarrow")
        frame = pyarrow.Table.from_pandas(frame_with(numbers.astype(str)))
    model = RecurrentAutoencoder(
        2, architecture=Recurrent(sequence_id="id"), max_iter=0, random_state=0
    ).fit(frame)
    assert model.transform(frame).shape == (12, 2)
    for answer in (model.reconstruct(frame), model.reconstruction_errors(frame)):
        assert list(answer["id"]) == list(frame["id"])
        assert type(answer) is type(frame)
        if kind != "pyarrow":
            assert answer["id"].dtype == frame["id"].dtype
    assert sum(len(part) for part in model.iter_reconstruct(frame, batch_size=5)) == 60
