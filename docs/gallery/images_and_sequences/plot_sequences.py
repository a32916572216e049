"""
Sequences of different lengths
==============================

:class:`~sklearn_ae.RecurrentAutoencoder` reads pen strokes, each a list of
points, and writes each into a code of one length. Strokes are rebuilt from
it, gaps in them are filled, and steps that do not fit are found.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ae import RecurrentAutoencoder
from sklearn_ae.metrics import reconstruction_r2

# %%
# The strokes are damped Lissajous figures of three ratios, of 20 to 40
# points, with noise. A third of the training strokes have a gap: some
# points are NaN.
rng = np.random.default_rng(0)
kinds = {"1:1": (1, 1), "1:2": (1, 2), "2:3": (2, 3)}


def stroke(kind, gap=False):
    """Return a random stroke of shape (n_points, 2)."""
    a, b = kinds[kind]
    t = np.linspace(0, 2 * np.pi, rng.integers(20, 41))
    phase, decay = rng.uniform(0, 1), rng.uniform(0, 0.3)
    size = np.exp(-decay * t)[:, None] * rng.uniform(0.7, 1.3, size=2)
    points = size * np.column_stack(
        [np.sin(a * t + phase + np.pi / 2), np.sin(b * t)]
    )
    points += rng.normal(scale=0.05, size=points.shape)
    if gap:
        begin = rng.integers(0, len(t) - 8)
        points[begin : begin + 8] = np.nan
    return points


names = list(kinds)
train = [stroke(names[i % 3], gap=i % 9 < 3) for i in range(1000)]
test = [stroke(names[i % 3]) for i in range(60)]

# %%
# Eight numbers a stroke. The reconstruction is smoother than the stroke:
# noise is not in the code.
autoencoder = RecurrentAutoencoder(
    8, batch_size=64, max_iter=14, random_state=0
).fit(train)
print(
    f"R² of held-out strokes: {reconstruction_r2(autoencoder, test):.3f}"
)
figure, axes = plt.subplots(
    1, 6, figsize=(11, 2.4), sharex=True, sharey=True, layout="constrained"
)
rebuilt = autoencoder.reconstruct(test[:6])
for i, (ax, points, line) in enumerate(
    zip(axes, test, rebuilt, strict=False)
):
    ax.plot(*points.T, ".", color="0.6", label="stroke")
    ax.plot(*line.T, color="C0", label="reconstruction")
    ax.set(
        title=f"{names[i % 3]}, {len(points)} points",
        xticks=[],
        yticks=[],
        aspect="equal",
    )
figure.legend(
    *ax.get_legend_handles_labels(), loc="outside lower center", ncols=2
)
plt.show()

# %%
# A gap of eight points is filled, and three points are moved by 0.4.
# ``score_steps`` is minus the squared error of each step, NaN where
# nothing was observed.
whole = test[1]
holed = whole.copy()
holed[10:18] = np.nan
moved = test[2].copy()
moved[12:15, 1] += 0.4
filled, scores = (
    autoencoder.reconstruct([holed])[0],
    autoencoder.score_steps([moved])[0],
)
error = np.sqrt(np.mean((filled - whole)[10:18] ** 2))
print(f"root mean squared error in the gap: {error:.2f}")

figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
gap, shift = np.arange(10, 18), np.arange(12, 15)
for ax, seen, changed, special in [
    (axes[0], holed, whole, gap),
    (axes[1], moved, moved, shift),
]:
    ax.plot(seen[:, 1], ".", color="0.6", label="given")
    ax.plot(
        special,
        changed[special, 1],
        ".",
        color="C3",
        label="left out, or moved",
    )
    ax.plot(
        autoencoder.reconstruct([seen])[0][:, 1],
        color="C0",
        label="reconstruction",
    )
    ax.set(xlabel="step", ylabel="height of the pen")
axes[0].set_title("a gap is filled")
axes[1].set_title("three points are moved")
axes[2].plot(scores, color="C0")
axes[2].axvspan(11.5, 14.5, color="C3", alpha=0.2, lw=0)
axes[2].set(
    title="score_steps of the moved points",
    xlabel="step",
    ylabel="minus squared error",
)
figure.legend(
    *axes[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=3,
)
plt.show()
