"""How far it is from a user's `fit` to the first gradient."""

from __future__ import annotations

import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from skorch.callbacks import GradientNormClipping

import sklearn_ae
from sklearn_ae import Autoencoder

ROOT = str(Path(sklearn_ae.__file__).parent)
MOST = 7


class FirstGradient(Exception):
    """Raised in place of the first gradient."""


def frames(autoencoder: Autoencoder, n: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of our own frames behind `fit`, up to the one that asks torch for a gradient."""

    def stop(*args: object, **kwargs: object) -> None:
        raise FirstGradient

    monkeypatch.setattr(torch.autograd, "grad", stop)
    monkeypatch.setattr(torch.Tensor, "backward", stop)
    with pytest.raises(FirstGradient) as caught:
        autoencoder.fit(np.random.default_rng(0).normal(size=(n, 4)))
    return [
        f"{Path(frame.filename).relative_to(ROOT)}:{frame.name}"
        for frame in traceback.extract_tb(caught.tb)
        if frame.filename.startswith(ROOT) and not frame.name.startswith("<")
    ]


@pytest.mark.parametrize("n", [1000, 100], ids=["held out", "folds"])
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("callbacks", [[], [GradientNormClipping()]], ids=["captured", "batches"])
def test_at_most_seven_frames(n, callbacks, early_stopping, monkeypatch):
    autoencoder = Autoencoder(
        2, hidden_layer_sizes=(4,), callbacks=callbacks, early_stopping=early_stopping
    )
    own = frames(autoencoder, n, monkeypatch)
    print("\n".join(own))
    assert len(own) <= MOST, own


def test_contributing_names_them(monkeypatch):
    text = (Path(ROOT).parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text.split("## From fit to the first gradient")[1].split("\n## ")[0]
    autoencoder = Autoencoder(2, hidden_layer_sizes=(4,), random_state=0)
    for name in frames(autoencoder, 1000, monkeypatch):
        path, function = name.split(":")
        assert f"`{Path(path).name}`" in part
        assert f"{function}`" in part
