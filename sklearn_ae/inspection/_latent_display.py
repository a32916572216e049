"""A picture of codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ae.data import as_numpy
from sklearn_ae.inspection._pictures import (
    as_pictures,
    asked,
    axes,
    component_names,
    mosaic,
    pyplot,
    shown,
    span_of,
    text_of,
)

# Labels up to which numbers are classes, and names that a legend holds.
_MOST_CLASSES = 20
# Least distance of thumbnails, as a share of the width of the picture, and their size there.
_APART, _SIZE = 0.06, 0.05
# Codes between whose quantiles a grid is decoded.
_WITHIN = (0.01, 0.99)


class LatentDisplay:
    """Codes as points, coloured by a label or a number, with images at or behind them.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. All parameters are stored
    as attributes.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n)
        The components that are drawn, one to three of them.
    y : ndarray of shape (n_samples,), default=None
        Labels or numbers that colour the points.
    images : ndarray of shape (n_samples, height, width[, channels]), default=None
        An image of each row.
    decoded : ndarray of shape (n_lines * n_columns, height, width[, channels]), default=None
        Images of a grid of codes, from the top left on.
    extent : tuple of float, default=None
        Left, right, bottom and top of that grid.
    names : sequence of str, default=None
        Names of the components.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.inspection import LatentDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = Autoencoder(2, max_iter=5, random_state=0).fit(X)
    >>> display = LatentDisplay.from_estimator(model, X, y=y)
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['0', '1', '2']
    """

    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        codes: NDArray[np.float64],
        y: NDArray | None = None,
        images: NDArray | None = None,
        decoded: NDArray | None = None,
        extent: tuple[float, float, float, float] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.codes = codes
        self.y = y
        self.images = images
        self.decoded = decoded
        self.extent = extent
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        y: ArrayLike | None = None,
        components: Sequence[int] | None = None,
        thumbnails: str | None = None,
        grid: int | None = None,
        image_shape: tuple[int, ...] | None = None,
        ax: Any = None,
        **drawn: Any,
    ) -> Self:
        """Draw the codes of rows.

        Parameters
        ----------
        estimator : fitted autoencoder, PCA or Pipeline
            It has `transform`, and `inverse_transform` where rows are decoded.
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        y : array-like of shape (n_samples,), default=None
            Labels, or numbers, that colour the points. Numbers that are not whole, or of more
            than 20 values, have a colour bar.
        components : sequence of int, default=None
            One to three components. None takes the first two, or the only one.
        thumbnails : {"images", "reconstructions"}, default=None
            Images of rows that are not too near each other, as they are or reconstructed.
        grid : int, default=None
            So many codes along each of two components are decoded to images behind the points;
            the other components are at their means.
        image_shape : tuple of int, default=None
            Shape of an image, where rows are flat.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.scatter`.

        Returns
        -------
        display : LatentDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator has not the methods that are needed.
        ValueError
            If there are no such components, y has another length, or rows are no images.
        ImportError
            If matplotlib is not installed.
        """
        asked(estimator, "transform")
        if thumbnails not in (None, "images", "reconstructions"):
            raise ValueError(
                f"thumbnails={thumbnails!r} is unknown; use 'images', 'reconstructions' or None."
            )
        if thumbnails == "reconstructions" or grid is not None:
            asked(estimator, "inverse_transform")
        codes = _dense(estimator.transform(X))
        which = _components(components, codes.shape[1])
        images = decoded = extent = None
        if thumbnails is not None:
            rows = X if thumbnails == "images" else estimator.inverse_transform(codes)
            images = as_pictures(rows, image_shape)
        if grid is not None:
            if len(which) != 2 or grid < 2:
                raise ValueError(
                    f"grid={grid!r} was given with components={which}; a grid is of two "
                    "components, and has two codes along each at least."
                )
            places, extent = _places(codes, which, grid)
            found = as_pictures(estimator.inverse_transform(places), image_shape)
            decoded = found.clip(*span_of(as_pictures(X, image_shape)))
        display = cls(
            codes=codes[:, which],
            y=_labels(y, len(codes)),
            images=images,
            decoded=decoded,
            extent=extent,
            names=component_names(estimator, which),
        )
        return display.plot(ax=ax, **drawn)

    @classmethod
    def from_predictions(
        cls,
        codes: ArrayLike,
        *,
        y: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        ax: Any = None,
        **drawn: Any,
    ) -> Self:
        """Draw codes that are there already.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n)
            One to three components.
        y : array-like of shape (n_samples,), default=None
            As in :meth:`from_estimator`.
        names : sequence of str, default=None
            Names of the components.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.scatter`.

        Returns
        -------
        display : LatentDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If there are not one to three components, or y has another length.
        """
        values = _dense(codes)
        _components(range(values.shape[1]), values.shape[1])
        return cls(codes=values, y=_labels(y, len(values)), names=names).plot(ax=ax, **drawn)

    def plot(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, in three dimensions for three components. None makes a figure.
        **drawn
            Passed on to `Axes.scatter`.

        Returns
        -------
        display : LatentDisplay
            The object itself, with `ax_` and `figure_`.
        """
        codes = self.codes
        solid = codes.shape[1] == 3
        self.ax_ = ax = axes(ax, subplot_kw={"projection": "3d"} if solid else {})
        self.figure_ = ax.figure
        names = self.names or [f"component {i}" for i in range(codes.shape[1])]
        if self.decoded is not None:
            side = round(len(self.decoded) ** 0.5)
            picture = mosaic(shown(self.decoded, span_of(self.decoded)), side, side)
            ax.imshow(picture, cmap="Greys", extent=self.extent, aspect="auto", alpha=0.6)
        points = codes.T
        if codes.shape[1] == 1:  # beside each other by class, or by chance
            points = np.stack([codes[:, 0], np.random.default_rng(0).random(len(codes))])
        if self.images is not None:
            self._thumbnails(self.images, points.T)
        self._scatter(points, {"s": 14, "alpha": 0.8} | drawn)
        ax.set_xlabel(names[0])
        if codes.shape[1] == 1:
            ax.set_yticks([])
        else:
            ax.set_ylabel(names[1])
        if solid:
            ax.set_zlabel(names[2])
        ax.set_title("Codes")
        return self

    def _scatter(self, points: NDArray, drawn: dict[str, Any]) -> None:
        if self.y is None:
            self.ax_.scatter(*points, **drawn)
            return
        number = self.y.dtype.kind in "fiu"
        known = self.y[~np.isnan(self.y)] if number else self.y
        values = np.unique(known) if number else np.array(sorted(set(map(str, known))))
        whole = number and (values == np.round(values)).all()
        if number and not (whole and len(values) <= _MOST_CLASSES):
            drawn_ = self.ax_.scatter(*points, c=self.y, **{"cmap": "viridis"} | drawn)
            self.figure_.colorbar(drawn_, ax=self.ax_)
            return
        colors = pyplot().get_cmap("tab10" if len(values) <= 10 else "tab20")
        labels = self.y if number else np.array(list(map(str, self.y)))
        for i, value in enumerate(values):
            of = labels == value
            label = text_of(int(value) if number else value)
            color = {"color": colors(i % colors.N)}
            self.ax_.scatter(*points[:, of], **color | {"label": label} | drawn)
        if len(values) <= _MOST_CLASSES:
            self.ax_.legend(markerscale=1.5, fontsize=8)

    def _thumbnails(self, images: NDArray, points: NDArray) -> None:
        images = shown(images, span_of(images))
        size = np.ptp(points, axis=0)
        size[size == 0] = 1.0
        places = (points - points.min(axis=0)) / size
        taken = np.empty((0, points.shape[1]))
        width, height = _SIZE * size[0], _SIZE * size[1]
        for place, (x, y), image in zip(places, points[:, :2], images, strict=True):
            if len(taken) and np.abs(taken - place).max(axis=1).min() < _APART:
                continue
            taken = np.vstack([taken, place])
            inset = self.ax_.inset_axes(
                [x - width / 2, y - height / 2, width, height],
                transform=self.ax_.transData,
                zorder=3,
            )
            inset.imshow(image, cmap="Greys", vmin=0, vmax=1)
            inset.set(xticks=[], yticks=[])


def _dense(codes: Any) -> NDArray[np.float64]:
    values = np.asarray(as_numpy(codes), dtype=np.float64)
    if values.ndim != 2 or not len(values):
        raise ValueError(
            f"codes have the shape {values.shape}; pass (n_samples, n) of at least one row."
        )
    return values


def _labels(y: Any, n: int) -> NDArray | None:
    labels = None if y is None else np.asarray(as_numpy(y))
    if labels is not None and labels.shape != (n,):
        raise ValueError(
            f"y has the shape {labels.shape}, but there are {n} rows; pass a label or a number for "
            "each."
        )
    return labels


def _components(components: Sequence[int] | None, n: int) -> list[int]:
    which = list(range(min(2, n))) if components is None else list(components)
    if not 1 <= len(which) <= 3 or not all(0 <= i < n for i in which):
        raise ValueError(
            f"components={which} of {n}: pass one to three components, from 0 to {n - 1}."
        )
    return which


def _places(
    codes: NDArray, which: list[int], n: int
) -> tuple[NDArray[np.float64], tuple[float, float, float, float]]:
    """Return a grid of codes from the top left on, and where it ends."""
    ends = np.quantile(codes[:, which], _WITHIN, axis=0)
    half = (ends[1] - ends[0]) / (n - 1) / 2
    across, up = (np.linspace(low, high, n) for low, high in ends.T)
    places = np.tile(codes.mean(axis=0), (n * n, 1))
    places[:, which[0]] = np.tile(across, n)
    places[:, which[1]] = np.repeat(up[::-1], n)
    low, high = ends[0] - half, ends[1] + half
    return places, (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
