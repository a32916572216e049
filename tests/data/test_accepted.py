"""What is no table, and cells that are no numbers, are refused by what they are."""

import datetime
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from sklearn_ae import (
    Autoencoder,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    ConvolutionalAutoencoder,
    DomainAdaptationTransformer,
    ManifoldAutoencoder,
    RecurrentAutoencoder,
    SuperResolver,
)

FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 4)), columns=list("abcd"))
ESTIMATORS = [
    Autoencoder(2, max_iter=0),
    RecurrentAutoencoder(2, max_iter=0),
    ConvolutionalAutoencoder(2, max_iter=0),
    AutoencoderFeatureSelector(),
    AutoencoderImputer(max_iter=0),
    AutoencoderOutlierDetector(Autoencoder(2, max_iter=0), n_estimators=1),
    SuperResolver(max_iter=0),
    DomainAdaptationTransformer(),
    ManifoldAutoencoder(),
]
NO_TABLES = [
    (lambda: FRAME.iloc[0], ValueError, r"pandas Series of 4 values.*df\.iloc\[\[0\]\]"),
    (lambda: pl.from_pandas(FRAME)["a"], ValueError, r"polars Series of 30 values.*df\[\[0\]\]"),
    (lambda: FRAME.to_dict("records"), TypeError, r"list of dicts.*pass pd\.DataFrame\(X\)"),
    (lambda: FRAME.to_dict("list"), TypeError, r"dict with keys.*pass pd\.DataFrame\(X\)"),
    (lambda: FRAME.to_records(index=False), TypeError, r"fields \['a'.*pass pd\.DataFrame\(X\)"),
    (lambda: (row for row in FRAME.to_numpy()), TypeError, r"generator.*pass list\(X\)"),
    (lambda: None, ValueError, r"X is None\. Expected 2D array.*pass an array or a frame"),
    (lambda: {1, 2}, TypeError, r"X is a set, \{1, 2\}, whose elements have no order; pass a list"),
    (lambda: FRAME.to_dict().keys(), TypeError, r"X is a dict_keys, .* no order; pass a list"),
    (lambda: "rows.csv", ValueError, r"X is a str, 'rows\.csv', and no rows; read what it names"),
    (lambda: Autoencoder, TypeError, r"X is a type, .*Autoencoder'>, which holds no rows; pass an"),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(("make", "error", "message"), NO_TABLES)
def test_what_is_no_table_is_refused_with_the_way_out(estimator, make, error, message):
    with pytest.raises(error, match=message):
        estimator.fit(make())


FITTED = [
    (Autoencoder(2, max_iter=0).fit(FRAME), ["transform", "reconstruct", "score_samples"]),
    (Autoencoder(2, max_iter=0).fit(FRAME), ["reconstruction_errors", "iter_reconstruct"]),
    (AutoencoderImputer(max_iter=0).fit(FRAME), ["transform", "impute"]),
    (
        AutoencoderFeatureSelector(estimator="ridge").fit(FRAME),
        ["transform", "inverse_transform"],
    ),
    (ManifoldAutoencoder().fit(FRAME), ["transform", "inverse_transform", "reconstruct"]),
    (RecurrentAutoencoder(2, max_iter=0).fit(FRAME), ["transform", "score_steps"]),
]


@pytest.mark.parametrize(
    ("fitted", "method"), [(fitted, name) for fitted, names in FITTED for name in names]
)
@pytest.mark.parametrize(("make", "error", "message"), NO_TABLES)
def test_the_container_is_looked_at_before_the_columns_are_counted(
    fitted, method, make, error, message
):
    with pytest.raises(error, match=message):
        list(getattr(fitted, method)(make()))  # iter_reconstruct reads what is asked for


@pytest.mark.parametrize(("make", "error", "message"), NO_TABLES[-5:])
def test_codes_are_looked_at_as_rows_are(make, error, message):
    with pytest.raises(error, match=message):
        FITTED[0][0].inverse_transform(make())


@pytest.mark.parametrize("estimator", ESTIMATORS[1:], ids=lambda e: type(e).__name__)
def test_lazy_frames_are_for_autoencoders_of_tables(estimator):
    lazy, name = pl.from_pandas(FRAME).lazy(), type(estimator).__name__
    with pytest.raises(TypeError, match=rf"LazyFrame.*given to {name}, .*pass X\.collect\(\)"):
        estimator.fit(lazy)


def test_clean_rows_are_named():
    with pytest.raises(TypeError, match=r"X_clean is a list of dicts.*pd\.DataFrame\(X_clean\)"):
        Autoencoder(2, max_iter=0).fit(FRAME, X_clean=FRAME.to_dict("records"))


def _readers():
    long = FRAME.assign(id=np.repeat(np.arange(10), 3))
    return [
        (RecurrentAutoencoder(2, sequence_id="id", max_iter=0), long),
        (RecurrentAutoencoder(2, max_iter=0), FRAME),
        (ConvolutionalAutoencoder(2, image_shape=(2, 2), max_iter=0), FRAME),
    ]


@pytest.mark.parametrize(("estimator", "frame"), _readers(), ids=["long", "sequences", "images"])
@pytest.mark.parametrize("cell", ["low", pd.Timestamp("2020-01-01")], ids=["text", "date"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_cell_that_is_no_number_names_its_column(estimator, frame, cell, alone):
    bad = frame.astype({"c": object})
    bad.loc[4 if alone else slice(None), "c"] = cell
    with pytest.raises(ValueError, match=r"Column 'c' of X"):
        estimator.fit(bad)
    estimator.fit(frame)
    with pytest.raises(ValueError, match=r"Column 'c' of X"):
        estimator.transform(bad)


@pytest.mark.parametrize(("estimator", "frame"), _readers()[:2], ids=["long", "sequences"])
def test_na_is_a_missing_step(estimator, frame):
    na, nan = frame.astype({"c": object}), frame.copy()
    na.loc[4, "c"], nan.loc[4, "c"] = pd.NA, np.nan
    estimator = clone(estimator).set_params(random_state=0)
    expected = estimator.fit(nan).transform(nan)
    np.testing.assert_array_equal(estimator.fit(na).transform(na), expected)
    nullable = nan.astype({"c": "Float64"})
    np.testing.assert_array_equal(estimator.fit(nullable).transform(nullable), expected)


def test_na_in_images_names_its_column_and_row():
    bad = FRAME.astype({"c": object})
    bad.loc[4, "c"] = pd.NA
    with pytest.raises(ValueError, match=r"contains NaN: column 'c', row 4"):
        ConvolutionalAutoencoder(2, image_shape=(2, 2), max_iter=0).fit(bad)


DATES = np.array([["2000-01-01", "NaT"], ["2001-01-01", "2005-01-01"]] * 15, dtype="M8[ns]")
HIDDEN = np.ma.masked_array(FRAME.to_numpy(), mask=FRAME.to_numpy() > 1)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    ("rows", "way_out"),
    [
        (DATES, r"array of dates.*pd\.DataFrame"),
        (DATES - DATES[0, 0], r"array of durations.*np\.timedelta64\(1, \"s\"\)"),
        (HIDDEN, r"masked array.*\.astype\(float\)\.filled\(np\.nan\)"),
    ],
    ids=["dates", "durations", "masked"],
)
def test_arrays_that_are_other_numbers_inside_are_refused(estimator, rows, way_out):
    with pytest.raises(TypeError, match=way_out):
        clone(estimator).fit(rows)


def test_lists_of_such_arrays_are_refused_and_masks_that_hide_nothing_are_not():
    rows = np.random.default_rng(0).normal(size=(12, 4, 4))
    masked = np.ma.masked_array(rows, mask=rows > 1)
    for estimator, kind in (
        (RecurrentAutoencoder, "Sequence"),
        (ConvolutionalAutoencoder, "Image"),
    ):
        with pytest.raises(TypeError, match=f"{kind} 0 of X is a masked array"):
            estimator(2, max_iter=0).fit(list(masked))
    Autoencoder(2, max_iter=0).fit(np.ma.masked_array(FRAME.to_numpy()))


def objects(cell):
    cells = FRAME.to_numpy().astype(object)
    cells[3, 1] = cell
    return cells


@pytest.mark.parametrize("cell", [pd.NA, pd.NaT, None])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("cls", [Autoencoder, AutoencoderImputer])
def test_missing_objects_are_missing_cells(cls, nested, cell):
    expected = FRAME.to_numpy().copy()
    expected[3, 1] = np.nan
    rows = objects(cell).tolist() if nested else objects(cell)
    fitted = cls(max_iter=0, random_state=0).fit(expected)
    np.testing.assert_array_equal(fitted.transform(rows), fitted.transform(expected))


@pytest.mark.parametrize("cls", [Autoencoder, AutoencoderImputer, RecurrentAutoencoder])
@pytest.mark.parametrize(
    "cell",
    [
        datetime.date(2000, 1, 1),
        datetime.timedelta(1),
        pd.Period("2000"),
        np.datetime64("2000"),
        1j,
        "abc",
        10**400,
    ],
    ids=lambda cell: type(cell).__name__,
)
def test_other_objects_are_refused_with_their_row_and_column(cls, cell):
    message = rf"X holds {re.escape(f'{cell!r:.60}')} in row 3, column 1; replace it"
    with pytest.raises((TypeError, ValueError), match=message):
        cls(max_iter=0).fit(objects(cell))


@pytest.mark.parametrize(
    ("cells", "advice"),
    [
        ([1.5, "abc", 2.5], r"give it one type, for example by column\.astype\(\"string\"\)"),
        ([True, 1.5, 2.5], r"give it one type, for example by column\.astype\(float\)"),
        ([Decimal("1"), 1.5, 2.5], r"give it one type, for example by column\.astype\(float\)"),
        ([[1], [2], [3]], "turn it into a column for each element or field"),
        ([10**400, 1, 2], "whole numbers beyond 1.8e308"),
    ],
)
def test_columns_of_several_types_are_told_to_have_one(cells, advice):
    cells = pd.Series(cells * 5, dtype=object)
    with pytest.raises(ValueError, match=advice):
        Autoencoder(1, max_iter=0).fit(pd.DataFrame({"a": cells, "b": np.arange(15.0)}))
