"""The start of logistic codes: each unit has the mean asked for, the decoder is a regression."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import expit

from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.runtime import torch_threads
from sklearn_ae.starts import SigmoidStart

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3)) @ RNG.normal(size=(3, 5)) + 0.2 * RNG.normal(size=(90, 5))


def solve(X, k, activity=0.1, weight=None):
    rows = Rows(X, weight)
    scaling = ColumnScaling.fit(rows)
    with torch_threads(1):
        start = SigmoidStart(activity).solve(
            rows, scaling, scaling, k, torch.Generator().manual_seed(0)
        )
    return scaling, *(part.numpy() for part in start[:4])


def codes_of(X, scaling, encoder, bias):
    return expit(scaling.apply(X) @ encoder + bias)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activity", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("k", [2, 5, 17])
def test_every_unit_has_the_mean_that_is_asked_for(k, activity, weighted):
    weight = RNG.uniform(0.1, 2, size=90) if weighted else None
    scaling, encoder, _, bias, _ = solve(X, k, activity, weight)
    codes = codes_of(X, scaling, encoder, bias)
    assert codes.shape == (90, k)
    assert_allclose(np.average(codes, axis=0, weights=weight), activity, rtol=1e-9)
    assert (codes.std(axis=0) > 0.1 * activity * (1 - activity)).all()


def test_the_decoder_is_the_regression_of_the_rows_on_the_code():
    many = RNG.normal(size=(1200, 3)) @ RNG.normal(size=(3, 5)) + 0.2 * RNG.normal(size=(1200, 5))
    scaling, encoder, decoder, bias, decoder_bias = solve(many, 3)
    codes = codes_of(many, scaling, encoder, bias)
    design = np.c_[codes, np.ones(1200)]
    expected = design @ np.linalg.lstsq(design, scaling.apply(many), rcond=None)[0]
    assert_allclose(codes @ decoder + decoder_bias, expected, atol=0.02)


@pytest.mark.parametrize("unit", [1.0, 1e12])
def test_of_few_rows_the_penalty_of_the_regression_is_chosen_out_of_fold(unit):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(160, 4)) @ rng.normal(size=(4, 150)) + 5 * rng.normal(size=(160, 150))
    rows, held_out = wide[:60] * unit, wide[60:] * unit
    scaling, encoder, decoder, bias, decoder_bias = solve(rows, 58)
    codes = codes_of(rows, scaling, encoder, bias)
    design = np.c_[codes, np.ones(60)]
    exact = np.linalg.lstsq(design, scaling.apply(rows), rcond=None)[0]
    new = codes_of(held_out, scaling, encoder, bias)
    target = scaling.apply(held_out)
    chosen = np.square(new @ decoder + decoder_bias - target).mean()
    unpenalised = np.square(np.c_[new, np.ones(100)] @ exact - target).mean()
    assert chosen < 0.9 * unpenalised
    assert chosen < np.square(target).mean()


def test_more_units_explain_more():
    errors = []
    for k in (1, 3, 10, 20):
        scaling, encoder, decoder, bias, decoder_bias = solve(X, k)
        restored = codes_of(X, scaling, encoder, bias) @ decoder + decoder_bias
        errors.append(np.square(scaling.apply(X) - restored).mean())
    assert (np.diff(errors) < 0).all()
    assert errors[-1] < 0.1


def test_units_differ():
    _, encoder, *_ = solve(X, 17)
    directions = encoder / np.linalg.norm(encoder, axis=0)
    cosines = directions.T @ directions - np.eye(17)
    assert cosines.max() < 0.999


@pytest.mark.parametrize("rows", [np.ones((10, 3)), X[:1], X[:2], X * 1e9, X * 1e-30])
def test_any_rows_give_finite_solutions(rows):
    for part in solve(rows, 6)[1:]:
        assert np.isfinite(part).all()
