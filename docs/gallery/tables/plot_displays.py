"""
What a code holds, in pictures
==============================

Displays follow scikit-learn's convention: ``from_estimator`` draws, and
what was drawn is an attribute. They take a Pipeline that ends in an
autoencoder, and PCA.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder, SparseAutoencoder
from sklearn_ae.inspection import (
    LatentDisplay,
    LatentTraversalDisplay,
    LossCurveDisplay,
    RateDistortionDisplay,
    ReconstructionDisplay,
)

digits, labels = load_digits(return_X_y=True)
wine = load_wine(as_frame=True).data

# %%
# Codes
# -----
# Two numbers a digit, coloured by what it is. Labels had no part in the
# fit.
model = Autoencoder(2, max_iter=60, random_state=0).fit(digits)
LatentDisplay.from_estimator(model, digits, y=labels)
plt.show()

# %%
# The same with the digits themselves.
LatentDisplay.from_estimator(
    model, digits, thumbnails="images", image_shape=(8, 8), s=2
)
plt.show()

# %%
# What components mean
# --------------------
# Codes of a grid are decoded: digits turn into each other.
LatentTraversalDisplay.from_estimator(
    model, digits, n_steps=12, image_shape=(8, 8)
)
plt.show()

# %%
# Of a table, the columns along one component.
pipeline = make_pipeline(
    StandardScaler(), Autoencoder(2, random_state=0)
).fit(wine)
LatentTraversalDisplay.from_estimator(pipeline, wine)
plt.show()

# %%
# What is kept
# ------------
# Rows, what 2 and 32 numbers keep of them, and the difference.
longer = SparseAutoencoder(32, max_iter=30, random_state=0).fit(digits)
for fitted in (model, longer):
    ReconstructionDisplay.from_estimator(
        fitted, digits, image_shape=(8, 8)
    )
    plt.show()

# %%
# Of a table, each cell in standard deviations of its column.
ReconstructionDisplay.from_estimator(pipeline, wine)
plt.show()

# %%
# How many components
# -------------------
# Held-out rows of three folds, with PCA beside the autoencoder. Where the
# two lines meet, the start was kept: more components than that are a task
# for PCA.
RateDistortionDisplay.from_estimator(pipeline, wine)
plt.show()

# %%
# How the fit went
# ----------------
# Losses of training rows and of held-out rows, the loss of the start, the
# terms of the objective, and the epoch that was kept.
LossCurveDisplay.from_estimator(longer)
plt.show()
