"""Ctrl-C: it goes through, and leaves neither torch nor an import half done."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_ae import Autoencoder, ContractiveAutoencoder
from sklearn_ae.penalties import _contraction
from sklearn_ae.runtime import interrupts_held
from sklearn_ae.training.steps import _ensemble

X = np.random.default_rng(0).normal(size=(60, 5))
OPTIONS = {"max_iter": 2, "random_state": 0, "device": "cpu"}


@pytest.fixture(autouse=True)
def ctrl_c_raises():
    """A process that was started in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_waits_for_the_end_of_the_block():
    done = []

    @interrupts_held()
    def run():
        with interrupts_held():
            ctrl_c()
        done.append(1)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held():
            ctrl_c()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_hold_nothing():
    def run():
        with interrupts_held():
            seen.append(signal.getsignal(signal.SIGINT))

    seen = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize(
    ("module", "estimator"),
    [(_ensemble, Autoencoder(2, **OPTIONS)), (_contraction, ContractiveAutoencoder(2, **OPTIONS))],
    ids=["networks of folds", "contraction"],
)
def test_an_interrupt_inside_of_vmap_leaves_torch_whole(module, estimator, monkeypatch):
    vmap = module.vmap

    def interrupted(function, **options):
        def run(*args):
            ctrl_c()
            return function(*args)

        return vmap(run, **options)

    before = estimator.fit(X).transform(X)
    with monkeypatch.context() as patch:
        patch.setattr(module, "vmap", interrupted)
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X + 1.0)
    assert_array_equal(estimator.transform(X), before)
    assert_array_equal(estimator.fit(X).transform(X), before)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_fit_takes_gradients_whatever_the_caller_has_set(mode):
    expected = Autoencoder(2, early_stopping=False, **OPTIONS).fit(X)
    with mode():
        fitted = Autoencoder(2, early_stopping=False, **OPTIONS).fit(X)
        assert not torch.is_grad_enabled()
    assert_array_equal(fitted.transform(X), expected.transform(X))
    assert_array_equal(fitted.partial_fit(X).transform(X), expected.partial_fit(X).transform(X))


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_batch_end"])
def test_after_an_interrupt_nothing_counts_as_fitted(hook):
    from skorch.callbacks import Callback

    callback = type("Interrupting", (Callback,), {hook: lambda self, net, **kwargs: ctrl_c()})()
    autoencoder = Autoencoder(2, callbacks=[callback], **OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        autoencoder.fit(X)
    with pytest.raises(NotFittedError):
        check_is_fitted(autoencoder)


IMPORTING = """
import sys, signal, os
import numpy as np, torch
from sklearn_ae import Autoencoder
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torch._dynamo.utils":
            os.kill(os.getpid(), signal.SIGINT)
X = np.random.default_rng(0).normal(size=(30, 4))
sgd = Autoencoder(2, optimizer=torch.optim.SGD, max_iter=1, random_state=0, device="cpu")
sys.meta_path.insert(0, Finder())
try:
    sgd.fit(X)
except KeyboardInterrupt:
    sgd.fit(X)
    sys.exit("" if "torch._dynamo.utils" in sys.modules else "not imported")
sys.exit("not interrupted")
"""


@pytest.mark.skipif(torch.__version__ < "2.8", reason="comes with the import of the package")
def test_an_interrupted_import_of_a_users_optimizer_is_whole():
    command = [sys.executable, "-W", "ignore", "-c", IMPORTING]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "\n"


LISTING = """
import sys
import numpy as np, torch
import sklearn_ae
from sklearn_ae import *
rng = np.random.default_rng(0)
table, sequences, images = (rng.random(shape) for shape in ((30, 5), (30, 4, 2), (30, 6, 6)))
listed = [rng.random((n, 2)) for n in rng.integers(2, 5, 30)]
estimators = {name: getattr(sklearn_ae, name) for name in sklearn_ae.__all__}
estimators = {n: c for n, c in estimators.items() if hasattr(c, "fit")}
data = {"ConvolutionalAutoencoder": images, "SuperResolver": images}
data["RecurrentAutoencoder"] = sequences
domain = {"sample_domain": np.where(np.arange(30) % 2, -1, 1)}
given = {"DomainAdaptationTransformer": domain}
given["GraphAdaptedClassifier"] = {"y": np.arange(30) % 3, **domain}
given["AutoencoderClassifier"] = {"y": np.arange(30) % 3}
given["AutoencoderRegressor"] = {"y": table[:, 0]}
tasks = []
for name, cls in estimators.items():
    names = cls().get_params(deep=False)
    options = {"random_state": 0}
    if "max_iter" in names:
        options["max_iter"] = 2
    elif "estimator" in names:
        options["estimator"] = Autoencoder(max_iter=2)
    tasks.append((name, cls(**options), data.get(name, table)))
short = {"max_iter": 2, "early_stopping": False, "random_state": 0}
for cell in ("gru", "lstm"):
    for rows in (sequences, listed):
        net = RecurrentAutoencoder(2, cell=cell, penalties=(Contraction(),), **short)
        tasks.append((cell, net, rows))
convolutional = ConvolutionalAutoencoder(2, penalties=(Contraction(), L1Weights()), **short)
tasks.append(("contractive images", convolutional, images))
for loss in ("poisson", "bernoulli", "huber", "gaussian"):
    tasks.append((loss, Autoencoder(2, loss=loss, normalization="batch", **short), table))
before = set(sys.modules)
for name, estimator, rows in tasks:
    estimator.fit(rows, **given.get(name, {}))
    for method in ("transform", "predict", "reconstruct", "score_samples", "sample", "partial_fit"):
        if hasattr(estimator, method):
            getattr(estimator, method)(*([] if method == "sample" else [rows]))
    new = sorted(set(sys.modules) - before)
    assert not new, (name, len(new), new[:5])
print(len(tasks))
"""


def test_no_fit_and_no_call_imports_anything():
    """An import inside of a fit takes seconds, and one that is interrupted stays half done."""
    command = [sys.executable, "-W", "ignore", "-c", LISTING]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
