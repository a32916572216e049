"""Displays of codes, losses, reconstructions, components and lengths: what the artists hold."""

import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder, ConvolutionalAutoencoder, SparseAutoencoder
from sklearn_ae.inspection import (
    LatentDisplay,
    LatentTraversalDisplay,
    LossCurveDisplay,
    RateDistortionDisplay,
    ReconstructionDisplay,
)

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")

DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS, LABELS = DIGITS[:200], LABELS[:200]
WINE = load_wine(as_frame=True).data


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fitted():
    return Autoencoder(3, max_iter=0).fit(DIGITS)


@pytest.fixture(scope="module")
def pipeline():
    return make_pipeline(StandardScaler(), Autoencoder(2, max_iter=3, random_state=0)).fit(WINE)


def points(display):
    return np.vstack([drawn.get_offsets() for drawn in display.ax_.collections])


def test_codes_are_points_with_a_colour_a_class(fitted):
    display = LatentDisplay.from_estimator(fitted, DIGITS, y=LABELS)
    codes = fitted.transform(DIGITS)
    assert_array_equal(display.codes, codes[:, :2])
    expected = np.vstack([codes[i == LABELS, :2] for i in range(10)])
    assert_allclose(points(display), expected)
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == list("0123456789")
    assert display.ax_.get_xlabel() == "autoencoder0"
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize("y", [LABELS + 0.5, np.arange(200)])
def test_numbers_have_a_colour_bar(fitted, y):
    display = LatentDisplay.from_estimator(fitted, DIGITS, y=y, components=[2, 0])
    assert_array_equal(display.ax_.collections[0].get_array(), y)
    assert display.ax_.get_legend() is None
    assert len(display.figure_.axes) == 2


def test_text_and_missing_labels_have_colours():
    codes = np.arange(12.0).reshape(6, 2)
    display = LatentDisplay.from_predictions(codes, y=["b", "a", None, "a", "b", "b"])
    names = [t.get_text() for t in display.ax_.get_legend().get_texts()]
    assert names == ["None", "a", "b"]
    assert len(points(display)) == 6


@pytest.mark.parametrize(("components", "name"), [([1], "rectilinear"), ([0, 1, 2], "3d")])
def test_one_and_three_components(fitted, components, name):
    display = LatentDisplay.from_estimator(fitted, DIGITS, components=components)
    assert display.ax_.name == name
    assert display.codes.shape == (200, len(components))


def test_a_grid_is_decoded_behind_the_points(fitted):
    display = LatentDisplay.from_estimator(fitted, DIGITS, grid=3, image_shape=(8, 8))
    [image] = display.ax_.get_images()
    assert image.get_array().shape == (24, 24)
    codes = fitted.transform(DIGITS)
    place = codes.mean(axis=0)
    place[:2] = np.quantile(codes[:, 0], 0.01), np.quantile(codes[:, 1], 0.99)
    corner = fitted.inverse_transform([place]).reshape(8, 8).clip(0, 16)
    assert_allclose(display.decoded[0], corner)


@pytest.mark.parametrize("thumbnails", ["images", "reconstructions"])
def test_thumbnails_are_apart(fitted, thumbnails):
    options = {"thumbnails": thumbnails, "image_shape": (8, 8)}
    display = LatentDisplay.from_estimator(fitted, DIGITS, **options)
    assert 5 < len(display.ax_.child_axes) < 200
    rows = DIGITS if thumbnails == "images" else fitted.inverse_transform(fitted.transform(DIGITS))
    assert_allclose(display.images.reshape(200, 64), rows)


def test_losses_have_the_start_and_the_kept_epoch():
    model = SparseAutoencoder(4, max_iter=6, random_state=0).fit(
        StandardScaler().fit_transform(WINE)
    )
    display = LossCurveDisplay.from_estimator(model)
    lines = {line.get_label(): line for line in display.ax_.lines}
    assert_array_equal(lines["training rows"].get_ydata(), model.loss_curve_)
    held_out = lines["held-out rows"].get_ydata()
    assert_array_equal(held_out[1:], model.validation_loss_curve_)
    assert lines["the start"].get_ydata()[0] == held_out[0]
    assert_array_equal(
        lines["term: kl sparsity"].get_ydata(), model.history_["kl_sparsity"].dropna()
    )
    kept = 0 if model.selection_.kept == "start" else int(np.argmin(held_out))
    assert display.kept_epoch_ == kept
    assert len(LossCurveDisplay.from_estimator(model).plot(terms=False).ax_.lines) == 4


def test_losses_without_held_out_rows_and_of_a_start():
    model = Autoencoder(2, max_iter=3, early_stopping=False, random_state=0).fit(WINE)
    display = LossCurveDisplay.from_estimator(make_pipeline(model))
    assert display.kept_epoch_ == 3
    assert "held-out rows" not in [line.get_label() for line in display.ax_.lines]
    display = LossCurveDisplay.from_estimator(Autoencoder(2, max_iter=0).fit(WINE))
    assert display.kept_epoch_ == 0


def test_images_stand_above_reconstructions_and_errors(fitted):
    display = ReconstructionDisplay.from_estimator(fitted, DIGITS, rows=[5, 2], image_shape=(8, 8))
    [image] = display.ax_.get_images()
    assert image.get_array().shape == (24, 16)
    assert_allclose(display.observed.reshape(2, 64), DIGITS[[5, 2]])
    made = fitted.inverse_transform(fitted.transform(DIGITS[[5, 2]]))
    assert_allclose(display.errors_.reshape(2, 64), np.abs(DIGITS[[5, 2]] - made))


def test_cells_are_in_standard_deviations(pipeline):
    display = ReconstructionDisplay.from_estimator(pipeline, WINE)
    assert display.kind == "cells"
    expected = StandardScaler().fit_transform(WINE)
    assert_allclose(points(display)[:, 0], expected.ravel())


def test_curves_and_images_of_their_own_shape():
    X = np.sin(np.arange(20.0) + np.arange(6)[:, None])
    model = PCA(1).fit(X)
    display = ReconstructionDisplay.from_estimator(model, X, kind="curves")
    assert len(display.ax_.lines) == 8
    assert_array_equal(display.ax_.lines[0].get_ydata(), X[0])
    images = DIGITS.reshape(-1, 8, 8)
    model = ConvolutionalAutoencoder(2, max_iter=0).fit(images)
    assert ReconstructionDisplay.from_estimator(model, images).observed.shape == (8, 8, 8)
    assert LatentTraversalDisplay.from_estimator(model, images).decoded.shape == (81, 8, 8)


def test_a_traversal_decodes_one_component_or_two(fitted, pipeline):
    display = LatentTraversalDisplay.from_estimator(
        fitted, DIGITS, components=[0, 2], n_steps=3, image_shape=(8, 8)
    )
    assert display.decoded.shape == (9, 8, 8)
    codes = fitted.transform(DIGITS)
    place = codes.mean(axis=0)
    place[[0, 2]] = display.places[0][1], display.places[1][0]
    made = fitted.inverse_transform([place]).reshape(8, 8).clip(0, 16)
    assert_allclose(display.decoded[1], made)
    assert display.places[1][0] > display.places[1][-1]
    display = LatentTraversalDisplay.from_estimator(pipeline, WINE, components=[1])
    assert display.decoded.shape == (9, 13)
    assert display.ax_.get_yticklabels()[0].get_text() == "alcohol"
    assert_array_equal(display.ax_.get_images()[0].get_array(), display.decoded.T)


def test_lengths_have_r2_of_held_out_rows(pipeline):
    display = RateDistortionDisplay.from_estimator(
        pipeline, WINE, n_components=[1, 3], cv=[(np.arange(0, 178, 2), np.arange(1, 178, 2))]
    )
    assert_array_equal(display.n_components, [1, 3])
    scaler = StandardScaler().fit(WINE[::2])
    known, held_out = scaler.transform(WINE[::2]), scaler.transform(WINE[1::2])
    linear = PCA(3).fit(known)
    made = linear.inverse_transform(linear.transform(held_out))
    assert_allclose(display.r2["PCA"][1], 1 - ((made - held_out) ** 2).sum() / (held_out**2).sum())
    assert display.r2["Autoencoder"].shape == (2, 1)
    assert len(display.ax_.containers) == 2


MIXED = pd.DataFrame({"a": np.arange(40.0), "b": np.tile(list("xyzw"), 10)})


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (
            lambda m: LatentDisplay.from_estimator(LinearRegression(), DIGITS),
            TypeError,
            "LinearRegression has no method transform",
        ),
        (
            lambda m: LatentDisplay.from_estimator(m, DIGITS, components=[3]),
            ValueError,
            r"\[3\] of 3",
        ),
        (lambda m: LatentDisplay.from_estimator(m, DIGITS, y=[1]), ValueError, "200 rows"),
        (lambda m: LatentDisplay.from_estimator(m, DIGITS, grid=3), ValueError, "image_shape"),
        (
            lambda m: LatentDisplay.from_estimator(m, DIGITS, grid=3, image_shape=(8, 9)),
            ValueError,
            r"\(8, 9\) has 72 cells, but a row",
        ),
        (lambda m: LatentDisplay.from_estimator(m, DIGITS, thumbnails=True), ValueError, "=True"),
        (lambda m: LossCurveDisplay.from_estimator(PCA()), TypeError, "PCA has no history_"),
        (
            lambda m: ReconstructionDisplay.from_estimator(m, DIGITS, rows=[200]),
            ValueError,
            r"rows=\[200\] must be positions",
        ),
        (
            lambda m: ReconstructionDisplay.from_predictions(DIGITS, DIGITS[:3]),
            ValueError,
            r"\(200, 64\), but X_reconstructed \(3, 64\)",
        ),
        (lambda m: ReconstructionDisplay.from_predictions(MIXED, MIXED), TypeError, "no numbers"),
        (
            lambda m: ReconstructionDisplay.from_estimator(m, DIGITS, kind="pie"),
            ValueError,
            "kind='pie' is unknown",
        ),
        (
            lambda m: LatentTraversalDisplay.from_estimator(m, DIGITS, components=[0, 1]),
            ValueError,
            "two are drawn where rows are images",
        ),
        (
            lambda m: LatentTraversalDisplay.from_estimator(m, DIGITS, n_steps=1),
            ValueError,
            "n_steps=1 must",
        ),
        (
            lambda m: RateDistortionDisplay.from_estimator(m, DIGITS, n_components=[0.5]),
            ValueError,
            r"n_components=\[0.5\] must be positive whole numbers",
        ),
        (
            lambda m: RateDistortionDisplay.from_estimator(StandardScaler(), DIGITS),
            TypeError,
            "StandardScaler has no n_components",
        ),
        (lambda m: RateDistortionDisplay.from_estimator(m, MIXED), TypeError, "no numbers"),
    ],
)
def test_bad_input_is_named(fitted, draw, error, message):
    with pytest.raises(error, match=message):
        draw(fitted)


def test_without_matplotlib_the_extra_is_named(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sklearn-ae\[plot\]"):
        LatentDisplay.from_estimator(fitted, DIGITS)


def test_pca_is_drawn_once():
    X = np.random.default_rng(0).normal(size=(40, 4))
    display = RateDistortionDisplay.from_estimator(PCA(2), X, n_components=[1, 2], cv=2)
    assert {name: r2.shape for name, r2 in display.r2.items()} == {"PCA": (2, 2)}
