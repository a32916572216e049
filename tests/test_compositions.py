"""Any architecture, latent, corruption, penalty and loss go together; every pair is tried."""

import pickle
import random
import re
import traceback
from itertools import combinations, product

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sklearn_ae import (
    MMD,
    AbsoluteError,
    Autoencoder,
    BatchTopK,
    Bernoulli,
    Blur,
    Contraction,
    Convolutional,
    Dense,
    Deterministic,
    Downsampling,
    Erasing,
    Gaussian,
    GaussianLikelihood,
    GaussianNoise,
    HuberError,
    JumpReLU,
    KLSparsity,
    L1Sparsity,
    L1Weights,
    LocalStress,
    MaskingNoise,
    NestedCodes,
    Poisson,
    Recurrent,
    SaltAndPepperNoise,
    Sigmoid,
    SquaredError,
    SwapNoise,
    TopK,
    VectorQuantized,
)
from sklearn_ae.data import ColumnScaling, Rows

pytestmark = pytest.mark.usefixtures("few_folds")

X = np.random.default_rng(0).beta(2, 3, size=(60, 5))
X[:, 1] = (0.7 * X[:, 0] + 0.3 * X[:, 1]).round(1)


def blur(X, rng):
    """A user's corruption."""
    return X + 0.1 * rng.normal(size=X.shape)


SLOTS = {
    "architecture": [
        Dense((8,)),
        Dense((8,), tied_weights=True),
        Dense((8,), normalization="batch"),
        Dense((8,), normalization="layer", dropout=0.1, hidden_noise=0.1),
    ],
    "latent": [
        Deterministic(),
        Gaussian(),
        Sigmoid(),
        TopK(),
        BatchTopK(),
        JumpReLU(),
        MMD(),
        VectorQuantized(n_codewords=8),
    ],
    "corruption": [
        None,
        GaussianNoise(),
        MaskingNoise(),
        SaltAndPepperNoise(),
        SwapNoise(),
        blur,
    ],
    "penalties": [
        (),
        (L1Weights(),),
        (KLSparsity(),),
        (L1Sparsity(),),
        (Contraction(),),
        (LocalStress(),),
        (NestedCodes(),),
    ],
    "loss": [
        SquaredError(),
        AbsoluteError(),
        HuberError(),
        GaussianLikelihood(),
        Bernoulli(),
        Poisson(),
    ],
}


def pairs_of(row):
    """Pairs of options that a choice for each slot covers."""
    return set(combinations(enumerate(row), 2))


def covering_array(sizes):
    """Rows of one option a slot that together cover every pair of options, found greedily."""
    rows = list(product(*map(range, sizes)))
    covered = {row: pairs_of(row) for row in rows}
    missing, chosen = set().union(*covered.values()), []
    while missing:
        best = max(rows, key=lambda row: len(covered[row] & missing))
        chosen.append(best)
        missing -= covered[best]
    return chosen


ROWS = covering_array([len(options) for options in SLOTS.values()])


def slots(row):
    return {name: SLOTS[name][i] for name, i in zip(SLOTS, row, strict=True)}


def label(row):
    parts = slots(row)
    penalties = parts.pop("penalties")
    names = [
        getattr(part, "__name__", type(part).__name__) for part in (*parts.values(), *penalties)
    ]
    return f"{row[0]}-" + "-".join(names)


def generators():
    return torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002


def check(autoencoder, n_components):
    before = generators()
    fitted = clone(autoencoder).fit(X)
    codes, restored = fitted.transform(X), fitted.reconstruct(X)
    assert codes.shape == (60, n_components)
    assert restored.shape == fitted.reconstruction_errors(X).shape == X.shape
    for values in (codes, restored, fitted.score_samples(X), fitted.score(X), fitted.offset_):
        assert np.isfinite(values).all()
    assert np.isfinite(fitted.history_["train_loss"]).all()
    assert np.isfinite(fitted.history_.iloc[-1]).all()
    assert_array_equal(fitted.inverse_transform(codes), restored)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.transform(X), codes)
    assert_array_equal(loaded.score_samples(X), fitted.score_samples(X))
    assert_array_equal(clone(autoencoder).fit(X).transform(X), codes)
    fitted.partial_fit(X)
    assert np.isfinite(fitted.transform(X)).all()
    after = generators()
    assert torch.equal(after[0], before[0])
    assert_array_equal(after[1], before[1])
    assert after[2] == before[2]


def test_every_pair_of_options_is_covered():
    tried = set().union(*map(pairs_of, ROWS))
    sizes = [len(options) for options in SLOTS.values()]
    assert len(tried) == sum(a * b for a, b in combinations(sizes, 2))
    assert len(ROWS) < 70


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_a_composition_fits(row):
    autoencoder = Autoencoder(
        3, **slots(row), max_iter=1, early_stopping=False, batch_size=16, random_state=0
    )
    check(autoencoder, 3)


@pytest.mark.parametrize("row", ROWS[::4], ids=label)
def test_a_composition_fits_with_random_weights(row):
    autoencoder = Autoencoder(
        3, **slots(row), init="random", max_iter=1, early_stopping=False, random_state=0
    )
    check(autoencoder, 3)


@pytest.mark.parametrize("row", ROWS[1::6], ids=label)
def test_a_composition_is_judged(row):
    check(Autoencoder(3, **slots(row), max_iter=1, random_state=0), 3)


@pytest.mark.parametrize("loss", SLOTS["loss"], ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("latent", SLOTS["latent"], ids=lambda latent: type(latent).__name__)
@pytest.mark.parametrize("penalties", [(), (L1Sparsity(),)], ids=["free", "sparse"])
def test_the_start_is_no_worse_than_the_column_means(latent, loss, penalties):
    start = Autoencoder(3, latent=latent, penalties=penalties, loss=loss, max_iter=0).fit(X)
    output = np.zeros((60, loss.n_parameters * 5))
    errors = loss.errors(X, output, ColumnScaling.fit(Rows(X)))
    assert start.score(X) > -errors.sum(axis=1).mean()


# Images and sequences, of one size and of many


def listed(n_axes, n_channels=2):
    """Thirty rows of six sizes."""
    rng = np.random.default_rng(1)
    sizes = [tuple(size) for size in rng.integers(2, 6, size=(6, n_axes))] * 5
    return [rng.beta(2, 3, size=(*size, n_channels)) for size in sizes]


def user_noise(X, rng):
    """A user's corruption of images or sequences."""
    return X + 0.1 * rng.normal(size=X.shape)


RNG = np.random.default_rng(2)
CONVOLUTIONAL = Convolutional((4,), hidden_layer_sizes=(8,))
RECURRENT = Recurrent(hidden_size=4)
ARCHITECTURES = {
    "images": (CONVOLUTIONAL, RNG.beta(2, 3, size=(60, 4, 4))),
    "listed images": (CONVOLUTIONAL, listed(2)),
    "sequences": (RECURRENT, RNG.beta(2, 3, size=(60, 6, 2))),
    "listed sequences": (RECURRENT, listed(1)),
}
NOISE = {
    "images": [None, GaussianNoise(), SwapNoise(), user_noise, Erasing(), Blur(), Downsampling()],
    "sequences": [None, GaussianNoise(), MaskingNoise(), SaltAndPepperNoise(), user_noise],
}


def neighbour_slots(kind):
    forms = [form for form in ARCHITECTURES if form.endswith(kind)]
    rest = {name: SLOTS[name] for name in ("latent", "penalties", "loss")}
    return {"form": forms, "corruption": NOISE[kind], **rest}


def compositions_of(kind):
    slots = neighbour_slots(kind)
    for row in covering_array([len(options) for options in slots.values()]):
        yield {name: options[i] for (name, options), i in zip(slots.items(), row, strict=True)}


def neighbour_label(parts):
    named = (parts["corruption"], parts["latent"], *parts["penalties"], parts["loss"])
    return "-".join([parts["form"], *(getattr(p, "__name__", type(p).__name__) for p in named)])


@pytest.mark.parametrize(
    "parts", [*compositions_of("images"), *compositions_of("sequences")], ids=neighbour_label
)
def test_a_composition_takes_images_and_sequences(parts):
    architecture, rows = ARCHITECTURES[parts["form"]]
    autoencoder = Autoencoder(
        3,
        architecture=architecture,
        **{name: part for name, part in parts.items() if name != "form"},
        max_iter=1,
        early_stopping=False,
        batch_size=16,
        random_state=0,
    )
    before = generators()
    fitted = clone(autoencoder).fit(rows)
    codes, restored = fitted.transform(rows), fitted.reconstruct(rows)
    assert codes.shape == (len(rows), 3)
    errors = fitted.reconstruction_errors(rows)
    for row, values, error in zip(rows, restored, errors, strict=True):
        assert row.shape == values.shape == error.shape
        assert np.isfinite(values).all()
        assert np.isfinite(error).all()
    for values in (codes, fitted.score_samples(rows), fitted.offset_):
        assert np.isfinite(values).all()
    assert np.isfinite(fitted.history_["train_loss"]).all()
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.transform(rows), codes)
    fitted.partial_fit(rows)
    assert np.isfinite(fitted.transform(rows)).all()
    after = generators()
    assert torch.equal(after[0], before[0])
    assert_array_equal(after[1], before[1])
    assert after[2] == before[2]


@pytest.mark.parametrize("form", ARCHITECTURES)
def test_a_composition_of_images_and_sequences_is_judged(form):
    architecture, rows = ARCHITECTURES[form]
    noise = GaussianNoise(0.2)
    options = {"latent": TopK(2), "penalties": (L1Sparsity(),), "loss": HuberError()}
    fitted = Autoencoder(
        3, architecture=architecture, corruption=noise, **options, max_iter=1, random_state=0
    ).fit(rows)
    assert np.isfinite(fitted.score_samples(rows)).all()
    assert np.isfinite(fitted.best_validation_loss_)


# Compositions drawn from all slots, of few and of many rows


DRAWN_ROWS = {
    "table": lambda rng, n: rng.beta(2, 3, size=(n, rng.choice([1, 2, 5]))),
    "holes": lambda rng, n: np.where(rng.random((n, 5)) < 0.2, np.nan, rng.random((n, 5))),
    "images": lambda rng, n: rng.beta(
        2, 3, size=(n, *rng.choice([(1, 1, 1), (2, 2, 1), (5, 4, 2)]))
    ),
    "listed images": lambda rng, n: [rng.random((*rng.integers(1, 6, 2), 2)) for _ in range(n)],
    "sequences": lambda rng, n: rng.beta(2, 3, size=(n, *rng.choice([(1, 1), (1, 2), (4, 2)]))),
    "listed sequences": lambda rng, n: [rng.random((rng.integers(1, 6), 2)) for _ in range(n)],
}


def any_of(rng, options):
    return options[rng.integers(len(options))]


def drawn_architecture(rng, form):
    hidden = {"activation": any_of(rng, ["silu", "relu", "tanh", "identity"])}
    hidden |= {"dropout": any_of(rng, [0.0, 0.3]), "hidden_noise": any_of(rng, [0.0, 0.1])}
    normalization = any_of(rng, [None, "batch", "layer"])
    flag = bool(rng.random() < 0.5)
    if "images" in form:
        return Convolutional(
            any_of(rng, [(1,), (2, 3)]),
            hidden_layer_sizes=any_of(rng, [(), (1,), (4,)]),
            normalization=normalization,
            pooling=any_of(rng, ["stride", "max", "average"]),
            kernel_size=any_of(rng, [1, 2, 3]),
            residual_blocks=int(flag),
            **hidden,
        )
    if "sequences" in form:
        return Recurrent(
            cell=any_of(rng, ["gru", "lstm"]),
            hidden_size=any_of(rng, [1, 3]),
            n_layers=any_of(rng, [1, 2]),
            bidirectional=flag,
            recurrent_decoder=bool(rng.random() < 0.5),
            **hidden,
        )
    sizes = any_of(rng, [(), (1,), (4, 3)])
    return Dense(sizes, normalization=normalization, tied_weights=flag, **hidden)


def drawn(seed):
    """An autoencoder of many, and rows for it."""
    rng = np.random.default_rng(seed)
    form = any_of(rng, list(DRAWN_ROWS))
    rows = DRAWN_ROWS[form](rng, any_of(rng, [1, 2, 3, 21, 30, 30]))
    penalties = [p for (p,) in SLOTS["penalties"][1:] if rng.random() < 0.3]
    autoencoder = Autoencoder(
        any_of(rng, [1, 2, 3]),
        architecture=drawn_architecture(rng, form),
        latent=any_of(rng, SLOTS["latent"]),
        corruption=any_of(rng, SLOTS["corruption"] + NOISE["images"]),
        penalties=penalties,
        loss=any_of(rng, SLOTS["loss"]),
        init=any_of(rng, ["pca", "random"]),
        early_stopping=bool(rng.random() < 0.3),
        batch_size=any_of(rng, [None, 1, 8]),
        max_iter=any_of(rng, [0, 1, 4]),
        whiten=bool(rng.random() < 0.2),
        optimizer=any_of(rng, [None, None, None, torch.optim.SGD]),
        random_state=0,
    )
    return autoencoder, rows


def all_finite(values):
    if isinstance(values, list):
        return all(map(all_finite, values))
    return np.isfinite(values).all()


@pytest.mark.parametrize("seed", range(40))
def test_a_drawn_composition_answers_with_numbers_or_is_refused_by_name(seed):
    autoencoder, rows = drawn(seed)
    refused = None
    try:
        autoencoder.fit(rows)
    except (ValueError, TypeError) as error:
        refused = error
    if refused is not None:
        *_, (frame, _) = traceback.walk_tb(refused.__traceback__)
        assert frame.f_globals["__name__"].startswith("sklearn_ae.")
        assert re.search(r"\w+=\S+", str(refused))  # what was given
        assert re.search(r"; |use ", str(refused))  # the way out
        return
    for each in (rows, rows[:1]):
        assert all_finite(autoencoder.transform(each))
        assert all_finite(autoencoder.reconstruct(each))
        assert all_finite(autoencoder.score_samples(each))
    if hasattr(autoencoder, "sample"):
        assert all_finite(autoencoder.sample(3, random_state=0))
    assert all_finite(autoencoder.partial_fit(rows[:1]).transform(rows))
