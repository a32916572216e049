"""Draw the picture of the README and of the front page: ``python docs/front_picture.py``."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklearn_ae import Autoencoder
from sklearn_ae.inspection import LatentDisplay, LatentTraversalDisplay

OUTPUT = Path(__file__).parent / "_static" / "codes_of_digits.png"


def main() -> None:
    """Fit two components to the digits, and draw codes and what they mean."""
    mpl.use("agg")
    digits, labels = load_digits(return_X_y=True)
    model = Autoencoder(2, max_iter=60, random_state=0).fit(digits)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    LatentDisplay.from_estimator(model, digits, y=labels, ax=axes[0])
    axes[0].set_title("1,797 digits as codes of two numbers; labels are colours only")
    LatentTraversalDisplay.from_estimator(model, digits, n_steps=14, image_shape=(8, 8), ax=axes[1])
    axes[1].set(title="what codes in between are decoded to", xticks=[], yticks=[])
    for ax in axes:
        ax.set(xlabel="component 0", ylabel="component 1")
    figure.savefig(OUTPUT, dpi=110)


if __name__ == "__main__":
    main()
