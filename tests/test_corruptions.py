"""Corruptions change the share of cells that they are asked for, by the values they promise."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ae import Autoencoder, GaussianNoise, MaskingNoise, SaltAndPepperNoise, SwapNoise
from sklearn_ae.corruptions import in_standard_units
from sklearn_ae.data import ColumnScaling, Rows

CELLWISE = [MaskingNoise, SaltAndPepperNoise, SwapNoise]
EVERY = [GaussianNoise(0.3), MaskingNoise(0.3), SaltAndPepperNoise(0.3), SwapNoise(0.3)]
ids = pytest.mark.parametrize("corruption", EVERY, ids=lambda c: type(c).__name__)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(n=4000, p=3, seed=1):
    """Correlated standardised rows."""
    x = torch.randn(n, p, generator=generator(seed), dtype=torch.float64)
    x = x @ torch.tensor([[1.0, 0.8, 0.0], [0.0, 0.6, 0.5], [0.0, 0.0, 0.9]]).double()[:p, :p]
    return (x - x.mean(0)) / x.std(0, unbiased=False)


def test_gaussian_noise_has_its_scale_in_every_column():
    x = rows()
    noise = GaussianNoise(0.3).corrupt(x, generator()) - x
    assert_allclose(noise.std(dim=0), 0.3, rtol=0.05)
    assert_allclose(noise.mean(dim=0), 0, atol=0.02)
    assert_allclose(torch.corrcoef(noise.T) - torch.eye(3), 0, atol=0.06)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("kind", CELLWISE)
def test_the_share_of_cells_is_the_fraction(kind, fraction):
    x = rows()
    changed = kind(fraction).corrupt(x, generator()) != x
    assert_allclose(changed.double().mean(dim=0), fraction, atol=0.03)
    both = (changed[:, 0] & changed[:, 1]).double().mean()
    assert both == pytest.approx(fraction**2, abs=0.03)


def test_masked_cells_are_the_mean_of_their_column():
    x = rows()
    corrupted = MaskingNoise(0.4).corrupt(x, generator())
    assert (corrupted[corrupted != x] == 0).all()


def test_salt_and_pepper_are_the_extremes_of_the_column_in_equal_shares():
    x = rows()
    corrupted = SaltAndPepperNoise(0.5).corrupt(x, generator())
    changed = corrupted != x
    low, high = corrupted == x.amin(dim=0), corrupted == x.amax(dim=0)
    assert (low | high)[changed].all()
    shares = (high & changed).double().sum(dim=0) / changed.double().sum(dim=0)
    assert_allclose(shares, 0.5, atol=0.05)


def test_swapped_cells_come_from_other_rows_of_the_same_column():
    x = rows(500)
    corrupted = SwapNoise(1.0).corrupt(x, generator())
    assert (corrupted != x).all()
    for column in range(3):
        assert set(corrupted[:, column].tolist()) <= set(x[:, column].tolist())
    source = (corrupted[:, :, None] == x.T[None]).double().argmax(dim=2)
    assert_allclose(torch.corrcoef(source.T) - torch.eye(3), 0, atol=0.15)


@ids
@pytest.mark.parametrize("n", [1, 2])
def test_batches_of_one_or_two_rows_stay_finite(corruption, n):
    x = rows(100)[:n]
    assert torch.isfinite(corruption.corrupt(x, generator())).all()


@ids
def test_noise_is_drawn_anew_from_the_generator_alone(corruption):
    x, drawn = rows(50).float(), generator()
    before = torch.get_rng_state()
    first, second = corruption.corrupt(x, drawn), corruption.corrupt(x, drawn)
    assert not torch.equal(first, second)
    assert torch.equal(corruption.corrupt(x, generator()), first)
    assert first.dtype == torch.float32
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(x, rows(50).float())


@pytest.mark.parametrize("corruption", [EVERY[0], EVERY[1], EVERY[3]], ids=str)
def test_closed_moments_are_those_of_many_draws(corruption):
    x, drawn = rows(), generator()
    covariance = x.T @ x / len(x)
    second, cross = torch.zeros(3, 3).double(), torch.zeros(3, 3).double()
    for _ in range(40):
        noisy = corruption.corrupt(x, drawn)
        second += noisy.T @ noisy / len(x) / 40
        cross += noisy.T @ x / len(x) / 40
    expected_second, expected_cross = corruption.moments(covariance)
    assert_allclose(second, expected_second, atol=0.02)
    assert_allclose(cross, expected_cross, atol=0.02)
    assert_array_equal(covariance, x.T @ x / len(x))


def test_salt_and_pepper_has_no_closed_moments():
    assert SaltAndPepperNoise().moments(torch.eye(2)) is None


class Recorder:
    """A user's corruption that notes what it was called with."""

    def __init__(self):
        self.rows, self.draws = [], []

    def __call__(self, X, rng):
        assert isinstance(rng, np.random.Generator)
        self.rows.append(X.copy())
        self.draws.append(rng.random())
        return X + rng.normal(size=X.shape)


def test_a_callable_gets_rows_in_the_units_of_x_and_draws_that_can_be_repeated():
    X = np.c_[rows(50).numpy() * [1e3, 1.0, 1e-3] + [5.0, 0.0, 1.0], np.full(50, 7.0)]
    scaling = ColumnScaling.fit(Rows(X))
    z = torch.from_numpy(scaling.apply(X))
    recorder = Recorder()
    corruption = in_standard_units(recorder, scaling)
    first = corruption.corrupt(z, generator())
    second = corruption.corrupt(z, generator())
    third = corruption.corrupt(z, generator(1))
    assert_allclose(recorder.rows[0], X, rtol=1e-12)
    assert_array_equal(first, second)
    assert (first[:, :3] != third[:, :3]).all()
    expected = scaling.apply(X + np.zeros(X.shape))
    assert (first[:, 3] == 0).all()
    assert np.abs(first.numpy() - expected)[:, 1].max() > 0.5


def test_a_callable_draws_anew_in_each_batch_and_alike_in_two_fits(iris):
    recorders = Recorder(), Recorder()
    for recorder in recorders:
        Autoencoder(
            2,
            corruption=recorder,
            hidden_layer_sizes=(4,),
            batch_size=50,
            max_iter=2,
            early_stopping=False,
            random_state=0,
        ).fit(iris)
    first, second = recorders
    assert len(first.draws) == len(set(first.draws)) == 6
    assert first.draws == second.draws
    assert {len(block) for block in first.rows} == {50}
    assert {tuple(row) for block in first.rows[:3] for row in block.round(3)} == {
        tuple(row) for row in iris.round(3)
    }


def test_objects_and_none_are_taken_as_they_are():
    noise, scaling = GaussianNoise(), ColumnScaling(np.zeros(2), np.ones(2))
    assert in_standard_units(noise, scaling) is noise
    assert in_standard_units(None, scaling) is None


@pytest.mark.parametrize(
    "returned",
    [lambda X: X[:, :1], lambda X: X[:1], lambda X: X * np.nan, lambda X: X / 0.0],
    ids=["narrow", "short", "NaN", "inf"],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_callable_that_returns_something_else_is_named(returned):
    def corrupt(X, rng):
        return returned(X + 1.0)

    corruption = in_standard_units(corrupt, ColumnScaling(np.zeros(2), np.ones(2)))
    with pytest.raises(ValueError, match=r"(?s)corruption=.*corrupt.*return finite rows of the"):
        corruption.corrupt(torch.ones(3, 2), generator())
