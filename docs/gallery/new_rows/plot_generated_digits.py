"""
New digits
==========

:class:`~sklearn_ae.VariationalAutoencoder` with convolutions is a density
of images. Here it is one given the class, so that each column of the
picture can be asked for by its label.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_ae import Convolutional, VariationalAutoencoder

# %%
# ``loss="bernoulli"`` takes a pixel in [0, 1] as the probability of ink.
# With a small ``beta`` the code holds more of each image, and the new ones
# vary more; the bound on the density is then not what is maximised.
digits = load_digits()
model = VariationalAutoencoder(
    8,
    beta=0.3,
    architecture=Convolutional(),
    loss="bernoulli",
    max_iter=40,
    random_state=0,
).fit(digits.images / 16, condition=digits.target)

# %%
# ``sample`` draws pixels too, and each would be 0 or 1. The picture shows
# expected pixels instead: codes are drawn from the normal prior, and
# ``inverse_transform`` decodes them. Each row is one code, decoded as ten
# classes: it holds what they share, such as the strength of the ink.
n_rows = 6
codes = np.random.default_rng(0).standard_normal(
    (n_rows, model.n_components_)
)
classes = np.arange(10)
images = model.inverse_transform(
    np.repeat(codes, 10, axis=0), np.tile(classes, n_rows)
)
print("nats in each component:", model.kl_per_component_.round(2))

# %%
# The last row shows digits of the data set, for comparison.
examples = [digits.images[digits.target == c][0] / 16 for c in classes]
figure, axes = plt.subplots(
    n_rows + 1, 10, figsize=(7.5, 5.6), layout="constrained"
)
for i, (ax, image) in enumerate(
    zip(axes.flat, [*images, *examples], strict=True)
):
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    if i < 10:
        ax.set_title(f"{i}")
axes[n_rows // 2, 0].set_ylabel("decoded from draws of the prior")
axes[-1, 0].set_ylabel("data", rotation=0, ha="right", va="center")
plt.show()
