"""Errors about images and sequences name the value and the way out."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from torch import nn

from sklearn_ae import (
    Autoencoder,
    Blur,
    Convolutional,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Downsampling,
    Erasing,
    Recurrent,
    RecurrentAutoencoder,
    VariationalAutoencoder,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.random((30, 4, 3))
FLAT = IMAGES.reshape(30, 12)
LISTED = [RNG.random((int(n), 3)) for n in RNG.integers(2, 6, size=20)]
STEPS = [RNG.random((int(n), 2)) for n in RNG.integers(2, 6, size=20)]
LONG = pd.DataFrame({"id": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]})
FITTING = pytest.mark.parametrize("method", ["fit", "partial_fit"])
READING = pytest.mark.parametrize(
    "method", ["transform", "reconstruct", "reconstruction_errors", "score_samples", "partial_fit"]
)
OPTIONS = {"max_iter": 1, "early_stopping": False, "random_state": 0}


def images(n_components: Any = 2, **parameters: Any) -> ConvolutionalAutoencoder:
    defaults = {"channels": (4,), "hidden_layer_sizes": (8,), **OPTIONS}
    return ConvolutionalAutoencoder(n_components, **{**defaults, **parameters})


def sequences(n_components: Any = 2, **parameters: Any) -> RecurrentAutoencoder:
    return RecurrentAutoencoder(n_components, **{"hidden_size": 4, **OPTIONS, **parameters})


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    return {
        "images": images().fit(IMAGES),
        "listed": images().fit(LISTED),
        "sequences": sequences().fit(IMAGES),
        "steps": sequences().fit(STEPS),
    }


def with_cell(X: np.ndarray, value: float) -> np.ndarray:
    X = X.copy()
    X.flat[7] = value
    return X


# Images


@FITTING
@pytest.mark.parametrize("image_shape", [(5, 3), (4, 3, 2), [2, 2]])
def test_a_shape_that_does_not_hold_the_columns_is_refused(method: str, image_shape: Any) -> None:
    message = (
        rf"image_shape={re.escape(repr(image_shape))} has {np.prod(image_shape)} pixels times "
        r"channels, but X has 12 columns; pass \(height, width\) or"
    )
    with pytest.raises(ValueError, match=message):
        getattr(images(image_shape=image_shape), method)(FLAT)


@FITTING
@pytest.mark.parametrize(
    "image_shape",
    [
        (12,),
        (1, 4, 3, 1),
        (),
        (0, 12),
        (-4, -3),
        (2.5, 3),
        ("a", 3),
        (None, 3),
        (float("nan"), 3),
        (True, 12),
    ],
    ids=str,
)
def test_a_shape_that_is_none_is_refused(method: str, image_shape: tuple) -> None:
    message = rf"image_shape={re.escape(repr(image_shape))} must hold two or three integers of at"
    with pytest.raises(ValueError, match=message):
        getattr(images(image_shape=image_shape), method)(FLAT)


@FITTING
def test_a_shape_that_is_no_tuple_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match=r"'image_shape' parameter .*'tuple'.* Got 12 instead"):
        getattr(images(image_shape=12), method)(FLAT)


@FITTING
@pytest.mark.parametrize(
    ("X", "found"), [(IMAGES, r"\(4, 3, 1\)"), (LISTED, "different sizes")], ids=["array", "list"]
)
def test_a_shape_of_images_that_have_another_is_refused(method: str, X: Any, found: str) -> None:
    message = rf"image_shape=\(3, 4\) is given, but X holds images of .*{found}; leave image_shape"
    with pytest.raises(ValueError, match=message):
        getattr(images(image_shape=(3, 4)), method)(X)


@FITTING
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            [np.ones((3, 3)), np.ones((3, 3, 2))],
            r"Image 1 of X has 2 channels, but image 0 has 1; c",
        ),
        (
            np.ones((3, 0, 4)),
            r"0 feature\(s\) \(shape=\(3, 0, 4\)\); images need at least one pixel",
        ),
        (np.ones((3, 4, 4, 0)), r"0 feature\(s\) \(shape=\(3, 4, 4, 0\)\); images need"),
        ([np.ones((2, 3)), np.ones((0, 3))], r"Image 1 of X has shape \(0, 3, 1\); pass arrays of"),
        ([np.ones((2, 3)), np.ones(3)], r"Image 1 of X has shape \(3,\); pass arrays of shape \(h"),
        ([np.ones(4), np.ones(3)], r"Image 0 of X has shape \(4,\); pass arrays of shape \(height"),
        (np.ones((3, 3, 3, 3, 3)), r"Found array with dim 5"),
        (IMAGES[:0], r"Found array with 0 sample\(s\)"),
        ([], r"Found array with 0 sample\(s\)|X is empty"),
        ([np.full((2, 2), "a"), np.ones((2, 3))], r"could not convert string to float: .*'a'"),
        (np.full((9, 2, 2), "a"), r"could not convert string to float: .*'a'"),
        (["a", "b"], r"could not convert string to float: 'a'"),
        (IMAGES + 1j, r"Complex data not supported"),
        ([x + 1j for x in LISTED], r"Complex data not supported"),
        (with_cell(IMAGES, np.inf), r"Input X contains infinity or a value too large"),
        (with_cell(IMAGES, np.nan), r"Input X contains NaN"),
        ([*LISTED, np.full((2, 2), np.inf)], r"Input X contains infinity or a value too large"),
        ([*LISTED, np.full((2, 2), np.nan)], r"Input X contains NaN"),
    ],
    ids=[
        "mixed channels",
        "no pixel",
        "no channel",
        "no pixel in a list",
        "row in a list",
        "rows in a list",
        "5-D",
        "no image",
        "empty list",
        "strings in a list",
        "array of strings",
        "list of strings",
        "complex",
        "complex in a list",
        "infinite",
        "NaN",
        "infinite in a list",
        "NaN in a list",
    ],
)
def test_what_is_no_image_is_refused(method: str, X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(images(), method)(X)


@READING
@pytest.mark.parametrize(
    ("kind", "X", "message"),
    [
        ("listed", [np.ones((3, 3, 2))], r"X holds images of 2 channels, but 1 in fit; convert"),
        ("images", np.ones((3, 4, 3, 2)), r"X holds images of 2 channels, but 1 in fit; convert"),
        ("images", torch.ones(3, 3, 4, 3), r"X holds images of 3 channels, but 1 in fit; conver"),
        ("images", np.ones((3, 3, 4)), r"Image 0 of X has size \(3, 4\), but all .* \(4, 3\) in f"),
        ("images", [IMAGES[0], IMAGES[0].T], r"Image 1 of X has size \(3, 4\), .*; resize it, or"),
        ("images", FLAT[:, :5], r"X has 5 features, but ConvolutionalAutoencoder is expecting 12"),
        (
            "listed",
            FLAT,
            r"X holds rows, of shape \(30, 12\), but fit saw .*; pass a list of images",
        ),
        ("images", IMAGES[:0], r"Found array with 0 sample\(s\)"),
        ("images", with_cell(IMAGES, np.inf), r"Input X contains infinity or a value too large"),
    ],
    ids=[
        "channels of a list",
        "channels",
        "channels of a tensor",
        "size",
        "size in a list",
        "columns",
        "flat rows for a list",
        "no image",
        "infinite",
    ],
)
def test_other_images_than_in_fit_are_refused(
    fitted: dict, method: str, kind: str, X: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(fitted[kind], method)(X)


@FITTING
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"channels": (0,)}, r"channels=\(0,\) must hold integers of at least 1; .*=\(16, 32\)"),
        ({"channels": ("a",)}, r"channels=\('a',\) must hold integers of at least 1; use for ex"),
        ({"channels": ()}, r"channels=\(\) must hold integers of at least 1; use for example"),
        ({"channels": (True,)}, r"channels=\(True,\) must hold integers of at least 1; use for"),
        ({"channels": "a"}, r"The 'channels' parameter .* Got 'a' instead"),
        ({"channels": 0}, r"The 'channels' parameter .* Got 0 instead"),
        ({"hidden_layer_sizes": (0,)}, r"hidden_layer_sizes=\(0,\) must hold integers of at leas"),
        ({"kernel_size": 0}, r"The 'kernel_size' parameter .* Got 0 instead"),
        ({"pooling": "sum"}, r"The 'pooling' parameter .* Got 'sum' instead"),
        ({"residual_blocks": -1}, r"The 'residual_blocks' parameter .* Got -1 instead"),
        ({"augment": "flip"}, r"The 'augment' parameter .* Got 'flip' instead"),
        ({"n_components": 13}, r"n_components=13 exceeds the 12 features of X; use n_components"),
        (
            {"architecture": Convolutional(), "channels": (3,)},
            r"architecture=Convolutional\(\) replaces channels=\(3,\); leave channels at its def",
        ),
    ],
    ids=lambda p: str(p) if isinstance(p, dict) else "",
)
def test_parameters_out_of_their_domain_are_refused(
    method: str, parameters: dict, message: str
) -> None:
    defaults = {"hidden_layer_sizes": None} if "architecture" in parameters else {}
    with pytest.raises(ValueError, match=message):
        getattr(images(**{**defaults, **parameters}), method)(IMAGES)


@FITTING
@pytest.mark.parametrize(("make", "X"), [(images, LISTED), (sequences, STEPS)])
def test_a_share_of_the_variance_of_rows_of_many_sizes_is_refused(
    method: str, make: Any, X: Any
) -> None:
    message = r"n_components=0.5 is a share of the variance, which is not known.*use an integer"
    with pytest.raises(ValueError, match=message):
        getattr(make(0.5), method)(X)
    assert make(5).fit(X).transform(X).shape == (20, 5)


@FITTING
@pytest.mark.parametrize("cls", [Autoencoder, VariationalAutoencoder])
def test_images_for_a_dense_network_are_refused(method: str, cls: type) -> None:
    with pytest.raises(ValueError, match="Found array with dim 3"):
        getattr(cls(2, **OPTIONS), method)(IMAGES)


@pytest.mark.parametrize(("make", "X"), [(images, LISTED), (sequences, STEPS)])
def test_own_modules_for_rows_of_many_sizes_are_refused(make: Any, X: Any) -> None:
    message = r"encoder=.* read rows of one size, but those of X differ; resize or pad them, or lea"
    with pytest.raises(ValueError, match=message):
        make(encoder=nn.Linear).fit(X)


@FITTING
@pytest.mark.parametrize("corruption", [Erasing(), Blur(), Downsampling()])
@pytest.mark.parametrize(
    ("architecture", "X"), [(None, FLAT), (Recurrent(), IMAGES)], ids=["table", "sequences"]
)
def test_corruptions_of_images_need_images(
    method: str, corruption: Any, architecture: Any, X: Any
) -> None:
    message = rf"corruption={re.escape(repr(corruption))} is one of images, but .* use a Convolut"
    for cls in (Autoencoder, DenoisingAutoencoder):
        network = cls(2, architecture=architecture, corruption=corruption, **OPTIONS)
        with pytest.raises(ValueError, match=message):
            getattr(network, method)(X)


@pytest.mark.parametrize(
    ("clean", "message"),
    [
        ([x.T for x in LISTED], r"X_clean .*(size|shape) \(3, \d\), but .*\(\d, 3\)"),
        (LISTED[:-1], r"X_clean has .* but X has|of X_clean has size .* but .* in X"),
        ([x[:-1] for x in LISTED], r"X_clean has .* but X has|of X_clean has size .* but .* in X"),
        (
            [np.concatenate(LISTED[:2]), *LISTED[2:]],
            r"X_clean has .* but X has|of X_clean has size .* but .* in X",
        ),
    ],
    ids=["turned", "fewer", "smaller", "joined"],
)
def test_clean_images_of_other_sizes_are_refused(clean: Any, message: str) -> None:
    denoiser = DenoisingAutoencoder(2, architecture=Convolutional((4,)), **OPTIONS)
    with pytest.raises(ValueError, match=message):
        denoiser.fit(LISTED, X_clean=clean)


def test_clean_sequences_with_holes_for_whole_ones_are_refused() -> None:
    denoiser = DenoisingAutoencoder(2, architecture=Recurrent(hidden_size=4), **OPTIONS)
    with pytest.raises(ValueError, match=r"X_clean contains NaN"):
        denoiser.fit(IMAGES, X_clean=with_cell(IMAGES, np.nan))


@pytest.mark.parametrize("X", [IMAGES, LISTED], ids=["array", "list"])
def test_weights_and_conditions_of_another_length_are_refused(X: Any) -> None:
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\)"):
        images().fit(X, sample_weight=np.ones(3))
    density = VariationalAutoencoder(2, architecture=Convolutional((4,)), **OPTIONS)
    with pytest.raises(ValueError, match=rf"condition has 3 rows, but X has {len(X)}"):
        density.fit(X, condition=np.ones(3))


@pytest.mark.parametrize("loss", ["bernoulli", "poisson"])
def test_pixels_out_of_the_domain_of_a_loss_are_refused(loss: str) -> None:
    with pytest.raises(ValueError, match=r"X holds -?\d.*loss needs"):
        images(loss=loss).fit([3 * x - 2 for x in LISTED])


# Sequences


@FITTING
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.ones((3, 2)), np.ones((0, 2))], r"Sequence 1 of X has shape \(0, 2\); pass .* leave"),
        ([np.ones(3), np.ones(0)], r"Sequence 1 of X has shape \(0,\); pass arrays of shape \(st"),
        ([np.ones(0), np.ones(3)], r"Sequence 0 of X has shape \(0,\); pass arrays of shape \(st"),
        ([], r"Found array with 0 sample\(s\)|X is empty"),
        (
            np.ones((3, 0, 2)),
            r"0 step\(s\) \(shape=\(3, 0, 2\)\); sequences need at least one step",
        ),
        (np.ones((3, 5, 0)), r"0 feature\(s\) \(shape=\(3, 5, 0\)\); sequences need at least one"),
        (np.ones((0, 3, 2)), r"Found array with 0 sample\(s\)"),
        ([np.ones((3, 2)), np.ones((3, 1))], r"Sequence 1 of X has 1 channels, but sequence 0 has"),
        ([np.ones((3, 2, 1)), np.ones((4, 2, 1))], r"Sequence 0 of X has shape \(3, 2, 1\); pass"),
        (np.ones((3, 4, 2, 2)), r"Found array with dim 4"),
        (["abc", "de"], r"could not convert string to float: 'abc'"),
        ([np.array(["a"]), np.array(["b", "c"])], r"could not convert string to float: .*'a'"),
        ([x + 1j for x in STEPS], r"Complex data not supported"),
        (IMAGES + 1j, r"Complex data not supported"),
        (with_cell(IMAGES, np.inf), r"Input X contains infinity or a value too large"),
        ([*STEPS, np.full((2, 2), np.inf)], r"Input X contains infinity or a value too large"),
        (scipy.sparse.csr_array(np.eye(5)), r"(?i)sparse data was passed"),
    ],
    ids=[
        "empty",
        "empty 1-D",
        "empty first",
        "empty list",
        "no step",
        "no feature",
        "no sequence",
        "mixed channels",
        "3-D",
        "4-D",
        "strings",
        "arrays of strings",
        "complex list",
        "complex",
        "infinite",
        "infinite in a list",
        "sparse",
    ],
)
def test_what_is_no_sequence_is_refused(method: str, X: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(sequences(), method)(X)


@READING
@pytest.mark.parametrize(
    ("kind", "X", "message"),
    [
        ("steps", [np.ones((3, 3))], r"X (holds sequences of|has) 3 (channels|features), but .*2"),
        ("steps", np.ones((3, 4)), r"X (holds sequences of|has) 1 (channels|features), but .*2"),
        ("sequences", np.ones((3, 4, 2)), r"X holds sequences of 2 channels, but 3 in fit; pass"),
        ("sequences", np.ones((3, 5, 3)), r"Sequence 0 of X has 5 steps, but all .* 4 in fit; cut"),
        ("sequences", [IMAGES[0], np.ones((5, 3))], r"Sequence 1 of X has 5 steps, .*; cut or pad"),
        ("steps", [], r"Found array with 0 sample\(s\)|X is empty"),
    ],
    ids=["channels of a list", "matrix", "channels", "length", "length in a list", "empty list"],
)
def test_other_sequences_than_in_fit_are_refused(
    fitted: dict, method: str, kind: str, X: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(fitted[kind], method)(X)


@pytest.mark.parametrize(
    "lengths",
    [[1, 2], 0, -1, [1, 2, 0], [1.0, 2.0, 3.0], "a", [[1, 2, 3]], [True, True, True]],
    ids=str,
)
def test_lengths_that_are_none_are_refused(fitted: dict, lengths: Any) -> None:
    message = rf"lengths={re.escape(repr(lengths))} must be one integer of at least 1, or one for e"
    with pytest.raises(ValueError, match=message):
        fitted["steps"].inverse_transform(np.ones((3, 2)), lengths=lengths)


def test_lengths_other_than_the_one_of_fit_are_refused(fitted: dict) -> None:
    message = r"lengths=\[4, 4, 5\] was given, but all rows of this estimator have one size; leave"
    with pytest.raises(ValueError, match=message):
        fitted["sequences"].inverse_transform(np.ones((3, 2)), lengths=[4, 4, 5])


@FITTING
@pytest.mark.parametrize(
    ("sequence_id", "X", "message"),
    [
        ("who", LONG, r"sequence_id='who' is no column of X, which has \['id', 'x'\]; pass the na"),
        ("id", IMAGES, r"sequence_id='id' needs a data frame .* ndarray; pass a long frame, or l"),
        ("id", STEPS, r"sequence_id='id' needs a data frame .* list; pass a long frame, or leave"),
        ("id", LONG.assign(id=["a", None, "b"]), r"Column 'id' of X is missing in row 1; give eve"),
        ("id", LONG.assign(id=[1, 1, np.nan]), r"Column 'id' of X is missing in row 2; give every"),
        (
            "id",
            LONG.assign(id=pd.array([1, None, 2], dtype="Int64")),
            r"Column 'id' of X is missing in row 1; give every step its id",
        ),
        (
            "id",
            LONG.assign(id=pd.to_datetime(["2020-01-01", None, "2020-01-02"])),
            r"Column 'id' of X is missing in row 1; give every step its id",
        ),
        ("id", LONG[["id"]], r"X has shape \(3, 1\); it needs at least one step and one column"),
        ("id", LONG[:0], r"X has shape \(0, 2\); it needs at least one step and one column besid"),
        ("id", LONG.assign(x=["u", "v", "w"]), r"Column 'x' of X holds 'u' in row 0"),
    ],
    ids=[
        "no column",
        "array",
        "list",
        "None",
        "NaN",
        "NA",
        "NaT",
        "ids alone",
        "no row",
        "strings",
    ],
)
def test_a_long_frame_needs_ids_and_numbers(
    method: str, sequence_id: str, X: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(sequences(sequence_id=sequence_id), method)(X)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["id", "x"], r"(?s)feature names should match.*yet now missing.*- y"),
        (["id", "y", "x"], r"(?s)feature names should match.*in the same order"),
    ],
)
def test_a_long_frame_has_the_columns_of_fit(columns: list, message: str) -> None:
    frame = LONG.assign(y=[3.0, 2.0, 1.0])
    network = sequences(1, sequence_id="id").fit(frame)
    assert network.transform(frame[["x", "y", "id"]]).shape == (2, 1)
    with pytest.raises(ValueError, match=message):
        network.transform(frame[columns])
