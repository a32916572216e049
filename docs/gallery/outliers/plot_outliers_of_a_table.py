"""
Outliers of a table
===================

:class:`~sklearn_ae.AutoencoderOutlierDetector` learns what rows are like,
here samples of benign tissue, and says of new ones how strange they are.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.model_selection import train_test_split

from sklearn_ae import AutoencoderOutlierDetector

# %%
# Two thirds of the benign samples are for the fit. The others, and the
# malignant ones, are new to both detectors. In ``y``, 1 is benign.
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
train, fresh = train_test_split(X[y == 1], test_size=0.33, random_state=0)
test = X.drop(index=train.index)
detectors = [
    IsolationForest(random_state=0),
    AutoencoderOutlierDetector(random_state=0),
]
for detector in detectors:
    detector.fit(train)
    scores = detector.score_samples(test)
    auroc = roc_auc_score(y[test.index], scores)
    print(f"{type(detector).__name__}: AUROC {auroc:.3f}")

# %%
# ``predict`` flags what is left of the line. By default, it is set so that
# one in ten of fresh rows like the training rows is flagged.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
labels = y[test.index].map({1: "benign", 0: "malignant"})
decisions = detector.decision_function(test)
flagged = detector.predict(test) == -1
for name in ("benign", "malignant"):
    of_kind = (labels == name).to_numpy()
    axes[0].hist(decisions[of_kind], bins=30, alpha=0.6, label=name)
    print(f"{name}: {flagged[of_kind].mean():.0%} flagged")
axes[0].axvline(0, color="0.3", lw=1)
axes[0].set(xlabel="decision_function", ylabel="rows")
axes[0].legend()
for one in detectors:
    RocCurveDisplay.from_predictions(
        y[test.index],
        one.score_samples(test),
        name=type(one).__name__,
        ax=axes[1],
    )
plt.show()
