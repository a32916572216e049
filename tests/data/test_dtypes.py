"""All dtypes of pandas, polars and pyarrow: read and given back, or refused with a way out."""

from __future__ import annotations

import functools
import re
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae import (
    Autoencoder,
    AutoencoderImputer,
    ConvolutionalAutoencoder,
    RecurrentAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.data import Table, with_missing
from tests.data.dtype_cases import CASES, CELLS, LIBRARIES, Case, frame_of, measured, read, written

pytestmark = pytest.mark.usefixtures("few_folds")

SHORT = {"max_iter": 1, "hidden_layer_sizes": (4,), "random_state": 0}
_REFUSED = (
    "complex",
    "times",
    "spans",
    "bytes",
    "lists",
    "records",
)
_REFUSED_OBJECTS = r"object of (Decimal|date|Timestamp|Period|Interval|str and int)|period|interval"


def is_refused(case: Case) -> bool:
    return case.cells in _REFUSED or bool(re.search(_REFUSED_OBJECTS, case.dtype))


ACCEPTED = [case for case in CASES if not is_refused(case)]
REFUSED = [case for case in CASES if is_refused(case)]
NUMBERS = [c for c in ACCEPTED if c.cells in ("whole", "numbers", "decimals") and "cat" not in c.id]


def names(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


def dtype_of(frame: Any, name: str) -> Any:
    column = frame[name]
    return (
        getattr(column, "type", None) if nw.dependencies.is_pyarrow_table(frame) else column.dtype
    )


def cells_of(frame: Any, name: str) -> list:
    column = frame[name]
    cells = getattr(column, "to_pylist", getattr(column, "to_list", None))()
    return [None if np.ndim(cell) == 0 and pd.isna(cell) else cell for cell in cells]


@functools.cache
def frame_with(library: str) -> Any:
    """A frame of every dtype of a library that is accepted and that is installed."""
    columns = {}
    for case in ACCEPTED:
        if case.library == library:
            try:
                columns[case.dtype] = case.column()
            except pytest.skip.Exception:
                continue
    return frame_of(library, columns)


@functools.cache
def fitted(library: str) -> VariationalAutoencoder:
    return VariationalAutoencoder(2, **SHORT).fit(frame_with(library))


@functools.cache
def imputed(library: str) -> Any:
    imputer = AutoencoderImputer(keep_empty_features=False, max_iter=1, random_state=0)
    return imputer.fit(frame_with(library)).impute(frame_with(library), 1)[0]


@names(ACCEPTED)
def test_every_dtype_comes_back(case: Case) -> None:
    case.column()
    frame = frame_with(case.library)
    dtype = dtype_of(frame, case.dtype)
    model = fitted(case.library)
    for found in (model.reconstruct(frame), model.sample(3, random_state=0)):
        assert dtype_of(found, case.dtype) == dtype
        if case.cells != "empty":
            assert None not in cells_of(found, case.dtype)


@names([case for case in ACCEPTED if case.cells != "empty"])
def test_cells_of_every_dtype_can_be_missing(case: Case) -> None:
    case.column()
    drawn = fitted(case.library).sample(3, random_state=0)
    lacks = np.zeros(np.shape(drawn), dtype=bool)
    lacks[1] = True
    found = cells_of(with_missing(drawn, lacks), case.dtype)
    whole = cells_of(drawn, case.dtype)
    assert found == [whole[0], None, whole[2]]


@names([case for case in ACCEPTED if case.cells != "empty"])
def test_every_dtype_is_imputed_beside_cells_that_stay(case: Case) -> None:
    case.column()
    frame, filled = frame_with(case.library), imputed(case.library)
    assert dtype_of(filled, case.dtype) == dtype_of(frame, case.dtype)
    before, after = cells_of(frame, case.dtype), cells_of(filled, case.dtype)
    assert None not in after
    assert [new for old, new in zip(before, after, strict=True) if old is not None] == [
        old for old in before if old is not None
    ]


@names([case for case in NUMBERS if case.cells == "whole"])
def test_whole_numbers_stay_whole_and_in_their_range(case: Case) -> None:
    case.column()
    frame = frame_with(case.library)
    model = fitted(case.library)
    draws = model.sample(50, random_state=0)
    far = model.inverse_transform(1e4 * model.transform(frame))
    for found in (model.reconstruct(frame), draws, far, imputed(case.library)):
        cells = cells_of(found, case.dtype)
        assert set(cells) <= {0, 1, 2}
        assert all(isinstance(cell, int) for cell in cells)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_row_has_the_code_that_it_has_in_company(library: str) -> None:
    pytest.importorskip(library)
    frame = frame_with(library)
    codes = fitted(library).transform(frame)
    for i in (0, 3):  # cells of the fourth row are missing
        code = fitted(library).transform(frame[i : i + 1])
        assert_allclose(code, codes[[i]], rtol=1e-5, atol=1e-5)


@names(REFUSED)
def test_every_other_dtype_is_refused_with_a_conversion_that_keeps_it(case: Case) -> None:
    column = case.column()
    with pytest.raises(
        ValueError, match=r"Column 'c' of X (holds|has dtype) .*(turn|give) it"
    ) as e:
        read(case, column)
    advice = re.search(r"for example by (.*?)(, or leave it out)?\.$", str(e.value))
    if case.cells in ("lists", "records"):  # several columns are no expression
        assert advice is None
        return
    assert advice is not None
    libraries: dict = {"pd": pd, "np": np}
    if case.library == "polars":
        libraries["pl"] = pytest.importorskip("polars")
    new = eval(advice[1], {"column": column, **libraries})
    kind = read(case, new)
    before = cells_of(frame_of(case.library, {"c": column}), "c")
    after = cells_of(frame_of(case.library, {"c": new}), "c")
    pairs = list(zip(before, after, strict=True))
    assert kind.kind != "empty"
    assert [v is None for v in before] == [v is None for v in after]
    # The same cells stay equal, and others different.
    assert len(set(pairs)) == len(set(before))
    if case.cells != "complex":  # whose parts are two columns
        assert len(set(after)) == len(set(before))
    if case.cells not in ("bytes", "complex") and "str" not in case.dtype:
        seen = [pair for pair in pairs if pair[0] is not None]
        assert sorted(seen) == sorted(seen, key=lambda pair: pair[1])


# The dtypes of one kind of cell in three libraries.
_ALIKE = {
    "text": ("str", "String", "string"),
    "booleans": ("boolean", "Boolean", "bool"),
    "stamps": ("datetime64[us]", "Datetime(us)", "timestamp[us]"),
    "dates": ("datetime64[s]", "Date", "date32[day]"),
    "whole": ("Int64", "Int64", "int64"),
    "numbers": ("Float64", "Float64", "double"),
    "decimals": ("decimal128(12, 2)[pyarrow]", "Decimal(12, 2)", "decimal128(12, 2)"),
}
_LEVELS = {"levels": ("category", "Enum", "dictionary")}


@functools.cache
def alike(library: str) -> Any:
    pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    columns = {}
    for name, dtypes in {**_ALIKE, **_LEVELS}.items():
        dtype = dtypes[LIBRARIES.index(library)]
        [case] = [c for c in CASES if (c.library, c.dtype) == (library, dtype)] or [
            Case(library, dtype, name, lambda cells: pd.Series(cells, dtype="datetime64[s]"))
        ]
        columns[name] = case._replace(cells="text" if name == "levels" else name).column()
    return frame_of(library, columns)


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_library_at_predict_gives_the_same_codes_and_its_own_dtypes(library: str) -> None:
    model = VariationalAutoencoder(2, **SHORT).fit(alike(library))
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(alike(library))
    codes = model.transform(alike(library))
    errors = np.asarray(model.reconstruction_errors(alike(library)))
    for other in LIBRARIES:
        frame = alike(other)
        assert_array_equal(model.transform(frame), codes)
        assert_array_equal(np.asarray(model.reconstruction_errors(frame)), errors)
        for found in (model.reconstruct(frame), imputer.transform(frame)):
            assert type(found) is type(frame)
            for name in (*_ALIKE, *_LEVELS):
                assert dtype_of(found, name) == dtype_of(frame, name)
                assert None not in cells_of(found, name)


def test_levels_that_the_other_frame_does_not_state_come_back() -> None:
    polars = pytest.importorskip("polars")
    frame = pd.DataFrame({"c": pd.Categorical(["a", "b", "c"] * 10), "x": np.arange(30.0)})
    model = Autoencoder(2, **SHORT).fit(frame)
    other = polars.DataFrame(
        {"c": polars.Series(["a", None] * 15, dtype=polars.Enum(["a"])), "x": np.arange(30.0)}
    )
    found = model.reconstruct(other)["c"]
    assert found.null_count() == 0
    assert found.dtype.categories.to_list() == ["a", "b", "c"]


@names(NUMBERS)
def test_frames_of_numbers_alone_are_a_matrix_whatever_their_dtype(case: Case) -> None:
    column = case.column()
    beside = np.arange(float(len(CELLS["whole"])))
    frame = frame_of(case.library, {"c": column, "beside": beside})
    values = [None if v is None else float(v) for v in cells_of(frame, "c")]
    expected = np.column_stack([np.array(values, dtype=float), beside])
    model = Autoencoder(1, max_iter=0, random_state=0)
    assert_allclose(
        np.asarray(model.fit(frame).reconstruct(frame)),
        model.fit(expected).reconstruct(expected),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4"])
def test_arrays_of_any_order_of_bytes(dtype: str, iris: np.ndarray) -> None:
    X = iris.astype(dtype)
    model = Autoencoder(2, **SHORT).fit(X, X_clean=X)
    assert_array_equal(model.transform(X), model.transform(X.astype(np.float64)))


def test_decimals_are_cut_to_what_the_dtype_holds() -> None:
    polars = pytest.importorskip("polars")
    cells = polars.Series("c", ["9.99", "-9.99"] * 10).cast(polars.Decimal(3, 2))
    frame = polars.DataFrame({"c": cells, "t": ["a", "b"] * 10})
    column = Table().fit(frame).columns.columns[0]
    found = column.decode(np.array([1e9, -1e9, 1.234, np.pi]))
    assert found.dtype == polars.Decimal(3, 2)
    assert [str(v) for v in found.to_list()] == ["9.99", "-9.99", "1.23", "3.14"]


def test_wide_integers_are_cut_to_what_the_dtype_holds() -> None:
    polars = pytest.importorskip("polars")
    if not hasattr(polars, "Int128"):
        pytest.skip("this polars has no Int128")
    ends = [2**127 - 1, -(2**127), 2**100, 1] * 5
    wide = polars.DataFrame({"c": polars.Series(ends, dtype=polars.Int128), "t": "a"})
    found = Table().fit(wide).columns.columns[0].decode(np.array([1e60, -1e60, 2.0**100]))
    assert found.to_list()[2] == 2**100
    assert found[0] > 2**126 > -(2**126) > found[1]


@pytest.mark.parametrize("dtype", ["Int128", "UInt128"])
def test_wide_integers_are_steps_and_pixels(dtype: str) -> None:
    polars = pytest.importorskip("polars")
    if not hasattr(polars, dtype):
        pytest.skip(f"this polars has no {dtype}")
    columns = np.random.default_rng(0).integers(9, size=(4, 24))
    frame = polars.DataFrame({f"x{j}": c.astype(float) for j, c in enumerate(columns)})
    wide = frame.cast(getattr(polars, dtype))
    identified = {"id": polars.Series(np.repeat(np.arange(8), 3))}
    short = {"max_iter": 1, "random_state": 0}
    sequences = RecurrentAutoencoder(1, sequence_id="id", **short)
    images = ConvolutionalAutoencoder(1, image_shape=(2, 2), **short)
    for model, rows, plain in (
        (sequences, wide.with_columns(**identified), frame.with_columns(**identified)),
        (images, wide, frame),
    ):
        assert_array_equal(model.fit(rows).transform(rows), model.fit(plain).transform(plain))


def test_pixels_may_be_a_polars_frame_of_whole_numbers() -> None:
    polars = pytest.importorskip("polars")
    columns = np.random.default_rng(0).integers(200, size=(4, 24))
    frame = polars.DataFrame({f"x{j}": c for j, c in enumerate(columns)})
    model = ConvolutionalAutoencoder(1, image_shape=(2, 2), max_iter=1, random_state=0)
    found, expected = (model.fit(X).transform(X) for X in (frame, columns.T))
    assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def _halves(dtype: Any) -> pd.DataFrame:
    """Return a frame with text that has half of a surrogate pair, which is no Unicode."""
    words = pd.Series(["x", "a\ud800", "y"] * 10, dtype=object)
    cells = pd.Categorical(words) if dtype == "category" else words.astype(dtype)
    return pd.DataFrame({"a": np.arange(30.0), "t": cells})


@pytest.mark.parametrize("dtype", [object, "category", pd.StringDtype("python")], ids=str)
def test_text_with_half_of_a_surrogate_pair_is_a_level(dtype: Any) -> None:
    frame = _halves(dtype)
    try:
        nw.from_native(frame["t"], series_only=True).dtype  # noqa: B018
    except UnicodeEncodeError:
        pytest.skip("this narwhals hashes dtypes, which pandas cannot for such levels")
    model = Autoencoder(2, **SHORT).fit(frame)
    again = model.reconstruct(frame)
    assert again["t"].dtype == frame["t"].dtype
    assert set(again["t"]) <= set(frame["t"])
    assert set(model.explain(frame, 2)["feature"]) <= {"a", "t"}
    plain = frame.assign(t=["x", "z", "y"] * 10)
    assert_array_equal(model.transform(plain)[::3], model.transform(frame)[::3])
    assert_array_equal(
        Autoencoder(2, **SHORT).fit(plain).transform(frame)[::3],
        Autoencoder(2, **SHORT).fit(plain).transform(plain)[::3],
    )


@pytest.mark.parametrize("dtype", [object, pd.StringDtype("python")], ids=str)
def test_text_with_half_of_a_surrogate_pair_is_imputed(dtype: Any) -> None:
    frame = _halves(dtype)
    holes = frame.copy()
    holes.loc[3:6, "t"] = None
    filled = AutoencoderImputer(max_iter=0, random_state=0).fit_transform(holes)
    assert set(filled["t"]) <= set(frame["t"])


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64", "uint64", "Int8"])
def test_the_ends_of_integers_come_back(dtype: str) -> None:
    ends = np.iinfo(dtype.lower())
    cells = pd.Series([ends.min, ends.max] * 10, dtype=dtype)
    column = Table().fit(pd.DataFrame({"c": cells, "t": ["a", "b"] * 10})).columns.columns[0]
    found = column.decode(np.array([float(ends.min), float(ends.max), -1e30, 1e30])).tolist()
    assert found[0] == found[2] == ends.min
    assert found[1] == found[3]
    assert found[1] == (ends.max if ends.bits < 64 else np.nextafter(float(ends.max), 0))


@pytest.mark.parametrize(
    "levels",
    [
        pd.Index(["a", "b"], dtype=object),
        pd.Index([1, 2], dtype="int8"),
        pd.interval_range(0, 2),
        pd.period_range("2020", periods=2, freq="D"),
        pd.date_range("2020", periods=2, tz="Europe/Berlin"),
        pd.Index([0.5, 1.5], dtype="float32"),
    ],
    ids=lambda levels: str(levels.dtype),
)
def test_levels_keep_their_own_dtype(levels: pd.Index) -> None:
    dtype = pd.CategoricalDtype(levels)
    cells = pd.Categorical.from_codes([0, 1, -1, 1] * 10, dtype=dtype)
    frame = pd.DataFrame({"c": cells, "x": np.arange(40.0)})
    for found in (
        Autoencoder(1, **SHORT).fit(frame).reconstruct(frame),
        AutoencoderImputer(max_iter=1, random_state=0).fit_transform(frame),
    ):
        assert found["c"].dtype == dtype
        assert found["c"].cat.categories.dtype == levels.dtype
        assert found["c"].notna().all()


def test_the_order_of_an_arrow_dictionary_means_something() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    index = pyarrow.array([2, 0, 1, None] * 10, type=pyarrow.int8())
    sizes = pyarrow.DictionaryArray.from_arrays(index, ["S", "M", "L"], ordered=True)
    table = pyarrow.table({"size": sizes, "x": np.arange(40.0)})
    adapter = Table().fit(table)
    assert type(adapter.columns.columns[0]).__name__ == "Ordinal"
    assert_array_equal(adapter.rows(table).codes[:4, 0], [2, 0, 1, np.nan])
    for found in (
        Autoencoder(1, **SHORT).fit(table).reconstruct(table),
        AutoencoderImputer(max_iter=1, random_state=0).fit_transform(table),
    ):
        assert found["size"].type == sizes.type
        assert found["size"].chunk(0).dictionary.to_pylist() == ["S", "M", "L"]


def test_the_page_of_dtypes_is_what_the_libraries_here_give() -> None:
    assert written() == measured()


@pytest.mark.parametrize(
    "kind",
    [
        *(f"pandas datetime64[{unit}]" for unit in ("s", "ms", "us", "ns")),
        *(f"polars {dtype}" for dtype in ("Date", "Datetime(us)", "Datetime(ms)", "Datetime(ns)")),
        *(f"pyarrow {dtype}" for dtype in ("date32", "timestamp[s]", "timestamp[us]")),
    ],
)
def test_dates_of_any_year_come_back(kind):
    library, dtype = kind.split()
    days = ["9999-12-31", "0001-01-02", "2000-01-01"] if "ns" not in kind else ["2262-04-01"] * 3
    cells = np.array(days * 20, dtype="M8[us]")
    cells[0] = np.datetime64("1990-01-01")
    frame = pd.DataFrame({"date": cells, "x": np.tile([0.0, 1.0], 30)})
    if library == "pandas":
        frame = frame.astype({"date": dtype})
    elif library == "polars":
        polars = pytest.importorskip("polars")
        unit = dtype.partition("(")[2][:-1]
        own = polars.Datetime(unit) if unit else polars.Date
        frame = polars.from_pandas(frame).cast({"date": own})
    else:
        pyarrow = pytest.importorskip("pyarrow")
        own = pyarrow.date32() if dtype == "date32" else pyarrow.timestamp(dtype[10:-1])
        column = pyarrow.array(cells).cast(own, safe=False)
        frame = pyarrow.table({"date": column, "x": frame["x"].to_numpy()})
    model = Autoencoder(2, max_iter=0, random_state=0).fit(frame)
    found = np.array(model.reconstruct(frame)["date"].to_numpy(), dtype="M8[us]")
    assert np.abs(found - cells).max() <= np.timedelta64(1, "D")
    for value in (-1e300, 1e300):  # the last date that the dtype holds
        far = model.inverse_transform(np.full((2, 2), value))["date"].to_numpy()
        assert not np.isnat(np.array(far, dtype="M8[us]")).any()


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("dtype", ["Int64", "UInt8", "boolean", "uint8", "bool", "float32"])
def test_what_a_column_of_floats_becomes_in_another_library_and_dtype(library, dtype):
    numbers = np.random.default_rng(0).normal(scale=2.0, size=60)
    columns = {"a": numbers, "kind": ["u", "v", "w"] * 20}
    module = pytest.importorskip(library)
    own = module.DataFrame(columns) if library == "polars" else module.table(columns)
    model = Autoencoder(2, max_iter=0, random_state=0).fit(own)
    other = pd.DataFrame({"a": pd.Series(np.arange(60) % 2).astype(dtype), "kind": columns["kind"]})
    restored = model.reconstruct(other)
    assert restored.dtypes.equals(other.dtypes)
    floats = model.reconstruct(other.astype({"a": "float64"}))["a"].to_numpy()
    expected = {"b": floats > 0.5, "u": np.maximum(floats, 0.0), "U": np.maximum(floats, 0.0)}
    nearest = 1e-6 if dtype in ("boolean", "bool", "float32") else 0.5
    assert_allclose(
        restored["a"].to_numpy(float), expected.get(dtype[0], floats), rtol=0, atol=nearest
    )


def test_text_where_numbers_were_levels_is_refused():
    polars = pytest.importorskip("polars")
    frame = pd.DataFrame({"a": pd.Categorical([1, 2, 3] * 10), "x": np.arange(30.0)})
    model = Autoencoder(2, max_iter=0, random_state=0).fit(frame)
    text = polars.DataFrame({"a": ["1", "2", "3"] * 10, "x": np.arange(30.0)})
    with pytest.raises(ValueError, match="'a' of X held numbers in fit, and holds '1' now"):
        model.transform(text)
