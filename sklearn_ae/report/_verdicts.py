"""What was found, in sentences."""

from __future__ import annotations

import numpy as np

from sklearn_ae.report._columns import Target
from sklearn_ae.report._missing import CONSTANT, OURS, MissingCells
from sklearn_ae.report._search import NAMES, Codes
from sklearn_ae.report._strange import Strange

# Rows below which a gain is rarely certain.
_FEW = 500
# A difference that is none.
_LEAST, _LEVEL = 5e-4, 5e-3


def on_codes(codes: Codes, n_rows: int, target: Target | None) -> list[str]:
    """Say which codes are better, and why if those of PCA are."""
    keep = "To keep what rows hold"
    if target is None:
        heads, details = zip(*[_on_measure(codes, "kept", keep, n_rows)], strict=True)
    else:
        predict = f"To predict {target.name}"
        found = [
            _on_measure(codes, "predicted", predict, n_rows),
            _on_measure(codes, "kept", keep, n_rows),
        ]
        heads, details = zip(*found, strict=True)
    sentences = [" ".join(heads), *details]
    alone = codes.columns_alone
    if target is not None and alone is not None:
        needed = any(alone < codes.best(name, "predicted")["predicted"] for name in NAMES)
        sentences.append(
            f"All columns, without a code, reach {alone:.3f}"
            + ("." if needed else f": to predict {target.name} alone, no code is needed.")
        )
    return sentences


def _on_measure(codes: Codes, measure: str, aim: str, n_rows: int) -> tuple[str, str]:
    """Return which of the two is better for an aim, and by how much."""
    pca, own = (codes.best(name, measure) for name in NAMES)
    gain, error = codes.gain(measure)
    sizes = f"k = {own['k']}" if own["k"] == pca["k"] else f"k = {own['k']} and {pca['k']}"
    does, word = "reaches", f"in {codes.measure}"
    if measure == "kept":
        does, word = "keeps", "of a column"
    both = (
        f"At {sizes} the autoencoder {does} {own[measure]:.3f} and PCA {pca[measure]:.3f} {word}; "
        f"the difference is {gain:+.3f} ± {error:.3f} over held-out folds."
    )
    pairs = codes.table.pivot(index="k", columns="name", values=measure)
    least = int(pairs.index.min())
    if least != own["k"]:
        few = [pairs.loc[least, name] for name in NAMES]
        both += f" At k = {least} it is {few[1]:.3f} and {few[0]:.3f}."
    if gain > error and gain >= _LEAST:
        return f"{aim}, take the autoencoder.", both
    return f"{aim}, PCA is the better choice.", f"{both} {_why(codes, measure, n_rows)}"


def _why(codes: Codes, measure: str, n_rows: int) -> str:
    gain = codes.gain(measure)[0]
    pca, own = (codes.best(name, measure) for name in NAMES)
    if codes.kept == "start":
        why = (
            "No network did better than the linear start on rows that it had not seen, so the "
            "autoencoder returned that start, which is PCA of the columns."
        )
    elif gain < 0 and measure == "predicted":
        why = "What the network keeps besides PCA does not help to predict."
    elif gain < 0:
        why = "The network keeps less than PCA."
    else:
        why = "The gain lies within its error, so that it may be chance."
    if n_rows < _FEW:
        why += f" With {n_rows} rows a gain is rarely certain."
    seconds = f"{own['seconds']:.1f} s a fit where PCA takes {pca['seconds']:.2f} s"
    return f"{why} The autoencoder takes {seconds}."


def on_strange(strange: Strange, n_rows: int) -> list[str]:
    """Say how many rows are strange."""
    n_found = strange.n_outliers
    share = f"{n_found:,} of {n_rows:,} rows ({n_found / n_rows:.1%})"
    return [
        f"{share} are outliers." if n_found else "No row is an outlier.",
        "Each row was scored by networks that have not seen it, and outliers score below the "
        "threshold of AutoencoderOutlierDetector. These are the strangest, with the cells that "
        "make them so, and what would be typical in their place.",
    ]


def on_missing(missing: MissingCells) -> list[str]:
    """Say whether the imputer is worth its time."""
    n_missing = int(missing.errors["missing"].sum())
    columns = int((missing.errors["missing"] > 0).sum())
    sentences = [
        f"{n_missing:,} cells are missing, in {columns} column{'s' * (columns != 1)}."
        if n_missing
        else "No cell is missing."
    ]
    n_hidden = int(missing.errors["hidden"].sum())
    sentences.append(
        f"{n_hidden:,} cells with a value were hidden, filled by each imputer, and compared with "
        "what they hold."
    )
    for text in (False, True):
        means = missing.means(text=text).dropna()
        if OURS not in means:
            continue
        rest = means.drop(OURS)
        best = rest.idxmin()
        word = "of the cells of text are filled wrongly" if text else "standard deviations of error"
        beside = f", {best} {rest[best]:.2f}" if best != CONSTANT else ""
        plain = f"the {CONSTANT} {means[CONSTANT]:.2f}"
        shown = f"AutoencoderImputer {means[OURS]:.2f}, {plain}{beside} {word}."
        ahead = means[OURS] < rest.min() - _LEVEL
        level = means[OURS] <= rest.min() + _LEVEL
        choice = (
            "AutoencoderImputer errs least"
            if ahead
            else "AutoencoderImputer and the best of the others are level"
            if level
            else f"Take {'the ' if best == CONSTANT else ''}{best}: it errs least"
        )
        kind = "Text" if text else "Numbers and dates"
        sentences.append(f"{kind}: {choice}: {shown}")
    return sentences


def formatted(value: float, digits: int = 3) -> str:
    """Return a number, or a dash where there is none."""
    return "–" if value is None or np.isnan(value) else f"{value:.{digits}f}"
