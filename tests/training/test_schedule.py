"""The rate rises, stays, and falls to zero, early if it is told to."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ae.training.callbacks._schedule import Constant, OneCycle

PEAK = 0.003


def rates(schedule: OneCycle, begin: float = 0.0, n_points: int = 400) -> np.ndarray:
    return np.array([schedule.rate(epoch) for epoch in np.linspace(begin, schedule.end, n_points)])


@pytest.mark.parametrize("n_epochs", [1, 2, 5, 60, 61])
def test_it_rises_for_a_tenth_stays_and_falls_to_zero_over_four_tenths(n_epochs: int) -> None:
    schedule = OneCycle(n_epochs, PEAK)
    share = np.linspace(0, 1, 401)
    expected = PEAK * np.interp(share, [0, 0.1, 0.6, 1], [0, 1, 1, 0])
    expected[share < 0.1] = np.maximum(expected[share < 0.1], 0.04 * PEAK)
    assert_allclose([schedule.rate(s * n_epochs) for s in share], expected, atol=1e-12)


@pytest.mark.parametrize("n_epochs", [1, 2, 60])
def test_it_starts_above_zero_and_is_zero_from_the_end_on(n_epochs: int) -> None:
    schedule = OneCycle(n_epochs, PEAK)
    assert 0 < schedule.rate(0) < PEAK / 10
    assert schedule.end == n_epochs
    assert schedule.rate(schedule.end) == schedule.rate(schedule.end + 3) == 0


def test_annealing_says_whether_the_rate_falls() -> None:
    schedule = OneCycle(60, PEAK)
    assert [schedule.annealing(epoch) for epoch in (0, 35, 36, 59)] == [False, False, True, True]


@pytest.mark.parametrize("epoch", [1, 3, 5, 6, 10, 20, 35])
def test_an_early_anneal_falls_from_the_present_rate_to_zero_at_the_new_end(epoch: int) -> None:
    schedule = OneCycle(60, PEAK)
    present = schedule.rate(epoch)
    schedule.begin_anneal(epoch)
    assert schedule.annealing(epoch)
    assert epoch + 2 <= schedule.end <= 60
    falling = rates(schedule, begin=epoch)
    assert_allclose(falling, np.linspace(present, 0, len(falling)), atol=1e-12)


@pytest.mark.parametrize("epoch", [6, 12, 20, 30])
def test_the_length_of_an_early_anneal_is_in_proportion_to_the_epochs_run(epoch: int) -> None:
    schedule = OneCycle(60, PEAK)
    schedule.begin_anneal(epoch)
    assert abs(schedule.end - epoch / 0.6) <= 0.5


@pytest.mark.parametrize("epoch", [36, 50, 59])
def test_a_fall_that_has_begun_goes_on(epoch: int) -> None:
    schedule, plain = OneCycle(60, PEAK), OneCycle(60, PEAK)
    schedule.begin_anneal(epoch)
    assert schedule.end == plain.end
    assert_allclose(rates(schedule), rates(plain))


def test_an_early_anneal_never_lengthens_the_cycle() -> None:
    for n_epochs in range(1, 30):
        for epoch in range(n_epochs):
            schedule = OneCycle(n_epochs, PEAK)
            schedule.begin_anneal(epoch)
            assert schedule.end <= n_epochs


def test_lower_scales_every_rate() -> None:
    lowered, plain = OneCycle(20, PEAK), OneCycle(20, PEAK)
    lowered.lower(0.3)
    assert_allclose(rates(lowered), 0.3 * rates(plain))


def test_a_constant_rate_stays_until_it_is_lowered() -> None:
    constant = Constant(PEAK)
    assert {constant.rate(epoch) for epoch in (0, 0.5, 1000)} == {PEAK}
    constant.lower(0.5)
    assert constant.rate(7) == PEAK / 2
