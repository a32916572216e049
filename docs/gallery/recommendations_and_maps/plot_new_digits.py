"""
New digits on a map of t-SNE
============================

t-SNE gives codes to the rows that it is fitted to, and to no others.
:class:`~sklearn_ae.ManifoldAutoencoder` keeps its codes, and finds those
of new rows by landmarks.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE, trustworthiness
from sklearn.model_selection import train_test_split

from sklearn_ae import ManifoldAutoencoder

X, y = load_digits(return_X_y=True)
train, unseen, y_train, y_unseen = train_test_split(
    X, y, test_size=300, random_state=0
)
model = ManifoldAutoencoder(TSNE(random_state=0), random_state=0).fit(
    train
)
codes = model.transform(unseen)

figure, axes = plt.subplots(
    1, 2, figsize=(10, 4.6), layout="constrained", sharex=True, sharey=True
)
axes[0].scatter(*model.embedding_.T, c=y_train, cmap="tab10", s=6)
axes[0].set(title="t-SNE of 1,497 digits", xticks=[], yticks=[])
axes[1].scatter(*model.embedding_.T, c="#dddddd", s=6)
points = axes[1].scatter(*codes.T, c=y_unseen, cmap="tab10", s=14)
axes[1].set_title("300 digits that it has not seen")
figure.colorbar(points, ax=axes, ticks=range(10))

# %%
# t-SNE tears the digits apart, so that a smooth map would put new ones
# between the clusters. Rows that were held out prefer the map that answers
# with one of the codes of the nearest landmarks.
print(
    model.encoder_,
    {
        name: round(v, 3)
        for name, v in model.validation_trustworthiness_.items()
    },
)
known, new = (train, model.embedding_), (unseen, codes)
print(f"{trustworthiness(*known):.3f} {trustworthiness(*new):.3f}")

# %%
# Codes have rows too: digits on the way from one cluster to its neighbour.
centres = [
    np.median(model.embedding_[y_train == digit], axis=0)
    for digit in (3, 9)
]
way = np.linspace(*centres, 10)
figure, axes = plt.subplots(1, 10, figsize=(10, 1.3), layout="constrained")
for axis, image in zip(axes, model.inverse_transform(way), strict=True):
    axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
    axis.set_axis_off()
plt.show()
