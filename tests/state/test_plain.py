"""What a saved state consists of."""

from __future__ import annotations

import datetime
import decimal
import inspect
import pickle
import sys
from collections import Counter

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV

import sklearn_ae
from sklearn_ae import Autoencoder, GaussianNoise, Latent
from sklearn_ae.state import FORMAT, HEADER
from sklearn_ae.state._digest import digest
from sklearn_ae.state._plain import CLASS, from_plain, to_plain
from tests.state.models import KINDS, fitted

ESTIMATORS = [
    cls
    for cls in map(sklearn_ae.__dict__.get, sklearn_ae.__all__)
    if inspect.isclass(cls) and issubclass(cls, BaseEstimator) and hasattr(cls, "fit")
]
PLAIN = (dict, list, tuple, str, bool, int, float, bytes, slice, type(None), np.ndarray, np.float64)


def _strangers(value) -> set[type]:
    """Types in a state that are no plain values."""
    if type(value) is dict:
        assert all(type(key) is str for key in value)
        return set().union(*map(_strangers, value.values()))
    if type(value) in (list, tuple):
        return set().union(*map(_strangers, value))
    return set() if type(value) in PLAIN else {type(value)}


@pytest.mark.parametrize("name", KINDS)
def test_a_state_is_of_plain_values(name):
    found = _strangers(fitted(name).__getstate__())
    assert all(cls.__module__.startswith("sklearn.") for cls in found)


@pytest.mark.parametrize("name", KINDS)
def test_skops_needs_to_be_told_of_the_estimator_alone(name):
    estimator = fitted(name)
    untrusted = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
    assert untrusted == [f"{type(estimator).__module__}.{type(estimator).__name__}"]
    assert set(untrusted) <= set(sklearn_ae.TRUSTED_TYPES)


def test_a_search_over_slots_is_trusted(iris):
    estimator = Autoencoder(2, hidden_layer_sizes=(4,), max_iter=1, random_state=0)
    grid = {"corruption": [None, GaussianNoise(0.1)]}
    search = GridSearchCV(estimator, grid, cv=2).fit(iris)
    data = skops.io.dumps(search)
    others = set(skops.io.get_untrusted_types(data=data)) - set(sklearn_ae.TRUSTED_TYPES)
    assert all(name.startswith("sklearn.") for name in others)
    loaded = skops.io.loads(data, trusted=[*sklearn_ae.TRUSTED_TYPES, *others])
    np.testing.assert_array_equal(loaded.transform(iris), search.transform(iris))


def test_trusted_types_are_public_classes():
    paths = sklearn_ae.TRUSTED_TYPES
    assert paths == sorted(set(paths))
    public = [getattr(sklearn_ae, name) for name in sklearn_ae.__all__]
    public.append(sklearn_ae.report.TableEncoder)  # before PCA, in models that a report saves
    for path in paths:
        module, name = path.rsplit(".", 1)
        assert getattr(sys.modules[module], name) in public


class OwnNoise(GaussianNoise):
    """A user's own corruption."""


def test_a_users_own_classes_are_not_trusted(iris):
    estimator = Autoencoder(2, corruption=OwnNoise(0.1), hidden_layer_sizes=(4,), max_iter=1)
    data = skops.io.dumps(estimator.fit(iris))
    [own] = set(skops.io.get_untrusted_types(data=data)) - set(sklearn_ae.TRUSTED_TYPES)
    assert own.endswith("OwnNoise")
    loaded = skops.io.loads(data, trusted=[*sklearn_ae.TRUSTED_TYPES, own])
    np.testing.assert_array_equal(loaded.transform(iris), estimator.transform(iris))


def test_classes_of_a_room_have_different_names():
    names = Counter(
        f"{path.split('.')[1]}.{value.__name__}"
        for path, module in list(sys.modules.items())
        if path.startswith("sklearn_ae.")
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == path
    )
    assert [name for name, n in names.items() if n > 1] == []


def test_objects_that_are_one_stay_one():
    noise = GaussianNoise(0.1)
    first, second = from_plain(to_plain([noise, noise]))
    assert first is second
    assert first.scale == noise.scale


def test_dicts_with_any_keys_come_back():
    value = {1: "a", (2, "b"): np.float64(3.0), None: {"x": GaussianNoise()}}
    found = from_plain(pickle.loads(pickle.dumps(to_plain(value))))
    assert list(found) == list(value)
    assert isinstance(found[None]["x"], GaussianNoise)


def test_a_class_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match=r"data\.Nothing"):
        from_plain({CLASS: "data.Nothing"})


@pytest.mark.parametrize("name", ["os.system", "latents.np", "dict.x", "inference.Model.copy"])
def test_a_state_names_classes_of_this_package_alone(name):
    with pytest.raises(ValueError, match="not known"):
        from_plain({CLASS: name})


DIGEST = "1669be446b74726b3cd012b3ac377ccaf156dded2d0f0121264d0f86d7bf548f"


def test_a_digest_is_what_it_always_was():
    """It is part of the format: another platform or version must find the same."""
    tree = {
        "a": [1, True, None, 0.1, -0.0, float("nan"), "é", b"\x00", slice(1, 2)],
        "b": np.arange(6, dtype="<f4").reshape(2, 3),
        "c": np.array(["x", None], dtype=object),
        "d": (np.float32(0.1), np.int64(3), np.array(["2020-01-01"], "M8[D]")),
        "e": np.empty((0, 3)),
    }
    assert digest(tree) == DIGEST
    assert digest({**tree, "b": np.asfortranarray(tree["b"])}) == DIGEST


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(4, np.float32), np.zeros(2, np.float64)),
        (np.arange(4.0).reshape(2, 2), np.arange(4.0).reshape(2, 2).T),
        (0.0, -0.0),
        (1, True),
        (1, 1.0),
        ("1", 1),
        (GaussianNoise, Latent),
        (np.array(["a", "b"], object), np.array(["a", "c"], object)),
        (OwnNoise(0.1), OwnNoise(0.2)),
        (OwnNoise(0.1), 0.1),
    ],
)
def test_digests_of_different_values_differ(one, other):
    assert digest([one]) != digest([other])


def test_an_object_with_a_state_of_its_own_counts_by_its_class():
    """It may look different once it is loaded, as with caches."""

    class Cached:
        def __init__(self, value):
            self.value = value

        def __getstate__(self):
            return {"value": self.value}

    assert digest([Cached(1)]) == digest([Cached(2)])


def test_an_object_that_holds_itself_has_a_digest():
    noise = OwnNoise(0.1)
    noise.scale = [noise]
    assert digest([noise]) == digest([noise])


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_file_can_be_mapped(mmap_mode, iris, tmp_path):
    estimator = Autoencoder(2, hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(iris)
    estimator.partial_fit(iris)
    joblib.dump(estimator, tmp_path / "a.joblib")
    loaded = joblib.load(tmp_path / "a.joblib", mmap_mode=mmap_mode)
    np.testing.assert_array_equal(loaded.transform(iris), estimator.transform(iris))
    np.testing.assert_array_equal(
        loaded.partial_fit(iris).transform(iris), estimator.partial_fit(iris).transform(iris)
    )


def test_the_header_says_what_a_state_is():
    header = Autoencoder().__getstate__()[HEADER]
    assert header["format"] == FORMAT
    assert header["class"] == "autoencoders.Autoencoder"
    assert header["versions"]["sklearn_ae"] == sklearn_ae.__version__
    assert header["versions"].keys() == {"sklearn_ae", "numpy", "scikit-learn", "torch"}


@pytest.mark.parametrize(
    "level",
    [
        pd.Timestamp("1677-09-22"),
        pd.Timestamp("2024-03-31 01:30", tz="Europe/Berlin").as_unit("s"),
        pd.Timedelta(-3, "h"),
        datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.UTC),
        datetime.date(1, 1, 1),
        datetime.time(23, 59, 1),
        decimal.Decimal("1.10"),
    ],
    ids=lambda level: type(level).__name__,
)
def test_levels_that_are_dates_come_back(level):
    plain = to_plain(level)
    assert _strangers(plain) == set()
    back = from_plain(plain)
    assert type(back) is type(level)
    assert back == level
    assert repr(back) == repr(level)


def test_a_table_with_a_category_of_dates_goes_through_skops():
    dates = pd.to_datetime(["2020-01-01", "2021-01-01", "2020-05-01"] * 20)
    table = pd.DataFrame({"day": dates, "x": np.arange(60.0)})
    options = {"hidden_layer_sizes": (3,), "max_iter": 1, "random_state": 0}
    fitted = Autoencoder(1, categorical_features=["day"], **options).fit(table)
    loaded = skops.io.loads(skops.io.dumps(fitted), trusted=sklearn_ae.TRUSTED_TYPES)
    pd.testing.assert_frame_equal(loaded.reconstruct(table), fitted.reconstruct(table))
