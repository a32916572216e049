"""Figures of the guide that fit something small; Sphinx draws them before it reads the pages."""

from __future__ import annotations

import pickle
import tempfile
from functools import cache
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.preprocessing import scale
from skorch.callbacks import Callback
from torch import nn
from torch.nn import functional as F

from sklearn_ae import Autoencoder, AutoencoderImputer, Penalty, Term


def frame(*widths: float, **style) -> tuple[Figure, list]:
    """Return a figure and its axes, side by side, by their widths."""
    figure = Figure(figsize=(3 + 3.2 * sum(widths), 3.4), layout="constrained")
    return figure, list(
        figure.subplots(1, len(widths), squeeze=False, width_ratios=widths, **style)[0]
    )


class Kill(Callback):
    """Ends the first fit that it sees after some epochs, as a signal would."""

    seen: list[float] = []
    epochs = 12

    def on_epoch_end(self, net, **kwargs) -> None:
        """End the fit, once."""
        if len(self.seen) < self.epochs:
            self.seen.append(net.history[-1]["valid_loss"])
            if len(self.seen) == self.epochs:
                raise KeyboardInterrupt


def resumed() -> Figure:
    """Held-out loss of a fit that is killed, of the same call once more, and of one fit."""
    figure, (ax,) = frame(1.4)
    X = load_digits().data
    options = {"n_components": 4, "hidden_layer_sizes": (64,), "max_iter": 30, "random_state": 0}
    whole = Autoencoder(**options).fit(X).validation_loss_curve_
    kill = Kill()
    with tempfile.TemporaryDirectory() as folder:
        model = Autoencoder(**options, checkpoint=folder, callbacks=[kill])
        try:
            model.fit(X)
        except KeyboardInterrupt:
            again = model.fit(X).validation_loss_curve_
    if not np.array_equal(again, whole):
        raise AssertionError("The second call does not end as one fit does.")
    epochs = np.arange(1, len(whole) + 1)
    ax.plot(epochs, whole, color="0.85", lw=8, label="one fit that nothing ends")
    ax.plot(epochs[: kill.epochs], again[: kill.epochs], "o-", ms=4, label="a fit that is killed")
    ax.plot(epochs[kill.epochs :], again[kill.epochs :], "o-", ms=4, label="the same call again")
    ax.axvline(kill.epochs + 0.5, color="0.5", ls=":")
    ax.set(xlabel="epoch", ylabel="loss of held-out rows")
    ax.legend()
    return figure


def size_of(model: Autoencoder | AutoencoderImputer) -> int:
    """Return the bytes of a saved estimator."""
    return len(pickle.dumps(model))


def state_size() -> Figure:
    """Kilobytes of saved estimators, by the number of rows that they were fitted to."""
    figure, (ax,) = frame(1.2)
    X = load_digits().data
    sizes = [200, 400, 800]
    options = {"hidden_layer_sizes": (32,), "max_iter": 0, "random_state": 0}
    saved = {
        "Autoencoder(4)": Autoencoder(4, **options),
        "AutoencoderImputer()": AutoencoderImputer(**options),
    }
    for name, model in saved.items():
        ax.plot(sizes, [size_of(model.fit(X[:n])) / 1000 for n in sizes], "o-", label=name)
    ax.plot(
        sizes, [X[:n].nbytes / 1000 for n in sizes], ":", color="0.5", label="the rows themselves"
    )
    ax.set(xlabel="training rows of 64 columns", ylabel="kB of the pickle", ylim=(0, None))
    ax.legend()
    return figure


def state_parts() -> Figure:
    """Kilobytes of the parts of a saved autoencoder, by the width of its layers."""
    figure, (ax,) = frame(1.4)
    X = load_digits().data
    parts = {}
    for width in (16, 64, 256):
        model = Autoencoder(4, hidden_layer_sizes=(width,), max_iter=1, random_state=0)
        state = model.fit(X).__getstate__()
        weights = len(pickle.dumps(state["_network"]["weights"]))
        reasons = len(pickle.dumps(state["_replacements"]))
        rest = size_of(model) - weights - reasons
        parts[f"({width},)"] = [weights, reasons, rest]
    names = ["weights", "deciles of the columns, to give reasons by", "all else, with the digest"]
    found = pd.DataFrame(parts, index=names).T / 1000
    left = np.zeros(len(found))
    for name, color in zip(names, ("C0", "C1", "0.6"), strict=True):
        bars = ax.barh(found.index, found[name], left=left, color=color, label=name)
        left += found[name].to_numpy()
    ax.bar_label(bars, [f"{total:.0f}" for total in left], padding=3)
    ax.set(xlabel="kB of the pickle", ylabel="hidden_layer_sizes")
    ax.margins(x=0.1)
    ax.legend(loc="lower right")
    return figure


def dtype_rounding() -> Figure:
    """What rows of short floats cost the codes, by how far columns are from 0."""
    figure, (ax,) = frame(1.2)
    X = scale(load_wine().data)
    offsets = 10.0 ** np.arange(7)
    for dtype in ("float32", "float16"):
        errors = []
        for offset in offsets:
            model = Autoencoder(2, max_iter=0).fit(X + offset)
            exact = model.transform(X + offset)
            within = offset < np.finfo(dtype).max
            short = (X + offset).astype(dtype) if within else np.full_like(X, np.nan)
            apart = np.abs(model.transform(short) - exact) if within else np.nan
            errors.append(np.mean(apart / exact.std(axis=0)))
        ax.plot(offsets, errors, "o-", label=dtype)
    ax.axhline(1, color="0.5", ls=":")
    ax.annotate("as large as the codes", (1, 1), va="bottom", color="0.3")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="mean of the columns, in their standard deviations",
        ylabel="error of codes, in theirs",
    )
    ax.legend(loc="lower right")
    return figure


def dtype_kinds() -> Figure:
    """Whole numbers, rebuilt as a matrix and as columns of several kinds."""
    figure, axes = frame(1, 1, sharey=True)
    rng = np.random.default_rng(0)
    level = rng.normal(size=1200)
    table = pd.DataFrame({"rooms": np.exp(0.5 * level + 1).round().astype(int)})
    table["price"] = level + 0.5 * rng.normal(size=1200)
    options = {"n_components": 1, "hidden_layer_sizes": (16,), "max_iter": 10, "random_state": 0}
    given = {
        "numbers alone: a matrix": table,
        "with a column of text: a kind each": table.assign(
            town=np.where(level > 0, "Bern", "Ulm"), price=table["price"]
        ),
    }
    for ax, (title, rows) in zip(axes, given.items(), strict=True):
        rebuilt = Autoencoder(**options).fit(rows).reconstruct(rows)["rooms"]
        ax.scatter(rows["rooms"] + rng.uniform(-0.2, 0.2, 1200), rebuilt, s=4)
        ax.set(title=f"{title}\n{rebuilt.dtype}", xlabel="rooms, int64", xlim=(0, 12), ylim=(0, 12))
        ax.set_yticks(range(0, 13, 2))
        ax.grid(axis="y", alpha=0.4)
    axes[0].set_ylabel("rooms, as rebuilt")
    return figure


def iris() -> tuple[pd.DataFrame, pd.Series]:
    """Return measures of flowers, and their species."""
    return load_iris(return_X_y=True, as_frame=True)


def shapley_values(score, rows: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return what each column adds to the scores of rows, over all sets of the others.

    With so few columns, this is what shap.KernelExplainer returns.
    """
    n_columns = rows.shape[1]
    values = {}
    for size in range(n_columns + 1):
        for known in combinations(range(n_columns), size):
            mixed = np.repeat(background[None], len(rows), axis=0)
            mixed[:, :, known] = rows[:, None, known]
            values[known] = score(mixed.reshape(-1, n_columns)).reshape(len(rows), -1).mean(axis=1)
    added = np.zeros(rows.shape)
    for known, value in values.items():
        for column in set(range(n_columns)) - set(known):
            weight = 1 / (n_columns * comb(n_columns - 1, len(known)))
            more = values[tuple(sorted((*known, column)))]
            added[:, column] += weight * (more - value)
    return added


def shares_of_scores() -> Figure:
    """Shapley values of strange rows' scores, beside their errors by cell."""
    figure, axes = frame(1, 1)
    X, _ = iris()
    names = [name.removesuffix(" (cm)") for name in X]
    X = X.to_numpy()
    model = Autoencoder(2, hidden_layer_sizes=(16,), max_iter=10, random_state=0).fit(X)
    strange = model.score_samples(X).argsort()[:3]
    found = {
        "Shapley values of score_samples": shapley_values(model.score_samples, X[strange], X[::5]),
        "minus reconstruction_errors": -model.reconstruction_errors(X[strange]),
    }
    place = np.arange(len(names))
    for ax, (title, values) in zip(axes, found.items(), strict=True):
        for i, row in enumerate(strange):
            ax.barh(place + 0.27 * (i - 1), values[i], height=0.25, label=f"row {row}")
        ax.axvline(0, color="0.4", lw=0.8)
        ax.set(title=title, xlabel="share of the score", yticks=place)
        ax.set_yticklabels(names if ax is axes[0] else [])
        ax.invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def codes_of_groups() -> Figure:
    """One code of sepals against one of petals, coloured by species."""
    figure, (ax,) = frame(1.2)
    X, species = iris()
    parts = ("sepal", "petal")
    groups = ColumnTransformer(
        [(f"{p}s", Autoencoder(1, max_iter=0), [c for c in X if p in c]) for p in parts]
    )
    codes = groups.set_output(transform="pandas").fit_transform(X)
    for k, name in enumerate(load_iris().target_names):
        ax.scatter(*codes[species == k].to_numpy().T, s=12, label=name)
    ax.set(xlabel=codes.columns[0], ylabel=codes.columns[1])
    ax.legend()
    return figure


class Classifier(Term):
    """Cross-entropy of labels by a linear map of the code."""

    per_row = True

    def __init__(self, n_components: int, weight: float):
        super().__init__()
        self.linear = nn.Linear(n_components, 3)
        self.weight = weight

    def forward(self, network, batch, result, generator):
        """Return the cost of each row."""
        logits = self.linear(result.code.sample)
        labels = batch.companions["label"]
        return self.weight * F.cross_entropy(logits, labels, reduction="none")


class Labels(Penalty):
    """The term of the page on terms of one's own."""

    reads = ("label",)

    def __init__(self, weight: float = 0.1):
        self.weight = weight

    def build(self, n_components, bounded):
        """Build the classifier."""
        return Classifier(n_components, self.weight)


@cache
def with_labels(weight: float) -> tuple[Autoencoder, np.ndarray, np.ndarray]:
    """Return a fit to wines with that term, the wines and their labels."""
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    options = {"hidden_layer_sizes": (16,), "max_iter": 40, "random_state": 0}
    model = Autoencoder(2, penalties=(Labels(weight),), early_stopping=False, **options)
    return model.fit(X, companions={"label": y}), X, y


def own_term_losses() -> Figure:
    """Reconstruction and the term of one's own, by epoch, for two weights."""
    figure, axes = frame(1, 1, sharey=True)
    for ax, weight in zip(axes, (0.03, 0.3), strict=True):
        model, X, _ = with_labels(weight)
        shares = model.history_[["reconstruction", "labels"]].dropna() / X.var(axis=0).sum()
        ax.stackplot(shares.index, shares.T, labels=shares.columns, colors=("C0", "C1"))
        ax.set(title=f"Labels(3, weight={weight})", xlabel="epoch")
    axes[0].set_ylabel("share of the variance of X")
    axes[1].legend()
    return figure


def own_term_codes() -> Figure:
    """Codes of wines without the term and with it."""
    figure, axes = frame(1, 1)
    for ax, weight in zip(axes, (0.0, 0.3), strict=True):
        model, X, y = with_labels(weight)
        codes = model.transform(X)
        for label in np.unique(y):
            ax.scatter(*codes[y == label].T, s=12, label=f"label {label}")
        lost = model.reconstruction_errors(X).sum() / (X.var(axis=0).sum() * len(X))
        ax.set(title=f"weight={weight}: {1 - lost:.2f} of the variance kept")
        ax.set(xlabel="component 0", ylabel="component 1")
    axes[0].legend()
    return figure


FIGURES = (
    resumed,
    state_size,
    state_parts,
    dtype_rounding,
    dtype_kinds,
    shares_of_scores,
    codes_of_groups,
    own_term_losses,
    own_term_codes,
)
