"""Synthetic rows are compared with real ones, whatever columns they have."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import ks_2samp, spearmanr
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity

from sklearn_ae.inspection import SyntheticReport


def people(n, seed, noise=1.0):
    """Draw a table of every kind of columns, with missing cells and a label."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n)
    city = rng.choice(["Bern", "Oslo", "Rome"], n, p=[0.6, 0.3, 0.1])
    income = age / 10 + 2 * (city == "Oslo") + noise * rng.normal(size=n)
    since = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    table = pd.DataFrame(
        {
            "age": age,
            "income": np.where(rng.random(n) < 0.1, np.nan, income),
            "city": np.where(rng.random(n) < 0.05, None, city),
            "member": rng.random(n) < 0.4,
            "since": since,
            "spent": np.where(rng.random(n) < 0.7, 0.0, rng.gamma(2.0, 10.0, n)),
        }
    )
    table["bought"] = np.where(income + rng.normal(size=n) > 6, "yes", "no")
    return table


TRAIN, HELD_OUT = people(240, 0), people(160, 1)


@pytest.fixture(scope="module")
def good():
    return SyntheticReport.from_tables(
        TRAIN, people(200, 2), HELD_OUT, target="bought", random_state=0
    )


@pytest.fixture(scope="module")
def poor():
    """Columns that are drawn on their own, some of them from elsewhere."""
    rng = np.random.default_rng(3)
    table = people(200, 4).apply(
        lambda column: column.sample(frac=1, random_state=rng.integers(99)).to_numpy()
    )
    table["age"] = table["age"] + rng.normal(0, 1, 200)
    table.loc[:19, "city"] = "Paris"
    table.loc[:49, "member"] = True
    return SyntheticReport.from_tables(TRAIN, table, HELD_OUT, target="bought", random_state=0)


def test_rows_of_the_same_distribution_pass(good):
    found = good.summary()
    assert found["auroc"] == pytest.approx(0.5, abs=0.1)
    assert found["shape"] > 0.9
    assert found["pairs"] > 0.85
    assert found["closer"] == pytest.approx(0.5, abs=0.1)
    assert found["copies"] == found["copies_of_real"] == 0
    assert abs(found["train_on_synthetic"] - found["train_on_real"]) < 0.1
    assert good.usefulness.name == "auroc"
    assert good.usefulness["real"] > 0.75
    assert good.marginals["kind"].tolist() == [
        "number", "number", "category", "category", "date", "number", "category",
    ]  # fmt: skip
    assert good.marginals.loc["income", "missing_real"] == HELD_OUT["income"].isna().mean()


def test_rows_of_another_distribution_do_not(good, poor):
    assert poor.auroc > 0.7
    assert poor.usefulness["synthetic"] < 0.65 < poor.usefulness["real"]
    assert poor.usefulness["real"] == good.usefulness["real"]
    outside = poor.marginals["outside"]
    assert outside["age"] > 0.99  # fractions of whole numbers
    assert outside["city"] == 0.1
    assert outside.drop(["age", "city"]).max() < 0.05
    assert poor.pairs.loc["income", "bought"] < good.pairs.loc["income", "bought"] - 0.1
    assert poor.summary()["pairs"] < good.summary()["pairs"]


def test_measures_are_those_of_the_books(good):
    synthetic = people(200, 2)
    for name in ("age", "spent"):
        distance = ks_2samp(HELD_OUT[name], synthetic[name]).statistic
        assert good.marginals.loc[name, "shape"] == pytest.approx(1 - distance)
    shares = [t["city"].value_counts(normalize=True) for t in (HELD_OUT, synthetic)]
    assert good.marginals.loc["city", "shape"] == pytest.approx(
        1 - (shares[0] - shares[1]).abs().sum() / 2
    )
    rho = [spearmanr(t["age"], t["spent"]).statistic for t in (HELD_OUT, synthetic)]
    assert good.pairs.loc["age", "spent"] == pytest.approx(1 - abs(rho[0] - rho[1]) / 2)
    joint = [t.groupby(["member", "bought"]).size() / len(t) for t in (HELD_OUT, synthetic)]
    assert good.pairs.loc["member", "bought"] == pytest.approx(
        1 - (joint[0] - joint[1]).abs().sum() / 2
    )
    assert_array_equal(good.pairs, good.pairs.T)
    assert np.isnan(np.diag(good.pairs)).all()
    y = np.repeat([0, 1], [160, 200])
    both = np.concatenate([good.chances["real"], good.chances["synthetic"]])
    assert good.auroc == roc_auc_score(y, both)


def test_distances_are_gowers():
    train = pd.DataFrame({"a": [0.0, 10, 5, np.nan] * 5, "b": list("xyxy") * 5})
    other = pd.DataFrame({"a": [1.0, 20, np.nan, 5] * 5, "b": list("xzyz") * 5})
    report = SyntheticReport.from_tables(train, other, random_state=0)
    # 1 from 0 is a tenth of the range; 20 is capped, z is another level; a copy; 5 beside z.
    expected = np.tile([0.1 / 2, 1.0, 0.0, 0.5], 5)
    assert_allclose(np.sort(report.distances["synthetic"]), np.sort(expected))
    assert report.copies == {"synthetic": 0.25, "real": 1.0}  # each row is there five times
    assert_allclose(report.distances["real"], 0)


def test_a_generator_that_repeats_its_rows_is_found_out():
    report = SyntheticReport.from_tables(TRAIN, TRAIN[::-1], HELD_OUT, random_state=0)
    assert report.copies == {"synthetic": 1.0, "real": 0.0}
    assert report.summary()["closer"] == 1
    assert_allclose(report.distances["synthetic"], 0)
    alone = SyntheticReport.from_tables(TRAIN, TRAIN[::-1], random_state=0)
    assert alone.copies["real"] == 0
    assert alone.distances["real"].min() > 0
    assert alone.usefulness is None
    assert "train_on_real" not in alone.summary()


def test_every_container_says_the_same(good):
    tables = [TRAIN, people(200, 2).iloc[:, ::-1], HELD_OUT]
    given = [
        pl.DataFrame({n: [None if pd.isna(c) else c for c in t[n].tolist()] for n in t})
        for t in tables
    ]
    other = SyntheticReport.from_tables(*given, target="bought", random_state=0)
    pd.testing.assert_series_equal(other.summary(), good.summary())
    pd.testing.assert_frame_equal(other.marginals, good.marginals)
    assert_array_equal(other.pairs, good.pairs)


def test_arrays_and_frames_go_by_position():
    rng = np.random.default_rng(0)
    X, same, unseen = rng.normal(size=(3, 60, 3))
    by_array = SyntheticReport.from_tables(X, same, unseen, target=2, random_state=0)
    frame = pd.DataFrame(X, columns=list("abc"))
    by_frame = SyntheticReport.from_tables(frame, same, unseen, target="c", random_state=0)
    assert_array_equal(by_array.summary(), by_frame.summary())
    assert by_array.usefulness.name == "r2"
    assert by_frame.marginals.index.tolist() == ["a", "b", "c"]
    density = KernelDensity(bandwidth=0.1).fit(X)
    drawn = SyntheticReport.from_estimator(density, frame, n_samples=30, random_state=0)
    assert len(drawn.cells["synthetic"]["a"]) == 30


def test_a_generator_is_asked_for_what_the_user_asks_for():
    class Shifted:
        def sample(self, n, random_state, shift=0.0):
            return np.random.default_rng(random_state).normal(size=(n, 2)) + shift

    X = np.random.default_rng(0).normal(size=(40, 2))
    plain = SyntheticReport.from_estimator(Shifted(), X, random_state=0)
    asked = SyntheticReport.from_estimator(Shifted(), X, random_state=0, shift=9.0)
    assert len(plain.cells["synthetic"][0]) == 40
    assert_allclose(asked.cells["synthetic"][0], plain.cells["synthetic"][0] + 9)
    assert asked.auroc > 0.99 > plain.auroc + 0.3


def test_targets_of_several_classes_and_of_two_numbers():
    target = pd.cut(TRAIN["age"], [0, 30, 60, 99], labels=["young", "middle", "old"])
    held = pd.cut(HELD_OUT["age"], [0, 30, 60, 99], labels=["young", "middle", "old"])
    tables = [TRAIN.assign(y=target.astype(str)), HELD_OUT.assign(y=held.astype(str))]
    # A class that no synthetic row has counts, by chance.
    lacks = tables[0][tables[0]["y"] != "old"]
    found = SyntheticReport.from_tables(
        tables[0], lacks, tables[1], target="y", random_state=0
    ).usefulness
    assert found["real"] > 0.95
    assert 0.6 < found["synthetic"] < 0.9
    numbers = [t.assign(y=(t["age"] > 50).astype(int)) for t in (TRAIN, HELD_OUT)]
    constant = numbers[0].assign(y=0)
    found = SyntheticReport.from_tables(
        numbers[0], constant, numbers[1], target="y", random_state=0
    ).usefulness
    assert found.name == "auroc"
    assert found["synthetic"] == 0.5


def test_columns_without_a_value_and_constant_ones():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=40), "empty": np.nan, "one": 7, "text": "t"})
    same = SyntheticReport.from_tables(X, X.assign(a=rng.normal(size=40)), random_state=0)
    assert (same.marginals.loc[["empty", "one", "text"], "shape"] == 1).all()
    assert (same.marginals["outside"].drop("a") == 0).all()
    filled = SyntheticReport.from_tables(
        X, X.assign(empty=1.0, one=8, text=None, a=1e9 * X["a"]), random_state=0
    )
    assert filled.marginals.loc["empty", "shape"] == 0
    assert filled.marginals["outside"][["empty", "one", "text"]].tolist() == [1, 1, 1]
    assert np.isfinite(filled.distances["synthetic"]).all()


def test_numbers_of_any_magnitude():
    rng = np.random.default_rng(0)
    X, same = rng.uniform(-1, 1, size=(2, 60, 2))
    plain = SyntheticReport.from_tables(X, same, random_state=0).summary()
    for factor in (1e-300, 1e9, 1.7e308):
        scaled = SyntheticReport.from_tables(factor * X, factor * same, random_state=0).summary()
        pd.testing.assert_series_equal(scaled, plain)


def test_it_follows_from_its_seed():
    tables = TRAIN, people(200, 2), HELD_OUT
    same = [SyntheticReport.from_tables(*tables, random_state=5).summary() for _ in range(2)]
    pd.testing.assert_series_equal(*same)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"synthetic": TRAIN.drop(columns="age")}, r"'synthetic' lacks \['age'\]"),
        ({"synthetic": TRAIN.assign(more=1)}, r"has \['more'\] besides"),
        ({"held_out": HELD_OUT.rename(columns={"age": "years"})}, "'held_out' lacks"),
        ({"synthetic": TRAIN[:9]}, "'synthetic' has 9 rows; a comparison needs 10"),
        ({"real": TRAIN[:3]}, "'real' has 3 rows"),
        ({"synthetic": TRAIN.assign(age="old")}, "'age'.* held numbers.* holds 'old'"),
        ({"synthetic": TRAIN.assign(city=3.5)}, "'city'.* holds 3.5"),
        ({"target": "price"}, "target='price' is no column.*'age', 'income'"),
        ({"target": "bought", "held_out": None}, "pass them as held_out="),
        ({"real": TRAIN.assign(bought="no"), "target": "bought"}, "'bought' has 1 value"),
        ({"held_out": HELD_OUT.assign(bought="no"), "target": "bought"}, "does not vary in"),
        ({"synthetic": TRAIN.to_numpy()[:, :3]}, "differ in their columns"),
        ({"synthetic": TRAIN.assign(income=np.inf)}, "'income'.* infinity"),
        ({"real": np.where(np.eye(60, 3), np.inf, 1.0)}, "'real' .*infinity in column 0, row 0"),
        ({"synthetic": TRAIN.assign(income=["a", 1] * 120)}, "'synthetic' .*'income'.* int"),
        ({"synthetic": TRAIN.assign(member=1)}, "'member' held booleans.* holds 1 in 'synth"),
        ({"real": TRAIN[[]]}, "'real' has no columns"),
        ({"synthetic": None}, "synthetic is None"),
        ({"held_out": HELD_OUT["age"]}, "held_out is a pandas Series"),
        ({"real": TRAIN[["age", "age"]]}, "age"),
        ({"random_state": "a"}, "'a' cannot be used to seed"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_says_so(change, words):
    given = {"real": TRAIN, "synthetic": people(60, 2), "held_out": HELD_OUT} | change
    real, synthetic, held_out = (given.pop(name) for name in ("real", "synthetic", "held_out"))
    with pytest.raises(ValueError, match=words):
        SyntheticReport.from_tables(real, synthetic, held_out, **given)


def test_other_objects_are_refused_as_what_they_are():
    rows = sparse.eye_array(20, format="csr")
    with pytest.raises(TypeError, match=r"'real' is a sparse matrix.*toarray"):
        SyntheticReport.from_tables(rows, rows)
    with pytest.raises(TypeError, match=r"pass real\.collect"):
        SyntheticReport.from_tables(pl.DataFrame({"a": [1]}).lazy(), TRAIN)
    with pytest.raises(TypeError, match="str has no method sample"):
        SyntheticReport.from_estimator("model", TRAIN)
    one = TRAIN[["age"]]
    with pytest.raises(ValueError, match="the only column"):
        SyntheticReport.from_tables(one, one, one, target="age")


class TestPictures:
    @pytest.fixture(autouse=True)
    def _closed(self):
        matplotlib = pytest.importorskip("matplotlib")
        matplotlib.use("Agg")
        yield
        sys.modules["matplotlib.pyplot"].close("all")

    def test_marginals(self, poor):
        assert poor.plot_marginals(color="red") is poor
        worst = poor.marginals["shape"].sort_values()
        assert [t.get_text() for t in poor.ax_.get_yticklabels()] == worst.index.tolist()
        assert_allclose([bar.get_width() for bar in poor.ax_.patches], worst)
        assert poor.ax_.patches[0].get_facecolor()[:3] == (1, 0, 0)
        assert "10.0% outside of its support" in [t.get_text() for t in poor.ax_.texts]
        assert poor.ax_.figure is poor.figure_

    @pytest.mark.parametrize("name", TRAIN.columns)
    def test_a_column(self, poor, name):
        ax = poor.plot_column(name).ax_
        assert ax.get_title() == name
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["real", "synthetic"]
        heights = [bar.get_height() for bar in ax.patches]
        assert sum(heights) == pytest.approx(2)
        if name == "city":
            labels = [t.get_text() for t in ax.get_xticklabels()]
            assert sorted(labels) == ["Bern", "Oslo", "Paris", "Rome"]

    def test_pairs(self, poor):
        poor.plot_pairs(cmap="magma")
        [image] = poor.ax_.get_images()
        assert_array_equal(image.get_array().filled(np.nan), poor.pairs)
        assert image.get_cmap().name == "magma"

    def test_chances_and_privacy(self, poor):
        _, axes = sys.modules["matplotlib.pyplot"].subplots(1, 2)
        assert poor.plot_chances(ax=axes[0]).ax_ is axes[0]
        assert f"AUROC {poor.auroc:.2f}" in axes[0].get_title()
        assert sum(bar.get_height() for bar in axes[0].patches) == pytest.approx(2)
        poor.plot_privacy(ax=axes[1])
        curve = axes[1].lines[1].get_xdata()
        assert_array_equal(curve[1:], np.sort(poor.distances["synthetic"]))

    def test_what_is_not_there(self, poor, monkeypatch):
        with pytest.raises(ValueError, match="column='price' is none of"):
            poor.plot_column("price")
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(ImportError, match=r"sklearn-ae\[plot\]"):
            poor.plot_pairs()
