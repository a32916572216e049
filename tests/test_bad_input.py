"""Errors name the value and the way out, and leave an estimator as it was."""

import copy
import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError
from skorch.callbacks import Callback

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    Dense,
    Gaussian,
    GaussianNoise,
    HuberError,
    KLSparsity,
    L1Weights,
    MaskingNoise,
    SaltAndPepperNoise,
    Sigmoid,
    SparseAutoencoder,
    StackedAutoencoder,
    SwapNoise,
    TopK,
    VariationalAutoencoder,
)
from sklearn_ae.training._weights import copied
from sklearn_ae.training.steps._epoch import EpochRunner

IRIS = load_iris().data
NAMES = ["a", "b", "c", "d"]
READING = [
    "transform",
    "reconstruct",
    "reconstruction_errors",
    "score_samples",
    "score",
    "decision_function",
    "predict",
]
FITTING = pytest.mark.parametrize("method", ["fit", "partial_fit"])


def make(n_components: Any = 2, **parameters: Any) -> Autoencoder:
    defaults = {"max_iter": 2, "early_stopping": False, "random_state": 0}
    if parameters.get("architecture") is None:
        defaults["hidden_layer_sizes"] = (8,)
    return Autoencoder(n_components, **{**defaults, **parameters})


def with_cell(value: float) -> np.ndarray:
    X = IRIS.copy()
    X[3, 1] = value
    return X


@pytest.fixture(scope="module")
def shared() -> Autoencoder:
    return make().fit(IRIS)


@pytest.fixture
def fitted(shared: Autoencoder) -> Autoencoder:
    return copy.deepcopy(shared)


class Failing(Callback):
    """Raises at the end of an epoch."""

    def on_epoch_end(self, net: Any, **sets: Any) -> None:
        raise RuntimeError("the disk is full")


# Rows


@pytest.mark.parametrize("method", ["fit", "partial_fit", *READING])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (with_cell(np.inf), r"Input X contains infinity or a value too large"),
        (with_cell(-np.inf), r"Input X contains infinity or a value too large"),
        (np.array([["a", "b"], ["c", "d"]]), r"could not convert string to float: .*'a'"),
        (np.array([["blue", 1.0]], dtype=object), r"could not convert string to float: 'blue'"),
        (IRIS + 1j, r"Complex data not supported"),
        (IRIS[0], r"(?s)Expected 2D array, got 1D array instead.*reshape\(-1, 1\)"),
        (IRIS[None], r"Found array with dim 3"),
        (IRIS[:0], r"Found array with 0 sample\(s\) \(shape=\(0, 4\)\)"),
        (IRIS[:, :0], r"Found array with 0 feature\(s\) \(shape=\(150, 0\)\)"),
    ],
    ids=[
        "inf",
        "-inf",
        "strings",
        "objects",
        "complex",
        "1-D",
        "3-D",
        "no row",
        "no column",
    ],
)
def test_rows_that_are_not_a_table_of_finite_numbers_are_refused(
    fitted: Autoencoder, method: str, X: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X)


@pytest.mark.parametrize("n_columns", [3, 5])
@pytest.mark.parametrize("method", ["partial_fit", *READING])
def test_another_number_of_columns_is_refused(
    fitted: Autoencoder, method: str, n_columns: int
) -> None:
    X = np.resize(IRIS, (20, n_columns))
    message = f"X has {n_columns} features, but Autoencoder is expecting 4 features as input"
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X)


@pytest.mark.parametrize("method", ["partial_fit", *READING])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "c", "z"], r"(?s)unseen at fit time:\n- z\n.*yet now missing:\n- d"),
        (["b", "a", "c", "d"], r"must be in the same order as they were in fit"),
    ],
    ids=["unknown", "reordered"],
)
def test_other_column_names_are_refused(method: str, names: list[str], message: str) -> None:
    fitted = make(max_iter=0).fit(pd.DataFrame(IRIS, columns=NAMES))
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(pd.DataFrame(IRIS, columns=names))


@pytest.mark.parametrize("width", [1, 3, 4])
def test_codes_of_another_width_are_refused(shared: Autoencoder, width: int) -> None:
    message = (
        f"X has {width} columns, but the codes of this Autoencoder have 2 components; "
        "pass what transform returns"
    )
    with pytest.raises(ValueError, match=message):
        shared.inverse_transform(np.ones((3, width)))


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([[np.nan, 1.0]], "Input X contains NaN"),
        ([[np.inf, 1.0]], "Input X contains infinity"),
        ([1.0, 2.0], "Expected 2D array, got 1D array instead"),
        ([["a", "b"]], "could not convert string to float"),
    ],
    ids=["NaN", "inf", "1-D", "strings"],
)
def test_codes_that_are_not_a_table_of_finite_numbers_are_refused(
    shared: Autoencoder, codes: list, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        shared.inverse_transform(codes)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(150), "Sample weights must contain at least one non-zero number"),
        (np.r_[-1.0, np.ones(149)], "Negative values in data passed to `sample_weight`"),
        (np.ones(10), r"sample_weight.shape == \(10,\), expected \(150,\)"),
        (np.ones((150, 1)), "Sample weights must be 1D array or scalar"),
        (np.r_[np.nan, np.ones(149)], "Input sample_weight contains NaN"),
        (np.r_[np.inf, np.ones(149)], "Input sample_weight contains infinity"),
        (["1"] * 150, r"sample_weight holds .*'1'.*, but weights are numbers, one a row; convert"),
        (pd.Series([1, "2"] * 75), r"sample_weight holds '2', but weights are numbers"),
        (pl.Series(["1"] * 150), r"sample_weight holds .*'1'.*, but weights are numbers"),
        (np.full(150, np.datetime64(0, "D")), r"sample_weight holds .*1970-01-01"),
    ],
    ids=["zero", "negative", "length", "2-D", "NaN", "inf", "text", "object", "polars", "dates"],
)
def test_weights_out_of_their_domain_are_refused(
    fitted: Autoencoder, method: str, weight: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(IRIS, sample_weight=weight)


def test_columns_whose_squares_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="Scaler"):
        make().fit(IRIS * 1e200)


# Parameters


@FITTING
@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("n_components", [0, -1, 0.0, 1.0, 1.5, "two", np.nan]),
        ("hidden_layer_sizes", [0, "8", 1.5]),
        ("activation", ["swish", None]),
        ("dropout", [1, -0.1]),
        ("l1", [-1]),
        ("alpha", [-1]),
        ("architecture", ["dense", 3]),
        ("latent", ["gaussian"]),
        ("corruption", ["noise", 0.2]),
        ("penalties", [L1Weights(), "l1", None]),
        ("loss", ["absolute", None]),
        ("init", ["zeros"]),
        ("batch_size", [0, 1.5]),
        ("learning_rate_init", [0, -1]),
        ("max_iter", [-1, 2.5]),
        ("early_stopping", ["yes"]),
        ("validation_fraction", [0.0, 1.0]),
        ("n_iter_no_change", [0]),
        ("tol", [-1]),
        ("contamination", [0.0, 0.6, "legacy"]),
        ("device", [3]),
        ("callbacks", [3]),
        ("random_state", ["seed"]),
    ],
)
def test_a_parameter_out_of_its_domain_is_named_with_its_value(
    method: str, parameter: str, values: list
) -> None:
    for value in values:
        with pytest.raises(
            InvalidParameterError,
            match=rf"The '{parameter}' parameter of \w+ must be .* Got {re.escape(repr(value))}",
        ):
            getattr(make(**{parameter: value}), method)(IRIS)


@FITTING
def test_more_components_than_features_names_both_and_the_way_out(method: str) -> None:
    message = (
        "n_components=5 exceeds the 4 features of X; use n_components <= 4, "
        "or a SparseAutoencoder for an overcomplete code"
    )
    with pytest.raises(ValueError, match=message):
        getattr(make(5), method)(IRIS)


@FITTING
@pytest.mark.parametrize("sizes", [(0,), (8, 0), (-1,), (1.5,), ("8",), (None,), (True,)])
def test_layers_without_a_unit_are_refused(method: str, sizes: tuple) -> None:
    message = rf"hidden_layer_sizes={re.escape(repr(sizes))} must hold integers.*for example"
    with pytest.raises(ValueError, match=message):
        getattr(make(hidden_layer_sizes=sizes), method)(IRIS)
    with pytest.raises(ValueError, match=message):
        getattr(make(architecture=Dense(sizes)), method)(IRIS)


@FITTING
@pytest.mark.parametrize("device", ["gpu0", "", "cuda:", "cuda:x"])
def test_a_device_that_torch_does_not_know_is_refused(method: str, device: str) -> None:
    message = f'device={device!r} is not a device; use "cpu", "cuda", "cuda:1", "mps" or "auto"'
    with pytest.raises(ValueError, match=message):
        getattr(make(device=device), method)(IRIS)


@FITTING
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:99", "cpu:1", "meta"])
def test_a_device_that_is_not_there_is_refused(method: str, device: str) -> None:
    if device in ("cuda", "cuda:0") and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    message = rf'device={device!r} is not available: torch finds \d+ .*; use device="cpu"'
    with pytest.raises(ValueError, match=message):
        getattr(make(device=device), method)(IRIS)


@FITTING
@pytest.mark.parametrize(
    ("slot", "flat"),
    [
        ({"architecture": Dense()}, {"hidden_layer_sizes": (8,)}),
        ({"architecture": Dense()}, {"activation": "tanh"}),
        ({"architecture": Dense()}, {"dropout": 0.1}),
        ({"penalties": (L1Weights(),)}, {"l1": 0.1}),
        ({"penalties": [L1Weights()]}, {"l1": 0.1}),
    ],
)
def test_an_object_and_a_flat_parameter_that_it_replaces_are_refused(
    method: str, slot: dict, flat: dict
) -> None:
    [(slot_name, filled)], [(name, value)] = slot.items(), flat.items()
    assert filled is not None
    message = (
        f"^{slot_name}=.* replaces {name}={re.escape(repr(value))}; leave {name} at its default"
    )
    with pytest.raises(ValueError, match=message):
        getattr(make(**slot, **flat), method)(IRIS)


@FITTING
@pytest.mark.parametrize(
    ("slot", "message"),
    [
        ({"corruption": GaussianNoise(scale=-1)}, r"'scale' parameter of GaussianNoise.*Got -1"),
        ({"corruption": GaussianNoise(scale="x")}, r"'scale' parameter of GaussianNoise.*Got 'x'"),
        ({"corruption": MaskingNoise(fraction=2)}, r"'fraction' parameter of MaskingNoise.*Got 2"),
        ({"penalties": (L1Weights(weight=-1),)}, r"'weight' parameter of L1Weights.*Got -1"),
        ({"architecture": Dense(dropout=1)}, r"'dropout' parameter of Dense.*Got 1"),
        ({"architecture": Dense(activation="x")}, r"'activation' parameter of Dense.*Got 'x'"),
        ({"architecture": Dense(0)}, r"'hidden_layer_sizes' parameter of Dense.*Got 0"),
    ],
)
def test_slot_objects_are_checked_like_estimators(method: str, slot: dict, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        getattr(make(**slot), method)(IRIS)


@FITTING
@pytest.mark.parametrize("penalties", [(3,), (L1Weights(), "l1"), (L1Weights,)])
def test_penalties_that_are_none_are_named(method: str, penalties: tuple) -> None:
    message = f"penalties.*{re.escape(repr(penalties[-1]))}"
    with pytest.raises(ValueError, match=message):
        getattr(make(penalties=penalties), method)(IRIS)


# Before and after a failure


@pytest.mark.parametrize("method", [*READING, "inverse_transform"])
def test_methods_before_fit_ask_for_it(method: str) -> None:
    with pytest.raises(NotFittedError, match="This Autoencoder instance is not fitted yet"):
        getattr(make(), method)(IRIS)


def test_feature_names_before_fit_ask_for_it() -> None:
    with pytest.raises(NotFittedError, match="This Autoencoder instance is not fitted yet"):
        make().get_feature_names_out()


@pytest.mark.parametrize(
    "attribute",
    ["n_components_", "net_", "history_", "loss_curve_", "offset_", "n_features_in_"],
)
def test_nothing_is_learned_before_fit(attribute: str) -> None:
    assert not hasattr(make(), attribute)


MORE_COLUMNS = np.c_[IRIS, IRIS[:, :1]]
FAILURES = {
    "inf": ({}, with_cell(np.inf)),
    "inf in more columns": ({}, np.c_[with_cell(np.inf), IRIS]),
    "too many components": ({"n_components": 9}, IRIS),
    "more columns, too many components": ({"n_components": 9}, MORE_COLUMNS),
    "an exploding rate": ({"learning_rate_init": 1e30}, IRIS),
    "an exploding rate, judged": ({"learning_rate_init": 1e30, "early_stopping": True}, IRIS),
    "an exploding warm start": ({"learning_rate_init": 1e30, "warm_start": True}, IRIS),
    "a missing device": ({"device": "gpu0"}, IRIS),
    "a bad layer": ({"hidden_layer_sizes": (0,)}, MORE_COLUMNS),
    "other names": ({"n_components": 9}, pd.DataFrame(IRIS, columns=NAMES)),
    "a callback": ({"callbacks": [Failing()]}, MORE_COLUMNS),
}
FAILING = pytest.mark.parametrize("failure", sorted(FAILURES))


def fail(estimator: Autoencoder, method: str, failure: str) -> None:
    """Call a method in a way that raises, and put the parameters back."""
    parameters, X = FAILURES[failure]
    before = estimator.get_params()
    estimator.set_params(**parameters)
    with pytest.raises((ValueError, FloatingPointError, RuntimeError)):
        getattr(estimator, method)(X)
    estimator.set_params(**before)


def snapshot(fitted: Autoencoder) -> dict[str, np.ndarray]:
    """What can be seen of a fitted estimator."""
    return {
        "codes": fitted.transform(IRIS),
        "codes of float32 rows": fitted.transform(IRIS.astype(np.float32)),
        "reconstructions": fitted.reconstruct(IRIS),
        "scores": fitted.score_samples(IRIS),
        "labels": fitted.predict(IRIS),
        "names": fitted.get_feature_names_out(),
        "ratio": fitted.explained_variance_ratio_,
        "history": fitted.history_.to_numpy(),
        "numbers": np.array(
            [fitted.n_features_in_, fitted.n_components_, fitted.n_iter_, fitted.offset_]
        ),
        **{f"weight {i}": w.numpy() for i, w in enumerate(copied(fitted.net_))},
    }


@FAILING
def test_a_failed_refit_keeps_the_previous_fit_bit_for_bit(
    fitted: Autoencoder, failure: str
) -> None:
    before, attributes = snapshot(fitted), set(vars(fitted))
    fail(fitted, "fit", failure)
    after = snapshot(fitted)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert_array_equal(after[name], value, name)
    assert set(vars(fitted)) == attributes


@FAILING
def test_a_refit_after_a_failed_one_is_a_first_fit(
    shared: Autoencoder, fitted: Autoencoder, failure: str
) -> None:
    fail(fitted, "fit", failure)
    again, first = snapshot(fitted.fit(IRIS)), snapshot(shared)
    again.pop("history"), first.pop("history")  # seconds differ
    for name, value in first.items():
        assert_array_equal(again[name], value, name)


@pytest.mark.parametrize("failure", sorted(set(FAILURES) - {"a callback", "other names"}))
def test_a_failed_partial_fit_keeps_the_stream_bit_for_bit(failure: str) -> None:
    failing, smooth = (make().partial_fit(IRIS[:50]).partial_fit(IRIS[50:100]) for _ in range(2))
    fail(failing, "partial_fit", failure)
    for _ in range(2):
        before, after = snapshot(smooth), snapshot(failing)
        for name, value in before.items():
            assert_array_equal(after[name], value, name)
        failing.partial_fit(IRIS[100:])
        smooth.partial_fit(IRIS[100:])


@pytest.mark.parametrize(
    ("method", "failure"),
    [
        *(("fit", failure) for failure in sorted(FAILURES)),
        *(("partial_fit", failure) for failure in sorted(set(FAILURES) - {"a callback"})),
    ],
)
def test_a_failed_first_fit_leaves_the_estimator_unfitted(method: str, failure: str) -> None:
    autoencoder = make()
    fail(autoencoder, method, failure)
    assert set(vars(autoencoder)) == set(autoencoder.get_params())
    with pytest.raises(NotFittedError):
        autoencoder.transform(IRIS)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_loss_that_explodes_says_what_to_try(early_stopping: bool) -> None:
    message = r"not finite \d+ times.*learning rate \S+; lower learning_rate_init.*Scaler"
    with pytest.raises(FloatingPointError, match=message):
        make(learning_rate_init=1e30, early_stopping=early_stopping).fit(IRIS)


def test_an_epoch_that_fails_is_run_again_at_a_lower_rate_and_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates_tried, run = [], EpochRunner.train_epoch

    def fail_twice(self: EpochRunner, rates: list[list[float]]) -> list[dict[str, float]]:
        rates_tried.append(max(rates)[0])
        terms = run(self, rates)
        return [{"reconstruction": np.nan}] if len(rates_tried) <= 2 else terms

    one_batch = {"batch_size": len(IRIS)}
    monkeypatch.setattr(EpochRunner, "train_epoch", fail_twice)
    recovered = make(**one_batch).fit(IRIS)
    monkeypatch.undo()
    first, second, third, *_ = rates_tried
    assert first > second > third > 0
    lower = make(learning_rate_init=0.003 * third / first, **one_batch).fit(IRIS)
    assert_allclose(recovered.reconstruct(IRIS), lower.reconstruct(IRIS), atol=1e-6)
    start = make(max_iter=0).fit(IRIS)
    assert np.abs(recovered.reconstruct(IRIS) - start.reconstruct(IRIS)).max() > 1e-5


# Warm starts


@pytest.mark.parametrize("n_components", [2, None, 0.9])
@pytest.mark.parametrize("n_features", [3, 8])
def test_a_warm_start_with_other_columns_is_refused(
    n_components: int | float | None, n_features: int
) -> None:
    fitted = make(n_components, warm_start=True).fit(IRIS)
    message = f"4 features.*{n_features} features.*warm_start=False"
    with pytest.raises(ValueError, match=message):
        fitted.fit(np.resize(IRIS, (30, n_features)))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_going_on_with_other_components_is_refused(method: str) -> None:
    fitted = make(warm_start=True).fit(IRIS)
    message = r"2 components.*n_components=3.*warm_start=False"
    with pytest.raises(ValueError, match=message):
        getattr(fitted.set_params(n_components=3), method)(IRIS)


@pytest.mark.parametrize(
    "parameters",
    [{"hidden_layer_sizes": (5,)}, {"hidden_layer_sizes": (8, 8)}, {"init": "random"}],
)
def test_a_warm_start_with_another_network_is_refused(parameters: dict) -> None:
    fitted = make(warm_start=True).fit(IRIS)
    with pytest.raises(ValueError, match="warm_start=False"):
        fitted.set_params(**parameters).fit(IRIS)


def test_a_warm_start_without_a_previous_fit_is_a_first_fit() -> None:
    expected = make().fit(IRIS)
    assert_array_equal(make(warm_start=True).fit(IRIS).transform(IRIS), expected.transform(IRIS))


UNIT = (IRIS - IRIS.min(axis=0)) / np.ptp(IRIS, axis=0)
OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
VARIANTS = {
    "contractive": ContractiveAutoencoder(2, **OPTIONS),
    "denoising": DenoisingAutoencoder(2, **OPTIONS),
    "sparse": SparseAutoencoder(5, **OPTIONS),
    "stacked": StackedAutoencoder(2, **OPTIONS),
    "variational": VariationalAutoencoder(2, **OPTIONS),
}
LABELS = np.repeat(["a", "b", "c"], 50)


@FITTING
@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (SparseAutoencoder(sparsity=0.0), r"'sparsity' parameter of SparseAutoencoder.*Got 0.0"),
        (SparseAutoencoder(sparsity=1), r"'sparsity' parameter of SparseAutoencoder.*Got 1"),
        (SparseAutoencoder(penalty="l2"), r"'penalty' parameter of SparseAutoencoder.*Got 'l2'"),
        (SparseAutoencoder(sparsity_weight=-1), r"'sparsity_weight' parameter.*Got -1"),
        (make(penalties=(KLSparsity(2.0),)), r"'sparsity' parameter of KLSparsity.*Got 2.0"),
        (make(latent=Sigmoid(0.0)), r"'activity' parameter of Sigmoid.*Got 0.0"),
        (make(latent=TopK(0)), r"'n_active' parameter of TopK.*Got 0"),
        (make(corruption=SwapNoise(1.5)), r"'fraction' parameter of SwapNoise.*Got 1.5"),
        (make(corruption=SaltAndPepperNoise(-0.1)), r"'fraction' parameter of Salt.*Got -0.1"),
        (DenoisingAutoencoder(noise_scale=-1), r"'noise_scale' parameter.*Got -1"),
        (ContractiveAutoencoder(contraction=-1), r"'contraction' parameter.*Got -1"),
        (ContractiveAutoencoder(n_projections=0), r"'n_projections' parameter.*Got 0"),
        (VariationalAutoencoder(beta=-1), r"'beta' parameter.*Got -1"),
        (VariationalAutoencoder(warm_up=2), r"'warm_up' parameter.*Got 2"),
        (VariationalAutoencoder(loss="huber"), r"'loss' parameter.*Got 'huber'"),
        (VariationalAutoencoder(latent=TopK()), r"'latent' parameter.*Got TopK\(\)"),
        (VariationalAutoencoder(n_importance_samples=0), r"'n_importance_samples'.*Got 0"),
        (StackedAutoencoder(latent=TopK()), r"'latent' parameter.*Got TopK\(\)"),
        (StackedAutoencoder(stage_sizes=3), r"'stage_sizes' parameter.*Got 3"),
        (make(loss="mae"), r"'loss' parameter of Autoencoder.*Got 'mae'"),
        (make(loss=HuberError(epsilon=0)), r"'epsilon' parameter of HuberError.*Got 0"),
        (make(normalization="group"), r"'normalization' parameter.*Got 'group'"),
        (make(hidden_noise=-1), r"'hidden_noise' parameter.*Got -1"),
        (make(tied_weights="yes"), r"'tied_weights' parameter.*Got 'yes'"),
        (make(encoder=3), r"'encoder' parameter.*Got 3"),
    ],
    ids=repr,
)
def test_parameters_of_variants_are_named_with_their_value(
    method: str, estimator: Any, message: str
) -> None:
    with pytest.raises(InvalidParameterError, match=f"(?s){message}"):
        getattr(clone(estimator), method)(IRIS)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score", "score_samples"])
@pytest.mark.parametrize(
    ("loss", "value", "message"),
    [
        ("bernoulli", 1.5, r"X holds 1.5, but the Bernoulli loss needs values in \[0, 1\]; put a"),
        ("bernoulli", -0.5, r"X holds -0.5, but the Bernoulli loss needs values in \[0, 1\]"),
        ("poisson", -2.0, r"X holds -2, but the Poisson loss needs values that are not negative"),
    ],
)
def test_rows_out_of_the_domain_of_the_loss_are_refused(
    method: str, loss: str, value: float, message: str
) -> None:
    X = UNIT.copy()
    X[3, 1] = value
    for estimator in (make(loss=loss), VariationalAutoencoder(2, loss=loss, **OPTIONS)):
        if method.startswith("score"):
            estimator.fit(UNIT)
        with pytest.raises(ValueError, match=message):
            getattr(estimator, method)(X)


def test_rows_of_weight_zero_may_be_out_of_the_domain_of_the_loss() -> None:
    X = UNIT.copy()
    X[3, 1] = -1.0
    weight = np.ones(150)
    weight[3] = 0.0
    fitted = make(loss="bernoulli").fit(X, sample_weight=weight)
    assert np.isfinite(fitted.transform(X)).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
@pytest.mark.parametrize(
    ("clean", "message"),
    [
        (IRIS[:50], r"X_clean has shape \(50, 4\), but X has shape \(150, 4\); pass the clean"),
        (IRIS[:, :3], r"X_clean has shape \(150, 3\), but X has shape \(150, 4\)"),
        (with_cell(np.inf), r"Input X_clean contains infinity"),
        (IRIS * 1e3, r'X_clean is not in the units of X: column 0.*transform_input=\["X_clean"\]'),
        (IRIS - 100, r"X_clean is not in the units of X: column 0 has mean"),
    ],
    ids=["short", "narrow", "inf", "scaled", "shifted"],
)
def test_clean_rows_that_do_not_belong_to_the_rows_are_refused(
    method: str, clean: np.ndarray, message: str
) -> None:
    estimator = clone(VARIANTS["denoising"])
    if method == "score":
        estimator.fit(IRIS)
    with pytest.raises(ValueError, match=message):
        getattr(estimator, method)(IRIS, X_clean=clean)


@pytest.fixture(scope="module")
def conditional() -> VariationalAutoencoder:
    return clone(VARIANTS["variational"]).fit(IRIS, condition=LABELS)


@pytest.fixture(scope="module")
def plain() -> VariationalAutoencoder:
    return clone(VARIANTS["variational"]).fit(IRIS)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "transform", "score", "sample"])
@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (LABELS[:50], r"condition has 50 rows, but X has 150; pass one entry a row"),
        (np.c_[LABELS, LABELS], r"condition has 2 columns, but 1 in fit|could not convert"),
        (np.r_[["z"], LABELS[1:]], r"condition holds 'z', which fit has not seen; use one of"),
    ],
    ids=["length", "columns", "label"],
)
def test_conditions_that_do_not_belong_to_the_rows_are_refused(
    method: str, condition: np.ndarray, message: str, conditional: VariationalAutoencoder
) -> None:
    if method == "fit" and "z" in condition:  # a fit takes any labels, of any number
        condition, message = condition[1:], r"condition has 149 rows, but X has 150"
    argument = 150 if method == "sample" else IRIS
    with pytest.raises(ValueError, match=message):
        getattr(conditional, method)(argument, condition=condition)


@pytest.mark.parametrize("method", [*READING, "sample", "inverse_transform", "partial_fit"])
def test_a_condition_is_given_always_or_never(
    method: str, conditional: VariationalAutoencoder, plain: VariationalAutoencoder
) -> None:
    argument = {"sample": 150, "inverse_transform": np.ones((150, 2))}.get(method, IRIS)
    with pytest.raises(ValueError, match=r"condition=None, but this estimator was fitted with"):
        getattr(conditional, method)(argument)
    with pytest.raises(ValueError, match=r"condition=.* was given, but this Variational"):
        getattr(plain, method)(argument, condition=LABELS)


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, "2"])
def test_a_number_of_samples_below_one_is_refused(
    n_samples: Any, plain: VariationalAutoencoder
) -> None:
    with pytest.raises(ValueError, match=rf"n_samples={n_samples!r} must be an integer of at le"):
        plain.sample(n_samples)


@FITTING
@pytest.mark.parametrize("sizes", [(0,), (3, -1), (2.5,), ("3",), (True,)])
def test_stages_without_a_unit_are_refused(method: str, sizes: tuple) -> None:
    message = rf"stage_sizes={re.escape(repr(sizes))} must hold integers.*for example"
    with pytest.raises(ValueError, match=message):
        getattr(StackedAutoencoder(1, stage_sizes=sizes, **OPTIONS), method)(IRIS)


@FITTING
@pytest.mark.parametrize("sizes", [(5,), (2, 3), (1,)])
def test_stages_that_rise_are_refused(method: str, sizes: tuple) -> None:
    message = rf"stage_sizes={re.escape(repr(sizes))} must not rise from the 4 features.*=2;"
    with pytest.raises(ValueError, match=message):
        getattr(StackedAutoencoder(2, stage_sizes=sizes, **OPTIONS), method)(IRIS)


@FITTING
def test_two_penalties_of_one_kind_are_refused(method: str) -> None:
    twice = (L1Weights(1e-3), L1Weights(1e-4))
    with pytest.raises(ValueError, match=r"penalties=.* holds two of one kind"):
        getattr(make(penalties=twice), method)(IRIS)
    sparse = clone(VARIANTS["sparse"]).set_params(penalties=(KLSparsity(),))
    with pytest.raises(ValueError, match=r"holds two of one kind"):
        getattr(sparse, method)(IRIS)


@FITTING
@pytest.mark.parametrize(
    ("cls", "slot", "flat"),
    [
        (SparseAutoencoder, {"latent": TopK()}, {"penalty": "l1"}),
        (DenoisingAutoencoder, {"corruption": SwapNoise()}, {"noise_scale": 0.1}),
        (VariationalAutoencoder, {"latent": Gaussian()}, {"beta": 2.0}),
        (VariationalAutoencoder, {"latent": Gaussian()}, {"warm_up": 0.5}),
    ],
)
def test_objects_exclude_the_flat_parameters_of_variants(
    method: str, cls: Any, slot: dict, flat: dict
) -> None:
    [(slot_name, _)], [(name, value)] = slot.items(), flat.items()
    message = f"^{slot_name}=.* replaces {name}={re.escape(repr(value))}; leave {name}"
    with pytest.raises(ValueError, match=message):
        getattr(cls(2, **slot, **flat, **OPTIONS), method)(IRIS)


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"sparse", "denoising"}))
def test_more_components_than_features_are_refused_where_they_make_no_sense(variant: str) -> None:
    estimator = clone(VARIANTS[variant]).set_params(n_components=5)
    with pytest.raises(ValueError, match=r"n_components=5 exceeds the 4 features of X; use"):
        estimator.fit(IRIS)


@FITTING
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("parameters", "X"),
    [({}, with_cell(np.inf)), ({"learning_rate_init": 1e38}, IRIS), ({"device": "gpu0"}, IRIS)],
    ids=["inf", "rate", "device"],
)
def test_a_failed_refit_of_a_variant_keeps_the_previous_fit(
    method: str, variant: str, parameters: dict, X: np.ndarray
) -> None:
    fitted = clone(VARIANTS[variant]).set_params(early_stopping=False).fit(IRIS)
    before = {name: value for name, value in vars(fitted).items() if name.endswith("_")}
    codes, scores = fitted.transform(IRIS), fitted.score_samples(IRIS)
    weights = copied(fitted.net_)
    fitted.set_params(**parameters)
    with pytest.raises((ValueError, FloatingPointError)):
        getattr(fitted, method)(X)
    assert_array_equal(fitted.transform(IRIS), codes)
    assert_array_equal(fitted.score_samples(IRIS), scores)
    assert all(map(torch.equal, copied(fitted.net_), weights))
    after = {name: value for name, value in vars(fitted).items() if name.endswith("_")}
    assert before.keys() == after.keys()
    assert all(after[name] is value for name, value in before.items())


def test_a_failed_refit_keeps_the_condition() -> None:
    fitted = clone(VARIANTS["variational"]).fit(IRIS, condition=LABELS)
    codes = fitted.transform(IRIS, LABELS)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        fitted.fit(with_cell(np.inf))
    with pytest.raises(ValueError, match="condition has 3 rows"):
        fitted.fit(IRIS, condition=["x", "y", "z"])
    assert_array_equal(fitted.transform(IRIS, LABELS), codes)
