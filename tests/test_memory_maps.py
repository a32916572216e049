"""Fitted estimators and rows that are memory maps, which cannot be written."""

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import sklearn_ae
from sklearn_ae import Autoencoder, VariationalAutoencoder

RNG = np.random.default_rng(0)
TABLE = RNG.random((40, 5))
IMAGES = RNG.random((30, 6, 6))
ROWS = {
    "ConvolutionalAutoencoder": IMAGES,
    "SuperResolver": IMAGES,
    "RecurrentAutoencoder": RNG.random((30, 4, 2)),
    "AutoencoderImputer": np.where(RNG.random((40, 5)) < 0.1, np.nan, TABLE),
}
DOMAIN = {"sample_domain": np.where(np.arange(40) % 2, -1, 1)}
GIVEN = {
    "DomainAdaptationTransformer": DOMAIN,
    "GraphAdaptedClassifier": {"y": np.arange(40) % 3, **DOMAIN},
    "AutoencoderClassifier": {"y": (TABLE[:, 0] > 0.5).astype(int)},
    "AutoencoderRegressor": {"y": TABLE[:, 0]},
}
NAMES = [name for name in sklearn_ae.__all__ if hasattr(getattr(sklearn_ae, name), "fit")]


@pytest.fixture(autouse=True)
def warned_each_time():
    """Torch warns of an array that cannot be written only once, if it is not told otherwise."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def mapped(path, rows):
    np.save(path, rows)
    return np.load(path, mmap_mode="r")


def made(name):
    cls = getattr(sklearn_ae, name)
    names = cls().get_params(deep=False)
    if "max_iter" in names:
        return cls(random_state=0, max_iter=2)
    return cls(
        random_state=0, **({"estimator": Autoencoder(max_iter=2)} if "estimator" in names else {})
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_memory_map_is_as_good_as_an_array(name, tmp_path):
    rows = ROWS.get(name, TABLE)
    given = mapped(tmp_path / "rows.npy", rows)
    further = GIVEN.get(name, {})
    fitted = made(name).fit(rows, **further)
    again = made(name).fit(given, **further)
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    for method in ("transform", "reconstruct", "score_samples", "predict"):
        if hasattr(fitted, method):
            expected = getattr(fitted, method)(rows)
            assert_array_equal(getattr(loaded, method)(given), expected)
            assert_array_equal(getattr(again, method)(given), expected)
    if hasattr(loaded, "partial_fit"):
        loaded.partial_fit(given)
    assert_array_equal(given, rows)


def test_what_comes_with_rows_may_be_mapped(tmp_path):
    ones = mapped(tmp_path / "ones.npy", np.ones(40))
    numbers = mapped(tmp_path / "numbers.npy", TABLE[:, 0])
    clean = mapped(tmp_path / "clean.npy", TABLE)
    model = VariationalAutoencoder(2, max_iter=1, random_state=0)
    model.fit(
        TABLE, sample_weight=ones, condition=numbers, X_clean=clean, companions={"a": numbers}
    )
    assert np.isfinite(model.transform(TABLE, numbers)).all()
