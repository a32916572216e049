"""A picture of the losses of a fit."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from sklearn_ae.inspection._pictures import axes

# What a history has beside losses.
_NO_LOSS = ("train_loss", "valid_loss", "reconstruction", "learning_rate", "seconds")
_NO_TERM = ("dead_units", "components_used")


class LossCurveDisplay:
    """Losses of a fit by epoch: of training rows, of held-out rows, and of each term.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    history : pandas.DataFrame
        `history_` of an autoencoder: a row an epoch, the start being epoch 0.
    kept : {"start", "network"}, default="network"
        What the fit kept.

    Attributes
    ----------
    kept_epoch_ : int
        The epoch that was kept: 0 for the start, that of the least held-out loss, or the last
        where nothing was held out.
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_ae import SparseAutoencoder
    >>> from sklearn_ae.inspection import LossCurveDisplay
    >>> model = SparseAutoencoder(4, max_iter=20, random_state=0).fit(load_wine().data)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> [line.get_label() for line in display.ax_.lines][:2]
    ['training rows', 'held-out rows']
    """

    ax_: Any
    figure_: Any

    def __init__(self, *, history: pd.DataFrame, kept: str = "network") -> None:
        self.history = history
        self.kept = kept

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw the losses of a fitted autoencoder.

        Parameters
        ----------
        estimator : fitted autoencoder or Pipeline
            Of a Pipeline, the last step counts.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            As in :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator has no `history_`.
        ImportError
            If matplotlib is not installed.
        """
        last = estimator[-1] if hasattr(estimator, "steps") else estimator
        last = getattr(last, "estimator_", last)
        if not hasattr(type(last), "history_"):
            raise TypeError(
                f"{type(last).__name__} has no history_; pass a fitted autoencoder, or a Pipeline "
                "that ends in one."
            )
        display = cls(history=last.history_, kept=last.selection_.kept)
        return display.plot(ax=ax, **drawn)

    def plot(self, *, terms: bool = True, ax: Any = None, **drawn: Any) -> Self:
        """Draw.

        Parameters
        ----------
        terms : bool, default=True
            Draw each term of the training loss besides, where there are several.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.plot` of the losses.

        Returns
        -------
        display : LossCurveDisplay
            The object itself, with `ax_`, `figure_` and `kept_epoch_`.
        """
        history = self.history
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        held_out = history.get("valid_loss", pd.Series(dtype=float)).dropna()
        first = int(len(history) > 1)  # the start is no epoch of training
        ax.plot(history.index[first:], history["train_loss"].iloc[first:], **_named(drawn, 0))
        best = int(held_out.idxmin()) if len(held_out) else int(history.index[-1])
        self.kept_epoch_ = 0 if self.kept == "start" else best
        if len(held_out):
            ax.plot(held_out.index, held_out, **_named(drawn, 1))
            if 0 in held_out.index:
                start = float(held_out[0])
                ax.axhline(start, color="black", linestyle="--", linewidth=1, label="the start")
        parts = [name for name in history if name not in (*_NO_LOSS, *_NO_TERM)] if terms else []
        for name in ["reconstruction", *parts] if parts else []:
            values = history[name].dropna()
            label = f"term: {name.replace('_', ' ')}"
            ax.plot(values.index, values, linewidth=1, alpha=0.8, label=label)
        label = "kept: the start" if self.kept == "start" else f"kept: epoch {self.kept_epoch_}"
        ax.axvline(self.kept_epoch_, color="grey", linestyle=":", label=label)
        positive = [line.get_ydata() for line in ax.lines if len(line.get_ydata()) > 2]
        if positive and np.min([np.nanmin(values) for values in positive]) > 0:
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="epoch", ylabel="loss", title="Losses of the fit")
        ax.legend()
        return self


def _named(drawn: dict[str, Any], which: int) -> dict[str, Any]:
    names, colors = ("training rows", "held-out rows"), ("tab:grey", "tab:blue")
    return {"label": names[which], "color": colors[which]} | drawn
