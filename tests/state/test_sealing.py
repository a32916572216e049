"""States of other formats, versions, classes and devices, and damaged ones."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import sklearn_ae
from sklearn_ae import (
    Autoencoder,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    DenoisingAutoencoder,
    SparseAutoencoder,
)
from sklearn_ae.state import FORMAT, HEADER, OtherVersionWarning, _migrations
from sklearn_ae.state._digest import digest
from sklearn_ae.state._plain import CLASS
from tests.state.damage import from_state, outcomes
from tests.state.models import KINDS, answers, fitted, rows

TABLE = {"hidden_layer_sizes": (3,), "max_iter": 1, "random_state": 0}
VERSION = sklearn_ae.__version__


def resealed(state, **facts):
    """Return a state that was changed, with a digest that agrees."""
    names = [name for name in state if name != HEADER]
    header = {**state[HEADER], "names": names, **facts}
    header.pop("digest")
    own = {name: state[name] for name in names}
    return {HEADER: {**header, "digest": digest([header, own])}, **own}


@pytest.fixture
def estimator():
    return Autoencoder(2, contamination=0.1, **TABLE).fit(rows())


@pytest.fixture
def state(estimator):
    return pickle.loads(pickle.dumps(estimator.__getstate__()))


def test_a_state_without_a_number_is_refused(state):
    del state[HEADER]
    message = (
        r"Autoencoder has no format number, .* before sklearn_ae 0\.1\.0, and this is "
        rf"sklearn_ae {VERSION}; load it with the version that wrote it, or fit it again"
    )
    with pytest.raises(ValueError, match=message):
        Autoencoder().__setstate__(state)


@pytest.mark.parametrize("number", [0, FORMAT + 1, "1", True, None])
def test_a_format_that_is_not_known_is_refused(state, number):
    versions = {**state[HEADER]["versions"], "sklearn_ae": "7.1"}
    message = (
        rf"Autoencoder is of sklearn_ae 7\.1 in format {number!r}, and this is "
        rf"sklearn_ae {VERSION}, which reads formats 1 to {FORMAT}"
    )
    with pytest.raises(ValueError, match=message):
        Autoencoder().__setstate__(resealed(state, format=number, versions=versions))


@pytest.mark.parametrize(
    ("written", "way_out"),
    [("7.1", r"use sklearn_ae 7\.1 or later, or fit"), (VERSION, "use a later build, or fit")],
)
def test_a_later_format_says_which_version_reads_it(state, written, way_out):
    versions = {**state[HEADER]["versions"], "sklearn_ae": written}
    with pytest.raises(ValueError, match=way_out):
        Autoencoder().__setstate__(resealed(state, format=99, versions=versions))


def test_a_state_of_another_class_is_refused(state):
    with pytest.raises(ValueError, match=r"that of autoencoders\.Autoencoder.*not of Sparse"):
        SparseAutoencoder().__setstate__(state)


def test_another_version_is_told(state, estimator):
    versions = {**state[HEADER]["versions"], "sklearn_ae": "0.0.9"}
    state = resealed(state, versions=versions)
    message = rf"Autoencoder was saved by sklearn_ae 0\.0\.9 and is loaded by sklearn_ae {VERSION}"
    with pytest.warns(OtherVersionWarning, match=message):
        loaded = from_state(estimator, state)
    np.testing.assert_array_equal(loaded.transform(rows()), estimator.transform(rows()))
    with warnings.catch_warnings(action="error"):
        pickle.loads(pickle.dumps(loaded))


@pytest.mark.parametrize("package", ["numpy", "scikit-learn", "torch"])
def test_versions_of_others_may_differ(state, estimator, package):
    state = resealed(state, versions={**state[HEADER]["versions"], package: "99.0"})
    loaded = from_state(estimator, state)
    np.testing.assert_array_equal(loaded.transform(rows()), estimator.transform(rows()))


def _renamed(name, state):
    """What two releases might change: a parameter's name, and that of a class."""
    if name == "autoencoders.Autoencoder":
        state = dict(state)
        state["validation_fraction"] = state.pop("held_out_percent")
    if state.get(CLASS) == "latents.Plain":
        state = {**state, CLASS: "latents.Deterministic"}
    return state


def _as_shares(name, state):
    if name == "autoencoders.Autoencoder":
        return {**state, "validation_fraction": state["validation_fraction"] / 100}
    return state


def _aged(value, name=None):
    """Write a state as `_renamed` and `_as_shares` would have found it."""
    if type(value) in (list, tuple):
        return type(value)(map(_aged, value))
    if type(value) is not dict:
        return value
    name = value.get(CLASS, name)
    value = {key: _aged(item) for key, item in value.items()}
    if name == "latents.Deterministic":
        value[CLASS] = "latents.Plain"
    if name == "autoencoders.Autoencoder":
        value["held_out_percent"] = 100 * value.pop("validation_fraction")
    return value


@pytest.mark.parametrize("held", [False, True], ids=["alone", "in a detector"])
def test_older_formats_become_todays(held, estimator, monkeypatch):
    if held:
        estimator = AutoencoderOutlierDetector(estimator, n_estimators=2, random_state=0)
        estimator.fit(rows())
    state = pickle.loads(pickle.dumps(estimator.__getstate__()))
    header = state.pop(HEADER)
    old = resealed({HEADER: header, **_aged(state, header["class"])})
    assert "latents.Plain" in repr(old)
    assert "held_out_percent" in repr(old)
    with pytest.raises(ValueError, match="cannot be restored"):
        from_state(estimator, old)
    monkeypatch.setattr(_migrations, "FORMAT", FORMAT + 2)
    monkeypatch.setattr(_migrations, "MIGRATIONS", {FORMAT: _renamed, FORMAT + 1: _as_shares})
    loaded = from_state(estimator, old)
    own = loaded.estimators_[0] if held else loaded
    assert own.validation_fraction == pytest.approx(0.1)
    assert not hasattr(own, "held_out_percent")
    np.testing.assert_array_equal(loaded.score_samples(rows()), estimator.score_samples(rows()))
    assert loaded.__getstate__()[HEADER]["format"] == FORMAT + 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w[:1], r"array 0 of the weights has shape \(1, 4\) in place of \(2, 4\)"),
        (lambda w: w.T, r"has shape \(4, 2\) in place of \(2, 4\)"),
        (lambda w: w[None], r"has shape \(1, 2, 4\) in place of \(2, 4\)"),
        (lambda w: w.astype(np.float64), r"has type torch\.float64 in place of torch\.float32"),
        (lambda w: w * np.float32(np.nan), "holds a number that is not finite"),
        (lambda w: w * np.float32(np.inf), "holds a number that is not finite"),
    ],
)
def test_weights_are_those_of_the_network(state, estimator, change, message):
    """Some of these would be broadcast in silence."""
    weights = state["_network"]["weights"]
    weights[0] = np.ascontiguousarray(change(weights[0]))
    with pytest.raises(ValueError, match=r"Autoencoder of sklearn_ae .* is damaged"):
        from_state(estimator, state)
    with pytest.raises(ValueError, match=f"Autoencoder of sklearn_ae {VERSION} cannot.*{message}"):
        from_state(estimator, resealed(state))


@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: [*w, w[0]], lambda w: []])
def test_there_are_as_many_weights_as_the_network_has(state, estimator, change):
    state["_network"]["weights"] = change(state["_network"]["weights"])
    with pytest.raises(ValueError, match="arrays of weights in place of 14"):
        from_state(estimator, resealed(state))


@pytest.mark.parametrize("name", ["mean", "scale"])
@pytest.mark.parametrize("which", ["scaling", "target_scaling"])
def test_scales_are_those_of_the_columns(state, estimator, which, name):
    state["_network"][which][name] = state["_network"][which][name][:1]
    with pytest.raises(ValueError, match="columns has shape"):
        from_state(estimator, resealed(state))


def test_moments_are_those_of_the_weights(estimator):
    estimator.partial_fit(rows())
    state = pickle.loads(pickle.dumps(estimator.__getstate__()))
    moments = state["_network"]["moments"]
    name, value = next((k, v) for k, v in moments[0].items() if np.ndim(v))
    moments[0][name] = value[:1]
    with pytest.raises(ValueError, match=f"a moment '{name}' has shape"):
        from_state(estimator, resealed(state))
    state["_network"]["moments"] = moments[1:]
    with pytest.raises(ValueError, match="moments of 13 of 14 weights"):
        from_state(estimator, resealed(state))


def test_a_load_that_fails_leaves_the_estimator_as_it_was(state, estimator):
    before = estimator.transform(rows())
    state["offset_"] += 1
    with pytest.raises(ValueError, match="damaged"):
        estimator.__setstate__(state)
    np.testing.assert_array_equal(estimator.transform(rows()), before)


@pytest.mark.parametrize(
    "name", ["offset_", "n_components_", "contamination", "_entropy", "_reader", "feature"]
)
def test_the_digest_covers_what_is_no_array_too(state, estimator, name):
    if name == "feature":
        state["_reader"]["adapter"]["categorical_features"] = [0]
    elif name == "_reader":
        state["_reader"]["sparse"] = not state["_reader"]["sparse"]
    else:
        state[name] = np.nextafter(state[name], 9) if name == "offset_" else state[name] + 1
    with pytest.raises(ValueError, match="damaged"):
        from_state(estimator, state)


class Tagged(Autoencoder):
    """A user's subclass with more in its state."""

    def __getstate__(self):
        return {**super().__getstate__(), "tag": "mine"}


class Keeping(Autoencoder):
    """A user's subclass with an attribute."""

    def fit(self, X, y=None):
        self.kept_ = [1, 2]
        return super().fit(X, y)


def test_a_subclass_may_add_to_its_state():
    loaded = pickle.loads(pickle.dumps(Tagged(2, **TABLE).fit(rows())))
    assert loaded.tag == "mine"
    state = Keeping(2, **TABLE).fit(rows()).__getstate__()
    assert from_state(Keeping(), state).kept_ == [1, 2]
    with pytest.raises(ValueError, match=r"Keeping .* is damaged"):
        from_state(Keeping(), {**state, "kept_": [1, 3]})


def test_a_subclass_in_a_detector_comes_back():
    detector = AutoencoderOutlierDetector(Tagged(2, **TABLE), n_estimators=2, random_state=0)
    detector.fit(rows())
    loaded = pickle.loads(pickle.dumps(detector))
    assert {e.tag for e in loaded.estimators_} == {"mine"}
    np.testing.assert_array_equal(loaded.score_samples(rows()), detector.score_samples(rows()))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", KINDS)
def test_damage_never_gives_another_answer(name):
    """A share of what `python -m tests.state.damage` does."""
    found = Counter(outcomes(name, n_flips=8, n_truncations=2, n_manglings=8))
    assert sum(found.values()) == 3 * 10 + 8
    assert [how for _, how in found if not how.startswith(("refused", "equal"))] == []
    assert sum(n for (_, how), n in found.items() if how.startswith("refused")) > 15


ON_A_GPU = {
    "autoencoder": lambda: Autoencoder(2, **TABLE),
    "detector": lambda: AutoencoderOutlierDetector(
        Autoencoder(2, **TABLE), n_estimators=2, random_state=0
    ),
    "imputer": lambda: AutoencoderImputer(**TABLE),
    "imputer_by_autoencoders": lambda: AutoencoderImputer(
        DenoisingAutoencoder(2, **TABLE), random_state=0
    ),
    "super_resolver": lambda: copy.deepcopy(fitted("super_resolver")),
}


def _moved(value, device):
    """Write another device wherever a state names one."""
    if type(value) in (list, tuple):
        return type(value)(_moved(item, device) for item in value)
    if type(value) is not dict:
        return value
    return {k: device if k == "device" else _moved(v, device) for k, v in value.items()}


@pytest.mark.cpu_only(reason="it is about an estimator of another device")
@pytest.mark.parametrize("kind", ON_A_GPU)
def test_an_estimator_of_a_gpu_that_is_not_here(kind, device):
    name = kind if kind in KINDS else {"detector": "outlier_detector"}.get(kind, kind)
    data = KINDS[name].data()
    estimator = ON_A_GPU[kind]().fit(data)
    assert estimator.device_ == "cpu"
    loaded = from_state(estimator, resealed(_moved(estimator.__getstate__(), "cuda:63")))
    assert loaded.device == "cuda:63"
    assert loaded.device_ == "cpu"
    expected = answers(name, estimator)
    for key, value in answers(name, loaded).items():
        np.testing.assert_array_equal(value, expected[key])
    with pytest.raises(ValueError, match=r"device='cuda:63' is not available.*device=\"cpu\" or"):
        loaded.fit(data)
    np.testing.assert_array_equal(answers(name, loaded)[key], expected[key])
    loaded.set_params(device="cpu").fit(data)
    assert loaded.device_ == "cpu"


@pytest.mark.cpu_only(reason="it is about an estimator of another device")
def test_partial_fit_goes_on_where_the_network_is(estimator):
    estimator._config_used = replace(estimator._config_used, device="cuda:63")
    loaded = pickle.loads(pickle.dumps(estimator))
    assert loaded.device_ == "cpu"
    loaded.partial_fit(rows())
    assert loaded.device_ == "cpu"


def test_an_unfitted_estimator_is_on_no_device():
    assert not hasattr(Autoencoder(), "device_")
    assert not hasattr(AutoencoderImputer(), "device_")
    assert not hasattr(AutoencoderOutlierDetector(), "device_")
