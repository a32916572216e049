"""Penalties are their formulas, over any batches, and cannot be lowered by rescaling a code."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.spatial.distance import pdist, squareform
from scipy.special import expit, rel_entr
from sklearn.datasets import make_s_curve
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from sklearn_ae import (
    Autoencoder,
    Contraction,
    Dense,
    KLSparsity,
    L1Sparsity,
    LocalStress,
    NestedCodes,
    Sigmoid,
    SparseAutoencoder,
)
from sklearn_ae.architectures import Shapes
from sklearn_ae.data import Batch
from sklearn_ae.inference import AutoencoderModule
from sklearn_ae.latents import Deterministic
from sklearn_ae.terms import Code, Forward

N_ROWS, N_FEATURES = 24, 5
RNG = np.random.default_rng(0)
CODE = torch.from_numpy(RNG.uniform(0.05, 0.95, size=(N_ROWS, 4)))
X = torch.from_numpy(RNG.normal(size=(N_ROWS, N_FEATURES)))
WEIGHT = torch.from_numpy(RNG.uniform(0.1, 2.0, size=N_ROWS))
WEIGHTED = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def value_of(penalty, code, weight=None, bounded=True, training=False):
    term = penalty.build(code.shape[1], bounded)
    batch = Batch(torch.zeros(len(code), 1), weight=weight)
    return term(None, batch, Forward(code, Code(code, code)), generator() if training else None)


def divergence(rho, mean):
    return (rel_entr(rho, mean) + rel_entr(1 - rho, 1 - mean)).sum()


@WEIGHTED
@pytest.mark.parametrize("sparsity", [0.05, 0.5])
@pytest.mark.parametrize("training", [False, True])
def test_kl_sparsity_is_the_divergence_of_the_mean_activations(sparsity, weight, training):
    mean = np.average(CODE.numpy(), axis=0, weights=weight)
    value = value_of(KLSparsity(sparsity, weight=0.3), CODE, weight, training=training)
    assert value.item() == pytest.approx(0.3 * divergence(sparsity, mean), rel=1e-5)


def test_kl_sparsity_squashes_codes_that_are_not_bounded():
    real = CODE * 6 - 3
    value = value_of(KLSparsity(0.1, weight=1.0), real, bounded=False)
    assert value.item() == pytest.approx(divergence(0.1, expit(real.numpy()).mean(axis=0)))


def test_kl_sparsity_is_zero_at_its_target():
    code = torch.full((10, 3), 0.2, dtype=torch.float64)
    assert value_of(KLSparsity(0.2), code).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("activation", [0.0, 1.0])
def test_kl_sparsity_of_units_that_never_change_is_finite(activation):
    code = torch.full((10, 3), activation, requires_grad=True)
    value = value_of(KLSparsity(0.05), code, training=True)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(code.grad).all()


@WEIGHTED
def test_the_running_mean_of_small_batches_is_the_mean_over_all_rows(weight):
    term = KLSparsity(0.1, weight=1.0).build(4, True)
    for part in torch.arange(N_ROWS).tensor_split([3, 10, 12, 20]):
        share = None if weight is None else weight[part]
        batch = Batch(torch.zeros(len(part), 1), weight=share)
        value = term(None, batch, Forward(X, Code(CODE[part], CODE[part])), generator())
    mean = np.average(CODE.numpy(), axis=0, weights=weight)
    assert_allclose(term.mean, mean, rtol=1e-5)
    assert value.item() == pytest.approx(divergence(0.1, mean), rel=1e-4)


def test_the_running_mean_forgets_rows_beyond_its_window():
    term = KLSparsity(0.1).build(1, True)
    for activation, n_batches in ((0.9, 8), (0.2, 64)):
        for _ in range(n_batches):
            code = torch.full((128, 1), activation)
            term(None, Batch(torch.zeros(128, 1)), Forward(X, Code(code, code)), generator())
    assert term.mean.item() == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("bounded", [False, True])
@WEIGHTED
def test_gradients_of_the_sparsity_terms_are_finite_differences(bounded, weight):
    code = CODE[:6].clone().requires_grad_()
    share = None if weight is None else weight[:6]
    for penalty in (KLSparsity(0.1), L1Sparsity()):
        assert torch.autograd.gradcheck(
            lambda c, p=penalty: value_of(p, c, share, bounded), (code,), atol=1e-7
        )


def test_the_gradient_in_training_is_that_of_the_running_mean():
    term = KLSparsity(0.1, weight=1.0).build(4, True).double()
    empty = Batch(torch.zeros(12, 1))
    term(None, empty, Forward(X, Code(CODE[:12], CODE[:12])), generator())
    code = CODE[12:].clone().requires_grad_()
    term(None, empty, Forward(X, Code(code, code)), generator()).backward()
    mean = CODE.numpy().mean(axis=0)
    slope = -0.1 / mean + 0.9 / (1 - mean)
    assert_allclose(code.grad, np.tile(slope / 12, (12, 1)), rtol=1e-5)


@WEIGHTED
def test_l1_sparsity_is_the_ratio_of_the_mean_and_the_root_mean_square(weight):
    code = (CODE - 0.5).numpy()
    absolute = np.average(np.abs(code), axis=0, weights=weight)
    spread = np.average(code**2, axis=0, weights=weight) ** 0.5
    value = value_of(L1Sparsity(weight=2.0), CODE - 0.5, weight)
    assert value.item() == pytest.approx(2.0 * (absolute / spread).mean())


def test_l1_sparsity_does_not_change_with_the_scale_of_a_unit():
    scale = torch.tensor([1e-3, 1.0, 7.0, 1e3], dtype=torch.float64)
    first, second = (value_of(L1Sparsity(), (CODE - 0.5) * s) for s in (1.0, scale))
    assert second.item() == pytest.approx(first.item(), rel=1e-6)


def test_l1_sparsity_falls_as_fewer_rows_are_active():
    active = torch.zeros(100, 1)
    shares = []
    for n_active in (100, 50, 10, 1):
        active[n_active:] = 0.0
        active[:n_active] = 1.0
        shares.append(value_of(L1Sparsity(weight=1.0), active).item())
    assert_allclose(shares, np.sqrt([1.0, 0.5, 0.1, 0.01]), rtol=1e-5)


def network(width=3, latent=None, seed=0, **options):
    shapes = Shapes(N_FEATURES, width, width, N_FEATURES, 100)
    encoder, decoder = Dense((7, 6), **options).build(shapes, True)
    encoder.reset(generator(seed))
    decoder.reset(generator(seed + 1))
    module = AutoencoderModule(encoder, (latent or Deterministic()).build(width), decoder)
    for _ in range(3):  # gives running moments of batch normalisation values of their own
        module(X.float() + 1, generator())
    return module.double()


def encoded(module, x):
    with torch.no_grad():
        return module.encode(torch.from_numpy(x)).numpy()


def by_finite_differences(module, weight=None, h=1e-5):
    x = X.numpy()
    squares = np.zeros(N_ROWS)
    for j in range(N_FEATURES):
        step = h * np.eye(N_FEATURES)[j]
        difference = (encoded(module, x + step) - encoded(module, x - step)) / (2 * h)
        squares += (difference**2).sum(axis=1)
    code = encoded(module, x)
    mean = np.average(code, axis=0, weights=weight)
    spread = np.average((code - mean) ** 2, axis=0, weights=weight).sum() * N_ROWS / (N_ROWS - 1)
    return np.average(squares, weights=weight) / spread


def contraction_of(module, penalty=None, weight=None, seed=None):
    penalty = penalty or Contraction(weight=1.0)
    code = module.latent(module.parameters_of(X))
    drawn = None if seed is None else generator(seed)
    term = penalty.build(code.mean.shape[1], False)
    return term(module, Batch(X, weight=weight), Forward(X, code), drawn)


@WEIGHTED
@pytest.mark.parametrize("normalization", [None, "layer", "batch"])
@pytest.mark.parametrize("latent", [Deterministic(), Sigmoid()], ids=str)
def test_contraction_is_the_squared_norm_of_the_jacobian_over_the_spread(
    normalization, latent, weight
):
    module = network(latent=latent, normalization=normalization)
    expected = by_finite_differences(module, weight)
    assert contraction_of(module, weight=weight).item() == pytest.approx(expected, rel=1e-6)


def test_contraction_of_a_linear_encoder_is_its_squared_norm_over_the_spread():
    module = network()
    weight = torch.from_numpy(RNG.normal(size=(N_FEATURES, 3)))
    module.encoder.set_linear(weight)
    expected = weight.square().sum() / (X @ weight).var(dim=0).sum()
    assert contraction_of(module).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("factor", [2.0, 1e-3])
def test_contraction_does_not_change_with_the_scale_of_the_code(factor):
    module = network()
    before = contraction_of(module).item()
    module.encoder.transform_output(factor * torch.eye(3).double(), torch.ones(3).double())
    assert contraction_of(module).item() == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize("n_projections", [None, 2])
def test_random_projections_give_the_squared_norm_without_bias(n_projections):
    module = network(width=12)
    penalty = Contraction(weight=1.0, n_projections=n_projections)
    exact = contraction_of(module, penalty).item()
    draws = np.array([contraction_of(module, penalty, seed=s).item() for s in range(300)])
    assert draws.std() > 0.001 * exact
    assert abs(draws.mean() - exact) < 4 * draws.std() / len(draws) ** 0.5


@pytest.mark.parametrize(
    ("width", "n_projections", "exact"),
    [(8, None, True), (9, None, False), (3, 2, False), (3, 3, True), (12, 12, True)],
)
def test_narrow_codes_have_their_jacobian_taken_whole(width, n_projections, exact):
    module = network(width=width)
    penalty = Contraction(n_projections=n_projections, noise=0.0)
    first, second = (contraction_of(module, penalty, seed=s).item() for s in (0, 1))
    assert (first == second) == exact


def test_contraction_teaches_the_encoder_and_can_be_judged_without_gradients():
    module = network()
    value = contraction_of(module)
    value.backward()
    assert module.encoder.linear.weight.grad.abs().max() > 0
    with torch.no_grad():
        validated = contraction_of(module)
    assert not validated.requires_grad
    assert validated.item() == pytest.approx(value.item())


def test_contraction_of_a_single_row_is_zero():
    module = network()
    batch, term = Batch(X[:1]), Contraction().build(3, False)
    assert term(module, batch, module(X[:1]), generator()) == 0


def nested(sizes=None, width=8):
    term = NestedCodes(sizes).build(width, False)
    return [int(kept.sum()) for kept in term.kept]


def stress_of(rows, code, weight=None, n_neighbors=3):
    term = LocalStress(n_neighbors=n_neighbors).build(code.shape[1], False)
    code = code.clone().requires_grad_()
    value = term(None, Batch(rows, weight=weight), Forward(code, Code(code, code)), None)
    return value, code


@WEIGHTED
def test_local_stress_is_that_of_pairs_of_neighbours(weight):
    value, _ = stress_of(X, CODE, weight)
    d, delta = (squareform(pdist(rows)) for rows in (X.numpy(), CODE.numpy()))
    rank = np.minimum(*(each.argsort(axis=1).argsort(axis=1) for each in (d, delta)))
    mass = np.ones(N_ROWS) if weight is None else weight.numpy()
    pairs = (rank <= 3) * np.outer(mass, mass)
    common = (pairs * d * delta).sum() ** 2
    expected = 1 - common / (pairs * d**2).sum() / (pairs * delta**2).sum()
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_local_stress_is_zero_where_distances_are_kept():
    rotation = np.linalg.qr(RNG.normal(size=(N_FEATURES, N_FEATURES)))[0]
    for factor in (1.0, 1e-2, 30.0):
        value, code = stress_of(X, factor * X @ torch.from_numpy(rotation) + 2)
        assert value.item() == pytest.approx(0, abs=1e-6)
        value.backward()
        assert torch.isfinite(code.grad).all()
    folded, _ = stress_of(X, X[:, :2].abs())
    assert folded.item() > 0.1


def test_rows_without_weight_are_nobodys_neighbours():
    weight = torch.where(torch.arange(N_ROWS) % 3 > 0, 1.0, 0.0).double()
    some = weight > 0
    expected, _ = stress_of(X[some], CODE[some], weight[some])
    assert stress_of(X, CODE, weight)[0].item() == pytest.approx(expected.item(), rel=1e-9)


def test_local_stress_of_rows_that_are_equal_is_finite():
    for rows in (X[:1], X[:2], X[:1].expand(6, -1)):
        value, code = stress_of(rows, rows.new_ones(len(rows), 2))
        assert 0 <= value.item() <= 1
        if value.requires_grad:
            value.backward()
            assert torch.isfinite(code.grad).all()


def test_a_code_learns_to_keep_distances():
    rows = make_s_curve(300, random_state=0)[0]
    options = {"hidden_layer_sizes": (32,), "max_iter": 60, "batch_size": 100, "random_state": 0}
    standard = torch.from_numpy(StandardScaler().fit_transform(rows))
    found = []
    for penalties in ((), (LocalStress(),)):
        model = Autoencoder(2, penalties=penalties, early_stopping=False, **options).fit(rows)
        codes = torch.from_numpy(model.transform(rows))
        found.append(stress_of(standard, codes, n_neighbors=5)[0].item())
    assert "local_stress" in model.history_
    assert found[1] < 0.8 * found[0]


def test_nested_codes_have_the_powers_of_two_below_the_width():
    assert nested() == [1, 2, 4]
    assert nested(width=9) == [1, 2, 4, 8]
    assert nested(width=1) == []
    assert nested((5, 3, 8, 20)) == [3, 5]


def test_sizes_that_are_no_numbers_of_components_are_an_error():
    with pytest.raises(ValueError, match=r"sizes=\(0, 2\) must hold integers of at least 1"):
        nested((0, 2))


@pytest.mark.parametrize("weighted", [False, True])
def test_nested_codes_cost_what_their_reconstructions_do(iris, weighted):
    X = iris - iris.mean(axis=0)
    weight = np.linspace(0.5, 1.5, 150) if weighted else None
    options = {"sizes": (1, 3), "weight": 2.0}
    start = Autoencoder(4, penalties=(NestedCodes(**options),), max_iter=0)
    found = start.fit(X, sample_weight=weight).history_
    total = 0.0
    for m in (1, 3):
        Z = start.transform(X)
        Z[:, m:] = 0.0
        errors = ((X - start.inverse_transform(Z)) ** 2).sum(axis=1)
        total += np.average(errors, weights=weight)
    whole = np.average(-start.score_samples(X), weights=weight)
    assert found["train_loss"].iloc[0] == pytest.approx(whole + 2.0 * total / 2, rel=1e-4)


@pytest.mark.parametrize("scale", [1.0, np.array([1.0, 20.0, 0.1, 3.0])])
def test_the_start_of_nested_codes_is_pca_for_each_number_of_components(iris, scale):
    X = iris * scale
    start = Autoencoder(3, penalties=(NestedCodes(),), max_iter=0).fit(X)
    codes = start.transform(X)
    assert_allclose(codes, PCA(3).fit(X).transform(X), atol=1e-4 * np.abs(codes).max())
    for m in (1, 2, 3):
        cut = codes.copy()
        cut[:, m:] = 0.0
        pca = PCA(m).fit(X)
        expected = pca.inverse_transform(pca.transform(X))
        assert_allclose(start.inverse_transform(cut), expected, atol=1e-4 * np.abs(X).max())


def test_training_nested_codes_is_not_worse_than_their_start(cancer):
    X = (cancer - cancer.mean(axis=0)) / cancer.std(axis=0)
    options = {"hidden_layer_sizes": (32,), "max_iter": 30, "random_state": 0}
    fitted = Autoencoder(6, penalties=(NestedCodes(),), **options).fit(X[:400])
    assert fitted.best_validation_loss_ <= fitted.history_["valid_loss"].iloc[0]
    assert fitted.history_["nested_codes"].iloc[-1] > 0
    plain = Autoencoder(6, **options).fit(X[:400])

    def error(autoencoder, m):
        codes = autoencoder.transform(X[400:])
        codes[:, m:] = 0.0
        return ((X[400:] - autoencoder.inverse_transform(codes)) ** 2).sum()

    pca = [
        ((X[400:] - p.inverse_transform(p.transform(X[400:]))) ** 2).sum()
        for p in (PCA(m).fit(X[:400]) for m in (1, 2, 4, 6))
    ]
    for m, expected in zip((1, 2, 4, 6), pca, strict=True):
        assert error(fitted, m) <= 1.02 * expected
    assert error(fitted, 2) < error(plain, 2)


def test_linear_maps_of_nested_codes_stay_pca(iris):
    options = {"hidden_layer_sizes": (), "early_stopping": False, "alpha": 0.0, "random_state": 0}
    fitted = Autoencoder(3, penalties=(NestedCodes(),), max_iter=30, **options).fit(iris)
    pca = PCA(3).fit(iris)
    assert fitted.score(iris) == pytest.approx(
        -((iris - pca.inverse_transform(pca.transform(iris))) ** 2).sum(axis=1).mean(), rel=0.05
    )
    assert_allclose(
        fitted.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=0.05, atol=1e-3
    )


@pytest.mark.parametrize("penalty", ["kl", "topk", "batch_topk"])
def test_sparse_codes_can_be_nested(iris, penalty):
    sparse = SparseAutoencoder(
        8, penalty=penalty, sparsity=0.3, penalties=(NestedCodes(),), max_iter=2, random_state=0
    ).fit(iris)
    assert sparse._spec_used.symmetry == ("none" if penalty == "kl" else "signs")
    assert np.isfinite(sparse.transform(iris)).all()
    if penalty == "kl":  # of units in [0, 1] no sign may change
        assert (sparse.transform(iris) >= 0).all()
