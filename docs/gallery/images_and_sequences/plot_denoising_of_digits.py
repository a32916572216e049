"""
Denoising of digits
===================

:class:`~sklearn_ae.DenoisingAutoencoder` learns to rebuild clean images
from noisy ones. It gets clean images and draws the noise itself, anew in
each batch. With ``Convolutional()`` as architecture and no bottleneck, the
network keeps the size of the image from the first layer to the last.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sklearn_ae import Convolutional, DenoisingAutoencoder, GaussianNoise

# %%
# The scale of :class:`~sklearn_ae.GaussianNoise` is in standard deviations
# of a pixel. The held-out digits get noise of the same kind, as strong as
# the signal.
train, clean = train_test_split(load_digits().images, random_state=0)
rng = np.random.default_rng(0)
noisy = clean + rng.normal(size=clean.shape) * train.std(axis=0)


def error(images):
    """Return the mean squared error of held-out pixels."""
    return np.mean((images - clean) ** 2)


# %%
# PCA denoises by leaving out components. It gets the number of components
# that is best for these very images. ``max_iter=0`` is where the denoiser
# starts: the ridge regression of clean pixels on noisy ones.
def pca_of(k):
    """Return the noisy images as k components keep them."""
    pca = PCA(n_components=k).fit(train.reshape(len(train), -1))
    flat = noisy.reshape(len(noisy), -1)
    return pca.inverse_transform(pca.transform(flat)).reshape(noisy.shape)


best = min(range(2, 41, 2), key=lambda k: error(pca_of(k)))
denoiser = DenoisingAutoencoder(
    architecture=Convolutional(),
    corruption=GaussianNoise(1.0),
    max_iter=20,
    random_state=0,
)
start = DenoisingAutoencoder(
    architecture=Convolutional(), corruption=GaussianNoise(1.0), max_iter=0
)
restored = {
    "noisy": noisy,
    f"PCA, {best} components": pca_of(best),
    "ridge regression": start.fit(train).reconstruct(noisy),
    "DenoisingAutoencoder": denoiser.fit(train).reconstruct(noisy),
}

# %%
# The labels give the mean squared error of all held-out pixels, whose
# range is 0 to 16.
rows = {"clean": clean} | {
    f"{name}\nerror {error(images):.1f}": images
    for name, images in restored.items()
}
figure, axes = plt.subplots(
    len(rows), 10, figsize=(9, 4.0), layout="constrained"
)
for line, (label, images) in zip(axes, rows.items(), strict=True):
    for ax, image in zip(line, images, strict=False):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(label, rotation=0, ha="right", va="center")
plt.show()
