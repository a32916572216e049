"""Damage saved estimators in many ways: python -m tests.state.damage.

An estimator of a damaged file must be refused, or answer as it did, bit by bit.
"""

from __future__ import annotations

import copy
import io
import pickle
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import joblib
import numpy as np
import skops.io

import sklearn_ae
from sklearn_ae.state import HEADER
from tests.state.models import KINDS, answers, fitted

N_FLIPS, N_TRUNCATIONS, N_MANGLINGS = 400, 25, 20


def _joblib_dumps(estimator: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()


WAYS: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "pickle": (pickle.dumps, pickle.loads),
    "joblib": (_joblib_dumps, lambda data: joblib.load(io.BytesIO(data))),
    "skops": (
        skops.io.dumps,
        lambda data: skops.io.loads(data, trusted=sklearn_ae.TRUSTED_TYPES),
    ),
}


def flips(data: bytes, n: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Yield copies in which one bit is another."""
    for position in rng.integers(8 * len(data), size=n):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << (position % 8)
        yield bytes(changed)


def truncations(data: bytes, n: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Yield copies that end too early."""
    for end in rng.integers(len(data), size=n):
        yield data[:end]


def manglings(estimator: Any, n: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield states in which an array has another shape, order or type, or is not finite."""
    state = pickle.loads(pickle.dumps(estimator.__getstate__()))
    paths = list(_arrays(state))
    for i in range(n):
        changed = copy.deepcopy(state)
        *way, last = paths[rng.integers(len(paths))]
        holder = changed
        for step in way:
            holder = holder[step]
        holder[last] = _MANGLINGS[i % len(_MANGLINGS)](holder[last])
        yield changed


def _arrays(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the paths to arrays that lie in dicts and lists."""
    items = value.items() if type(value) is dict else enumerate(value)
    for key, item in items:
        if isinstance(item, np.ndarray) and item.size and item.dtype.kind == "f":
            yield (*path, key)
        elif type(item) in (dict, list):
            yield from _arrays(item, (*path, key))


def _broken(array: np.ndarray) -> np.ndarray:
    changed = array.copy()
    changed.flat[0] = np.nan
    return changed


_MANGLINGS: list[Callable[[np.ndarray], np.ndarray]] = [
    lambda a: a[None],
    lambda a: a.reshape(-1)[:-1],
    lambda a: a.reshape(-1)[:1],
    lambda a: np.concatenate([a, a]),
    lambda a: a + 1,
    lambda a: a.T[..., None],
    lambda a: a.astype(np.float16 if a.dtype != np.float16 else np.float32),
    _broken,
]


def outcome(name: str, load: Callable[[], Any], expected: dict[str, np.ndarray], cls: type) -> str:
    """Load, and say how that ended."""
    try:
        loaded = load()
    except Exception as error:
        return f"refused: {type(error).__name__}"
    if type(loaded) is not cls:
        return f"refused: {type(loaded).__name__} in place of the estimator"
    try:
        found = answers(name, loaded)
    except Exception as error:
        return f"FAILED AT PREDICT: {type(error).__name__}: {error}"
    if found.keys() != expected.keys():
        return "WRONG: other methods"
    for key, value in expected.items():
        if value.tobytes() != found[key].tobytes() or value.shape != found[key].shape:
            return f"WRONG: {key}"
    return "equal"


def from_state(estimator: Any, state: dict[str, Any]) -> Any:
    """Return an estimator of the same class with a state."""
    loaded = type(estimator).__new__(type(estimator))
    loaded.__setstate__(state)
    return loaded


def outcomes(
    name: str, n_flips: int, n_truncations: int, n_manglings: int, seed: int = 0
) -> Iterator[tuple[str, str]]:
    """Damage an estimator of a kind; yield what was done and how it ended."""
    rng = np.random.default_rng(seed)
    estimator = fitted(name)
    cls, expected = type(estimator), answers(name, estimator)
    for way, (dump, load) in WAYS.items():
        data = dump(estimator)
        assert outcome(name, lambda: load(data), expected, cls) == "equal"  # noqa: B023
        damaged = {
            "flip": flips(data, n_flips, rng),
            "truncation": truncations(data, n_truncations, rng),
        }
        for what, copies in damaged.items():
            for changed in copies:
                yield f"{way} {what}", outcome(name, lambda: load(changed), expected, cls)  # noqa: B023
    for state in manglings(estimator, n_manglings, rng):
        assert HEADER in state
        ended = outcome(name, lambda: from_state(estimator, state), expected, cls)  # noqa: B023
        yield "mangling", ended


def main() -> int:
    """Damage each kind in full, and print how often what happened."""
    total: Counter[tuple[str, str]] = Counter()
    for name in KINDS:
        with warnings.catch_warnings(action="ignore"):
            found = Counter(outcomes(name, N_FLIPS, N_TRUNCATIONS, N_MANGLINGS))
        bad = {key: n for key, n in found.items() if key[1][:1].isupper()}
        print(f"{name}: {sum(found.values())} damaged, {sum(bad.values())} bad {bad or ''}")
        total += found
    for (what, how), n in sorted(total.items()):
        print(f"{n:7d}  {what}: {how}")
    return sum(n for (_, how), n in total.items() if how[:1].isupper())


if __name__ == "__main__":
    sys.exit(bool(main()))
