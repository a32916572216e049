"""
A Swiss roll, flat and rolled up again
======================================

Isomap lays a Swiss roll out flat. :class:`~sklearn_ae.ManifoldAutoencoder`
adds what Isomap lacks: rows of codes. Points that neither has seen are
laid out, and come back to their places.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_swiss_roll
from sklearn.decomposition import PCA

from sklearn_ae import ManifoldAutoencoder
from sklearn_ae.metrics import reconstruction_r2

X, position = make_swiss_roll(3000, random_state=1)
train, unseen, place = X[:2000], X[2000:], position[2000:]
roll = ManifoldAutoencoder(random_state=0).fit(train)
pca = PCA(2).fit(train)
codes, rebuilt = roll.transform(unseen), roll.reconstruct(unseen)

figure = plt.figure(figsize=(12, 3.6), layout="constrained")
for i, (title, rows) in enumerate(
    {"unseen points": unseen, "as they come back": rebuilt}.items()
):
    axes = figure.add_subplot(
        1, 4, 1 + 3 * i, projection="3d", title=title
    )
    axes.scatter(*rows.T, c=place, s=4)
    axes.view_init(8, -75)
    axes.set(xticks=[], yticks=[], zticks=[])
for i, (title, flat) in enumerate(
    {"PCA": pca.transform(unseen), "codes": codes}.items()
):
    axes = figure.add_subplot(1, 4, 2 + i, title=title)
    axes.scatter(*flat.T, c=place, s=4)
    axes.set(xticks=[], yticks=[], aspect="equal")

# %%
# What PCA puts on top of each other, the codes keep apart. Shares of the
# variance of the unseen points that two numbers keep:
print("PCA", round(reconstruction_r2(pca, unseen), 4))
print("codes", round(reconstruction_r2(roll, unseen), 4))

# %%
# Any code has a row. A grid on the flat sheet, rolled up:
low, high = codes.min(axis=0), codes.max(axis=0)
lines = [
    np.linspace(a, b, n)
    for a, b, n in zip(low, high, (60, 12), strict=True)
]
grid = np.stack(np.meshgrid(*lines), axis=-1)
sheet = roll.inverse_transform(grid.reshape(-1, 2)).reshape(
    *grid.shape[:2], 3
)

figure, axes = plt.subplots(
    subplot_kw={"projection": "3d"}, figsize=(5, 4)
)
axes.plot_wireframe(*np.moveaxis(sheet, -1, 0), linewidth=0.6)
axes.view_init(8, -75)
axes.set(xticks=[], yticks=[], zticks=[])
plt.show()
