"""Drawn rows hold what columns hold, and have what is asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from sklearn_ae import VariationalAutoencoder, WassersteinAutoencoder
from sklearn_ae.inference import TreeBackground
from sklearn_ae.latents import mixture_of_codes

OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
RNG = np.random.default_rng(0)
N = 600


def mixed() -> pd.DataFrame:
    rich = RNG.random(N) < 0.3
    spent = np.where(RNG.random(N) < 0.78, 0.0, RNG.exponential(20.0, N) * (1 + rich)).round(3)
    frame = pd.DataFrame(
        {
            "browser": RNG.choice([1, 2, 4, 10, 12], p=[0.5, 0.3, 0.1, 0.06, 0.04], size=N),
            "survived": rich.astype(int),
            "spent": spent,
            "age": RNG.normal(40, 10, N) + 10 * rich,
            "job": np.where(rich, "doctor", RNG.choice(["nurse", "cook"], size=N)),
            "visits": RNG.poisson(2, N) * (RNG.random(N) < 0.5),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 900, N), "D"),
        }
    )
    frame.loc[RNG.random(N) < np.where(rich, 0.6, 0.1), ["age", "spent"]] = np.nan
    return frame


FRAME = mixed()
NUMBERS = FRAME[["browser", "survived", "visits"]]
KINDS = {"mixed": FRAME, "numbers": NUMBERS, "array": NUMBERS.to_numpy(float)}


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    X = KINDS[request.param]
    return VariationalAutoencoder(2, **OPTIONS).fit(X), X


@pytest.fixture(scope="module")
def density():
    return VariationalAutoencoder(2, **OPTIONS).fit(FRAME)


def test_columns_hold_what_training_rows_hold(fitted):
    density, X = fitted
    drawn = density.sample(3000, random_state=0)
    if isinstance(X, np.ndarray):
        drawn, X = pd.DataFrame(drawn, columns=list(NUMBERS)), NUMBERS
    else:
        assert drawn.dtypes.equals(X.dtypes)
    for name in ("browser", "survived", "visits"):
        shares = [f[name].value_counts(normalize=True) for f in (X, drawn)]
        assert set(shares[1].index) <= set(shares[0].index)
        assert_allclose(shares[1].reindex(shares[0].index, fill_value=0), shares[0], atol=0.035)
    for name in set(X) - {"job"}:
        assert X[name].min() <= drawn[name].min() <= drawn[name].max() <= X[name].max()


def test_atoms_come_as_often_as_in_training_rows(density):
    drawn = density.sample(4000, random_state=1)
    assert (drawn["spent"] == 0).mean() == pytest.approx(
        (FRAME["spent"].dropna() == 0).mean(), abs=0.03
    )
    assert_allclose(
        drawn["spent"].quantile([0.85, 0.9, 0.95]),
        FRAME["spent"].quantile([0.85, 0.9, 0.95]),
        rtol=0.25,
    )


def test_draws_that_are_like_the_rows_stay_as_they_are():
    X = RNG.normal(size=(2000, 3)) @ [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    fitted = VariationalAutoencoder(3, max_iter=0).fit(X)
    kept = fitted.sample(500, random_state=0)
    fitted._sampler = fitted._sampler._replace(support=None)
    free = fitted.sample(500, random_state=0)
    assert_array_equal(kept, np.clip(free, X.min(axis=0), X.max(axis=0)))
    assert (kept == free).mean() > 0.99


def test_codes_and_scores_do_not_depend_on_the_prior(iris):
    others = [VariationalAutoencoder(2, **OPTIONS, prior=p).fit(iris) for p in ("auto", "normal")]
    for method in ("transform", "reconstruct", "score_samples"):
        assert_array_equal(*(getattr(other, method)(iris) for other in others))


def test_the_prior_follows_codes_that_are_not_normal():
    sides = RNG.choice([-1.0, 1.0], size=(800, 1))
    X = sides * [3.0, 3.0, 1.0] + 0.3 * RNG.normal(size=(800, 3))
    for prior in ("auto", GaussianMixture(2), KernelDensity(bandwidth=0.1)):
        fitted = VariationalAutoencoder(1, **OPTIONS, prior=prior).fit(X)
        assert fitted.prior_ is not None
        assert (abs(fitted.sample(1000, 0)[:, 0]) < 1.5).mean() < 0.05
        assert_array_equal(fitted.sample(5, 3), fitted.sample(5, 3))
    normal = VariationalAutoencoder(1, **OPTIONS, prior="normal").fit(X)
    assert normal.prior_ is None


def test_normal_codes_keep_the_normal_prior():
    kept = [mixture_of_codes(np.random.default_rng(i).normal(size=(400, 3)), RNG) for i in range(6)]
    assert kept.count(None) >= 5


def test_a_second_autoencoder_is_a_prior(iris):
    second = VariationalAutoencoder(2, **OPTIONS)
    fitted = VariationalAutoencoder(2, **OPTIONS, prior=second).fit(iris)
    assert isinstance(fitted.prior_, VariationalAutoencoder)
    assert fitted.sample(7, 0).shape == (7, 4)


def test_rows_have_the_values_that_are_asked_for(fitted):
    density, X = fitted
    asked = {1: 1, 0: 4} if isinstance(X, np.ndarray) else {"survived": 1, "browser": 4}
    drawn, n_drawn = density.sample(20, 0, conditions=asked, return_n_drawn=True)
    drawn = pd.DataFrame(
        np.asarray(drawn), columns=list(X) if hasattr(X, "columns") else list(NUMBERS)
    )
    assert (drawn[["survived", "browser"]] == [1, 4]).all(axis=None)
    assert n_drawn > 20 / 0.1


def test_levels_numbers_and_dates_are_asked_for_together(density):
    day = pd.Timestamp("2021-03-04")
    asked = {"job": "doctor", "age": 47.25, "since": day}
    drawn = density.sample(300, 0, conditions=asked)
    assert (drawn["job"] == "doctor").all()
    assert (drawn["age"] == 47.25).all()
    assert (drawn["since"] == day).all()
    survived = density.sample(2000, 0)["survived"].mean()
    assert drawn["survived"].mean() > survived + 0.15


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"job": "judge"}, r"'judge' in column 'job'.*its levels are .*'cook', 'doctor', 'nurse'"),
        ({"browser": 3}, r"3 in column 'browser'.*its values are \[1.0, 2.0, 4.0"),
        ({"age": 900.0}, r"900.0 in column 'age'.*its values lie between"),
        ({"size": 1}, r"names 'size', which is no column of X; use one of \['browser'"),
        ({"age": None}, r"asks for None in column 'age', which is a missing cell"),
        ({"age": float("nan")}, r"asks for nan in column 'age', which is a missing cell"),
        ({"age": "old"}, r"'old' in column 'age'.*it holds numbers; ask for a finite"),
        ({"age": [40, 41]}, r"\[40, 41\] in column 'age'.*a single value.*by constraint="),
        ({"job": {"cook"}}, r"\{'cook'\} in column 'job'.*levels are .*by constraint="),
        ({"visits": 1.5}, r"1.5 in column 'visits'.*its values are \[0"),
        (
            {"since": pd.Timestamp("1999-01-01")},
            r"'since'.*are whole days between 2020-",
        ),
        ({0: 1}, r"names 0, which is no column of X"),
        (["age"], r"conditions=\['age'\] must be a mapping"),
    ],
)
def test_what_no_row_has_is_named(density, asked, words):
    with pytest.raises(ValueError, match=words):
        density.sample(3, conditions=asked)


def test_constraints_hold_and_draws_are_counted(density):
    rows, n_drawn = density.sample(
        50,
        0,
        constraint=lambda rows: (rows["spent"] > 0) & (rows["visits"] > 1),
        return_n_drawn=True,
    )
    assert (rows["spent"] > 0).all()
    assert (rows["visits"] > 1).all()
    assert n_drawn > 200
    assert density.sample(50, 0, return_n_drawn=True)[1] == 50


def test_constraints_that_hardly_any_row_satisfies_are_given_up(density):
    with pytest.raises(ValueError, match=r"0 of \d+ rows that were drawn satisfy constraint=<func"):
        density.sample(3, constraint=lambda rows: rows["age"] > 1e6)
    with pytest.raises(ValueError, match="return one boolean for each row"):
        density.sample(3, constraint=lambda rows: rows["age"])


def test_constraints_are_judged_with_the_holes(density):
    def known(rows):
        return rows["age"] > 40

    drawn = density.sample(100, 0, missing=True, constraint=known)
    assert known(drawn).all()
    without = density.sample(50, 0, missing=True, constraint=lambda rows: rows["age"].isna())
    assert without["age"].isna().all()
    like = density.sample_like(FRAME[:60], random_state=0, missing=True, constraint=known)
    assert known(like).all()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda rows: rows[["age"]] > 0, r"shape \(5, 1\) and dtype bool.*by .all\(axis=1\)"),
        (lambda rows: rows["age"] * np.nan, r"dtype float64, with nan first"),
        (lambda rows: [1] * len(rows), r"dtype int64, with 1 first"),
        ("age > 40", r"constraint='age > 40' must be a function of rows"),
    ],
)
def test_what_is_no_answer_of_a_constraint_is_named(density, answer, words):
    with pytest.raises(ValueError, match=words):
        density.sample(5, 0, constraint=answer)


def test_what_a_constraint_leaves_open_is_not_satisfied(density):
    def open_or_not(rows):
        return (rows["age"].astype("Float64") > 40).where(rows["visits"] != 1)

    drawn = density.sample(30, 0, constraint=open_or_not)
    assert (drawn["age"] > 40).all()
    assert (drawn["visits"] != 1).all()
    with pytest.raises(KeyError, match="wage") as caught:
        density.sample(3, 0, constraint=lambda rows: rows["wage"] > 0)
    assert "was called with" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"missing": "no"}, "missing='no' must be True or False"),
        ({"return_n_drawn": 1}, "return_n_drawn=1 must be True or False"),
        ({"random_state": 1.5}, "1.5 cannot be used to seed"),
        *[({"n_samples": n}, f"n_samples={n!r} must be an integer") for n in (0, -1, 2.0, "2")],
    ],
)
def test_what_cannot_be_asked_for_is_named(density, asked, words):
    with pytest.raises(ValueError, match=words):
        density.sample(**asked)


def test_a_column_that_is_mostly_zero_has_new_values_beside_it():
    spent = np.where(RNG.random(N) < 0.85, 0.0, 3 + RNG.exponential(20, N))
    codes = RNG.choice([0, 0, 0, 0, 0, 0, 0, 5, 9], N)
    drawn = VariationalAutoencoder(1, **OPTIONS).fit(np.c_[spent, codes]).sample(2000, 0)
    some = drawn[drawn[:, 0] != 0, 0]
    assert len(some) == pytest.approx(2000 * (spent != 0).mean(), rel=0.2)
    assert not np.isin(some, spent).any()
    assert spent[spent != 0].min() <= some.min() < some.max() <= spent.max()
    assert set(drawn[:, 1]) == {0, 5, 9}


def test_distributions_say_what_can_be_asked_for():
    flags = (RNG.random((80, 3)) < 0.4).astype(float)
    counts = RNG.poisson(2, (80, 3)).astype(float)
    for X, loss in ((flags, "bernoulli"), (counts, "poisson")):
        fitted = VariationalAutoencoder(1, **OPTIONS, loss=loss).fit(X)
        assert (fitted.sample(9, 0, conditions={1: 1})[:, 1] == 1).all()
        for value in (-1, 0.5, float(X.max()) + 1, np.inf):
            with pytest.raises(
                ValueError, match=f"asks for {value}.*column 1.*(between 0.0 and|finite)"
            ):
                fitted.sample(3, 0, conditions={1: value})


def test_frames_with_other_labels_are_asked_by_them():
    X = pd.DataFrame(RNG.normal(size=(60, 2)), columns=[7, 0])
    fitted = VariationalAutoencoder(1, **OPTIONS).fit(X)
    assert (fitted.sample(5, 0, conditions={7: 0.25})[7] == 0.25).all()


def test_rare_levels_and_columns_without_values_are_drawn_as_they_are():
    job = np.array(["x", "y"])[RNG.integers(0, 2, 400)].astype(object)
    job[:12] = [f"rare {i % 4}" for i in range(12)]
    frame = pd.DataFrame({"job": job, "none": np.nan, "age": RNG.normal(size=400)})
    fitted = VariationalAutoencoder(1, **OPTIONS).fit(frame)
    drawn = fitted.sample(3000, 0)
    rare = drawn.loc[drawn["job"].str.startswith("rare"), "job"]
    assert rare.nunique() == 4
    assert drawn["none"].isna().all()
    assert (fitted.sample(5, 0, conditions={"job": "rare 2"})["job"] == "rare 2").all()
    with pytest.raises(ValueError, match=r"1.0 in column 'none'.*it holds no value in any row"):
        fitted.sample(5, conditions={"none": 1.0})
    numbers = VariationalAutoencoder(1, **OPTIONS).fit(frame[["none", "age"]].to_numpy())
    assert np.isnan(numbers.sample(5, 0)[:, 0]).all()


def test_cells_are_missing_as_in_training_rows(density):
    assert not density.sample(500, 0).isna().any(axis=None)
    drawn = density.sample(4000, 0, missing=True)
    lacks = drawn["age"].isna()
    assert (lacks == drawn["spent"].isna()).all()
    assert lacks.mean() == pytest.approx(FRAME["age"].isna().mean(), abs=0.05)
    rates = lacks.groupby(drawn["survived"]).mean()
    assert rates[1] > rates[0] + 0.1
    asked = density.sample(50, 0, missing=True, conditions={"age": 40.0})
    assert (asked["age"] == 40.0).all()
    assert asked["spent"].isna().any()


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_cells_of_other_frames_are_missing(library):
    frame = FRAME.drop(columns="since")
    module = pytest.importorskip(library)
    X = module.from_pandas(frame) if library == "polars" else module.Table.from_pandas(frame)
    drawn = VariationalAutoencoder(2, **OPTIONS).fit(X).sample(300, 0, missing=True)
    assert type(drawn) is type(X)
    age = drawn["age"]
    assert 0 < (age.null_count() if library == "polars" else age.null_count) < 300


def test_draws_are_like_their_rows(density):
    near, far = (density.sample_like(FRAME, noise, random_state=0) for noise in (0.0, 3.0))
    jobs = [(drawn["job"] == FRAME["job"]).mean() for drawn in (near, far, density.sample(N, 0))]
    assert jobs[0] > jobs[1]
    assert jobs[0] > jobs[2] + 0.1
    assert not near.isna().any(axis=None)
    assert near.dtypes.equals(FRAME.dtypes)
    kept = density.sample_like(FRAME, random_state=0, constraint=lambda rows: rows["visits"] < 3)
    assert (kept["visits"] < 3).all()
    assert len(kept) == N
    moved = FRAME[:4].set_axis([9, 8, 7, 7])
    assert list(density.sample_like(moved, random_state=0).index) == [9, 8, 7, 7]


def test_noise_that_is_none_is_named(density):
    with pytest.raises(ValueError, match="noise=-1 must be a finite number of at least 0"):
        density.sample_like(FRAME, -1)


def test_rows_are_like_others_where_codes_have_a_posterior():
    assert not hasattr(WassersteinAutoencoder(), "sample_like")
    assert hasattr(VariationalAutoencoder(), "sample_like")


def test_a_stream_of_rows_leaves_the_draws_of_the_network():
    streamed = VariationalAutoencoder(2, **OPTIONS)
    for part in np.array_split(NUMBERS.to_numpy(float), 3):
        streamed.partial_fit(part)
    assert streamed.prior_ is None
    assert streamed.sample(2000, 0)[:, 0].max() > 12
    with pytest.raises(ValueError, match="asks for inf"):
        streamed.sample(3, 0, conditions={1: np.inf})
    assert list(streamed.sample(3, 0, conditions={1: 0.5})[:, 1]) == [0.5] * 3


def test_a_stream_of_rows_has_the_holes_of_all_of_them():
    X = RNG.normal(size=(300, 2))
    X[100:220, 1] = np.nan
    streamed = VariationalAutoencoder(1, **OPTIONS).fit(X[:100])
    for part in (X[100:200], X[200:]):
        streamed.partial_fit(part)
    lacks = np.isnan(streamed.sample(2000, 0, missing=True))
    assert not lacks[:, 0].any()
    assert lacks[:, 1].mean() == pytest.approx(0.4, abs=0.05)


class Prior(BaseEstimator):
    """Draws what it is told to."""

    def __init__(self, drawn=None):
        self.drawn = drawn

    def fit(self, X, y=None):
        self.shape = X.shape

    def sample(self, n):
        return self.drawn(n)


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (Prior(lambda n: np.full((n, 2), np.nan)), r"shape \(3, 2\) and .*such as nan"),
        (Prior(lambda n: np.ones((n - 1, 2))), r"shape \(2, 2\).*of shape \(3, 2\)"),
        (Prior(lambda n: np.ones(n)), r"shape \(3,\)"),
        (Prior(lambda n: np.full((n, 2), 1j)), "dtype complex128"),
        (KernelDensity(kernel="epanechnikov"), "epanechnikov.* cannot draw codes"),
        (GaussianMixture(500), "cannot be fitted to 40 codes of 2 components: .*n_components"),
        (GaussianMixture, r"is a class; pass an object, as in prior=GaussianMixture\(\)"),
    ],
)
def test_a_prior_that_draws_no_codes_is_named(prior, words):
    with pytest.raises(ValueError, match=words):
        VariationalAutoencoder(2, **OPTIONS, prior=prior).fit(RNG.normal(size=(40, 3)))


def test_a_prior_need_not_return_itself():
    prior = Prior(lambda n: np.full((n, 1), 3.0).tolist())
    fitted = VariationalAutoencoder(1, **OPTIONS, prior=prior).fit(RNG.normal(size=(40, 3)))
    assert type(fitted.prior_) is Prior


FLAGS = pd.DataFrame(RNG.random((300, 4)) < 0.4, columns=list("abcd"))
FLAGS["b"] = FLAGS["a"] ^ (RNG.random(300) < 0.1)
HOLES = FLAGS.astype("boolean").mask(RNG.random(FLAGS.shape) < 0.1)


@pytest.mark.parametrize("flags", [FLAGS, HOLES, FLAGS.astype({"a": int, "b": object})])
def test_flags_of_a_frame_have_the_density_of_an_array(flags):
    model = VariationalAutoencoder(1, **OPTIONS, loss="bernoulli")
    array = flags.astype("Float64").to_numpy(float, na_value=np.nan)
    fitted, expected = clone(model).fit(flags), clone(model).fit(array)
    assert isinstance(fitted._model.mixture, TreeBackground)
    assert_array_equal(fitted.score_samples(flags), expected.score_samples(array))
    drawn = fitted.sample(20, random_state=0)
    assert drawn.dtypes.equals(flags.dtypes)
    assert_array_equal(drawn.astype(float), expected.sample(20, random_state=0))


def test_draws_of_binary_rows_are_those_of_their_distribution():
    X = (RNG.random((300, 5)) < [0.1, 0.3, 0.5, 0.7, 0.9]).astype(float)
    fitted = VariationalAutoencoder(2, **OPTIONS, loss="bernoulli").fit(X)
    assert not fitted._sampler.support
    assert set(np.unique(fitted.sample(100, 0))) == {0.0, 1.0}
    assert (fitted.sample(50, 0, conditions={0: 1.0})[:, 0] == 1).all()


def test_numbers_that_are_whole_stay_whole():
    X = np.column_stack([RNG.normal(5000, 900, N).round(), RNG.normal(size=N)])
    drawn = VariationalAutoencoder(1, **OPTIONS).fit(X).sample(500, random_state=0)
    assert_array_equal(drawn[:, 0], np.round(drawn[:, 0]))
    assert len(np.unique(drawn[:, 0])) > 200
    assert (drawn[:, 1] != np.round(drawn[:, 1])).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_mixture_of_gaussians_draws_what_it_knows_better(seed):
    rng = np.random.default_rng(seed)
    turned = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 4)) + rng.choice([-9, 9], (400, 1))
    fitted = VariationalAutoencoder(1, **OPTIONS).fit(turned)
    background = fitted._sampler.background
    assert background.share > 0.5
    drawn = fitted.sample(4000, random_state=0)
    assert_allclose(np.corrcoef(drawn.T), np.corrcoef(turned.T), atol=0.1)
    own = background.draw(fitted._model, 4000, rng)
    assert_allclose(np.cov(own.T), np.cov(turned.T), rtol=0.2, atol=3)
    assert fitted._sampler.draw(fitted._model, 3, None, rng).shape == (3, 4)
    normal = VariationalAutoencoder(1, **OPTIONS, prior="normal").fit(turned)
    assert normal._sampler.background is None
    holes = np.where(rng.random(turned.shape) < 0.1, np.nan, turned)
    assert VariationalAutoencoder(1, **OPTIONS).fit(holes)._sampler.background is None
