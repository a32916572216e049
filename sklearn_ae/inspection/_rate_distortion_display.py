"""A picture of how much codes of different lengths keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold, check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sklearn_ae.inspection._pictures import asked, axes, numbers


class RateDistortionDisplay:
    """The share of the variance of held-out rows that codes of several lengths keep.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    n_components : ndarray of shape (n_lengths,), int
        Lengths of the code.
    r2 : dict of str to ndarray of shape (n_lengths, n_folds)
        R² of held-out rows, by the name of the estimator.

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
    >>> from sklearn_ae.inspection import RateDistortionDisplay
    >>> X = load_iris().data
    >>> model = Autoencoder(max_iter=3, random_state=0)
    >>> display = RateDistortionDisplay.from_estimator(model, X, n_components=[1, 2], cv=2)
    >>> sorted(display.r2)
    ['Autoencoder', 'PCA']
    """

    ax_: Any
    figure_: Any

    def __init__(
        self, *, n_components: NDArray[np.intp], r2: dict[str, NDArray[np.float64]]
    ) -> None:
        self.n_components = n_components
        self.r2 = r2

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_components: Sequence[int] | None = None,
        cv: Any = None,
        ax: Any = None,
        **drawn: Any,
    ) -> Self:
        """Fit clones of several lengths, with PCA beside them, and draw.

        Parameters
        ----------
        estimator : autoencoder, or Pipeline that ends in one
            Clones are fitted with each `n_components`. In a Pipeline, PCA takes the place of
            its last step, and R² is of rows as this step gets them.
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers.
        n_components : sequence of int, default=None
            Lengths of the code. None takes 1, 2, 4, ... below the number of columns.
        cv : int, splitter or iterable, default=None
            Folds, as in :func:`~sklearn.model_selection.cross_validate`. None takes three, of
            rows in random order.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.errorbar`.

        Returns
        -------
        display : RateDistortionDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator has no `n_components` and no `inverse_transform`, or columns are no
            numbers.
        ValueError
            If a length is no positive whole number.
        ImportError
            If matplotlib is not installed.
        """
        asked(estimator, "fit", "transform", "inverse_transform")
        name = f"{estimator.steps[-1][0]}__" if hasattr(estimator, "steps") else ""
        if f"{name}n_components" not in estimator.get_params():
            raise TypeError(
                f"{type(estimator).__name__} has no n_components; pass an autoencoder, or a "
                "Pipeline that ends in one."
            )
        values = numbers(X)
        lengths = _lengths(n_components, values.shape[1])
        folds = KFold(3, shuffle=True, random_state=0) if cv is None else check_cv(cv)
        splits = list(folds.split(np.zeros(_num_samples(X))))
        last = estimator.steps[-1][1] if name else estimator
        found: dict[str, list[list[float]]] = {}
        for k in lengths:
            made = {type(last).__name__: clone(estimator).set_params(**{f"{name}n_components": k})}
            if k <= min(values.shape[1], min(len(train) for train, _ in splits)):
                linear: Any = PCA(k)
                if name:
                    linear = clone(estimator).set_params(**{name[:-2]: linear})
                made["PCA"] = linear
            for label in dict.fromkeys([type(last).__name__, "PCA"]):
                each = [_r2(made[label], X, *split) for split in splits] if label in made else []
                found.setdefault(label, []).append(each or [np.nan] * len(splits))
        r2 = {label: np.array(rows) for label, rows in found.items()}
        return cls(n_components=np.array(lengths), r2=r2).plot(ax=ax, **drawn)

    def plot(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.errorbar`.

        Returns
        -------
        display : RateDistortionDisplay
            The object itself, with `ax_` and `figure_`. Bars are standard errors over the folds.
        """
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        colors = {"PCA": "tab:grey"}
        for label, r2 in self.r2.items():
            error = r2.std(axis=1, ddof=1) / r2.shape[1] ** 0.5 if r2.shape[1] > 1 else None
            style = {"label": label, "color": colors.get(label, "tab:blue"), "marker": "o"}
            ax.errorbar(self.n_components, r2.mean(axis=1), yerr=error, **style | drawn)
        ax.set_xscale("log", base=2)
        ax.set_xticks(self.n_components, [str(k) for k in self.n_components])
        ax.minorticks_off()
        ax.set(xlabel="n_components", ylabel="R² of held-out rows")
        ax.set_title("What codes of so many components keep")
        ax.legend()
        return self


def _lengths(n_components: Sequence[int] | None, p: int) -> list[int]:
    if n_components is None:
        return [2**i for i in range(p.bit_length()) if 2**i < p] or [1]
    lengths = sorted(set(np.atleast_1d(np.asarray(n_components)).tolist()))
    if not lengths or not all(isinstance(k, int) and k > 0 for k in lengths):
        raise ValueError(
            f"n_components={n_components!r} must be positive whole numbers, such as [1, 2, 4]."
        )
    return lengths


def _r2(estimator: Any, X: Any, train: NDArray, test: NDArray) -> float:
    """Return R² of held-out rows about the means of the training rows."""
    rows = _safe_indexing(X, train)
    held_out = _safe_indexing(X, test)
    fitted = estimator.fit(rows)
    if hasattr(fitted, "steps"):
        before, fitted = fitted[:-1], fitted[-1]
        rows, held_out = before.transform(rows), before.transform(held_out)
    lost = numbers(fitted.inverse_transform(fitted.transform(held_out))) - numbers(held_out)
    total = numbers(held_out) - numbers(rows).mean(axis=0)
    return float(1 - np.nansum(lost**2) / np.nansum(total**2))
