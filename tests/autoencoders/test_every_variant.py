"""What holds for every variant beyond scikit-learn's checks: state, streams, frames, traps."""

import pickle
import random

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA

from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    NestedCodes,
    SparseAutoencoder,
    StackedAutoencoder,
    TopK,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
)

pytestmark = pytest.mark.usefixtures("few_folds")

OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
VARIANTS = {
    "plain": Autoencoder(2, **OPTIONS),
    "contractive": ContractiveAutoencoder(2, **OPTIONS),
    "denoising": DenoisingAutoencoder(3, **OPTIONS),
    "sparse": SparseAutoencoder(6, **OPTIONS),
    "sparse l1": SparseAutoencoder(6, penalty="l1", **OPTIONS),
    "sparse topk": SparseAutoencoder(6, penalty="topk", **OPTIONS),
    "sparse batch topk": SparseAutoencoder(6, penalty="batch_topk", **OPTIONS),
    "sparse jumprelu": SparseAutoencoder(6, penalty="jumprelu", **OPTIONS),
    "nested": Autoencoder(2, penalties=(NestedCodes(),), **OPTIONS),
    "stacked": StackedAutoencoder(2, stage_sizes=(3,), **OPTIONS),
    "variational": VariationalAutoencoder(3, **OPTIONS),
    "vector quantized": VectorQuantizedAutoencoder(3, **OPTIONS),
    "wasserstein": WassersteinAutoencoder(2, **OPTIONS),
}
EVERY = pytest.mark.parametrize("variant", VARIANTS)
LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars"])
NAMES = ["a", "b", "c", "d"]


def make(variant, **options):
    return clone(VARIANTS[variant]).set_params(**options)


def frame_of(library, X):
    return pytest.importorskip(library).DataFrame({n: X[:, i] for i, n in enumerate(NAMES)})


def said(fitted, X):
    """Everything that an estimator says of some rows."""
    methods = ("transform", "reconstruct", "reconstruction_errors", "score_samples", "predict")
    return {method: np.asarray(getattr(fitted, method)(X)) for method in methods}


def assert_same(first, second):
    for name, values in first.items():
        assert_array_equal(second[name], values, name)


@EVERY
def test_two_fits_are_equal_bit_for_bit(variant, iris):
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first, second = (said(make(variant).fit(iris), iris) for _ in range(2))
    assert_same(first, second)
    other = make(variant, random_state=None, init="random").fit(iris)
    assert (other.transform(iris) != first["transform"]).any()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@EVERY
@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_round_trip_keeps_every_answer_and_goes_on_alike(variant, early_stopping, iris):
    fitted = make(variant, early_stopping=early_stopping).fit(iris)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_same(said(fitted, iris), said(loaded, iris))
    for _ in range(2):
        fitted.partial_fit(iris[:70])
        loaded.partial_fit(iris[:70])
    assert_same(said(fitted, iris), said(loaded, iris))
    first, again = (clone(e).fit(iris) for e in (fitted, loaded))
    assert_same(said(first, iris), said(again, iris))


@EVERY
def test_skops_loads_it_by_the_types_of_this_library_alone(variant, iris):
    fitted = make(variant).fit(iris)
    data = skops.io.dumps(fitted)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_ae.") for name in untrusted)
    assert_same(said(fitted, iris), said(skops.io.loads(data, trusted=untrusted), iris))


@EVERY
def test_the_size_is_bounded_by_the_weights(variant, cancer):
    fitted = make(variant, hidden_layer_sizes=(64,)).fit(np.tile(cancer, (1, 2)))
    modules = [fitted.net_.module_, *(s.net_.module_ for s in getattr(fitted, "stages_", []))]
    weights = sum(4 * p.numel() for module in modules for p in module.parameters())
    # Those that draw rows hold a few quantiles of each column.
    quantiles = 2_000 * fitted.n_features_in_ if hasattr(fitted, "sample") else 0
    assert len(pickle.dumps(fitted)) <= 1.5 * weights + 25_000 * len(modules) + quantiles


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_that_goes_in_comes_out(variant, dtype, iris):
    X = iris.astype(dtype)
    fitted = make(variant).fit(X)
    codes = fitted.transform(X)
    assert codes.dtype == fitted.reconstruct(X).dtype == dtype
    assert fitted.inverse_transform(codes).dtype == dtype
    assert fitted.score_samples(X).dtype == np.float64
    double = fitted.transform(X.astype(np.float64))
    assert_allclose(codes, double, atol=1e-3 * np.abs(double).max())


@EVERY
def test_whitened_codes_have_unit_variance(variant, iris):
    codes = make(variant, whiten=True, early_stopping=False).fit_transform(iris)
    spread = codes.std(axis=0, ddof=1)
    assert_allclose(spread[spread > 1e-6], 1, rtol=1e-3)
    fitted = make(variant, whiten=True).fit(iris)
    plain = make(variant).fit(iris)
    assert_allclose(fitted.reconstruct(iris), plain.reconstruct(iris), atol=1e-5)


@EVERY
def test_a_stream_learns_and_keeps_its_shapes(variant, iris):
    streamed = make(variant)
    for part in np.array_split(np.random.default_rng(0).permutation(150), 3):
        streamed.partial_fit(iris[part])
    assert streamed.n_iter_ == len(streamed.loss_curve_) == 3
    assert np.isfinite(np.concatenate([v.ravel() for v in said(streamed, iris).values()])).all()


@EVERY
@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_warm_start_begins_at_the_previous_weights(variant, early_stopping, iris):
    warm = make(variant, warm_start=True, early_stopping=early_stopping).fit(iris)
    before = warm.reconstruct(iris)
    codes = warm.transform(iris)
    warm.set_params(max_iter=0).fit(iris)
    assert_allclose(warm.reconstruct(iris), before, atol=1e-4)
    assert warm.transform(iris).shape == codes.shape


@EVERY
@LIBRARIES
def test_frames_come_back_as_frames(variant, library, iris):
    frame = frame_of(library, iris)
    fitted = make(variant).fit(frame)
    restored = fitted.inverse_transform(fitted.transform(frame))
    for result in (fitted.reconstruct(frame), restored):
        assert type(result) is type(frame)
        assert list(result.columns) == NAMES
    assert_allclose(np.asarray(restored), make(variant).fit(iris).reconstruct(iris), atol=1e-5)


@LIBRARIES
def test_samples_come_in_the_container_of_the_rows(library, iris):
    frame = frame_of(library, iris)
    drawn = make("variational").fit(frame).sample(7, random_state=0)
    assert type(drawn) is type(frame)
    assert list(drawn.columns) == NAMES
    assert_allclose(
        np.asarray(drawn), make("variational").fit(iris).sample(7, random_state=0), atol=1e-4
    )


def test_pairs_and_conditions_may_be_frames(iris):
    frame = pd.DataFrame(iris, columns=NAMES)
    noisy = frame + 0.1
    denoiser = make("denoising").fit(noisy, X_clean=frame)
    expected = make("denoising").fit(noisy.to_numpy(), X_clean=iris)
    assert_allclose(denoiser.reconstruct(noisy), expected.reconstruct(noisy.to_numpy()))
    labels = pd.Series(np.repeat(["a", "b", "c"], 50), index=range(7, 157))
    conditional = make("variational").fit(frame, condition=labels)
    plain = make("variational").fit(iris, condition=labels.to_list())
    assert_allclose(conditional.transform(frame, labels), plain.transform(iris, labels.to_numpy()))


@EVERY
@pytest.mark.parametrize("n", [1, 2, 21, 65])
def test_few_rows_fit(variant, n, iris):
    X = iris[::2][:n]
    for early_stopping in (True, False):
        fitted = make(variant, early_stopping=early_stopping, batch_size=64).fit(X)
        for name, values in said(fitted, iris).items():
            assert np.isfinite(values).all(), name


@EVERY
def test_batches_of_one_row_fit(variant, iris):
    fitted = make(variant, batch_size=1, max_iter=1, early_stopping=False).fit(iris[:30])
    for name, values in said(fitted, iris).items():
        assert np.isfinite(values).all(), name


@EVERY
def test_columns_far_away_and_of_any_scale_fit(variant, iris):
    near = make(variant).fit(iris)
    for X in (iris + 1e9, iris * [1e9, 1.0, 1e-9, 1e3]):
        fitted = make(variant, max_iter=1).fit(X)
        for name, values in said(fitted, X).items():
            assert np.isfinite(values).all(), name
    scaled = make(variant).fit(iris * 1e9)
    assert_allclose(scaled.reconstruct(iris * 1e9) / 1e9, near.reconstruct(iris), atol=1e-3)


@EVERY
def test_constant_columns_are_restored(variant, iris):
    X = np.c_[np.zeros(150), iris, np.full(150, 0.1)]
    fitted = make(variant).fit(X)
    assert_allclose(fitted.reconstruct(X)[:, [0, -1]], X[:, [0, -1]], rtol=1e-9)
    for name, values in said(fitted, X).items():
        assert np.isfinite(values).all(), name


@EVERY
def test_rows_without_variance_fit(variant):
    X = np.full((30, 4), 7.0)
    fitted = make(variant).fit(X)
    assert_allclose(fitted.reconstruct(X), X)
    assert_array_equal(fitted.predict(X), 1)


@EVERY
def test_weights_of_zero_leave_rows_out(variant, iris):
    weight = np.r_[np.ones(100), np.zeros(50)]
    weighted = make(variant).fit(iris, sample_weight=weight)
    short = make(variant).fit(iris[:100])
    spread = np.abs(short.transform(iris)).max()
    assert_allclose(weighted.transform(iris), short.transform(iris), atol=1e-4 * spread)


def test_a_latent_that_collapses_is_reported_and_not_below_pca():
    noise = np.random.default_rng(0).normal(size=(300, 5))
    collapsed = VariationalAutoencoder(
        3, hidden_layer_sizes=(8,), beta=20.0, max_iter=20, early_stopping=False, random_state=0
    ).fit(noise)
    used = int((collapsed.kl_per_component_ > 0.01).sum())
    assert collapsed.history_["components_used"].iloc[-1] == used < 3
    fresh = np.random.default_rng(1).normal(size=(300, 5))
    validated = VariationalAutoencoder(3, hidden_layer_sizes=(8,), max_iter=5, random_state=0)
    assert validated.fit(noise).score(fresh) >= PCA(3).fit(noise).score(fresh) - 0.05


@pytest.mark.parametrize("cls", [SparseAutoencoder, DenoisingAutoencoder])
@pytest.mark.parametrize("init", ["pca", "random"])
def test_codes_wider_than_the_rows_fit(cls, init, iris):
    fitted = cls(11, init=init, **OPTIONS).fit(iris)
    assert fitted.transform(iris).shape == (150, 11)
    assert np.isfinite(fitted.reconstruct(iris)).all()


def test_more_active_units_than_there_are_is_all_of_them(iris):
    fitted = Autoencoder(2, latent=TopK(9), **OPTIONS).fit(iris)
    assert (fitted.transform(iris) != 0).all()


@EVERY
@pytest.mark.parametrize("options", [{"init": "random"}, {"init": "random", "whiten": True}])
def test_codes_of_rows_that_are_all_alike_are_not_rounding_made_large(variant, options):
    rows = np.tile([3.0, 0.0, -1e6, 1e-9], (1201, 1))
    fitted = make(variant, **options).fit(rows)
    codes = fitted.transform(rows)
    assert np.abs(codes).max() < 1e6
    assert_allclose(fitted.transform(rows[:3]), codes[:3], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("variant", ["vector quantized", "wasserstein"])
def test_latents_with_a_prior_can_be_sampled(variant, iris):
    fitted = make(variant).fit(frame_of("pandas", iris))
    drawn = fitted.sample(500, random_state=0)
    assert list(drawn.columns) == NAMES
    assert_array_equal(fitted.sample(500, random_state=0), drawn)
    assert_allclose(drawn.mean(), iris.mean(axis=0), atol=0.3)
