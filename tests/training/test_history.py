"""The history is one float array whose rows are epochs and whose columns are named."""

import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris

from sklearn_ae import Autoencoder
from sklearn_ae.training import History


def test_a_row_is_an_epoch_and_a_column_a_name() -> None:
    history = History().extended({"loss": 3.0, "rate": 0.1}).extended({"rate": 0.2, "loss": 2.0})
    assert history.columns == ["loss", "rate"]
    assert_array_equal(history.values, [[3.0, 0.1], [2.0, 0.2]])
    assert_array_equal(history.column("rate"), [0.1, 0.2])


def test_what_is_not_measured_in_an_epoch_is_nan() -> None:
    history = History()
    for row in ({"loss": 3.0}, {"loss": 2.0, "penalty": 0.5}, {"penalty": 0.4}):
        history = history.extended(row)
    assert_array_equal(history.column("loss"), [3.0, 2.0, np.nan])
    assert_array_equal(history.column("penalty"), [np.nan, 0.5, 0.4])


def test_a_column_that_was_never_measured_is_empty() -> None:
    assert History().column("loss").shape == (0,)
    assert History().extended({"loss": 1.0}).column("other").shape == (0,)


def test_the_frame_is_indexed_by_epoch() -> None:
    history = History(["loss"], np.array([[3.0], [2.0]]))
    expected = pd.DataFrame({"loss": [3.0, 2.0]}, index=pd.RangeIndex(2, name="epoch"))
    pd.testing.assert_frame_equal(history.frame(), expected)
    assert History().frame().shape == (0, 0)


def test_extending_leaves_the_earlier_history_as_it_was() -> None:
    first = History(["loss"], np.array([[3.0]]))
    second = first.extended({"loss": 2.0, "rate": 0.1})
    assert (len(first.values), len(second.values)) == (1, 2)
    assert first.columns == ["loss"]
    assert_array_equal(first.values, [[3.0]])


def test_a_fit_records_the_start_every_epoch_and_every_named_term() -> None:
    autoencoder = Autoencoder(
        n_components=2, hidden_layer_sizes=(8,), l1=1e-4, max_iter=3, random_state=0
    ).fit(load_iris().data)
    history = autoencoder.history_
    assert autoencoder.n_iter_ == 3
    assert list(history.index) == [0, 1, 2, 3]
    assert {"train_loss", "reconstruction", "l1_weights", "valid_loss", "seconds"} <= set(history)
    assert_array_equal(autoencoder.loss_curve_, history["train_loss"][1:])
    assert_array_equal(autoencoder.validation_loss_curve_, history["valid_loss"][1:])
    assert autoencoder.best_validation_loss_ == history["valid_loss"].min()
    terms = history.loc[1:, ["reconstruction", "l1_weights"]].sum(axis=1)
    np.testing.assert_allclose(history["train_loss"][1:], terms, rtol=1e-12)


def test_curves_of_held_out_rows_are_empty_where_none_are_held_out() -> None:
    autoencoder = Autoencoder(
        n_components=2, hidden_layer_sizes=(8,), max_iter=2, early_stopping=False, random_state=0
    ).fit(load_iris().data)
    assert autoencoder.validation_loss_curve_.shape == (0,)
    assert autoencoder.best_validation_loss_ is None
    assert len(autoencoder.loss_curve_) == autoencoder.n_iter_ == 2


def test_a_stream_adds_a_row_a_call() -> None:
    X = load_iris().data
    autoencoder = Autoencoder(n_components=2, hidden_layer_sizes=(8,), random_state=0)
    for n_calls in (1, 2, 3):
        autoencoder.partial_fit(X[:60])
        assert autoencoder.n_iter_ == len(autoencoder.loss_curve_) == n_calls
        assert np.isfinite(autoencoder.loss_curve_).all()
