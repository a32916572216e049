"""Holes in tables, next to the Gaussian conditional mean."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpydoc.docscrape import NumpyDocString
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ae import AutoencoderImputer, DenoisingAutoencoder, VariationalAutoencoder

FURTHER_CHECKS = [
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_get_feature_names_out_error,
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
    estimator_checks.check_param_validation,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_set_output_transform_polars,
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_global_set_output_transform_polars,
    estimator_checks.check_inplace_ensure_writeable,
]


@parametrize_with_checks([AutoencoderImputer(max_iter=2)])
def test_check_estimator(estimator, check, device):
    check(estimator.set_params(device=device))


# The set_output checks fit on a frame and transform an array, and the reverse, on purpose.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("check", FURTHER_CHECKS, ids=lambda c: c.__name__)
def test_further_checks(check):
    check("AutoencoderImputer", clone(AutoencoderImputer(max_iter=1)))


def incomplete(X: np.ndarray, share: float = 0.2, seed: int = 0) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def curve(n: int = 300) -> np.ndarray:
    """A closed curve in three columns, which no line describes."""
    rng = np.random.default_rng(0)
    t = rng.uniform(0, 2 * np.pi, n)
    X = np.column_stack([np.cos(t), np.sin(t), np.cos(2 * t), np.sin(2 * t), t])
    return X + 0.05 * rng.normal(size=X.shape)


def rmse(found, X, missing) -> float:
    return float(np.sqrt(np.mean((np.asarray(found) - X)[missing] ** 2)))


@pytest.fixture(scope="module")
def fitted() -> AutoencoderImputer:
    return AutoencoderImputer(max_iter=4, random_state=0).fit(incomplete(curve()))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Columns of every kind, three of which follow a category, with missing."""
    rng = np.random.default_rng(0)
    n = 160
    kind = rng.integers(3, size=n)
    columns = {
        "float": rng.normal(size=n) + 4 * kind,
        "small": (rng.normal(size=n) - 4 * kind).astype(np.float32),
        "whole": rng.integers(9, size=n),
        "Int": pd.array(kind * 5, dtype="Int64"),
        "category": pd.Categorical.from_codes(kind, ["x", "y", "z"]),
        "text": np.array(["a", "b", "c"])[kind],
        "flag": pd.array(kind == 2, dtype="boolean"),
        "constant": 1.5,
    }
    X = pd.DataFrame(columns, index=np.arange(n) + 7)
    for name in X.columns.drop("whole"):
        lacks = rng.random(n) < 0.15
        X.loc[lacks, name] = pd.NA if name in ("Int", "flag") else None
    return X


def test_without_epochs_it_is_the_conditional_mean():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 4)) + 3
    new = X[:50].copy()
    new[:, 1] = np.nan
    imputer = AutoencoderImputer(max_iter=0, random_state=0).fit(X)
    shrinkage = imputer._filler.start.shrinkage
    covariance = (1 - shrinkage) * np.cov(X.T, bias=True)
    np.fill_diagonal(covariance, X.var(axis=0) * (1 + 1e-4))
    others = [0, 2, 3]
    slope = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, 1])
    expected = X[:, 1].mean() + (X[:50, others] - X[:, others].mean(axis=0)) @ slope
    expected = np.clip(expected, X[:, 1].min(), X[:, 1].max())
    np.testing.assert_allclose(imputer.transform(new)[:, 1], expected, rtol=1e-6)
    assert imputer.n_iter_ == 0
    assert imputer.candidate_weights_.columns.tolist() == ["start"]


def test_moments_are_those_of_maximum_likelihood():
    """Two columns of which the second is cut off have their maximum in closed form."""
    rng = np.random.default_rng(0)
    n = 4000
    x = rng.normal(size=n)
    X = np.column_stack([x, 0.8 * x + 0.6 * rng.normal(size=n)])
    seen = x < 0.5
    missing = X.copy()
    missing[~seen, 1] = np.nan
    slope = np.cov(X[seen].T)[0, 1] / X[seen, 0].var(ddof=1)
    expected = X[seen, 1].mean() + slope * (x.mean() - x[seen].mean())
    start = AutoencoderImputer(max_iter=0, random_state=0).fit(missing)._filler.start
    scale, shift = np.nanstd(missing[:, 1]), np.nanmean(missing[:, 1])
    assert start.mean[1] * scale + shift == pytest.approx(expected, abs=0.05)
    assert abs(X[seen, 1].mean() - expected) > 0.3


def test_fills_are_better_than_those_of_the_start_and_of_neighbours():
    X = curve()
    H = incomplete(X)
    missing = np.isnan(H)
    ours = AutoencoderImputer(random_state=0).fit(H)
    start = AutoencoderImputer(max_iter=0, random_state=0).fit(H)
    assert rmse(ours.transform(H), X, missing) < 0.8 * rmse(start.transform(H), X, missing)
    neighbours = KNNImputer().fit(H)
    assert rmse(ours.transform(H), X, missing) < rmse(neighbours.transform(H), X, missing)
    new = np.roll(X, 1, axis=0)[:100] + 0.01
    H = incomplete(new, seed=1)
    missing = np.isnan(H)
    assert rmse(ours.transform(H), new, missing) < 0.8 * rmse(start.transform(H), new, missing)


def test_linear_rows_are_left_to_the_start():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(200, 5))
    H = incomplete(X)
    missing = np.isnan(H)
    ours = AutoencoderImputer(random_state=0).fit_transform(H)
    start = AutoencoderImputer(max_iter=0, random_state=0).fit_transform(H)
    assert rmse(ours, X, missing) < 1.03 * rmse(start, X, missing)


def test_what_is_observed_comes_back_bit_for_bit(fitted):
    H = incomplete(curve(), seed=3)
    filled = fitted.transform(H)
    observed = ~np.isnan(H)
    assert np.array_equal(filled[observed], H[observed])
    assert np.isfinite(filled).all()
    assert np.array_equal(fitted.transform(curve()), curve())


def test_rows_are_filled_alone_as_among_others(fitted):
    H = incomplete(curve())[:40]
    alone = np.vstack([fitted.transform(row[None]) for row in H])
    np.testing.assert_allclose(alone, fitted.transform(H), atol=1e-9)


def test_weights_are_not_negative_and_sum_to_one(fitted):
    weights = fitted.candidate_weights_
    assert weights.index.tolist() == [f"x{j}" for j in range(5)]
    assert (weights.to_numpy() >= -1e-12).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert fitted.n_iter_ == 4
    assert len(fitted.history_) == 5


def test_a_frame_comes_back_as_it_came(frame):
    imputer = AutoencoderImputer(max_iter=2, random_state=0).fit(frame)
    filled = imputer.transform(frame)
    assert filled.dtypes.equals(frame.dtypes)
    assert filled.index.equals(frame.index)
    assert not filled.isna().any().any()
    for name in frame:
        observed = frame[name].notna()
        pd.testing.assert_series_equal(filled[name][observed], frame[name][observed])
    assert (filled["constant"] == 1.5).all()
    new = frame.iloc[:9].assign(whole=np.nan)
    assert imputer.transform(new)["whole"].notna().all()


def test_categories_are_filled_with_the_level_that_others_tell(frame):
    imputer = AutoencoderImputer(max_iter=5, random_state=0).fit(frame)
    filled = imputer.transform(frame)
    told = frame["text"].notna() & frame["category"].isna()
    expected = frame["text"][told].map({"a": "x", "b": "y", "c": "z"})
    assert (filled["category"][told].astype(str) == expected).mean() > 0.9


def test_polars_frames(frame):
    names = ["float", "whole", "Int", "category", "text", "flag"]
    cells = {n: [None if pd.isna(v) else v for v in frame[n].tolist()] for n in names}
    X = pl.DataFrame(cells, schema_overrides={"category": pl.Categorical})
    filled = AutoencoderImputer(max_iter=2, add_indicator=True, random_state=0).fit_transform(X)
    assert filled[names].schema == X.schema
    assert sum(filled.null_count().row(0)) == 0
    assert filled["missingindicator_Int"].to_list() == X["Int"].is_null().to_list()
    for name in names:
        seen = X[name].is_not_null()
        assert filled.filter(seen)[name].to_list() == X.filter(seen)[name].to_list()


def dates(n: int = 120) -> tuple[pd.DataFrame, np.ndarray]:
    """A date that follows a number and a group, and where it is missing."""
    rng = np.random.default_rng(0)
    days = rng.integers(0, 300, n)
    X = pd.DataFrame(
        {
            "when": pd.Timestamp("2021-03-01") + pd.to_timedelta(days, unit="D"),
            "days": days + rng.normal(size=n),
            "half": np.where(days < 150, "first", "second"),
        }
    )
    return X, rng.random(n) < 0.2


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_dates_are_filled_with_dates(unit, zone):
    X, missing = dates()
    X["when"] = X["when"].dt.tz_localize(zone).dt.as_unit(unit)
    H = X.assign(when=X["when"].mask(missing))
    imputer = AutoencoderImputer(max_iter=2, random_state=0).fit(H)
    for filled in [imputer.transform(H), *imputer.impute(H, 2)]:
        assert filled.dtypes.equals(H.dtypes)
        assert (filled["when"][~missing] == X["when"][~missing]).all()
        found = filled["when"][missing]
        assert found.between(H["when"].min(), H["when"].max()).all()
        assert (found - X["when"][missing]).abs().mean() < pd.Timedelta(days=15)
    empty = H[:5].assign(when=None)
    assert imputer.transform(empty).dtypes.equals(H.dtypes)
    with pytest.raises(ValueError, match="'when' of X held dates in fit, and holds 'soon' now"):
        imputer.transform(H.assign(when="soon"))


@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("us"), pl.Datetime("ns", "Asia/Tokyo")])
def test_polars_dates(dtype):
    X, missing = dates()
    stamps = pl.Series("when", X["when"].tolist()).cast(pl.Datetime("us"))
    if getattr(dtype, "time_zone", None) is not None:
        stamps = stamps.dt.replace_time_zone(dtype.time_zone)
    stamps = stamps.cast(dtype)
    H = pl.DataFrame({"days": X["days"].to_numpy(), "when": stamps}).with_columns(
        pl.when(~pl.Series(missing)).then("when").alias("when")
    )
    filled = AutoencoderImputer(max_iter=2, random_state=0).fit_transform(H)
    assert filled.schema == H.schema
    seen = pl.Series(~missing)
    assert filled["when"].filter(seen).to_list() == stamps.filter(seen).to_list()
    assert filled["when"].null_count() == 0
    assert filled["when"].is_between(H["when"].min(), H["when"].max()).all()


EMPTY = {
    "number": (pd.Series(np.nan, index=range(40)), 0.0),
    "whole": (pd.Series(pd.NA, index=range(40), dtype="Int64"), 0),
    "boolean": (pd.Series(pd.NA, index=range(40), dtype="boolean"), False),
    "text": (pd.Series(None, index=range(40), dtype="string"), "missing_value"),
    "objects": (pd.Series(None, index=range(40), dtype=object), "missing_value"),
    "levels": (pd.Series(pd.Categorical([None] * 40, categories=["b", "a"])), "b"),
    "polars Categorical": (pl.Series([None] * 40, dtype=pl.Categorical), "missing_value"),
    "polars Enum": (pl.Series([None] * 40, dtype=pl.Enum(["b", "a"])), "b"),
    "polars Decimal": (pl.Series([None] * 40, dtype=pl.Decimal(5, 2)), 0),
}


@pytest.mark.parametrize(("column", "fill"), EMPTY.values(), ids=EMPTY)
def test_empty_columns_that_are_kept_have_no_hole(column, fill):
    library = pl if isinstance(column, pl.Series) else pd
    anchor = [float(i % 7) for i in range(39)] + [None]
    frame = library.DataFrame({"anchor": anchor, "empty": column, "more": ["a", "b"] * 20})
    imputer = AutoencoderImputer(max_iter=1, keep_empty_features=True, random_state=0)
    for filled in (imputer.fit_transform(frame), imputer.impute(frame, 1)[0]):
        assert filled["empty"].dtype == frame["empty"].dtype
        assert filled["empty"].to_list() == [fill] * 40
    filled = imputer.set_params(keep_empty_features=False).fit_transform(frame)
    assert list(filled.columns) == ["anchor", "more"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.NaT, index=range(40), dtype="datetime64[us]"),
        pd.Series(pd.Categorical([None] * 40)),
        pl.Series([None] * 40, dtype=pl.Date),
        pl.Series([None] * 40, dtype=pl.Null),
    ],
    ids=["dates", "no levels", "polars dates", "no dtype"],
)
def test_empty_columns_that_nothing_can_fill_are_not_kept(column):
    library = pl if isinstance(column, pl.Series) else pd
    frame = library.DataFrame({"anchor": [1.0, None] * 20, "empty": column})
    imputer = AutoencoderImputer(max_iter=1, random_state=0)
    assert list(imputer.fit_transform(frame).columns) == ["anchor"]
    with pytest.raises(ValueError, match=r"Column 'empty' of X, of dtype .*, has no value, and"):
        imputer.set_params(keep_empty_features=True).fit(frame)


def codes(n: int = 120) -> tuple[pd.DataFrame, np.ndarray]:
    """A number that is a code, one that follows its group, and where the code is missing."""
    rng = np.random.default_rng(0)
    group = rng.integers(3, size=n)
    X = pd.DataFrame(
        {"code": np.array([20, 10, 40])[group], "x": 3 * group + rng.normal(size=n)},
    )
    return X, rng.random(n) < 0.3


WAYS = {
    "pandas": lambda X, missing: X.assign(code=X["code"].mask(missing)),
    "pandas Int8": lambda X, missing: X.assign(code=X["code"].astype("Int8").mask(missing)),
    "pandas object": lambda X, missing: X.assign(code=X["code"].astype(object).mask(missing)),
    "polars": lambda X, missing: pl.DataFrame(
        {"code": X["code"].astype(object).where(~missing, None).tolist(), "x": X["x"].to_numpy()}
    ),
    "array": lambda X, missing: X.assign(code=X["code"].mask(missing)).to_numpy(),
}


@pytest.mark.parametrize(
    ("way", "given"),
    [
        ("pandas", ["code"]),
        ("pandas", np.array([True, False])),
        ("pandas Int8", [-2]),
        ("pandas object", [0]),
        ("polars", ["code"]),
        ("array", [0]),
    ],
)
def test_numbers_that_are_codes_are_filled_with_codes(way, given):
    X, missing = codes()
    H = WAYS[way](X, missing)
    imputer = AutoencoderImputer(max_iter=2, categorical_features=given, random_state=0)
    filled = imputer.fit_transform(H)
    [draw] = imputer.impute(H, 1)
    for found in (filled, draw):
        cells = np.asarray(found)[:, 0].astype(float)
        assert set(cells) == {10, 20, 40}
        assert (cells == X["code"])[~missing].all()
    # The group in the middle has the least code, which no mean between the others is near to.
    assert (np.asarray(filled)[:, 0] == X["code"])[missing].mean() > 0.75
    assert type(filled) is type(H)
    if way != "array":
        assert filled["code"].dtype == H["code"].dtype
    by_dtype = AutoencoderImputer(max_iter=0).fit_transform(H)
    assert not set(np.asarray(by_dtype)[:, 0].astype(float)) <= {10, 20, 40}


def test_codes_that_were_complete_in_fit_are_filled_in_later_frames():
    X, missing = codes()
    imputer = AutoencoderImputer(max_iter=1, categorical_features=["code"], random_state=0).fit(X)
    later = [WAYS[way](X, missing) for way in ("pandas", "pandas Int8", "polars")]
    marked = X.assign(code=X["code"].where(~missing, -1))
    by_mark = clone(imputer).set_params(missing_values=-1).fit_transform(marked)
    assert by_mark["code"].dtype == X["code"].dtype
    assert set(by_mark["code"]) == {10, 20, 40}
    expected = imputer.transform(later[0])["code"].tolist()
    assert set(expected) == {10, 20, 40}
    for H in later:
        filled = imputer.transform(H)
        assert filled["code"].dtype == H["code"].dtype
        assert filled["code"].to_list() == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["town"], r"categorical_features holds 'town', which is no column of X; use names or"),
        ([2], r"categorical_features holds 2, which is no column of X"),
        ([True], r"is a mask of shape \(1,\), but X has 2 columns; give one entry a column"),
        (["x"], r"'code' of X holds categories, but categorical_features=\['x'\] leaves it out"),
        (None, r"'code' of X holds categories, but categorical_features=None leaves it out"),
        ("code", r"The 'categorical_features' parameter of AutoencoderImputer must be"),
    ],
)
def test_categorical_features_that_do_not_fit_are_refused(given, message):
    X = codes()[0].assign(code=lambda X: X["code"].astype(str))
    imputer = AutoencoderImputer(max_iter=0).fit(X)
    before = imputer.transform(X)
    with pytest.raises(ValueError, match=message):
        imputer.set_params(categorical_features=given).fit(X)
    pd.testing.assert_frame_equal(imputer.transform(X), before)


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float64", "Int64", "object"])
def test_whole_numbers_are_filled_with_whole_numbers_of_their_range(dtype):
    rng = np.random.default_rng(0)
    years = 1990 + rng.integers(30, size=100)
    X = pd.DataFrame({"year": years, "x": years + 9 * rng.normal(size=100), "y": years / 7})
    H = X.astype({"year": "float64"}).mask(rng.random(X.shape) < 0.2)
    array = H.to_numpy()
    H["year"] = H["year"].astype("Int64" if dtype == "object" else dtype).astype(dtype)
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(H)
    by_array = clone(imputer).fit(array)
    for frame, matrix in (
        (imputer.transform(H), by_array.transform(array)),
        (imputer.impute(H, 1)[0], by_array.impute(array, 1)[0]),
    ):
        assert frame.dtypes.equals(H.dtypes)
        expected = np.c_[np.round(matrix[:, 0]), matrix[:, 1:]]
        np.testing.assert_array_equal(frame.astype(float), expected)
        assert frame["year"].between(H["year"].min(), H["year"].max()).all()
    assert (by_array.transform(array)[:, 0] % 1 != 0).any()
    alone = pd.concat([imputer.transform(H[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(alone.astype(float), imputer.transform(H)[:20].astype(float))


def test_holes_in_later_rows_are_filled_as_the_rows_of_fit_were():
    """Integers of `fit` stay integers; floats that missed nothing are the user's word."""
    X = pd.DataFrame({"n": np.arange(60) // 4, "x": np.arange(60.0) + 0.3})
    H = X.assign(n=X["n"].mask(X.index % 3 == 0))
    assert (AutoencoderImputer(max_iter=0).fit(X).transform(H)["n"] % 1 == 0).all()
    floats = AutoencoderImputer(max_iter=0).fit(X.astype({"n": float})).transform(H)
    assert (floats["n"] % 1 != 0).any()


def test_ordered_levels_stay_ordered():
    X, missing = dates()
    size = pd.cut(X["days"], [-10, 100, 200, 310], labels=["S", "M", "L"])
    H = X.assign(size=size.mask(missing))
    filled = AutoencoderImputer(max_iter=2, random_state=0).fit_transform(H)
    assert filled["size"].dtype == size.dtype
    assert (filled["size"] == size)[missing].mean() > 0.7
    marked = AutoencoderImputer(missing_values="S", max_iter=1, random_state=0).fit_transform(H)
    assert set(marked["size"]) == {"M", "L"}


def test_polars_levels_of_an_enum():
    X, missing = dates()
    half = pl.Series("half", X["half"].tolist(), dtype=pl.Enum(["second", "first", "third"]))
    H = pl.DataFrame({"days": X["days"].to_numpy(), "half": half}).with_columns(
        pl.when(~pl.Series(missing)).then("half").alias("half")
    )
    filled = AutoencoderImputer(max_iter=2, random_state=0).fit_transform(H)
    assert filled.schema == H.schema
    assert (filled["half"] == half).mean() > 0.95


def test_levels_that_are_rare_stay_where_they_are_observed():
    X = pd.DataFrame({"a": np.arange(60.0), "b": ["u", "v", None] * 20})
    X.loc[[0, 3], "b"] = ["rare", "once"]
    filled = AutoencoderImputer(max_iter=1, random_state=0).fit_transform(X)
    assert filled["b"][[0, 3]].tolist() == ["rare", "once"]
    assert set(filled["b"][X["b"].isna()]) <= {"u", "v"}


def test_rows_of_weight_zero_have_no_level():
    X = pd.DataFrame({"a": np.arange(60.0), "b": ["u", "v", None] * 20})
    X.loc[[0, 3], "b"] = "left out"
    weight = np.where(X["b"] == "left out", 0.0, 1.0)
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(X, sample_weight=weight)
    assert imputer._table.features[1].column.levels == ["u", "v"]
    assert imputer.transform(X)["b"].notna().all()


def test_levels_that_fit_did_not_see_stay():
    X = pd.DataFrame({"a": np.arange(40.0), "b": ["u", "v"] * 20})
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(X)
    new = pd.DataFrame({"a": [np.nan, 1.0], "b": ["w", None]})
    filled = imputer.transform(new)
    assert filled["b"][0] == "w"
    assert filled["b"][1] in ("u", "v")
    assert filled["a"].notna().all()


def test_a_mark_of_ones_own():
    X = pd.DataFrame({"a": [0, 1, 2, -1] * 10, "b": ["u", "v", "-", "u"] * 10})
    numbers = AutoencoderImputer(missing_values=-1, max_iter=1, random_state=0).fit_transform(X)
    assert numbers["a"].min() >= 0
    assert numbers["a"].dtype == X["a"].dtype
    X["c"] = pd.Series([3, "-", 5, 6] * 10, dtype=object)
    texts = AutoencoderImputer(missing_values="-", max_iter=1, random_state=0).fit_transform(X)
    assert set(texts["b"]) == {"u", "v"}
    assert texts["c"].astype(float).between(3, 6).all()


def test_empty_features_are_dropped_or_kept(frame):
    X = frame[["float", "small"]].assign(nothing=np.nan)
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(X)
    assert imputer.transform(X).columns.tolist() == ["float", "small"]
    kept = clone(imputer).set_params(keep_empty_features=True).fit_transform(X)
    assert (kept["nothing"] == 0).all()


def test_indicators():
    H = incomplete(curve(60))
    H[:, 2] = 1.0
    imputer = AutoencoderImputer(max_iter=1, add_indicator=True, random_state=0).fit(H)
    out = imputer.transform(H)
    lacks = np.isnan(H)[:, [0, 1, 3, 4]]
    np.testing.assert_array_equal(out[:, 5:], lacks)
    names = imputer.get_feature_names_out()
    assert names.tolist()[5:] == [f"missingindicator_x{j}" for j in (0, 1, 3, 4)]
    framed = imputer.set_output(transform="pandas").transform(H)
    assert framed.columns.tolist() == names.tolist()


def test_intervals_cover_what_was_hidden():
    X = curve(400)
    X[:, 4] = np.exp(X[:, 4] / 2)
    H = incomplete(X)
    missing = np.isnan(H)
    draws = AutoencoderImputer(max_iter=5, random_state=0).fit(H).impute(H, 100)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    covered = (np.less_equal(low, X) & np.less_equal(X, high))[missing].mean()
    assert 0.85 < covered < 0.95
    assert np.min(draws) >= X.min() - 1e-9
    assert not np.array_equal(draws[0], draws[1])


def test_draws_of_a_row_are_correlated_as_its_cells_are():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(600, 1))
    X = np.hstack([common + 0.3 * rng.normal(size=(600, 2)), rng.normal(size=(600, 1))])
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(incomplete(X, 0.1))
    new = X.copy()
    new[:, :2] = np.nan
    [draw] = imputer.impute(new, 1, random_state=3)
    assert np.corrcoef(draw[:, 0], draw[:, 1])[0, 1] > 0.7
    assert np.corrcoef(draw[:, 0], draw[:, 2])[0, 1] < 0.3
    assert draw[:, 0].std() == pytest.approx(X[:, 0].std(), rel=0.2)


def test_categories_are_drawn_by_their_probabilities():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=400), "b": rng.choice(["u", "v"], 400, p=[0.7, 0.3])})
    imputer = AutoencoderImputer(max_iter=0, random_state=0).fit(X)
    draws = imputer.impute(X.assign(b=None), 5)
    share = np.mean([(draw["b"] == "u").mean() for draw in draws])
    assert share == pytest.approx(0.7, abs=0.05)


def test_columns_of_few_values_are_drawn_from_them():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=300), rng.integers(3, size=300)]).astype(float)
    draws = (
        AutoencoderImputer(max_iter=1, random_state=0).fit(incomplete(X)).impute(incomplete(X), 3)
    )
    assert set(np.unique([draw[:, 1] for draw in draws])) == {0.0, 1.0, 2.0}


def test_transform_draws_if_asked(fitted):
    H = incomplete(curve())
    drawing = clone(fitted).set_params(sample_posterior=True).fit(H)
    first = drawing.transform(H)
    assert np.array_equal(first, drawing.transform(H))
    assert not np.allclose(first, fitted.transform(H))
    assert np.array_equal(fitted.impute(H, 2)[1], fitted.impute(H, 3)[1])


@pytest.mark.parametrize(
    "estimator",
    [DenoisingAutoencoder(max_iter=2), VariationalAutoencoder(3, max_iter=2), PCA(2)],
    ids=lambda e: type(e).__name__,
)
def test_an_estimator_takes_the_networks_place(estimator):
    H = incomplete(curve(120))
    imputer = AutoencoderImputer(estimator, random_state=0).fit(H)
    assert len(imputer.estimators_) == 3
    assert all(type(own) is type(estimator) for own in imputer.estimators_)
    assert imputer.estimators_[0].random_state is not None
    assert not hasattr(estimator, "n_features_in_")
    assert imputer.history_.empty
    filled = imputer.transform(H)
    assert np.isfinite(filled).all()
    again = pickle.loads(pickle.dumps(imputer))
    np.testing.assert_allclose(again.transform(H), filled, atol=1e-6)


def test_an_estimator_leaves_no_room_for_the_networks_parameters():
    with pytest.raises(ValueError, match="replaces max_iter=3"):
        AutoencoderImputer(PCA(2), max_iter=3).fit(incomplete(curve(40)))


def test_the_same_seed_gives_the_same_fills_and_no_global_generator_moves():
    H = incomplete(curve(100))
    states = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = AutoencoderImputer(max_iter=2, random_state=5).fit(H)
    again = AutoencoderImputer(max_iter=2, random_state=5).fit(H)
    assert np.array_equal(first.transform(H), again.transform(H))
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])
    assert np.array_equal(np.random.get_state()[1], states[2])  # noqa: NPY002


def test_rows_of_weight_zero_are_left_out():
    H = incomplete(curve(100))
    far = np.vstack([H, 1e6 + H[:20]])
    weight = np.r_[np.ones(100), np.zeros(20)]
    imputer = AutoencoderImputer(max_iter=2, random_state=0)
    weighted = clone(imputer).fit(far, sample_weight=weight).transform(H)
    np.testing.assert_allclose(weighted, clone(imputer).fit(H).transform(H))


def test_weights_count():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    weight = np.where(X[:, 0] > 0, 9.0, 1.0)
    imputer = AutoencoderImputer(max_iter=0, random_state=0).fit(X, sample_weight=weight)
    [filled] = imputer.transform([[np.nan, np.nan]])
    np.testing.assert_allclose(filled, np.average(X, axis=0, weights=weight), atol=0.02)


def test_a_fitted_imputer_can_be_saved(fitted):
    H = incomplete(curve())
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again.transform(H), fitted.transform(H), atol=1e-6)
    pd.testing.assert_frame_equal(again.history_, fitted.history_)


def test_pipelines_and_searches():
    X = curve(120)
    y = (X[:, 0] > 0).astype(int)
    search = GridSearchCV(
        make_pipeline(AutoencoderImputer(max_iter=1, random_state=0), LogisticRegression()),
        {"autoencoderimputer__add_indicator": [False, True]},
        cv=2,
    ).fit(incomplete(X), y)
    assert search.score(incomplete(X, seed=1), y) > 0.8


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, np.nan], [np.nan, 3.0]],
        [[1.0], [np.nan], [3.0]],
        np.full((4, 2), 2.0),
        incomplete(curve(30)[:, :3] + 1e9),
        incomplete(np.random.default_rng(0).normal(size=(25, 40))),
        [[None, 1], [2, 3], [4, None]],
    ],
    ids=["two rows", "one column", "constant", "far from zero", "n < p", "None"],
)
def test_small_and_strange_tables(X):
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(X)
    filled = imputer.transform(X)
    assert filled.shape == np.shape(X)
    assert np.isfinite(filled).all()
    values = np.array(X, dtype=float)
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    for found in (filled, *imputer.impute(X, 2)):
        assert (found >= low).all()
        assert (found <= high).all()


def test_rows_without_a_value_and_columns_that_were_full():
    X = curve(100)
    H = X.copy()
    H[::3, 0] = np.nan
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(H)
    new = np.vstack([np.full(5, np.nan), np.where(np.arange(5) == 4, np.nan, X[0])])
    filled = imputer.transform(new)
    np.testing.assert_allclose(filled[0, 1:], X[:, 1:].mean(axis=0), atol=0.1)
    assert abs(filled[1, 4] - X[0, 4]) < X[:, 4].std()


def test_single_precision_stays():
    H = incomplete(curve(50)).astype(np.float32)
    assert AutoencoderImputer(max_iter=1, random_state=0).fit_transform(H).dtype == np.float32


def test_a_failed_refit_leaves_it_as_it_was(fitted):
    imputer = pickle.loads(pickle.dumps(fitted))
    H = incomplete(curve())
    before = imputer.transform(H)
    with pytest.raises(ValueError, match="infinity"):
        imputer.fit([[np.inf, 1.0], [2.0, 3.0]])
    assert np.array_equal(imputer.transform(H), before)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series([1, "a", 2, "b"], dtype=object), r"int \(2\) and str \('b'\); give it one type"),
        (pd.to_timedelta(pd.Series([1, 2, 3, 4]), unit="D"), "dtype timedelta.* not understood"),
        (pd.Series([1.0, np.inf, 2.0, 3.0]), "infinity"),
    ],
)
def test_columns_that_cannot_be_read_are_named(column, message):
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "strange": column})
    with pytest.raises(ValueError, match=message) as raised:
        AutoencoderImputer().fit(X)
    assert "'strange'" in str(raised.value)


def test_a_column_that_turned_from_numbers_to_text():
    X = pd.DataFrame({"a": np.arange(30.0), "b": np.arange(30.0)})
    imputer = AutoencoderImputer(max_iter=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match="Column 'b' of X held numbers in fit, and holds 'x' now"):
        imputer.transform(X.assign(b="x"))
    with pytest.raises(ValueError, match="feature names"):
        imputer.transform(X[["b", "a"]])
    imputer = AutoencoderImputer(max_iter=0).fit(X.assign(b=["u", "v"] * 15))
    with pytest.raises(ValueError, match=r"Column 'b' of X held text in fit, and holds 0.0 now"):
        imputer.transform(X)


def test_bad_arguments(fitted):
    with pytest.raises(ValueError, match="n_imputations=0 must be an integer"):
        fitted.impute(curve(), n_imputations=0)
    with pytest.raises(ValueError, match="at least one non-zero"):
        AutoencoderImputer().fit(curve(30), sample_weight=np.zeros(30))
    with pytest.raises(ValueError, match="features"):
        fitted.transform(curve()[:, :3])


def test_attributes_are_documented(fitted):
    documented = {p.name for p in NumpyDocString(AutoencoderImputer.__doc__)["Attributes"]}
    learned = {n for n in vars(fitted) if n.endswith("_") and not n.startswith("_")}
    learned |= {"estimators_", "candidate_weights_", "history_", "device_"}
    assert learned <= documented <= learned | {"feature_names_in_"}
