"""CUDA graphs, with torch's replaced by ones that run on the CPU and can fail."""

import gc
import threading
import weakref
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sklearn_ae import Autoencoder, DenoisingAutoencoder, VariationalAutoencoder
from sklearn_ae.data import Batch
from sklearn_ae.runtime import _seeds
from sklearn_ae.training.steps import _captured, _ensemble, _epoch, _graphs
from sklearn_ae.training.steps._captured import Captured
from sklearn_ae.training.steps._graphs import Graphs

OPTIONS = {
    "max_iter": 6,
    "batch_size": 64,
    "hidden_layer_sizes": (16, 8),
    "device": "cpu",
    "random_state": 0,
}
X = np.random.default_rng(0).normal(size=(200, 12)) @ np.random.default_rng(1).normal(size=(12, 12))
SAID = "operation failed due to a previous error during capture"


class Noise(torch.Generator):
    """A generator of the CPU that can take over another one's state, as those of CUDA can."""

    def graphsafe_set_state(self, other):
        self.set_state(other.get_state())


class Graph:
    """Runs the function again that was captured."""

    def __init__(self, fake):
        self.fake = fake
        self.was_reset = False
        fake.graphs.append(self)

    def register_generator_state(self, noise):
        self.noise = noise
        self.function = self.fake.function

    def replay(self):
        assert not self.was_reset
        with torch.inference_mode(False), torch.enable_grad():
            self.function()

    def reset(self):
        assert _graphs._RECORDING._is_owned()
        assert self.fake.capturing is None
        self.was_reset = True
        if self.fake.fails == "reset":
            raise RuntimeError("reset called before capture")


class Capture:
    """Stands for a capture; `fails` says where it is to end."""

    def __init__(self, fake, graph, stream, capture_error_mode):
        assert capture_error_mode == "thread_local"
        self.fake, self.graph = fake, graph

    def __enter__(self):
        self.fake.on_capture()
        self.fake.capturing = self.graph
        if self.fake.fails == "begin":
            self.fake.capturing = None
            raise RuntimeError(SAID)
        self.state = self.graph.noise.get_state()

    def __exit__(self, *error):
        self.fake.capturing = None
        if self.fake.fails in ("end", "reset"):
            raise RuntimeError(f"{SAID}\nSearch for the error.")
        self.graph.noise.set_state(self.state)


class Cuda:
    """What there is of `torch.cuda`."""

    def __init__(self, monkeypatch):
        self.fails = ""
        self.graphs = []
        self.capturing = self.function = None
        self.on_capture = lambda: None
        self.streams = 0
        program = Graphs.program

        def noted(graphs, function, shape):
            self.function = function
            return program(graphs, lambda: self.run(graphs.noise, function), shape)

        monkeypatch.setattr(_captured, "_WARM_UP", 1)
        monkeypatch.setattr(Graphs, "program", noted)
        for name, value in {
            "CUDAGraph": lambda: Graph(self),
            "graph": lambda graph, **options: Capture(self, graph, **options),
            "Stream": lambda device: None,
            "current_stream": lambda device: "the caller's",
            "device": lambda device: nullcontext(),
            "stream": self.stream,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)

    def stream(self, stream):
        assert stream == "the caller's"
        self.streams += 1
        return nullcontext()

    def run(self, noise, function):
        """Draw, while a graph is captured, and else run the function."""
        if self.capturing is None:
            function()
            return
        assert not gc.isenabled()
        torch.empty(7).normal_(generator=noise)
        if self.fails == "function":
            raise RuntimeError(SAID)
        if self.fails == "interrupt":
            raise KeyboardInterrupt


@pytest.fixture
def cuda(monkeypatch):
    return Cuda(monkeypatch)


class Machine:
    """A function that draws, and keeps its sum in a tensor that stays where it is."""

    def __init__(self):
        self.x = torch.zeros(3)
        self.noise = Noise().manual_seed(0)

    def step(self, batch):
        self.x.add_(torch.empty(3).normal_(generator=self.noise)).mul_(len(batch.x) / 2)


SMALL, LARGE = Batch(torch.zeros(1, 1)), Batch(torch.zeros(2, 1))


def assert_same(one, other):
    assert torch.equal(one.x, other.x)
    assert torch.equal(one.noise.get_state(), other.noise.get_state())


@pytest.mark.parametrize("fails", ["", "begin", "function", "end", "reset"])
def test_a_function_is_run_once_a_call_whether_its_capture_fails_or_not(cuda, fails):
    plain, captured = Machine(), Machine()
    function = Captured(captured.step, "", Graphs(captured.noise))
    for _ in range(3):
        plain.step(SMALL)
        function.call(SMALL)()
    assert [graph.was_reset for graph in cuda.graphs] == [False]
    cuda.fails = fails
    for _ in range(5):
        for batch in (LARGE, SMALL):
            plain.step(batch)
            function.call(batch)()
            assert_same(captured, plain)
            assert gc.isenabled()
    assert function.obstacle == (fails and f"CUDA says: {SAID}")
    # A graph that draws from the generator of a capture that failed is of no use.
    assert [graph.was_reset for graph in cuda.graphs] == [bool(fails)] * 2
    assert cuda.streams == 2
    function.close()
    assert all(graph.was_reset for graph in cuda.graphs)
    assert not function._programs
    assert function.maker not in Graphs._open


def test_what_is_no_error_of_cuda_is_raised(cuda):
    machine = Machine()
    function = Captured(machine.step, "", Graphs(machine.noise))
    function.call(SMALL)()
    cuda.fails = "interrupt"
    with pytest.raises(KeyboardInterrupt):
        function.call(SMALL)()
    assert cuda.graphs[0].was_reset
    assert gc.isenabled()


def test_graphs_of_fits_that_failed_are_collected_before_a_capture(cuda):
    first, second = Machine(), Machine()
    function = Captured(first.step, "", Graphs(first.noise))
    for _ in range(2):
        function.call(SMALL)()
    function.itself = function  # as a network holds the step that holds it
    left, found = weakref.ref(function.maker), []
    gc.disable()
    try:
        del function
        assert left() is not None
        cuda.on_capture = lambda: found.append(left())
        captured = Captured(second.step, "", Graphs(second.noise))
        for _ in range(2):
            captured.call(SMALL)()
        assert found == [None]
        assert not gc.isenabled()  # as before
    finally:
        gc.enable()
    captured.close()


def test_nothing_is_collected_until_the_last_thread_is_done():
    inside, leave = threading.Event(), threading.Event()

    def capture():
        with _graphs._UNCOLLECTED:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=capture)
    with _graphs._UNCOLLECTED:
        thread.start()
        inside.wait()
        with _graphs._UNCOLLECTED:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_graphs_are_freed_while_nobody_captures(cuda):
    machine = Machine()
    function = Captured(machine.step, "", Graphs(machine.noise))
    for _ in range(2):
        function.call(SMALL)()
    thread = threading.Thread(target=function.close)
    with _graphs._RECORDING:
        thread.start()
        thread.join(0.1)
        assert not cuda.graphs[0].was_reset
    thread.join()
    assert cuda.graphs[0].was_reset


@pytest.fixture
def on_graphs(cuda, monkeypatch):
    """Let fits on the CPU make graphs."""
    for module in (_epoch, _ensemble):
        monkeypatch.setattr(module, "program_maker", lambda noise, frozen: Graphs(noise))
    for module in (_seeds, _ensemble):
        monkeypatch.setattr(module, "Generator", Noise)
    return cuda


@pytest.mark.parametrize("fails", ["", "begin", "function", "end"])
@pytest.mark.parametrize(
    "estimator",
    [
        Autoencoder(3, early_stopping=False, **OPTIONS),
        DenoisingAutoencoder(5, early_stopping=False, **OPTIONS),
        VariationalAutoencoder(3, **OPTIONS),
    ],
    ids=["plain", "denoising", "variational, judged by folds"],
)
def test_a_fit_equals_that_without_graphs_and_frees_its_own(
    estimator, fails, on_graphs, monkeypatch, few_folds
):
    with monkeypatch.context() as patch:
        patch.setattr(_captured, "_WARM_UP", 10**9)
        expected = clone(estimator).fit(X)
    assert not on_graphs.graphs
    on_graphs.fails = fails
    fitted = clone(estimator).fit(X)
    assert_array_equal(fitted.loss_curve_, expected.loss_curve_)
    assert_array_equal(fitted.transform(X), expected.transform(X))
    assert on_graphs.graphs
    assert all(graph.was_reset for graph in on_graphs.graphs)
    assert gc.isenabled()


def test_a_fit_says_why_its_steps_are_not_captured(on_graphs, capsys):
    on_graphs.fails = "end"
    Autoencoder(3, early_stopping=False, verbose=2, **OPTIONS).fit(X)
    assert capsys.readouterr().out.count(f"CUDA says: {SAID}.") == 1
