"""Pictures of rows beside what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sklearn_ae.inspection._pictures import (
    as_pictures,
    asked,
    axes,
    mosaic,
    numbers,
    shown,
    span_of,
)

KINDS = ("images", "cells", "curves")
_ROWS = 8
_MOST_CURVES = 4


class ReconstructionDisplay:
    """Rows beside their reconstructions: images, cells of a table, or curves.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. All parameters are stored
    as attributes.

    Parameters
    ----------
    observed, expected : ndarray
        Rows and their reconstructions: (n, height, width[, channels]) for images,
        (n, n_features) for cells, (n, n_steps) for curves.
    kind : {"images", "cells", "curves"}
        What they are.

    Attributes
    ----------
    errors_ : ndarray
        Magnitudes of the differences.
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ae import Autoencoder
    >>> from sklearn_ae.inspection import ReconstructionDisplay
    >>> X = load_digits().data[:300]
    >>> model = Autoencoder(16, max_iter=5, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(model, X, image_shape=(8, 8))
    >>> display.observed.shape
    (8, 8, 8)
    """

    ax_: Any
    figure_: Any

    def __init__(self, *, observed: NDArray, expected: NDArray, kind: str) -> None:
        self.observed = observed
        self.expected = expected
        self.kind = kind

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        rows: Sequence[int] | None = None,
        kind: str | None = None,
        image_shape: tuple[int, ...] | None = None,
        ax: Any = None,
        **drawn: Any,
    ) -> Self:
        """Reconstruct rows, and draw both.

        Parameters
        ----------
        estimator : fitted autoencoder, PCA or Pipeline
            It has `transform` and `inverse_transform`.
        X : array-like or data frame of shape (n_samples, n_features), or images or sequences
            Rows, as the estimator takes them; columns are numbers.
        rows : sequence of int, default=None
            Positions of the rows. None takes the first eight, or all for cells.
        kind : {"images", "cells", "curves"}, default=None
            None takes images where X or `image_shape` says so, and else cells. "curves" draws
            the numbers of a row in their order, as of a sequence of one channel.
        image_shape : tuple of int, default=None
            Shape of an image, where rows are flat.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            As in :meth:`plot`.

        Returns
        -------
        display : ReconstructionDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator cannot reconstruct, or columns are no numbers.
        ValueError
            If `rows` are not positions of X, or rows are no images.
        ImportError
            If matplotlib is not installed.
        """
        asked(estimator, "transform", "inverse_transform")
        n = _num_samples(X)
        kind = _kind(kind, X, image_shape)
        chosen = np.arange(n if kind == "cells" else min(n, _ROWS))
        if rows is not None:
            chosen = np.asarray(rows)
            whole = chosen.ndim == 1 and len(chosen) > 0 and chosen.dtype.kind in "iu"
            if not whole or chosen.min() < 0 or chosen.max() >= n:
                raise ValueError(
                    f"rows={rows!r:.60} must be positions of rows of X, from 0 to {n - 1}."
                )
        X = _safe_indexing(X, chosen)
        expected = estimator.inverse_transform(estimator.transform(X))
        return cls.from_predictions(X, expected, kind=kind, image_shape=image_shape, ax=ax, **drawn)

    @classmethod
    def from_predictions(
        cls,
        X: ArrayLike,
        X_reconstructed: ArrayLike,
        *,
        kind: str | None = None,
        image_shape: tuple[int, ...] | None = None,
        ax: Any = None,
        **drawn: Any,
    ) -> Self:
        """Draw rows and reconstructions that are there already.

        Parameters
        ----------
        X, X_reconstructed : array-like
            Rows and their reconstructions, of one shape.
        kind : {"images", "cells", "curves"}, default=None
            As in :meth:`from_estimator`.
        image_shape : tuple of int, default=None
            Shape of an image, where rows are flat.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            As in :meth:`plot`.

        Returns
        -------
        display : ReconstructionDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If columns are no numbers.
        ValueError
            If shapes differ, or rows are no images.
        """
        kind = _kind(kind, X, image_shape)
        if kind == "images":
            observed = as_pictures(X, image_shape)
            expected = as_pictures(X_reconstructed, image_shape, "X_reconstructed")
        else:
            observed, expected = numbers(X), numbers(X_reconstructed)
        if observed.shape != expected.shape:
            raise ValueError(
                f"X has the shape {observed.shape}, but X_reconstructed {expected.shape}; pass a "
                "reconstruction of each row."
            )
        return cls(observed=observed, expected=expected, kind=kind).plot(ax=ax, **drawn)

    def plot(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.imshow`, `Axes.scatter` or `Axes.plot`.

        Returns
        -------
        display : ReconstructionDisplay
            The object itself, with `ax_`, `figure_` and `errors_`.
        """
        self.errors_ = np.abs(self.observed - self.expected)
        n = len(self.observed)
        size = (max(4.0, 0.9 * n), 3.2) if self.kind == "images" else None
        self.ax_ = axes(ax, figsize=size)
        self.figure_ = self.ax_.figure
        getattr(self, f"_draw_{self.kind}")(drawn)
        return self

    def _draw_images(self, drawn: dict[str, Any]) -> None:
        n, height = self.observed.shape[:2]
        span = span_of(self.observed)
        errors = shown(self.errors_, (0.0, span[1] - span[0]))
        parts = [shown(self.observed, span), shown(self.expected, span), errors]
        picture = mosaic(np.concatenate(parts), 3, n)
        self.ax_.imshow(picture, **{"cmap": "Greys", "vmin": 0, "vmax": 1} | drawn)
        lines = [height * (i + 0.5) - 0.5 for i in range(3)]
        self.ax_.set_yticks(lines, ["observed", "reconstructed", "error"])
        self.ax_.set_xticks([])
        self.ax_.set_title("Reconstructions")

    def _draw_cells(self, drawn: dict[str, Any]) -> None:
        mean, deviation = np.nanmean(self.observed, axis=0), np.nanstd(self.observed, axis=0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        observed, expected = ((x - mean) / deviation for x in (self.observed, self.expected))
        ax = self.ax_
        ax.scatter(observed, expected, **{"s": 5, "alpha": 0.4} | drawn)
        ends = [float(np.nanmin(observed)), float(np.nanmax(observed))]
        ax.plot(ends, ends, color="black", linewidth=1, label="observed = expected")
        ax.set_xlabel("observed, in standard deviations of the column")
        ax.set_ylabel("expected")
        ax.set_title("Cells and what the code keeps of them")
        ax.legend()

    def _draw_curves(self, drawn: dict[str, Any]) -> None:
        pairs = zip(self.observed[:_MOST_CURVES], self.expected, strict=False)
        for i, (observed, expected) in enumerate(pairs):
            style = {"color": f"C{i}", "linewidth": 1} | drawn
            self.ax_.plot(observed, **style, alpha=0.5, label=f"row {i}, observed")
            self.ax_.plot(expected, **style, linestyle="--", label=f"row {i}, reconstructed")
        self.ax_.set(xlabel="step", title="Curves and their reconstructions")
        self.ax_.legend(fontsize=8)


def _kind(kind: str | None, X: Any, image_shape: tuple[int, ...] | None) -> str:
    if kind is None:
        images = image_shape is not None or np.ndim(X) in (3, 4)
        return "images" if images else "cells"
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown; use one of {', '.join(map(repr, KINDS))}.")
    return kind
