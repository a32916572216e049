"""Terms and latents that a user writes: how they are drawn, and what is said of mistakes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from sklearn_ae import Autoencoder, Code, Latent, LatentModule, Penalty, Term

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 2)) @ RNG.normal(size=(2, 5)) + 0.1 * RNG.normal(size=(150, 5))
SHORT = {"hidden_layer_sizes": (8,), "max_iter": 2, "early_stopping": False, "random_state": 0}


class _Linear(Term):
    per_row = True

    def __init__(self, n_components):
        super().__init__()
        self.linear = nn.Linear(n_components, 3)

    def forward(self, network, batch, result, generator):
        return self.linear(result.code.sample).square().sum(dim=1)


class _LinearReset(_Linear):
    def reset(self, generator):
        with torch.no_grad():
            self.linear.weight.normal_(generator=generator)


class _Turned(LatentModule):
    def __init__(self, n_components):
        super().__init__()
        self.linear = nn.Linear(n_components, n_components)

    def forward(self, output, generator=None):
        code = self.linear(output)
        return Code(code, code)


class _Part:
    def __init__(self, module=_Linear):
        self.module = module

    def build(self, n_components, *bounded):
        return self.module(n_components)


class OwnPenalty(_Part, Penalty):
    pass


class OwnLatent(_Part, Latent):
    def __init__(self, module=_Turned):
        super().__init__(module)


OWN = {
    "term": {"penalties": (OwnPenalty(),)},
    "term with reset": {"penalties": (OwnPenalty(_LinearReset),)},
    "latent": {"latent": OwnLatent()},
}


@pytest.mark.parametrize("name", OWN)
def test_weights_come_from_random_state_and_global_generators_stay(name):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = Autoencoder(2, **SHORT, **OWN[name]).fit(X)
    loaded = pickle.loads(pickle.dumps(first))
    assert_array_equal(loaded.transform(X), first.transform(X))
    loaded.partial_fit(X)
    assert_array_equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = Autoencoder(2, **SHORT, **OWN[name]).fit(X)
    assert_array_equal(again.transform(X), first.transform(X))
    other = Autoencoder(2, **{**SHORT, "random_state": 1, "max_iter": 0}, **OWN[name]).fit(X)
    start = Autoencoder(2, **{**SHORT, "max_iter": 0}, **OWN[name]).fit(X)
    drawn = [
        torch.cat([p.flatten() for part in parts for p in part.parameters()])
        for parts in ((m.net_.criterion_, m.net_.module_.latent) for m in (start, other))
    ]
    assert not torch.equal(*drawn)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copied_net_is_trained_further(copied):
    fitted = Autoencoder(2, **SHORT).fit(X)
    net, rows = copied(fitted.net_), fitted._model.scaling.apply(X).astype(np.float32)
    fitted.net_.partial_fit(rows)
    net.partial_fit(rows)
    for one, other in zip(fitted.net_.module_.parameters(), net.module_.parameters(), strict=True):
        assert torch.equal(one, other)
    assert np.isfinite(float(net.train_step((torch.from_numpy(rows), None))["loss"]))


def _term(of_code, per_row):
    class Wrong(Term):
        def forward(self, network, batch, result, generator):
            return of_code(result.code.sample)

    Wrong.per_row = per_row
    return {"penalties": (OwnPenalty(lambda n_components: Wrong()),)}


def _latent(of_output):
    class Wrong(LatentModule):
        def forward(self, output, generator=None):
            return of_output(output)

    return {"latent": OwnLatent(lambda n_components: Wrong())}


def _built(value):
    return {"penalties": (OwnPenalty(lambda n_components: value),)}


def _states(base, **attributes):
    slot = "penalties" if base is OwnPenalty else "latent"
    part = type("Stated", (base,), attributes)()
    return {slot: (part,) if base is OwnPenalty else part}


def _squares(code):
    return code.square().sum(dim=1)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (_term(_squares, False), r"Wrong.*shape \(3,\) for 3 rows.*cost\.mean\(\).*per_row = True"),
        (_term(torch.sum, True), r"Wrong.*shape \(\).*per_row = False"),
        (_term(lambda code: code, True), r"Wrong.*shape \(3, 2\).*shape \(3,\)"),
        (_term(lambda code: 1.0, False), r"Wrong.*returned 1\.0.*float tensor"),
        (_term(lambda code: None, True), r"Wrong.*returned None.*float tensor"),
        (_built(None), "built None, which is not a Term"),
        (_built(abs), "built <built-in function abs>, which is not a Term"),
        (_built(nn.Linear(2, 2)), r"built Linear\(.*, which is not a Term"),
        (_latent(lambda output: output), r"Wrong returned a tensor.*return Code\(mean=z"),
        (
            _latent(lambda z: Code(z[:, :1], z)),
            r"mean is a tensor.*shape \(3, 1\).*\(3, 2\)",
        ),
        (_latent(lambda z: Code(z, z, z)), r"Wrong.*divergence is a tensor.*of shape \(3,\)"),
        ({"latent": OwnLatent(lambda n: None)}, "built None, which is not a LatentModule"),
        ({"latent": OwnLatent(lambda n: nn.Linear(n, n))}, "is not a LatentModule"),
        (_states(OwnLatent, samples=True), "samples=True, but _Turned has no sample"),
        (_states(OwnLatent, symmetry="foo"), "symmetry='foo'; use one of.*'rotation'"),
        (_states(OwnPenalty, symmetry="foo"), "symmetry='foo'; use one of.*'rotation'"),
        (_states(OwnPenalty, reads="label"), r"reads='label', a str;.*\('label',\)"),
        *(
            (_states(OwnPenalty, name=name), f"name='{name}'.*give it another name")
            for name in (
                *("train_loss", "valid_loss", "learning_rate", "seconds", "epoch", "dur"),
                *("reconstruction", "forward", "training", "a.b", "dead_units"),
            )
        ),
    ],
)
def test_mistakes_are_named(own, message):
    estimator = Autoencoder(2, **SHORT, **own)
    with pytest.raises((TypeError, ValueError), match=message):
        estimator.fit(X)


def test_a_mistake_that_comes_with_further_rows_is_named():
    fitted = Autoencoder(2, **SHORT, **_term(_squares, True)).fit(X)
    fitted.set_params(**_term(_squares, False))
    with pytest.raises(ValueError, match="per_row = False needs"):
        fitted.partial_fit(X)
