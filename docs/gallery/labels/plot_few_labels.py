"""
Few labels
==========

Of 1,257 digits, 10 to 200 have a label. A logistic regression learns from
these alone. The classifier also sees the rows without one: it spreads
labels over a graph of nearest rows, and says how much each candidate
counts.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder, AutoencoderClassifier

X, y = load_digits(return_X_y=True)
X, X_new, y, y_new = train_test_split(
    X, y, test_size=0.3, random_state=0, stratify=y
)
scaler = StandardScaler().fit(X)
X, X_new = scaler.transform(X), scaler.transform(X_new)

# %%
# Rows without a label are marked by -1. The autoencoder is the closed form
# here.
counts = [10, 20, 50, 100, 200]
ours, alone = [], []
for count in counts:
    known = train_test_split(
        np.arange(len(y)), train_size=count, random_state=0, stratify=y
    )[0]
    few = np.full(len(y), -1)
    few[known] = y[known]
    classifier = AutoencoderClassifier(
        Autoencoder(max_iter=0), random_state=0
    ).fit(X, few)
    ours.append(classifier.score(X_new, y_new))
    regression = LogisticRegression(max_iter=500).fit(X[known], y[known])
    alone.append(regression.score(X_new, y_new))

figure, axes = plt.subplots()
axes.plot(counts, ours, "o-", label="AutoencoderClassifier")
axes.plot(counts, alone, "o-", label="LogisticRegression")
axes.set(xscale="log", xticks=counts, xticklabels=counts)
axes.set(xlabel="rows with a label", ylabel="accuracy on held-out rows")
axes.legend()
plt.show()

# %%
# The candidates that count most with 200 labels.
classifier.candidates_.sort_values("weight", ascending=False).head().round(
    3
)
