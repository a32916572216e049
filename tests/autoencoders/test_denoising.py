"""The denoising autoencoder: a linear denoiser at the start, and pairs."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae import (
    DenoisingAutoencoder,
    GaussianNoise,
    MaskingNoise,
    SaltAndPepperNoise,
    SwapNoise,
)
from sklearn_ae.data import Batch
from sklearn_ae.metrics import denoising_score
from sklearn_ae.training._run import TrainingRun

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(300, 2)) @ RNG.normal(size=(2, 6)) + 0.1 * RNG.normal(size=(300, 6))) * (
    np.geomspace(0.5, 20, 6)
) + 5.0
NOISY = X + 0.5 * X.std(axis=0) * RNG.normal(size=X.shape)
CORRUPTIONS = [
    None,
    GaussianNoise(0.3),
    MaskingNoise(),
    SaltAndPepperNoise(),
    SwapNoise(),
    lambda rows, rng: rows + rng.normal(size=rows.shape),
]


def make(k=None, **options):
    defaults = {"hidden_layer_sizes": (8,), "early_stopping": False, "max_iter": 2}
    return DenoisingAutoencoder(k, random_state=0, **{**defaults, **options})


def test_the_start_is_the_ridge_regression_in_closed_form():
    start = make(noise_scale=0.7, max_iter=0).fit(X)
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    covariance = z.T @ z / len(z)
    coefficients = np.linalg.solve(covariance + 0.49 * np.eye(6), covariance)
    expected = z @ coefficients * X.std(axis=0) + X.mean(axis=0)
    assert_allclose(start.reconstruct(X), expected, atol=1e-3)


def test_the_start_of_pairs_is_the_linear_regression():
    start = make(max_iter=0).fit(NOISY, X_clean=X)
    design = np.c_[np.ones(300), NOISY]
    expected = design @ np.linalg.lstsq(design, X, rcond=None)[0]
    assert_allclose(start.reconstruct(NOISY) / X.std(axis=0), expected / X.std(axis=0), atol=1e-3)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_every_corruption_fits(corruption, early_stopping):
    fitted = make(corruption=corruption, early_stopping=early_stopping).fit(X)
    assert np.isfinite(fitted.reconstruct(X)).all()
    assert fitted.n_components_ == 6


def test_noise_is_drawn_anew_in_each_epoch():
    seen = []

    def corrupt(rows, rng):
        seen.append(rows + rng.normal(size=rows.shape))
        return seen[-1]

    make(corruption=corrupt, batch_size=300, max_iter=3).fit(X)
    *_, first, second = seen
    assert not np.isclose(first, second).all()
    assert len(seen) >= 3 + 10


def test_pairs_are_corrupted_no_further():
    def refuse(rows, rng):
        raise AssertionError("called")

    fitted = make(corruption=refuse).fit(NOISY, X_clean=X)
    assert denoising_score(fitted, NOISY, X_clean=X) > 0.9


def test_pairs_denoise_better_than_the_noisy_rows_are():
    fitted = make(max_iter=10, early_stopping=True).fit(NOISY[:200], X_clean=X[:200])
    error = np.square(fitted.reconstruct(NOISY[200:]) - X[200:]).sum()
    assert error < 0.5 * np.square(NOISY[200:] - X[200:]).sum()


def test_the_score_of_pairs_compares_with_the_clean_rows():
    fitted = make().fit(NOISY, X_clean=X)
    errors = np.square(fitted.reconstruct(NOISY) - X).sum(axis=1)
    weight = np.arange(300.0)
    assert fitted.score(NOISY, X_clean=X) == pytest.approx(-errors.mean())
    assert fitted.score(NOISY, X_clean=X, sample_weight=weight) == pytest.approx(
        -np.average(errors, weights=weight)
    )
    assert fitted.score(NOISY) == pytest.approx(fitted.score_samples(NOISY).mean())


def test_the_history_is_in_the_units_of_the_score_of_pairs():
    fitted = make(max_iter=0).fit(NOISY, X_clean=X)
    expected = -fitted.score(NOISY, X_clean=X)
    assert fitted.history_["train_loss"][0] == pytest.approx(expected, rel=1e-4)


def test_held_out_rows_are_judged_with_corruption():
    fitted = make(early_stopping=True, max_iter=1, noise_scale=0.5).fit(X)
    clean = make(early_stopping=True, max_iter=1, noise_scale=0.0).fit(X)
    assert fitted.history_["valid_loss"][0] > 2 * clean.history_["valid_loss"][0]


def test_pairs_may_lie_in_different_places_by_column():
    shifted = NOISY + 0.5 * X.std(axis=0)
    fitted = make(max_iter=0).fit(shifted, X_clean=X)
    assert_allclose(fitted.reconstruct(shifted).mean(axis=0), X.mean(axis=0), rtol=1e-3)


def test_a_stream_of_pairs():
    streamed = make()
    for part in np.array_split(np.arange(300), 3):
        streamed.partial_fit(NOISY[part], X_clean=X[part])
    assert streamed.n_iter_ == 3
    assert denoising_score(streamed, NOISY, X_clean=X) > 0.8


def test_weights_count_as_repetitions_for_the_start():
    weight = RNG.integers(0, 4, size=300)
    weighted = make(max_iter=0).fit(NOISY, sample_weight=weight, X_clean=X)
    repeated = make(max_iter=0).fit(
        np.repeat(NOISY, weight, axis=0), X_clean=np.repeat(X, weight, axis=0)
    )
    assert_allclose(weighted.reconstruct(NOISY), repeated.reconstruct(NOISY), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("k", [1, 3, 9])
def test_the_code_may_be_narrower_or_wider_than_the_rows(k):
    fitted = make(k).fit(X)
    assert fitted.transform(X).shape == (300, k)
    assert np.isfinite(fitted.reconstruct(X)).all()


def test_noise_and_an_object_exclude_each_other():
    with pytest.raises(ValueError, match=r"corruption=MaskingNoise\(\) replaces noise_scale=0.1"):
        make(corruption=MaskingNoise(), noise_scale=0.1).fit(X)


def test_two_fits_with_a_users_function_are_equal():
    first, second = (make(corruption=CORRUPTIONS[-1]).fit(X).transform(X) for _ in range(2))
    assert_array_equal(first, second)


def _spiked(column, deviations):
    rows = X[:20].copy()
    rows[:, column] += deviations * X.std(axis=0)[column]
    return rows


def _inside(rows, reach=2.0):
    room = reach * X.std(axis=0)
    return rows.clip(X.min(axis=0) - room, X.max(axis=0) + room)


@pytest.mark.parametrize("deviations", [-1e4, -10, 30, 1e6])
def test_the_start_passes_on_what_lies_beyond_the_rows(deviations):
    start = make(max_iter=0).fit(X)
    rows = _spiked(3, deviations)
    moved = (start.reconstruct(rows) - rows) / X.std(axis=0)
    expected = (start.reconstruct(_inside(rows)) - _inside(rows)) / X.std(axis=0)
    assert_allclose(moved, expected, atol=1e-5 * abs(deviations) + 1e-6)


@pytest.mark.parametrize("round_trip", [lambda e: e, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_network_moves_a_row_far_outside_no_further_than_one_at_the_edge(round_trip):
    fitted = round_trip(make(max_iter=30).fit(X))
    for deviations in (100, 1e4):
        rows = _spiked(2, deviations)
        restored = fitted.reconstruct(rows)
        assert (np.abs(restored - rows) / X.std(axis=0)).max() < 20
        assert_array_equal(fitted.inverse_transform(fitted.transform(rows)), restored)
        errors = fitted.reconstruction_errors(rows)
        assert_allclose(errors, (restored - rows) ** 2, atol=1e-6 * errors.max())
        assert (fitted.predict(rows) == -1).all()


def test_rows_within_the_range_are_restored_as_if_there_were_none_beyond():
    fitted = make(max_iter=5).fit(X)
    alone = fitted.reconstruct(NOISY)
    together = fitted.reconstruct(np.concatenate([NOISY, _spiked(0, 1e5)]))[: len(NOISY)]
    assert_allclose(together, alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("go_on", ["partial_fit", "warm_start"])
def test_the_range_grows_with_the_rows(go_on):
    wider = X.mean(axis=0) + 3 * (X - X.mean(axis=0))
    fitted = make(warm_start=go_on == "warm_start").fit(X)
    before = fitted._model.training_range
    getattr(fitted, "fit" if go_on == "warm_start" else "partial_fit")(wider[:200])
    after = fitted._model.training_range
    assert (after.low <= before.low).all()
    assert (after.high >= before.high).all()
    assert (after.high - after.low > 1.5 * (before.high - before.low)).all()


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"corruption": MaskingNoise()}, {}),
        ({"corruption": SaltAndPepperNoise()}, {}),
        ({"init": "random"}, {}),
        ({}, {"X_clean": X}),
    ],
)
def test_where_the_noise_is_not_known_to_be_small_nothing_is_passed_on(options, given):
    assert make(**options).fit(X, **given)._model.training_range is None


def test_held_out_rows_are_validated_by_their_part_in_the_range():
    fitted = make().fit(X)
    training_range = fitted._model.training_range
    rows = torch.zeros(5, 6)
    rows[0], rows[1] = 1e4, -1e4
    clipped = training_range.inside(rows)
    run = TrainingRun(fitted.net_, Batch(rows), None, 1.0, 5, *[torch.Generator()] * 2)
    losses = run.row_losses(Batch(rows), training_range)
    assert_array_equal(losses, run.row_losses(Batch(clipped)))
    assert losses.max() < 1e3
