"""Pictures of strange rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sklearn_ae.data import as_numpy
from sklearn_ae.inspection._pictures import pyplot, text_of

KINDS = ("heatmap", "reasons", "p_values")
# Rows that are shown, and columns up to which a heat map says what a cell holds.
_ROWS = 10
_MOST_NUMBERED = 10
# Bars of a histogram of p-values.
_BINS = 20


class AnomalyDisplay:
    """Pictures of strange rows: which cells make them so, and how p-values are spread.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    reasons : pandas.DataFrame
        What `explain` of an estimator returns, with positions in X as `row`.
    scores : ndarray of shape (n_samples,)
        Scores of X; higher is more normal.
    rows : ndarray of shape (n_rows,), int
        Positions in X of the rows that were explained, the strangest first.
    p_values : ndarray of shape (n_samples,), default=None
        p-values of X.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of `ax_`.

    See Also
    --------
    sklearn_ae.AutoencoderOutlierDetector : Finds strange rows.
    sklearn_ae.Autoencoder : Finds them too.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ae import DenoisingAutoencoder
    >>> from sklearn_ae.inspection import AnomalyDisplay
    >>> X = load_wine(as_frame=True).data
    >>> X = (X - X.mean()) / X.std()
    >>> X.loc[7, "magnesium"] = 9.0
    >>> autoencoder = DenoisingAutoencoder(max_iter=10, random_state=0).fit(X)
    >>> display = AnomalyDisplay.from_estimator(autoencoder, X, kind="reasons")
    >>> display.ax_.get_yticklabels()[0].get_text()
    'magnesium'
    """

    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        reasons: pd.DataFrame,
        scores: NDArray[np.float64],
        rows: NDArray[np.intp],
        p_values: NDArray[np.float64] | None = None,
    ) -> None:
        self.reasons = reasons
        self.scores = scores
        self.rows = rows
        self.p_values = p_values

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        kind: str = "heatmap",
        rows: Sequence[int] | None = None,
        n_reasons: int = 3,
        p_values: ArrayLike | None = None,
        ax: Any = None,
        **drawn: Any,
    ) -> Self:
        """Score rows, explain the strangest, and draw them.

        Parameters
        ----------
        estimator : fitted estimator
            An autoencoder or :class:`sklearn_ae.AutoencoderOutlierDetector`: it has
            `score_samples` and `explain`.
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        kind : {"heatmap", "reasons", "p_values"}, default="heatmap"
            As in :meth:`plot`.
        rows : sequence of int, default=None
            Positions of the rows to explain. None takes the ten strangest.
        n_reasons : int, default=3
            Reasons of a row at most.
        p_values : array-like of shape (n_samples,), default=None
            p-values of X. None takes `estimator.p_values(X)` where there is such a method, and
            `kind` asks for them.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to matplotlib, as in :meth:`plot`.

        Returns
        -------
        display : AnomalyDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator has no `score_samples` or no `explain`.
        ValueError
            If `rows` are not positions of X, or `kind` is unknown.
        ImportError
            If matplotlib is not installed.
        """
        _check_kind(kind)
        for method in ("score_samples", "explain"):
            if not hasattr(estimator, method):
                raise TypeError(
                    f"{type(estimator).__name__} has no method {method}; pass a fitted autoencoder "
                    "or AutoencoderOutlierDetector. Of a Pipeline, pass its last step, with rows "
                    "that the steps before it have transformed: pipeline[:-1].transform(X)."
                )
        scores = as_numpy(estimator.score_samples(X))
        chosen = _checked(rows, scores)
        if _num_samples(X) == len(scores):
            reasons = estimator.explain(_safe_indexing(X, chosen), n_reasons)
            reasons = reasons.assign(row=chosen[reasons["row"].to_numpy()])
        else:  # several rows of a frame are one sequence
            reasons = estimator.explain(X, n_reasons)
            reasons = reasons[reasons["row"].isin(chosen)]
        if p_values is None and kind == "p_values" and hasattr(estimator, "p_values"):
            p_values = estimator.p_values(X)
        if p_values is not None:
            p_values = np.asarray(as_numpy(p_values), dtype=np.float64)
            if p_values.shape != (n := _num_samples(X),):
                raise ValueError(
                    f"p_values has shape {p_values.shape}, and X has {n} rows; pass one a row."
                )
            wrong = p_values[~((p_values >= 0) & (p_values <= 1))]
            if len(wrong):
                raise ValueError(f"p_values holds {wrong[0]!r}; p-values lie between 0 and 1.")
        display = cls(reasons=reasons, scores=scores, rows=chosen, p_values=p_values)
        return display.plot(kind, ax=ax, **drawn)

    def plot(
        self, kind: str = "heatmap", *, row: int | None = None, ax: Any = None, **drawn: Any
    ) -> Self:
        """Draw.

        Parameters
        ----------
        kind : {"heatmap", "reasons", "p_values"}, default="heatmap"
            "heatmap" has the explained rows, the strangest on top, and the columns that are a
            reason of one of them; a cell is as dark as its share of the row's strangeness. Where
            there are ten columns or fewer it says what the cell holds. "reasons" has
            the cells of one row: what was observed against what was expected. "p_values" is
            their histogram, beside what it would be if no row were an outlier.
        row : int, default=None
            Position in X of the row whose reasons are drawn; the first of `rows` by default.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.imshow`, `Axes.barh` or `Axes.hist`.

        Returns
        -------
        display : AnomalyDisplay
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ValueError
            If `kind` is unknown, `row` was not explained, or there are no p-values.
        ImportError
            If matplotlib is not installed.
        """
        _check_kind(kind)
        found = self._found(kind, row)
        plt = pyplot()
        self.ax_ = plt.subplots(layout="constrained")[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        getattr(self, f"_draw_{kind}")(found, drawn)
        return self

    def _found(self, kind: str, row: int | None) -> Any:
        """Return what is to be drawn, or say why there is nothing."""
        if kind == "p_values":
            if self.p_values is None:
                raise ValueError(
                    "There are no p-values to draw; pass p_values= of shape (n_samples,), or an "
                    "estimator that has a method p_values."
                )
            return self.p_values
        if kind == "heatmap":
            return self.reasons
        row = int(self.rows[0]) if row is None else row
        if row not in self.rows:
            raise ValueError(
                f"row={row!r} is none of the rows that were explained, {self.rows.tolist()[:20]}; "
                f"pass rows=[{row!r}] to from_estimator."
            )
        return row, self.reasons[self.reasons["row"] == row]

    def _draw_heatmap(self, reasons: pd.DataFrame, drawn: dict[str, Any]) -> None:
        features = list(dict.fromkeys(reasons["feature"]))
        line = {row: i for i, row in enumerate(self.rows.tolist())}
        place = {feature: j for j, feature in enumerate(features)}
        shares = np.zeros((len(self.rows), max(1, len(features))))
        ax = self.ax_
        for reason in reasons.itertuples():
            i, j = line[reason.row], place[reason.feature]
            shares[i, j] = reason.share
            if len(features) <= _MOST_NUMBERED:
                color = "white" if reason.share > 0.5 else "black"
                text = text_of(reason.observed)
                ax.text(j, i, text, ha="center", va="center", color=color, fontsize=8)
        image = ax.imshow(
            shares, **{"cmap": "Blues", "vmin": 0, "vmax": 1, "aspect": "auto"} | drawn
        )
        self.figure_.colorbar(image, ax=ax, label="share of the row's strangeness")
        ax.set_xticks(range(len(features)), [text_of(f) for f in features], rotation=45, ha="right")
        ax.set_yticks(range(len(self.rows)), self.rows.tolist())
        ax.set(ylabel="row, the strangest on top", title="What the strangest rows hold")

    def _draw_reasons(self, found: tuple[int, pd.DataFrame], drawn: dict[str, Any]) -> None:
        (row, reasons), ax = found, self.ax_
        lines = range(len(reasons))
        bars = ax.barh(lines, reasons["share"], **{"color": "tab:blue", "height": 0.5} | drawn)
        pairs = zip(reasons["observed"], reasons["expected"], strict=True)
        texts = [
            f"{text_of(held)} observed, {text_of(typical)} expected" for held, typical in pairs
        ]
        for bar, text in zip(bars, texts, strict=True):
            ax.text(0.01, bar.get_y() - 0.04, text, va="bottom", fontsize=9)
        ax.set_yticks(lines, [text_of(f) for f in reasons["feature"]])
        ax.set(xlim=(0, 1), ylim=(max(3, len(reasons)) - 0.4, -0.6))
        ax.set(xlabel="share of the row's strangeness", title=f"What makes row {row} strange")
        if not len(reasons):
            ax.text(0.5, 0.2, "nothing: its score is typical", ha="center", va="center")

    def _draw_p_values(self, p_values: NDArray[np.float64], drawn: dict[str, Any]) -> None:
        ax = self.ax_
        counts = {"bins": _BINS, "range": (0, 1), "color": "tab:blue", "edgecolor": "white"} | drawn
        _, edges, _ = ax.hist(p_values, **counts)
        each = len(p_values) / (len(edges) - 1)
        ax.axhline(each, color="black", linestyle="--", label="if no row were an outlier")
        ax.set(xlabel="p-value", ylabel="rows", xlim=(0, 1), title="p-values")
        ax.legend()


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown; use one of {', '.join(map(repr, KINDS))}.")


def _checked(rows: Sequence[int] | None, scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the positions of rows, the strangest first."""
    if rows is None:
        return np.argsort(scores, kind="stable")[:_ROWS]
    chosen = np.asarray(rows)
    known = chosen.ndim == 1 and chosen.dtype.kind in "iu" and len(chosen) > 0
    if not known or chosen.min() < 0 or chosen.max() >= len(scores):
        raise ValueError(
            f"rows={rows!r:.60} must be positions of rows of X, from 0 to {len(scores) - 1}."
        )
    chosen = np.unique(chosen)
    return chosen[np.argsort(scores[chosen], kind="stable")]
