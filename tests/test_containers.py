"""Rows of any size, magnitude, dtype and container go in, and come back in the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder

RNG = np.random.default_rng(0)
IRIS = load_iris().data
LOW_RANK = RNG.normal(size=(60, 3)) @ RNG.normal(size=(3, 5)) + 0.1 * RNG.normal(size=(60, 5))
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars"])
MIXED = np.array([1e-30, 1e30, 1.0, 1e30, 1e-30])


def make(n_components: int | float | None = 2, **parameters: Any) -> Autoencoder:
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 2, "early_stopping": False}
    return Autoencoder(n_components, random_state=0, **{**defaults, **parameters})


def make_frame(library: str, values: np.ndarray = IRIS, index: Any = None) -> Any:
    columns = {name: values[:, i] for i, name in enumerate(NAMES)}
    if library == "pandas":
        return pd.DataFrame(columns, index=index)
    return pytest.importorskip(library).DataFrame(columns)


def outputs(fitted: Autoencoder, X: np.ndarray) -> dict[str, np.ndarray]:
    """Everything that an estimator says of some rows."""
    return {
        "codes": fitted.transform(X),
        "reconstructions": fitted.reconstruct(X),
        "errors": fitted.reconstruction_errors(X),
        "scores": fitted.score_samples(X),
        "decisions": fitted.decision_function(X),
        "labels": fitted.predict(X),
        "ratio": fitted.explained_variance_ratio_,
        "offset": np.array(fitted.offset_),
        "score": np.array(fitted.score(X)),
    }


def assert_all_finite(fitted: Autoencoder, X: np.ndarray) -> None:
    for name, values in outputs(fitted, X).items():
        assert np.isfinite(values).all(), name


def pca_error(X: np.ndarray, n_components: int) -> float:
    """Squared error of all rows under PCA: the squares of the singular values left out."""
    X = X.astype(np.float64)
    unit = np.abs(X).max() or 1.0
    centred = X / unit - (X / unit).mean(axis=0)
    return float(np.square(np.linalg.svd(centred)[1][n_components:]).sum()) * unit**2


SIZES = {
    "one row": LOW_RANK[:1],
    "two rows": LOW_RANK[:2],
    "fewer rows than components": LOW_RANK[:3],
    "one column": LOW_RANK[:, :1],
    "one cell": LOW_RANK[:1, :1],
    "all constant": np.full((30, 4), 7.0),
    "all zero": np.zeros((30, 4)),
    "one row repeated": np.repeat(LOW_RANK[:1], 30, axis=0),
    "constant columns": np.c_[np.zeros(60), LOW_RANK, np.full(60, 0.1)],
    "more columns than rows": RNG.normal(size=(10, 40)),
    "two values": (LOW_RANK > 0).astype(float),
}
MAGNITUDES = {
    "small": LOW_RANK * 1e-30,
    "large": LOW_RANK * 1e30,
    "mixed": LOW_RANK * MIXED,
    "far mean": LOW_RANK + 1e9,
    "far means": LOW_RANK / LOW_RANK.std(axis=0) + [1e9, -1e9, 0.0, 1e9, 1.0],
}
ROWS = SIZES | MAGNITUDES


# What fits


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("rows", sorted(ROWS))
def test_everything_said_of_any_rows_is_finite(rows: str, early_stopping: bool) -> None:
    X = ROWS[rows]
    fitted = make(min(4, X.shape[1]), early_stopping=early_stopping).fit(X)
    assert_all_finite(fitted, X)


@pytest.mark.parametrize("rows", sorted(ROWS))
def test_partial_fit_takes_any_rows(rows: str) -> None:
    X = ROWS[rows]
    fitted = make(min(4, X.shape[1])).partial_fit(X).partial_fit(X[:1])
    assert_all_finite(fitted, X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", sorted(ROWS))
def test_the_start_reaches_the_error_of_pca(rows: str, dtype: type) -> None:
    X = ROWS[rows].astype(dtype)
    n_components = min(2, *X.shape)
    fitted = make(n_components, max_iter=0).fit(X)
    assert_all_finite(fitted, X)
    largest = float(np.abs(X).max())
    spread = float(X.std(axis=0, dtype=np.float64).max())
    cell = 1e-6 * spread + float(np.finfo(dtype).eps) * largest
    assert -fitted.score_samples(X).sum() == pytest.approx(
        pca_error(X, n_components), rel=1e-5, abs=X.size * cell**2
    )


def test_small_columns_beside_large_ones_are_not_blown_up() -> None:
    X = LOW_RANK * MIXED
    errors = make(max_iter=0).fit(X).reconstruction_errors(X)
    assert (errors.mean(axis=0) <= X.var(axis=0) * (1 + 1e-6)).all()


@pytest.mark.parametrize("rows", ["one row", "all constant", "all zero", "one row repeated"])
def test_rows_without_variance_are_restored(rows: str) -> None:
    X = ROWS[rows]
    fitted = make(2).fit(X)
    assert_allclose(fitted.reconstruct(X), X, rtol=1e-12)
    assert_array_equal(fitted.explained_variance_ratio_, 0)
    assert_array_equal(fitted.predict(X), 1)


def test_constant_columns_are_restored() -> None:
    X = ROWS["constant columns"]
    fitted = make(2).fit(X)
    assert_allclose(fitted.reconstruct(X)[:, [0, -1]], X[:, [0, -1]], rtol=1e-12)


def test_a_single_row_gets_the_code_it_has_among_others() -> None:
    fitted = make().fit(IRIS)
    together = fitted.transform(IRIS)
    assert_allclose(np.vstack([fitted.transform(row[None]) for row in IRIS[:5]]), together[:5])


@pytest.mark.parametrize(
    ("n_samples", "batch_size"), [(30, 1000), (30, 30), (5, 1), (33, 32), (3, None)]
)
def test_any_batch_size_fits(n_samples: int, batch_size: int | None) -> None:
    X = IRIS[::4][:n_samples]
    fitted = make(batch_size=batch_size).fit(X)
    assert fitted.n_iter_ == 2
    assert_all_finite(fitted, X)


# How many components


@pytest.mark.parametrize("share", [0.3, 0.9, 0.99, 0.999999])
@pytest.mark.parametrize(
    "X",
    [IRIS, load_digits().data[:150], RNG.normal(size=(30, 60)), LOW_RANK],
    ids=["iris", "digits", "wide", "low rank"],
)
def test_a_share_takes_as_many_components_as_pca(X: np.ndarray, share: float) -> None:
    fitted = make(share, max_iter=0).fit(X)
    assert fitted.n_components_ == PCA(share, svd_solver="full").fit(X).n_components_
    assert fitted.transform(X).shape == (len(X), fitted.n_components_)


@pytest.mark.parametrize(
    "X",
    [
        IRIS,
        load_digits().data[:150],
        RNG.normal(size=(100, 9)),
        LOW_RANK,
        LOW_RANK[:, :1],
        np.outer(np.arange(20.0), np.ones(6)),
        np.ones((20, 6)),
    ],
    ids=["iris", "digits", "noise", "low rank", "one column", "one direction", "constant"],
)
def test_none_takes_95_percent_but_at_most_half_the_features(X: np.ndarray) -> None:
    variances = np.sort(np.linalg.eigvalsh(np.atleast_2d(np.cov(X.T, bias=True))))[::-1]
    shares = np.cumsum(variances) / max(variances.sum(), 1e-300)
    needed = int(np.argmax(shares >= 0.95)) + 1
    expected = max(1, min(needed, X.shape[1] // 2))
    assert make(None, max_iter=0).fit(X).n_components_ == expected


def test_the_rules_see_weights_like_repeated_rows() -> None:
    times = RNG.integers(0, 3, size=len(IRIS)) * (IRIS[:, 0] > 6)
    weighted = make(0.95, max_iter=0).fit(IRIS, sample_weight=times)
    repeated = make(0.95, max_iter=0).fit(np.repeat(IRIS, times, axis=0))
    assert weighted.n_components_ == repeated.n_components_
    assert weighted.n_components_ != make(0.95, max_iter=0).fit(IRIS).n_components_


@pytest.mark.parametrize("early_stopping", [True, False])
def test_more_components_than_rows(early_stopping: bool) -> None:
    X = RNG.normal(size=(3, 10))
    fitted = make(6, early_stopping=early_stopping).fit(X)
    assert fitted.transform(X).shape == (3, 6)
    assert_all_finite(fitted, X)


# Memory adapters and dtypes


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: X.astype(np.float16),
        lambda X: X.astype(np.int64),
        lambda X: X.astype(np.uint8),
        lambda X: X.mean(axis=0) < X,
        lambda X: X.astype(">f8"),
        lambda X: X.astype(np.longdouble),
        lambda X: X.tolist(),
        lambda X: X.astype(object),
    ],
    ids=["float16", "int64", "uint8", "bool", "big endian", "longdouble", "list", "object"],
)
def test_other_dtypes_are_read_as_float64(convert: Any) -> None:
    X = convert(IRIS)
    read = np.array(X, dtype=np.float64)
    fitted, expected = make().fit(X), outputs(make().fit(read), read)
    for name, values in outputs(fitted, X).items():
        assert_array_equal(values, expected[name], name)
    assert fitted.transform(X).dtype == fitted.reconstruct(X).dtype == np.float64


@pytest.mark.parametrize("fitted_on", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_that_goes_in_comes_out(fitted_on: type, dtype: type) -> None:
    fitted, X = make().fit(IRIS.astype(fitted_on)), IRIS.astype(dtype)
    Z = fitted.transform(X)
    assert Z.dtype == fitted.inverse_transform(Z).dtype == fitted.reconstruct(X).dtype == dtype
    for values in (fitted.score_samples(X), fitted.reconstruction_errors(X)):
        assert values.dtype == np.float64
    assert fitted.decision_function(X).dtype == np.float64


def test_float32_and_float64_rows_agree() -> None:
    fitted = make().fit(IRIS)
    single, double = IRIS.astype(np.float32), IRIS.astype(np.float32).astype(np.float64)
    assert_allclose(fitted.transform(single), fitted.transform(double), atol=1e-5)
    assert_allclose(fitted.reconstruct(single), fitted.reconstruct(double), atol=1e-5)


def on_disk(X: np.ndarray, folder: Path) -> np.ndarray:
    np.save(folder / "rows.npy", X)
    return np.load(folder / "rows.npy", mmap_mode="r")


@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_read_only_memory_map_is_read_and_left_alone(
    tmp_path: Path, early_stopping: bool
) -> None:
    X = on_disk(IRIS, tmp_path)
    assert not X.flags.writeable
    fitted = make(early_stopping=early_stopping).fit(X).partial_fit(X)
    expected = outputs(make(early_stopping=early_stopping).fit(IRIS).partial_fit(IRIS), IRIS)
    for name, values in outputs(fitted, X).items():
        assert_array_equal(values, expected[name], name)
    codes = on_disk(fitted.transform(X), tmp_path)
    assert_array_equal(fitted.inverse_transform(codes), fitted.reconstruct(IRIS))


@pytest.mark.parametrize(
    "lay_out",
    [
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: X[:, ::-1].copy()[:, ::-1],
    ],
    ids=["Fortran", "every second row", "reversed columns"],
)
def test_memory_layout_does_not_matter(lay_out: Any) -> None:
    X = lay_out(IRIS)
    expected = make().fit(IRIS).transform(IRIS)
    assert_allclose(make().fit(X).transform(X), expected, atol=1e-4)
    fitted = make().fit(IRIS)
    assert_allclose(fitted.transform(X), fitted.transform(IRIS), rtol=1e-12)


def test_rows_are_not_changed() -> None:
    X = IRIS.copy()
    fitted = make().fit(X).partial_fit(X)
    outputs(fitted, X)
    assert_array_equal(X, IRIS)


# Data frames


@LIBRARIES
def test_fitting_a_frame_is_fitting_its_array(library: str) -> None:
    frame = make_frame(library)
    fitted = make().fit(frame)
    assert list(fitted.feature_names_in_) == NAMES
    assert_allclose(fitted.transform(frame), make().fit(IRIS).transform(IRIS), atol=1e-6)


@LIBRARIES
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_inverse_transform_gives_the_container_that_fit_saw(library: str, method: str) -> None:
    frame = make_frame(library)
    fitted = getattr(make(), method)(frame)
    codes = fitted.transform(frame)
    restored = fitted.inverse_transform(codes)
    assert type(restored) is type(frame)
    assert list(restored.columns) == NAMES
    assert_array_equal(restored.to_numpy(), fitted.reconstruct(frame).to_numpy())


@LIBRARIES
@pytest.mark.parametrize(
    "convert",
    [np.ndarray.tolist, np.asarray, lambda Z: Z.astype(np.float32), pd.DataFrame],
    ids=["list", "array", "float32", "frame"],
)
def test_codes_come_in_any_container(library: str, convert: Any) -> None:
    frame = make_frame(library)
    fitted = make().fit(frame)
    codes = fitted.transform(frame)
    restored = fitted.inverse_transform(convert(codes))
    assert type(restored) is type(frame)
    assert_allclose(restored.to_numpy(), fitted.inverse_transform(codes).to_numpy(), rtol=1e-5)


@LIBRARIES
@pytest.mark.parametrize("method", ["reconstruct", "reconstruction_errors"])
def test_results_with_a_cell_for_each_cell_come_in_the_container_of_the_argument(
    library: str, method: str
) -> None:
    frame = make_frame(library)
    fitted = make().fit(frame)
    result = getattr(fitted, method)(frame[10:13])
    assert type(result) is type(frame)
    assert list(result.columns) == NAMES
    expected = getattr(make().fit(IRIS), method)(IRIS[10:13])
    assert_allclose(result.to_numpy(), expected, atol=1e-6)


def test_the_argument_decides_when_it_is_not_what_fit_saw() -> None:
    fitted, polars_frame = make().fit(make_frame("pandas")), make_frame("polars")
    assert type(fitted.reconstruct(polars_frame)) is type(polars_frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert type(fitted.reconstruct(IRIS)) is np.ndarray
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert type(fitted.reconstruction_errors(IRIS)) is np.ndarray


@pytest.mark.parametrize("method", ["reconstruct", "reconstruction_errors"])
def test_the_index_of_a_pandas_frame_is_kept(method: str) -> None:
    index = pd.Index([f"row {i}" for i in range(len(IRIS))], name="flower")
    frame = make_frame("pandas", index=index)
    chosen = frame.iloc[[5, 3, 100]]
    assert getattr(make().fit(frame), method)(chosen).index.equals(chosen.index)


@pytest.mark.parametrize(
    "columns",
    [
        pd.RangeIndex(4),
        pd.Index([3, 1, 2, 7]),
        pd.MultiIndex.from_product([["sepal", "petal"], ["length", "width"]]),
    ],
    ids=["range", "integers", "levels"],
)
def test_the_column_labels_of_a_pandas_frame_are_kept(columns: pd.Index) -> None:
    frame = pd.DataFrame(IRIS, columns=columns)
    fitted = make().fit(frame)
    for result in (
        fitted.reconstruct(frame),
        fitted.reconstruction_errors(frame),
        fitted.inverse_transform(fitted.transform(frame)),
    ):
        assert result.columns.equals(columns)


@LIBRARIES
@pytest.mark.parametrize("fitted_on", ["array", "pandas", "polars"])
def test_set_output_names_the_codes(library: str, fitted_on: str) -> None:
    pytest.importorskip(library)
    X = IRIS if fitted_on == "array" else make_frame(fitted_on)
    fitted = make().set_output(transform=library).fit(X)
    codes = fitted.transform(X)
    assert type(codes).__module__.startswith(library)
    assert list(codes.columns) == ["autoencoder0", "autoencoder1"]
    array = make().fit(IRIS)
    assert_allclose(codes.to_numpy(), array.transform(IRIS), atol=1e-6)
    again = make().set_output(transform=library).fit_transform(X)
    assert list(again.columns) == list(codes.columns)
    restored = fitted.inverse_transform(codes)
    assert type(restored) is type(X)
    assert_allclose(np.asarray(restored), array.reconstruct(IRIS), atol=1e-6)


def test_named_codes_keep_the_index_there_and_back() -> None:
    frame = make_frame("pandas", index=pd.RangeIndex(1000, 1150))
    fitted = make().set_output(transform="pandas").fit(frame)
    codes = fitted.transform(frame[20:25])
    assert codes.index.equals(frame.index[20:25])
    assert fitted.inverse_transform(codes).index.equals(codes.index)


@pytest.mark.parametrize("n_components", [1, 3])
def test_feature_names_out_number_the_components(n_components: int) -> None:
    fitted = make(n_components).fit(IRIS)
    expected = [f"autoencoder{i}" for i in range(n_components)]
    assert list(fitted.get_feature_names_out()) == expected


@LIBRARIES
def test_columns_of_integers_in_a_frame_are_numbers(library: str) -> None:
    values = np.c_[IRIS[:, :2], IRIS[:, 2:].round()]
    frame = make_frame(library, values)
    if library == "pandas":
        frame = frame.astype({NAMES[2]: int, NAMES[3]: int})
    else:
        import polars as pl

        frame = frame.with_columns(frame[name].cast(pl.Int64) for name in NAMES[2:])
    expected = make().fit(values).transform(values)
    assert_allclose(make().fit(frame).transform(frame), expected, atol=1e-6)


@LIBRARIES
def test_a_pipeline_restores_rows_by_its_own_two_methods(library: str) -> None:
    frame = make_frame(library)
    pipeline = make_pipeline(StandardScaler(), make()).fit(frame)
    restored = pipeline.inverse_transform(pipeline.transform(frame))
    scaler, fitted = pipeline.steps[0][1], pipeline.steps[1][1]
    expected = scaler.inverse_transform(fitted.reconstruct(scaler.transform(frame)))
    assert_allclose(np.asarray(restored), expected, rtol=1e-12)
