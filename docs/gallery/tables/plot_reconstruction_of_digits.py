"""
Reconstruction from eight numbers
=================================

A code of 8 numbers is decoded back to 64 pixels. PCA and
:class:`~sklearn_ae.Autoencoder` minimise the same squared error, so the
two rows below can be compared pixel by pixel.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sklearn_ae import Autoencoder
from sklearn_ae.metrics import reconstruction_r2

# %%
# The digits in the picture are the first ten of the held-out rows.
X_train, X_test = train_test_split(load_digits().data, random_state=0)
shown = X_test[:10]
rows = {"original": shown}
for reducer in [
    PCA(n_components=8),
    Autoencoder(n_components=8, random_state=0),
]:
    reducer.fit(X_train)
    r2 = reconstruction_r2(reducer, X_test)
    name = f"{type(reducer).__name__}\nR² {r2:.2f}"
    rows[name] = reducer.inverse_transform(reducer.transform(shown))

# %%
# Both methods offer ``transform`` and ``inverse_transform``; the code that
# draws does not tell them apart.
figure, axes = plt.subplots(
    len(rows), len(shown), figsize=(9, 3.4), layout="constrained"
)
for line, (name, images) in zip(axes, rows.items(), strict=True):
    for ax, image in zip(line, images, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
