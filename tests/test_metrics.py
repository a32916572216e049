"""reconstruction_r2 is a share of variance, for PCA, autoencoders and Pipelines alike."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder
from sklearn_ae.metrics import reconstruction_r2

X = load_iris().data


class Recall:
    """Restores every row from a stored answer."""

    def __init__(self, answer: np.ndarray) -> None:
        self.answer = answer

    def transform(self, X: np.ndarray) -> np.ndarray:
        return X

    def inverse_transform(self, Z: np.ndarray) -> np.ndarray:
        return self.answer


def autoencoder(n_components: int = 2, max_iter: int = 2) -> Autoencoder:
    return Autoencoder(
        n_components,
        hidden_layer_sizes=(8,),
        max_iter=max_iter,
        early_stopping=False,
        random_state=0,
    )


def by_hand(X: np.ndarray, restored: np.ndarray, weight: np.ndarray | None = None) -> float:
    mean = np.average(X, axis=0, weights=weight)
    weight = np.ones(len(X)) if weight is None else weight
    return 1 - weight @ (X - restored) ** 2 @ np.ones(X.shape[1]) / (
        weight @ (X - mean) ** 2 @ np.ones(X.shape[1])
    )


@pytest.mark.parametrize("n_components", [1, 2, 4])
def test_on_training_rows_of_pca_it_is_the_explained_variance(n_components: int) -> None:
    pca = PCA(n_components).fit(X)
    expected = pca.explained_variance_ratio_.sum()
    assert reconstruction_r2(pca, X) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_components", [1, 2])
def test_the_start_scores_like_pca_on_rows_it_has_not_seen(n_components: int) -> None:
    train, test = X[::2], X[1::2]
    ours = autoencoder(n_components, max_iter=0).fit(train)
    assert reconstruction_r2(ours, test) == pytest.approx(
        reconstruction_r2(PCA(n_components).fit(train), test), abs=1e-6
    )
    assert reconstruction_r2(ours, train) == pytest.approx(
        ours.explained_variance_ratio_.sum(), abs=1e-6
    )


def test_it_is_1_for_a_perfect_and_0_for_a_constant_reconstruction() -> None:
    assert reconstruction_r2(Recall(X), X) == 1
    means = np.broadcast_to(X.mean(axis=0), X.shape)
    assert reconstruction_r2(Recall(means), X) == pytest.approx(0, abs=1e-12)


def test_it_is_the_formula_and_a_python_float() -> None:
    restored = X + np.random.default_rng(0).normal(size=X.shape)
    score = reconstruction_r2(Recall(restored), X)
    assert type(score) is float
    assert score == pytest.approx(by_hand(X, restored), abs=1e-12)


def test_columns_count_by_their_variance() -> None:
    wide = X * [1, 1, 1, 1e6]
    restored = wide.copy()
    restored[:, 3] = wide[:, 3].mean()
    assert reconstruction_r2(Recall(restored), wide) == pytest.approx(0, abs=1e-6)


def test_a_constant_column_does_not_count() -> None:
    padded = np.c_[X, np.full(len(X), 7.0)]
    assert reconstruction_r2(PCA(2).fit(padded), padded) == pytest.approx(
        reconstruction_r2(PCA(2).fit(X), X), abs=1e-12
    )


def test_weights_enter_errors_and_means() -> None:
    weight = np.random.default_rng(0).uniform(size=len(X))
    fitted = autoencoder().fit(X)
    score = reconstruction_r2(fitted, X, sample_weight=weight)
    assert score == pytest.approx(by_hand(X, fitted.reconstruct(X), weight), abs=1e-12)
    assert score != reconstruction_r2(fitted, X)


def test_a_weight_counts_like_repeated_rows() -> None:
    times = np.random.default_rng(0).integers(0, 3, size=len(X))
    fitted = PCA(2).fit(X)
    weighted = reconstruction_r2(fitted, X, sample_weight=times)
    repeated = reconstruction_r2(fitted, np.repeat(X, times, axis=0))
    assert weighted == pytest.approx(repeated, abs=1e-12)


@pytest.mark.parametrize("last", [PCA(2), autoencoder()], ids=["pca", "autoencoder"])
def test_a_pipeline_is_scored_in_the_units_of_its_input(last: object) -> None:
    pipeline = make_pipeline(StandardScaler(), last).fit(X)
    restored = pipeline.inverse_transform(pipeline.transform(X))
    assert reconstruction_r2(pipeline, X) == pytest.approx(by_hand(X, restored), abs=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_data_frames_score_like_arrays(library: str, output: str) -> None:
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({f"x{i}": X[:, i] for i in range(4)})
    fitted = autoencoder().set_output(transform=output).fit(frame)
    expected = reconstruction_r2(autoencoder().fit(X), X)
    assert reconstruction_r2(fitted, frame) == pytest.approx(expected, abs=1e-12)


def test_labels_are_ignored() -> None:
    fitted = PCA(2).fit(X)
    assert reconstruction_r2(fitted, X, load_iris().target) == reconstruction_r2(fitted, X)


def test_it_chooses_the_number_of_components_in_a_grid_search() -> None:
    folds = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), autoencoder()),
        {"autoencoder__n_components": [1, 3]},
        scoring=reconstruction_r2,
        cv=folds,
        error_score="raise",
    ).fit(X)
    assert search.best_params_ == {"autoencoder__n_components": 3}
    alone = cross_val_score(search.best_estimator_, X, scoring=reconstruction_r2, cv=folds)
    assert_allclose(search.best_score_, alone.mean(), rtol=1e-12)


def test_it_compares_pca_with_an_autoencoder_in_one_search() -> None:
    pipeline = make_pipeline(StandardScaler(), PCA())
    search = GridSearchCV(
        pipeline,
        {"pca": [PCA(2), autoencoder(2, max_iter=0)]},
        scoring=reconstruction_r2,
        cv=KFold(3, shuffle=True, random_state=0),
        error_score="raise",
    ).fit(X)
    pca, start = search.cv_results_["mean_test_score"]
    assert start == pytest.approx(pca, abs=1e-6)
