"""The encoder's hidden layers as features beside the code."""

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from sklearn_ae import (
    Autoencoder,
    Convolutional,
    ConvolutionalAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)

SHARED = {"hidden_layer_sizes": (7, 5), "max_iter": 2, "random_state": 0}
ESTIMATORS = [
    Autoencoder(2, **SHARED),
    Autoencoder(2, init="random", normalization="batch", **SHARED),
    Autoencoder(2, tied_weights=True, **SHARED),
    SparseAutoencoder(6, **SHARED),
    VariationalAutoencoder(2, **SHARED),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_code_is_followed_by_the_hidden_layers(estimator, dtype, iris):
    X = iris.astype(dtype)
    plain = clone(estimator).fit(X)
    codes, k = plain.transform(X), plain.n_components_
    deep = plain.set_params(deep_features=True)  # needs no further fit
    features = deep.transform(X)
    assert features.dtype == dtype
    assert features.shape == (150, k + 7 + 5)
    np.testing.assert_array_equal(features[:, :k], codes)
    np.testing.assert_allclose(deep.inverse_transform(features), deep.inverse_transform(codes))
    np.testing.assert_allclose(deep.reconstruct(X), deep.inverse_transform(features))
    again = clone(deep).fit(X)
    np.testing.assert_array_equal(again.transform(X), features)


def test_hidden_layers_are_those_that_the_code_comes_from(iris):
    deep = Autoencoder(2, init="random", deep_features=True, **SHARED).fit(iris)
    _, _, last = np.split(deep.transform(iris), [2, 9], axis=1)
    layer = deep.net_.module_.encoder.mlp.last
    code = torch.from_numpy(last).float() @ layer.weight.T + layer.bias
    expected = deep.transform(iris)[:, :2]
    scaled = code.detach().numpy() * deep._model.code_scale
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


def test_names_of_features(iris):
    deep = Autoencoder(2, deep_features=True, **SHARED).set_output(transform="pandas")
    frame = deep.fit_transform(iris)
    names = list(deep.get_feature_names_out())
    assert list(frame.columns) == names
    assert names[:3] == ["autoencoder0", "autoencoder1", "autoencoder_hidden1_0"]
    assert names[8:] == ["autoencoder_hidden1_6", *(f"autoencoder_hidden2_{j}" for j in range(5))]
    assert len(deep.set_params(deep_features=False).get_feature_names_out()) == 2


def test_stages_all_have_their_layers(iris):
    stack = StackedAutoencoder(1, stage_sizes=(3,), deep_features=True, **SHARED).fit(iris)
    assert stack.transform(iris).shape == (150, 1 + 2 * (7 + 5))
    assert [stage.n_components_ for stage in stack.stages_] == [3, 1]
    assert stack.get_feature_names_out()[-1] == "stackedautoencoder_hidden4_4"


def test_a_condition_and_sparse_rows(iris):
    label = np.repeat([0, 1, 2], 50)
    deep = VariationalAutoencoder(2, deep_features=True, **SHARED).fit(iris, condition=label)
    assert deep.transform(iris, label).shape == (150, 14)
    deep = Autoencoder(2, deep_features=True, **SHARED).fit(iris)
    np.testing.assert_allclose(deep.transform(sparse.csr_array(iris)), deep.transform(iris))


def test_in_a_grid_search_of_a_pipeline(iris):
    y = np.repeat([0, 1, 2], 50)
    pipeline = make_pipeline(Autoencoder(2, **SHARED), LogisticRegression(max_iter=2000))
    sample_shape = {"autoencoder__deep_features": [False, True]}
    search = GridSearchCV(pipeline, sample_shape, cv=3).fit(iris, y)
    scores = search.cv_results_["mean_test_score"]
    assert min(scores) > 0.7
    for deep, width in ((False, 2), (True, 2 + 7 + 5)):
        fitted = clone(pipeline).set_params(autoencoder__deep_features=deep).fit(iris, y)
        assert fitted[-1].n_features_in_ == width


def test_linear_networks_have_no_hidden_layer(iris):
    linear = Autoencoder(2, hidden_layer_sizes=(), max_iter=0, deep_features=True).fit(iris)
    assert linear.transform(iris).shape == (150, 2)


def test_architectures_without_vectors_say_so(iris):
    own = Autoencoder(2, encoder=torch.nn.Linear, max_iter=0, deep_features=True)
    with pytest.raises(ValueError, match=r"deep_features=True needs .*OwnModules"):
        own.fit(iris)
    images = Autoencoder(2, architecture=Convolutional(channels=(2,)), max_iter=0)
    with pytest.raises(ValueError, match=r"deep_features=True needs .*Convolutional"):
        images.fit(iris).set_params(deep_features=True).transform(iris)
    for cls in (ConvolutionalAutoencoder, RecurrentAutoencoder):
        assert "deep_features" not in cls().get_params()


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_transformer_general,
        estimator_checks.check_transformer_preserve_dtypes,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_methods_subset_invariance,
        estimator_checks.check_n_features_in_after_fitting,
    ],
    ids=lambda c: c.__name__,
)
def test_checks_of_transformers_hold(check):
    check("Autoencoder", Autoencoder(2, deep_features=True, max_iter=1, random_state=0))
