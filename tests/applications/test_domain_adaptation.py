"""Rows of a source with the look of those of a target."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import Generator

from sklearn_ae import (
    Autoencoder,
    DomainAdaptationTransformer,
    DomainAdversary,
    DomainDiscrepancy,
    to_onnx,
)
from sklearn_ae.data import Batch
from sklearn_ae.data._batch import stratified
from sklearn_ae.starts import Coral
from sklearn_ae.terms import Code, Forward

RNG = np.random.default_rng(0)
N = 300
DOMAIN = np.where(np.arange(N) % 3, 1, -1)
TARGET = DOMAIN < 0
MIX = RNG.normal(size=(4, 4))
X = RNG.normal(size=(N, 4))
X[TARGET] = X[TARGET] @ MIX + 5
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
WITHOUT = "ignore:DomainAdaptationTransformer was fitted without sample_domain"


@pytest.mark.filterwarnings(WITHOUT)
@parametrize_with_checks(
    [
        DomainAdaptationTransformer(),
        DomainAdaptationTransformer(Autoencoder(1, max_iter=0)),
    ]
)
def test_check_estimator(estimator, check, device):
    check(estimator.set_params(device=device))


@pytest.mark.filterwarnings(WITHOUT)
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_get_feature_names_out_error,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
        estimator_checks.check_param_validation,
        estimator_checks.check_set_output_transform,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_set_output_transform_polars,
        estimator_checks.check_inplace_ensure_writeable,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize("estimator", [None, Autoencoder(2, max_iter=0)])
def test_further_checks(estimator, check):
    check("DomainAdaptationTransformer", DomainAdaptationTransformer(estimator))


def test_the_source_has_the_mean_and_covariance_of_the_target():
    moved = Coral(X[~TARGET], X[TARGET], reg_covar=0)(X[~TARGET])
    assert_allclose(moved.mean(axis=0), X[TARGET].mean(axis=0))
    assert_allclose(np.cov(moved.T), np.cov(X[TARGET].T), atol=1e-10)


def test_the_map_is_that_of_the_paper():
    """Whitening and colouring by roots of covariances plus the identity, in standard units."""
    source, target = X[~TARGET], X[TARGET]
    unit = np.sqrt(source.var(axis=0) + target.var(axis=0))
    roots = []
    for rows, power in ((source, -0.5), (target, 0.5)):
        values, vectors = np.linalg.eigh(np.cov((rows / unit).T) + np.eye(4))
        roots.append(vectors @ np.diag(values**power) @ vectors.T)
    expected = ((source - source.mean(axis=0)) / unit) @ roots[0] @ roots[1] * unit
    found = DomainAdaptationTransformer().fit_transform(X, sample_domain=DOMAIN)
    assert_allclose(found[~TARGET], expected + target.mean(axis=0))
    assert_array_equal(found[TARGET], target)


def test_columns_that_are_constant_or_alike_stay_finite():
    rows = np.column_stack([X, X[:, 0], np.full(N, 3.0), np.where(TARGET, 1.0, 2.0)])
    for reg_covar in (0, 1.0):
        transformer = DomainAdaptationTransformer(reg_covar=reg_covar)
        found = transformer.fit_transform(rows, sample_domain=DOMAIN)
        assert np.isfinite(found).all()
        assert_allclose(found[:, -2:], np.c_[np.full(N, 3.0), np.ones(N)])


def test_rows_without_a_domain_are_of_the_target():
    transformer = DomainAdaptationTransformer().fit(X, sample_domain=DOMAIN)
    assert_array_equal(transformer.transform(X), X)
    assert_array_equal(transformer.transform(X, sample_domain=-np.ones(N)), X)
    expected = transformer.fit_transform(X, sample_domain=DOMAIN)
    assert_array_equal(transformer.transform(X, sample_domain=DOMAIN), expected)
    single = transformer.fit_transform(X.astype(np.float32), sample_domain=DOMAIN)
    assert single.dtype == np.float32
    assert_allclose(single, expected, atol=1e-4)


@pytest.mark.parametrize("method", ["mmd", "adversarial"])
def test_codes_of_an_autoencoder_with_a_penalty(method):
    own = Autoencoder(2, **SMALL)
    transformer = DomainAdaptationTransformer(own, method=method, weight=0.5, random_state=0)
    codes = transformer.fit_transform(X, sample_domain=DOMAIN)
    [penalty] = transformer.estimator_.penalties
    assert penalty.weight == 0.5
    assert penalty.name in transformer.estimator_.history_
    assert codes.shape == (N, 2)
    again = DomainAdaptationTransformer(own, method=method, weight=0.5, random_state=0)
    assert_array_equal(again.fit_transform(X, sample_domain=DOMAIN), codes)
    loaded = pickle.loads(pickle.dumps(transformer))
    assert_array_equal(loaded.transform(X, sample_domain=DOMAIN), codes)
    assert own.penalties == ()
    with pytest.raises(NotImplementedError, match="DomainAdaptationTransformer"):
        to_onnx(transformer, X)


def test_a_penalty_takes_an_autoencoder():
    with pytest.raises(ValueError, match=r'method=.mmd. adds a penalty.*PCA.*method="coral"'):
        DomainAdaptationTransformer(PCA(2), method="mmd").fit(X, sample_domain=DOMAIN)
    codes = DomainAdaptationTransformer(PCA(2)).fit_transform(X, sample_domain=DOMAIN)
    assert codes.shape == (N, 2)
    with pytest.raises(ValueError, match="'method' parameter"):
        DomainAdaptationTransformer(method="graph").fit(X, sample_domain=DOMAIN)


def test_it_stands_before_any_classifier():
    y = (X[:, 0] > np.where(TARGET, 5, 0)).astype(int)
    with config_context(enable_metadata_routing=True):
        transformer = DomainAdaptationTransformer()
        transformer.set_fit_request(sample_domain=True).set_transform_request(sample_domain=True)
        pipeline = make_pipeline(StandardScaler(), transformer, LogisticRegression())
        pipeline.fit(X, y, sample_domain=DOMAIN)
        found = pipeline.predict(X[TARGET])
    scaled = StandardScaler().fit(X)
    Z = DomainAdaptationTransformer().fit_transform(scaled.transform(X), sample_domain=DOMAIN)
    expected = LogisticRegression().fit(Z, y).predict(scaled.transform(X[TARGET]))
    assert_array_equal(found, expected)


BAD = [
    (
        np.ones(N),
        "has no row of the target among its 300, but a covariance takes two",
    ),
    (-np.ones(N), "has no row of the source"),
    (np.where(np.arange(N) == 4, -1, 1), "has one row of the target"),
    (np.ones(3), r"shape \(3,\), but X has 300 rows"),
    (np.full(N, np.nan), "of no domain"),
    (np.full(N, "a"), "of no domain"),
]


@pytest.mark.parametrize(("domain", "message"), BAD)
def test_bad_domains_are_named_and_lose_nothing(domain, message):
    transformer = DomainAdaptationTransformer().fit(X, sample_domain=DOMAIN)
    state = dict(vars(transformer))
    with pytest.raises(ValueError, match=message):
        transformer.fit(X, sample_domain=domain)
    assert vars(transformer) == state


@pytest.mark.parametrize("factor", [1e-200, 1e30, 1e200])
def test_units_of_any_size_are_matched(factor):
    transformer = DomainAdaptationTransformer(reg_covar=0)
    found = transformer.fit_transform(X * factor, sample_domain=DOMAIN) / factor
    assert_allclose(np.cov(found[~TARGET].T), np.cov(X[TARGET].T), rtol=1e-6, atol=1e-6)
    assert np.isfinite(transformer.transform(X * 1e300, sample_domain=DOMAIN)).all()


def test_text_is_refused_with_the_way_out():
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(TARGET, "u", "v")})
    for column in (frame["b"], pd.Timestamp("2020")):
        with pytest.raises(ValueError, match=r"(?s)numbers alone.*OneHotEncoder"):
            DomainAdaptationTransformer().fit(frame.assign(b=column), sample_domain=DOMAIN)


@pytest.mark.parametrize("method", ["coral", "mmd"])
def test_a_missing_domain_warns_and_adapts_nothing(method):
    transformer = DomainAdaptationTransformer(
        None if method == "coral" else Autoencoder(2, **SMALL), method=method
    )
    with pytest.warns(UserWarning, match="nothing is adapted. To adapt, pass non-negative"):
        found = transformer.fit_transform(X)
    if method == "coral":
        assert_array_equal(found, X)
    else:
        assert transformer.estimator_.penalties == ()


def test_names_and_frames():
    frame = pd.DataFrame(X, columns=list("abcd"))
    columns = DomainAdaptationTransformer().set_output(transform="pandas")
    assert list(columns.fit_transform(frame, sample_domain=DOMAIN)) == list("abcd")
    codes = DomainAdaptationTransformer(Autoencoder(2, max_iter=0)).fit(frame, sample_domain=DOMAIN)
    assert list(codes.get_feature_names_out()) == [
        "domainadaptationtransformer0",
        "domainadaptationtransformer1",
    ]


def term_value(penalty, code, **companions):
    given = {name: torch.as_tensor(value) for name, value in companions.items()}
    batch = Batch(torch.zeros(len(code), 3), **given)
    sample = torch.as_tensor(code, dtype=torch.float32).requires_grad_()
    term = penalty.build(code.shape[1], False)
    value = term(None, batch, Forward(sample, Code(sample, sample)), Generator())
    return value, sample, term


def test_the_discrepancy_is_a_double_sum():
    code, domain = RNG.normal(size=(12, 2)), np.where(np.arange(12) < 5, 2, -1)
    weight = RNG.random(12).astype(np.float32)
    value, _, _ = term_value(DomainDiscrepancy(0.7), code, domain=domain, weight=weight)
    code = code / code.std(axis=0)
    square = ((code[:, None] - code[None]) ** 2).sum(axis=2)
    scales = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10]) * square.mean()
    expected = 0.0
    mass = {s: weight[(domain >= 0) == s].sum() for s in (True, False)}
    for i in range(12):
        for j in range(12):
            one, other = domain[i] >= 0, domain[j] >= 0
            kernel = np.mean(np.exp(-square[i, j] / scales))
            share = weight[i] / mass[one] * weight[j] / mass[other]
            expected += share * kernel * (1 if one == other else -1)
    assert value.item() == pytest.approx(0.7 * expected, rel=1e-5)
    alike, _, _ = term_value(
        DomainDiscrepancy(), np.tile(code, (2, 1)), domain=np.repeat([1, -1], 12)
    )
    assert abs(alike.item()) < 1e-6


@pytest.mark.parametrize("penalty", [DomainDiscrepancy(), DomainAdversary()])
def test_a_batch_of_one_domain_costs_nothing(penalty):
    value, sample, _ = term_value(penalty, RNG.normal(size=(6, 2)), domain=np.ones(6))
    value.backward()
    assert value.item() == 0
    assert torch.isfinite(sample.grad).all()


def test_the_gradient_of_the_adversary_is_reversed():
    code, domain = RNG.normal(size=(40, 2)), np.repeat([0, -1], 20)
    gradients = []
    for weight in (0.0, 1.0, 2.5):
        torch.manual_seed(0)
        value, sample, term = term_value(DomainAdversary(weight), code, domain=domain)
        value.backward()
        learned = term.discriminator[0].weight.grad.clone()
        gradients.append((value.item(), sample.grad, learned))
    fixed = torch.as_tensor(code, dtype=torch.float32)
    own = fixed.clone().requires_grad_()
    logit = term.discriminator((own - fixed.mean(dim=0)) / fixed.std(dim=0, correction=0))[:, 0]
    label = torch.as_tensor(domain >= 0).float()
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logit, label)
    plain.backward()
    for weight, (value, found, _) in zip((0.0, 1.0, 2.5), gradients, strict=True):
        assert value == pytest.approx(plain.item())
        assert_allclose(found, -weight * own.grad, atol=1e-7)
    # The adversary itself learns all the same.
    assert_allclose(gradients[0][2], gradients[2][2], atol=1e-7)
    assert gradients[0][2].abs().max() > 0


@pytest.mark.parametrize("penalty", [DomainDiscrepancy(), DomainAdversary()])
def test_penalties_bring_domains_together(penalty):
    domain = np.where(np.arange(400) % 2, 1, -1)

    def gap(penalties, seed):
        rows = np.random.default_rng(seed).normal(size=(400, 6))
        rows[domain > 0, :2] += 3
        model = Autoencoder(
            3,
            penalties=penalties,
            early_stopping=False,
            max_iter=60,
            learning_rate_init=0.01,
            random_state=0,
        )
        given = {"companions": {"domain": domain}} if penalties else {}
        codes = model.fit(rows, **given).transform(rows)
        codes = codes / codes.std(axis=0)
        difference = codes[domain > 0].mean(axis=0) - codes[domain < 0].mean(axis=0)
        return np.abs(difference).max()

    # An adversary need not be beaten for each seed.
    found = [(gap((penalty,), seed), gap((), seed)) for seed in range(5)]
    assert np.median([after / before for after, before in found]) < 0.4


def test_batches_have_their_share_of_each_domain():
    domain = torch.as_tensor(np.where(np.arange(1000) < 100, -1, 1))
    batch = Batch(torch.arange(1000.0)[:, None], domain=domain)
    seen = []
    for part in batch.batches(50, Generator().manual_seed(0)):
        assert int((part.companions["domain"] < 0).sum()) == 5
        seen.append(part.x[:, 0])
    assert_array_equal(torch.cat(seen).sort().values, np.arange(1000.0))
    order = torch.randperm(1000, generator=Generator().manual_seed(0))
    assert_array_equal(stratified(order, {}), order)
