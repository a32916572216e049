"""The Gaussian latent: its divergence is torch's, its draws are its posterior's."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from sklearn_ae import Gaussian

BETA = 2.5
OUTPUT = torch.randn(50, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def posterior(output=OUTPUT):
    mean, log_variance = output.chunk(2, dim=1)
    return Normal(mean, (log_variance / 2).exp())


def module(beta=BETA, warm_up=0.0):
    return Gaussian(beta, warm_up).build(3).double()


def test_the_divergence_is_that_of_torch():
    expected = kl_divergence(posterior(), Normal(0.0, 1.0))
    torch.testing.assert_close(module().divergence(OUTPUT), expected)
    code = module()(OUTPUT)
    torch.testing.assert_close(code.divergence, BETA * expected.sum(dim=1))
    assert code.sample is code.mean


def test_the_cost_of_a_draw_is_the_ratio_of_posterior_and_prior():
    noise = torch.randn(50, 3, dtype=torch.float64, generator=generator(1))
    code = module().draw(OUTPUT, noise)
    q, p = posterior(), Normal(0.0, 1.0)
    torch.testing.assert_close(code.sample, q.mean + q.stddev * noise)
    expected = (q.log_prob(code.sample) - p.log_prob(code.sample)).sum(dim=1)
    torch.testing.assert_close(code.divergence, expected)


def test_the_mean_cost_of_draws_is_the_divergence():
    rows = OUTPUT[:1].expand(40_000, -1)
    noise = torch.randn(40_000, 3, dtype=torch.float64, generator=generator(1))
    costs = module().draw(rows, noise).divergence
    expected = kl_divergence(posterior(), Normal(0.0, 1.0))[0].sum()
    assert abs(costs.mean() - expected) < 5 * costs.std() / 200


def test_training_draws_from_the_posterior_and_the_generator():
    rows = OUTPUT[:1].expand(40_000, -1)
    before = torch.get_rng_state()
    code = module()(rows, generator())
    q = posterior(OUTPUT[:1])
    torch.testing.assert_close(code.sample.mean(0), q.mean[0], rtol=0, atol=0.05)
    torch.testing.assert_close(code.sample.std(0), q.stddev[0], rtol=0.03, atol=0)
    assert torch.equal(code.sample, module()(rows, generator()).sample)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("warm_up", "progress", "share"),
    [(0.0, 0.0, 1.0), (0.5, 0.0, 0.0), (0.5, 0.25, 0.5), (0.5, 0.5, 1.0), (0.5, 1.0, 1.0)],
)
def test_the_weight_rises_over_the_warm_up(warm_up, progress, share):
    latent, full = module(warm_up=warm_up), module()
    latent.set_progress(progress)
    torch.testing.assert_close(latent(OUTPUT).divergence, share * full(OUTPUT).divergence)


def test_components_are_used_if_they_cost_something():
    output = torch.zeros(50, 6)
    output[:, 0] = torch.linspace(-2, 2, 50)
    measures = module().float().measures(output)
    assert measures["components_used"] == 1
    assert measures["kl"] == pytest.approx((output[:, 0].square() / 2).mean().item(), rel=1e-5)


def test_variances_far_out_of_range_stay_finite():
    output = torch.tensor([[0.0, 1e4], [0.0, -1e4]])
    code = Gaussian().build(1)(output, generator())
    assert torch.isfinite(torch.cat([code.sample[:, 0], code.divergence])).all()


def test_the_encoder_writes_means_and_log_variances():
    assert Gaussian().n_codes(5) == 10
