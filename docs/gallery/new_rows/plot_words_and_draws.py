"""
Digits as words and as draws
============================

Two autoencoders that fix what codes are:
:class:`~sklearn_ae.VectorQuantizedAutoencoder` makes them words of
codebooks, so that an image is a few integers, and
:class:`~sklearn_ae.WassersteinAutoencoder` spreads them like draws from a
normal distribution, so that draws can be decoded.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ae import VectorQuantizedAutoencoder, WassersteinAutoencoder
from sklearn_ae.metrics import reconstruction_r2

X_train, X_test = train_test_split(load_digits().data, random_state=0)

# %%
# Sixteen components in eight codebooks of 64 words: 48 bits an image.
# k-means has 64 words for all 64 pixels, and restores less of images that
# it has not seen.
quantized = VectorQuantizedAutoencoder(
    n_components=16, random_state=0
).fit(X_train)
numbers = quantized.predict_codes(X_test)
print("the first image in integers:", numbers[0])
k_means = KMeans(n_clusters=64, random_state=0).fit(X_train)
nearest = k_means.cluster_centers_[k_means.predict(X_test)]
total = ((X_test - X_train.mean(axis=0)) ** 2).sum()
r2 = 1 - ((X_test - nearest) ** 2).sum() / total
print(f"R² of 64 means: {r2:.2f}")
print(f"R² of words: {reconstruction_r2(quantized, X_test):.2f}")

# %%
# Codes of the second are one point for each image, and together they are
# nearly normal. ``inverse_transform`` decodes new draws.
wasserstein = WassersteinAutoencoder(n_components=8, random_state=0).fit(
    X_train
)
codes = wasserstein.transform(X_test)
print("standard deviations of codes:", codes.std(axis=0).round(2))
draws = np.random.default_rng(0).standard_normal((10, 8))

# %%
# The picture has held-out images, what is left of them by 64 means and by
# words, and draws.
rows = {
    "image": X_test[:10],
    "64 means": nearest[:10],
    "words": quantized.reconstruct(X_test[:10]),
    "draws": wasserstein.inverse_transform(draws),
}
figure, axes = plt.subplots(
    4, 10, figsize=(7.5, 3.4), layout="constrained"
)
for (label, images), line in zip(rows.items(), axes, strict=True):
    for ax, image in zip(line, images, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(label, rotation=0, ha="right", va="center")
plt.show()
