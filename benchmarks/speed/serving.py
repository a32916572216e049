"""Seconds of one row: the scores of an estimator, and its ONNX graph with some outputs or all."""

import statistics
import time
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec

from sklearn.datasets import load_breast_cancer

import sklearn_ae
from benchmarks.speed import machine
from benchmarks.speed.cells import OURS
from benchmarks.speed.runner import CELL

GROUP = "serve"
DATA, K = "breast_cancer", 4
ALL = "onnxruntime, all outputs"
GRAPHS = {
    "onnxruntime, code": ["code"],
    "onnxruntime, score": ["score"],
    ALL: None,
}
CALLS = 2000


def run(of_version: str, rounds: int = 5) -> list[dict]:
    """Answer for one row again and again, each in turn, and return a row for each.

    Parameters
    ----------
    of_version : str
        Version of the package.
    rounds : int, default=5
        How often each answers 2,000 times; the median of the calls is that of a round.

    Returns
    -------
    rows : list of dict
        All run on one thread.
    """
    X = load_breast_cancer().data
    model = sklearn_ae.Autoencoder(K, max_iter=10, random_state=0).fit(X)
    answers: dict[str, Callable[[], object]] = {OURS: lambda: model.score_samples(X[:1])}
    if find_spec("onnxruntime") is None:
        print("onnxruntime is not installed and is left out.")
    else:
        answers |= {name: _session(model, X, outputs) for name, outputs in GRAPHS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in answers}
    for number in range(-1, rounds):  # one more, which is not timed
        for name in list(answers)[:: -1 if number % 2 else 1]:
            found = _median(answers[name])
            if number >= 0:
                seconds[name].append(found)
    shared = dict.fromkeys(CELL, 0) | {"group": GROUP, "task": GROUP, "data": DATA, "hidden": ""}
    shared |= machine.describe() | {
        "n": 1,
        "p": X.shape[1],
        "k": K,
        "threads": 1,
        "device": "cpu",
        "torch": metadata.version("torch"),
        "error": "",
    }
    return [
        shared
        | {
            "library": name,
            "version": of_version,
            "rounds": rounds,
            "seconds_median": round(statistics.median(found), 8),
            "seconds_min": round(min(found), 8),
            "seconds_spread": round(max(found) - min(found), 8),
        }
        for name, found in seconds.items()
    ]


def _session(model: sklearn_ae.Autoencoder, X, outputs: list[str] | None) -> Callable[[], object]:
    """Return what answers for the first row by a graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    graph = sklearn_ae.to_onnx(model, X, outputs=outputs).SerializeToString()
    session, row = onnxruntime.InferenceSession(graph, options), {"X": X[:1]}
    return lambda: session.run(None, row)


def _median(answer: Callable[[], object]) -> float:
    found = []
    for _ in range(CALLS):
        start = time.perf_counter()
        answer()
        found.append(time.perf_counter() - start)
    return statistics.median(found)
