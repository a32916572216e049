"""
More pixels for a photograph
============================

:class:`~sklearn_ae.SuperResolver` learns from patches of one photograph
what a reduction by two takes away, and enlarges another one.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from torch.nn.functional import interpolate

from sklearn_ae import SuperResolver

# %%
# The training images are 1,200 patches of the first photograph in gray,
# without most of its sky. ``fit`` reduces them by itself.
building, flower = load_sample_images().images
gray = building[40:, :320].mean(axis=2).round().astype(np.uint8)
patches = extract_patches_2d(
    gray, (24, 24), max_patches=1200, random_state=0
)
resolver = SuperResolver(scale=2, max_iter=12, random_state=0).fit(patches)

# %%
# The second photograph is reduced in the same way, and enlarged again.
# Each channel is a gray image here. Bicubic interpolation is torch's.
true = flower[:426]
small = resolver.degrade(np.moveaxis(true, -1, 0))
large = np.moveaxis(resolver.predict(small), 0, -1)
bicubic = interpolate(
    torch.from_numpy(small)[None].float(), scale_factor=2, mode="bicubic"
)[0]
bicubic = np.moveaxis(
    bicubic.round().clip(0, 255).numpy().astype(np.uint8), 0, -1
)
reduced = np.moveaxis(small.repeat(2, axis=1).repeat(2, axis=2), 0, -1)


def psnr(image):
    """Return the peak signal-to-noise ratio in dB."""
    return 10 * np.log10(
        255**2 / np.mean((image.astype(float) - true) ** 2)
    )


# %%
# The crop shows petals. The peak signal-to-noise ratios are of the whole
# photograph; most of it is a dark and blurred background, where there is
# little to win.
images = {
    "reduced by 2": reduced,
    f"bicubic, {psnr(bicubic):.1f} dB": bicubic,
    f"SuperResolver, {psnr(large):.1f} dB": large,
    "the photograph": true,
}
crop = np.s_[215:279, 225:289]
figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
for ax, (title, image) in zip(axes, images.items(), strict=True):
    ax.imshow(image[crop], interpolation="nearest")
    ax.set(title=title, xticks=[], yticks=[])
plt.show()
