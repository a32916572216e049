"""Fits that go on from a fitted network: parts that are frozen, and columns that are others."""

from __future__ import annotations

import copy
import io

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch import nn

import sklearn_ae
from sklearn_ae import (
    Autoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
)
from tests.test_common import ESTIMATORS

pytestmark = pytest.mark.usefixtures("few_folds")

OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0, "warm_start": True}
CASES = {
    **{type(estimator).__name__: estimator for estimator in ESTIMATORS},
    "batch normalization": Autoencoder(normalization="batch", **OPTIONS),
    "random": Autoencoder(init="random", **OPTIONS),
    "gaussian loss": Autoencoder(loss="gaussian", **OPTIONS),
    "sgd": Autoencoder(optimizer=torch.optim.SGD, **OPTIONS),
    "batch top k": SparseAutoencoder(6, penalty="batch_topk", **OPTIONS),
    "jump relu": SparseAutoencoder(6, penalty="jumprelu", **OPTIONS),
}


def surface(n: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """Rows of a curved surface, where a network wins over its start."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-2, 2, size=(n, 2))
    X = np.column_stack([t, t**2, np.sin(2 * t), t[:, 0] * t[:, 1]])
    return X + shift + 0.02 * rng.normal(size=X.shape)


def weights(estimator) -> dict[str, torch.Tensor]:
    state = estimator.net_.module_.state_dict()
    return {name: tensor.clone() for name, tensor in state.items()}


def moved(before: dict, estimator) -> set[str]:
    """Names of what has changed."""
    after = weights(estimator)
    return {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}


def in_part(names: set[str], *parts: str) -> bool:
    return all(name.startswith(tuple(f"{part}." for part in parts)) for name in names)


@pytest.fixture
def streams(iris):
    order = np.random.default_rng(0).permutation(150)
    return iris[order[:90]], iris[order[90:]] + 0.2


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize(
    ("name", "early_stopping"), [*((name, False) for name in CASES), ("Autoencoder", True)]
)
def test_a_frozen_part_stays_bit_for_bit(name, part, early_stopping, streams):
    X, Y = streams
    options = {"n_components": 2} if CASES[name].n_components is None else {}
    fitted = clone(CASES[name]).set_params(warm_start=True, random_state=0, **options).fit(X)
    before, codes = weights(fitted), fitted.transform(Y)
    fitted.set_params(freeze=(part,), early_stopping=early_stopping).fit(Y)
    changed = moved(before, fitted)
    other = {"encoder": ("decoder",), "decoder": ("encoder", "latent")}[part]
    assert in_part(changed, *other)
    if not early_stopping:
        assert changed
    if part == "encoder":
        assert_array_equal(fitted.transform(Y), codes)
    assert all(p.requires_grad for p in fitted.net_.module_.parameters())


IMAGES = np.abs(np.sin(np.arange(30.0 * 36) * 0.37)).reshape(30, 6, 6)
STEPS = np.sin(np.arange(30.0 * 10) * 0.41).reshape(30, 5, 2)
RAGGED = [row[: 3 + i % 3] for i, row in enumerate(STEPS)]


@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (ConvolutionalAutoencoder(2, channels=(2,)), IMAGES),
        (RecurrentAutoencoder(2, hidden_size=4), STEPS),
        (RecurrentAutoencoder(2, hidden_size=4), RAGGED),
    ],
    ids=["images", "sequences", "ragged"],
)
def test_images_and_sequences_may_be_frozen(estimator, X):
    estimator = clone(estimator).set_params(max_iter=2, random_state=0, early_stopping=False)
    fitted = estimator.set_params(warm_start=True).fit(X)
    before, codes = weights(fitted), fitted.transform(X)
    fitted.set_params(freeze=("encoder",)).fit(X[:20])
    assert_array_equal(fitted.transform(X), codes)
    changed = moved(before, fitted)
    assert changed
    assert in_part(changed, "decoder")


def test_recorded_steps_of_many_epochs_leave_a_frozen_encoder():
    options = {**OPTIONS, "max_iter": 30, "early_stopping": False}
    fitted = Autoencoder(2, **options).fit(surface(200))
    before, codes = weights(fitted), fitted.transform(surface(50, 1))
    by_batch = copy.deepcopy(fitted)

    class OnBatch(Callback):
        def on_batch_end(self, net, **kwargs):
            pass

    fitted.set_params(freeze=("encoder",)).fit(surface(200, 2, 0.5))
    by_batch.set_params(freeze=("encoder",), callbacks=[OnBatch()]).fit(surface(200, 2, 0.5))
    for each in (fitted, by_batch):
        assert in_part(moved(before, each), "decoder")
        assert_array_equal(each.transform(surface(50, 1)), codes)
    assert_allclose(
        fitted.reconstruct(surface(50, 1)), by_batch.reconstruct(surface(50, 1)), atol=1e-3
    )


@pytest.mark.parametrize("n", [150, 1000], ids=["folds", "held out"])
def test_a_first_fit_freezes_the_start(n):
    X = surface(n)
    options = {**OPTIONS, "max_iter": 20, "hidden_layer_sizes": (32,)}
    fitted = Autoencoder(2, freeze=("encoder",), **options).fit(X)
    assert fitted.selection_.kept == "network"
    training = X if n < 1000 else None
    codes, start = fitted.transform(X), PCA(2).fit_transform(X)
    if training is not None:  # the encoder still is PCA's map, in a basis of its own
        assert LinearRegression().fit(start, codes).score(start, codes) > 1 - 1e-9
    residual = [v for n, v in weights(fitted).items() if n.startswith("encoder.residual.mlp.laye")]
    assert not residual[-1].any()
    assert not residual[-2].any()


@pytest.mark.parametrize("name", ["encoder", "*.linear.*", "encoder.residual.mlp.layers.0"])
def test_names_and_patterns_of_modules(name, streams):
    X, Y = streams
    fitted = Autoencoder(2, **OPTIONS).fit(X)
    before = weights(fitted)
    fitted.set_params(freeze=[name], early_stopping=False).fit(Y)
    stays = {"*.linear.*": ".linear."}.get(name, f"{name}.")
    changed = moved(before, fitted)
    assert changed == {path for path in before if stays not in path and "latent" not in path}


def test_a_refit_is_deterministic(streams):
    X, Y = streams
    fitted = Autoencoder(2, **OPTIONS).fit(X).set_params(freeze=("encoder",), early_stopping=False)
    one, other = copy.deepcopy(fitted).fit(Y), copy.deepcopy(fitted).fit(Y)
    assert_array_equal(one.reconstruct(Y), other.reconstruct(Y))


def test_what_was_frozen_is_trained_again(streams):
    X, Y = streams
    fitted = Autoencoder(2, freeze=("encoder",), **OPTIONS, early_stopping=False).fit(X)
    before = weights(fitted)
    fitted.set_params(freeze=()).fit(Y)
    assert any(name.startswith("encoder.residual") for name in moved(before, fitted))


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
def test_a_stream_may_freeze_and_thaw(first, streams):
    X, Y = streams
    fitted = Autoencoder(2, **OPTIONS)
    getattr(fitted, first)(X)
    before, codes = weights(fitted), fitted.transform(Y)
    fitted.set_params(freeze=("encoder",)).partial_fit(X).partial_fit(Y)
    changed = moved(before, fitted)
    assert changed
    assert in_part(changed, "decoder")
    assert_array_equal(fitted.transform(Y), codes)
    loaded = joblib.load(_joblib(fitted))
    for each in (fitted, loaded):
        each.set_params(freeze=()).partial_fit(X)
    assert any(name.startswith("encoder.") for name in moved(before, fitted))
    assert_array_equal(loaded.transform(Y), fitted.transform(Y))


def _joblib(estimator) -> io.BytesIO:
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return file


@pytest.mark.parametrize("saved", ["joblib", "skops"])
def test_a_loaded_network_is_fine_tuned(saved, streams):
    X, Y = streams
    fitted = Autoencoder(2, **{**OPTIONS, "warm_start": False}).fit(X)
    if saved == "joblib":
        loaded = joblib.load(_joblib(fitted))
    else:
        loaded = skops.io.loads(skops.io.dumps(fitted), trusted=sklearn_ae.TRUSTED_TYPES)
    chosen = {"warm_start": True, "freeze": ("encoder",), "max_iter": 3}
    for each in (fitted, loaded):
        each.set_params(**chosen, learning_rate_init=1e-3, early_stopping=False).fit(Y)
    assert_array_equal(loaded.reconstruct(Y), fitted.reconstruct(Y))


def test_a_search_over_what_is_frozen(streams):
    X, _ = streams
    grid = {"freeze": [(), ("encoder",), ("decoder",)]}
    search = GridSearchCV(Autoencoder(2, **OPTIONS, early_stopping=False), grid, cv=2).fit(X)
    assert len(set(search.cv_results_["mean_test_score"])) == 3


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (("encodr",), r"'encodr'.*names no part.*encoder, encoder\.linear, .*decoder\.linear"),
        (("encoder", 3), "holds 3, which names no part"),
        (("encoder", "decoder"), "leaves no weight of the network to be trained"),
        ("encoder", "'freeze' parameter"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_name_that_is_none_loses_nothing(method, freeze, message, streams):
    X, Y = streams
    fitted = Autoencoder(2, **OPTIONS).fit(X)
    before, rebuilt = weights(fitted), fitted.reconstruct(Y)
    with pytest.raises(ValueError, match=message):
        getattr(fitted.set_params(freeze=freeze), method)(Y)
    assert not moved(before, fitted)
    assert all(p.requires_grad for p in fitted.net_.module_.parameters())
    assert_array_equal(fitted.reconstruct(Y), rebuilt)


def test_a_fit_that_is_interrupted_loses_nothing(streams):
    X, Y = streams
    fitted = Autoencoder(2, **OPTIONS).fit(X)
    before = weights(fitted)

    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    fitted.set_params(freeze=("encoder",), callbacks=[Interrupt()])
    for method in (fitted.fit, fitted.partial_fit):
        with pytest.raises(KeyboardInterrupt):
            method(Y)
    assert not moved(before, fitted)
    assert all(p.requires_grad for p in fitted.net_.module_.parameters())


class Own(nn.Sequential):
    """A user's module whose batch normalisation has moments of its own."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(nn.Linear(n_in, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, n_out))


@pytest.mark.parametrize("name", ["encoder", "encoder.own", "encoder.own.1"])
def test_moments_of_a_users_module_are_frozen_with_it(name, streams):
    X, Y = streams
    fitted = Autoencoder(2, encoder=Own, **OPTIONS, early_stopping=False).fit(X)
    before, codes = weights(fitted), fitted.transform(Y)
    fitted.set_params(freeze=(name,)).fit(Y)
    changed = moved(before, fitted)
    assert changed
    assert not any(path.startswith(f"{name}.") for path in changed)
    if name == "encoder":
        assert_array_equal(fitted.transform(Y), codes)
    before = weights(fitted)
    assert "encoder.own.1.running_mean" in moved(before, fitted.set_params(freeze=()).fit(X))


def test_weights_that_are_shared_are_frozen_with_either(streams):
    X, Y = streams
    fitted = Autoencoder(2, tied_weights=True, **OPTIONS, early_stopping=False).fit(X)
    codes = fitted.transform(Y)
    fitted.set_params(freeze=("encoder",)).fit(Y)
    assert_array_equal(fitted.transform(Y), codes)
    with pytest.raises(ValueError, match="leaves no weight"):
        fitted.set_params(freeze=("decoder",)).fit(Y)


@pytest.mark.parametrize("whiten", [False, True])
def test_codes_of_far_rows_stay_too(whiten, streams):
    X, Y = streams
    options = {**OPTIONS, "whiten": whiten, "early_stopping": False}
    fitted = DenoisingAutoencoder(2, **options).fit(X)
    far = 30 * Y - 20
    codes = fitted.transform(far)
    fitted.set_params(freeze=("encoder",)).fit(Y + 3)
    assert_array_equal(fitted.transform(far), codes)
    loaded = joblib.load(_joblib(fitted)).fit(X)
    assert_array_equal(loaded.transform(far), codes)


def test_what_conditions_mean_stays(streams):
    X, Y = streams
    labels = np.array(["a", "b", "c"])
    fitted = Autoencoder(2, **OPTIONS, early_stopping=False)
    fitted.fit(X, condition=labels[np.arange(90) % 3])
    given = labels[np.arange(60) % 2]
    codes = fitted.transform(Y, given)
    fitted.set_params(freeze=("encoder",)).fit(Y, condition=given)
    assert_array_equal(fitted.transform(Y, given), codes)


def test_codes_out_of_fold_are_those_of_a_frozen_encoder(streams):
    X, Y = streams
    fitted = Autoencoder(2, **OPTIONS, early_stopping=False).fit(X)
    codes = fitted.transform(Y)
    found = fitted.set_params(freeze=("encoder",)).cross_fit(Y)
    assert_allclose(found.codes, codes, rtol=1e-12)


# Columns


NAMES = list("abcdefg")


def table(n: int, seed: int = 0, *, mixed: bool = False) -> pd.DataFrame:
    frame = pd.DataFrame(surface(n, seed), columns=NAMES)
    frame["sum"] = frame["a"] + frame["b"]
    if mixed:
        frame["level"] = pd.Categorical(
            np.array(["x", "y", "z"])[np.digitize(frame["a"], [-0.7, 0.7])]
        )
        frame["flag"] = frame["b"] > 0
        frame["count"] = np.floor(np.exp(frame["a"])).astype(int)
    return frame


TABLES = pytest.mark.parametrize("mixed", [False, True], ids=["numbers", "mixed"])
FOLLOWING = {
    "plain": Autoencoder(2, **OPTIONS),
    "random": Autoencoder(2, init="random", **OPTIONS),
    "batch": Autoencoder(2, normalization="batch", **OPTIONS),
    "tied": Autoencoder(2, tied_weights=True, **OPTIONS),
    "gaussian": Autoencoder(2, loss="gaussian", **OPTIONS),
    "denoising": DenoisingAutoencoder(2, **OPTIONS),
    "sparse": SparseAutoencoder(6, **OPTIONS),
    "stacked": StackedAutoencoder(2, **OPTIONS),
    "variational": VariationalAutoencoder(2, **OPTIONS),
    "vector quantized": VectorQuantizedAutoencoder(2, **OPTIONS),
}


@TABLES
@pytest.mark.parametrize("name", FOLLOWING)
def test_columns_are_followed_by_name(name, mixed):
    source = table(120, mixed=mixed).drop(columns=["c", "sum", *["level"] * mixed])
    fitted = clone(FOLLOWING[name]).fit(source)
    turned = source[source.columns[::-1]]
    still = copy.deepcopy(fitted).set_params(max_iter=0, freeze=("encoder",)).fit(turned)
    assert list(still.feature_names_in_) == list(turned.columns)
    assert_allclose(still.transform(turned), fitted.transform(source), atol=1e-9)
    assert_allclose(
        still.reconstruction_errors(turned)[source.columns],
        fitted.reconstruction_errors(source),
        rtol=1e-6,
        atol=1e-9,
    )
    # A frozen encoder does not read what is new.
    target = table(60, 1, mixed=mixed)
    wider = copy.deepcopy(fitted).set_params(freeze=("encoder",)).fit(target)
    assert_allclose(wider.transform(target), fitted.transform(target[source.columns]), atol=1e-9)
    rebuilt = wider.reconstruct(target)
    assert list(rebuilt.columns) == list(target.columns)
    assert list(rebuilt.dtypes) == list(target.dtypes)
    # What is gone is read as its mean, and what stays is written as before.
    narrow = target[[column for column in target if column not in ("a", "flag")]]
    gone = copy.deepcopy(fitted).set_params(freeze=("decoder",) if name != "tied" else ())
    gone.set_params(max_iter=0).fit(narrow)
    codes = fitted.transform(source)
    old, new = fitted.inverse_transform(codes), gone.inverse_transform(codes)
    kept = [column for column in source if column in narrow]
    if name != "tied":
        pd.testing.assert_frame_equal(new[kept], old[kept], check_exact=False, atol=1e-6)
    assert np.isfinite(gone.score_samples(narrow)).all()
    more = copy.deepcopy(fitted).fit(target)
    assert np.isfinite(more.score_samples(target)).all()


def test_a_new_column_starts_as_its_regression_on_the_codes():
    source = table(300)[["a", "b"]]
    fitted = Autoencoder(2, **OPTIONS).fit(source)
    target = table(80, 1)[["sum", "b", "a"]].assign(noise=np.random.default_rng(0).normal(size=80))
    fitted.set_params(max_iter=0).fit(target)
    rebuilt = fitted.reconstruct(target)
    assert np.corrcoef(rebuilt["sum"], target["sum"])[0, 1] > 0.9999
    assert_allclose(rebuilt["sum"], rebuilt["a"] + rebuilt["b"], atol=0.05)
    assert rebuilt["noise"].std() < 0.3


def test_a_new_column_of_levels_makes_a_table_of_numbers_a_mixed_one():
    source, target = table(150), table(60, 1, mixed=True)
    fitted = Autoencoder(2, **OPTIONS).fit(source)
    codes = fitted.transform(target[source.columns])
    fitted.set_params(max_iter=0, freeze=("encoder",)).fit(target)
    assert_allclose(fitted.transform(target), codes, atol=1e-9)
    rebuilt = fitted.reconstruct(target)
    assert list(rebuilt.dtypes) == list(target.dtypes)
    assert (rebuilt["level"] == target["level"]).mean() > 0.6


def test_columns_of_a_polars_frame_are_followed():
    polars = pytest.importorskip("polars")
    source, target = (polars.from_pandas(table(n)) for n in (100, 60))
    fitted = Autoencoder(2, **OPTIONS).fit(source.drop("c"))
    fitted.fit(target)
    assert fitted.reconstruct(target).columns == target.columns


def test_columns_are_followed_where_the_caller_wants_no_gradients():
    fitted = Autoencoder(2, **OPTIONS).fit(table(100).drop(columns="c"))
    plain = copy.deepcopy(fitted).fit(table(60))
    with torch.inference_mode():
        fitted.fit(table(60))
    assert_array_equal(fitted.transform(table(60)), plain.transform(table(60)))


def test_followed_columns_are_saved():
    fitted = Autoencoder(2, **OPTIONS).fit(table(100, mixed=True).drop(columns=["c", "level"]))
    target = table(60, 1, mixed=True)
    fitted.fit(target)
    loaded = joblib.load(_joblib(fitted))
    pd.testing.assert_frame_equal(loaded.reconstruct(target), fitted.reconstruct(target))


@TABLES
def test_a_column_that_holds_something_else_is_refused_by_name(mixed):
    source = table(100, mixed=mixed)
    fitted = Autoencoder(2, **OPTIONS).fit(source)
    before = weights(fitted)
    other = source.drop(columns="c").assign(b=np.where(source["b"] > 0, "yes", "no"))
    with pytest.raises(ValueError, match="Column 'b' of X held numbers in fit, and holds 'no'"):
        fitted.fit(other)
    assert not moved(before, fitted)
    assert list(fitted.feature_names_in_) == list(source.columns)
    fitted.fit(source)


def test_columns_that_cannot_be_followed():
    source = table(100)
    fitted = Autoencoder(2, **OPTIONS).fit(source)
    with pytest.raises(ValueError, match=r"none of \['a', .*warm_start=False"):
        fitted.fit(source.add_prefix("other_"))
    with pytest.raises(ValueError, match=r"8 features.*7 features.*pass a data frame"):
        fitted.fit(source.to_numpy()[:, :7])
    with pytest.raises(ValueError, match="feature names"):  # a stream goes on with the same
        fitted.partial_fit(source.drop(columns="a"))
    mixed = table(100, mixed=True)
    with pytest.raises(ValueError, match=r"11 columns; pass a data frame with the names"):
        Autoencoder(2, **OPTIONS).fit(mixed).fit(mixed.to_numpy()[:, 1:])
    images = ConvolutionalAutoencoder(2, max_iter=0, warm_start=True).fit(source)
    with pytest.raises(ValueError, match=r"images and sequences.*warm_start=False"):
        images.fit(source[source.columns[::-1]])


class Halving(nn.Sequential):
    """A user's module whose hidden layer is half as wide as its input."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(nn.Linear(n_in, n_in // 2), nn.Tanh(), nn.Linear(n_in // 2, n_out))


def test_columns_of_a_users_module():
    source = table(100).drop(columns=["c", "d"])
    fitted = Autoencoder(2, encoder=Own, decoder=Own, **OPTIONS).fit(source)
    codes = fitted.transform(source)
    fitted.set_params(freeze=("encoder",)).fit(table(100))
    assert_allclose(fitted.transform(table(100)), codes, atol=1e-9)
    halving = Autoencoder(2, encoder=Halving, **OPTIONS).fit(source)
    with pytest.raises(ValueError, match=r"encoder\.own\.0\.weight is of no single column"):
        halving.fit(table(100))
