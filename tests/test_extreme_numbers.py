"""Numbers near the ends of their range, and fits that diverge: finite answers, or an error."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import sklearn_ae
from sklearn_ae import Autoencoder, AutoencoderImputer, RecurrentAutoencoder, VariationalAutoencoder

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
COUNTS = RNG.poisson(3.0, size=(60, 5)).astype(float)
OPTIONS = {"max_iter": 3, "random_state": 0}
VARIANTS = ["Autoencoder", "ContractiveAutoencoder", "VariationalAutoencoder", "SparseAutoencoder"]


def check_finite(fitted, X):
    answers = [
        fitted.transform(X),
        fitted.reconstruct(X),
        fitted.score_samples(X),
        fitted.reconstruction_errors(X),
        fitted.explained_variance_ratio_,
        fitted.offset_,
    ]
    if hasattr(fitted, "sample"):
        answers.append(fitted.sample(100, random_state=0))
    for values in answers:
        assert np.isfinite(np.asarray(values, dtype=float)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [3.0, 100.0, 1e4])
@pytest.mark.parametrize(
    ("cls", "loss", "data"),
    [
        (Autoencoder, "squared_error", X),
        (VariationalAutoencoder, "gaussian", X),
        (VariationalAutoencoder, "poisson", COUNTS),
    ],
    ids=["plain", "gaussian", "poisson"],
)
def test_a_fit_that_diverges_answers_with_numbers_or_says_so(cls, loss, data, rate, dtype):
    data = data.astype(dtype)
    model = cls(2, loss=loss, learning_rate_init=rate, early_stopping=False, random_state=0)
    diverged = None
    try:
        model.set_params(max_iter=20).fit(data)
    except FloatingPointError as error:
        diverged = str(error)
    if diverged is None:
        check_finite(model, data)
    else:
        assert "lower learning_rate_init" in diverged
        assert not hasattr(model, "net_")


def test_a_network_whose_answers_are_infinite_is_an_error(monkeypatch):
    """Training may end with weights whose products are no numbers, by its last step."""
    from sklearn_ae.training import AutoencoderNet

    end_of_epoch = AutoencoderNet.run_single_epoch

    def diverging(net, iterator, training, *args, **kwargs):
        end_of_epoch(net, iterator, training, *args, **kwargs)
        for parameter in net.module_.parameters():
            parameter.data.fill_(1e20)

    monkeypatch.setattr(AutoencoderNet, "run_single_epoch", diverging)
    model = Autoencoder(2, early_stopping=False, max_iter=1, random_state=0)
    with pytest.raises(FloatingPointError, match=r"training rows.*lower learning_rate_init"):
        model.fit(X.astype(np.float32))


@pytest.mark.parametrize("factor", [1e-310, 1e-126, 1e150])
@pytest.mark.parametrize("name", VARIANTS)
def test_columns_may_be_tiny_or_huge(name, factor):
    check_finite(getattr(sklearn_ae, name)(2, **OPTIONS).fit(factor * X), factor * X)


@pytest.mark.parametrize("factor", [1e-310, 1e-200, 1e-126])
@pytest.mark.parametrize("loss", ["poisson", "bernoulli"])
def test_tiny_counts_and_shares(loss, factor):
    rows = factor * (COUNTS > 2)
    check_finite(Autoencoder(2, loss=loss, **OPTIONS).fit(rows), rows)


def test_sequences_may_be_huge():
    rows = 1e150 * RNG.normal(size=(40, 6, 2))
    check_finite(RecurrentAutoencoder(2, **OPTIONS).fit(rows), rows)


def test_a_column_of_numbers_that_have_lost_their_digits():
    rows = X * [1e-310, 1, 1, 1, 1]
    for cls in (Autoencoder, VariationalAutoencoder):
        check_finite(cls(2, **OPTIONS).fit(rows), rows)


@pytest.mark.parametrize("weight", [1e-320, 1e-200, 1e300])
@pytest.mark.parametrize("name", ["Autoencoder", "VariationalAutoencoder"])
def test_weights_may_be_tiny_or_huge(name, weight):
    cls = getattr(sklearn_ae, name)
    weights = np.where(np.arange(60) < 30, weight, 2 * weight)
    fitted = cls(2, **OPTIONS).fit(X, sample_weight=weights)
    check_finite(fitted, X)
    expected = np.average(fitted.score_samples(X), weights=1.0 + (np.arange(60) >= 30))
    assert_allclose(fitted.score(X, sample_weight=weights), expected, rtol=1e-3)


def test_tiny_weights_are_those_of_the_same_shares():
    shares = 1.0 + (np.arange(60) % 4)
    codes = [
        Autoencoder(2, **OPTIONS).fit(X, sample_weight=shares * f).transform(X)
        for f in (2.0**-600, 2.0**-700)
    ]
    assert_array_equal(*codes)


@pytest.mark.parametrize("cls", [Autoencoder, VariationalAutoencoder])
@pytest.mark.parametrize("value", [1e15, 1e30, -1e30, 1e300])
def test_columns_of_integers_saturate(cls, value):
    frame = pd.DataFrame(
        {
            "a": RNG.integers(0, 9, 60),
            "b": RNG.integers(0, 99, 60).astype("int8"),
            "c": RNG.normal(size=60),
            "kind": pd.Categorical(["x", "y"] * 30),
        }
    )
    numbers = ["a", "b", "c"]
    fitted = cls(2, **OPTIONS).fit(frame)
    huge = frame.assign(c=value)
    restored = fitted.reconstruct(huge)
    assert restored.dtypes.equals(frame.dtypes)
    assert np.isfinite(restored[numbers].to_numpy(float)).all()
    assert np.isfinite(fitted.score_samples(huge)).all()
    assert np.isfinite(fitted.reconstruction_errors(huge).to_numpy(float)).all()
    assert fitted.inverse_transform(np.full((2, 2), value)).dtypes.equals(frame.dtypes)


def test_an_imputer_fills_integers_beside_a_huge_number():
    frame = pd.DataFrame(
        {"a": pd.array([1, 2, None] * 20, dtype="Int64"), "b": RNG.normal(size=60)}
    )
    filled = AutoencoderImputer(random_state=0).fit(frame).transform(frame.assign(b=1e30))
    assert np.isfinite(np.asarray(filled, dtype=float)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*VARIANTS, "DenoisingAutoencoder", "StackedAutoencoder"])
def test_the_largest_numbers_have_finite_answers(name, dtype):
    far = X.astype(dtype)
    far[0] = -np.finfo(dtype).max
    far[1, ::2] = np.finfo(dtype).max
    far[2] = np.finfo(dtype).max
    fitted = getattr(sklearn_ae, name)(**OPTIONS).fit((1e-3 * X).astype(dtype))
    for method in ("transform", "reconstruct", "score_samples", "reconstruction_errors"):
        assert np.isfinite(getattr(fitted, method)(far)).all(), method
    codes = np.full((2, fitted.n_components_), np.finfo(dtype).max, dtype)
    assert np.isfinite(fitted.inverse_transform(codes)).all()


@pytest.mark.parametrize("value", [1e200, 1.7e308])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_variance_beyond_float64_is_an_error_that_says_so(name, value):
    rows = X.copy()
    rows[:, 1] = np.where(np.arange(60) % 2, value, -value)
    with pytest.raises(ValueError, match=r"variance of X is not a finite number.*MaxAbsScaler"):
        getattr(sklearn_ae, name)().fit(rows)


def test_a_detector_takes_the_largest_numbers():
    rows = X.copy()
    rows[:, 1] = np.where(np.arange(60) % 2, 1.7e308, -1.7e308)
    detector = sklearn_ae.AutoencoderOutlierDetector(random_state=0).fit(rows)
    assert np.isfinite(detector.score_samples(rows)).all()
    with pytest.raises(ValueError, match=r"variance of X is not a finite number.*MaxAbsScaler"):
        detector.set_params(estimator=sklearn_ae.Autoencoder()).fit(rows)


def test_an_imputer_fills_beside_the_largest_numbers():
    rows = X.copy()
    rows[:, 1] = np.where(np.arange(60) % 2, 1.7e308, -1.7e308)
    rows[3, 1] = rows[4, 2] = np.nan
    filled = AutoencoderImputer(**OPTIONS).fit_transform(rows)
    assert np.abs(filled[:, 1]).max() <= 1.7e308


@pytest.mark.parametrize(("value", "dtype"), [(1e38, np.float32), (1e38, float), (1e150, float)])
@pytest.mark.parametrize("cls", [Autoencoder, VariationalAutoencoder])
def test_one_huge_cell_leaves_a_history_of_numbers(cls, value, dtype):
    rows = X.astype(dtype)
    rows[7, 1] = value
    for seed in range(3):  # held out, or not
        fitted = cls(2, max_iter=2, random_state=seed).fit(rows)
        losses = fitted.history_.filter(like="loss").to_numpy(float)
        assert np.isfinite(losses[:, np.isfinite(losses).any(axis=0)]).all()
        selection = fitted.selection_
        assert np.isfinite([selection.start_loss, selection.network_loss]).all()


def test_a_warm_start_on_rows_beyond_its_scales_is_refused(iris):
    model = Autoencoder(2, max_iter=1, warm_start=True, random_state=0).fit(iris)
    expected = model.transform(iris)
    with pytest.raises(ValueError, match=r"no finite variance.*MaxAbsScaler"):
        model.fit(iris * 1e160)
    assert_array_equal(model.transform(iris), expected)
