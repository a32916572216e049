"""How estimators are made: few classes, and nothing defined twice but hooks."""

from __future__ import annotations

import inspect
import re
from collections import Counter

import pytest
from sklearn.base import BaseEstimator

import sklearn_ae
from sklearn_ae.autoencoders import BaseAutoencoder

HOOKS = set(re.findall(r"^`(_\w+)\(", inspect.getdoc(BaseAutoencoder), re.M))
ESTIMATORS = [
    cls
    for cls in map(sklearn_ae.__dict__.get, sklearn_ae.__all__)
    if inspect.isclass(cls) and issubclass(cls, BaseEstimator) and hasattr(cls, "fit")
]
EVERY = pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda c: c.__name__)


def own_classes(cls: type) -> list[type]:
    """Those of this package, but for what stands in for classes of later scikit-learns."""
    own = [c for c in cls.__mro__ if c.__module__.startswith("sklearn_ae")]
    return [c for c in own if c.__module__ != "sklearn_ae._compat"]


def functions(cls: type) -> set[str]:
    """Names of functions and properties, those that scikit-learn adds for routing left out."""
    kinds = (property, classmethod, staticmethod)
    return {
        name
        for name, value in vars(cls).items()
        if inspect.isfunction(value) or isinstance(value, kinds) or hasattr(value, "check")
    }


def test_there_are_estimators_and_hooks():
    assert len(ESTIMATORS) >= 11
    assert set(vars(BaseAutoencoder)) >= HOOKS
    assert 1 < len(HOOKS) < 12


@EVERY
def test_an_estimator_is_at_most_four_classes(cls):
    assert len(own_classes(cls)) <= 4


@EVERY
def test_nothing_but_hooks_is_defined_twice(cls):
    times = Counter(name for c in own_classes(cls) for name in functions(c))
    twice = {name for name, n in times.items() if n > 1}
    cooperative = {"__init__", "__init_subclass__", "__sklearn_tags__"}
    assert twice <= {*cooperative, *HOOKS}


@EVERY
def test_no_hook_calls_what_it_overrides(cls):
    for name in HOOKS & functions(cls):
        assert "super()" not in inspect.getsource(vars(cls)[name])
