"""The convolutional autoencoder: images of one size and of many, beside PCA, with every slot."""

import pickle
import random

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_ae import (
    Augmentation,
    Autoencoder,
    Blur,
    ContractiveAutoencoder,
    Convolutional,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Downsampling,
    Erasing,
    GaussianNoise,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.metrics import reconstruction_r2

RNG = np.random.default_rng(0)
DIGITS = load_digits().images[:60]
SIZES = [(8, 8), (5, 7), (8, 8), (3, 9), (1, 1), (5, 7)] * 4
LISTED = [RNG.random(size) for size in SIZES]
COLOURED = [RNG.random((*size, 3)) for size in SIZES]
FORMS = {"array": DIGITS[:30] / 16, "list": LISTED, "coloured list": COLOURED}
EVERY = pytest.mark.parametrize("form", FORMS)
CORRUPTIONS = [Erasing(), Blur(), Downsampling(), GaussianNoise(0.3)]
SMALL = Convolutional((4,), hidden_layer_sizes=(8,))
OPTIONS = {"max_iter": 1, "early_stopping": False, "random_state": 0}


def make(n_components=2, **parameters):
    defaults = {"channels": (4,), "hidden_layer_sizes": (8,), **OPTIONS}
    return ConvolutionalAutoencoder(n_components, **{**defaults, **parameters})


def said(fitted, X):
    """Everything that an estimator says of some images, as arrays."""
    methods = ("transform", "reconstruct", "reconstruction_errors", "score_samples", "predict")
    return {m: [np.asarray(row) for row in getattr(fitted, m)(X)] for m in methods}


def assert_same(first, second, atol=0.0):
    assert first.keys() == second.keys()
    for name, rows in first.items():
        for one, other in zip(rows, second[name], strict=True):
            assert_allclose(one, other, rtol=0, atol=atol, err_msg=name)


def assert_finite(fitted, X):
    for name, rows in said(fitted, X).items():
        assert all(np.isfinite(row).all() for row in rows), name


# The start and PCA


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3), (7, 5), (4, 3, 2)])
def test_the_start_is_pca_of_the_flattened_images(shape):
    X = RNG.normal(size=(40, *shape))
    flat = X.reshape(40, -1)
    k = min(3, flat.shape[1])
    start, pca = make(k, max_iter=0).fit(X), PCA(k).fit(flat)
    codes = pca.transform(flat)
    assert_allclose(start.transform(X), codes, atol=1e-4 * np.abs(codes).max())
    restored = pca.inverse_transform(codes).reshape(X.shape)
    assert_allclose(start.reconstruct(X), restored, atol=1e-4)
    assert_allclose(start.explained_variance_ratio_, pca.explained_variance_ratio_, atol=1e-5)


@pytest.mark.parametrize("seed", range(2))
def test_held_out_images_are_never_below_pca(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 6, 5))
    train, fresh = X[:80], X[80:]
    fitted = make(3, max_iter=3, early_stopping=True, random_state=seed).fit(train)
    pca = PCA(3).fit(train.reshape(80, -1))
    flat = fresh.reshape(40, -1)
    error = np.square(flat - pca.inverse_transform(pca.transform(flat))).sum(axis=1).mean()
    assert fitted.score(fresh) >= -error * (1 + 1e-4)


def test_default_widths():
    assert ConvolutionalAutoencoder(**OPTIONS).fit(LISTED).n_components_ == 16
    flat = DIGITS.reshape(60, -1)
    shares = np.cumsum(PCA().fit(flat).explained_variance_ratio_)
    expected = min(int((shares < 0.95).sum()) + 1, 32)
    assert make(None, max_iter=0).fit(DIGITS).n_components_ == expected
    half = int((shares < 0.5).sum()) + 1
    assert make(0.5, max_iter=0).fit(DIGITS).n_components_ == half


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 3), (7, 5), (28, 28), (3, 3, 4)])
def test_images_of_every_size_fit(shape):
    X = RNG.random((12, *shape))
    fitted = make(1, channels=None).fit(X)
    assert fitted.n_features_in_ == int(np.prod(shape))
    assert fitted.reconstruct(X).shape == X.shape
    assert_finite(fitted, X)


@pytest.mark.parametrize(
    "parameters",
    [
        {"pooling": "max"},
        {"pooling": "average"},
        {"residual_blocks": 1},
        {"normalization": "batch"},
        {"normalization": "layer"},
        {"kernel_size": 4},
        {"kernel_size": 9},
        {"channels": (4, 6, 8)},
        {"channels": 3},
        {"hidden_layer_sizes": ()},
        {"dropout": 0.2, "hidden_noise": 0.1},
        {"augment": Augmentation(flip="both", rotation=10, crop=0.1)},
        {"init": "random"},
        {"whiten": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("form", ["array", "list"])
def test_every_option_fits(parameters, form):
    X = FORMS[form]
    fitted = make(**parameters).fit(X)
    assert_finite(fitted, X)
    assert_array_equal(clone(fitted).fit_transform(X), fitted.transform(X))


def test_mirror_images_are_averaged_in_every_answer():
    X = np.random.default_rng(0).random((60, 6, 6))
    options = {"max_iter": 1, "early_stopping": False, "learning_rate_init": 0.1, "random_state": 0}
    architecture = Convolutional(channels=(4,), augment=Augmentation(shift=0.0, flip="all"))
    denoiser = DenoisingAutoencoder(architecture=architecture, **options).fit(X)
    restored = denoiser.reconstruct(X)
    assert_allclose(denoiser.inverse_transform(denoiser.transform(X)), restored)
    assert_allclose(denoiser.reconstruction_errors(X), (restored - X) ** 2, atol=1e-12)
    denoiser._model.module.encoder.moves = ()  # the same weights without
    denoiser._model.clear_cache()
    assert not np.allclose(denoiser.reconstruct(X), restored, atol=1e-6)


def test_a_code_as_wide_as_the_image_denoises():
    denoiser = DenoisingAutoencoder(architecture=SMALL, corruption=Erasing(), **OPTIONS)
    X = DIGITS[:, 2:6, 2:6] / 16
    assert denoiser.fit(X).n_components_ == 16
    assert_finite(denoiser, X)


# Images of different sizes


@pytest.mark.parametrize("form", ["list", "coloured list"])
def test_images_of_different_sizes_come_back_in_theirs(form):
    X = FORMS[form]
    n_channels = 3 if form == "coloured list" else 1
    fitted = make().fit(X)
    assert fitted.n_features_in_ == n_channels
    assert fitted.transform(X).shape == (24, 2)
    errors = fitted.reconstruction_errors(X)
    for x, restored, error in zip(X, fitted.reconstruct(X), errors, strict=True):
        assert x.shape == restored.shape == error.shape
        assert restored.dtype == error.dtype == np.float64
        assert_allclose(error, (x - restored) ** 2, atol=1e-9)
    assert_allclose(fitted.score_samples(X), [-e.mean() * n_channels for e in errors])
    assert_allclose(fitted.score(X), fitted.score_samples(X).mean())
    weight = np.arange(24.0)
    assert_allclose(
        fitted.score(X, sample_weight=weight), np.average(fitted.score_samples(X), weights=weight)
    )


@pytest.mark.parametrize("form", ["list", "coloured list"])
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_an_image_has_the_same_code_alone_and_in_company(form, normalization):
    X = FORMS[form]
    fitted = make(normalization=normalization).fit(X)
    together = said(fitted, X)
    for i in (0, 3, 4, 5):
        alone = said(fitted, X[i : i + 1])
        assert_same(alone, {name: rows[i : i + 1] for name, rows in together.items()}, atol=1e-6)
    order = np.random.default_rng(1).permutation(24)
    shuffled = said(fitted, [X[i] for i in order])
    assert_same(shuffled, {n: [rows[i] for i in order] for n, rows in together.items()}, atol=1e-6)


def test_codes_alone_become_images_of_the_typical_size():
    fitted = make().fit(COLOURED)
    height, width = np.median([x.shape[:2] for x in COLOURED], axis=0).astype(int)
    restored = fitted.inverse_transform(fitted.transform(COLOURED))
    assert isinstance(restored, list)
    assert {r.shape for r in restored} == {(height, width, 3)}
    array = make().fit(FORMS["array"])
    codes = array.transform(FORMS["array"])
    assert_array_equal(array.inverse_transform(codes), array.reconstruct(FORMS["array"]))


def test_an_array_goes_through_a_fit_on_a_list_and_the_reverse():
    fitted = make().fit(LISTED)
    X = FORMS["array"]
    assert fitted.reconstruct(X).shape == X.shape
    assert_same(said(fitted, X), said(fitted, list(X)), atol=1e-12)
    fitted = make().fit(X)
    assert isinstance(fitted.reconstruct(list(X)), list)
    assert_same(said(fitted, X), said(fitted, list(X)))


def test_a_list_of_one_size_is_fitted_as_an_array():
    X = FORMS["array"]
    assert_same(said(make().fit(list(X)), X), said(make().fit(X), X))


def test_larger_images_than_any_in_fit_are_coded():
    fitted = make().fit(LISTED)
    X = [RNG.random((20, 3)), RNG.random((2, 31))]
    assert [r.shape for r in fitted.reconstruct(X)] == [(20, 3), (2, 31)]
    assert_finite(fitted, X)


def test_a_selection_takes_place_on_images_of_different_sizes():
    fitted = make(early_stopping=True, max_iter=2).fit(LISTED * 2)
    assert fitted.best_validation_loss_ <= fitted.history_["valid_loss"].iloc[0]
    assert_finite(fitted, LISTED)


def test_a_network_learns_from_images_of_different_sizes():
    rng = np.random.default_rng(0)

    def stripes(level):
        height, width = rng.integers(4, 9, 2)
        return np.broadcast_to(level * np.linspace(-1, 1, width), (height, width)).copy()

    X = [stripes(level) for level in rng.normal(size=100)]
    errors = {n: -make(1, max_iter=n).fit(X).score(X) for n in (1, 25)}
    assert errors[25] < 0.3 * np.mean([x.var() for x in X])
    assert errors[25] < errors[1]


# Types and containers


@EVERY
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_precision_that_goes_in_comes_out(form, dtype):
    X = [x.astype(dtype) for x in FORMS[form]]
    X = np.array(X) if form == "array" else X
    fitted = make().fit(X)
    codes = fitted.transform(X)
    assert codes.dtype == dtype
    assert {r.dtype for r in fitted.reconstruct(X)} == {np.dtype(dtype)}
    assert {r.dtype for r in fitted.reconstruction_errors(X)} == {np.dtype("float64")}
    assert fitted.score_samples(X).dtype == np.float64


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool", "int64"])
@EVERY
def test_integers_are_fitted_in_their_range_and_come_back(form, dtype):
    largest = {"uint8": 255, "uint16": 65_535, "bool": 1, "int64": 255}[dtype]
    X = [np.rint(x * largest).astype(dtype) for x in FORMS[form]]
    X = np.array(X) if form == "array" else X
    fitted = make().fit(X)
    restored = fitted.reconstruct(X)
    assert type(restored) is type(X)
    assert {r.dtype for r in restored} == {np.dtype(dtype)}
    floats = [x.astype(np.float64) / largest for x in X]
    floats = np.array(floats) if form == "array" else floats
    expected = make().fit(floats)
    assert_allclose(fitted.transform(X), expected.transform(floats), atol=1e-3)
    assert_allclose(fitted.score_samples(X), expected.score_samples(floats), atol=1e-3)


def test_tensors_come_back_as_tensors_with_channels_first():
    X = torch.from_numpy(RNG.random((20, 3, 6, 5)))
    fitted = make().fit(X)
    restored = fitted.reconstruct(X)
    assert torch.is_tensor(restored)
    assert restored.shape == X.shape
    assert fitted.inverse_transform(fitted.transform(X)).shape == X.shape
    array = X.numpy().transpose(0, 2, 3, 1)
    assert_array_equal(fitted.transform(X), make().fit(array).transform(array))


FIRST = np.ascontiguousarray(RNG.random((30, 8, 7, 3)).transpose(0, 3, 1, 2))
ORDERS = {
    "array": (FIRST, FIRST.transpose(0, 2, 3, 1)),
    "list": (list(FIRST), list(FIRST.transpose(0, 2, 3, 1))),
    "sizes": (
        [x[:, : 6 + i % 3] for i, x in enumerate(FIRST)],
        [x[:, : 6 + i % 3].transpose(1, 2, 0) for i, x in enumerate(FIRST)],
    ),
}


@pytest.mark.parametrize("form", ORDERS)
def test_channels_are_where_the_shape_says(form):
    first, last = ORDERS[form]
    fitted, other = make().fit(first), make().fit(last)
    assert fitted.n_features_in_ == other.n_features_in_
    for model in (fitted, other):
        assert_array_equal(model.transform(first), model.transform(last))
        assert_array_equal(model.score_samples(first), model.score_samples(last))
        for answer in (model.reconstruct, model.reconstruction_errors):
            for a, b, x in zip(answer(first), answer(last), first, strict=True):
                assert_array_equal(a, b.transpose(2, 0, 1))
                assert a.shape == x.shape
    assert_array_equal(fitted.transform(first), other.transform(last))
    pairs = zip(fitted.inverse_transform(fitted.transform(first)), last, strict=True)
    assert all(a.shape[::2] == (3, b.shape[1]) for a, b in pairs)
    assert reconstruction_r2(fitted, first) == reconstruction_r2(other, last)


def test_pixels_are_drawn_in_the_order_of_fit():
    density = VariationalAutoencoder(2, architecture=SMALL, **OPTIONS).fit(FIRST)
    drawn = density.sample(5, random_state=0)
    assert drawn.shape == (5, 3, 8, 7)
    last = VariationalAutoencoder(2, architecture=SMALL, **OPTIONS).fit(ORDERS["array"][1])
    assert_array_equal(drawn, last.sample(5, random_state=0).transpose(0, 3, 1, 2))
    [block] = density.iter_reconstruct(FIRST[:4])
    assert block.shape == (4, 3, 8, 7)
    again = pickle.loads(pickle.dumps(density))
    assert_array_equal(again.sample(5, random_state=0), drawn)


def test_noisy_and_clean_images_may_have_other_orders():
    first, last = ORDERS["array"]
    denoisers = [
        DenoisingAutoencoder(2, architecture=SMALL, **OPTIONS).fit(first, X_clean=clean)
        for clean in (first, last)
    ]
    assert_array_equal(*[denoiser.transform(last) for denoiser in denoisers])


def test_stages_and_folds_read_images_as_the_whole_does():
    images = torch.from_numpy(RNG.random((30, 7, 4, 6)))  # seven channels of 4 x 6 pixels
    stack = StackedAutoencoder(2, architecture=SMALL, **OPTIONS).fit(images)
    assert stack._model.factory.sample_shape == (4, 6, 7)
    assert stack.reconstruct(images).shape == images.shape
    assert stack.stages_[0]._model.factory.sample_shape == (4, 6, 7)
    parts = stack.cross_fit(images)
    assert parts.reconstructions.shape == images.shape


def test_flat_rows_are_the_images_that_they_hold():
    X = FORMS["array"]
    flat = X.reshape(30, 64)
    fitted, expected = make(image_shape=(8, 8)).fit(flat), make().fit(X)
    assert_array_equal(fitted.transform(flat), expected.transform(X))
    assert_array_equal(fitted.reconstruct(flat), expected.reconstruct(X).reshape(30, 64))
    tall = make(image_shape=(16, 4)).fit(flat)
    assert not np.allclose(tall.transform(flat), fitted.transform(flat))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_pixels_come_back_as_frames(library):
    names = [f"p{i}" for i in range(64)]
    flat = FORMS["array"].reshape(30, 64)
    frame = pytest.importorskip(library).DataFrame({n: flat[:, i] for i, n in enumerate(names)})
    fitted = make(image_shape=(8, 8)).fit(frame)
    restored = fitted.reconstruct(frame)
    assert type(restored) is type(frame)
    assert list(restored.columns) == list(fitted.feature_names_in_) == names
    expected = make(image_shape=(8, 8)).fit(flat)
    assert_allclose(np.asarray(restored), expected.reconstruct(flat))


def test_images_go_through_a_pipeline():
    flat = load_digits().data[:60]
    pipeline = make_pipeline(MinMaxScaler(), make(image_shape=(8, 8))).fit(flat)
    codes = pipeline.transform(flat)
    assert codes.shape == (60, 2)
    assert pipeline.inverse_transform(codes).shape == flat.shape


@pytest.mark.parametrize("form", ["array", "list"])
def test_codes_come_as_a_frame_if_one_is_asked_for(form):
    fitted = make().set_output(transform="pandas").fit(FORMS[form])
    codes = fitted.transform(FORMS[form])
    assert isinstance(codes, pd.DataFrame)
    assert list(codes.columns) == ["convolutionalautoencoder0", "convolutionalautoencoder1"]
    plain = make().fit_transform(FORMS[form])
    assert_array_equal(codes, plain)
    assert_array_equal(fitted.get_feature_names_out(), codes.columns)


@pytest.mark.parametrize("form", ["array", "list"])
def test_a_search_chooses_the_channels(form):
    search = GridSearchCV(make(), {"channels": [(3,), (4, 4)]}, cv=2, error_score="raise")
    search.fit(FORMS[form])
    assert search.best_params_["channels"] in [(3,), (4, 4)]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# State


@EVERY
def test_two_fits_are_equal_bit_for_bit(form):
    X = FORMS[form]
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    selected = form == "array"
    first, second = (said(make(early_stopping=selected).fit(X), X) for _ in range(2))
    assert_same(first, second)
    other = said(make(random_state=1).fit(X), X)
    assert any((a != b).any() for a, b in zip(other["transform"], first["transform"], strict=True))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@EVERY
def test_a_round_trip_keeps_every_answer_and_goes_on_alike(form):
    X = FORMS[form]
    fitted = make().fit(X)
    data = pickle.dumps(fitted)
    loaded = pickle.loads(data)
    assert_same(said(fitted, X), said(loaded, X))
    fitted.partial_fit(X[:9])
    loaded.partial_fit(X[:9])
    assert_same(said(fitted, X), said(loaded, X))
    weights = sum(4 * p.numel() for p in fitted.net_.module_.parameters())
    assert len(data) <= 1.5 * weights + 25_000


@EVERY
def test_skops_loads_it_by_the_types_of_this_library_alone(form):
    X = FORMS[form]
    fitted = make(augment=Augmentation(), corruption=Erasing()).fit(X)
    data = skops.io.dumps(fitted)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_ae.") for name in untrusted)
    assert_same(said(skops.io.loads(data, trusted=untrusted), X), said(fitted, X))


@pytest.mark.parametrize("form", ["array", "list"])
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("change", ["one", "two", "zero", "tiny", "huge", "far"])
def test_few_and_extreme_images_fit(form, early_stopping, change):
    changes = {"zero": (0, 0), "tiny": (1e-30, 0), "huge": (1e30, 0), "far": (1, 1e9)}
    n_images = {"one": 1, "two": 2}.get(change, 9)
    factor, shift = changes.get(change, (1, 0))
    X = [factor * x + shift for x in FORMS[form][:n_images]]
    X = np.array(X) if form == "array" else X
    assert_finite(make(1, early_stopping=early_stopping).fit(X), X)


@EVERY
def test_a_stream_learns(form):
    X = FORMS[form]
    streamed = make()
    for start in (0, 8, 16):
        streamed.partial_fit(X[start : start + 8])
    assert streamed.n_iter_ == len(streamed.loss_curve_) == 3
    assert_finite(streamed, X)


@EVERY
def test_a_warm_start_begins_at_the_previous_weights(form):
    X = FORMS[form]
    warm = make(warm_start=True).fit(X)
    before = said(warm, X)["reconstruct"]
    warm.set_params(max_iter=0).fit(X)
    assert_same({"reconstruct": before}, {"reconstruct": said(warm, X)["reconstruct"]}, atol=1e-4)


@EVERY
def test_weights_of_zero_leave_images_out(form):
    X = FORMS[form]
    weight = np.r_[np.ones(18), np.zeros(len(X) - 18)]
    weighted, short = make().fit(X, sample_weight=weight), make().fit(X[:18])
    spread = np.abs(short.transform(X)).max()
    assert_allclose(weighted.transform(X), short.transform(X), atol=1e-4 * spread)
    other = make().fit(X, sample_weight=np.linspace(0.1, 3, len(X)))
    assert not np.allclose(other.transform(X), make().fit(X).transform(X))


@EVERY
def test_a_failed_refit_leaves_the_previous_fit(form):
    X = FORMS[form]
    fitted = make().fit(X)
    before = said(fitted, X)
    broken = [x.copy() for x in X]
    broken[2].flat[0] = np.nan
    for failing in (broken, np.full((9, 8, 8), "a"), [np.ones((2, 2)), np.ones((2, 2, 5))]):
        with pytest.raises(ValueError, match=r"NaN|could not convert|channels"):
            fitted.fit(failing)
    with pytest.raises(FloatingPointError):
        fitted.set_params(learning_rate_init=1e38, max_iter=3).fit(X)
    assert_same(said(fitted, X), before)


@EVERY
def test_predictions_follow_the_scores(form):
    X = FORMS[form]
    fitted = make(contamination=0.25).fit(X)
    assert_array_equal(fitted.predict(X), np.where(fitted.decision_function(X) >= 0, 1, -1))
    assert_allclose(fitted.decision_function(X), fitted.score_samples(X) - fitted.offset_)
    assert 0.1 < (fitted.fit_predict(X) == -1).mean() < 0.4


# Every slot


@EVERY
@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: type(c).__name__)
def test_images_are_restored_from_every_corruption(form, corruption):
    X = FORMS[form]
    denoiser = DenoisingAutoencoder(2, architecture=SMALL, corruption=corruption, **OPTIONS)
    assert_finite(denoiser.fit(X), X)
    if form == "array":
        assert_finite(clone(denoiser).set_params(early_stopping=True).fit(X), X)


@EVERY
def test_pairs_of_noisy_and_clean_images_are_learned(form):
    X = FORMS[form]
    noisy = [x + 0.1 * RNG.normal(size=x.shape) for x in X]
    noisy = np.array(noisy) if form == "array" else noisy
    denoiser = DenoisingAutoencoder(2, architecture=SMALL, **OPTIONS)
    denoiser.fit(noisy, X_clean=X)
    assert_finite(denoiser, noisy)
    assert np.isfinite(denoiser.score(noisy, X_clean=X))
    moving = clone(denoiser).set_params(
        architecture=Convolutional((4,), hidden_layer_sizes=(8,), augment=Augmentation(0.3))
    )
    assert_finite(moving.fit(noisy, X_clean=X), noisy)


@EVERY
@pytest.mark.parametrize("loss", ["gaussian", "bernoulli"])
def test_a_density_of_images_is_scored_and_sampled(form, loss):
    X = FORMS[form]
    density = VariationalAutoencoder(2, architecture=SMALL, loss=loss, **OPTIONS).fit(X)
    assert_finite(density, X)
    drawn = density.sample(5, random_state=0)
    assert type(drawn) is type(X)
    assert len(drawn) == 5
    if form == "array":
        assert drawn.shape == (5, 8, 8)
    else:
        height, width = np.median([x.shape[:2] for x in X], axis=0).astype(int)
        assert {d.shape[:2] for d in drawn} == {(height, width)}
        assert {d.ndim for d in drawn} == {X[0].ndim}
    assert all(np.isfinite(d).all() for d in drawn)
    for one, other in zip(drawn, density.sample(5, random_state=0), strict=True):
        assert_array_equal(one, other)


@EVERY
def test_integers_are_sampled_as_integers(form):
    X = [np.rint(255 * x).astype(np.uint8) for x in FORMS[form]]
    X = np.array(X) if form == "array" else X
    drawn = VariationalAutoencoder(2, architecture=SMALL, **OPTIONS).fit(X).sample(3)
    assert {d.dtype for d in drawn} == {np.dtype("uint8")}


@EVERY
@pytest.mark.parametrize("kind", ["labels", "numbers"])
def test_images_may_be_conditioned(form, kind):
    X = FORMS[form]
    given = np.arange(len(X)) % 3
    given = given.astype(float) if kind == "numbers" else np.array(["a", "b", "c"])[given]
    density = VariationalAutoencoder(2, architecture=SMALL, init="random", **OPTIONS)
    density.fit(X, condition=given)
    codes = density.transform(X, condition=given)
    assert not np.allclose(codes, density.transform(X, condition=np.roll(given, 1)))
    assert np.isfinite(density.score_samples(X, condition=given)).all()
    for x, restored in zip(X, density.reconstruct(X, condition=given), strict=True):
        assert x.shape == restored.shape
    assert len(density.sample(4, 0, condition=given[:4])) == 4


@EVERY
@pytest.mark.parametrize(
    "estimator",
    [
        SparseAutoencoder(6),
        SparseAutoencoder(6, penalty="topk"),
        ContractiveAutoencoder(2),
        Autoencoder(2),
        StackedAutoencoder(2, stage_sizes=(3,)),
    ],
    ids=["sparse", "topk", "contractive", "plain", "stacked"],
)
def test_every_variant_takes_images(form, estimator):
    X = FORMS[form]
    network = clone(estimator).set_params(architecture=SMALL, **OPTIONS)
    assert_finite(network.fit(X), X)
    assert network.reconstruct(X)[0].shape == X[0].shape
    loaded = pickle.loads(pickle.dumps(network))
    assert_same(said(loaded, X), said(network, X))
