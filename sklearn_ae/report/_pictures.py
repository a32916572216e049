"""The pictures of a report."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sklearn_ae.inspection import AnomalyDisplay, LatentDisplay, LossCurveDisplay
from sklearn_ae.report._columns import Target
from sklearn_ae.report._search import Codes
from sklearn_ae.report._strange import Strange

# Classes that have a colour of their own, and letters of their names.
_CLASSES, _LETTERS = 8, 18
_DPI = 120
_OTHERS = "others"


class Pictures(NamedTuple):
    """PNG files as bytes: the whole, and its parts by name."""

    whole: bytes
    parts: dict[str, bytes]


def draw(frame: pd.DataFrame, target: Target | None, codes: Codes, strange: Strange) -> Pictures:
    """Draw codes of PCA and of the autoencoder, its losses, and the reasons of strange rows.

    Parameters
    ----------
    frame : DataFrame
        The columns.
    target : Target or None
        Colours codes; scores do without one.
    codes : Codes
        Both codes, and the fit whose losses are drawn.
    strange : Strange
        Rows and reasons.
    """
    rows = frame if target is None else frame[target.rows]
    color, label = _colors(target, strange)

    def of(name: str) -> Any:
        pipeline = codes.pca if name == "PCA" else codes.autoencoder

        def draw_codes(ax: Any) -> None:
            _draw_codes(ax, pipeline.transform(rows), color, label, f"{name}, k = {codes.k}")

        return draw_codes

    reasons = AnomalyDisplay(reasons=strange.reasons, scores=strange.scores, rows=strange.rows)
    drawers = {
        "pca": of("PCA"),
        "autoencoder": of("Autoencoder"),
        "losses": lambda ax: LossCurveDisplay.from_estimator(codes.autoencoder, ax=ax),
        "reasons": lambda ax: reasons.plot("heatmap", ax=ax),
    }
    figure = _figure((12, 9))
    for ax, drawn in zip(figure.subplots(2, 2).flat, drawers.values(), strict=True):
        drawn(ax)
    parts = {}
    for name, drawn in drawers.items():
        part = _figure((6.4, 4.6))
        drawn(part.subplots())
        parts[name] = _png(part)
    return Pictures(_png(figure), parts)


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=_DPI, format="png")
    return buffer.getvalue()


def _draw_codes(ax: Any, codes: np.ndarray, color: np.ndarray, label: str, title: str) -> None:
    two = codes[:, :2]
    display = LatentDisplay.from_predictions(two, y=color, ax=ax, s=9, alpha=0.7, linewidths=0)
    ax.set_title(title)
    # A few far rows hide the others.
    ax.set_xlim(_central(two[:, 0]))
    if two.shape[1] > 1:
        ax.set_ylim(_central(two[:, 1]))
    legend = ax.get_legend()
    if legend is not None:
        legend.set_title(label)
    for other in display.figure_.axes:
        if other.get_label() == "<colorbar>" and not other.get_ylabel():
            other.set_ylabel(label)


def _central(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, [1, 99])
    margin = 0.1 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _colors(target: Target | None, strange: Strange) -> tuple[np.ndarray, str]:
    """Return a colour's value for each row, and what it means."""
    if target is None:
        low, high = np.percentile(strange.scores, [2, 98])
        return np.clip(strange.scores, low, high), "score; low is strange"
    if target.task == "regression":
        low, high = np.percentile(target.y, [1, 99])
        return np.clip(target.y, low, high), target.name
    names, counts = np.unique(target.y, return_counts=True)
    most = len(names) if len(names) <= _CLASSES + 1 else _CLASSES
    own = set(names[np.argsort(-counts, kind="stable")][:most])
    shown = [_short(name) if name in own else _OTHERS for name in target.y]
    return np.array(shown), target.name


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"
