"""What holds for every estimator."""

from __future__ import annotations

import inspect

import pytest
from numpydoc.docscrape import NumpyDocString
from sklearn.base import BaseEstimator, clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_ae
from sklearn_ae import (
    Autoencoder,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
)

pytestmark = pytest.mark.usefixtures("few_folds")

# The contract is that of the defaults; a narrow layer and a shorter cycle test it as well.
SHORT = {"hidden_layer_sizes": (8,), "max_iter": 2}
ESTIMATORS = [
    Autoencoder(**SHORT),
    ContractiveAutoencoder(**SHORT),
    ConvolutionalAutoencoder(max_iter=2),
    DenoisingAutoencoder(**SHORT),
    RecurrentAutoencoder(max_iter=2),
    SparseAutoencoder(**SHORT),
    StackedAutoencoder(**SHORT),
    VariationalAutoencoder(**SHORT),
    VectorQuantizedAutoencoder(**SHORT),
    WassersteinAutoencoder(**SHORT),
]

# scikit-learn runs these on its own estimators; check_estimator leaves them out.
FURTHER_CHECKS = [
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_get_feature_names_out_error,
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
    estimator_checks.check_param_validation,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_set_output_transform_polars,
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_global_set_output_transform_polars,
]


@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check, device):
    check(estimator.set_params(device=device))


# The set_output checks fit on a frame and transform an array, and the reverse, on purpose.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("check", FURTHER_CHECKS, ids=lambda c: c.__name__)
def test_further_checks(estimator, check):
    # They are of names, containers and parameters, which no epoch changes.
    check(type(estimator).__name__, clone(estimator).set_params(max_iter=0))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_training_leaves_rows_as_they_are(estimator):
    estimator_checks.check_inplace_ensure_writeable(type(estimator).__name__, clone(estimator))


def _classes() -> list[type]:
    public = [getattr(sklearn_ae, name) for name in sklearn_ae.__all__]
    return [c for c in public if inspect.isclass(c) and issubclass(c, BaseEstimator)]


@pytest.mark.parametrize("cls", _classes(), ids=lambda c: c.__name__)
def test_docstring_has_every_parameter_and_an_example(cls):
    doc = NumpyDocString(inspect.getdoc(cls))
    documented = [name for p in doc["Parameters"] for name in p.name.split(", ")]
    assert documented == [n for n in inspect.signature(cls).parameters if n != "self"]
    assert ">>>" in "\n".join(doc["Examples"])


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_docstring_has_every_learned_attribute(estimator, iris):
    fitted = clone(estimator).set_params(n_components=2).fit(iris)
    doc = NumpyDocString(inspect.getdoc(type(estimator)))
    documented = {p.name for p in doc["Attributes"]}
    properties = {n for n, _ in inspect.getmembers(type(estimator), lambda m: type(m) is property)}
    learned = {n for n in {*vars(fitted), *properties} if n.endswith("_") and n[0] != "_"}
    assert learned <= documented
    assert documented <= learned | {"feature_names_in_"}
