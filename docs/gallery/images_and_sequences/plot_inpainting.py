"""
Filling holes in images
=======================

:class:`~sklearn_ae.Erasing` cuts a rectangle out of each training image,
of random size, shape and place. A
:class:`~sklearn_ae.DenoisingAutoencoder` that is trained on such pairs
fills holes in new images.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ae import Convolutional, DenoisingAutoencoder, Erasing

# %%
# The hole is white, and so is the paper: the network is not told where the
# hole is.
train, whole = train_test_split(load_digits().images, random_state=0)
corruption = Erasing(area=0.25, value=0)
painter = DenoisingAutoencoder(
    architecture=Convolutional(),
    corruption=corruption,
    max_iter=30,
    random_state=0,
).fit(train)
start = DenoisingAutoencoder(
    architecture=Convolutional(), corruption=corruption, max_iter=0
)
start.fit(train)

# %%
# Each held-out digit loses a square of 4 x 4 pixels at a random place.
rng = np.random.default_rng(0)
corners = rng.integers(0, 5, size=(len(whole), 2))
hole = np.zeros(whole.shape, dtype=bool)
for mask, (top, left) in zip(hole, corners, strict=True):
    mask[top : top + 4, left : left + 4] = True
holed = np.where(hole, 0, whole)


def error(images):
    """Return the mean squared error in the holes."""
    return np.mean((images - whole)[hole] ** 2)


# %%
# Only the hole is taken from the restored image; the other pixels are
# known. The labels give the mean squared error in the holes, of pixels
# that range from 0 to 16. Ridge regression is what the network starts
# from.
rows = {
    "original": whole,
    f"with a hole\nerror {error(holed):.1f}": holed,
}
for name, estimator in {
    "ridge regression": start,
    "DenoisingAutoencoder": painter,
}.items():
    filled = np.where(hole, estimator.reconstruct(holed), whole)
    rows[f"{name}\nerror {error(filled):.1f}"] = filled

figure, axes = plt.subplots(
    len(rows), 10, figsize=(9, 3.3), layout="constrained"
)
for line, (label, images) in zip(axes, rows.items(), strict=True):
    for ax, image, (top, left) in zip(line, images, corners, strict=False):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=16)
        if label != "original":
            ax.add_patch(
                Rectangle(
                    (left - 0.5, top - 0.5), 4, 4, fill=False, color="C3"
                )
            )
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(label, rotation=0, ha="right", va="center")
plt.show()
