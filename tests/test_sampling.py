"""Drawn rows hold what columns hold, and have what is asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from sklearn_ae import VariationalAutoencoder, WassersteinAutoencoder
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
    assert list(streamed.sample(3, 0, conditions={1: 0.5})[:, 1]) == [0.5] * 3


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
