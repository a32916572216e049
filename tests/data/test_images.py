"""Images of every form go in, lie in the network's range, and come back as they were."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae.data import Images, Ragged

RNG = np.random.default_rng(0)
LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars"])
DTYPES = ["uint8", "uint16", "bool", "int64", "float32", "float64"]
LARGEST = {"uint8": 255, "uint16": 65_535, "int64": 255, "bool": 1}


def pixels(shape, dtype="float64"):
    if dtype.startswith("float"):
        return RNG.normal(size=shape).astype(dtype)
    values = RNG.integers(0, LARGEST[dtype], size=shape, endpoint=True)
    values.flat[0] = LARGEST[dtype]
    return values.astype(dtype)


def listed(*shapes, dtype="float64"):
    return [pixels(shape, dtype) for shape in shapes]


def objects(images):
    out = np.empty(len(images), dtype=object)
    for i, image in enumerate(images):
        out[i] = image
    return out


FORMS = {
    "grey": lambda d: pixels((6, 3, 4), d),
    "one channel": lambda d: pixels((6, 3, 4, 1), d),
    "colours": lambda d: pixels((6, 3, 4, 3), d),
    "colours first": lambda d: pixels((6, 3, 5, 6), d),
    "one channel first": lambda d: pixels((6, 1, 5, 6), d),
    "list of colours first and of sizes": lambda d: listed(
        (4, 5, 2), (4, 7, 7), (4, 2, 8), dtype=d
    ),
    "tensor": lambda d: torch.from_numpy(pixels((6, 3, 5, 4), d)),
    "grey tensor": lambda d: torch.from_numpy(pixels((6, 5, 4), d)),
    "list of one size": lambda d: listed(*[(3, 4)] * 5, dtype=d),
    "list of colours": lambda d: listed(*[(3, 4, 3)] * 5, dtype=d),
    "list of sizes": lambda d: listed((3, 4), (1, 1), (5, 2), (3, 4), dtype=d),
    "list of colours and sizes": lambda d: listed((3, 4, 3), (1, 1, 3), (5, 2, 3), dtype=d),
    "mixed list": lambda d: listed((3, 4), (3, 4, 1), (3, 4), dtype=d),
    "mixed list of sizes": lambda d: listed((3, 4), (2, 2, 1), (5, 1), dtype=d),
    "tuple": lambda d: tuple(listed((3, 4), (2, 2), dtype=d)),
    "objects": lambda d: objects(listed((3, 4), (2, 2), (5, 1, 1), dtype=d)),
}
EVERY = pytest.mark.parametrize("form", FORMS)


def values_of(adapter, X):
    found = adapter.rows(X)
    if isinstance(found, Ragged):
        return Ragged(adapter.scale(found.cells), found.sizes)
    return adapter.scale(np.asarray(found))


def assert_same_form(result, X, exact=True):
    """Same container, types and shapes, and the same values where nothing was lost."""
    as_list = list | tuple
    if isinstance(X, as_list) or (isinstance(X, np.ndarray) and X.dtype == object):
        assert isinstance(result, list)
        assert len(result) == len(X)
        for one, other in zip(result, X, strict=True):
            assert_same_form(one, other, exact)
        return
    assert type(result) is type(X)
    assert result.dtype == X.dtype
    assert result.shape == X.shape
    first, second = np.asarray(result), np.asarray(X)
    if exact:
        assert_array_equal(first, second)
    else:
        assert_allclose(first, second, rtol=1e-6)


@EVERY
@pytest.mark.parametrize("dtype", DTYPES)
def test_images_come_back_as_they_went_in(form, dtype):
    if "tensor" in form and dtype == "uint16":
        pytest.skip("torch computes nothing with uint16")
    X = FORMS[form](dtype)
    adapter = Images().fit(X)
    values = values_of(adapter, X)
    largest = np.abs(values.cells if isinstance(values, Ragged) else values).max()
    if not dtype.startswith("float"):
        assert largest == 1
    assert values.dtype == (np.float64 if dtype in ("float64", "int64") else np.float32)
    container = adapter.container(X)
    assert_same_form(container.wrap(values, like=X), X, exact=dtype != "float32")


@EVERY
def test_errors_are_float64_numbers_of_the_same_shapes(form):
    X = FORMS[form]("uint8")
    adapter = Images().fit(X)
    errors = values_of(adapter, X).astype(np.float64)
    wrapped = adapter.container(X).wrap_errors(errors, like=X)
    double = [np.asarray(image, dtype=np.float64) for image in X]
    if torch.is_tensor(X):
        assert wrapped.dtype == torch.float64
    for one, other in zip(wrapped, double, strict=True):
        assert_allclose(np.asarray(one), other / 255, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_ragged_is_what_has_several_sizes(form):
    X = FORMS[form]("float64")
    assert Images().fit(X).ragged == ("sizes" in form or form in ("tuple", "objects"))


def test_pixels_lie_row_by_row_with_channels_fastest():
    X = pixels((5, 3, 4, 2))
    adapter = Images().fit(X)
    assert adapter.sample_shape == (3, 4, 2)
    assert_array_equal(adapter.rows(X), X.reshape(5, -1))
    channels_first = torch.from_numpy(np.ascontiguousarray(X.transpose(0, 3, 1, 2)))
    assert Images().fit(channels_first).sample_shape == (3, 4, 2)
    assert_array_equal(adapter.rows(channels_first), X.reshape(5, -1))
    assert_array_equal(adapter.rows(list(X)), X.reshape(5, -1))


def test_the_size_of_images_of_several_sizes_is_their_median():
    adapter = Images().fit(listed((2, 9), (4, 3), (6, 5)))
    assert adapter.sample_shape == (4, 5, 1)
    assert_array_equal(adapter.sizes(None, 2), [[4, 5], [4, 5]])
    assert_array_equal(adapter.sizes([[1, 2], [3, 4]], 2), [[1, 2], [3, 4]])


@pytest.mark.parametrize("image_shape", [(3, 4), [3, 4], (3, 4, 1), (3, 2, 2), (1, 12)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_flat_rows_come_back_as_they_went_in(image_shape, dtype):
    X = pixels((6, 12), dtype)
    adapter = Images(image_shape).fit(X)
    shape = tuple(image_shape)
    assert adapter.sample_shape == (shape if len(shape) == 3 else (*shape, 1))
    values = values_of(adapter, X.astype(np.float32 if dtype == "float32" else np.float64))
    if not dtype.startswith("float"):
        assert values.max() == 1
    assert_same_form(adapter.container(X).wrap(values, like=X), X)


@LIBRARIES
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_flat_rows_of_a_frame_come_back_as_a_frame(library, dtype):
    X = pixels((6, 12), dtype)
    names = [f"p{i}" for i in range(12)]
    frame = pytest.importorskip(library).DataFrame({n: X[:, i] for i, n in enumerate(names)})
    adapter = Images((3, 4)).fit(frame)
    assert adapter.rows(frame) is frame
    values = adapter.scale(X.astype(np.float32 if dtype == "float32" else np.float64))
    back = adapter.container(frame).wrap(values, like=frame)
    assert type(back) is type(frame)
    assert list(back.columns) == names
    assert_array_equal(np.asarray(back), X)
    if library == "pandas":
        assert (back.dtypes == dtype).all()


def test_the_index_of_a_frame_is_kept():
    frame = pd.DataFrame(pixels((6, 4)), columns=list("abcd"), index=range(7, 13))
    adapter = Images((2, 2)).fit(frame)
    back = adapter.container(frame).wrap(frame.to_numpy(), like=frame)
    assert_array_equal(back.index, frame.index)


def test_matrices_without_a_shape_are_images_of_height_one_and_not_scaled():
    X = pixels((6, 12), "uint8")
    adapter = Images().fit(X)
    assert adapter.sample_shape == (1, 12, 1)
    assert adapter.scale(X) is X


@pytest.mark.parametrize(
    ("largest", "unit"), [(1, 1.0), (2, 255.0), (255, 255.0), (256, 65_535.0), (70_000, 70_000.0)]
)
def test_wide_integers_have_the_least_range_that_holds_them(largest, unit):
    X = np.zeros((3, 2, 2), dtype=np.int64)
    X[1, 0, 1] = largest
    assert Images().fit(X).unit == Images().fit(list(X)).unit == unit
    assert Images((2, 2)).fit(X.reshape(3, 4)).unit == unit


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_narrow_integers_have_the_range_of_their_type(dtype):
    X = np.ones((3, 2, 2), dtype=dtype)
    assert Images().fit(X).unit == np.iinfo(dtype).max


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("uint8", [0, 0, 128, 255, 255]), ("bool", [0, 0, 1, 1, 1]), ("float32", None)],
)
def test_what_a_network_writes_is_rounded_and_clipped_to_the_type(dtype, expected):
    X = pixels((1, 1, 5), dtype)
    adapter = Images().fit(X)
    written = np.array([[-0.3, 0.001, 0.501, 0.999, 1.7]])
    back = adapter.container(X).wrap(written, like=X)[0, 0]
    assert back.dtype == X.dtype
    assert_array_equal(back, written[0].astype(np.float32) if expected is None else expected)


def test_another_form_than_that_of_fit_comes_back_in_its_own():
    X = pixels((6, 3, 4))
    adapter = Images().fit(X)
    for other in (list(X), X[..., None], torch.from_numpy(X), list(X[..., None])):
        assert_same_form(
            adapter.container(other).wrap(values_of(adapter, other), like=other), other
        )
    ragged = Images().fit(listed((3, 4), (2, 2)))
    assert_same_form(ragged.container(X).wrap(values_of(ragged, X), like=X), X)


def test_flat_rows_go_with_a_fit_on_images():
    X = pixels((6, 3, 4), "uint8")
    adapter = Images().fit(X)
    flat = X.reshape(6, 12)
    assert_same_form(adapter.container(flat).wrap(values_of(adapter, flat), like=flat), flat)


@pytest.mark.parametrize("flat", [True, False])
def test_floats_after_a_fit_on_integers_have_the_units_of_fit(flat):
    X = pixels((6, 3, 4), "uint8")
    X = X.reshape(6, 12) if flat else X
    adapter = Images((3, 4) if flat else None).fit(X)
    floats = X.astype(np.float64)
    values = values_of(adapter, floats)
    assert values.max() == 1
    assert_allclose(adapter.container(floats).wrap(values, like=floats), floats)


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((3, 5, 6), {}, (5, 6, 3)),
        ((1, 28, 28), {}, (28, 28, 1)),
        ((4, 9, 7), {}, (9, 7, 4)),
        ((3, 3, 3), {}, (3, 3, 3)),
        ((3, 5, 3), {}, (3, 5, 3)),
        ((5, 6, 3), {}, (5, 6, 3)),
        ((2, 5, 6), {}, (2, 5, 6)),
        ((4, 4, 64), {}, (4, 4, 64)),
        ((1, 1, 64), {}, (1, 1, 64)),
        ((4, 9, 7), {"image_shape": (4, 9, 7)}, (4, 9, 7)),
        ((2, 5, 6), {"image_shape": (5, 6, 2)}, (5, 6, 2)),
        ((3, 3, 2), {"image_shape": (3, 2, 3)}, (3, 2, 3)),
    ],
)
def test_channels_are_first_where_the_shape_says_so(shape, options, expected):
    X = pixels((4, *shape))
    first = expected != shape
    adapter = Images(**options).fit(X)
    assert adapter.sample_shape == expected
    last = np.moveaxis(X, 1, -1) if first else X
    assert_array_equal(adapter.rows(X), last.reshape(4, -1))
    assert adapter.axes(X) == ((0, 2, 3, 1) if first else None)
    assert_same_form(adapter.container(X).wrap(values_of(adapter, X), like=X), X)
    tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(last, -1, 1)))
    assert Images().fit(tensor).sample_shape == expected
    assert Images().fit(list(tensor)).sample_shape == expected
    assert_array_equal(adapter.rows(tensor), adapter.rows(X))


@pytest.mark.parametrize("shape", [(3, 4, 2), (5, 6, 3), (3, 3, 4), (4, 9, 7)])
def test_images_in_another_order_than_in_fit_are_the_same_images(shape):
    last = pixels((4, *shape))
    first = np.ascontiguousarray(np.moveaxis(last, -1, 1))
    adapter = Images(shape).fit(last)
    for X in (first, list(first), torch.from_numpy(last), [torch.from_numpy(x) for x in last]):
        assert_array_equal(adapter.rows(X), adapter.rows(last))
        back = adapter.container(X).wrap(values_of(adapter, X), like=X)
        assert_array_equal(np.asarray(back), np.asarray([np.asarray(x) for x in X]))


def test_the_form_of_a_state_that_does_not_name_the_order_is_that_of_its_kind():
    for X, first in ((torch.rand(6, 3, 5, 4), True), (pixels((6, 5, 4, 3)), False)):
        adapter = Images().fit(X)
        form = adapter.container(X)
        state = {k: v for k, v in vars(form).items() if k != "channels_first"}
        older = object.__new__(type(form))
        older.__setstate__(state)
        assert older.channels_first == first
        assert_same_form(older.wrap(values_of(adapter, X)), X)


def test_a_list_of_tensors_comes_back_as_arrays():
    X = [torch.rand(3, 4), torch.rand(2, 2)]
    adapter = Images().fit(X)
    back = adapter.container(X).wrap(values_of(adapter, X), like=X)
    assert_array_equal(back[0], X[0])
    assert_array_equal(back[1], X[1])
