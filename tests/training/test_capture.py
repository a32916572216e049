"""A recorded step, replayed, does what the step does; what cannot be recorded runs as it is."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import nn

from sklearn_ae import (
    Autoencoder,
    Contraction,
    ContractiveAutoencoder,
    Convolutional,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Dense,
    LocalStress,
    NestedCodes,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    SwapNoise,
    VariationalAutoencoder,
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
    _compat,
    _products,
)
from sklearn_ae.architectures import _layers
from sklearn_ae.data import Batch
from sklearn_ae.training.steps import _captured, _operations, _recording
from sklearn_ae.training.steps._captured import Captured
from sklearn_ae.training.steps._graphs import Graphs, NotCapturableError
from sklearn_ae.training.steps._recording import Recording, Replays

OPTIONS = {"max_iter": 6, "batch_size": 64, "early_stopping": False, "random_state": 0}
SMALL = OPTIONS | {"hidden_layer_sizes": (16, 8)}
X = np.random.default_rng(0).normal(size=(200, 12)) @ np.random.default_rng(1).normal(size=(12, 12))
IMAGES = np.random.default_rng(2).random((130, 6, 5))


class Branching(nn.Module):
    """A user's module that looks at its values."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.layer = nn.Linear(n_in, n_out)

    def forward(self, x):
        y = self.layer(x)
        return y if y.mean() > 0 else y.tanh()


class Counting(Callback):
    """A callback that wants to see each batch."""

    def __init__(self):
        self.losses = []

    def on_batch_end(self, net, batch=None, training=None, loss=None, **kwargs):
        self.losses.append(float(loss))


def plain_layers(n_in, n_out):
    """A user's module made of torch's layers."""
    return nn.Sequential(nn.Linear(n_in, 8), nn.BatchNorm1d(8), nn.SiLU(), nn.Linear(8, n_out))


ESTIMATORS = {
    "plain": (Autoencoder(3, **SMALL), X),
    "narrow": (Autoencoder(2, **SMALL), X[:, :5]),
    "one batch": (Autoencoder(3, **SMALL | {"batch_size": 500}), X),
    "relu, random start": (Autoencoder(3, activation="relu", init="random", **SMALL), X),
    "dropout, noise, layer norm": (
        Autoencoder(
            3,
            architecture=Dense((8,), dropout=0.2, hidden_noise=0.1, normalization="layer"),
            **OPTIONS,
        ),
        X,
    ),
    "batch norm, tied": (
        Autoencoder(
            3, architecture=Dense((8,), normalization="batch", tied_weights=True), **OPTIONS
        ),
        X,
    ),
    "own layers": (Autoencoder(3, encoder=plain_layers, **SMALL), X),
    "sparse": (SparseAutoencoder(20, **SMALL), X),
    "sparse l1": (SparseAutoencoder(20, penalty="l1", **SMALL), X),
    "sparse topk": (SparseAutoencoder(20, penalty="topk", **SMALL), X),
    "sparse batch topk": (SparseAutoencoder(20, penalty="batch_topk", **SMALL), X),
    "sparse jumprelu": (SparseAutoencoder(20, penalty="jumprelu", **SMALL), X),
    "local stress": (Autoencoder(3, penalties=(LocalStress(),), **SMALL), X),
    "nested": (Autoencoder(3, penalties=(NestedCodes(),), **SMALL), X),
    "wasserstein": (WassersteinAutoencoder(3, **SMALL), X),
    "vector quantized": (VectorQuantizedAutoencoder(5, n_codewords=8, **SMALL), X),
    "denoising": (DenoisingAutoencoder(5, **SMALL), X),
    "denoising, swapped": (DenoisingAutoencoder(5, corruption=SwapNoise(), **SMALL), X),
    "contractive": (ContractiveAutoencoder(3, **SMALL), X),
    "contractive, projected": (ContractiveAutoencoder(10, **SMALL), X),
    "variational": (VariationalAutoencoder(3, **SMALL), X),
    "variational, warm-up": (VariationalAutoencoder(3, warm_up=0.5, **SMALL), X),
    "convolutional": (ConvolutionalAutoencoder(4, **OPTIONS), IMAGES),
    "denoised images": (
        DenoisingAutoencoder(architecture=Convolutional((4, 8)), **OPTIONS),
        IMAGES,
    ),
    "recurrent": (RecurrentAutoencoder(3, **OPTIONS), IMAGES),
    "recurrent, lstm": (
        RecurrentAutoencoder(3, cell="lstm", n_layers=2, recurrent_decoder=True, **OPTIONS),
        IMAGES,
    ),
    "recurrent, lstm, contractive": (
        RecurrentAutoencoder(3, cell="lstm", penalties=(Contraction(),), **OPTIONS),
        IMAGES,
    ),
}


@pytest.fixture
def programs(monkeypatch):
    """Record early; count the programs that are made."""
    made = []

    def counted(program):
        def of(self, function, shape):
            found = program(self, function, shape)
            made.extend([] if found is None else [found])
            return found

        return of

    monkeypatch.setattr(_captured, "_WARM_UP", 1)
    for maker in (Replays, Graphs):
        monkeypatch.setattr(maker, "program", counted(maker.program))
    return made


def fitted_eagerly(estimator, X, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_captured, "_WARM_UP", 10**9)
        return estimator.fit(X)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_captured_steps_are_the_eager_ones(name, programs, monkeypatch, device):
    estimator, X = ESTIMATORS[name]
    estimator = clone(estimator).set_params(device=device)
    eager = fitted_eagerly(estimator, X, monkeypatch)
    losses, expected = eager.loss_curve_, eager.reconstruct(X)
    assert not programs
    captured = estimator.fit(X)
    assert programs
    assert_allclose(captured.loss_curve_, losses, rtol=1e-4)
    assert_allclose(captured.reconstruct(X), expected, atol=1e-3 * X.std())


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN")
@pytest.mark.parametrize("name", ["plain", "narrow", "batch norm, tied", "contractive", "sparse"])
def test_products_of_onednn_are_those_of_blas(name, programs, monkeypatch):
    estimator, X = ESTIMATORS[name]
    expected = clone(estimator).fit(X)
    products, product = [], _compat.linear
    for module in (_operations, _layers):
        monkeypatch.setattr(module, "linear", lambda *args: products.append(1) or product(*args))
    monkeypatch.setattr(_products, "blas_is_slow", lambda: True)
    for name in ("_MANY_PRODUCTS", "_MANY_TRANSPOSED"):
        monkeypatch.setattr(_products, name, 1)
    fitted = clone(estimator).fit(X)
    assert len(products) > 100
    assert_allclose(fitted.loss_curve_, expected.loss_curve_, rtol=1e-4)
    assert_allclose(fitted.transform(X), expected.transform(X), atol=1e-3 * X.std())
    n_products = len(products)
    fitted.transform(X[:128].astype(np.float32))
    assert len(products) > n_products


def test_replays_that_keep_the_order_of_sums_are_equal_bit_for_bit(programs, monkeypatch):
    monkeypatch.setattr(_operations, "NARROW", 0)
    monkeypatch.setattr(_operations, "_over_few_rows", lambda args: False)
    monkeypatch.setattr(_operations, "_short", lambda vector: False)
    stacked = StackedAutoencoder(3, **SMALL)  # its stages amplify what rounds differently
    some = [ESTIMATORS[n][0] for n in ("plain", "denoising", "variational", "sparse topk")]
    for estimator in (stacked, *some):
        eager = fitted_eagerly(estimator, X, monkeypatch).transform(X)
        assert_array_equal(estimator.fit(X).transform(X), eager)
    assert programs


@pytest.mark.parametrize("name", ["plain", "denoising", "variational"])
def test_fits_that_record_in_threads_are_equal(name, programs):
    estimator, X = ESTIMATORS[name]
    alone = estimator.fit(X).transform(X)
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: clone(estimator).fit(X).transform(X), range(8)))
    for code in codes:
        assert_array_equal(code, alone)


def test_a_stream_is_captured(programs, monkeypatch):
    def streamed():
        estimator = Autoencoder(3, **SMALL | {"batch_size": 20})
        for _ in range(3):
            estimator.partial_fit(X)
        return estimator.transform(X)

    with monkeypatch.context() as patch:
        patch.setattr(_captured, "_WARM_UP", 10**9)
        eager = streamed()
    assert not programs
    assert_allclose(streamed(), eager, rtol=1e-3, atol=1e-4)
    assert programs


def test_after_a_fit_neither_rows_nor_programs_are_held():
    net = Autoencoder(3, **SMALL).fit(X).net_
    held = [v for v in vars(net).values() if isinstance(v, torch.Tensor) and v.shape[:1] == (200,)]
    assert not held
    assert not {"batches_", "run_step_", "step_"} & set(vars(net))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"encoder": Branching}, "Branching may do something else in each step"),
        ({"callbacks": [Counting()]}, "a callback is called for each batch"),
    ],
)
def test_what_may_change_runs_eagerly_and_says_so(options, reason, programs, capsys):
    fitted = Autoencoder(3, verbose=2, **SMALL, **options).fit(X)
    assert not programs
    assert capsys.readouterr().out.count(reason) == 1
    assert np.isfinite(fitted.loss_curve_).all()


def test_a_callback_sees_the_loss_of_each_batch():
    callback = Counting()
    fitted = Autoencoder(3, callbacks=[callback], **SMALL).fit(X)
    assert len(callback.losses) == 4 * 6
    means = np.array(callback.losses).reshape(6, 4).mean(axis=1)
    ratio = fitted.loss_curve_ / means
    assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_verbose_1_does_not_speak_of_steps(capsys):
    Autoencoder(3, verbose=1, callbacks=[Counting()], **SMALL).fit(X)
    assert "captured" not in capsys.readouterr().out


def test_a_users_corruption_on_the_host_runs_eagerly(programs):
    def flip(X, rng):
        return X * rng.choice([-1.0, 1.0], size=X.shape)

    fitted = DenoisingAutoencoder(5, corruption=flip, **SMALL).fit(X)
    assert not programs
    assert np.isfinite(fitted.loss_curve_).all()


def test_rows_of_different_sizes_run_eagerly(programs):
    images = [IMAGES[i, : 4 + i % 2] for i in range(60)]
    ConvolutionalAutoencoder(2, **OPTIONS).fit(images)
    assert not programs


class Machine:
    """Tensors that stay where they are, and a function on them."""

    def __init__(self):
        self.x = torch.arange(12.0).reshape(3, 4) / 7
        self.state = torch.ones(4)
        self.generator = torch.Generator().manual_seed(0)
        self.out = torch.zeros(3)
        self.calls = 0

    def tensors(self):
        return [self.x.clone(), self.state.clone(), self.out.clone()]

    def views_and_aliases(self, batch):
        y = self.x.t().contiguous() @ self.x
        y[1:3].mul_(2)
        y.view(-1)[::3].add_(self.state.sum())
        values, index = y.max(dim=0)
        self.state.copy_(values + index - y.diagonal().flip(0))
        self.out.add_(self.x.sum(1)).div_(3)

    def draws(self, batch):
        noise = torch.empty_like(self.x).normal_(generator=self.generator)
        keep = torch.empty_like(self.x).bernoulli_(0.5, generator=self.generator)
        order = torch.randperm(3, generator=self.generator)
        self.x.add_(0.1 * noise * keep).copy_(self.x[order])

    def gradients(self, batch):
        x = self.x.detach().requires_grad_()
        loss = (torch.nn.functional.layer_norm(x, (4,)).relu() * self.state).square().sum()
        (first,) = torch.autograd.grad(loss, x, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), x)
        self.x.sub_(0.01 * second)

    def constants(self, batch):
        ones, zeros = torch.ones(4), torch.zeros(3)
        zeros.add_(self.x.sum(1))
        self.state.add_(ones).mul_(torch.full((4,), 0.9))
        self.out.copy_(zeros)

    def norms(self, batch):
        parts = torch._foreach_norm([self.x, self.state])
        stacked = torch.stack([*parts, self.out.sum()])
        self.out.copy_(torch.where(stacked > 1, stacked.sqrt(), stacked / 2).nan_to_num())
        self.x.div_(self.x.abs().amax().clamp(min=1.0))


@pytest.mark.parametrize("name", ["views_and_aliases", "draws", "gradients", "constants", "norms"])
def test_a_function_of_tensors_is_replayed_exactly(name):
    plain, captured = Machine(), Machine()
    function = Captured(getattr(captured, name), "", Replays())
    batch = Batch(torch.zeros(1, 1))
    for _ in range(30):
        getattr(plain, name)(batch)
        function.call(batch)()
        for one, other in zip(plain.tensors(), captured.tensors(), strict=True):
            assert torch.equal(one, other)
    assert function._programs
    assert not function.obstacle


def test_random_programs_never_overwrite_what_is_still_read():
    rng = random.Random(0)
    for _ in range(30):
        plan = [
            (rng.choice("abcdef"), rng.randrange(100), rng.randrange(100))
            for _ in range(rng.randrange(3, 25))
        ]

        def run(x, out, plan=plan):
            values = [x, x[:, :3]]
            for kind, i, j in plan:
                a, b = values[i % len(values)], values[j % len(values)]
                if kind == "a":
                    values.append(a.sin())
                elif kind == "b":
                    values.append(a @ b.t() if a.shape[1] == b.shape[1] else a * 2)
                elif kind == "c":
                    values.append(a.t())
                elif kind == "d":
                    values.append(torch.cat([a, a], dim=1)[:, :4])
                elif kind == "e":
                    values.append(a.cumsum(0))
                elif a.data_ptr() != x.data_ptr():
                    a.mul_(0.5)
            out.copy_(torch.stack([v.sum() for v in values]).sum().tanh())

        data = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
        ours, theirs = torch.zeros(()), torch.zeros(())
        function = Captured(lambda batch, run=run, ours=ours: run(batch.x, ours), "", Replays())
        for _ in range(15):
            data.copy_(data.roll(1, 0) + 0.1)
            run(data, theirs)
            function.call(Batch(data))()
            assert torch.equal(ours, theirs) or (ours.isnan() and theirs.isnan())
        assert function._programs


def test_what_needs_values_on_the_host_cannot_be_recorded():
    x, seen = torch.ones(3), []
    with pytest.raises(NotCapturableError, match="host"):
        Recording(lambda: seen.append(float(x.add_(1).sum())))
    assert seen == [6.0]


def test_a_function_that_changes_is_not_replayed():
    x, calls = torch.zeros(2), []

    def function(batch):
        calls.append(1)
        x.add_(len(calls))

    captured = Captured(function, "", Replays())
    for _ in range(20):
        captured.call(Batch(torch.zeros(1, 1)))()
    assert captured.obstacle == "two steps did not do the same"
    assert x.tolist() == [210, 210]


def test_a_step_that_allocates_much_is_not_recorded(monkeypatch):
    monkeypatch.setattr(_recording, "_MOST_BYTES", 100)
    x = torch.zeros(40)
    captured = Captured(lambda batch: x.copy_(x + 1), "", Replays())
    for _ in range(20):
        captured.call(Batch(torch.zeros(1, 1)))()
    assert "more than 100 bytes" in captured.obstacle
    assert x.tolist() == [20] * 40
