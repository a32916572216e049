"""Estimators in MLflow, which saves by skops."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import TRUSTED_TYPES, Autoencoder, AutoencoderOutlierDetector

with warnings.catch_warnings(action="ignore"):  # its own, of its type hints
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("mlflow.pyfunc")
    pytest.importorskip("mlflow.sklearn")

# What MLflow finds out by itself takes it a process and ten seconds.
SAVED = {"pip_requirements": ["sklearn-ae"], "skops_trusted_types": TRUSTED_TYPES}
# Its own use of what other libraries deprecate.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def fitted(iris):
    return Autoencoder(2, hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(iris)


def test_a_model_is_saved_and_loaded(fitted, iris, tmp_path):
    mlflow.sklearn.save_model(fitted, tmp_path / "model", **SAVED)
    assert (tmp_path / "model" / "model.skops").exists()
    loaded = mlflow.sklearn.load_model(str(tmp_path / "model"))
    assert type(loaded) is Autoencoder
    np.testing.assert_array_equal(loaded.transform(iris), fitted.transform(iris))


def test_mlflow_trusts_what_is_listed_alone(fitted, tmp_path):
    with pytest.raises(mlflow.MlflowException, match=r"sklearn_ae\.autoencoders"):
        mlflow.sklearn.save_model(fitted, tmp_path / "model", pip_requirements=["sklearn-ae"])


def test_a_model_is_served_by_its_signature(fitted, iris, tmp_path):
    signature = mlflow.models.infer_signature(iris, fitted.predict(iris))
    mlflow.sklearn.save_model(fitted, tmp_path / "model", signature=signature, **SAVED)
    served = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert served.metadata.signature == signature
    np.testing.assert_array_equal(served.predict(iris), fitted.predict(iris))
    with pytest.raises(mlflow.MlflowException, match="Failed to enforce schema"):
        served.predict(iris[:, :3])


@pytest.mark.parametrize(
    "make",
    [
        lambda: AutoencoderOutlierDetector(
            Autoencoder(2, hidden_layer_sizes=(4,), max_iter=1), n_estimators=2, random_state=0
        ),
        lambda: make_pipeline(
            StandardScaler(),
            PCA(3),
            Autoencoder(2, hidden_layer_sizes=(4,), max_iter=1, random_state=0),
        ),
    ],
    ids=["detector", "pipeline"],
)
def test_a_run_logs_a_model(make, iris, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    estimator = make().fit(iris)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(estimator, name="model", **SAVED)
    served = mlflow.pyfunc.load_model(logged.model_uri)
    np.testing.assert_array_equal(served.predict(iris), estimator.predict(iris))
