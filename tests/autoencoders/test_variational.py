"""The variational autoencoder is a density: PCA's at the start, sampled from and conditioned."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.covariance import empirical_covariance
from sklearn.decomposition import PCA

from sklearn_ae import GaussianLikelihood, SquaredError, VariationalAutoencoder
from sklearn_ae.data import NormalScores, Rows
from sklearn_ae.inference import DefensiveMixture, log_density
from sklearn_ae.latents import _gaussian, _importance

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(200, 3)) @ RNG.normal(size=(3, 6)) + 0.5 * RNG.normal(size=(200, 6))) * (
    np.geomspace(0.1, 10, 6)
) + RNG.normal(size=6)
ROWS = {
    "raw": X,
    "standardised": (X - X.mean(axis=0)) / X.std(axis=0),
    "far": X + 1e6,
    "wide": RNG.normal(size=(30, 2)) @ RNG.normal(size=(2, 40)) + RNG.normal(size=(30, 40)),
    "deficient": np.c_[X, X[:, :2] @ [1.0, 0.01], X[:, 2] * 2],
}
LABELS = np.array(["b", "a", "c"])[RNG.integers(0, 3, size=200)]
SHIFTED = X + 3.0 * X.std(axis=0) * np.eye(6)[np.searchsorted(["a", "b", "c"], LABELS)]
CONDITIONS = {
    "strings": LABELS,
    "integers": np.searchsorted(["a", "b", "c"], LABELS) * 10,
    "flags": LABELS == "a",
    "numbers": RNG.normal(size=200) * 50 + 7,
    "matrix": np.c_[RNG.normal(size=200), RNG.uniform(size=200) * 1e3],
}


def make(k=2, **options):
    defaults = {"hidden_layer_sizes": (8,), "early_stopping": False, "max_iter": 3}
    return VariationalAutoencoder(k, random_state=0, **{**defaults, **options})


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("rows", sorted(ROWS))
def test_the_bound_of_the_start_is_the_log_density_of_pca(rows, k):
    values = ROWS[rows]
    centred = values - values.mean(axis=0)  # far from zero, PCA's own covariance loses digits
    start, pca = make(k, max_iter=0).fit(values), PCA(k, svd_solver="full").fit(centred)
    expected = pca.score_samples(centred)
    scale = max(1.0, np.abs(expected).max())
    assert_allclose(start.score_samples(values) / scale, expected / scale, atol=1e-5)
    assert start.score(values) == pytest.approx(pca.score(centred), rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("rows", ["raw", "standardised"])
def test_with_all_components_it_is_still_that_of_pca(rows):
    values = ROWS[rows]
    start, pca = make(6, max_iter=0).fit(values), PCA(6).fit(values)
    assert_allclose(start.score_samples(values), pca.score_samples(values), atol=1e-4)


@pytest.mark.parametrize("m", [1, 50])
def test_the_bound_is_exact_for_any_number_of_draws_at_the_start(m):
    start = make(2, max_iter=0, n_importance_samples=m).fit(X)
    assert_allclose(start.score_samples(X), PCA(2).fit(X).score_samples(X), atol=1e-4)


def test_constant_columns_have_no_part_in_the_density():
    padded = np.insert(X, 3, 7.0, axis=1)
    start = make(2, max_iter=0).fit(padded)
    assert_allclose(start.score_samples(padded), PCA(2).fit(X).score_samples(X), atol=1e-4)
    assert_array_equal(start.sample(5, random_state=0)[:, 3], 7.0)
    assert_array_equal(start.reconstruction_errors(padded)[:, 3], 0)


def test_after_training_the_bound_grows_with_the_number_of_draws():
    fitted = make(2, max_iter=8, learning_rate_init=0.02).fit(X)
    scores = [fitted.set_params(n_importance_samples=m).score(X) for m in (1, 5, 50, 500)]
    assert (np.diff(scores) > 0).all()


def test_draws_that_differ_by_row_make_the_mean_score_more_certain(monkeypatch):
    fitted = make(3, max_iter=15, learning_rate_init=0.02).fit(X)

    def spread():
        scores = []
        for seed in range(12):
            monkeypatch.setattr(_importance, "_SEED", seed)
            scores.append(fitted.score(X))
        return np.std(scores)

    turned = spread()
    monkeypatch.setattr(_gaussian, "for_each_row", lambda mean: lambda draw: draw)
    assert turned < 0.6 * spread()


def test_the_score_of_a_row_does_not_depend_on_the_others():
    fitted = make().fit(X)
    together = fitted.score_samples(X)
    assert_allclose(fitted.score_samples(X[7:20]), together[7:20], rtol=1e-10)
    assert_allclose(fitted.score_samples(X[::-1])[::-1], together, rtol=1e-10)
    assert_array_equal(fitted.score_samples(X), together)


def test_the_score_is_the_mean_and_weights_count():
    fitted, weight = make().fit(X), np.arange(200.0)
    scores = fitted.score_samples(X)
    assert fitted.score(X) == pytest.approx(scores.mean())
    assert fitted.score(X, sample_weight=weight) == pytest.approx(
        np.average(scores, weights=weight)
    )


def test_components_are_in_the_order_of_their_divergence():
    fitted = make(6, beta=0.5).fit(X)
    kl = fitted.kl_per_component_
    assert kl.shape == (6,)
    assert (np.diff(kl) <= 0).all()
    assert (kl >= 0).all()
    assert fitted.history_["kl"].iloc[-1] == pytest.approx(kl.sum(), rel=1e-3)


def test_codes_of_the_start_are_posterior_means():
    start = make(2, max_iter=0).fit(X)
    pca = PCA(2).fit(X)
    loadings = pca.components_ * np.sqrt(pca.explained_variance_ - pca.noise_variance_)[:, None]
    expected = (X - X.mean(axis=0)) @ np.linalg.solve(pca.get_covariance(), loadings.T)
    assert_allclose(start.transform(X), expected, atol=1e-4)


def test_a_higher_price_uses_fewer_nats():
    cheap, dear = (make(6, beta=b, max_iter=20).fit(X).kl_per_component_ for b in (0.1, 10.0))
    assert dear.sum() < 0.8 * cheap.sum()


def test_warm_up_raises_the_price_over_the_epochs():
    fitted = make(2, warm_up=1.0, max_iter=4).fit(X)
    terms = fitted.history_[["divergence", "kl"]].iloc[1:]
    price = (terms["divergence"] / terms["kl"]).to_numpy()
    assert_allclose(price, [0, 0.25, 0.5, 0.75], atol=0.05)


def test_samples_of_the_start_have_the_moments_of_the_rows():
    start = make(5, max_iter=0).fit(X)
    drawn = start.sample(40_000, random_state=0)
    scale = np.sqrt(np.outer(X.var(axis=0), X.var(axis=0)))
    assert_allclose((drawn.mean(axis=0) - X.mean(axis=0)) / X.std(axis=0), 0, atol=0.03)
    expected = PCA(5).fit(X).get_covariance()
    assert_allclose(empirical_covariance(drawn) / scale, expected / scale, atol=0.04)


def test_samples_are_drawn_from_their_random_state():
    fitted = make().fit(X)
    first = fitted.sample(4, random_state=3)
    assert_array_equal(first, fitted.sample(4, random_state=3))
    assert (first != fitted.sample(4, random_state=4)).all()
    assert (fitted.sample(4) != fitted.sample(4)).all()
    assert fitted.sample().shape == (1, 6)
    state = np.random.RandomState(0)
    assert (fitted.sample(2, state) != fitted.sample(2, state)).all()


def test_samples_do_not_depend_on_the_scale_of_the_codes():
    plain, whitened = (make(whiten=whiten).fit(X).sample(50, 0) for whiten in (False, True))
    assert_allclose(whitened, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", ["bernoulli", "poisson"])
def test_samples_are_of_the_kind_of_the_loss(loss):
    counts = RNG.poisson(2.0, size=(60, 4)) if loss == "poisson" else RNG.random((60, 4)) < 0.3
    fitted = make(2, loss=loss, max_iter=1).fit(counts.astype(float))
    drawn = fitted.sample(50, random_state=0)
    assert_array_equal(drawn, drawn.round())
    assert drawn.min() >= 0
    if loss == "bernoulli":
        assert drawn.max() == 1
    assert np.isfinite(fitted.score_samples(counts.astype(float))).all()


@pytest.mark.parametrize("kind", sorted(CONDITIONS))
def test_the_conditional_start_is_the_density_of_regression_residuals(kind):
    condition = CONDITIONS[kind]
    numbers = condition.dtype.kind == "f"
    design = (
        np.c_[np.ones(200), condition]
        if numbers
        else np.eye(3)[np.unique(condition, return_inverse=True)[1]]
    )
    residuals = SHIFTED - design @ np.linalg.lstsq(design, SHIFTED, rcond=None)[0]
    start = make(2, max_iter=0).fit(SHIFTED, condition=condition)
    expected = PCA(2).fit(residuals).score_samples(residuals)
    assert_allclose(start.score_samples(SHIFTED, condition=condition), expected, atol=1e-3)
    assert start.score(SHIFTED, condition=condition) > PCA(2).fit(SHIFTED).score(SHIFTED) - 1e-6


@pytest.mark.parametrize("kind", sorted(CONDITIONS))
def test_every_method_takes_the_condition(kind):
    condition = CONDITIONS[kind]
    codes = make().fit_transform(SHIFTED, condition=condition)
    fitted = make().fit(SHIFTED, condition=condition)
    assert_array_equal(codes, fitted.transform(SHIFTED, condition))
    restored = fitted.reconstruct(SHIFTED, condition)
    assert_allclose(fitted.inverse_transform(codes, condition), restored)
    assert fitted.reconstruction_errors(SHIFTED, condition).shape == X.shape
    scores = fitted.score_samples(SHIFTED, condition)
    assert fitted.score(SHIFTED, condition=condition) == pytest.approx(scores.mean())
    decision = fitted.decision_function(SHIFTED, condition)
    assert_allclose(decision, scores - fitted.offset_)
    labels = fitted.predict(SHIFTED, condition)
    assert_array_equal(labels, np.where(decision >= 0, 1, -1))
    assert_array_equal(make().fit_predict(SHIFTED, condition=condition), labels)
    assert (labels == -1).sum() == 20
    assert np.isfinite(fitted.sample(200, 0, condition)).all()
    fitted.partial_fit(SHIFTED, condition=condition)
    assert fitted.n_iter_ == 4


@pytest.mark.parametrize("kind", ["strings", "integers", "numbers"])
def test_a_scalar_holds_for_every_row(kind):
    condition = CONDITIONS[kind]
    fitted = make(max_iter=0).fit(SHIFTED, condition=condition)
    one = condition[5]
    repeated = np.repeat(condition[5:6], 30)
    assert_array_equal(
        fitted.transform(SHIFTED[:30], one), fitted.transform(SHIFTED[:30], repeated)
    )
    assert_array_equal(fitted.sample(30, 0, one), fitted.sample(30, 0, repeated))


def test_samples_follow_their_label():
    fitted = make(2, max_iter=0).fit(SHIFTED, condition=LABELS)
    fitted._sampler = fitted._sampler._replace(support=None)
    for label in ("a", "b", "c"):
        drawn = fitted.sample(5000, 0, label)
        expected = SHIFTED[label == LABELS].mean(axis=0)
        assert_allclose((drawn.mean(axis=0) - expected) / drawn.std(axis=0), 0, atol=0.06)


def test_weights_count_as_repetitions_for_the_start():
    weight = RNG.integers(0, 4, size=200)
    weighted = make(2, max_iter=0).fit(X, sample_weight=weight)
    repeated = make(2, max_iter=0).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), atol=1e-4)


def test_what_held_out_rows_prefer_is_not_below_pca():
    held_out = X[150:]
    fitted = make(2, early_stopping=True, max_iter=5).fit(X[:150])
    assert fitted.score(held_out) >= PCA(2).fit(X[:150]).score(held_out) - 0.2


def test_none_takes_as_many_components_as_features():
    assert make(None, max_iter=0).fit(X).n_components_ == 6
    assert make(None, max_iter=0).fit(RNG.normal(size=(30, 70))).n_components_ == 64


def test_the_canonical_order_leaves_reconstructions_as_they_are(monkeypatch):
    from sklearn_ae.autoencoders import _fitting

    canonical = make(4).fit(X)
    restored, scores = canonical.reconstruct(X), canonical.score(X)
    monkeypatch.setattr(_fitting, "canonicalize", lambda model, *_: model.clear_cache())
    plain = make(4).fit(X)
    assert_allclose(plain.reconstruct(X), restored, atol=1e-4)
    assert plain.score(X) == pytest.approx(scores, rel=0.02)


def test_a_plain_autoencoder_with_the_loss_has_a_density_without_draws():
    from sklearn_ae import Autoencoder

    fitted = Autoencoder(2, loss=GaussianLikelihood(), max_iter=0).fit(X)
    errors = fitted.reconstruction_errors(X)
    assert_allclose(fitted.score_samples(X), -errors.sum(axis=1))


COUNTS = RNG.poisson(np.exp(RNG.normal(size=(150, 2)) @ RNG.normal(size=(2, 5)))).astype(float)
HOLES = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
BACKGROUNDS = {
    "plain": (X, {}, {}),
    "conditioned": (SHIFTED, {}, {"condition": LABELS}),
    "with holes": (HOLES, {}, {}),
    "counts": (COUNTS, {"loss": "poisson"}, {}),
    "conditioned shares": (
        COUNTS / COUNTS.max(),
        {"loss": "bernoulli"},
        {"condition": np.arange(150) % 2},
    ),
    "code as wide as the rows": (X, {"k": 6}, {}),
}


@pytest.mark.parametrize("case", sorted(BACKGROUNDS))
def test_no_row_has_much_less_than_the_start_gives_it(case):
    rows, options, given = BACKGROUNDS[case]
    start, trained = (
        make(**options, max_iter=n, learning_rate_init=0.1).fit(rows, **given) for n in (0, 15)
    )
    network = copy.deepcopy(trained)
    network._model.mixture = None
    one = {name: values[0] for name, values in given.items()}
    if "loss" in options:
        far = np.roll(np.fliplr(rows), 7, axis=0)
    else:
        noise = np.random.default_rng(0).normal(size=rows.shape)
        far = rows + 50 * np.nanstd(rows, axis=0) * noise
    own, floor, mixed = (e.score_samples(far, **one) for e in (network, start, trained))
    assert_allclose(mixed, np.logaddexp(np.log(0.99) + own, np.log(0.01) + floor), atol=1e-6)
    assert (mixed >= floor - np.log(100) - 1e-6).all()
    if case == "plain":
        assert (own < floor - 10).any()


@pytest.mark.parametrize("n_rows", [400, 1500])
def test_columns_that_are_warped_have_the_start_of_those_that_are_not(n_rows):
    rng = np.random.default_rng(0)
    values = np.exp(0.7 * rng.normal(size=(n_rows, 5)) + rng.normal(size=(n_rows, 1)))
    fitted = make(2, early_stopping=True, max_iter=30).fit(values)
    assert isinstance(fitted._model.scaling, NormalScores)
    far = values.max(axis=0) * np.geomspace(2, 100, 20)[:, None]
    least = PCA(2, svd_solver="full").fit(values).score_samples(far) - np.log(100)
    rounding = 1e-6 * np.abs(least)  # weights are float32
    assert (fitted.score_samples(far) >= least - rounding).all()


def linked(n, seed=0):
    """Two clusters, in each of which columns copy one another along a chain of its own."""
    rng = np.random.default_rng(seed)
    rows = (rng.random((n, 8)) < 0.5).astype(float)
    first = rng.random(n) < 0.5
    for order, chosen in (([0, 1, 2, 3, 4, 5], first), ([0, 5, 1, 4, 2, 3], ~first)):
        for a, b in pairwise(order):
            copies = chosen & (rng.random(n) < 0.95)
            rows[copies, b] = rows[copies, a]
    return rows


@pytest.mark.parametrize("n_rows", [400, 1500])
def test_binary_rows_are_a_mixture_of_a_network_and_of_trees(n_rows):
    train, test = linked(n_rows), linked(2000, 1)
    options = {"loss": "bernoulli", "early_stopping": True, "max_iter": 10}
    fitted = make(2, **options).fit(train)
    network = copy.deepcopy(fitted)
    network._model.mixture = None
    mixture = fitted._model.mixture
    own, trees = network.score_samples(test), mixture.start.log_density(test)
    mixed = fitted.score_samples(test)
    expected = np.logaddexp(np.log1p(-mixture.share) + own, np.log(mixture.share) + trees)
    assert_allclose(mixed, expected, atol=1e-9)
    assert 0.01 <= mixture.share <= 0.99
    # Held-out rows have chosen, so that neither part would be better on others.
    assert mixed.mean() > max(own.mean(), trees.mean()) - 0.02
    assert mixed.mean() > make(2, **options, init="random").fit(train).score(test) + 0.3
    assert_allclose(np.r_[fitted.score_samples(test[:1]), mixed[1:]], mixed, rtol=1e-12)
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).score_samples(test), mixed)
    drawn = fitted.sample(4000, random_state=0)
    assert_allclose(np.corrcoef(drawn.T), np.corrcoef(train.T), atol=0.12)


def test_trees_have_half_of_the_density_where_nothing_is_held_out():
    rows = linked(300)
    assert make(2, loss="bernoulli", max_iter=0).fit(rows)._model.mixture.share == 0.5
    assert make(2, loss="bernoulli").fit(rows)._model.mixture.share == 0.5
    random = make(2, loss="bernoulli", init="random").fit(rows)
    assert random._model.mixture is None


def test_trees_know_the_density_of_rows_with_holes():
    rows = linked(300)
    rows[::3, 2] = rows[1::4, 5] = np.nan
    fitted = make(2, loss="bernoulli", max_iter=1).fit(rows)
    assert np.isfinite(fitted.score_samples(rows)).all()
    one, other = (np.where(np.arange(8) == 2, v, rows[2:3]) for v in (0.0, 1.0))
    hole = np.where(np.arange(8) == 2, np.nan, rows[2:3])
    of = fitted._model.mixture.start.log_density
    assert np.exp(of(hole)) == pytest.approx(np.exp(of(one)) + np.exp(of(other)))


def test_the_density_integrates_to_one():
    rng = np.random.default_rng(0)
    t = rng.uniform(-1.5, 1.5, 600)
    curve = np.c_[t, t**2] + 0.2 * rng.normal(size=(600, 2))
    fitted = make(1, max_iter=60, learning_rate_init=0.01, n_importance_samples=50).fit(curve)
    ends = [np.linspace(-5, 5, 251), np.linspace(-6, 8, 351)]
    cell = np.prod([end[1] - end[0] for end in ends])
    sample_shape = np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, 2)
    assert np.exp(fitted.score_samples(sample_shape)).sum() * cell == pytest.approx(1, abs=0.03)
    assert fitted.score(curve) > make(1, max_iter=0).fit(curve).score(curve) + 0.3


def test_the_start_has_its_share_of_the_samples():
    fitted = make(prior="normal").fit(X)
    fitted._sampler = fitted._sampler._replace(support=None)
    far = make(max_iter=0).fit(X + 1e6)
    fitted._model.mixture = DefensiveMixture(far._model.mixture.start, 0.2)
    drawn = fitted.sample(5000, random_state=0)
    assert (drawn[:, 0] > 5e5).mean() == pytest.approx(0.2, abs=0.02)
    assert ((drawn > 5e5).all(axis=1) == (drawn > 5e5).any(axis=1)).all()


def test_a_held_out_row_far_outside_does_not_decide():
    mixture = make(max_iter=0).fit(X)._model.mixture
    valid = Rows(X[:50])
    network = np.full(50, 5.0)
    network[7] = 1e6
    start = -PCA(2).fit(X).score_samples(X[:50])
    mixed = mixture.floor(valid)(network)
    assert_allclose(mixed, -np.logaddexp(np.log(0.99) - network, np.log(0.01) - start), rtol=1e-4)
    assert mixed[7] < start[7] + np.log(100) + 1e-3


def test_the_start_stays_as_it_was_when_training_goes_on():
    far = X[:9] + 30 * X.std(axis=0)
    streamed = make().partial_fit(X)
    before = log_density(streamed._model.mixture.start, far, None, np.zeros((1, 1, 2)))
    for _ in range(3):
        streamed.partial_fit(X[:50] * 2)
    after = log_density(streamed._model.mixture.start, far, None, np.zeros((1, 1, 2)))
    assert_array_equal(before, after)
    warm = make(warm_start=True).fit(X)
    first = warm._model.mixture
    assert warm.fit(X[:150])._model.mixture is first


@pytest.mark.parametrize("options", [{"init": "random"}, {"loss": SquaredError()}])
def test_without_a_start_or_a_density_there_is_no_mixture(options):
    assert make(**options).fit(X)._model.mixture is None
