"""Reasons: the cells whose replacement takes a row's strangeness away."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_ae import (
    Autoencoder,
    AutoencoderOutlierDetector,
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
from sklearn_ae.data import Rows, SparseRows
from sklearn_ae.inspection import _reasons
from sklearn_ae.inspection._quantiles import deciles, evenly

pytestmark = pytest.mark.usefixtures("few_folds")

SMALL = {"max_iter": 2, "hidden_layer_sizes": (8,), "random_state": 0}
COLUMNS = ["row", "feature", "observed", "expected", "share"]
RNG = np.random.default_rng(0)
FACTORS = RNG.normal(size=(200, 2))
LOADINGS = np.array([[1.0, 0.8, -0.9, 0.7, 0.0, 0.6], [0.0, 0.7, 0.6, -0.8, 1.0, 0.5]])
X = FACTORS @ LOADINGS + RNG.normal(size=(200, 6)) / 20
# Row i has one strange cell, in column i.
PLANTED = X[:6].copy()
PLANTED[np.arange(6), np.arange(6)] += 5.0
NAMES = list("abcdef")


class Within(tuple):
    """Numbers or dates between two others."""

    def __contains__(self, value):
        return self[0] <= value <= self[1]


TABULAR = {
    "plain": Autoencoder(2, **SMALL),
    "contractive": ContractiveAutoencoder(2, **SMALL),
    "denoising": DenoisingAutoencoder(2, **SMALL),
    "sparse": SparseAutoencoder(6, **SMALL),
    "stacked": StackedAutoencoder(2, stage_sizes=(3,), **SMALL),
    "variational": VariationalAutoencoder(2, **SMALL),
    "vector quantized": VectorQuantizedAutoencoder(2, **SMALL),
    "wasserstein": WassersteinAutoencoder(2, **SMALL),
    "detector": AutoencoderOutlierDetector(Autoencoder(2, **SMALL), n_estimators=2, random_state=0),
}


@pytest.fixture(scope="module")
def linear():
    """Two factors, as PCA keeps them."""
    return Autoencoder(2, max_iter=0, random_state=0).fit(X)


@pytest.fixture(scope="module")
def mixed():
    """A frame of columns of every kind, and an autoencoder of it."""
    group = RNG.integers(0, 3, 300)
    frame = pd.DataFrame(
        {
            "size": group * 10.0 + RNG.normal(size=300),
            "city": np.array(["Ulm", "Bonn", "Kiel"])[group],
            "owner": group > 1,
            "grade": pd.Categorical(
                np.array(["low", "mid", "top"])[group], ["low", "mid", "top"], ordered=True
            ),
            "rooms": group * 4 + RNG.integers(0, 2, 300),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(group * 300, unit="D"),
            "noise": RNG.normal(size=300),
        },
        index=[f"house {i}" for i in range(300)],
    )
    return frame, Autoencoder(2, max_iter=0, random_state=0).fit(frame)


@pytest.mark.parametrize("name", TABULAR)
def test_every_estimator_gives_reasons(name):
    fitted = clone(TABULAR[name]).fit(X)
    reasons = fitted.explain(PLANTED)
    assert reasons.columns.tolist() == COLUMNS
    assert reasons.dtypes.drop("feature").tolist() == [np.int64, *[np.float64] * 3]
    assert (reasons["share"] >= 0.01).all()
    assert reasons.groupby("row")["share"].sum().max() <= 1 + 1e-12
    assert reasons.groupby("row").size().max() <= 3
    assert_array_equal(reasons["observed"], PLANTED[reasons["row"], reasons["feature"]])
    first = reasons.groupby("row").first()
    # A network of 8 units may be wrong about one.
    assert (first["feature"] == first.index).sum() >= 5


def test_shares_are_those_of_the_scores(linear):
    reasons = linear.explain(PLANTED)
    before, typical = linear.score_samples(PLANTED), linear._replacements.typical
    assert typical == pytest.approx(np.median(linear.score_samples(X)))
    rows, reached = PLANTED.copy(), before.copy()
    for reason in reasons.itertuples():
        rows[reason.row, reason.feature] = reason.expected
        after = linear.score_samples(rows)[reason.row]
        share = (min(after, typical) - reached[reason.row]) / (typical - before[reason.row])
        assert reason.share == pytest.approx(share)
        reached[reason.row] = after


def test_no_other_decile_is_better(linear):
    found = linear.explain(PLANTED, n_reasons=1)
    quantiles = np.quantile(X, np.arange(1, 10) / 10, axis=0, method="inverted_cdf")
    for reason in found.itertuples():
        tried = np.repeat(PLANTED[[reason.row]], 54, axis=0)
        tried[np.arange(54), np.repeat(np.arange(6), 9)] = quantiles.T.ravel()
        best = linear.score_samples(tried).argmax()
        assert reason.feature == best // 9
        assert reason.expected == quantiles[best % 9, best // 9]


def test_two_cells_are_two_reasons(linear):
    rows = X[:1].copy()
    rows[0, [1, 4]] += [6.0, -4.0]
    reasons = linear.explain(rows)
    assert set(reasons["feature"][:2]) == {1, 4}
    assert reasons["share"][:2].min() > 0.1
    assert linear.explain(rows, n_reasons=1)["feature"].tolist() == reasons["feature"][:1].tolist()


def test_a_typical_row_has_none(linear):
    scores = linear.score_samples(X)
    typical = X[scores > np.median(scores)]
    assert linear.explain(typical).empty
    assert len(linear.explain(X[scores < np.median(scores)])) >= 99


def test_a_row_alone_is_as_in_company(linear, monkeypatch):
    together = linear.explain(PLANTED)
    monkeypatch.setattr(_reasons, "_BLOCK_CELLS", 2000)
    assert_frame_equal(linear.explain(PLANTED), together)
    alone = [linear.explain(PLANTED[[i]]).assign(row=i) for i in range(6)]
    assert_frame_equal(pd.concat(alone, ignore_index=True), together, rtol=1e-9)


def test_equal_columns_name_the_first_of_them():
    twice = np.column_stack([X, X[:, 0]])
    fitted = Autoencoder(2, max_iter=0, random_state=0).fit(twice)
    for size in (1, 7):
        strange = np.repeat(twice[:1], size, axis=0)
        strange[:, [0, 6]] += 5
        assert (fitted.explain(strange).groupby("row")["feature"].first() == 0).all()


def test_rows_are_not_written_to(linear):
    rows = PLANTED.copy()
    rows.setflags(write=False)
    linear.explain(rows)
    assert_array_equal(rows, PLANTED)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_numbers(library):
    pytest.importorskip(library)
    frame, strange = (_frame(library, rows, NAMES) for rows in (X, PLANTED))
    reasons = Autoencoder(2, max_iter=0, random_state=0).fit(frame).explain(strange)
    plain = Autoencoder(2, max_iter=0, random_state=0).fit(X).explain(PLANTED)
    assert [NAMES[j] for j in plain["feature"]] == reasons["feature"].tolist()
    assert_frame_equal(reasons.drop(columns="feature"), plain.drop(columns="feature"))


def _frame(library, rows, names):
    import importlib

    return importlib.import_module(library).DataFrame(dict(zip(names, rows.T, strict=True)))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("size", 1000.0, Within((-5.0, 25.0))),
        ("city", "Kiel", {"Ulm"}),
        ("owner", True, {False}),
        ("grade", "top", {"low"}),
        ("rooms", 90, {0, 1, 4, 5}),
        (
            "since",
            pd.Timestamp("2055-05-05"),
            Within((pd.Timestamp("2020-01-01"), pd.Timestamp("2022-01-01"))),
        ),
    ],
)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_every_kind(mixed, library, column, value, expected):
    frame, fitted = mixed
    strange = frame[frame["city"] == "Ulm"].iloc[:3].copy()
    strange.iloc[1, strange.columns.get_loc(column)] = value
    given = strange
    if library == "polars":
        polars = pytest.importorskip("polars")
        levels = polars.Enum(["low", "mid", "top"])
        frame, given = (
            polars.DataFrame(f.to_dict(orient="list"), {**dict.fromkeys(f), "grade": levels})
            for f in (frame, strange)
        )
        fitted = Autoencoder(2, max_iter=0, random_state=0).fit(frame)
    reasons = fitted.explain(given)
    first = reasons[reasons["row"] == 1].iloc[0]
    assert first["feature"] == column
    assert first["observed"] == value
    assert first["expected"] in expected
    assert type(first["expected"]) is type(first["observed"])
    if library == "pandas":
        assert reasons.index.tolist() == given.index[reasons["row"]].tolist()


def test_a_level_that_was_never_seen():
    frame = pd.DataFrame(X, columns=NAMES).assign(k=np.where(X[:, 0] > 0, "p", "n"))
    frame.loc[:1, "k"] = ["rare", "odd"]  # so that what is rare has a number
    fitted = Autoencoder(2, max_iter=0, random_state=0).fit(frame)
    strange = frame[10:11].assign(k="never seen")
    reasons = fitted.explain(strange)
    assert reasons["feature"].iloc[0] == "k"
    assert reasons["observed"].iloc[0] == "never seen"
    assert reasons["expected"].iloc[0] in {"p", "n"}


def test_missing_cells_are_no_reasons():
    holed = X.copy()
    holed[RNG.random(X.shape) < 0.1] = np.nan
    fitted = Autoencoder(2, max_iter=0, random_state=0).fit(holed)
    rows = PLANTED.copy()
    rows[:, 5] = np.nan
    rows[1, [0, 2]] = np.nan
    reasons = fitted.explain(rows[:5])
    first = reasons.groupby("row")["feature"].first()
    assert (first == first.index).mean() >= 0.8
    assert 5 not in reasons["feature"].tolist()
    assert not set(reasons.loc[reasons["row"] == 1, "feature"]) & {0, 2}
    assert fitted.explain(np.full((2, 6), np.nan)).empty


def test_a_column_without_any_value_is_no_reason():
    rows = np.column_stack([X, np.full(200, np.nan)])
    fitted = Autoencoder(2, max_iter=0, random_state=0).fit(rows)
    strange = np.column_stack([PLANTED, np.full(6, 99.0)])
    assert 6 not in fitted.explain(strange)["feature"].tolist()


def test_sparse_rows():
    dense = np.where(np.abs(X) > 0.3, X, 0.0)
    fitted = Autoencoder(2, max_iter=0, random_state=0).fit(sparse.csr_array(dense))
    found = fitted.explain(sparse.csr_array(PLANTED))
    assert_frame_equal(found, fitted.explain(PLANTED), rtol=1e-6)
    assert (found.groupby("row")["feature"].first() == np.arange(6)).mean() >= 0.8


def test_of_very_many_columns_those_of_large_errors_are_tried(monkeypatch, linear):
    whole = linear.explain(PLANTED, n_reasons=1)
    monkeypatch.setattr(_reasons, "_BLOCK_CELLS", 54)
    monkeypatch.setattr(_reasons, "_FEWEST_COLUMNS", 2)
    sizes = []
    monkeypatch.setattr(linear, "_score_rows", _counted(linear._score_rows, sizes))
    few = linear.explain(PLANTED, n_reasons=1)
    assert max(sizes) <= 18
    agree = whole["feature"].to_numpy() == few["feature"].to_numpy()
    assert agree.mean() >= 0.8


def _counted(score, sizes):
    def counted(values, given):
        sizes.append(len(values))
        return score(values, given)

    return counted


def test_conditions_are_those_of_the_row():
    label = np.repeat([0, 1], 100)
    rows = X + 4 * label[:, None]
    fitted = Autoencoder(2, max_iter=0, random_state=0).fit(rows, condition=label)
    strange = rows[[5, 150]] + np.array([[0, 0, 9, 0, 0, 0], [0, 9, 0, 0, 0, 0]])
    reasons = fitted.explain(strange, 1, condition=label[[5, 150]])
    assert reasons["feature"].tolist() == [2, 1]
    with pytest.raises(ValueError, match="condition"):
        Autoencoder(2, max_iter=0).fit(X).explain(X[:2], condition=[0, 1])


def test_tensors_have_the_reasons_of_arrays(linear):
    with config_context(array_api_dispatch=True):
        fitted = Autoencoder(2, max_iter=0, random_state=0).fit(torch.from_numpy(X))
        found = fitted.explain(torch.from_numpy(PLANTED))
    assert_frame_equal(found, linear.explain(PLANTED))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_have_pixels(digits, dtype):
    images = digits[:100].reshape(-1, 8, 8).astype(dtype)
    fitted = ConvolutionalAutoencoder(4, max_iter=1, random_state=0).fit(images)
    reasons, errors = fitted.explain(images[:3]), fitted.reconstruction_errors(images[:3])
    assert reasons["row"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for i, parts in reasons.groupby("row"):
        top = np.argsort(-errors[i].ravel(), kind="stable")[:3]
        assert parts["feature"].tolist() == [divmod(int(j), 8) for j in top]
        assert_allclose(parts["share"], errors[i].ravel()[top] / errors[i].sum(), rtol=1e-6)
        assert_array_equal(parts["observed"], [images[i][place] for place in parts["feature"]])
        close = [fitted.reconstruct(images[:3])[i][place] for place in parts["feature"]]
        assert_allclose(parts["expected"], close, atol=0.51)


@pytest.mark.parametrize("kind", ["list", "array", "matrix", "long"])
def test_sequences_have_steps(kind):
    waves = [np.sin(np.arange(9 + i % 3) / 2 + i)[:, None] * [1.0, 2.0] for i in range(40)]
    strange = [wave.copy() for wave in waves[:4]]
    strange[2][4, 1] = 30.0
    held = {
        "list": lambda rows: rows,
        "array": lambda rows: np.array([wave[:9] for wave in rows]),
        "matrix": lambda rows: np.array([wave[:9, 1] for wave in rows]),
        "long": lambda rows: pd.concat(
            pd.DataFrame({"id": f"s{i}", "u": wave[:, 0], "v": wave[:, 1]})
            for i, wave in enumerate(rows)
        ),
    }[kind]
    options = {"sequence_id": "id"} if kind == "long" else {}
    fitted = RecurrentAutoencoder(2, max_iter=1, random_state=0, **options).fit(held(waves))
    reasons = fitted.explain(held(strange), n_reasons=1)
    assert reasons["row"].tolist() == [0, 1, 2, 3]
    assert reasons["feature"].tolist()[2] == {"matrix": 4, "long": (4, "v")}.get(kind, (4, 1))
    assert reasons["observed"].tolist()[2] == 30.0
    assert reasons.index.tolist()[2] == ("s2" if kind == "long" else 2)


def test_images_of_the_detector(digits):
    images = digits[:60].reshape(-1, 8, 8)
    member = ConvolutionalAutoencoder(4, max_iter=1)
    fitted = AutoencoderOutlierDetector(member, n_estimators=2, random_state=0).fit(images)
    errors = np.mean([e.reconstruction_errors(images) for e in fitted.estimators_], axis=0)
    assert_allclose(fitted.reconstruction_errors(images), errors)
    first = fitted.explain(images[:4], 1)["feature"].tolist()
    assert first == [divmod(int(e.argmax()), 8) for e in errors[:4]]


def test_errors_of_the_detector_are_means(mixed):
    frame, _ = mixed
    member = Autoencoder(2, **SMALL)
    fitted = AutoencoderOutlierDetector(member, n_estimators=2, random_state=0).fit(frame)
    errors = fitted.reconstruction_errors(frame)
    assert errors.columns.tolist() == frame.columns.tolist()
    assert errors.index.equals(frame.index)
    assert_allclose(-errors.sum(axis=1), fitted.score_samples(frame))


@pytest.mark.parametrize("n_reasons", [0, -1, 1.5, True, None, "3"])
def test_a_bad_number_of_reasons_is_named(linear, n_reasons):
    with pytest.raises(ValueError, match=f"n_reasons={n_reasons!r} must be an integer"):
        linear.explain(PLANTED, n_reasons)


def test_no_rows_have_no_reasons(linear, mixed):
    none = linear.explain(X[:0])
    assert none.columns.tolist() == COLUMNS
    assert none["row"].dtype == np.int64
    assert mixed[1].explain(mixed[0][:0]).columns.tolist() == COLUMNS


def test_what_is_no_table_or_not_fitted_is_refused(linear):
    with pytest.raises(NotFittedError):
        Autoencoder().explain(X)
    with pytest.raises(ValueError, match="5 features"):
        linear.explain(X[:, :5])
    with pytest.raises(TypeError, match="read only once"):
        linear.explain(iter(X))


def test_reasons_are_saved_and_small(linear):
    again = pickle.loads(pickle.dumps(linear))
    assert_frame_equal(again.explain(PLANTED), linear.explain(PLANTED))
    assert linear._replacements.deciles.nbytes == 9 * 6 * 8


def test_partial_fit_goes_on():
    stream = Autoencoder(2, max_iter=2, random_state=0)
    for start in range(0, 200, 50):
        stream.partial_fit(X[start : start + 50])
    assert stream._replacements.typical == pytest.approx(np.median(stream.score_samples(X[150:])))
    first = stream.explain(PLANTED).groupby("row")["feature"].first()
    assert (first == first.index).mean() >= 0.8


class TestDeciles:
    """Values at or below which nine shares of the rows lie."""

    holed = np.where(RNG.random(X.shape) < 0.2, np.nan, np.round(X, 1))
    expected = np.nanquantile(holed, np.arange(1, 10) / 10, axis=0, method="inverted_cdf")

    def test_they_are_values_of_the_column(self):
        assert_array_equal(deciles(Rows(self.holed)), self.expected)
        assert np.isnan(deciles(Rows(np.full((5, 1), np.nan)))).all()

    def test_of_sparse_rows(self):
        filled = np.where(RNG.random(X.shape) < 0.6, X, 0.0)
        filled[:, 3] = 0.0
        filled[:, 4] = np.abs(filled[:, 4])
        rows = SparseRows(sparse.csr_array(filled))
        assert_array_equal(deciles(Rows(rows)), deciles(Rows(filled)))
        nothing = SparseRows(sparse.csr_array((7, 3)))
        assert_array_equal(deciles(Rows(nothing)), np.zeros((9, 3)))

    def test_weights_are_repetitions(self):
        rows = np.round(X[:40], 1)
        weight = RNG.integers(0, 4, 40).astype(float)
        repeated = np.repeat(rows, weight.astype(int), axis=0)
        found, expected = deciles(Rows(rows, weight)), deciles(Rows(repeated))
        # Between two values only where a decile falls just between them.
        assert (found == expected).mean() > 0.95

    def test_many_rows_are_read_in_even_steps(self):
        rows = Rows(np.arange(1000.0)[:, None])
        assert_array_equal(evenly(rows, 10).matrix()[:, 0], np.arange(0, 1000, 100))
        assert evenly(rows, 1000) is rows
        heavy = Rows(np.arange(4.0)[:, None], np.array([1.0, 0.0, 2.0, 1.0]))
        assert_array_equal(evenly(heavy, 4).matrix()[:, 0], [0, 2, 2, 3])
        large = deciles(Rows(RNG.permutation(30_000.0 * np.arange(20_000))[:, None]))
        assert_allclose(large[:, 0] / 6e8, np.arange(1, 10) / 10, atol=0.02)
