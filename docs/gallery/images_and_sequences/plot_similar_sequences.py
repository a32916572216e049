"""
Sequences that are alike
========================

Codes of :class:`~sklearn_ae.RecurrentAutoencoder` have one length,
whatever the lengths of the sequences. So the nearest sequences are found
as the nearest rows of a table are.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import NearestNeighbors

from sklearn_ae import RecurrentAutoencoder

# %%
# Eight gestures, each drawn many times: by fits and starts, turned a
# little, larger or smaller, in 15 to 30 points with noise, of which a
# fifth is missing.
rng = np.random.default_rng(0)
harmonics = np.arange(1, 5)
shapes = rng.normal(size=(8, 2, 2, 4)) / harmonics


def gesture(kind):
    """Return a gesture, (n_points, 2), NaN where a point is missing."""
    pace = rng.gamma(2.0, size=rng.integers(15, 31)).cumsum()
    angles = 4 * np.outer(pace / pace[-1], harmonics)
    sines, cosines = shapes[kind]
    points = np.sin(angles) @ sines.T + np.cos(angles) @ cosines.T
    c, s = np.cos(turn := rng.normal(scale=0.2)), np.sin(turn)
    points = points @ [[c, -s], [s, c]] * rng.uniform(0.8, 1.25)
    points += rng.normal(scale=0.3, size=points.shape)
    points[rng.random(len(points)) < 0.2] = np.nan
    return points


kinds = rng.integers(0, 8, size=500)
gestures = [gesture(kind) for kind in kinds]
known, new = slice(0, 400), slice(400, None)

# %%
# The kinds have no part in the fit: they say whether what is found is
# right. Where some points are known, more can be put between them, and two
# curves of 16 points compared. That finds a few more of the same kind
# here; it keeps four times as many numbers of each gesture.
began = perf_counter()
model = RecurrentAutoencoder(
    8, batch_size=64, max_iter=15, random_state=0
).fit(gestures[known])
print(f"fit: {perf_counter() - began:.0f} s")


def rows_of_one_length(sequences, n=16):
    """Return what most would do: n points between those there are."""
    rows = []
    for points in sequences:
        there = np.flatnonzero(~np.isnan(points[:, 0]))
        at = np.linspace(0, len(points) - 1, n)
        rows.append([np.interp(at, there, x) for x in points[there].T])
    return np.reshape(rows, (len(sequences), -1))


def found(read):
    """Return the five nearest known gestures of each new one."""
    index = NearestNeighbors(n_neighbors=5).fit(read(gestures[known]))
    return index.kneighbors(read(gestures[new]), return_distance=False)


readers = {
    "8 numbers, codes": model.transform,
    "32 numbers, points between": rows_of_one_length,
}
near = {name: found(read) for name, read in readers.items()}
for name, of_new in near.items():
    right = kinds[known][of_new] == kinds[new][:, None]
    print(
        f"{name}: {right.mean():.1%} of the nearest are of the same kind"
    )

# %%
# New gestures on the left, and what their codes find.
figure, axes = plt.subplots(
    4, 6, figsize=(9, 6), sharex=True, sharey=True, layout="constrained"
)
for i, row in enumerate(axes):
    found_by_code = near["8 numbers, codes"][i]
    shown = [gestures[new][i], *(gestures[j] for j in found_by_code)]
    for ax, points in zip(row, shown, strict=True):
        ax.plot(*points.T, ".-", ms=3, lw=1, color="C0")
        ax.set(xticks=[], yticks=[])
    row[0].lines[0].set_color("C1")
axes[0, 0].set_title("new")
axes[0, 1].set_title("nearest known ones", loc="left")
plt.show()
