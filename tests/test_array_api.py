"""Arrays of other libraries go in, and answers come out in them and on their device."""

from __future__ import annotations

import pickle

import array_api_strict
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import sklearn_ae
from sklearn_ae import (
    TRUSTED_TYPES,
    AbsoluteError,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRegressor,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Gaussian,
    HuberError,
    NestedCodes,
    RecurrentAutoencoder,
    SuperResolver,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
)
from sklearn_ae.data import ArrayForm, as_numpy
from sklearn_ae.inference import _tensor_passes
from sklearn_ae.metrics import denoising_score, reconstruction_r2

SHORT = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
ANSWERS = [
    "transform",
    "reconstruct",
    "reconstruction_errors",
    "score_samples",
    "decision_function",
    "predict",
]
LIBRARIES = {"torch": torch, "array_api_strict": array_api_strict}


@pytest.fixture
def dispatch():
    with config_context(array_api_dispatch=True):
        yield


@pytest.fixture(params=LIBRARIES)
def library(request):
    return request.param


def to(library: str, values: np.ndarray, device: str):
    """Return values as an array of a library; torch's are on the device of the test run."""
    return torch.tensor(values, device=device) if library == "torch" else as_strict(values)


def as_strict(values: np.ndarray):
    return array_api_strict.asarray(values)


def assert_like(found, X, expected, **tolerance):
    """Compare an answer with that of numpy, and its library and device with those of rows."""
    assert type(found) is type(X)
    assert found.device == X.device
    found = as_numpy(found)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, **tolerance)


@pytest.mark.usefixtures("few_folds")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_answer_is_in_the_form_of_its_rows(iris, library, dtype, device):
    rows = iris.astype(dtype)
    rows[3, 1] = np.nan
    numpy = Autoencoder(**SHORT, device=device).fit(rows)
    X = to(library, rows, device)
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-4}
    with config_context(array_api_dispatch=True):
        model = Autoencoder(**SHORT, device=device).fit(X)
        for name in ANSWERS:
            assert_like(getattr(model, name)(X), X, getattr(numpy, name)(rows), **close)
        codes = model.transform(X)
        expected = numpy.inverse_transform(numpy.transform(rows))
        assert_like(model.inverse_transform(codes), X, expected, **close)
        assert model.score(X) == pytest.approx(numpy.score(rows), rel=1e-4)
        assert_like(model.explained_variance_ratio_, X, numpy.explained_variance_ratio_, atol=1e-6)
        blocks = list(model.iter_reconstruct(X, batch_size=100))
        assert [len(as_numpy(b)) for b in blocks] == [100, 50]
        assert {type(b) for b in blocks} == {type(X)}


@pytest.mark.usefixtures("few_folds", "dispatch")
def test_what_fits_and_answers_at_once(iris, library, device):
    X = to(library, iris, device)
    model = Autoencoder(**SHORT, latent=Gaussian(), device=device)
    assert_like(model.fit_transform(X), X, as_numpy(model.transform(X)))
    assert_like(model.sample(5, random_state=0), X[:5, :], as_numpy(model.sample(5, 0)))
    assert model.fit_predict(X).shape == (150,)
    assert as_numpy(model.fit_predict(X)).dtype == np.int64
    found = model.cross_fit(X)
    assert {type(part) for part in found} == {type(X)}
    expected = Autoencoder(**SHORT, latent=Gaussian(), device=device).cross_fit(iris)
    for name, value in expected._asdict().items():
        np.testing.assert_allclose(as_numpy(getattr(found, name)), value, rtol=1e-6, atol=1e-8)
    model = Autoencoder(**SHORT, device=device)
    model.partial_fit(X).partial_fit(X)
    assert type(model.transform(X)) is type(model.explained_variance_ratio_) is type(X)


def test_without_dispatch_numpy_comes_out(iris, device):
    expected = Autoencoder(**SHORT, device=device).fit(iris)
    X = torch.tensor(iris, device=device, requires_grad=True)
    model = Autoencoder(**SHORT, device=device).fit(X)
    for name in ANSWERS:
        found = getattr(model, name)(X)
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, getattr(expected, name)(iris))
    codes = torch.tensor(model.transform(iris), device=device)
    assert type(model.inverse_transform(codes)) is np.ndarray
    assert type(model.explained_variance_ratio_) is np.ndarray
    assert model.transform(as_strict(iris)).shape == (150, 2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int32])
def test_other_types_are_read_as_float64(iris, dtype, device):
    X = torch.tensor(iris, device=device).to(dtype)
    with config_context(array_api_dispatch=True):
        codes = Autoencoder(2, max_iter=0, device=device).fit_transform(X)
    assert codes.dtype == torch.float64


@pytest.mark.usefixtures("dispatch")
def test_what_comes_with_the_rows(iris, library, device):
    rng = np.random.default_rng(0)
    weight, label = rng.random(150), np.repeat([0, 1, 2], 50)
    noisy = iris + rng.normal(0, 0.1, iris.shape)
    given = {"sample_weight": weight, "X_clean": iris, "condition": label}
    further = {name: to(library, value, device) for name, value in given.items()}
    X = to(library, noisy, device)
    model = Autoencoder(2, max_iter=0, device=device).fit(X, **further)
    expected = Autoencoder(2, max_iter=0, device=device).fit(noisy, **given)
    condition, clean = further["condition"], further["X_clean"]
    assert_like(
        model.transform(X, condition), X, expected.transform(noisy, label), rtol=1e-9, atol=1e-9
    )
    scores = expected.score_samples(noisy, label, X_clean=iris)
    assert_like(model.score_samples(X, condition, X_clean=clean), X, scores, rtol=1e-7)
    assert model.score(X, None, further["sample_weight"], X_clean=clean, condition=condition) == (
        pytest.approx(expected.score(noisy, None, weight, X_clean=iris, condition=label))
    )
    # In a library other than that of X.
    model.fit(X, sample_weight=weight, X_clean=torch.tensor(iris), condition=label)
    [block] = model.iter_reconstruct(X, condition)
    assert type(block) is type(X)
    codes = expected.transform(noisy, label)
    model.fit(X, condition=label)
    assert type(model.inverse_transform(to(library, codes, device), condition)) is type(X)


def test_companions_as_tensors(iris):
    class Reads(NestedCodes):
        reads = ("group",)

    group = np.repeat([0, 1, 2], 50)
    fits = [
        Autoencoder(**SHORT, penalties=(Reads(),)).fit(iris, companions={"group": g})
        for g in (group, torch.tensor(group))
    ]
    np.testing.assert_array_equal(*[f.transform(iris) for f in fits])


def test_rows_on_the_cpu_are_not_copied(iris):
    X = torch.tensor(iris)
    assert np.shares_memory(as_numpy(X), X.numpy())
    with config_context(array_api_dispatch=True):
        form = ArrayForm.of(X)
        back = form.back(as_numpy(X))
    assert back.data_ptr() == X.data_ptr()


@pytest.mark.usefixtures("dispatch")
def test_a_model_of_numpy_serves_every_library(iris, library, device):
    model = Autoencoder(2, max_iter=0, device=device).fit(iris)
    X = to(library, iris, device)
    assert_like(model.transform(X), X, model.transform(iris), atol=1e-12)
    assert type(model.transform(iris)) is np.ndarray


def test_a_model_of_another_library_takes_that_alone(iris, device):
    X = to("torch", iris, device)
    with config_context(array_api_dispatch=True):
        model = Autoencoder(2, max_iter=0, device=device).fit(X)
        for rows in (iris, as_strict(iris)):
            with pytest.raises(ValueError, match=r"Autoencoder.predict\(\) must use the same name"):
                model.predict(rows)
        model.fit(iris)
        assert type(model.transform(iris)) is np.ndarray
        model.fit(X)
    assert type(model.transform(iris)) is type(model.transform(X)) is np.ndarray


def test_sparse_tensors_are_refused_by_name(iris):
    with pytest.raises(TypeError, match=r"layout torch.sparse_coo; pass X.to_dense"):
        Autoencoder(max_iter=0).fit(torch.tensor(iris).to_sparse())


@pytest.mark.usefixtures("dispatch")
def test_a_model_of_another_library_is_saved_in_numpy(iris, library, device):
    X = to(library, iris, device)
    model = VariationalAutoencoder(2, max_iter=0, device=device).fit(X)
    through_skops = skops.io.loads(skops.io.dumps(model), trusted=list(TRUSTED_TYPES))
    for loaded in (pickle.loads(pickle.dumps(model)), through_skops):
        learned = loaded.explained_variance_ratio_, loaded.kl_per_component_
        own = torch.Tensor if library == "torch" else np.ndarray
        assert [type(array) for array in learned] == [own] * 2
        assert_like(loaded.transform(X), X, as_numpy(model.transform(X)))


@pytest.mark.usefixtures("dispatch")
def test_tensors_pass_through_a_pipeline(cancer, device):
    X = to("torch", cancer, device)
    steps = make_pipeline(MinMaxScaler(), Autoencoder(3, max_iter=0, device=device))
    codes = steps.fit_transform(X)
    assert torch.is_tensor(codes)
    assert codes.device == X.device
    expected = make_pipeline(MinMaxScaler(), Autoencoder(3, max_iter=0)).fit_transform(cancer)
    np.testing.assert_allclose(as_numpy(codes), expected, atol=1e-6)


@pytest.mark.usefixtures("dispatch")
def test_applications(iris, library, device, monkeypatch):
    # What networks have learned is not asked here.
    monkeypatch.setattr("sklearn_ae.applications._outlier_detection._ensemble.N_STEPS", 12)
    rows = iris.copy()
    rows[::7, 1] = np.nan
    X = to(library, rows, device)
    imputer = AutoencoderImputer(max_iter=0, random_state=0, device=device).fit(X)
    expected = AutoencoderImputer(max_iter=0, random_state=0, device=device).fit(rows)
    assert_like(imputer.transform(X), X, expected.transform(rows), rtol=1e-6)
    drawn = imputer.impute(X, 2)
    assert [type(values) for values in drawn] == [type(X)] * 2
    chosen = {"n_features_to_select": 2, "estimator": "ridge", "random_state": 0}
    selector = AutoencoderFeatureSelector(**chosen).fit(X)
    expected = AutoencoderFeatureSelector(**chosen).fit(rows)
    assert_like(selector.transform(X), X, expected.transform(rows))
    kept = selector.transform(X)
    assert_like(selector.inverse_transform(kept), X, expected.inverse_transform(as_numpy(kept)))
    assert type(selector.ranking_) is type(X)
    estimator = Autoencoder(2, max_iter=0)
    X = to(library, iris, device)
    detector, expected = (
        AutoencoderOutlierDetector(estimator, n_estimators=2, random_state=0, device=device)
        for _ in range(2)
    )
    found, labels = detector.fit(X).predict(X), expected.fit(iris).predict(iris)
    assert_like(found, X, labels)
    assert_like(detector.score_samples(X), X, expected.score_samples(iris), rtol=1e-5)
    found, labels = (
        AutoencoderOutlierDetector(novelty=False, random_state=0).fit_predict(rows)
        for rows in (X, iris)
    )
    assert_like(found, X, labels)
    with pytest.raises(ValueError, match=r"Imputer.transform\(\) must use the same namespace"):
        imputer.transform(rows)


@pytest.mark.usefixtures("dispatch")
def test_few_labels(iris, library, device):
    X, y = to(library, iris, device), np.where(np.arange(150) % 5, -1, np.arange(150) // 50)
    options = {"random_state": 0, "device": device}
    inner = Autoencoder(2, max_iter=0)
    for labels in (y, to(library, y, device)):
        model = AutoencoderClassifier(inner, **options).fit(X, labels)
        expected = AutoencoderClassifier(inner, **options).fit(iris, y)
        assert_like(model.predict_proba(X), X, expected.predict_proba(iris), rtol=1e-5)
        assert_like(model.predict(X), X, expected.predict(iris))
        assert_like(model.transform(X), X, expected.transform(iris), rtol=1e-5)
    known = np.where(y < 0, np.nan, iris[:, 0])
    model = AutoencoderRegressor(inner, **options).fit(X, to(library, known, device))
    expected = AutoencoderRegressor(inner, **options).fit(iris, known)
    assert_like(model.predict(X), X, expected.predict(iris), rtol=1e-5)


@pytest.mark.usefixtures("dispatch")
def test_words_of_codebooks(iris, library, device):
    X = to(library, iris, device)
    given = {**SHORT, "max_iter": 0}
    model = VectorQuantizedAutoencoder(**given, device=device).fit(X)
    words, expected = model.predict_codes(X), model.fit(iris).predict_codes(iris)
    assert_like(words, X, expected)
    assert type(model.fit(X).codebook_) is type(X)


@pytest.mark.usefixtures("dispatch")
def test_images_and_sequences(device):
    rng = np.random.default_rng(0)
    images = torch.tensor(rng.random((20, 1, 6, 5)), device=device)
    model = ConvolutionalAutoencoder(2, max_iter=0, device=device).fit(images)
    codes, restored = model.transform(images), model.reconstruct(images)
    assert codes.device == restored.device == images.device
    assert restored.shape == images.shape
    assert model.inverse_transform(codes).shape == images.shape
    assert torch.is_tensor(model.predict(images))
    flat = images.permute(0, 2, 3, 1).reshape(20, -1)
    model = ConvolutionalAutoencoder(2, max_iter=0, image_shape=(6, 5), device=device).fit(flat)
    torch.testing.assert_close(model.transform(flat), codes)
    sequences = torch.tensor(rng.random((20, 7, 2)), device=device)
    model = RecurrentAutoencoder(2, max_iter=0, device=device).fit(sequences)
    assert model.reconstruct(sequences).device == sequences.device
    assert model.reconstruct(sequences).shape == sequences.shape
    assert torch.is_tensor(model.score_steps(sequences))
    model.fit(list(sequences))
    assert np.shape(model.transform(list(sequences))) == (20, 2)


def test_codes_of_tensors_become_the_frame_of_fit(iris, device):
    frame = pd.DataFrame(iris, columns=list("abcd"))
    model = Autoencoder(2, max_iter=0, device=device).fit(frame)
    codes = torch.tensor(model.transform(frame), device=device)
    with config_context(array_api_dispatch=True):
        assert list(model.inverse_transform(codes).columns) == list("abcd")


@pytest.mark.usefixtures("dispatch")
def test_scorers_of_reconstructions(iris, library, device):
    X, weight = to(library, iris, device), to(library, np.arange(150.0), device)
    model = Autoencoder(2, max_iter=0, device=device).fit(X)
    found = reconstruction_r2(model, X, sample_weight=weight)
    clean = denoising_score(model, X, X_clean=X, sample_weight=weight)
    model.fit(iris)
    expected = reconstruction_r2(model, iris, sample_weight=np.arange(150.0))
    assert found == pytest.approx(expected)
    assert clean == pytest.approx(expected)


def test_tags():
    for name in sklearn_ae.__all__:
        found = getattr(sklearn_ae, name)
        if isinstance(found, type) and hasattr(found, "fit"):
            own = found()
            assert own.__sklearn_tags__().array_api_support == (found is not SuperResolver)


@pytest.fixture
def stays(monkeypatch, device):
    """Let tensors of any device stay, and none go to the host."""
    monkeypatch.setattr(_tensor_passes, "DEVICES", (device,))

    def forbidden(*_, **__):
        raise AssertionError("rows went to the host")

    def forbid():
        for name in ("cpu", "numpy", "tolist", "__array__"):
            monkeypatch.setattr(torch.Tensor, name, forbidden)

    return forbid


MODELS = {
    "default": Autoencoder(**SHORT),
    "absolute": Autoencoder(**SHORT, loss=AbsoluteError(), whiten=True),
    "huber": Autoencoder(**SHORT, loss=HuberError()),
    "denoising": DenoisingAutoencoder(**SHORT),
}


@pytest.mark.usefixtures("few_folds", "dispatch")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("missing", ["never", "later", "always"])
@pytest.mark.parametrize("name", MODELS)
def test_rows_on_the_device_stay_there(iris, name, missing, dtype, stays, device):
    rows = np.column_stack([iris, np.ones(150)]).astype(dtype)
    holes = rows.copy()
    holes[::9, 1], holes[4] = np.nan, np.nan
    rows, fitted = rows if missing == "never" else holes, holes if missing == "always" else rows
    model = MODELS[name].set_params(device=device).fit(fitted)
    rows[:3, 0] += 40  # beyond the training range
    expected = {answer: getattr(model, answer)(rows) for answer in ANSWERS}
    expected["inverse_transform"] = model.inverse_transform(expected["transform"])
    X = torch.tensor(rows, device=device)
    stays()
    found = {answer: getattr(model, answer)(X) for answer in ANSWERS}
    found["inverse_transform"] = model.inverse_transform(found["transform"])
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 1e-3, "atol": 2e-3}
    for answer, value in found.items():
        assert value.device == X.device
        own = torch.tensor(expected[answer], device=device)
        torch.testing.assert_close(value, own, equal_nan=True, **close)


@pytest.mark.usefixtures("dispatch")
def test_codes_of_conditions_and_layers_stay_on_the_device(iris, stays, device):
    label = np.repeat([0, 1, 2], 50)
    given = {**SHORT, "max_iter": 0, "device": device}
    model = Autoencoder(**given, deep_features=True).fit(iris, condition=label)
    expected = model.transform(iris, label)
    variational = VariationalAutoencoder(**given).fit(iris)
    codes, density = variational.transform(iris), variational.score_samples(iris)
    X = torch.tensor(iris, device=device)
    # A density and its draws are numpy's; the answer returns.
    score = variational.score_samples(X)
    np.testing.assert_allclose(as_numpy(score), density, rtol=1e-9)
    with_grad = X.clone().requires_grad_()
    stays()
    torch.testing.assert_close(model.transform(X, label), torch.tensor(expected, device=device))
    torch.testing.assert_close(variational.transform(X), torch.tensor(codes, device=device))
    assert not variational.reconstruct(with_grad).requires_grad
    with pytest.raises(ValueError, match="infinity"):
        model.transform(X / 0, label)
    with pytest.raises(ValueError, match="X has 3 features, but Autoencoder is expecting 4"):
        model.transform(X[:, :3], label)
