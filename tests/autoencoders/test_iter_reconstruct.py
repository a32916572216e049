"""Reconstructions that come in blocks are those that come at once."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_ae import (
    Autoencoder,
    ConvolutionalAutoencoder,
    RecurrentAutoencoder,
    VariationalAutoencoder,
)


def test_blocks_of_arrays_and_frames(iris):
    autoencoder = Autoencoder(2, max_iter=0).fit(iris)
    blocks = list(autoencoder.iter_reconstruct(iris, batch_size=64))
    assert [len(block) for block in blocks] == [64, 64, 22]
    np.testing.assert_allclose(np.concatenate(blocks), autoencoder.reconstruct(iris), atol=1e-12)
    [whole] = autoencoder.iter_reconstruct(iris)
    np.testing.assert_array_equal(whole, autoencoder.reconstruct(iris))
    frame = pd.DataFrame(iris, columns=list("abcd"), index=np.arange(150) + 7)
    autoencoder.fit(frame)
    together = pd.concat(autoencoder.iter_reconstruct(frame, batch_size=100))
    pd.testing.assert_frame_equal(together, autoencoder.reconstruct(frame))


def test_blocks_with_a_condition(iris):
    label = np.repeat([0, 1, 2], 50)
    model = VariationalAutoencoder(2, max_iter=0).fit(iris, condition=label)
    blocks = list(model.iter_reconstruct(iris, label, batch_size=40))
    np.testing.assert_allclose(np.concatenate(blocks), model.reconstruct(iris, label), atol=1e-12)
    blocks = list(model.iter_reconstruct(iris, 1, batch_size=40))
    np.testing.assert_allclose(np.concatenate(blocks), model.reconstruct(iris, 1), atol=1e-12)


def test_blocks_of_images_of_any_size():
    rng = np.random.default_rng(0)
    images = [rng.random((4 + i % 3, 5)) for i in range(24)]
    model = ConvolutionalAutoencoder(2, channels=(2,), max_iter=1, random_state=0).fit(images)
    restored = [image for block in model.iter_reconstruct(images, batch_size=7) for image in block]
    for one, other in zip(restored, model.reconstruct(images), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_blocks_of_a_long_frame_hold_whole_sequences():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": rng.permutation(np.repeat(np.arange(12), 5)), "x": rng.random(60)})
    model = RecurrentAutoencoder(2, sequence_id="id", hidden_size=3, max_iter=1, random_state=0)
    whole = model.fit(frame).reconstruct(frame)
    blocks = list(model.iter_reconstruct(frame, batch_size=5))
    assert [block["id"].nunique() for block in blocks] == [5, 5, 2]
    pd.testing.assert_frame_equal(pd.concat(blocks).sort_index(), whole.sort_index(), atol=1e-6)


def test_bad_arguments_are_said_before_the_first_block(iris):
    with pytest.raises(NotFittedError):
        Autoencoder().iter_reconstruct(iris)
    fitted = Autoencoder(2, max_iter=0).fit(iris)
    for size in (0, 2.5):
        with pytest.raises(ValueError, match=f"batch_size={size} must be"):
            fitted.iter_reconstruct(iris, batch_size=size)
