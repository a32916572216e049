"""
Pixels that tell the others
===========================

:class:`~sklearn_ae.AutoencoderFeatureSelector` keeps the columns from
which all others can be rebuilt. Here columns are the pixels of handwritten
digits.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ae import AutoencoderFeatureSelector

# %%
# Eight of 64 pixels are kept. The ridge regression that they were chosen
# by rebuilds the others.
train, test = train_test_split(load_digits().data, random_state=0)
selector = AutoencoderFeatureSelector(
    8, estimator="ridge", random_state=0
).fit(train)
rebuilt = selector.inverse_transform(selector.transform(test))
print(selector.selection_)

# %%
# The first picture has the pixels in the order in which they were kept,
# and how much of the variance of all pixels each explains beyond those
# before it. Beside it are digits that were held out, and what eight of
# their pixels tell of them.
figure = plt.figure(figsize=(9, 3.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 2])
ax = left.subplots()
image = ax.imshow(
    selector.feature_importances_.reshape(8, 8), cmap="Blues"
)
for pixel in selector.get_support(indices=True):
    ax.text(
        pixel % 8,
        pixel // 8,
        selector.ranking_[pixel],
        ha="center",
        va="center",
        color="C3",
    )
ax.set(xticks=[], yticks=[], title="share of the variance")
left.colorbar(image, ax=ax, shrink=0.7)

shown = {
    "digit": test,
    "kept": np.where(selector.get_support(), test, np.nan),
    "rebuilt": rebuilt,
}
for (name, rows), axes in zip(
    shown.items(), right.subplots(3, 8), strict=True
):
    for ax, row in zip(axes, rows, strict=False):
        ax.imshow(row.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
