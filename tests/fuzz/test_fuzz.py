"""A few drawn examples of each kind of rows; `make fuzz` draws thousands."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from sklearn_ae import (
    Autoencoder,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    ConvolutionalAutoencoder,
)
from tests.fuzz import runner, strategies
from tests.fuzz.invariants import Violation, check
from tests.fuzz.strategies import Example, Frame, Images, Matrix

pytestmark = pytest.mark.usefixtures("few_folds")

few = settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@given(strategies.TABLES)
@settings(few, max_examples=12)
def test_tables(example):
    check(example)


@given(strategies.IMAGES)
@few
def test_images(example):
    check(example)


@given(strategies.SEQUENCES)
@few
def test_sequences(example):
    check(example)


@given(strategies.APPLICATIONS)
@few
def test_applications(example):
    check(example)


# What violates an invariant is found


class Sound(Autoencoder):
    """What each of the following does but for one fault."""


class InCompany(Autoencoder):
    """The code depends on the other rows."""

    def transform(self, X, condition=None):
        codes = super().transform(X, condition)
        return codes - codes.mean(axis=0)


class Ranked(Autoencoder):
    """The score depends on the other rows."""

    def score_samples(self, X, condition=None):
        scores = super().score_samples(X, condition)
        return scores - scores.mean()


class Hole(Autoencoder):
    """A code is NaN."""

    def transform(self, X, condition=None):
        return np.full_like(super().transform(X, condition), np.nan)


class Writes(Autoencoder):
    """The input is changed."""

    def fit(self, X, y=None, **given):
        X += 1
        return super().fit(X, y, **given)


class Draws(Autoencoder):
    """A global generator is used, and no fit is like another."""

    def fit(self, X, y=None, **given):
        self.shift_ = torch.randn(1).numpy()
        return super().fit(X, y, **given)


class Forgets(Autoencoder):
    """What is loaded is not all that was learned."""

    def transform(self, X, condition=None):
        return super().transform(X, condition) + vars(self).get("_shift", 0.0)

    def __setstate__(self, state):
        super().__setstate__(state)
        self._shift = 1.0


class Raw(Autoencoder):
    """An error out of torch reaches the user."""

    def fit(self, X, y=None, **given):
        torch.zeros(2) @ torch.zeros(3)


class Mute(Autoencoder):
    """An error that says nothing; it has our validation around it."""

    def fit(self, X, y=None, **given):
        raise ValueError("bad input")


class Unscaled(Autoencoder):
    """The unit of X matters."""

    def reconstruct(self, X, condition=None):
        return super().reconstruct(X, condition) + 0.1


NUMBERS = Matrix(8, (("normal", 0), ("normal", 0), ("normal", 0)), seed=1)
FLOAT32 = dataclasses.replace(NUMBERS, dtype="float32")
FAULTS = {
    InCompany: "transform of rows alone differs",
    Hole: "transform holds",
    Writes: "fit changes its input",
    Draws: "fit changes torch's generator",
    Forgets: "transform of what was pickled differs",
    Raw: "raw RuntimeError",
    Mute: "raw ValueError",
    Unscaled: "reconstruct of 32 X",
}


@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_a_fault_is_a_violation(cls):
    example = Example(cls(2, hidden_layer_sizes=(2,), max_iter=0, random_state=0), NUMBERS)
    with pytest.raises(Violation, match=FAULTS[cls]):
        check(example)


def test_a_score_of_float32_that_depends_on_others_is_a_violation():
    options = {"hidden_layer_sizes": (2,), "max_iter": 0, "random_state": 0}
    with pytest.raises(Violation, match="score_samples of rows alone differs"):
        check(Example(Ranked(2, **options), FLOAT32))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_errors_of_an_exact_reconstruction_are_rounding(loss):
    rows = Matrix(33, (("normal", 8), ("normal", -10), ("zero", 1)) * 5, "float32")
    assert check(Example(Autoencoder(10, loss=loss, max_iter=0, random_state=0), rows))


def test_scores_of_a_detector_are_as_exact_as_those_it_holds():
    columns = (("heavy", 1), ("zero", 2), ("constant", 2), ("normal", 2), ("duplicate", 1))
    held = Autoencoder(3, hidden_layer_sizes=(), max_iter=0)
    detector = AutoencoderOutlierDetector(held, n_estimators=1, random_state=0)
    assert check(Example(detector, Matrix(2, columns * 5, "float32", seed=1), ("any", -6)))


def test_errors_of_exact_pixels_are_rounding():
    options = {"augment": None, "channels": (2,), "hidden_layer_sizes": (4,), "max_iter": 1}
    network = ConvolutionalAutoencoder(2, normalization="layer", random_state=0, **options)
    assert check(Example(network, Images(2, ((6, 5),), None, "uint8", 1.0, 29)))


def test_donors_that_are_equally_near_come_in_one_order():
    kinds = ("category", "object", "int64", "float32", "category")
    imputer = AutoencoderImputer(hidden_layer_sizes=(4,), max_iter=1, random_state=0)
    assert check(Example(imputer, Frame(33, kinds, 0.1, 12)))


def test_a_sound_estimator_is_none():
    options = {"hidden_layer_sizes": (2,), "max_iter": 1, "random_state": 0}
    assert check(Example(Autoencoder(2, **options), NUMBERS))
    refused = Example(Autoencoder(5, **options), NUMBERS, ("any", 6))
    assert not check(refused)


def test_a_recipe_is_the_same_rows_each_time():
    for recipe in (NUMBERS, Frame(9, ("float64", "str", "category", "datetime"), 0.3, 4)):
        one, two = recipe.build(), eval(repr(recipe)).build()
        assert repr(one) == repr(two)


def test_the_runner_draws_the_same_again():
    piece = runner.run_piece(3, 3)
    again = runner.run_piece(3, 3)
    assert piece.n_examples == again.n_examples == 3
    assert piece == again


def test_the_runner_tells_its_seeds_and_counts(capsys, monkeypatch):
    found = runner.Piece(5, 2, 1, [("a code is NaN", "Example(...)")])
    monkeypatch.setattr(runner, "run_pieces", lambda seeds, sizes, workers: iter([found]))
    assert runner.main(["2", "--seed", "5"]) == 1
    printed = capsys.readouterr().out
    assert "2 examples, seeds 5 to 5" in printed
    assert "seed 5: a code is NaN" in printed
    assert "2 examples, 1 violations (1 refused" in printed
