"""A picture of what components mean."""

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
    numbers,
    shown,
    span_of,
    text_of,
)

# Codes of the rows between whose quantiles components go.
_WITHIN = (0.02, 0.98)


class LatentTraversalDisplay:
    """What is decoded along one component, or along two, with the others at their means.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    decoded : ndarray of shape (n, height, width[, channels]) or (n, n_features)
        Images, or rows of a table in standard deviations from the means of their columns.
    places : tuple of ndarray
        Values of each component along which it goes; the second from the top down.
    names : list of str
        Names of the components, and then of the columns of a table.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.inspection import LatentTraversalDisplay
    >>> X = load_wine(as_frame=True).data
    >>> model = Autoencoder(2, max_iter=5, random_state=0).fit(X)
    >>> display = LatentTraversalDisplay.from_estimator(model, X, components=[0])
    >>> display.decoded.shape
    (9, 13)
    """

    ax_: Any
    figure_: Any

    def __init__(self, *, decoded: NDArray, places: tuple[NDArray, ...], names: list[str]) -> None:
        self.decoded = decoded
        self.places = places
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        components: Sequence[int] | None = None,
        n_steps: int = 9,
        image_shape: tuple[int, ...] | None = None,
        ax: Any = None,
        **drawn: Any,
    ) -> Self:
        """Decode along components, and draw.

        Parameters
        ----------
        estimator : fitted autoencoder, PCA or Pipeline
            It has `transform` and `inverse_transform`.
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, whose codes say how far components go: from the 2nd to the 98th percentile.
        components : sequence of int, default=None
            One or two components. None takes the first two of images, and the first of a table.
        n_steps : int, default=9
            Codes along each.
        image_shape : tuple of int, default=None
            Shape of an image, where rows are flat.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.imshow`.

        Returns
        -------
        display : LatentTraversalDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator cannot encode and decode, or columns of a table are no numbers.
        ValueError
            If there are no such components, or `n_steps` is below 2.
        ImportError
            If matplotlib is not installed.
        """
        asked(estimator, "transform", "inverse_transform")
        if n_steps < 2:
            raise ValueError(f"n_steps={n_steps!r} must be at least 2.")
        codes = np.asarray(as_numpy(estimator.transform(X)), dtype=np.float64)
        n = codes.shape[1]
        images = image_shape is not None or np.ndim(X) in (3, 4)
        most = 2 if images else 1
        which = list(range(min(most, n))) if components is None else list(components)
        if not 1 <= len(which) <= most or not all(0 <= i < n for i in which):
            raise ValueError(
                f"components={which} of {n}: pass {'one or two' if images else 'one'} of them, "
                f"from 0 to {n - 1}; two are drawn where rows are images, see image_shape."
            )
        ends = np.quantile(codes[:, which], _WITHIN, axis=0).T
        places = tuple(np.linspace(low, high, n_steps) for low, high in ends)
        if len(places) == 2:
            places = (places[0], places[1][::-1])
        asked_for = np.tile(codes.mean(axis=0), (n_steps ** len(which), 1))
        across = np.tile(places[0], len(asked_for) // n_steps)
        asked_for[:, which[0]] = across
        if len(which) == 2:
            asked_for[:, which[1]] = np.repeat(places[1], n_steps)
        decoded = estimator.inverse_transform(asked_for)
        names = component_names(estimator, which)
        if images:
            found = as_pictures(decoded, image_shape).clip(*span_of(as_pictures(X, image_shape)))
        else:
            found, columns = _standardized(X, decoded)
            names += columns
        return cls(decoded=found, places=places, names=names).plot(ax=ax, **drawn)

    def plot(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.imshow`.

        Returns
        -------
        display : LatentTraversalDisplay
            The object itself, with `ax_` and `figure_`.
        """
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        (self._draw_images if self.decoded.ndim > 2 else self._draw_columns)(drawn)
        return self

    def _draw_images(self, drawn: dict[str, Any]) -> None:
        across, ax = self.places[0], self.ax_
        height, width = self.decoded.shape[1:3]
        n_lines = len(self.decoded) // len(across)
        picture = mosaic(shown(self.decoded, span_of(self.decoded)), n_lines, len(across))
        ax.imshow(picture, **{"cmap": "Greys", "vmin": 0, "vmax": 1} | drawn)
        ax.set_xticks([width * (i + 0.5) - 0.5 for i in range(len(across))], _texts(across))
        ax.set(xlabel=self.names[0], yticks=[], title="What the components mean")
        if n_lines > 1:
            up = self.places[1]
            ax.set_yticks([height * (i + 0.5) - 0.5 for i in range(n_lines)], _texts(up))
            ax.set_ylabel(self.names[1])

    def _draw_columns(self, drawn: dict[str, Any]) -> None:
        across, ax = self.places[0], self.ax_
        most = max(float(np.nanmax(np.abs(self.decoded))), 1e-12)
        style = {"cmap": "RdBu_r", "vmin": -most, "vmax": most, "aspect": "auto"}
        image = ax.imshow(self.decoded.T, **style | drawn)
        self.figure_.colorbar(image, ax=ax, label="standard deviations from the mean")
        ax.set_xticks(range(len(across)), _texts(across))
        columns = self.names[1:]
        ax.set_yticks(range(len(columns)), [text_of(name) for name in columns])
        ax.set(xlabel=self.names[0], title="What the component means")


def _texts(values: NDArray) -> list[str]:
    return [f"{value:.2g}" for value in values]


def _standardized(X: Any, decoded: Any) -> tuple[NDArray[np.float64], list[str]]:
    """Return decoded rows in standard deviations from the means of the columns of X."""
    rows, found = numbers(X), numbers(decoded)
    deviation = np.nanstd(rows, axis=0)
    found = (found - np.nanmean(rows, axis=0)) / np.where(deviation > 0, deviation, 1.0)
    names = X.columns if hasattr(X, "columns") else range(rows.shape[1])
    return found, [str(name) for name in names]
