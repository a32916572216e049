"""Fits that were broken off go on, and end as if they had not been."""

import errno
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ae
from sklearn_ae import (
    Autoencoder,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    ConvolutionalAutoencoder,
    DomainAdaptationTransformer,
    GraphAdaptedClassifier,
    RecurrentAutoencoder,
    StackedAutoencoder,
    SuperResolver,
    VariationalAutoencoder,
)
from sklearn_ae.applications._outlier_detection import _ensemble
from sklearn_ae.runtime import _checkpoints
from sklearn_ae.sources import Blocks, _opening
from sklearn_ae.state import _files

DIGITS = load_digits()
X = DIGITS.data[:1100, 20:36]
RNG = np.random.default_rng(0)
HOLED = np.where(RNG.random((200, 8)) < 0.1, np.nan, X[:200, :8])
WAVES = [np.cumsum(RNG.normal(size=n)) for n in RNG.integers(6, 10, 60)]
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
PLAIN = Autoencoder(2, **SMALL)
KINDS = {
    "table": (PLAIN, X),
    "folds": (PLAIN, X[:150]),
    "density": (VariationalAutoencoder(2, **SMALL), X),
    "stages": (StackedAutoencoder(2, max_iter=2, random_state=0), X),
    "images": (
        ConvolutionalAutoencoder(2, channels=(4,), max_iter=2, random_state=0),
        DIGITS.images[:1010],
    ),
    "sequences": (RecurrentAutoencoder(2, max_iter=2, random_state=0), WAVES),
    "detector": (AutoencoderOutlierDetector(random_state=0), X[:300]),
    "imputer": (AutoencoderImputer(Autoencoder(2, max_iter=2), random_state=0), HOLED),
    "file": (PLAIN, Blocks(lambda: iter(np.array_split(X, 4)))),
    "resolver": (
        SuperResolver(channels=4, depth=2, max_iter=3, random_state=0),
        DIGITS.images[:40],
    ),
}


class Killed(BaseException):
    """No `except Exception` sees it, as none sees a kill."""


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(_ensemble, "N_STEPS", 120)
    monkeypatch.setattr(_opening, "EXPANDED_CELLS", 0)


def at(estimator, folder):
    return clone(estimator).set_params(checkpoint=folder)


def answers(estimator, rows):
    rows = X if isinstance(rows, Blocks) else rows
    if hasattr(estimator, "degrade"):
        return np.stack(estimator.predict(rows[:3]))
    ask = "transform" if isinstance(estimator, AutoencoderImputer) else "score_samples"
    return getattr(estimator, ask)(rows)


def killed_after(n, monkeypatch, fit):
    """Break a fit off when it would write for the n-th time; return whether it got there."""
    left = iter(range(n - 1))

    def write(path, tree):
        if next(left, None) is None:
            raise Killed
        _files.write_file(path, tree)

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoints, "write_file", write)
        try:
            fit()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_goes_on_bit_for_bit(kind, tmp_path, monkeypatch):
    estimator, rows = KINDS[kind]
    whole = answers(clone(estimator).fit(rows), rows)
    kept = at(estimator, tmp_path / "kept").fit(rows)
    assert_array_equal(answers(kept, rows), whole)
    n_kept = len(list((tmp_path / "kept").glob("*.npz")))
    for i, after in enumerate((2, max(3, n_kept + 1))):
        broken = at(estimator, tmp_path / str(i))
        assert killed_after(after, monkeypatch, lambda broken=broken: broken.fit(rows))
        assert_array_equal(answers(broken.fit(rows), rows), whole)


def test_a_fit_that_ended_is_not_done_again(tmp_path, monkeypatch):
    first = at(PLAIN, tmp_path).fit(X)
    monkeypatch.setattr(_checkpoints, "write_file", None)
    again = at(PLAIN, str(tmp_path)).fit(X)
    assert_array_equal(again.transform(X), first.transform(X))
    assert again.n_iter_ == first.n_iter_
    assert len(again.history_) == len(first.history_)


def test_a_seed_of_the_system_is_drawn_once(tmp_path, monkeypatch):
    estimator = at(PLAIN, tmp_path).set_params(random_state=None)
    assert killed_after(4, monkeypatch, lambda: estimator.fit(X))
    codes = estimator.fit(X).transform(X)
    assert_array_equal(clone(estimator).fit(X).transform(X), codes)


def test_another_fit_is_refused(tmp_path, monkeypatch):
    assert killed_after(4, monkeypatch, lambda: at(PLAIN, tmp_path).fit(X))
    with pytest.raises(ValueError, match=r"of another fit: alpha was 0\.01, here 0\.5\. .*delete"):
        at(PLAIN, tmp_path).set_params(alpha=0.5).fit(X)
    with pytest.raises(ValueError, match=r"X was .* with the same look but other content"):
        at(PLAIN, tmp_path).fit(X + 1)
    with pytest.raises(ValueError, match=r"X was ndarray of shape \(1100, 16\), here .*1099"):
        at(PLAIN, tmp_path).fit(X[1:])
    with pytest.raises(ValueError, match="the estimator was Autoencoder"):
        at(VariationalAutoencoder(2, **SMALL), tmp_path).fit(X)
    at(PLAIN, tmp_path).set_params(verbose=1).fit(X)
    folder = tmp_path / "source"
    assert killed_after(4, monkeypatch, lambda: at(PLAIN, folder).fit(KINDS["file"][1]))
    with pytest.raises(ValueError, match="X was Blocks, with the same look but other content"):
        at(PLAIN, folder).fit(Blocks(lambda: iter(np.array_split(X[::-1], 4))))


def test_one_fit_at_a_folder_at_a_time(tmp_path):
    with (
        _checkpoints.kept_in(tmp_path, {}),
        pytest.raises(ValueError, match="a fit that runs in this process; wait"),
    ):
        at(PLAIN, tmp_path).fit(X)
    reads, writes = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover
        with _checkpoints.kept_in(tmp_path, {}):
            os.write(writes, b"1")
            signal.pause()
    os.read(reads, 1)
    try:
        with pytest.raises(ValueError, match="a fit that runs in another process; wait"):
            at(PLAIN, tmp_path).fit(X)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    at(PLAIN, tmp_path).fit(X)


def test_a_full_disk_leaves_what_was_kept(tmp_path, monkeypatch):
    whole = clone(PLAIN).fit(X).transform(X)
    assert killed_after(4, monkeypatch, lambda: at(PLAIN, tmp_path).fit(X))
    with monkeypatch.context() as patch:

        def full(handle):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(_files.os, "fsync", full)
        with pytest.raises(OSError, match="No space left on device") as raised:
            at(PLAIN, tmp_path).fit(X)
    assert Path(raised.value.filename).parent == tmp_path
    assert not list(tmp_path.glob("*.tmp"))
    assert_array_equal(at(PLAIN, tmp_path).fit(X).transform(X), whole)


def test_a_damaged_file_is_named(tmp_path):
    at(PLAIN, tmp_path).fit(X)
    part = tmp_path / "0001.npz"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"0001\.npz' is damaged .*delete this file"):
        at(PLAIN, tmp_path).fit(X)
    part.unlink()
    at(PLAIN, tmp_path).fit(X)
    (tmp_path / "fit.npz").unlink()
    with pytest.raises(ValueError, match=r"holds 0001\.npz, but not fit\.npz"):
        at(PLAIN, tmp_path).fit(X)


def test_candidates_of_a_search_are_different_fits(tmp_path):
    search = GridSearchCV(
        at(PLAIN, tmp_path / "one"), {"alpha": [0.0, 0.1]}, cv=2, error_score="raise"
    )
    with pytest.raises(ValueError, match="of another fit"):
        search.fit(X)


HOLDERS = {
    (cls, name)
    for cls in map(vars(sklearn_ae).get, sklearn_ae.__all__)
    for name in ("estimator", "embedding", "prior")
    if "checkpoint" in getattr(cls, "_parameter_constraints", ())
    and name in cls._parameter_constraints
}


def test_every_application_that_holds_an_autoencoder_is_looked_at():
    assert len(HOLDERS) >= 10


@pytest.mark.parametrize(("cls", "name"), sorted(HOLDERS, key=str))
def test_a_checkpoint_of_what_is_held_is_refused(cls, name, tmp_path):
    """It would be that of a part of the fit, which the whole knows nothing of."""
    held = Autoencoder(2, max_iter=1, checkpoint=tmp_path)
    own = {"classifier": LogisticRegression()} if cls is GraphAdaptedClassifier else {}
    target = DIGITS.target[:60] % 2
    given = {"sample_domain": target} if cls is DomainAdaptationTransformer else {}
    with pytest.raises(ValueError, match=f"{name}__checkpoint=.*of the {cls.__name__}"):
        cls(**{name: held}, **own).fit(X[:60], target, **given)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_is_found_within_a_pipeline(tmp_path):
    held = make_pipeline(StandardScaler(), Autoencoder(2, checkpoint=tmp_path))
    outer = GraphAdaptedClassifier(LogisticRegression(), estimator=held)
    with pytest.raises(ValueError, match="estimator__autoencoder__checkpoint="):
        outer.fit(X[:60], DIGITS.target[:60] % 2)


@pytest.mark.parametrize("bad", ["", "file", "things"])
def test_a_folder_of_something_else_is_refused(tmp_path, monkeypatch, bad):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "rows.parquet").touch()
    words = {"": "names no folder", "file": "cannot be made a folder", "things": "rows.parquet"}
    X = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ValueError, match=words[bad]):
        Autoencoder(1, max_iter=1, checkpoint=bad).fit(X)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "rows.parquet", "things"]
