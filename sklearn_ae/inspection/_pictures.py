"""What pictures share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_ae.data import as_numpy

# Characters of a label.
_LONGEST = 20


def text_of(value: Any) -> str:
    """Return a cell or a label in few characters."""
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def pyplot() -> Any:
    """Return matplotlib.pyplot, or say what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Pictures need matplotlib; run pip install "sklearn-ae[plot]".'
        ) from error
    return plt


def axes(ax: Any, **options: Any) -> Any:
    """Return axes to draw on: those that are given, or those of a new figure."""
    return pyplot().subplots(layout="constrained", **options)[1] if ax is None else ax


def asked(estimator: Any, *methods: str) -> None:
    """Raise if an estimator has not all of some methods."""
    for method in methods:
        if not hasattr(estimator, method):
            raise TypeError(
                f"{type(estimator).__name__} has no method {method}; pass a fitted autoencoder, "
                "PCA, or a Pipeline that ends in one and whose steps can be inverted."
            )


def component_names(estimator: Any, which: list[int]) -> list[str]:
    """Return what an estimator calls some of its components."""
    if not hasattr(estimator, "get_feature_names_out"):
        return [f"component {i}" for i in which]
    names = estimator.get_feature_names_out()
    return [str(names[i]) for i in which]


def numbers(X: Any) -> NDArray[np.float64]:
    """Return rows as float64 of shape (n, n_features), or say that they are no numbers."""
    values = as_numpy(X)
    values = np.asarray(values.toarray() if issparse(values) else values)
    try:
        values = values.astype(np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            "X has columns that are no numbers, which have no place in this picture; pass an "
            "estimator of columns of numbers, and these."
        ) from None
    return values.reshape(len(values), -1)


def as_pictures(rows: Any, image_shape: tuple[int, ...] | None, what: str = "X") -> NDArray:
    """Return rows as images of shape (n, height, width) or (n, height, width, 3 or 4).

    Parameters
    ----------
    rows : array-like of shape (n, n_features) or (n, height, width[, channels])
        Rows.
    image_shape : tuple of int or None
        Shape of an image where rows are flat.
    what : str
        What the rows are called in errors.

    Raises
    ------
    ValueError
        If rows are no images of one size.
    """
    values = as_numpy(rows)
    values = np.asarray(values.toarray() if issparse(values) else values)
    if image_shape is not None:
        shape = tuple(image_shape)
        if values[:1].size != math.prod(shape):
            raise ValueError(
                f"image_shape={image_shape!r} has {math.prod(shape)} cells, but a row of {what} "
                f"has {values[:1].size}; use (height, width) or (height, width, channels)."
            )
        values = values.reshape(len(values), *shape)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim == 3 or (values.ndim == 4 and values.shape[3] in (3, 4)):
        return values.astype(np.float64)
    raise ValueError(
        f"{what} has the shape {values.shape}, which is that of no images; pass "
        "image_shape=(height, width), or images of shape (n, height, width) or "
        "(n, height, width, 3)."
    )


def span_of(images: NDArray) -> tuple[float, float]:
    """Return the least and the largest number of images."""
    low, high = float(np.nanmin(images)), float(np.nanmax(images))
    return low, high if high > low else low + 1.0


def shown(images: NDArray, span: tuple[float, float]) -> NDArray[np.float64]:
    """Return images as matplotlib draws them: colours between 0 and 1."""
    low, high = span
    return np.clip((images - low) / (high - low), 0.0, 1.0)


def mosaic(images: NDArray, n_lines: int, n_columns: int) -> NDArray:
    """Return images side by side as one, line by line.

    Parameters
    ----------
    images : ndarray of shape (n_lines * n_columns, height, width[, channels])
        The images.
    n_lines, n_columns : int
        How many there are below and beside each other.
    """
    height, width, *channels = images.shape[1:]
    grid = images.reshape(n_lines, n_columns, height, width, *channels)
    return np.moveaxis(grid, 2, 1).reshape(n_lines * height, n_columns * width, *channels)
