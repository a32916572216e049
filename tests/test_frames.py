"""Data frames as they come: kinds of columns, round trips, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_series_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skops import io

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    Convolutional,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    MaskingNoise,
    SparseAutoencoder,
    StackedAutoencoder,
    SwapNoise,
    VariationalAutoencoder,
)
from sklearn_ae.data import Rows, Table, TableScaling, _lazy_rows
from sklearn_ae.losses import LOSSES, SquaredError, TabularLoss

pytestmark = pytest.mark.usefixtures("few_folds")

SHORT = {"max_iter": 2, "hidden_layer_sizes": (8,), "random_state": 0}
VARIANTS = [
    Autoencoder(2, **SHORT),
    Autoencoder(2, init="random", loss="absolute_error", **SHORT),
    Autoencoder(2, numeric_map="quantile", tied_weights=True, **SHORT),
    Autoencoder(2, numeric_map="robust", loss="huber", **SHORT),
    ContractiveAutoencoder(2, **SHORT),
    DenoisingAutoencoder(corruption=SwapNoise(), **SHORT),
    DenoisingAutoencoder(corruption=MaskingNoise(), **SHORT),
    SparseAutoencoder(20, **SHORT),
    StackedAutoencoder(2, **SHORT),
    VariationalAutoencoder(2, **SHORT),
]


def make_frame(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """A column of each kind, all of them tied to one of three groups."""
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 3, n)
    days = pd.to_timedelta(g * 100 + rng.integers(0, 50, n), unit="D")
    frame = pd.DataFrame(
        {
            "height": rng.normal(size=n) + g,
            "age": rng.integers(20, 60, n),
            "visits": rng.poisson(1 + g),
            "city": np.array(["Ulm", "Bonn", "Kiel"], dtype=object)[g],
            "smoker": g > 0,
            "size": pd.Categorical(
                np.array(["S", "M", "L"])[g], categories=["S", "M", "L", "XL"], ordered=True
            ),
            "kind": pd.Categorical(np.array(["a", "b", "c"])[(g + 1) % 3]),
            "sex": np.array(["f", "m"], dtype=object)[rng.integers(0, 2, n)],
            "when": pd.Timestamp("2020-01-01") + days,
            "zone": pd.Timestamp("2020-01-01T12", tz="Europe/Berlin") + days,
            "maybe": pd.array(np.where(rng.random(n) < 0.2, None, g), dtype="Int64"),
        }
    )
    frame.loc[3, "city"] = None
    frame.loc[4, "when"] = pd.NaT
    frame.loc[5, "size"] = np.nan
    return frame


FRAME = make_frame()
LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars"])


def frame_of(library: str, frame: pd.DataFrame = FRAME):
    if library == "pandas":
        return frame
    polars = pytest.importorskip("polars")
    columns = {}
    for name, column in frame.items():
        cells = column.astype(object).where(column.notna(), None).tolist()
        dtype = polars.Enum(["a", "b", "c"]) if name == "kind" else None
        columns[name] = polars.Series(name, cells, dtype=dtype)
    return polars.DataFrame(columns)


def columns_of(frame: pd.DataFrame, **options):
    adapter = Table(**options).fit(frame)
    assert adapter.columns is not None
    return {c.type.name: c for c in adapter.columns.columns}


# Kinds


def test_kinds_follow_the_dtypes():
    kinds = {name: type(column).__name__ for name, column in columns_of(FRAME).items()}
    assert kinds == {
        "height": "Numeric",
        "age": "Numeric",
        "visits": "Count",
        "city": "Categorical",
        "smoker": "Binary",
        "size": "Ordinal",
        "kind": "Categorical",
        "sex": "Binary",
        "when": "Date",
        "zone": "Date",
        "maybe": "Count",
    }


def test_frames_of_numbers_and_arrays_stay_a_matrix(iris):
    frame = pd.DataFrame(iris, columns=list("abcd"))
    assert not Table().fit(frame).tabular
    assert not Table().fit(iris).tabular
    assert_allclose(
        Autoencoder(2, **SHORT).fit_transform(frame), Autoencoder(2, **SHORT).fit_transform(iris)
    )


@pytest.mark.parametrize("given", [[0, 2], ["a", "c"], [True, False, True]], ids=str)
def test_columns_that_are_called_categorical(given):
    rng = np.random.default_rng(0)
    X = np.c_[rng.integers(0, 3, 50), rng.normal(size=50), rng.integers(5, 9, 50)]
    frame = pd.DataFrame(X, columns=list("abc"))
    kinds = {n: c.kind for n, c in columns_of(frame, categorical_features=given).items()}
    assert kinds == {"a": "categorical", "b": "numeric", "c": "categorical"}


def test_an_array_with_categories_comes_back_as_an_array():
    rng = np.random.default_rng(0)
    X = np.c_[rng.integers(4, 7, 50), rng.normal(size=50)]
    rebuilt = Autoencoder(2, categorical_features=[0], **SHORT).fit(X).reconstruct(X)
    assert rebuilt.dtype == np.float64
    assert set(rebuilt[:, 0]) <= {4.0, 5.0, 6.0}


def test_rare_and_unknown_levels_share_one():
    frame = pd.DataFrame({"city": ["Ulm"] * 20 + ["Bonn"] * 20 + ["Rom", "Oslo"], "x": range(42)})
    city = columns_of(frame)["city"]
    assert city.levels == ["Bonn", "Ulm"]
    assert city.width == 3
    rows = Table().fit(frame).rows(frame.assign(city="Atlantis"))
    assert_array_equal(rows.codes[:, 0], 2)
    assert city.decode(np.array([0.0, 1.0, 2.0])).tolist()[:2] == ["Bonn", "Ulm"]
    assert city.decode(np.array([2.0])).tolist()[0] in {"Rom", "Oslo"}


def test_a_level_that_is_unknown_is_missing_where_none_was_rare():
    rows = Table().fit(FRAME).rows(FRAME.assign(city="Atlantis"))
    assert np.isnan(rows.codes[:, 3]).all()
    fitted = Autoencoder(2, **SHORT).fit(FRAME)
    assert np.isfinite(fitted.transform(FRAME.assign(city="Atlantis", sex="x"))).all()


def test_many_levels_take_no_more_memory_than_the_frequent_ones():
    n = 100_000
    frame = pd.DataFrame({"id": np.arange(n).astype(str), "x": np.arange(n) / n, "u": "a"})
    frame.loc[:50, "id"] = "again"
    rows = Table().fit(frame).rows(frame)
    assert rows.shape[1] <= 4
    assert rows.codes.nbytes == n * 3 * 8


def test_quantile_and_robust_maps_go_both_ways():
    x = np.exp(np.random.default_rng(0).normal(size=300) * 2)
    frame = pd.DataFrame({"x": x, "c": ["a", "b", "c"] * 100})
    for numeric_map in ("quantile", "robust"):
        adapter = Table(numeric_map=numeric_map).fit(frame)
        codes = adapter.rows(frame).codes[:, 0]
        back = adapter.columns.columns[0].decode(codes)
        inner = (x > np.quantile(x, 0.02)) & (x < np.quantile(x, 0.98))
        assert_allclose(back[inner], x[inner], rtol=1e-6)
        assert abs(pd.Series(codes).skew()) < 0.2 * pd.Series(x).skew()


@pytest.mark.parametrize("numeric_map", ["quantile", "robust"])
def test_frames_asked_for_everywhere_change_no_code(numeric_map):
    expected = Table(numeric_map=numeric_map).fit(FRAME).rows(FRAME).codes
    with config_context(transform_output="pandas"):
        found = Table(numeric_map=numeric_map).fit(FRAME).rows(FRAME).codes
    assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([True, np.False_, None], "Binary"),
        ([1, np.int8(2), np.float32(0.5), None, np.nan, pd.NA], "Numeric"),
        (["a", np.str_("b"), "c", None, np.nan], "Categorical"),
        ([None, np.nan, pd.NA], "Empty"),
    ],
)
def test_objects_are_what_their_observed_cells_are(cells, kind):
    frame = pd.DataFrame({"x": pd.Series(cells * 4, dtype=object), "y": "y"})
    assert type(columns_of(frame)["x"]).__name__ == kind


@pytest.mark.parametrize("levels", [[(1, 2), (3, 4), (5,)], ["a", 1, 2.5]])
def test_levels_may_be_anything_that_a_category_may_be(levels):
    dtype = pd.CategoricalDtype(pd.Index(levels, tupleize_cols=False))
    cells = pd.Categorical.from_codes([0, 1, 2, -1] * 9, dtype=dtype)
    column = columns_of(pd.DataFrame({"x": cells}))["x"]
    codes = Table().fit(frame := pd.DataFrame({"x": cells})).rows(frame).codes[:, 0]
    assert_array_equal(np.isnan(codes), cells.isna())
    assert column.decode(codes[:3]).tolist() == levels


# Scales, loss and start


def fitted_table(frame: pd.DataFrame = FRAME):
    adapter = Table().fit(frame)
    rows = Rows(adapter.rows(frame))
    return adapter.columns, rows, TableScaling.fit(rows)


def test_scales_are_those_of_factor_analysis_of_mixed_data():
    columns, _, scaling = fitted_table()
    squares = columns.sums(np.square(scaling.relative_scale)[None])[0]
    assert_allclose(squares, np.ones(len(columns)))
    span = columns.spans[3]
    p = FRAME["city"].dropna().value_counts(normalize=True).sort_index().to_numpy()
    assert_allclose(scaling.mean[span], p)
    assert_allclose(np.square(scaling.relative_scale[span]), (1 - p) / (1 - p).sum())


def test_the_best_constant_of_each_column_costs_one():
    columns, rows, scaling = fitted_table()
    loss = TabularLoss(SquaredError(), columns)
    x = rows.matrix()
    errors = loss.errors(x, np.zeros(x.shape), scaling)
    assert_array_equal(np.isnan(errors), np.isnan(rows.values.codes))
    # Numbers of a column with holes are standardised over what was observed.
    assert_allclose(np.nanmean(errors, axis=0), 1, rtol=1e-9)


def test_training_and_scores_have_the_same_loss():
    columns, rows, scaling = fitted_table()
    x = rows.matrix()
    output = np.random.default_rng(0).normal(size=x.shape)
    for numeric in ("squared_error", "absolute_error", "huber", "gaussian"):
        loss = TabularLoss(LOSSES[numeric](), columns)
        written = np.concatenate([output] * loss.n_parameters, axis=1)
        cells = loss.build(scaling)
        target = torch.from_numpy(np.nan_to_num(scaling.apply(x))).float()
        cost = cells(torch.from_numpy(written).float(), target).numpy()
        cost = np.where(np.isnan(x), 0, cost).sum(axis=1) * loss.unit(scaling)
        expected = np.nansum(loss.errors(x, written, scaling), axis=1)
        assert_allclose(cost + loss.constants(x, scaling), expected, rtol=1e-4)


def test_levels_start_at_their_frequencies():
    columns, _, scaling = fitted_table()
    loss = TabularLoss(SquaredError(), columns)
    constant = loss.restore(np.zeros((1, columns.width)), scaling)
    assert_allclose(constant[0], scaling.mean, rtol=1e-6)


def test_the_start_finds_the_groups():
    """With no epoch, two components of the mixed columns tell three groups apart."""
    rebuilt = Autoencoder(2, max_iter=0).fit(FRAME).reconstruct(FRAME)
    known = FRAME["city"].notna()
    assert (rebuilt["city"] == FRAME["city"])[known].all()
    assert (rebuilt["kind"] == FRAME["kind"]).all()


def test_draws_are_levels_and_counts():
    fitted = VariationalAutoencoder(2, **SHORT).fit(FRAME)
    drawn = fitted.sample(200, random_state=0)
    assert (drawn.dtypes == FRAME.dtypes).all()
    assert set(drawn["city"]) == {"Ulm", "Bonn", "Kiel"}
    assert (drawn["visits"] >= 0).all()


def test_holes_take_no_column_of_whole_numbers_away():
    rng = np.random.default_rng(0)
    lacks = rng.random(60) < 0.2
    integers = FRAME.assign(age=FRAME["age"].astype("Int64"), visits=FRAME["visits"].astype("Int8"))
    integers.loc[lacks, ["age", "visits"]] = pd.NA
    floats = integers.assign(
        age=integers["age"].astype(float), visits=integers["visits"].astype(float)
    )
    kinds = {name: type(column).__name__ for name, column in columns_of(floats).items()}
    assert (kinds["age"], kinds["visits"], kinds["height"]) == ("Numeric", "Count", "Numeric")
    first, second = (Autoencoder(2, **SHORT).fit(X) for X in (integers, floats))
    assert_array_equal(first.transform(integers), second.transform(floats))
    rebuilt = second.reconstruct(floats)
    assert (rebuilt.dtypes == floats.dtypes).all()
    for name in ("age", "visits"):
        assert_array_equal(rebuilt[name], first.reconstruct(integers)[name].astype(float))
    # Without a missing cell floats are what the frame says; so are those of arrays.
    stated = Table().fit(FRAME.astype({"age": float})).columns.columns[1]
    assert stated.values(np.array([3.5])) == [3.5]
    array = np.where(np.arange(40)[:, None] % [7, 3] == 0, np.nan, np.arange(40)[:, None] % [5, 3])
    column = Table(categorical_features=[1]).fit(array).columns.columns[0]
    assert column.values(np.array([1.5])) == [1.5]


@pytest.mark.parametrize("numeric_map", [None, "robust", "quantile"])
def test_whole_numbers_come_back_in_the_range_of_the_training_rows(numeric_map):
    fitted = VariationalAutoencoder(2, numeric_map=numeric_map, **SHORT).fit(FRAME)
    far = fitted.inverse_transform(1e3 * fitted.transform(FRAME))
    for found in (far, fitted.sample(200, random_state=0), fitted.reconstruct(FRAME)):
        for name in ("age", "visits", "maybe"):
            assert found[name].between(FRAME[name].min(), FRAME[name].max()).all()
    if numeric_map != "quantile":  # which ends at the range itself
        assert not far["height"].between(FRAME["height"].min(), FRAME["height"].max()).all()


def test_another_library_has_its_own_dtypes_rounded_to():
    polars = pytest.importorskip("polars")
    frame = pd.DataFrame({"c": np.arange(40) + 0.5, "t": ["a", "b"] * 20})
    fitted = Autoencoder(2, max_iter=1, random_state=0).fit(polars.DataFrame(frame.to_dict("list")))
    X = frame.assign(c=np.arange(40))
    rebuilt = fitted.reconstruct(X)["c"]
    assert rebuilt.dtype == X["c"].dtype
    assert_array_equal(rebuilt, np.round(fitted.reconstruct(X.astype({"c": float}))["c"]))


# Every variant


@LIBRARIES
@pytest.mark.parametrize("estimator", VARIANTS, ids=str)
def test_every_variant_takes_a_frame_and_gives_it_back(estimator, library):
    X = frame_of(library)
    fitted = clone(estimator).fit(X)
    codes = fitted.transform(X)
    assert np.isfinite(codes).all()
    assert np.isfinite(fitted.score_samples(X)).all()
    rebuilt = fitted.reconstruct(X)
    assert list(rebuilt.columns) == list(X.columns)
    assert list(rebuilt.dtypes) == list(X.dtypes)
    again = fitted.inverse_transform(codes)
    assert list(again.dtypes) == list(X.dtypes)
    errors = fitted.reconstruction_errors(X)
    assert errors.shape == X.shape
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.transform(X), codes)
    fitted.partial_fit(X)


def test_reconstruct_is_the_inverse_of_the_code():
    fitted = Autoencoder(2, **SHORT).fit(FRAME)
    X = FRAME.set_index(FRAME.index + 7)
    rebuilt = fitted.reconstruct(X)
    assert_array_equal(rebuilt.index, X.index)
    again = fitted.inverse_transform(fitted.transform(X))
    for name in X:
        assert_series_equal(rebuilt[name].reset_index(drop=True), again[name])


@pytest.mark.parametrize("estimator", [Autoencoder(**SHORT), *VARIANTS], ids=str)
def test_rows_that_are_expanded_batch_by_batch_give_the_same(estimator, monkeypatch):
    codes = clone(estimator).fit_transform(FRAME)
    monkeypatch.setattr(_lazy_rows, "EXPANDED_CELLS", 100)
    assert_allclose(clone(estimator).fit_transform(FRAME), codes, rtol=1e-5, atol=1e-6)


def test_errors_have_a_column_a_feature_and_add_up_to_the_score():
    fitted = Autoencoder(2, **SHORT).fit(FRAME)
    errors = fitted.reconstruction_errors(FRAME)
    assert_array_equal(errors.isna(), FRAME.isna())
    assert_allclose(fitted.score_samples(FRAME), -errors.mean(axis=1) * errors.shape[1])


def test_state_holds_no_row_and_goes_through_skops():
    fitted = Autoencoder(2, **SHORT).fit(FRAME)
    data = io.dumps(fitted)
    untrusted = io.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_ae.") for name in untrusted)
    loaded = io.loads(data, trusted=untrusted)
    assert_array_equal(loaded.transform(FRAME), fitted.transform(FRAME))
    assert list(loaded.reconstruct(FRAME).dtypes) == list(FRAME.dtypes)


def test_pipelines_and_grid_search():
    y = FRAME["smoker"].to_numpy()
    pipe = make_pipeline(
        Autoencoder(**SHORT), HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=5)
    )
    search = GridSearchCV(pipe, {"autoencoder__n_components": [1, 2]}, cv=3)
    search.fit(FRAME.drop(columns="smoker"), y)
    assert search.best_score_ > 0.8


def test_weights_and_repeated_rows_agree():
    frame = FRAME.drop(columns=["kind"])
    weight = 1 + np.arange(60) % 3
    weighted = Autoencoder(2, max_iter=0, contamination=0.1).fit(frame, sample_weight=weight)
    again = frame.loc[np.repeat(frame.index, weight)]
    repeated = Autoencoder(2, max_iter=0, contamination=0.1).fit(again)
    assert_allclose(weighted.transform(frame), repeated.transform(frame), rtol=1e-5, atol=1e-6)
    assert_allclose(weighted.offset_, repeated.offset_, rtol=1e-5)
    rng = np.random.default_rng(0)
    noise = frame.assign(height=rng.normal(size=60) * 1e3)
    both = pd.concat([frame, noise], ignore_index=True)
    left_out = Autoencoder(2, max_iter=0).fit(both, sample_weight=np.repeat([1.0, 0.0], 60))
    alone = Autoencoder(2, max_iter=0).fit(frame)
    assert_allclose(left_out.transform(frame), alone.transform(frame), rtol=1e-5, atol=1e-6)


def test_clean_frames():
    noisy = FRAME.assign(city=FRAME["city"].sample(frac=1, random_state=0).to_numpy())
    fitted = DenoisingAutoencoder(**SHORT).fit(noisy, X_clean=FRAME)
    assert np.isfinite(fitted.score(noisy, X_clean=FRAME))
    with pytest.raises(ValueError, match=r"X_clean has shape \(30, "):
        fitted.fit(noisy, X_clean=FRAME[:30])


@pytest.mark.parametrize("frame", [FRAME, FRAME.select_dtypes("number")], ids=["mixed", "numbers"])
def test_clean_frames_in_another_order_are_refused(frame):
    fitted = DenoisingAutoencoder(**SHORT).fit(frame, X_clean=frame)
    other = frame[frame.columns[::-1]]
    renamed = frame.rename(columns={frame.columns[0]: "other"})
    for clean in (other, renamed):
        for call in (fitted.fit, fitted.partial_fit, fitted.score):
            with pytest.raises(ValueError, match=r"X_clean has the columns .* in the same order"):
                call(frame, X_clean=clean)


def test_noise_takes_all_levels_of_a_cell():
    adapter = Table().fit(FRAME)
    rows = Rows(adapter.rows(FRAME))
    scaling = TableScaling.fit(rows)
    x = torch.from_numpy(scaling.apply(rows.matrix()))
    noise = MaskingNoise(0.5).bind(scaling, None)
    masked = noise.corrupt(x, torch.Generator().manual_seed(0)) != x
    span = adapter.columns.spans[3]
    some = masked[:, span][~torch.isnan(x[:, span]).any(dim=1)]
    assert 0.2 < some.float().mean() < 0.8
    assert (some.all(dim=1) == some.any(dim=1)).all()
    covariance = torch.eye(len(scaling.mean), dtype=torch.float64) + 0.5
    second, cross = noise.moments(covariance)
    draws = torch.linalg.cholesky(covariance)
    clean = torch.randn(40_000, len(covariance), dtype=torch.float64) @ draws.T
    corrupted = noise.corrupt(clean, torch.Generator().manual_seed(1))
    assert_allclose(corrupted.T @ corrupted / len(clean), second, atol=0.06)
    assert_allclose(corrupted.T @ clean / len(clean), cross, atol=0.06)


# What is refused


@pytest.fixture(scope="module")
def fitted() -> Autoencoder:
    return Autoencoder(2, **SHORT).fit(FRAME)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (FRAME.assign(age="old"), r"Column 'age' of X held numbers in fit, and holds 'old' now"),
        (FRAME.assign(age=["3"] * (len(FRAME) - 1) + ["old"]), "holds 'old' now"),
        (FRAME.assign(city=7), r"Column 'city' of X held text in fit, and holds 7 now"),
        (FRAME.assign(when="soon"), r"Column 'when' of X held dates in fit, and holds 'soon' now"),
        (FRAME.assign(height=np.inf), r"Column 'height' of X contains infinity"),
        (FRAME.drop(columns="city"), r"(?s)feature names should match.*missing:\n- city"),
        (FRAME.assign(more=1), r"(?s)feature names should match.*unseen at fit time:\n- more"),
        (FRAME[FRAME.columns[::-1]], r"Feature names must be in the same order"),
        (FRAME[:0], r"Found array with 0 sample\(s\)"),
    ],
    ids=[
        "text",
        "one text for a number",
        "numbers",
        "not a date",
        "inf",
        "missing",
        "extra",
        "order",
        "empty",
    ],
)
def test_frames_that_do_not_fit_are_refused(fitted, X, message):
    with pytest.raises(ValueError, match=message):
        fitted.transform(X)


@pytest.mark.parametrize(
    ("frame", "parameters", "message"),
    [
        (
            FRAME.assign(city=[1, "a"] * 30),
            {},
            r"Column 'city' of X holds int \(1\) and str \('a'\); give it one type",
        ),
        (
            FRAME.assign(city=[{}] * 60),
            {},
            r"Column 'city' of X holds dict \(\{\}\); turn it into a column for each element",
        ),
        (
            FRAME.assign(span=FRAME["when"] - FRAME["when"].min()),
            {},
            r"Column 'span' of X has dtype timedelta.*; turn it into numbers.*total_seconds\(\)",
        ),
        (FRAME, {"categorical_features": ["town"]}, r"holds 'town', which is no column of X"),
        (FRAME, {"categorical_features": [40]}, r"holds 40, which is no column of X"),
        (FRAME, {"categorical_features": [True]}, r"is a mask of shape \(1,\), but X has 11"),
        (FRAME, {"categorical_features": None}, r"Column 'city' of X holds categories, but"),
        (FRAME, {"categorical_features": ["kind"]}, r"'city' of X holds categories, but"),
        (FRAME, {"loss": "poisson"}, r"X holds -.*, but the Poisson loss needs values"),
        (FRAME, {"n_components": 99}, r"n_components=99 exceeds the"),
    ],
)
def test_frames_that_are_not_understood_are_refused(frame, parameters, message):
    estimator = Autoencoder(2, **SHORT).fit(FRAME)
    codes = estimator.transform(FRAME)
    with pytest.raises(ValueError, match=message):
        estimator.set_params(**parameters).fit(frame)
    assert_array_equal(estimator.transform(FRAME), codes)


def test_images_have_no_columns(iris):
    assert "categorical_features" not in ConvolutionalAutoencoder().get_params()
    estimator = Autoencoder(architecture=Convolutional(), numeric_map="robust")
    with pytest.raises(ValueError, match=r"replaces numeric_map='robust'"):
        estimator.fit(iris)


def test_images_have_no_mask_of_columns(iris):
    estimator = Autoencoder(architecture=Convolutional(), categorical_features=np.arange(2))
    with pytest.raises(ValueError, match=r"replaces categorical_features=array\(\[0, 1\]\)"):
        estimator.fit(iris)
