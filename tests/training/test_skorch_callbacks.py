"""Each of skorch's callbacks has its effect, or is refused by name."""

from __future__ import annotations

import pickle
import re
import sys
from functools import partial
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.validation import check_is_fitted
from skorch import callbacks as skorch_callbacks
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    Freezer,
    GradientNormClipping,
    Initializer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
    WarmRestartLR,
)

from sklearn_ae import Autoencoder, AutoencoderOutlierDetector, FitProgress
from sklearn_ae.training import TrainingConfig
from sklearn_ae.training._joint import WATCHING

# Held out, and five networks of folds with a network of all rows.
SIZES = (1000, 150)


def rows(n: int) -> np.ndarray:
    """Rows of a curved surface, where a network wins over its start."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 2))
    curved = np.c_[z, z[:, :1] * z[:, 1:], z**2]
    return curved + 0.05 * rng.normal(size=curved.shape)


def fit(n: int, *callbacks: object, **parameters: object) -> Autoencoder:
    defaults = {
        "hidden_layer_sizes": (8,),
        "max_iter": 4,
        "batch_size": 250 if n == 1000 else 50,
        "learning_rate_init": 0.01,
        "random_state": 0,
        "init": "random",
    }
    return Autoencoder(2, callbacks=list(callbacks), **{**defaults, **parameters}).fit(rows(n))


def weights(net: object) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in net.module_.named_parameters()}


def moved(before: dict, after: dict) -> float:
    return max(float((after[name] - value).abs().max()) for name, value in before.items())


class Moves(Callback):
    """Notes how far each network has moved from where it began, code bases left alone."""

    found: list[tuple[dict, dict]] = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.before = weights(net)

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.found.append((self.before, weights(net)))


@pytest.fixture(autouse=True)
def _no_moves():
    Moves.found.clear()


def moves(n: int, *callbacks: object, **parameters: object) -> list[float]:
    """How far each network moves, those of the folds and that of all rows among them."""
    Moves.found.clear()
    fit(n, *callbacks, Moves(), **parameters)
    return [moved(*pair) for pair in Moves.found]


def test_no_callback_is_left_out_here():
    assert set(skorch_callbacks.__all__) == {
        *("BatchScoring", "Callback", "Checkpoint", "EarlyStopping", "EpochScoring"),
        *("EpochTimer", "Freezer", "GradientNormClipping", "Initializer", "InputShapeSetter"),
        *("LRScheduler", "LoadInitState", "MlflowLogger", "NeptuneLogger", "ParamMapper"),
        *("PassthroughScoring", "PrintLog", "ProgressBar", "SacredLogger", "TensorBoard"),
        *("TrainEndCheckpoint", "Unfreezer", "WandbLogger", "WarmRestartLR"),
    }
    assert {each.__name__ for each in WATCHING} == {
        *("BatchScoring", "Checkpoint", "EarlyStopping", "EpochScoring", "EpochTimer"),
        "FitProgress",
        *("MlflowLogger", "NeptuneLogger", "PassthroughScoring", "PrintLog", "ProgressBar"),
        *("SacredLogger", "TensorBoard", "TrainEndCheckpoint", "WandbLogger"),
    }


# What takes part in training.


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_every_network_hears_of_a_callback_that_takes_part(n, early_stopping):
    n_networks = 6 if n < 1000 and early_stopping else 1
    assert len(moves(n, early_stopping=early_stopping)) == n_networks


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("step_every", ["epoch", "batch"])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_lr_scheduler(n, step_every, early_stopping):
    scheduler = LRScheduler("StepLR", step_size=1, gamma=0.1, step_every=step_every)
    with_it = fit(n, scheduler, early_stopping=early_stopping)
    without = fit(n, early_stopping=early_stopping)
    assert moved(weights(with_it.net_), weights(without.net_)) > 0
    if step_every == "epoch":
        expected = 0.01 * 0.1 ** np.arange(with_it.n_iter_)
        np.testing.assert_allclose(with_it.history_["event_lr"][1:], expected)
    elif not (early_stopping and n < 1000):  # the network of all rows is trained without a log
        rates = with_it.net_.history[:, "batches", :, "event_lr"]
        flat = np.array([rate for epoch in rates for rate in epoch if rate is not None])
        np.testing.assert_allclose(flat[:4], 0.01 * 0.1 ** np.arange(4))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("step_every", ["epoch", "batch"])
def test_a_policy_of_rate_zero_leaves_the_weights(n, early_stopping, step_every):
    nothing = LRScheduler("LambdaLR", lr_lambda=lambda epoch: 0.0, step_every=step_every)
    assert max(moves(n, nothing, early_stopping=early_stopping)) == 0


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("monitor", ["valid_loss", "mse"])
def test_reduce_on_plateau_reads_losses_and_scores_in_every_network(n, monitor):
    score = EpochScoring(squared_error, name="mse")
    plateau = LRScheduler("ReduceLROnPlateau", monitor=monitor, patience=0, threshold=1.0)
    fitted = fit(n, score, plateau, max_iter=5)
    assert fitted.history_["learning_rate"].iloc[-1] < 0.001


def test_reduce_on_plateau_of_held_out_rows_needs_some():
    plateau = LRScheduler("ReduceLROnPlateau", monitor="valid_loss")
    with pytest.raises(ValueError, match="'valid_loss' was not found in history"):
        fit(150, plateau, early_stopping=False)


@pytest.mark.parametrize("n", SIZES)
def test_warm_restart_lr(n):
    fitted = fit(n, LRScheduler(WarmRestartLR, min_lr=0.0, max_lr=0.02, base_period=2))
    expected = 0.01 * (1 + np.cos(np.arange(fitted.n_iter_) % 3 * np.pi / 2))
    np.testing.assert_allclose(fitted.history_["event_lr"][1:], expected, atol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_gradient_norm_clipping(n):
    clipped = moves(n, GradientNormClipping(1e-30), alpha=0.0)
    free = moves(n, GradientNormClipping(1e30), alpha=0.0)
    assert max(clipped) < 1e-6 < 1e-3 < min(free)


class ZeroGradients(Callback):
    def on_grad_computed(self, net, named_parameters, **kwargs):
        for _, parameter in named_parameters:
            parameter.grad.zero_()


@pytest.mark.parametrize("n", SIZES)
def test_gradients_may_be_changed(n):
    assert max(moves(n, ZeroGradients(), alpha=0.0)) == 0


class RateZero(Callback):
    def __init__(self, hook):
        self.hook = hook

    def _set(self, net):
        net.optimizer_.param_groups[0]["lr"] = 0

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        if self.hook == "on_train_begin":
            self._set(net)

    def on_epoch_begin(self, net, **kwargs):
        if self.hook == "on_epoch_begin":
            self._set(net)


class BatchRateZero(Callback):
    def on_batch_begin(self, net, **kwargs):
        net.optimizer_.param_groups[0]["lr"] = 0


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_batch_begin"])
def test_a_rate_that_a_callback_sets_holds(n, early_stopping, hook):
    callback = BatchRateZero() if hook == "on_batch_begin" else RateZero(hook)
    assert max(moves(n, callback, early_stopping=early_stopping)) == 0


class RateBack(Callback):
    """Takes the rate away for two epochs."""

    def on_epoch_begin(self, net, **kwargs):
        group = net.optimizer_.param_groups[0]
        if len(net.history) == 1:
            group["lr"] = 0.0
        elif len(net.history) == 3:
            group["lr"] = net.lr


def test_a_rate_can_be_set_again_after_zero():
    rates = fit(1000, RateBack(), early_stopping=False, max_iter=20).history_["learning_rate"]
    assert list(rates[1:3]) == [0, 0]
    assert rates[3] == pytest.approx(0.01)
    assert rates[4] > 0


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("at", [1, 3])
def test_freezer(n, early_stopping, at):
    fit(n, Freezer("encoder.*", at=at), Moves(), early_stopping=early_stopping)
    for before, after in Moves.found:
        encoder = [name for name in before if name.startswith("encoder.")]
        still = all(torch.equal(before[name], after[name]) for name in encoder)
        assert still == (at == 1)
        assert moved(before, after) > 0


class WeightsAfterEpochs(Callback):
    found: list[dict] = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.found.clear()

    def on_epoch_end(self, net, **kwargs):
        self.found.append(weights(net))


@pytest.mark.parametrize("callbacks", [(), (GradientNormClipping(),)], ids=["captured", "batches"])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_freezer_of_a_later_epoch_loses_no_epoch_of_the_others(early_stopping, callbacks):
    fit(
        *(150, Freezer("encoder.*", at=3), WeightsAfterEpochs(), *callbacks),
        early_stopping=early_stopping,
        max_iter=5,
    )
    for i, (one, next_) in enumerate(
        zip(WeightsAfterEpochs.found[:-1], WeightsAfterEpochs.found[1:], strict=True), start=2
    ):
        for part in ("encoder", "decoder"):
            stays = all(torch.equal(one[n], next_[n]) for n in one if n.startswith(part))
            assert stays == (part == "encoder" and i >= 3), (part, i)


def test_freezer_in_partial_fit():
    autoencoder = Autoencoder(2, random_state=0, max_iter=2).partial_fit(rows(150))
    autoencoder.set_params(callbacks=[Freezer("encoder.*")])
    before = weights(autoencoder.net_)
    after = weights(autoencoder.partial_fit(rows(150)).net_)
    encoder = [name for name in before if name.startswith("encoder.")]
    assert all(torch.equal(before[name], after[name]) for name in encoder)
    assert moved(before, after) > 0


def test_all_parameters_may_be_frozen():
    assert max(moves(1000, Freezer("*"), early_stopping=False)) == 0


@pytest.mark.parametrize("n", SIZES)
def test_unfreezer(n):
    fit(n, Freezer("*"), Unfreezer("decoder.*", at=2), Moves(), early_stopping=False)
    [(before, after)] = Moves.found
    for name, value in before.items():
        assert torch.equal(value, after[name]) != name.startswith("decoder.")


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", [ParamMapper, Initializer])
def test_param_mapper_and_initializer(n, kind):
    fill = partial(torch.nn.init.constant_, val=0.25)
    both = (kind("decoder.*", fn=fill), Freezer("*"), Moves())
    fit(n, *both, early_stopping=False)
    [(_, after)] = Moves.found
    assert all(bool((w == 0.25).all()) for name, w in after.items() if name.startswith("decoder."))


def elsewhere(parameter: torch.nn.Parameter) -> None:
    parameter.data = parameter.data.clone()


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_parameters_may_be_put_into_other_memory(n, early_stopping):
    moving = ParamMapper("*", fn=elsewhere, at=3)
    fitted = fit(n, moving, early_stopping=early_stopping)
    same = fit(n, Moves(), early_stopping=early_stopping)
    for name, value in weights(same.net_).items():
        torch.testing.assert_close(weights(fitted.net_)[name], value, msg=name)


# What watches.


def squared_error(net, X, y=None) -> float:
    return float(np.square(net.predict(X) - np.asarray(y)).mean())


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize("on_train", [True, False])
@pytest.mark.parametrize("scoring", [squared_error, "r2"])
def test_epoch_scoring(n, early_stopping, use_caching, on_train, scoring):
    scorer = EpochScoring(
        scoring, on_train=on_train, use_caching=use_caching, name="score", lower_is_better=None
    )
    fitted = fit(n, scorer, early_stopping=early_stopping)
    if not on_train and not early_stopping:
        assert "score" not in fitted.history_
        return
    scores = fitted.history_["score"][1:]
    assert np.isfinite(scores).all()
    assert scores.nunique() > 1


def test_the_score_of_an_epoch_is_that_of_its_weights():
    def loss(net, X, y=None):
        return float(net.get_loss(net.forward(X), y))

    fitted = fit(1000, EpochScoring(loss, name="loss"), max_iter=6)
    share = fitted.history_["valid_loss"][1:] / fitted.history_["loss"][1:]
    np.testing.assert_allclose(share, share.iloc[0], rtol=1e-5)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize("on_train", [True, False])
def test_batch_scoring(n, use_caching, on_train):
    scorer = BatchScoring(squared_error, name="mse", on_train=on_train, use_caching=use_caching)
    fitted = fit(n, scorer)
    assert (fitted.history_["mse"][1:] > 0).all()


@pytest.mark.parametrize("n", SIZES)
def test_passthrough_scoring(n):
    fitted = fit(
        n, PassthroughScoring("valid_loss"), PassthroughScoring("train_loss", on_train=True)
    )
    losses = fitted.history_[["train_loss", "valid_loss"]][1:]
    assert (losses.to_numpy() > 0).all()


@pytest.mark.parametrize("n", SIZES)
def test_checkpoint_and_load_init_state_go_on(n, tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, f_pickle="net.pkl", monitor=kept)
    first = fit(n, checkpoint, max_iter=3)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("params.pt", "optimizer.pt", "criterion.pt", "history.json", "net.pkl"),
    }
    saved = torch.load(tmp_path / "params.pt")
    net = pickle.loads((tmp_path / "net.pkl").read_bytes())
    assert all(torch.equal(saved[name], w) for name, w in weights(net).items())
    assert np.isfinite(net.predict(rows(n).astype(np.float32))).all()
    begun = fit(n, LoadInitState(Checkpoint(dirname=tmp_path)), max_iter=6)
    assert begun.history_["valid_loss"][1:4].tolist() == first.history_["valid_loss"][1:].tolist()
    assert begun.n_iter_ == 6
    assert begun.history_["train_loss"].iloc[-1] < first.history_["train_loss"].iloc[-1]


def kept(net) -> bool:
    return True


def test_a_checkpoint_with_nothing_left_to_do_is_kept(tmp_path):
    fit(1000, Checkpoint(dirname=tmp_path, monitor=None), max_iter=3)
    saved = torch.load(tmp_path / "params.pt")
    fit(1000, LoadInitState(Checkpoint(dirname=tmp_path)), Moves(), max_iter=3)
    [(_, after)] = Moves.found
    assert all(torch.equal(saved[name], w) for name, w in after.items())


def test_rates_go_on_as_planned_from_a_checkpoint(tmp_path):
    whole = fit(1000, max_iter=10, early_stopping=False).history_["learning_rate"]
    checkpoint = Checkpoint(dirname=tmp_path, monitor=lambda net: len(net.history) == 4)
    fit(1000, checkpoint, max_iter=10, early_stopping=False)
    parts = fit(
        *(1000, LoadInitState(Checkpoint(dirname=tmp_path))), max_iter=10, early_stopping=False
    )
    np.testing.assert_allclose(parts.history_["learning_rate"], whole)


def test_a_checkpoint_by_held_out_rows_needs_some(tmp_path):
    with pytest.raises(Exception, match="Make sure you have validation data"):
        fit(150, Checkpoint(dirname=tmp_path), early_stopping=False)


@pytest.mark.parametrize("n", SIZES)
def test_train_end_checkpoint_saves_the_best_weights(n, tmp_path):
    fit(n, Moves(), TrainEndCheckpoint(dirname=tmp_path), learning_rate_init=1.0, max_iter=8)
    saved = torch.load(tmp_path / "train_end_params.pt")
    _, best = Moves.found[-1 if n == 1000 else 0]
    assert all(torch.equal(saved[name], w) for name, w in best.items())


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_early_stopping_ends_the_fit(n, early_stopping):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=0.99)
    fitted = fit(n, stop, early_stopping=early_stopping, max_iter=10)
    check_is_fitted(fitted)
    assert fitted.n_iter_ == 3
    assert np.isfinite(fitted.transform(rows(n))).all()


@pytest.mark.parametrize("n", SIZES)
def test_epoch_timer(n):
    fitted = fit(n, EpochTimer())
    assert (fitted.history_["seconds"][1:] > 0).all()


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_print_log_prints_every_epoch(n, early_stopping):
    lines: list[str] = []
    fitted = fit(n, PrintLog(sink=lines.append), early_stopping=early_stopping)
    assert len(lines) == 2 + fitted.n_iter_


@pytest.mark.parametrize("n", SIZES)
def test_progress_bar(n, capsys, monkeypatch):
    module = import_module("skorch.callbacks.logging").tqdm
    monkeypatch.setattr(module, "tqdm", partial(module.tqdm, mininterval=0))
    fitted = fit(n, ProgressBar())
    shown = capsys.readouterr().err
    n_batches = (4 if n == 1000 else 3) + 1
    assert shown.count(f"{n_batches - 1}/{n_batches} ") == fitted.n_iter_
    assert "train_loss" in shown
    assert "valid_loss" in shown


@pytest.mark.parametrize("n", SIZES)
def test_one_bar_for_a_whole_fit(n):
    shown = StringIO()
    fitted = fit(n, FitProgress(shown))
    bars = [line for line in re.split(r"[\r\n]+", shown.getvalue()) if line.strip()]
    assert bars[0].startswith("  0%")
    assert f"| {fitted.n_iter_}/{fitted.n_iter_} [" in bars[-1]
    assert f"valid_loss={float(f'{fitted.validation_loss_curve_[-1]:.3g}'):.3g}" in bars[-1]
    without = fit(n)
    assert moved(weights(fitted.net_), weights(without.net_)) == 0


def test_the_bar_of_a_fit_that_ends_early_is_full():
    shown = StringIO()
    stop = EarlyStopping(patience=1, threshold=0.9, sink=lambda _: None)
    fitted = fit(1000, stop, FitProgress(shown), max_iter=30)
    assert fitted.n_iter_ < 30
    assert "/30 [" in shown.getvalue()
    assert f"| {fitted.n_iter_}/{fitted.n_iter_} [" in shown.getvalue().rstrip().splitlines()[-1]


class LastEpoch(Callback):
    def __init__(self, found):
        self.found = found

    def on_epoch_end(self, net, **kwargs):
        self.found.append(len(net.history))


def test_an_epoch_in_which_training_ends_is_shown_to_all():
    found: list[int] = []
    scheduler = LRScheduler("LambdaLR", lr_lambda=lambda epoch: 0.0)
    fitted = fit(1000, scheduler, LastEpoch(found), n_iter_no_change=2, max_iter=10)
    assert found == list(range(1, fitted.n_iter_ + 1)) == [1, 2]


# Loggers. Mlflow, Neptune, Sacred and Weights & Biases bring dozens of packages, some of which
# contradict the pins of constraints.txt, and most want a service: here they log to objects of
# the interface that skorch's documentation gives their arguments.


class Recorder:
    """Takes what loggers of experiments do, and keeps the numbers."""

    def __init__(self, directory=None):
        self.logged: dict[str, list[float]] = {}
        self.calls: list[str] = []
        self.dir = directory

    def __deepcopy__(self, memo):
        raise TypeError("it has a connection")

    def _note(self, name, value):
        self.logged.setdefault(name, []).append(value)


class Tracking(Recorder):
    """mlflow.tracking.MlflowClient."""

    def log_metric(self, run_id, name, value, step):
        self._note(name, value)

    def log_artifact(self, run_id, path):
        self.calls.append(path.name)

    def set_terminated(self, run_id):
        self.calls.append("end")


@pytest.mark.parametrize("n", SIZES)
def test_mlflow_logger(n):
    client = Tracking()
    run = SimpleNamespace(info=SimpleNamespace(run_id="1"))
    fitted = fit(n, MlflowLogger(run, client, log_on_batch_end=True))
    assert client.logged["valid_loss_epoch"] == fitted.history_["valid_loss"][1:].tolist()
    assert len(client.logged["train_loss_batch"]) > fitted.n_iter_
    assert client.calls == ["params.pth", "optimizer.pth", "criterion.pth", "history.json", "end"]


class Neptune(Recorder):
    """neptune.Run: a tree of fields."""

    def __init__(self):
        super().__init__()
        self.parts: dict[str, Neptune] = {}
        self.values: list = []

    def __getitem__(self, key):
        return self.parts.setdefault(key, Neptune())

    def __setitem__(self, key, value):
        self.logged[key] = value

    def append(self, value):
        self.values.append(value)

    def stop(self):
        self.calls.append("end")


@pytest.mark.parametrize("n", SIZES)
def test_neptune_logger(n, monkeypatch):
    file = SimpleNamespace(from_content=lambda text, extension: text)
    parts = {"": {}, ".types": {"File": file}, ".handler": {"Handler": type("Handler", (), {})}}
    for name, held in parts.items():
        monkeypatch.setitem(sys.modules, f"neptune{name}", SimpleNamespace(**held))
    run = Neptune()
    fitted = fit(n, NeptuneLogger(run))
    losses = run["training"]["validation"]["epoch"]["loss"].values
    assert losses == fitted.history_["valid_loss"][1:].tolist()
    assert run["training"].logged["config/batch_size"] == (250 if n == 1000 else 50)
    assert run.calls == ["end"]


class Sacred(Recorder):
    """sacred.run.Run."""

    def log_scalar(self, name, value, step=None):
        self._note(name, value)


@pytest.mark.parametrize("n", SIZES)
def test_sacred_logger(n):
    run = Sacred()
    fitted = fit(n, SacredLogger(run, log_on_batch_end=True))
    assert run.logged["train_loss_epoch"] == fitted.history_["train_loss"][1:].tolist()
    assert len(run.logged["train_loss_batch"]) > fitted.n_iter_


class Wandb(Recorder):
    """wandb.Run."""

    def watch(self, module):
        self.calls.append(type(module).__name__)

    def log(self, values):
        for name, value in values.items():
            self._note(name, value)


@pytest.mark.parametrize("n", SIZES)
def test_wandb_logger(n, tmp_path):
    run = Wandb(tmp_path)
    fitted = fit(n, WandbLogger(run))
    assert run.logged["valid_loss"] == fitted.history_["valid_loss"][1:].tolist()
    assert run.calls == ["AutoencoderModule"]
    assert torch.load(tmp_path / "best_model.pth").keys() == weights(fitted.net_).keys()


class Board(Recorder):
    """torch.utils.tensorboard.SummaryWriter, for machines without tensorboard."""

    def add_scalar(self, tag, scalar_value, global_step):
        self._note(tag, scalar_value)

    def close(self):
        self.calls.append("end")


@pytest.mark.parametrize("n", SIZES)
def test_tensorboard(n):
    writer = Board()
    fitted = fit(n, TensorBoard(writer))
    assert writer.logged["Loss/valid_loss"] == fitted.history_["valid_loss"][1:].tolist()
    assert writer.calls == ["end"]


@pytest.mark.filterwarnings("default")  # what tensorboard's own packages deprecate is theirs
def test_tensorboard_itself(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    fit(1000, TensorBoard(SummaryWriter(tmp_path)))
    assert b"Loss/valid_loss" in next(tmp_path.iterdir()).read_bytes()


# Names, classes, refusals and ends.


@pytest.mark.parametrize("given", [EpochTimer, ("timer", EpochTimer), ("timer", EpochTimer())])
def test_classes_and_names_as_skorch_takes_them(given):
    [made] = TrainingConfig(2, callbacks=(given,)).bare_callbacks
    assert isinstance(made, EpochTimer)
    assert fit(150, given).n_iter_ == 4


@pytest.mark.parametrize("given", [3, "EpochTimer", ("timer", 3), int])
def test_what_is_no_callback_is_named(given):
    with pytest.raises(ValueError, match="callbacks holds") as caught:
        TrainingConfig(2, callbacks=(given,))
    assert "pass callbacks of skorch's" in str(caught.value)


@pytest.mark.parametrize("given", [InputShapeSetter(), InputShapeSetter, ("a", InputShapeSetter)])
def test_input_shape_setter_is_refused(given):
    with pytest.raises(ValueError, match="InputShapeSetter"):
        TrainingConfig(2, callbacks=(given,))


class Locked(Callback):
    def __deepcopy__(self, memo):
        raise TypeError("cannot copy")


def test_a_callback_that_cannot_be_copied_is_named():
    fit(1000, Locked())
    with pytest.raises(ValueError, match=r"Locked.*cannot be copied"):
        fit(150, Locked())


class Interrupting(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


@pytest.mark.parametrize("n", SIZES)
def test_an_interrupt_of_a_users_own_goes_through(n):
    autoencoder = Autoencoder(2, max_iter=3, random_state=0, callbacks=[Interrupting()])
    with pytest.raises(KeyboardInterrupt):
        autoencoder.fit(rows(n))
    with pytest.raises(NotFittedError):
        check_is_fitted(autoencoder)
    fitted = clone(autoencoder).set_params(callbacks=None).fit(rows(n))
    before = fitted.transform(rows(n))
    with pytest.raises(KeyboardInterrupt):
        fitted.set_params(callbacks=[Interrupting()]).fit(rows(n))
    np.testing.assert_array_equal(fitted.transform(rows(n)), before)


def test_an_interrupt_stops_a_grid_search_and_early_stopping_does_not():
    autoencoder = Autoencoder(max_iter=3, random_state=0, callbacks=[Interrupting()])
    grid = {"n_components": [1, 2]}
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(autoencoder, grid, cv=2).fit(rows(150))
    stop = EarlyStopping(monitor="train_loss", patience=1)
    search = GridSearchCV(clone(autoencoder).set_params(callbacks=[stop]), grid, cv=2)
    assert np.isfinite(search.fit(rows(150)).cv_results_["mean_test_score"]).all()


def test_callbacks_of_an_outlier_detector():
    stop = EarlyStopping("train_loss", patience=1, threshold=1.0)
    detector = AutoencoderOutlierDetector(
        Autoencoder(2, max_iter=4, callbacks=[stop]),
        n_estimators=2,
        random_state=0,
    ).fit(rows(150))
    assert [each.n_iter_ for each in detector.estimators_] == [2, 2]


@pytest.mark.parametrize("n", SIZES)
def test_watching_changes_no_number(n):
    watched = fit(n, PrintLog(sink=lambda line: None), EpochTimer())
    alone = fit(n)
    for name, value in weights(alone.net_).items():
        assert torch.equal(weights(watched.net_)[name], value)
