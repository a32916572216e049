"""What is no table, and cells that are no numbers, are refused by what they are."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from sklearn_ae import (
    Autoencoder,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    ConvolutionalAutoencoder,
    RecurrentAutoencoder,
    SuperResolver,
)

FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 4)), columns=list("abcd"))
ESTIMATORS = [
    Autoencoder(2, max_iter=0),
    RecurrentAutoencoder(2, max_iter=0),
    ConvolutionalAutoencoder(2, max_iter=0),
    AutoencoderImputer(max_iter=0),
    AutoencoderOutlierDetector(Autoencoder(2, max_iter=0), n_estimators=1),
    SuperResolver(max_iter=0),
]
NO_TABLES = [
    (lambda: pl.from_pandas(FRAME).lazy(), TypeError, r"LazyFrame.*pass X\.collect\(\)"),
    (lambda: FRAME.iloc[0], ValueError, r"pandas Series of 4 values.*df\.iloc\[\[0\]\]"),
    (lambda: pl.from_pandas(FRAME)["a"], ValueError, r"polars Series of 30 values.*df\[\[0\]\]"),
    (lambda: FRAME.to_dict("records"), TypeError, r"list of dicts.*pass pd\.DataFrame\(X\)"),
    (lambda: FRAME.to_dict("list"), TypeError, r"dict with keys.*pass pd\.DataFrame\(X\)"),
    (lambda: FRAME.to_records(index=False), TypeError, r"fields \['a'.*pass pd\.DataFrame\(X\)"),
    (lambda: (row for row in FRAME.to_numpy()), TypeError, r"generator.*pass list\(X\)"),
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
