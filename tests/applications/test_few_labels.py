"""Classes and numbers from few labels: what is averaged, what is refused, what is taken."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_ae
from sklearn_ae import (
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderRegressor,
    ConvolutionalAutoencoder,
    RecurrentAutoencoder,
)
from sklearn_ae.applications._few_labels import _estimator
from sklearn_ae.applications._few_labels._average import Average
from sklearn_ae.applications._few_labels._candidates import LinearHead, Prior, Sight
from sklearn_ae.applications._few_labels._tasks import Classes, Numbers

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
INNER = Autoencoder(2, **SMALL)
MODES = ["auto", "frozen", "graph", "joint", "fine-tuned"]


def classifier(*given, **options):
    return AutoencoderClassifier(*given, **{"random_state": 0} | options)


def regressor(*given, **options):
    return AutoencoderRegressor(*given, **{"random_state": 0} | options)


@pytest.fixture
def few(iris_labels):
    return np.where(np.arange(150) % 10 == 0, iris_labels, -1)


@pytest.fixture
def iris_labels():
    return np.repeat([0, 1, 2], 50)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X, y, np.where(np.arange(442) % 5 == 0, y, np.nan)


# Many checks have the labels -1 and 1, of which -1 then counts as a class.
@pytest.mark.filterwarnings("ignore:y holds -1 and")
@parametrize_with_checks(
    [
        AutoencoderClassifier(Autoencoder(max_iter=0)),
        AutoencoderRegressor(Autoencoder(max_iter=0), "frozen"),
    ]
)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X, held_out, y, truth = train_test_split(X, y, test_size=0.4, random_state=100, stratify=y)
    scaler = StandardScaler().fit(X)
    known = train_test_split(np.arange(len(y)), train_size=50, random_state=0, stratify=y)[0]
    labels = np.full(len(y), -1)
    labels[known] = y[known]
    return scaler.transform(X), labels, scaler.transform(held_out), truth


def test_few_labels_of_digits_say_more_than_to_a_linear_model(digits):
    X, labels, held_out, truth = digits
    model = classifier(Autoencoder(max_iter=0)).fit(X, labels)
    known = labels >= 0
    alone = LogisticRegression(max_iter=500).fit(X[known], labels[known])
    assert model.score(held_out, truth) > alone.score(held_out, truth) + 0.05
    weights = model.candidates_.set_index("candidate")["weight"]
    assert weights.filter(like="graph(range").sum() > 0.9
    short = classifier(Autoencoder(max_iter=0), distill=True).fit(X, labels)
    assert short.score(held_out, truth) > alone.score(held_out, truth)
    assert len(pickle.dumps(short)) < len(pickle.dumps(model)) / 1.3


@pytest.mark.parametrize("mode", MODES)
def test_modes(mode, iris, few, iris_labels, diabetes):
    model = classifier(INNER, mode).fit(iris, few)
    proba = model.predict_proba(iris)
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(iris), model.classes_[proba.argmax(axis=1)])
    assert_allclose(np.exp(model.decision_function(iris)), proba)
    assert model.score(iris, iris_labels) > 0.75
    assert model.transform(iris).shape == (150, 2)
    found = model.candidates_
    assert found["weight"].sum() == pytest.approx(1)
    views = {name.partition("(")[0] for name in found["candidate"]}
    heads = {"frozen": {"linear"}, "graph": {"graph"}, "auto": {"linear", "graph"}}
    assert views == heads.get(mode, {"linear"}) | ({"prior"} if mode in heads else set())
    X, y, known = diabetes
    assert regressor(INNER, mode).fit(X, known).score(X, y) > 0.25


def test_weights_follow_from_held_out_losses(iris, few):
    found = classifier(INNER, "graph").fit(iris, few).candidates_
    expected = np.exp(-15 * (found["log_loss"] - found["log_loss"].min()))
    assert_allclose(found["weight"], expected / expected.sum())
    assert found["log_loss"][0] == pytest.approx(np.log(3), abs=0.1)  # the prior


def test_labels_that_say_nothing_leave_the_prior():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.random(300) < 0.2
    model = classifier(Autoencoder(2, max_iter=0)).fit(X, y)
    assert_allclose(model.predict_proba(X)[:, 1], y.mean(), atol=0.12)
    numbers = regressor(Autoencoder(2, max_iter=0)).fit(X, rng.normal(size=300))
    assert np.std(numbers.predict(X)) < 0.3


def test_the_average_keeps_what_has_a_say():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 2))
    target = np.eye(2)[(rows[:, 0] > 0).astype(int)]
    sight = Sight({"codes": rows}, 200, 7, 0)
    known = _estimator.Known(np.arange(200), target, np.ones(200), np.arange(200) % 5)
    average = Average(Classes(2), [Prior(), LinearHead("codes", 1.0)]).fit(sight, known)
    assert [c.name for c in average.candidates] == ["linear(codes, 1)"]
    assert average.weights == [1.0]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_trees_are_those_of_scikit_learn(n_classes):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    from sklearn_ae.applications._few_labels._tasks import _TREES

    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    y = (np.nan_to_num(2 * X[:, 0]) + rng.random(400)).astype(int) % n_classes
    found = Classes(n_classes).boosted(X, np.eye(n_classes)[y], np.ones(400), 0)
    expected = HistGradientBoostingClassifier(**_TREES, random_state=0).fit(X, y)
    assert_allclose(found(X), expected.predict_proba(X))
    number = np.nan_to_num(X[:, :1])
    found = Numbers().boosted(X, number, np.ones(400), 0)
    expected = HistGradientBoostingRegressor(**_TREES, random_state=0).fit(X, number[:, 0])
    assert_allclose(found(X)[:, 0], expected.predict(X), atol=1e-12)


def test_trees_take_part_where_there_are_enough_labels():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(600, 4))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = classifier(Autoencoder(2, max_iter=0), "frozen").fit(X[:400], y[:400])
    assert model.score(X[400:], y[400:]) > 0.9
    assert "trees(cells)" in set(model.candidates_["candidate"])
    few = np.where(np.arange(400) < 100, y[:400], -1)
    assert "trees(cells)" not in set(clone(model).fit(X[:400], few).candidates_["candidate"])


def test_a_fitted_autoencoder_is_taken_as_it_is(iris, few):
    held = clone(INNER).fit(iris[::2])
    before = pickle.dumps(held)
    for given in (held, FrozenEstimator(held)):
        model = classifier(given).fit(iris, few)
        assert model.estimator_ is held
        assert_array_equal(model.transform(iris), held.transform(iris))
    assert clone(classifier(FrozenEstimator(held))).fit(iris, few).estimator_ is held
    tuned = classifier(held, "fine-tuned").fit(iris, few)
    assert tuned.estimator_ is not held
    assert np.abs(tuned.transform(iris) - held.transform(iris)).max() > 1e-3
    assert pickle.dumps(held) == before
    with pytest.raises(ValueError, match=r"mode='joint'.*use mode='fine-tuned'"):
        classifier(held, "joint").fit(iris, few)
    with pytest.raises(ValueError, match=r"holds no autoencoder.*in front"):
        classifier(FrozenEstimator(StandardScaler().fit(iris))).fit(iris, few)
    with pytest.raises(NotFittedError):
        classifier(FrozenEstimator(INNER)).fit(iris, few)


def test_labels_change_the_codes_that_are_trained_with_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 6)) * [3, 3, 3, 1, 1, 1]
    y = (X[:, 5] > 0).astype(int)  # in a direction of little variance
    inner = Autoencoder(2, hidden_layer_sizes=(16,), max_iter=15, random_state=0)
    joint = classifier(inner, "joint", label_weight=3.0).fit(X[:1000], y[:1000])
    without = classifier(inner, "joint", label_weight=1e-9).fit(X[:1000], y[:1000])
    assert joint.score(X[1000:], y[1000:]) > without.score(X[1000:], y[1000:]) + 0.15
    assert "labels" in joint.estimator_.history_


def test_tables_images_and_sequences(iris, few, iris_labels):
    holes = iris.copy()
    holes[::3, 1] = np.nan
    frame = pd.DataFrame(holes, columns=list("abcd"))
    frame["kind"] = pd.Categorical(np.array(list("uvw"))[np.arange(150) % 3])
    text = np.array(["ash", "elm", "oak"], dtype=object)[iris_labels]
    some = np.where(few < 0, None, text)
    marked = np.where(few < 0, -1, text)
    found = classifier(INNER).fit(frame, some)
    assert found.score(frame, text.astype(str)) > 0.85
    assert list(found.feature_names_in_) == [*"abcd", "kind"]
    for labels in (marked, pd.Series(some), pd.Series(some, dtype="category"), some.tolist()):
        again = classifier(INNER).fit(frame, labels)
        assert_array_equal(again.predict(frame), found.predict(frame))
    assert list(classifier(INNER).fit(frame, pd.Series(some, dtype="string")).classes_) == [
        "ash",
        "elm",
        "oak",
    ]
    csr = sparse.csr_array(iris)
    assert_allclose(
        classifier(INNER).fit(csr, few).predict_proba(csr),
        classifier(INNER).fit(csr, np.where(few < 0, np.nan, few)).predict_proba(csr),
    )
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    some = np.where(np.arange(60) % 6 == 0, y, -1).astype(float)
    some[some < 0] = np.nan
    images = rng.random((60, 6, 6)) + y[:, None, None]
    steps = [rng.random((5 + i % 3, 2)) + y[i] for i in range(60)]
    for inner, rows in (
        (ConvolutionalAutoencoder(2, channels=(2,), max_iter=1), images),
        (RecurrentAutoencoder(2, hidden_size=4, max_iter=1), steps),
    ):
        assert classifier(inner).fit(rows, some).score(rows, y) > 0.9


def test_several_labels_and_several_numbers(iris, iris_labels, diabetes):
    every = np.column_stack([iris_labels == 0, iris_labels == 2, iris_labels > 0]).astype(int)
    some = np.where((np.arange(150) % 10 == 0)[:, None], every, -1)
    some[5, 0] = every[5, 0]  # one label of a row is known
    model = classifier(INNER).fit(iris, some)
    assert model.predict(iris).shape == model.predict_proba(iris).shape == (150, 3)
    assert model.score(iris, every) > 0.8
    assert set(model.candidates_["output"]) == {0, 1, 2}
    assert classifier(INNER, "joint").fit(iris, some).score(iris, every) > 0.7
    X, _, known = diabetes
    both = regressor(INNER).fit(X, np.column_stack([known, 10 * known]))
    found = both.predict(X)
    assert_allclose(found[:, 1], 10 * found[:, 0], rtol=1e-6)
    assert_allclose(found[:, 0], regressor(INNER).fit(X, known).predict(X))


def test_weights_of_rows_and_classes(iris, few, iris_labels):
    half = np.where(np.arange(150) < 75, 0.0, 2.0)
    assert 0 not in classifier(INNER).fit(iris, few, sample_weight=half).predict(iris)
    with pytest.raises(ValueError, match="positive weight"):
        classifier(INNER).fit(iris, few, sample_weight=(few < 0).astype(float))
    heavy = classifier(INNER, class_weight={0: 1, 1: 100, 2: 1}).fit(iris, few)
    plain = classifier(INNER).fit(iris, few)
    assert (heavy.predict(iris) == 1).sum() > (plain.predict(iris) == 1).sum()
    rare = np.where((iris_labels == 2) & (np.arange(150) % 20 > 0), -1, iris_labels)
    balanced = classifier(INNER, class_weight="balanced").fit(iris, rare)
    plain = classifier(INNER).fit(iris, rare)
    proba = [m.predict_proba(iris)[:, 2].mean() for m in (balanced, plain)]
    assert proba[0] > proba[1]


def test_minus_one_is_a_class_where_one_other_remains(iris, iris_labels):
    labels = np.where(iris_labels == 0, -1, 1)
    with pytest.warns(UserWarning, match="y holds -1 and 1 alone") as caught:
        model = classifier(INNER).fit(iris, labels)
    assert caught[0].filename == __file__
    assert model.score(iris, labels) > 0.95
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        missing = classifier(INNER).fit(iris, np.where(np.arange(150) % 2, labels, np.nan))
    assert_array_equal(missing.classes_, [-1, 1])


def test_a_class_of_one_row(iris, few, iris_labels):
    few = np.where((few == 2) & (np.arange(150) != 140), -1, few)
    model = classifier(INNER).fit(iris, few)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.predict_proba(iris)[iris_labels == 2, 2].mean() > 0.1


BAD = {
    "none": (lambda y: np.full(150, -1), "No row has a label: all 150 entries"),
    "nan": (lambda y: np.full(150, np.nan), "No row has a label"),
    "one_class": (lambda y: np.where(y < 0, np.nan, 5), "one class, 5.0, .* at least two classes"),
    "infinite": (lambda y: np.where(y < 0, np.inf, y), "infinity.*row 1 has inf"),
    "short": (lambda y: y[:20], "y has 20 entries and X has 150 rows"),
    "text": (lambda y: np.array(["a", -1, "b"] * 50), "text and holds '-1'.*array of objects"),
    "mixed": (lambda y: ["a", "b", 3] * 50, "mixes text such as 'a' with numbers such as 3"),
    "continuous": (lambda y: np.linspace(0, 1, 150), "Unknown label type"),
    "absent": (lambda y: None, "requires y to be passed"),
    "deep": (lambda y: y[:, None, None], r"shape \(150, 1, 1\)"),
    "not_0_or_1": (lambda y: np.column_stack([y, y]), "Unknown label type.*holds 2"),
    "column": (lambda y: np.column_stack([y > 0, 0 * y - 1]), "column 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_labels_are_refused_and_lose_nothing(case, iris, few):
    make, message = BAD[case]
    model = classifier(INNER).fit(iris, few)
    before = model.predict_proba(iris)
    with pytest.raises(ValueError, match=message):
        model.fit(iris, make(few))
    assert_array_equal(model.predict_proba(iris), before)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(442, np.nan), "No row has a label"),
        (np.r_[np.inf, np.ones(441)], "infinity.*row 0 has inf"),
        (np.array(["a"] * 442), "holds 'a', but a regressor needs numbers"),
        (np.ones(3), "y has 3 entries"),
        (None, "requires y to be passed"),
        (np.column_stack([np.ones(442), np.full(442, np.nan)]), "column 1"),
    ],
)
def test_bad_numbers_are_refused(y, message, diabetes):
    X, _, known = diabetes
    model = regressor(Autoencoder(2, max_iter=0)).fit(X, known)
    before = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize(
    "y", [pd.date_range("2020", periods=442), np.arange(442).astype("m8[D]"), np.arange(442) + 1j]
)
def test_dates_and_complex_numbers_are_no_numbers_to_predict(y, diabetes):
    with pytest.raises(ValueError, match="a regressor needs numbers"):
        regressor(INNER).fit(diabetes[0], y)


def test_nullable_numbers_are_numbers(diabetes):
    X, _, known = diabetes
    nullable = pd.Series(known).astype("Float64")
    assert nullable.isna().any()
    expected = regressor(INNER).fit(X, known).predict(X)
    assert_array_equal(regressor(INNER).fit(X, nullable).predict(X), expected)


@pytest.mark.parametrize("mark", [-1, np.nan, None])
def test_rows_without_a_label_do_not_count_in_scores(mark, iris, iris_labels):
    y = iris_labels.astype(object)
    y[::2] = mark
    weight = np.arange(150.0)
    model = classifier(INNER).fit(iris, y)
    found = model.score(iris, y, weight)
    assert found == model.score(iris[1::2], iris_labels[1::2], weight[1::2])
    assert found > 0.8
    with pytest.raises(ValueError, match="No row has a label to score by: all 5"):
        model.score(iris[:5], [mark] * 5)


def test_numbers_that_are_not_known_do_not_count_in_scores(diabetes):
    X, y, known = diabetes
    model = regressor(INNER).fit(X, known)
    rows = ~np.isnan(known)
    assert model.score(X, known) == model.score(X[rows], y[rows])


def test_numbers_that_are_all_alike(diabetes):
    X, _, _ = diabetes
    assert_allclose(regressor(INNER).fit(X, np.full(442, 7.0)).predict(X), 7.0)


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, "a"])
def test_weights_of_classes_are_finite_and_not_negative(weight, iris, few):
    with pytest.raises(ValueError, match=f"class_weight has {weight!r} for class 0; weights"):
        classifier(INNER, class_weight={0: weight}).fit(iris, few)


@pytest.mark.parametrize("form", [list, pd.Series, lambda y: pd.Series(y, dtype="category")])
def test_text_that_marks_rows_without_a_label_is_refused(form, iris, few):
    y = form(np.where(few < 0, "-1", few.astype(str)).tolist())
    with pytest.raises(ValueError, match="y is text and holds '-1'"):
        classifier(INNER).fit(iris, y)


def test_labels_of_rows_without_a_weight_do_not_count(iris, few):
    model = classifier(INNER).fit(iris, few, sample_weight=np.where(few == 1, 0.0, 1.0))
    assert_array_equal(model.classes_, [0, 2])
    with pytest.raises(ValueError, match="y has one class, 0"):
        classifier(INNER).fit(iris, few, sample_weight=np.where(few > 0, 0.0, 1.0))
    with pytest.raises(ValueError, match="No row with a label has a positive weight"):
        classifier(INNER).fit(iris, few, sample_weight=np.where(few >= 0, 0.0, 1.0))


@pytest.mark.parametrize("factor", [1e155, 1e200, 1e308])
def test_rows_far_from_all_others_have_probabilities(factor, iris, few):
    found = classifier(INNER).fit(iris, few).predict_proba(np.minimum(iris[:3], 1) * factor)
    assert_allclose(found.sum(axis=1), 1.0)


def test_the_least_of_all_numbers_are_told_apart_or_alike(iris, few):
    model = classifier(INNER).fit(iris * 1e-320, few)
    assert np.isfinite(model.predict_proba(iris * 1e-320)).all()


def test_few_rows(iris, iris_labels):
    rows = np.r_[0:4, 50:54]
    model = classifier(INNER).fit(iris[rows], iris_labels[rows])
    assert list(model.candidates_["candidate"]) == ["linear(codes, 1)"]
    assert model.score(iris[:100], iris_labels[:100]) > 0.9


def test_searches_and_pipelines(iris, few, iris_labels):
    pipeline = make_pipeline(StandardScaler(), classifier(INNER))
    search = GridSearchCV(
        pipeline, {"autoencoderclassifier__estimator__n_components": [1, 2]}, cv=2
    ).fit(iris, iris_labels)
    assert search.score(iris, iris_labels) > 0.8


def test_the_same_seed_gives_the_same_answers(iris, few):
    first, second = (classifier(INNER).fit(iris, few) for _ in range(2))
    assert_array_equal(first.predict_proba(iris), second.predict_proba(iris))


def test_rows_beyond_those_of_the_graph(iris, few, iris_labels, monkeypatch):
    monkeypatch.setattr(_estimator, "_GRAPH_ROWS", 60)
    monkeypatch.setattr(_estimator, "_COMPARED", 40)
    assert classifier(INNER, "graph").fit(iris, few).score(iris, iris_labels) > 0.75
    model = classifier(INNER, "graph").fit(iris, iris_labels)
    assert model.score(iris, iris_labels) > 0.85
    heads = [c for c in model._heads[0].candidates if c.name.startswith("graph")]
    assert {len(c.graph.index.rows) for c in heads} == {60}


@pytest.mark.parametrize(
    "model", [classifier(INNER), classifier(INNER, distill=True), regressor(INNER)]
)
def test_files_hold_no_type_of_others(model, iris, few):
    model = clone(model).fit(iris, few)
    data = skops.io.dumps(model)
    assert set(skops.io.get_untrusted_types(data=data)) <= set(sklearn_ae.TRUSTED_TYPES)
    for again in (
        skops.io.loads(data, trusted=sklearn_ae.TRUSTED_TYPES),
        pickle.loads(pickle.dumps(model)),
    ):
        assert_array_equal(again.predict(iris), model.predict(iris))
        assert_array_equal(again.transform(iris), model.transform(iris))


def test_one_label_a_class_is_enough_to_spread():
    X, y = load_digits(return_X_y=True)
    few = np.full(len(y), -1)
    for label in range(10):
        few[np.flatnonzero(y == label)[0]] = label
    model = classifier(Autoencoder(8, **SMALL)).fit(X, few)
    # No label says what to expect of its class elsewhere, so that none is held out.
    assert model.candidates_["log_loss"].isna().all()
    plain = LogisticRegression(max_iter=1000).fit(X[few >= 0], y[few >= 0])
    assert model.score(X, y) > plain.score(X, y) + 0.1
