"""Images in another unit than in fit are answered as they are, with one warning."""

from __future__ import annotations

import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.base import clone

import sklearn_ae
from sklearn_ae import (
    AutoencoderOutlierDetector,
    Convolutional,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    OtherRangeWarning,
    StackedAutoencoder,
    SuperResolver,
)

RNG = np.random.default_rng(0)
SHARES = RNG.random((30, 6, 6))
SHARES[:, 0, 0] = 1
FEW_BRIGHT = np.where(RNG.random(SHARES.shape) < 0.1, 500 * SHARES, SHARES)
NORMAL = RNG.normal(size=SHARES.shape)
IMAGES = {
    "shares": SHARES,
    "shares in float32": SHARES.astype(np.float32),
    "percent": 100 * SHARES,
    "floats to 255": 255 * SHARES,
    "uint8": np.rint(255 * SHARES).astype(np.uint8),
    "uint16": np.rint(65_535 * SHARES).astype(np.uint16),
    "12 bits": np.rint(4095 * SHARES).astype(np.uint16),
    "int64": np.rint(255 * SHARES).astype(np.int64),
    "bool": SHARES > 0.5,
    "digits": np.rint(16 * SHARES),
    "signed": 2 * SHARES - 1,
    "normal": NORMAL,
    "blank": np.zeros_like(SHARES),
    "white": np.full_like(SHARES, 255),
    "dark uint8": np.rint(SHARES).astype(np.uint8),
    "dark floats": 20 * SHARES,
    "some bright pixels": FEW_BRIGHT,
    "little contrast": NORMAL / 50,
    "brighter": 3 * SHARES,
    "one normal image": np.concatenate([0 * SHARES[1:], 255 * SHARES[:1]]),
}


def images(**parameters: Any) -> ConvolutionalAutoencoder:
    return ConvolutionalAutoencoder(
        2,
        **{"channels": (2,), "hidden_layer_sizes": (4,), "max_iter": 0, **parameters},
        random_state=0,
    )


@cache
def fitted_to(name: str) -> ConvolutionalAutoencoder:
    """Return an estimator that has not warned yet."""
    return images().fit(IMAGES[name])


def warned(*calls: Any) -> list[str]:
    """Return what is said of other ranges while functions are called."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for call in calls:
            call()
    return [str(w.message) for w in found if issubclass(w.category, OtherRangeWarning)]


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        ("shares", "floats to 255"),
        ("shares", "percent"),
        ("shares", "uint8"),
        ("shares", "uint16"),
        ("shares", "digits"),
        ("signed", "uint8"),
        ("normal", "uint8"),
        ("bool", "uint8"),
        ("uint8", "uint16"),
        ("uint8", "12 bits"),
        ("uint8", "shares"),
        ("uint8", "shares in float32"),
        ("uint8", "bool"),
        ("uint8", "signed"),
        ("uint16", "uint8"),
        ("12 bits", "uint8"),
        ("uint16", "shares"),
        ("int64", "shares"),
        ("digits", "shares"),
        ("floats to 255", "shares"),
        ("floats to 255", "bool"),
        ("percent", "shares"),
    ],
)
def test_pixels_in_another_unit_are_named(fitted: str, given: str) -> None:
    X, other = IMAGES[fitted], IMAGES[given]
    model = copy.deepcopy(fitted_to(fitted))
    (message,) = warned(*[lambda: model.score_samples(other)] * 2, lambda: model.predict(other[:1]))
    assert f"X holds pixels from {other.min():g} to {other.max():g} ({other.dtype})" in message
    assert f"fit saw pixels from {X.min():g} to {X.max():g} ({X.dtype})" in message
    assert "Bring X to the range of fit" in message


@pytest.mark.parametrize(
    ("fitted", "given"), [("shares", "uint8"), ("uint8", "shares"), ("floats to 255", "shares")]
)
@pytest.mark.parametrize(
    "form",
    [
        list,
        torch.from_numpy,
        lambda X: X[:, None],
        lambda X: [x[: 3 + i % 3, :-1] for i, x in enumerate(X)],
        lambda X: X.reshape(30, 36),
        lambda X: pd.DataFrame(X.reshape(30, 36)),
    ],
    ids=["list", "tensor", "channels first", "sizes", "flat", "frame"],
)
def test_so_they_are_in_every_form(fitted: str, given: str, form: Any) -> None:
    X, other = IMAGES[fitted], IMAGES[given]
    shape = (6, 6) if np.ndim(form(X)[:1]) == 2 else None
    model = images(image_shape=shape).fit(form(X))
    (message,) = warned(*[lambda: model.score_samples(form(other))] * 2)
    assert f" ({other.dtype}), but fit" in message
    assert f" ({X.dtype});" in message


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        *[(name, name) for name in IMAGES],
        *[(name, "blank") for name in IMAGES],
        ("blank", "uint8"),
        ("shares", "bool"),
        ("shares", "signed"),
        ("shares", "some bright pixels"),
        ("shares", "brighter"),
        ("shares", "normal"),
        ("signed", "shares"),
        ("uint8", "floats to 255"),
        ("uint8", "int64"),
        ("int64", "uint8"),
        ("uint8", "dark uint8"),
        ("uint8", "dark floats"),
        ("uint8", "white"),
        ("dark uint8", "some bright pixels"),
        ("floats to 255", "dark floats"),
        ("floats to 255", "one normal image"),
        ("uint8", "one normal image"),
        ("normal", "little contrast"),
        ("some bright pixels", "shares"),
    ],
)
def test_strange_images_in_the_unit_of_fit_are_not(fitted: str, given: str) -> None:
    assert not warned(lambda: fitted_to(fitted).score_samples(IMAGES[given]))


def test_a_matrix_without_a_shape_may_be_of_any_units() -> None:
    model = images().fit(SHARES.reshape(30, 36))
    assert not warned(lambda: model.score_samples(255 * SHARES.reshape(30, 36)))


def test_it_is_said_once_for_each_fit_and_changes_nothing() -> None:
    X, other = SHARES, 255 * SHARES
    model = images().fit(X)
    before = pickle.dumps(model)
    given = other.copy()
    with ThreadPoolExecutor(8) as pool:
        found = []
        assert len(warned(lambda: found.extend(pool.map(model.score_samples, [other] * 16)))) == 1
    assert pickle.dumps(model) == before
    assert (other == given).all()
    alone = np.concatenate([model.score_samples(other[i : i + 1]) for i in range(30)])
    for scores in found:
        np.testing.assert_allclose(scores, alone, rtol=1e-9)
    assert not warned(lambda: model.transform(other), lambda: model.reconstruct(other))
    for new in (pickle.loads(before), copy.deepcopy(model), clone(model).fit(X), model.fit(X)):
        assert len(warned(*[lambda new=new: new.transform(other)] * 2)) == 1


def test_other_estimators_say_it_once_too() -> None:
    X, other = SHARES, 255 * SHARES
    for fitted in (
        AutoencoderOutlierDetector(images(), n_estimators=3, random_state=0).fit(X),
        AutoencoderOutlierDetector(
            StackedAutoencoder(2, architecture=Convolutional((2,)), max_iter=0),
            n_estimators=2,
            random_state=0,
        ).fit(X),
        DenoisingAutoencoder(2, architecture=Convolutional((2,)), max_iter=0).fit(X),
    ):
        again = skops.io.loads(skops.io.dumps(fitted), trusted=sklearn_ae.TRUSTED_TYPES)
        for model in (fitted, pickle.loads(pickle.dumps(fitted)), again):
            calls = [partial(m, other) for m in (model.score_samples, model.predict)]
            said = warned(*calls)
            assert len(said) == 1
    assert len(warned(lambda: images(max_iter=1).fit(X).partial_fit(other).partial_fit(other))) == 1


def test_a_super_resolver_is_of_one_unit_by_its_activation() -> None:
    options = {"channels": 2, "depth": 2, "max_iter": 1, "random_state": 0}
    resolver = SuperResolver(**options).fit(SHARES)
    found = []
    assert not warned(lambda: found.append(resolver.predict(255 * SHARES)))
    np.testing.assert_allclose(found[0], 255 * resolver.predict(SHARES), rtol=1e-9, atol=1e-9)
    bounded = SuperResolver(activation="tanh", **options).fit(IMAGES["uint8"])
    assert not warned(lambda: bounded.predict(SHARES), lambda: bounded.predict(IMAGES["uint16"]))
    assert len(warned(*[lambda: bounded.predict(255 * SHARES)] * 2)) == 1
