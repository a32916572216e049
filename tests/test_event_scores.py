"""Precision by step and recall by event."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_ae.metrics import event_scores

TRUE = np.array([0, 1, 1, 1, 0, 0, 1, 0, 0, 0])
STEPS = st.lists(st.booleans(), min_size=10, max_size=10).map(np.array)


@given(STEPS, STEPS.filter(any))
def test_it_is_the_count_of_steps_and_of_events(flagged, true):
    starts = np.flatnonzero(np.diff(np.r_[0, true]) == 1)
    ends = np.flatnonzero(np.diff(np.r_[true, 0]) == -1) + 1
    precision, recall, f1 = event_scores(true, flagged)
    assert recall == np.mean([flagged[a:b].any() for a, b in zip(starts, ends, strict=True)])
    assert precision == (true[flagged].mean() if flagged.any() else 0.0)
    assert f1 == pytest.approx(2 * precision * recall / max(precision + recall, 1e-300))


def test_one_step_finds_an_event_and_all_steps_are_no_good():
    assert event_scores(TRUE, np.isin(np.arange(10), [2, 6])) == (1.0, 1.0, 1.0)
    assert event_scores(TRUE, np.ones(10, bool)).precision == 0.4
    assert event_scores(TRUE, np.zeros(10)) == (0.0, 0.0, 0.0)


def test_flags_at_random_reach_what_they_deserve():
    rng = np.random.default_rng(0)
    true = np.zeros(10_000, bool)
    true[2000:3000] = True
    flagged = rng.random(10_000) < 0.01
    # Point adjustment would make all steps of the event true, and F1 about .95.
    assert event_scores(true, flagged).f1 < 0.3


@pytest.mark.parametrize(
    ("true", "flagged", "match"),
    [
        (TRUE, TRUE[:4], "y_true has 10 steps, but y_pred has 4"),
        (0 * TRUE, TRUE, "y_true has no event"),
        (TRUE, 1 - 2 * TRUE, r"y_pred holds \[-1, 1\].*predict\(X\) == -1"),
        (TRUE, np.ones(10, int), r"y_pred holds \[1\]"),
        (TRUE[:, None], TRUE, "in shape"),
    ],
)
def test_other_labels_are_refused(true, flagged, match):
    with pytest.raises(ValueError, match=match):
        event_scores(true, flagged)
