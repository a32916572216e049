"""
Where an image is strange
=========================

``score_samples`` says which images are strange, and
``reconstruction_errors`` says which of their pixels are. The training
images have no defects.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from sklearn_ae import ConvolutionalAutoencoder

# %%
# Every second held-out digit gets a defect: a square of 2 x 2 pixels is
# inverted, ink to paper and paper to ink.
train, images = train_test_split(load_digits().images, random_state=0)
corners = np.random.default_rng(0).integers(0, 7, size=(len(images), 2))
defect = np.zeros(images.shape, dtype=bool)
for mask, (top, left) in zip(defect[::2], corners[::2], strict=True):
    mask[top : top + 2, left : left + 2] = True
images[defect] = 16 - images[defect]
has_defect = defect.any(axis=(1, 2))

# %%
# A narrow code cannot hold a defect that no training digit had. So the
# defect is missing from the reconstruction, and the difference shows where
# it was.
autoencoder = ConvolutionalAutoencoder(
    16, max_iter=40, random_state=0
).fit(train)
scores = autoencoder.score_samples(images)
errors = autoencoder.reconstruction_errors(images)
rebuilt = autoencoder.reconstruct(images)

strangest = errors.reshape(len(errors), -1).argmax(axis=1)
hit = defect.reshape(len(defect), -1)[np.arange(len(defect)), strangest]
auroc, found = roc_auc_score(~has_defect, scores), hit[has_defect].mean()
print(f"AUROC of the score, defects against whole digits: {auroc:.3f}")
print(f"strangest pixel lies in the defect: {found:.0%} of those with one")

# %%
# Ten held-out digits, from the most normal to the strangest, at equal
# distances in rank. A red square marks the defect.
shown = np.argsort(-scores)[
    np.linspace(0, len(scores) - 1, 10).astype(int)
]
rows = {
    "image": images,
    "reconstruction": rebuilt,
    "squared error": errors,
}
figure, axes = plt.subplots(3, 10, figsize=(9, 2.9), layout="constrained")
for line, (label, pixels) in zip(axes, rows.items(), strict=True):
    for ax, i in zip(line, shown, strict=True):
        if label == "squared error":
            ax.imshow(pixels[i], cmap="Blues", vmin=0, vmax=100)
        else:
            ax.imshow(pixels[i], cmap="gray_r", vmin=0, vmax=16)
        if label != "reconstruction" and has_defect[i]:
            top, left = corners[i]
            ax.add_patch(
                Rectangle(
                    (left - 0.5, top - 0.5), 2, 2, fill=False, color="red"
                )
            )
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(label, rotation=0, ha="right", va="center")
for ax, i in zip(axes[0], shown, strict=True):
    ax.set_title(f"{scores[i]:.0f}")
figure.suptitle("score_samples")
plt.show()
