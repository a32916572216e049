"""Conditions become indicators of labels, or standardised numbers."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context

from sklearn_ae.data import ConditionEncoder, Rows

ROWS = Rows(np.zeros((6, 2)))
LABELS = ["b", "a", "b", "c", "a", "b"]
INDICATORS = np.eye(3)[[1, 0, 1, 2, 0, 1]]


def encoded(condition, rows=ROWS):
    return ConditionEncoder().fit(condition, rows).apply(condition, 6)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        np.array(LABELS),
        np.array(LABELS, dtype=object)[:, None],
        pd.Series(LABELS),
        [20, -3, 20, 70, -3, 20],
        pd.DataFrame({"label": LABELS}),
    ],
    ids=["list", "array", "column", "series", "integers", "frame"],
)
def test_labels_become_indicators_in_their_order(labels):
    assert_array_equal(encoded(labels), INDICATORS)


@pytest.mark.parametrize("condition", [LABELS, [1.5, 2.5, 0.5, 9.5, 2.0, 1.0]])
def test_frames_asked_for_everywhere_change_nothing(condition):
    expected = encoded(condition)
    with config_context(transform_output="pandas"):
        found = encoded(condition)
    assert isinstance(found, np.ndarray)
    assert_array_equal(found, expected)


def test_flags_are_labels():
    assert_array_equal(encoded([True, False] * 3), np.eye(2)[[1, 0] * 3])


@pytest.mark.parametrize("unit", [1.0, 1e9])
def test_numbers_are_standardised(unit):
    numbers = np.array([1.0, 2.0, 3.5, -1.0, 0.0, 9.0]) * unit
    expected = ((numbers - numbers.mean()) / numbers.std())[:, None]
    assert_allclose(encoded(numbers), expected)
    assert_allclose(encoded(np.c_[numbers, numbers**2])[:, :1], expected)


def test_rows_of_weight_zero_do_not_count():
    weight = np.array([1.0, 1.0, 2.0, 0.0, 1.0, 1.0])
    numbers = np.array([1.0, 2.0, 3.0, 1e9, 4.0, 5.0])
    rows = Rows(np.zeros((6, 2)), weight)
    encoder = ConditionEncoder().fit(numbers, rows)
    z = encoder.apply(numbers, 6)[:, 0]
    assert np.average(z, weights=weight) == pytest.approx(0, abs=1e-12)
    assert np.average(z**2, weights=weight) == pytest.approx(1)


@pytest.mark.parametrize("condition", [LABELS, [1.5, 2.5, 0.5, 9.5, 2.0, 1.0]])
def test_a_scalar_holds_for_every_row(condition):
    encoder = ConditionEncoder().fit(condition, ROWS)
    assert_array_equal(encoder.apply(condition[0], 3), encoder.apply([condition[0]] * 3, 3))
