"""ONNX graphs answer what the estimators do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import sklearn_ae
from sklearn_ae import (
    MMD,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    BatchTopK,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    GaussianLikelihood,
    JumpReLU,
    ManifoldAutoencoder,
    RecurrentAutoencoder,
    Sigmoid,
    SparseAutoencoder,
    StackedAutoencoder,
    TopK,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
    to_onnx,
)

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

FAST = {"max_iter": 2, "early_stopping": False, "random_state": 0}
SMALL = {"hidden_layer_sizes": (16,), **FAST}


def run(model, **inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def answers(estimator, X):
    return {
        "code": estimator.transform(X),
        "reconstruction": estimator.reconstruct(X),
        "score": estimator.score_samples(X),
        "label": estimator.predict(X),
    }


def check(estimator, X, names=None):
    found = run(to_onnx(estimator, X), X=X)
    assert list(found) == (names or ["code", "reconstruction", "score", "label"])
    for name, ours in answers(estimator, X).items():
        if name == "label" and name in found:
            assert (found[name] == ours).mean() > 0.98
        elif name in found:
            scale = max(1.0, float(np.abs(ours).max()))
            np.testing.assert_allclose(found[name] / scale, ours / scale, atol=1e-5)
            assert found[name].shape == np.shape(ours)
    one = run(to_onnx(estimator, X), X=X[:1])
    np.testing.assert_allclose(one["code"], found["code"][:1], atol=1e-5)


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(200, 3))
    return (np.sin(latent) @ rng.normal(size=(3, 8)) + 0.1 * rng.normal(size=(200, 8))).astype("f")


@pytest.mark.parametrize(
    "estimator",
    [
        Autoencoder(3, **FAST),
        Autoencoder(3, max_iter=0),
        Autoencoder(3, hidden_layer_sizes=(), **FAST),
        *(Autoencoder(3, activation=a, **SMALL) for a in ("tanh", "gelu", "elu", "logistic")),
        Autoencoder(3, normalization="batch", **SMALL),
        Autoencoder(3, normalization="layer", init="random", **SMALL),
        Autoencoder(3, tied_weights=True, whiten=True, **SMALL),
        *(Autoencoder(4, latent=z, **SMALL) for z in (TopK(), BatchTopK(), JumpReLU(), MMD())),
        Autoencoder(4, latent=Sigmoid(), **SMALL),
        *(Autoencoder(3, loss=f, **SMALL) for f in ("absolute_error", "huber")),
        Autoencoder(3, loss=GaussianLikelihood(normal_scores=False), **SMALL),
        ContractiveAutoencoder(3, **SMALL),
        DenoisingAutoencoder(3, **SMALL),
        SparseAutoencoder(10, **SMALL),
        StackedAutoencoder(2, **SMALL),
        VectorQuantizedAutoencoder(4, **SMALL),
        WassersteinAutoencoder(3, **SMALL),
    ],
    ids=str,
)
def test_tables_of_numbers(estimator, X):
    check(estimator.fit(X), X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_of_large_means_and_other_scales(dtype, X):
    rows = X.astype("float64") * np.logspace(-1, 1, 8)
    rows[:, 0] += 1e9 if dtype == "float64" else 1e3
    rows = rows.astype(dtype)
    check(Autoencoder(3, **SMALL).fit(rows), rows)


def test_missing_cells(X):
    holes = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X).astype("f")
    check(Autoencoder(3, **SMALL).fit(holes), holes)
    late = Autoencoder(3, **SMALL).fit(X)
    check(late, holes)


def test_a_column_without_any_value_is_not_read(X):
    holes = X.astype("f")
    holes[:, 2] = np.nan
    model = Autoencoder(3, **SMALL).fit(holes)
    check(model, holes)
    check(model, X.astype("f"))


def test_probabilities(X):
    check(Autoencoder(3, loss="bernoulli", **SMALL).fit((X > 0).astype("f")), (X > 0).astype("f"))


@pytest.mark.parametrize("normal_scores", [True, False])
def test_a_variational_autoencoder_answers_codes_and_reconstructions(X, normal_scores):
    skewed = np.where(X > 0, np.exp(X), 0).astype("f")
    loss = GaussianLikelihood(normal_scores=normal_scores)
    model = VariationalAutoencoder(3, loss=loss, **SMALL).fit(skewed)
    found = run(to_onnx(model, skewed), X=skewed)
    assert list(found) == ["code", "reconstruction"]
    np.testing.assert_allclose(found["code"], model.transform(skewed), atol=1e-5)
    ours = model.reconstruct(skewed)
    # At the edge of a value that many rows share, float32 may fall on either side.
    assert np.isclose(found["reconstruction"], ours, rtol=1e-5, atol=1e-4).mean() > 0.99
    with pytest.raises(NotImplementedError, match=r"'score' of VariationalAutoencoder"):
        to_onnx(model, skewed, outputs=["score"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"init": "random"},
        {"pooling": "max", "normalization": "batch"},
        {"pooling": "average", "normalization": "layer", "residual_blocks": 1},
        {"kernel_size": 2, "channels": (4, 8)},
    ],
    ids=str,
)
def test_images(options):
    images = np.random.default_rng(0).random((40, 9, 21, 2)).astype("f")
    check(ConvolutionalAutoencoder(3, **options, **FAST).fit(images), images)


def test_images_with_channels_first():
    images = np.random.default_rng(0).random((40, 3, 9, 8)).astype("f")
    model = ConvolutionalAutoencoder(3, **FAST).fit(images)
    check(model, images)
    check(model, np.ascontiguousarray(images.transpose(0, 2, 3, 1)))
    graph = to_onnx(model, torch.from_numpy(images), outputs=["reconstruction"])
    found = run(graph, X=images.astype(float))["reconstruction"]
    np.testing.assert_allclose(found, model.reconstruct(images), atol=1e-5)


def test_images_with_channels_first_in_skl2onnx():
    skl2onnx = pytest.importorskip("skl2onnx")
    sklearn_ae.export.register()
    images = np.random.default_rng(0).random((40, 3, 9, 8)).astype("f")
    model = ConvolutionalAutoencoder(3, **FAST).fit(images)
    (code,) = run(skl2onnx.to_onnx(model, images[:1]), X=images).values()
    np.testing.assert_allclose(code, model.transform(images), atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [{}, {"cell": "lstm", "n_layers": 2}, {"init": "random", "recurrent_decoder": True}],
    ids=str,
)
def test_sequences(options):
    sequences = np.random.default_rng(0).normal(size=(40, 7, 2)).cumsum(axis=1).astype("f")
    check(RecurrentAutoencoder(3, **options, **FAST).fit(sequences), sequences)


def test_a_mixed_table_with_its_encoding():
    rng = np.random.default_rng(0)
    n = 200
    z = rng.normal(size=n)
    table = pd.DataFrame(
        {
            "height": z + 0.1 * rng.normal(size=n),
            "visits": rng.poisson(np.exp(z)),
            "year": 2000 + np.round(2 * z + 0.2 * rng.normal(size=n)).astype(int),
            "rooms": np.round(4 + z),
            "town": np.array(["Bern", "Oslo", "Rome"], dtype=object)[(z > 0).astype(int) + (z > 1)],
            "grade": pd.Categorical(rng.choice(["low", "high"], n)),
            "member": z > 0.3,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.round(z * 1e6), unit="s"),
            "no number": np.full(n, np.nan),
            "no text": np.full(n, None),
            "no date": pd.Series(pd.NaT, index=range(n), dtype="datetime64[us]"),
        }
    )
    table.loc[:9, ["height", "rooms"]] = np.nan
    table.loc[5:14, "town"] = None
    model = Autoencoder(2, **SMALL).fit(table)
    table.loc[20:29, "height"] *= 50  # beyond the range of fit
    days = (table["since"] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    inputs: dict = {
        "height": table["height"],
        **{name: table[name].astype(float) for name in ("visits", "year", "rooms")},
        "town": table["town"].astype(object).where(table["town"].notna(), ""),
        "grade": table["grade"].astype(object),
        "member": table["member"].astype(float),
        "since": days,
        "no number": np.ones(n),
        "no text": pd.Series(["Bern"] * n, dtype=object),
        "no date": days,
    }
    found = run(to_onnx(model, table), **{k: np.asarray(v)[:, None] for k, v in inputs.items()})
    np.testing.assert_allclose(found["code"], model.transform(table), atol=1e-5)
    np.testing.assert_allclose(found["score"], model.score_samples(table), atol=1e-5)
    ours = model.reconstruct(table)
    for name in ("town", "grade"):
        assert (found[f"reconstruction-{name}"][:, 0] == ours[name].to_numpy()).all()
    assert (found["reconstruction-no text"] == "").all()
    assert (found["reconstruction-no number"] == 0).all()
    assert np.isnan(found["reconstruction-no date"]).all()
    dates = (ours["since"] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    np.testing.assert_allclose(found["reconstruction-since"][:, 0], dates, atol=1e-4)
    for name in ("height", "visits", "year", "rooms", "member"):
        own = ours[name].astype(float)
        np.testing.assert_allclose(found[f"reconstruction-{name}"][:, 0], own, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{"numeric_map": "robust"}, {"categorical_features": [1]}], ids=["map", "codes"]
)
def test_an_array_with_columns_of_several_kinds_is_one_input(options, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)).astype(dtype)
    X[:, 1] = rng.integers(3, size=200)
    X[:, 2] += X[:, 0] + X[:, 1]
    model = Autoencoder(2, **options, **SMALL).fit(X)
    graph = to_onnx(model, X)
    assert [i.name for i in graph.graph.input] == ["X"]
    found = run(graph, X=X)
    for name, ours in answers(model, X).items():
        np.testing.assert_allclose(found[name], ours, rtol=1e-4, atol=1e-5)
        assert name == "label" or found[name].dtype == dtype
    pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), model).fit(X)
    codes = run(to_onnx(pipeline, X, outputs=["code"]), X=X)["code"]
    np.testing.assert_allclose(codes, pipeline.transform(X), atol=1e-5)


def test_the_outlier_detector(X):
    detector = AutoencoderOutlierDetector(Autoencoder(3, **SMALL), n_estimators=2).fit(X)
    found = run(to_onnx(detector, X), X=X)
    np.testing.assert_allclose(found["score"], detector.score_samples(X), atol=1e-5)
    assert (found["label"] == detector.predict(X)).mean() > 0.98


def test_pipelines(X):
    skl2onnx = pytest.importorskip("skl2onnx")
    pipeline = make_pipeline(StandardScaler(), Autoencoder(3, **SMALL)).fit(X)
    found = run(to_onnx(pipeline, X), X=X)
    np.testing.assert_allclose(found["code"], pipeline.transform(X), atol=1e-5)
    np.testing.assert_allclose(found["score"], pipeline.score_samples(X), atol=1e-5)
    sklearn_ae.export.register()
    (code,) = run(skl2onnx.to_onnx(pipeline, X[:1]), X=X).values()
    np.testing.assert_allclose(code, pipeline.transform(X), atol=1e-5)


class Own(nn.Linear):
    pass


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda X: Autoencoder(3, encoder=Own, **FAST).fit(X), "OwnCoder"),
        (
            lambda X: AutoencoderFeatureSelector(estimator="ridge").fit(X),
            "AutoencoderFeatureSelector",
        ),
        (
            lambda X: AutoencoderRecommender(alpha=1.0, network_weight=0).fit(abs(X)),
            "AutoencoderRecommender",
        ),
        (lambda X: ManifoldAutoencoder().fit(X), "ManifoldAutoencoder"),
        (lambda X: AutoencoderImputer(Autoencoder(3, **SMALL)).fit(X), "AutoencoderImputer"),
        (
            lambda X: AutoencoderClassifier(Autoencoder(3, **SMALL)).fit(X, X[:, 0] > 0),
            "AutoencoderClassifier",
        ),
        (
            lambda X: AutoencoderRegressor(Autoencoder(3, **SMALL)).fit(X, X[:, 0]),
            "AutoencoderRegressor",
        ),
        (lambda X: Autoencoder(3, **SMALL).fit(X, condition=X[:, 0]), "condition"),
        (lambda X: Autoencoder(3, deep_features=True, **SMALL).fit(X), "deep_features"),
    ],
)
def test_what_has_no_translation_is_named(make, named, X):
    with pytest.raises(NotImplementedError, match=named):
        to_onnx(make(X), X)


def test_a_column_named_like_an_output_is_named():
    table = pd.DataFrame({"code": ["a", "b"] * 20, "x": np.arange(40.0)})
    with pytest.raises(ValueError, match="'code'"):
        to_onnx(Autoencoder(1, max_iter=0).fit(table), table)


def test_a_detector_whose_scores_are_averaged_over_draws_is_refused(X):
    detector = AutoencoderOutlierDetector(VariationalAutoencoder(2, **SMALL), n_estimators=2)
    with pytest.raises(NotImplementedError, match="VariationalAutoencoder"):
        to_onnx(detector.fit(X), X)


def test_importing_the_package_imports_no_onnx():
    code = "import sys, sklearn_ae; print({'onnx', 'skl2onnx', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_unknown_outputs_are_named(X):
    with pytest.raises(ValueError, match="codes"):
        to_onnx(Autoencoder(3, max_iter=0).fit(X), X, outputs=["codes"])
