"""A small fitted estimator of each kind, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.decomposition import PCA

from sklearn_ae import (
    MMD,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    Contraction,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Dense,
    DomainAdaptationTransformer,
    GaussianNoise,
    GraphAdaptedClassifier,
    HuberError,
    L1Weights,
    LocalStress,
    ManifoldAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    SuperResolver,
    TimeSeriesOutlierDetector,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
)


def rows() -> np.ndarray:
    """40 rows, 4 columns, the same whatever numpy draws."""
    t = np.arange(40.0)[:, None]
    return np.sin(t * [0.7, 1.3, 2.9, 0.2] + [0, 1, 2, 3]) + 0.3 * np.cos(t * 5.1)


def incomplete() -> np.ndarray:
    X = rows()
    X[::5, 1] = X[2::7, 3] = np.nan
    return X


def binary_rows() -> np.ndarray:
    return (rows() > 0).astype(np.float64)


def table(*, gaps: bool = False) -> pd.DataFrame:
    X = rows()
    frame = pd.DataFrame(
        {
            "number": X[:, 0],
            "visits": np.floor(4 + 4 * X[:, 2]).astype(int) % 7,
            "level": pd.Categorical(np.array(list("abc"))[np.arange(40) * 7 % 3]),
            "flag": X[:, 1] > 0,
            "day": pd.date_range("2020-02-01", periods=40),
        }
    )
    if gaps:
        frame.loc[::6, ["number", "visits"]] = np.nan
        frame.loc[1::6, "level"] = None
    return frame


def counts() -> np.ndarray:
    return np.floor(np.abs(np.sin(np.arange(30.0 * 6) * 0.37)) * 3).reshape(30, 6)


def images() -> np.ndarray:
    return np.abs(np.sin(np.arange(30.0 * 36) * 0.37)).reshape(30, 6, 6).round(3)


def sequences() -> np.ndarray:
    return np.sin(np.arange(30.0 * 10) * 0.41).reshape(30, 5, 2)


def domains() -> dict[str, np.ndarray]:
    return {"sample_domain": np.where(np.arange(40) % 2, -1, 1)}


def few() -> dict[str, np.ndarray]:
    return {"y": np.where(np.arange(40) % 3 == 0, rows()[:, 0] > 0, -1).astype(int)}


def height() -> dict[str, np.ndarray]:
    return {"y": np.where(np.arange(40) % 3 == 0, rows() @ [1, 2, 0, 0], np.nan)}


class Kind(NamedTuple):
    """An estimator, not yet fitted, the rows that it is fitted to and asked about, and more."""

    estimator: Any
    data: Callable[[], Any]
    given: Callable[[], dict[str, Any]] = dict


_TABLE = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
KINDS = {
    "autoencoder": Kind(Autoencoder(2, **_TABLE), rows),
    "autoencoder_of_parts": Kind(
        Autoencoder(
            2,
            architecture=Dense((3,)),
            latent=MMD(),
            corruption=GaussianNoise(0.1),
            penalties=[L1Weights(0.001), Contraction(0.01)],
            loss=HuberError(),
            early_stopping=False,
            max_iter=2,
            random_state=0,
        ),
        rows,
    ),
    "autoencoder_of_a_table": Kind(Autoencoder(2, early_stopping=False, **_TABLE), table),
    "autoencoder_of_normal_scores": Kind(Autoencoder(2, numeric_map="quantile", **_TABLE), rows),
    "autoencoder_of_missing_cells": Kind(Autoencoder(2, **_TABLE), incomplete),
    "sparse": Kind(SparseAutoencoder(5, **_TABLE), rows),
    "denoising": Kind(DenoisingAutoencoder(2, **_TABLE), rows),
    "contractive": Kind(ContractiveAutoencoder(2, **_TABLE), rows),
    "variational": Kind(VariationalAutoencoder(2, **_TABLE), rows),
    "variational_of_binary_rows": Kind(
        VariationalAutoencoder(2, loss="bernoulli", **_TABLE), binary_rows
    ),
    "wasserstein": Kind(WassersteinAutoencoder(2, **_TABLE), rows),
    "vector_quantized": Kind(VectorQuantizedAutoencoder(2, **_TABLE), rows),
    "stacked": Kind(StackedAutoencoder(2, **_TABLE), rows),
    "convolutional": Kind(
        ConvolutionalAutoencoder(2, channels=(2,), max_iter=1, random_state=0), images
    ),
    "recurrent": Kind(
        RecurrentAutoencoder(2, hidden_size=4, max_iter=1, random_state=0), sequences
    ),
    "feature_selector": Kind(
        AutoencoderFeatureSelector(2, estimator="ridge", random_state=0), rows
    ),
    "feature_selector_of_a_table": Kind(
        AutoencoderFeatureSelector(3, groups=[["number", "visits"]], random_state=0),
        lambda: table(gaps=True),
    ),
    "imputer": Kind(AutoencoderImputer(**_TABLE), incomplete),
    "imputer_of_a_table": Kind(
        AutoencoderImputer(add_indicator=True, **_TABLE), lambda: table(gaps=True)
    ),
    "imputer_by_autoencoders": Kind(
        AutoencoderImputer(DenoisingAutoencoder(2, **_TABLE), random_state=0), incomplete
    ),
    "imputer_by_pca": Kind(AutoencoderImputer(PCA(2), random_state=0), incomplete),
    "outlier_detector": Kind(
        AutoencoderOutlierDetector(Autoencoder(2, **_TABLE), n_estimators=2, random_state=0), rows
    ),
    "outlier_detector_of_its_own": Kind(
        AutoencoderOutlierDetector(training_rows="clean", n_estimators=1, random_state=0), rows
    ),
    "time_series_outlier_detector": Kind(
        TimeSeriesOutlierDetector(
            Autoencoder(2, **_TABLE), window=4, n_estimators=2, random_state=0
        ),
        rows,
    ),
    "time_series_outlier_detector_of_its_own": Kind(
        TimeSeriesOutlierDetector(training_rows="clean", n_estimators=1, random_state=0), rows
    ),
    "recommender": Kind(
        AutoencoderRecommender(alpha=1.0, dropout=0.5, network_weight=0.5, random_state=0), counts
    ),
    "recommender_in_closed_form": Kind(
        AutoencoderRecommender(alpha=1.0, dropout=0.5, network_weight=0, random_state=0), counts
    ),
    "manifold": Kind(ManifoldAutoencoder(random_state=0), rows),
    "manifold_by_medoids": Kind(
        ManifoldAutoencoder(
            encoder="medoids", decoder="averages", n_landmarks=10, max_samples=30, random_state=0
        ),
        lambda: table()[["number", "visits"]],
    ),
    "manifold_by_others": Kind(
        ManifoldAutoencoder(encoder="network", decoder="nystroem", random_state=0), rows
    ),
    "manifold_of_an_autoencoder": Kind(
        ManifoldAutoencoder(Autoencoder(2, penalties=[LocalStress()], **_TABLE)), rows
    ),
    "domain_adaptation": Kind(DomainAdaptationTransformer(), rows, domains),
    "domain_adaptation_by_an_adversary": Kind(
        DomainAdaptationTransformer(Autoencoder(2, **_TABLE), method="adversarial", random_state=0),
        rows,
        domains,
    ),
    "graph_adapted_classifier": Kind(
        GraphAdaptedClassifier(random_state=0), rows, lambda: {**domains(), "y": np.arange(40) % 3}
    ),
    "classifier": Kind(AutoencoderClassifier(Autoencoder(2, **_TABLE), random_state=0), rows, few),
    "classifier_without_rows": Kind(
        AutoencoderClassifier(Autoencoder(2, **_TABLE), distill=True, random_state=0),
        lambda: table(gaps=True),
        few,
    ),
    "classifier_of_joint_codes": Kind(
        AutoencoderClassifier(Autoencoder(2, **_TABLE), "joint", random_state=0), rows, few
    ),
    "regressor": Kind(AutoencoderRegressor(Autoencoder(2, **_TABLE), random_state=0), rows, height),
    "regressor_by_trees": Kind(
        AutoencoderRegressor(Autoencoder(2, **_TABLE), "frozen", random_state=0),
        lambda: np.tile(rows(), (6, 1)) + np.arange(240)[:, None] % 7 / 50,
        lambda: {"y": np.where(np.tile(rows()[:, 0], 6) > 0, 1.0, np.tile(rows()[:, 1], 6) > 0.3)},
    ),
    "super_resolver": Kind(SuperResolver(channels=2, depth=2, max_iter=1, random_state=0), images),
}
_METHODS = [
    "transform",
    "score_samples",
    "predict",
    "reconstruct",
    "impute",
    "sample",
]


@cache
def fitted(name: str) -> Any:
    """Return a fitted estimator of a kind, which is not to be changed."""
    kind = KINDS[name]
    return clone(kind.estimator).fit(kind.data(), **kind.given())


def answers(name: str, estimator: Any) -> dict[str, np.ndarray]:
    """Return what an estimator says of the rows of its kind, by method."""
    found = {}
    for method in _METHODS:
        if hasattr(estimator, method):
            given = 5 if method == "sample" else KINDS[name].data()
            more = {"random_state": 0} if method in ("sample", "impute") else {}
            found[method] = getattr(estimator, method)(given, **more)
    if is_classifier(estimator):
        found["predict_proba"] = estimator.predict_proba(KINDS[name].data())
    if isinstance(estimator, (AutoencoderFeatureSelector, ManifoldAutoencoder)):
        found["inverse_transform"] = estimator.inverse_transform(found["transform"])
    return {f"{m}_{part}": a for m, value in found.items() for part, a in _arrays(value).items()}


def _arrays(value: Any) -> dict[str, np.ndarray]:
    if isinstance(value, list):
        return {f"{i}_{k}": a for i, part in enumerate(value) for k, a in _arrays(part).items()}
    if not isinstance(value, pd.DataFrame):
        return {"": np.asarray(value)}
    numbers = value.select_dtypes("number")
    return {
        "numbers": numbers.to_numpy(np.float64),
        "others": value.drop(columns=numbers.columns).astype(str).to_numpy(np.str_),
    }
