"""Losses are what their names say: in torch, in numpy, and in X's units."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import expit, huber
from sklearn.base import clone

from sklearn_ae import (
    AbsoluteError,
    Bernoulli,
    GaussianLikelihood,
    HuberError,
    Multinomial,
    Poisson,
    SquaredError,
    VariationalAutoencoder,
)
from sklearn_ae.data import ColumnScaling, Rows, UnitScaling
from sklearn_ae.losses import LOSSES
from sklearn_ae.starts import LinearStart

RNG = np.random.default_rng(0)
# Columns of different scales, one of them constant.
X = np.c_[RNG.uniform(size=(60, 2)), RNG.uniform(size=60) * 0.1, np.full(60, 0.3)]
SCALING = ColumnScaling.fit(Rows(X))
EVERY = pytest.mark.parametrize("loss", [cls() for cls in LOSSES.values()], ids=LOSSES)


def scaling_of(loss, rows=X):
    """The scales that a loss has of rows."""
    return (ColumnScaling if loss.standardized else UnitScaling).fit(Rows(rows))


def written(loss, seed=1, spread=0.7):
    """What a decoder could write for each row."""
    rng = np.random.default_rng(seed)
    return spread * rng.normal(size=(len(X), loss.n_parameters * X.shape[1]))


def parts(output):
    mean, log_std = np.split(output, 2, axis=1)
    return SCALING.restore(mean), SCALING.scale * np.exp(log_std)


@EVERY
def test_the_torch_part_times_the_unit_is_the_sum_of_the_errors(loss):
    output, scaling = written(loss), scaling_of(loss)
    cell = loss.build(scaling).double()
    cells = cell(torch.from_numpy(output), torch.from_numpy(scaling.apply(X)))
    losses = cells.sum(dim=1).numpy() * loss.unit(scaling) + loss.constants(X, scaling)
    assert_allclose(losses, loss.errors(X, output, scaling).sum(axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), HuberError(), Bernoulli()])
def test_column_weights_add_up_to_one(loss):
    assert loss.build(SCALING).weight.sum().item() == pytest.approx(1, abs=1e-6)


@EVERY
def test_rows_without_variance_have_a_loss(loss):
    constant = np.full((5, 3), 0.5)
    scaling = scaling_of(loss, constant)
    output = np.zeros((5, 3 * loss.n_parameters))
    cells = loss.build(scaling)(torch.from_numpy(output), torch.zeros(5, 3))
    assert np.isfinite(loss.errors(constant, output, scaling)).all()
    assert torch.isfinite(cells).all()
    assert np.isfinite(loss.unit(scaling))


def test_squared_and_absolute_errors_are_the_differences_to_the_restored_rows():
    for loss, function in ((SquaredError(), np.square), (AbsoluteError(), np.abs)):
        output = written(loss)
        expected = function(X - loss.restore(output, SCALING))
        assert_allclose(loss.errors(X, output, SCALING), expected, rtol=1e-12)


@pytest.mark.parametrize("epsilon", [0.3, 1.35, 10.0])
def test_huber_is_scipys_in_standard_deviations_of_the_column(epsilon):
    loss = HuberError(epsilon)
    output = written(loss, spread=2.0)
    unit = np.where(SCALING.scale > 0, SCALING.scale, 1.0)
    r = (X - SCALING.restore(output)) / unit
    expected = 2 * huber(epsilon, r) * unit**2
    assert_allclose(loss.errors(X, output, SCALING), expected, rtol=1e-10, atol=1e-14)


def test_the_gaussian_is_scipys_log_density():
    loss = GaussianLikelihood()
    output = written(loss)
    mean, std = parts(output)
    errors = loss.errors(X, output, SCALING)
    expected = -stats.norm.logpdf(X[:, :3], mean[:, :3], std[:, :3])
    assert_allclose(errors[:, :3], expected, rtol=1e-9)
    assert_array_equal(errors[:, 3], 0)


def test_the_noise_of_the_gaussian_has_a_floor():
    loss = GaussianLikelihood(floor=0.01)
    output = np.zeros((len(X), 8))
    output[:, 4:] = -20.0
    expected = -stats.norm.logpdf(X[:, :3], SCALING.mean[:3], 0.01 * SCALING.scale[:3])
    assert_allclose(loss.errors(X, output, SCALING)[:, :3], expected, rtol=1e-9)
    drawn = loss.sample(output, SCALING, np.random.default_rng(0))
    assert_allclose(drawn[:, 0].std(), 0.01 * SCALING.scale[0], rtol=0.3)


def test_the_bernoulli_is_scipys_log_probability():
    loss, binary = Bernoulli(), (X[:, :3] > 0.05).astype(float)
    scaling = ColumnScaling.fit(Rows(binary))
    output = written(loss)[:, :3]
    expected = -stats.bernoulli.logpmf(binary, loss.restore(output, scaling))
    assert_allclose(loss.errors(binary, output, scaling), expected, rtol=1e-9)


def test_the_poisson_is_scipys_log_probability():
    counts = np.random.default_rng(0).poisson([0.3, 2.0, 50.0], size=(60, 3)).astype(float)
    loss, scaling = Poisson(), ColumnScaling.fit(Rows(counts))
    output = written(loss)[:, :3]
    expected = -stats.poisson.logpmf(counts, loss.restore(output, scaling))
    assert_allclose(loss.errors(counts, output, scaling), expected, rtol=1e-9)


def test_the_multinomial_is_scipys_log_probability():
    rng = np.random.default_rng(0)
    counts = rng.poisson([0.3, 2.0, 5.0, 0.0], size=(60, 4)).astype(float)
    loss = Multinomial()
    scaling = scaling_of(loss, counts)
    output = written(loss)
    shares = loss.restore(output, scaling)
    assert_allclose(shares.sum(axis=1), 1.0)
    expected = -stats.multinomial.logpmf(counts, counts.sum(axis=1), shares)
    assert_allclose(loss.errors(counts, output, scaling).sum(axis=1), expected, rtol=1e-9)
    marginals = loss.restore(np.zeros((1, 4)), scaling)[0]
    assert_allclose(marginals, counts.sum(axis=0) / counts.sum(), atol=1e-3)
    with pytest.raises(ValueError, match="X holds -1"):
        loss.check(-counts.clip(max=1))


@pytest.mark.parametrize(
    "loss", [SquaredError(), AbsoluteError(), HuberError(), GaussianLikelihood()]
)
def test_restoring_undoes_standardising(loss):
    output = np.concatenate([SCALING.apply(X)] * loss.n_parameters, axis=1)
    assert_allclose(loss.restore(output, SCALING), X, rtol=1e-12)


@pytest.mark.parametrize("loss", [Bernoulli(), Poisson()])
def test_a_link_follows_the_linear_reconstruction_around_the_mean(loss):
    at = lambda value: loss.restore(np.full((1, 4), value), SCALING)[0]  # noqa: E731
    assert_allclose(at(0.0), SCALING.mean, rtol=1e-9)
    slope = (at(1e-6) - at(-1e-6)) / 2e-6
    assert_allclose(slope, SCALING.scale, rtol=1e-6, atol=1e-12)


def test_a_rate_above_the_mean_is_the_linear_reconstruction():
    output = np.linspace(0, 40, 9)[:, None] * np.ones(4)
    assert_allclose(Poisson().restore(output, SCALING), SCALING.restore(output), rtol=1e-9)


@pytest.mark.parametrize("loss", [Bernoulli(), Poisson()])
def test_the_values_of_a_link_stay_in_their_range(loss):
    far = loss.restore(np.array([[1e30] * 4, [-1e30] * 4]), SCALING)
    assert np.isfinite(far).all()
    assert (far >= 0).all()
    if isinstance(loss, Bernoulli):
        assert (far <= 1).all()


def test_columns_of_zeros_and_ones_alone_are_restored():
    loss, binary = Bernoulli(), np.tile([0.0, 1.0], (30, 1))
    scaling = ColumnScaling.fit(Rows(binary))
    assert_allclose(loss.restore(np.zeros((30, 2)), scaling), binary, atol=1e-5)
    assert np.isfinite(loss.errors(1 - binary, np.zeros((30, 2)), scaling)).all()


@EVERY
def test_samples_have_the_mean_that_restore_gives(loss):
    scaling = scaling_of(loss)
    output = np.repeat(written(loss)[:1], 20_000, axis=0)
    drawn = loss.sample(output, scaling, np.random.default_rng(0))
    expected = loss.restore(output[:1], scaling)[0]
    error = drawn.std(axis=0) / len(drawn) ** 0.5
    assert drawn.shape == (20_000, 4)
    assert (np.abs(drawn.mean(axis=0) - expected) <= 5 * error + 1e-12).all()


def test_samples_have_the_kind_of_their_distribution():
    rng = np.random.default_rng(0)
    bernoulli = Bernoulli().sample(written(Bernoulli()), SCALING, rng)
    assert set(np.unique(bernoulli)) == {0.0, 1.0}
    counts = Poisson().sample(written(Poisson()), SCALING, rng)
    assert_array_equal(counts, counts.round())
    output = np.repeat(written(GaussianLikelihood())[:1], 20_000, axis=0)
    drawn = GaussianLikelihood().sample(output, SCALING, rng)
    assert_allclose(drawn.std(axis=0), parts(output[:1])[1][0], rtol=0.03, atol=1e-9)
    assert_array_equal(
        SquaredError().sample(written(SquaredError()), SCALING, rng),
        SquaredError().restore(written(SquaredError()), SCALING),
    )


@pytest.mark.parametrize("noise", [None, torch.tensor([0.5, 1e-9, 0.2, 0.1]).double()])
def test_a_gaussian_decoder_starts_with_the_noise_of_the_start(noise):
    decoder = torch.tensor([[0.6, 1.0, 0.0, 0.8]]).double()
    weight, bias = GaussianLikelihood(floor=0.01).outputs(
        LinearStart(decoder.T, decoder, noise=noise)
    )
    expected = noise if noise is not None else torch.tensor([0.8, 0.0, 1.0, 0.6]).double()
    assert torch.equal(weight, torch.cat([decoder, torch.zeros_like(decoder)], dim=1))
    assert torch.equal(bias[:4], torch.zeros(4).double())
    assert_allclose(bias[4:].exp(), expected.clamp(min=0.01), rtol=1e-6)


@EVERY
def test_gradients_point_to_lower_losses(loss):
    scaling = scaling_of(loss)
    cell = loss.build(scaling).double()
    target = torch.from_numpy(scaling.apply(X))
    output = torch.from_numpy(written(loss)).requires_grad_()
    cell(output, target).sum().backward()
    step = output.detach() - 0.01 * output.grad / output.grad.norm()
    assert cell(step, target).sum() < cell(output, target).sum()
    if loss.standardized:
        assert (output.grad.reshape(len(X), loss.n_parameters, 4)[:, :, 3] == 0).all()


def test_the_logistic_mean_of_a_bernoulli_is_its_reconstruction():
    output = written(Bernoulli())
    offset, slope = Bernoulli().link(SCALING)
    assert_allclose(Bernoulli().restore(output, SCALING), expit(offset + slope * output))


@pytest.fixture(scope="module")
def of_counts():
    counts = np.random.default_rng(0).poisson(1.5, size=(60, 5)).astype(float)
    model = VariationalAutoencoder(2, loss="multinomial", max_iter=1, random_state=0)
    return model.set_params(early_stopping=False).fit(counts), counts


@pytest.mark.parametrize("method", ["transform", "reconstruct", "score_samples"])
def test_a_network_of_counts_reads_no_negative_numbers(of_counts, method):
    model, counts = of_counts
    with pytest.raises(ValueError, match="X holds -1, but the multinomial loss"):
        getattr(model, method)(counts - 1)


def test_draws_have_as_many_counts_as_the_mean_row(of_counts):
    model, counts = of_counts
    drawn = model.sample(50, random_state=0)
    assert_array_equal(drawn.sum(axis=1), np.rint(counts.sum(axis=1).mean()))


def test_counts_of_any_size_have_scores_or_an_error(of_counts):
    model, counts = of_counts
    assert np.isfinite(model.score_samples(counts * 1e300)).all()
    with pytest.raises(ValueError, match="divide X by a number"):
        clone(model).fit(counts * 1e300)


def test_flags_of_a_frame_are_counts(of_counts):
    model, counts = of_counts
    flags = pd.DataFrame(counts > 1, columns=list("abcde"))
    fitted = clone(model).fit(flags)
    expected = clone(model).fit(flags.astype(float))
    assert_array_equal(fitted.transform(flags), expected.transform(flags.astype(float)))
