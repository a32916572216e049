"""The discrepancy is zero for draws from the prior, whatever the basis, and its formula."""

import numpy as np
import pytest
import torch

from sklearn_ae import MMD
from sklearn_ae.data import Batch
from sklearn_ae.latents._mmd import _SCALES
from sklearn_ae.terms import Code, Forward

RNG = np.random.default_rng(0)


def value(code, *, training, weight=None, factor=1.0):
    code = torch.as_tensor(code, dtype=torch.float64)
    term = MMD(factor).terms(code.shape[1])["mmd"].double()
    weight = None if weight is None else torch.as_tensor(weight, dtype=torch.float64)
    batch = Batch(torch.zeros(len(code), 1), weight=weight)
    generator = torch.Generator() if training else None
    return term(None, batch, Forward(code, Code(code, code)), generator).item()


def kernel(a, b):
    square = ((a[:, None] - b) ** 2).sum(axis=2)
    return np.mean([2 * a.shape[1] * s / (2 * a.shape[1] * s + square) for s in _SCALES], axis=0)


@pytest.mark.parametrize("width", [1, 2, 10, 40])
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_it_is_the_formula_with_draws_from_the_prior(width, spread):
    code = spread * RNG.normal(size=(60, width)) + 0.2
    prior, other = RNG.normal(size=(2, 4000, width))
    pairs = kernel(code, code)
    to_prior, of_prior = kernel(code, prior).mean(), kernel(prior[:2000], other[:2000]).mean()
    among = (pairs.sum() - 60) / (60 * 59)
    expected = among - 2 * to_prior + of_prior
    assert value(code, training=True) == pytest.approx(expected, abs=0.01)
    assert value(code, training=False) == pytest.approx(
        pairs.mean() - 2 * to_prior + of_prior, abs=0.01
    )


def test_the_estimate_is_unbiased_and_the_judgement_not_negative():
    draws = RNG.normal(size=(400, 20, 3))
    found = [value(code, training=True) for code in draws]
    assert np.mean(found) == pytest.approx(0, abs=4 * np.std(found) / 20)
    assert np.min(found) < 0
    assert min(value(code, training=False) for code in draws) >= 0
    assert value(draws[0] + 1, training=True) > np.max(found)


def test_a_rotation_changes_nothing_and_a_scale_does():
    code = RNG.exponential(size=(50, 4)) - 1
    turn, _ = np.linalg.qr(RNG.normal(size=(4, 4)))
    assert value(code @ turn, training=True) == pytest.approx(value(code, training=True))
    assert value(code * 3, training=True) != pytest.approx(value(code, training=True), rel=0.1)


@pytest.mark.parametrize("training", [False, True])
def test_a_weight_counts_as_a_share(training):
    code = RNG.normal(size=(30, 2)) * 2
    some = np.r_[np.full(20, 1.5), np.zeros(10)]
    found = value(code, training=training, weight=some, factor=3.0)
    assert found == pytest.approx(3 * value(code[:20], training=training))


def test_one_row_is_finite():
    assert np.isfinite(value(np.ones((1, 3)), training=True))


def test_gradients_lead_to_the_prior():
    code = torch.from_numpy(0.2 * RNG.normal(size=(200, 2)) + 1.0).requires_grad_()
    term = MMD().terms(2)["mmd"].double()
    optimizer = torch.optim.Adam([code], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        batch = Batch(torch.zeros(200, 1))
        term(None, batch, Forward(code, Code(code, code)), torch.Generator()).backward()
        optimizer.step()
    assert code.mean(dim=0).abs().max() < 0.1
    assert (code.std(dim=0) - 1).abs().max() < 0.15
