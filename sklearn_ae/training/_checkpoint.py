"""What is kept of networks in training after each epoch, and how they go on from it."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import torch
from skorch import history as skorch_history
from skorch.callbacks import PrintLog
from torch import Tensor
from torch.nn import Parameter

from sklearn_ae.runtime import Part
from sklearn_ae.state import is_plain
from sklearn_ae.training._net import is_ours
from sklearn_ae.training._run import TrainingRun
from sklearn_ae.training._weights import learned, put_back
from sklearn_ae.training.callbacks import Progress
from sklearn_ae.training.steps import Ensemble

# Relative difference of what is measured before the first epoch that is rounding, on another
# machine or with other threads.
_ROUNDING = 1e-2
# What of the best epoch is kept, beside its weights.
_BEST = ("start_losses", "losses", "least", "epoch", "epochs_without_improvement", "has_ended")


class Keeper(PrintLog):
    """Keeps networks in training, and puts them back to where they were.

    It is a PrintLog because skorch calls those last: an epoch is kept when the other callbacks
    have seen it.

    Parameters
    ----------
    joint : JointTraining
        The networks, at epoch 0.
    part : Part
        Where they are kept.
    first : dict of str to float
        What was measured at epoch 0.

    Raises
    ------
    ValueError
        If what is kept there did not begin as these networks do.
    """

    def __init__(self, joint: Any, part: Part, first: dict[str, float]) -> None:
        super().__init__()
        self.joint = joint
        self.part = part
        self.first = first
        self.kept = part.read()
        if self.kept is not None:
            self._check_first(self.kept["first"])

    @property
    def is_done(self) -> bool:
        """Whether training has been to its end."""
        return self.kept is not None and bool(self.kept["done"])

    def go_on(self) -> None:
        """Put everything back to where it was after the last epoch that was kept."""
        if self.kept is None:
            return
        self._restore_shared()
        self.joint.on_joined = self._go_on_together
        for run, own in zip(self.joint.runs, self.kept["runs"], strict=True):
            _restore_run(run, own)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep an epoch."""
        ensemble = self.joint.ensemble
        self._keep(
            done=False,
            ensemble=None if ensemble is None else _state_of_steps(ensemble),
            runs=[_state_of_run(run) for run in self.joint.runs],
        )

    def finish(self) -> None:
        """Keep what came of training, or put that back if it is what was kept."""
        if not self.is_done:
            runs = [{"weights": learned(run.net), "history": _rows(run)} for run in self.joint.runs]
            self._keep(done=True, runs=runs)
            return
        assert self.kept is not None
        self._restore_shared()
        for run, own in zip(self.joint.runs, self.kept["runs"], strict=True):
            put_back(run.net, own["weights"])
            run.net.history = _history(own["history"])
        Progress(self.joint.runs, self.joint.rate.schedule).on_epoch_begin(self.joint.net)

    def _go_on_together(self) -> None:
        """Record steps that were recorded, and put back what they have changed."""
        assert self.kept is not None
        ensemble, runs = self.joint.ensemble, self.joint.runs
        tensors = [tensor for run in runs for tensor in _changed_by_steps(run)]
        before = [tensor.detach().clone() for tensor in tensors]
        generators = [g for run in runs for g in (run.batches.generator, run.noise)]
        states = [generator.get_state() for generator in generators]
        if ensemble is not None:
            ensemble.resume(self.kept["ensemble"]["steps"])
            ensemble.noise.set_state(self.kept["ensemble"]["noise"])
        else:
            for run, own in zip(runs, self.kept["runs"], strict=True):
                if run.runner is not None and own["steps"] is not None:
                    run.runner.resume(own["steps"])
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)

    def _keep(self, **parts: Any) -> None:
        best = self.joint.best
        found = None
        if best is not None:
            found = {name: getattr(best, name) for name in _BEST}
            found["weights"] = best.weights
        shared = {"first": self.first, "schedule": vars(self.joint.rate.schedule), "best": found}
        self.part.keep({**shared, **parts})

    def _restore_shared(self) -> None:
        assert self.kept is not None
        vars(self.joint.rate.schedule).update(self.kept["schedule"])
        if self.joint.best is not None:
            vars(self.joint.best).update(self.kept["best"])

    def _check_first(self, first: dict[str, float]) -> None:
        """Raise if networks did not begin alike: then something else has been drawn before."""
        then, now = (np.array(list(row.values())) for row in (first, self.first))
        same = first.keys() == self.first.keys()
        least = np.abs(now).max(initial=0.0) * 1e-6
        if not (same and np.allclose(then, now, rtol=_ROUNDING, atol=least)):
            raise ValueError(
                f"{str(self.part.path)!r} is of networks that began at {first}, and these begin at "
                f"{self.first}; something before draws anew in each call. Give it a random_state, "
                "or delete the folder to begin anew."
            )


def _state_of_run(run: TrainingRun) -> dict[str, Any]:
    """Return what a network needs to go on."""
    net = run.net
    optimizer = net.optimizer_
    return {
        "weights": learned(net),
        "moments": [optimizer.state.get(p, {}) for p in _parameters(optimizer)],
        "groups": [
            {name: value for name, value in group.items() if name != "params" and is_plain(value)}
            for group in optimizer.param_groups
        ],
        "order": run.batches.generator.get_state(),
        "noise": run.noise.get_state(),
        "steps": None if run.runner is None else run.runner.run_step.state(),
        "history": _rows(run),
        "callbacks": [_state_of(callback) for callback in _theirs(net)],
    }


def _state_of_steps(ensemble: Ensemble) -> dict[str, Any]:
    return {"steps": ensemble.run_step.state(), "noise": ensemble.noise.get_state()}


def _changed_by_steps(run: TrainingRun) -> list[Tensor]:
    """Return all that steps of a network write to, but for generators."""
    parts = run.net.module_, run.net.criterion_
    tensors = [t for part in parts for t in (*part.parameters(), *part.buffers())]
    if run.runner is not None:
        update = run.runner.update
        tensors += [update.step, *chain(*update.moments)]
    return tensors


def _restore_run(run: TrainingRun, kept: dict[str, Any]) -> None:
    net = run.net
    put_back(net, kept["weights"])
    optimizer = net.optimizer_
    for parameter, moments in zip(_parameters(optimizer), kept["moments"], strict=True):
        optimizer.state[parameter] = {
            name: _like(value, parameter) for name, value in moments.items()
        }
    for group, own in zip(optimizer.param_groups, kept["groups"], strict=True):
        group.update(own)
    run.batches.generator.set_state(kept["order"])
    run.noise.set_state(kept["noise"])
    net.history = _history(kept["history"])
    for callback, state in zip(_theirs(net), kept["callbacks"], strict=True):
        _restore(callback, state)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Parameter]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _like(value: Any, parameter: Parameter) -> Any:
    """Return a moment where its parameter is, and as that lies in memory."""
    if not isinstance(value, Tensor):
        return value
    if value.shape != parameter.shape:
        return value.to(parameter.device)
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _rows(run: TrainingRun) -> list[dict[str, Any]]:
    return list(run.net.history)


def _history(rows: list[dict[str, Any]]) -> skorch_history.History:
    found = skorch_history.History()
    found.extend(rows)
    return found


def _theirs(net: Any) -> list[Any]:
    """Return the callbacks of the user's but for those that print, which `verbose` adds to."""
    each = [callback for _, callback in net.callbacks_]
    return [one for one in each if not (is_ours(one) or isinstance(one, PrintLog))]


def _state_of(callback: Any) -> dict[str, Any]:
    """Return what can be kept of a callback: plain attributes, and those with a state."""
    found = {}
    for name, value in vars(callback).items():
        if hasattr(value, "load_state_dict") and not isinstance(value, type):
            found[name] = {"state": value.state_dict()}
        elif is_plain(value):
            found[name] = {"value": value}
    return {name: state for name, state in found.items() if is_plain(state)}


def _restore(callback: Any, kept: dict[str, Any]) -> None:
    for name, state in kept.items():
        if "state" in state:
            getattr(callback, name).load_state_dict(state["state"])
        else:
            setattr(callback, name, state["value"])
