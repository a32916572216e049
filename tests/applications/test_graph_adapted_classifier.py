"""Labels of a source, spread over rows of a target."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_ae
from sklearn_ae import Autoencoder, GraphAdaptedClassifier, to_onnx
from sklearn_ae.applications._adaptation import exchanged, probabilities, spread_predictions
from sklearn_ae.applications._adaptation._spreading import with_class_shares
from sklearn_ae.starts import NeighbourGraph

RNG = np.random.default_rng(0)
CENTRES = 6 * RNG.normal(size=(4, 5))
N = 400
Y = np.arange(N) % 4
DOMAIN = np.where(np.arange(N) < N // 2, 1, -1)
TARGET = DOMAIN < 0
# Clusters of the target are shifted, by about as much as lies between them.
SHIFT = 0.45 * (CENTRES[1] - CENTRES[0])
X = CENTRES[Y] + RNG.normal(size=(N, 5)) + SHIFT * TARGET[:, None]
HIDDEN = np.where(TARGET, -1, Y)


def fitted(classifier=None, **options):
    return GraphAdaptedClassifier(classifier, random_state=0, **options).fit(
        X, HIDDEN, sample_domain=DOMAIN
    )


# Without sample_domain the classifier itself answers, with a warning.
@pytest.mark.filterwarnings("ignore:GraphAdaptedClassifier was fitted without sample_domain")
@parametrize_with_checks([GraphAdaptedClassifier(), GraphAdaptedClassifier(LogisticRegression())])
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:GraphAdaptedClassifier was fitted without sample_domain")
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_param_validation,
        estimator_checks.check_inplace_ensure_writeable,
    ],
    ids=lambda check: check.__name__,
)
def test_further_checks(check):
    check("GraphAdaptedClassifier", GraphAdaptedClassifier())


@pytest.fixture(scope="module")
def digits():
    """Digits, every second of which is one pixel to the right."""
    rows, y = load_digits(return_X_y=True)
    target = np.arange(len(y)) % 2 > 0
    rows[target] = np.roll(rows[target].reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)
    return rows, y, target


@pytest.mark.parametrize("classifier", [None, SVC()])
def test_digits_that_are_shifted_are_read(digits, classifier):
    rows, y, target = digits
    fit = np.arange(len(y)) % 8 != 7
    model = GraphAdaptedClassifier(classifier, random_state=0)
    model.fit(rows[fit], np.where(target, -1, y)[fit], sample_domain=np.where(target, -1, 1)[fit])
    alone = GraphAdaptedClassifier(classifier, random_state=0)
    with pytest.warns(UserWarning, match="without sample_domain"):
        alone.fit(rows[fit & ~target], y[fit & ~target])
    assert model.adapted_
    assert not alone.adapted_
    for part in (fit & target, ~fit & target):  # those of the fit, and new ones
        assert model.score(rows[part], y[part]) > alone.score(rows[part], y[part]) + 0.2
    shares = model.predict_proba(rows[target])
    assert_allclose(shares.sum(axis=1), 1)
    assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(rows[target]))


def test_domains_that_are_alike_are_left_to_the_classifier(digits):
    _, y, _ = digits
    rows = load_digits().data
    domain = np.where(np.arange(len(y)) % 3, 1, -1)
    model = GraphAdaptedClassifier(SVC(), random_state=0).fit(rows, y, sample_domain=domain)
    assert not model.adapted_
    assert model.evidence_.target_exchanged < 0.02
    expected = SVC().fit(rows[domain > 0], y[domain > 0])
    assert_array_equal(model.predict(rows), expected.predict(rows))


def test_labels_that_neighbours_do_not_share_are_left_to_the_classifier():
    rows = RNG.normal(size=(600, 30))
    y = (rows[:, 0] > 0).astype(int)
    domain = np.where(np.arange(600) % 2, 1, -1)
    model = GraphAdaptedClassifier(LogisticRegression()).fit(rows, y, sample_domain=domain)
    assert not model.adapted_
    assert model.evidence_.graph_accuracy < model.evidence_.accuracy - 0.02


def test_labels_of_the_target_are_not_looked_at():
    expected = fitted().predict_proba(X)
    other = GraphAdaptedClassifier(random_state=0)
    shuffled = np.where(TARGET, RNG.permutation(Y) + 7, Y)
    assert_array_equal(other.fit(X, shuffled, sample_domain=DOMAIN).predict_proba(X), expected)
    named = np.where(TARGET, "?", np.array(["a", "b", "c", "d"])[Y])
    found = other.fit(X, named, sample_domain=DOMAIN)
    assert_array_equal(found.predict_proba(X), expected)
    assert_array_equal(found.classes_, list("abcd"))
    assert set(found.predict(X)) <= set("abcd")
    mixed = np.where(TARGET, None, named.astype(object))
    assert_array_equal(other.fit(X, mixed, sample_domain=DOMAIN).predict_proba(X), expected)


def test_spreading_once_is_the_closed_form():
    graph = NeighbourGraph(X[TARGET])
    shares = RNG.dirichlet(np.ones(4), TARGET.sum())
    found = spread_predictions(graph, shares, np.full(4, 0.25), 0.9)
    weights = graph.weights.toarray()
    degree = weights.sum(axis=1)
    system = np.eye(len(degree)) - 0.9 * weights / np.sqrt(np.outer(degree, degree))
    given = (shares + 1e-6) / (1 + 4e-6)
    dense = np.linalg.solve(system, given / given.sum(axis=0))
    assert_allclose(found, with_class_shares(dense, np.full(4, 0.25)), atol=1e-8)
    assert_allclose(found.mean(axis=0), 0.25, atol=1e-6)
    assert_allclose(found.sum(axis=1), 1)


def test_exchanges_are_what_class_shares_do_not_ask_for():
    before = np.array([0, 0, 0, 1, 1, 2])
    assert exchanged(before, before, 3) == 0
    assert exchanged(before, np.array([1, 0, 0, 0, 1, 2]), 3) == pytest.approx(2 / 6)
    assert exchanged(before, np.array([1, 1, 1, 1, 1, 2]), 3) == 0


def test_class_shares_of_the_target_may_be_told(digits):
    rows, y, target = digits
    kept = ~target | (y < 3) | (np.arange(len(y)) % 4 == 1)
    rows, y, target = rows[kept], y[kept], target[kept]
    prior = np.bincount(y[target]) / target.sum()
    domain = np.where(target, -1, 1)
    told, not_told = (
        GraphAdaptedClassifier(SVC(), class_prior=given, random_state=0)
        .fit(rows, y, sample_domain=domain)
        .score(rows[target], y[target])
        for given in (prior, None)
    )
    assert told > not_told + 0.05


@pytest.mark.parametrize("prior", [[0.5, 0.5], [0.4] * 4, [1.0, 0.0, 0.0, 0.0], [[0.25] * 4]])
def test_class_shares_that_are_none_are_named(prior):
    with pytest.raises(ValueError, match=r"class_prior=.*4 positive shares that sum to 1"):
        fitted(class_prior=prior)


@pytest.mark.parametrize(
    "classifier",
    [LinearSVC(), KNeighborsClassifier(), make_pipeline(StandardScaler(), LogisticRegression())],
    ids=lambda c: type(c).__name__,
)
def test_classifiers_of_all_kinds(classifier):
    model = fitted(classifier)
    shares = model.predict_proba(X)
    assert shares.shape == (N, 4)
    assert_allclose(shares.sum(axis=1), 1)
    own = clone(classifier).fit(X[~TARGET], Y[~TARGET])
    assert_array_equal(model.classifier_.predict(X), own.predict(X))


def test_probabilities_of_a_binary_decision():
    model = LinearSVC().fit(X, Y > 1)
    shares = probabilities(model, X)
    assert_array_equal(shares[:, 1] > 0.5, model.predict(X))
    assert_allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize("classifier", [None, LogisticRegression(), "pipeline"])
def test_rows_of_weight_zero_are_as_good_as_absent(classifier):
    if classifier == "pipeline":
        classifier = make_pipeline(StandardScaler(with_mean=False, with_std=False), SVC())
    weight = np.where(np.arange(N) % 5, 1.0, 0.0)
    far = X + 1000 * (weight == 0)[:, None]
    model = GraphAdaptedClassifier(classifier, random_state=0)
    with_all = model.fit(far, HIDDEN, sample_domain=DOMAIN, sample_weight=weight).predict_proba(X)
    kept = weight > 0
    model.fit(X[kept], HIDDEN[kept], sample_domain=DOMAIN[kept], sample_weight=weight[kept])
    assert_allclose(with_all, model.predict_proba(X), atol=1e-4)


def test_weights_that_a_classifier_does_not_take_are_named():
    with pytest.raises(ValueError, match="sample_weight was given, but classifier=KNeighbors"):
        GraphAdaptedClassifier(KNeighborsClassifier()).fit(
            X, Y, sample_domain=DOMAIN, sample_weight=np.ones(N)
        )


def test_codes_of_an_autoencoder_are_where_rows_are():
    code = Autoencoder(2, max_iter=2, random_state=0)
    model = fitted(estimator=code)
    assert model.n_features_in_ == 5
    assert model.predict_proba(X).shape == (N, 4)
    images = X.reshape(N, 5, 1)
    assert_array_equal(fitted(SVC(), estimator=PCA(2)).predict(X[:3]).shape, (3,))
    with pytest.raises(ValueError, match="features"):
        model.predict(images[:, :3, 0])


def test_mixed_tables_with_missing_cells():
    frame = pd.DataFrame(X.copy(), columns=list("abcde"))
    frame["f"] = np.array(["u", "v", "w", "u"])[Y]
    frame.loc[::7, "a"] = np.nan
    model = GraphAdaptedClassifier(random_state=0).fit(frame, HIDDEN, sample_domain=DOMAIN)
    assert model.score(frame[TARGET], Y[TARGET]) > 0.5
    assert list(model.feature_names_in_) == list("abcdef")
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    by_user = GraphAdaptedClassifier(encoded).fit(frame[["f"]], HIDDEN, sample_domain=DOMAIN)
    assert by_user.predict(frame[["f"]]).shape == (N,)
    with pytest.raises(ValueError, match="feature"):
        model.predict(frame[["a", "b"]])


BAD = [
    (
        np.ones(N),
        r"no row of the target among the 400; pass non-negative .* negative ones",
    ),
    (-np.ones(N), r"no row of the source among the 400; pass non-negative"),
    (np.ones(3), r"shape \(3,\), but X has 400 rows"),
    (np.where(TARGET, np.nan, 1.0), r"has np\.float64\(nan\) in row 200|has nan in row 200"),
    (np.where(TARGET, -0.5, 1.0), r"-0\.5\)? in row 200"),
    (np.where(TARGET, "target", "source"), r"'source'\)? in row 0, which is of no domain"),
    (np.where(TARGET, np.inf, 1.0), r"inf\)? in row 200"),
    (DOMAIN > 0, r"True_?\)? in row 0"),
    (np.c_[DOMAIN, DOMAIN], r"shape \(400, 2\)"),
    (1, r"shape \(\)"),
]


@pytest.mark.parametrize(("domain", "message"), BAD)
def test_bad_domains_are_named_and_lose_nothing(domain, message):
    model = fitted()
    before, state = model.predict_proba(X), dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, HIDDEN, sample_domain=domain)
    assert vars(model) == state
    assert_array_equal(model.predict_proba(X), before)


def test_bad_labels_are_named():
    with pytest.raises(ValueError, match="one class in the rows of the source, 0"):
        GraphAdaptedClassifier().fit(X, np.where(TARGET, Y, 0), sample_domain=DOMAIN)
    with pytest.raises(ValueError, match="requires y to be passed"):
        GraphAdaptedClassifier().fit(X, None, sample_domain=DOMAIN)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        GraphAdaptedClassifier().fit(X, Y[:5], sample_domain=DOMAIN)
    with pytest.raises(ValueError, match="No row of the source has a label: all 200"):
        GraphAdaptedClassifier().fit(X, np.where(TARGET, Y, -1), sample_domain=DOMAIN)


@pytest.mark.parametrize("mark", [-1, np.nan])
def test_the_classifier_is_not_fitted_to_rows_of_the_source_without_a_label(mark):
    unknown = np.arange(N) % 5 == 0
    model = GraphAdaptedClassifier(SVC(), random_state=0)
    model.fit(X, np.where(unknown, mark, Y), sample_domain=DOMAIN)
    known = ~unknown & ~TARGET
    assert_array_equal(model.classes_, np.unique(Y))
    assert_array_equal(model.classifier_.predict(X), SVC().fit(X[known], Y[known]).predict(X))


def test_what_is_no_classifier_or_no_prior_is_named():
    with pytest.raises(ValueError, match=r"classifier=SVR\(\) is a regressor; use a classifier"):
        GraphAdaptedClassifier(SVR()).fit(X, HIDDEN, sample_domain=DOMAIN)
    with pytest.raises(ValueError, match="shares that sum to 1, one for each class, in the order"):
        GraphAdaptedClassifier(class_prior={0: 1.0}).fit(X, HIDDEN, sample_domain=DOMAIN)


@pytest.mark.parametrize(
    ("y", "domain", "message"),
    [
        (Y, np.where(np.arange(N) == 7, -1, 1), "The target has one row"),
        (np.where(np.arange(N) == 7, 9, Y), DOMAIN, "Class 9 has one row in the source"),
    ],
)
def test_too_little_to_judge_by_is_left_to_the_classifier(y, domain, message):
    with pytest.warns(UserWarning, match=message + r".*the classifier itself answers"):
        model = GraphAdaptedClassifier(SVC()).fit(X, y, sample_domain=domain)
    assert not model.adapted_
    assert model.evidence_ is None
    own = SVC().fit(X[domain >= 0], y[domain >= 0])
    assert_array_equal(model.predict(X), own.predict(X))


def test_rows_without_a_label_do_not_count_in_scores():
    model = fitted()
    assert model.score(X, HIDDEN) == model.score(X[~TARGET], Y[~TARGET])
    with pytest.raises(ValueError, match="No row has a label to score by"):
        model.score(X[TARGET], HIDDEN[TARGET])


def test_what_is_mostly_wrong_is_not_spread(digits):
    rows, y, target = digits
    domain, weight = np.where(target, -1, 1), np.full(len(y), 1e-3)
    model = GraphAdaptedClassifier(random_state=0)
    assert model.fit(rows, y, sample_domain=domain).adapted_
    model.fit(rows, y, sample_domain=domain, sample_weight=weight)
    assert model.evidence_.accuracy < 0.5
    assert not model.adapted_


@pytest.mark.parametrize("function", [lambda Z: Z[:5], lambda Z: Z * np.nan])
def test_an_estimator_without_a_code_a_row_is_named(function):
    model = GraphAdaptedClassifier(estimator=FunctionTransformer(function))
    with pytest.raises(ValueError, match=r"estimator=FunctionTransformer.* made codes of shape"):
        model.fit(X, HIDDEN, sample_domain=DOMAIN)


def test_domains_are_routed():
    with config_context(enable_metadata_routing=True):
        model = GraphAdaptedClassifier(SVC(), random_state=0).set_fit_request(sample_domain=True)
        pipeline = make_pipeline(StandardScaler(), model).fit(X, HIDDEN, sample_domain=DOMAIN)
        assert pipeline[-1].evidence_ is not None
        assert pipeline.predict(X).shape == (N,)


def test_fits_are_equal_bit_for_bit_and_saved(digits):
    rows, y, target = digits
    domain = np.where(target, -1, 1)
    first, again = (
        GraphAdaptedClassifier(SVC(), random_state=3).fit(rows, y, sample_domain=domain)
        for _ in range(2)
    )
    assert first.adapted_
    expected = first.predict_proba(rows)
    assert_array_equal(again.predict_proba(rows), expected)
    loaded = pickle.loads(pickle.dumps(first))
    assert_array_equal(loaded.predict_proba(rows), expected)
    assert loaded.evidence_ == first.evidence_
    loaded = skops.io.loads(skops.io.dumps(first), trusted=sklearn_ae.TRUSTED_TYPES)
    assert_array_equal(loaded.predict_proba(rows), expected)
    with pytest.raises(NotImplementedError, match="GraphAdaptedClassifier"):
        to_onnx(first, rows)


def test_a_missing_domain_warns():
    with pytest.warns(UserWarning, match="all rows are of the source.*pass non-negative"):
        model = GraphAdaptedClassifier().fit(X, Y)
    assert not model.adapted_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted()
