"""The convolutional autoencoder."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_ae.architectures import Augmentation, Convolutional
from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._slots import TABLE_PARAMETERS


class ConvolutionalAutoencoder(BaseAutoencoder):
    """Autoencoder of images, with convolutions in encoder and decoder.

    Takes arrays of shape (n, height, width), (n, height, width, n_channels) or, with 1, 3 or
    4 channels, (n, n_channels, height, width), torch tensors of the latter shape, flat rows with
    `image_shape`, and lists of images of different sizes. Integers are scaled to [0, 1] and
    come back as they went in. Where images have one size, PCA of all pixels stands beside the
    network: it starts there and keeps what held-out images prefer.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1; 16 for images of different sizes.
    image_shape : tuple of int, default=None
        Height, width and, if there are any, channels of images that come as flat rows, or
        whose shape does not tell the channels. Flat rows are images of height 1 otherwise.
    channels : tuple of int, default=None
        Channels of each scale, from the image to the code; each scale halves height and
        width. None takes 16, doubled at each scale up to 64, for as many scales as
        bring the longer side to 8 pixels, at least 1 and at most 4.
    kernel_size : int, default=3
        Height and width of the kernels. Borders are padded by zeros.
    pooling : {"stride", "max", "average"}, default="stride"
        How a scale halves the image: by a convolution of stride 2, or by pooling after it.
    residual_blocks : int, default=0
        Blocks of two convolutions beside the identity that follow at each scale.
    hidden_layer_sizes : tuple of int, default=None
        Widths of dense layers between feature map and code, mirrored in the decoder. None
        takes one of 256.
    augment : "auto", Augmentation or None, default="auto"
        Random shifts, flips, rotations and crops of the training images. "auto" shifts
        them by whole pixels, up to 4 % of height and width: by one pixel for 28 x 28, and not
        at all below 13 or for rows of height 1.
    architecture : Architecture, default=None
        Encoder and decoder, in place of `channels`, `kernel_size`, `pooling`,
        `residual_blocks`, `hidden_layer_sizes`, `activation`, `dropout`, `hidden_noise`,
        `normalization`, `image_shape` and `augment`. None means :class:`Convolutional`.

    Notes
    -----
    `n_features_in_` is the number of pixels times channels, or of channels where images
    differ in size; scores are then means over pixels. Errors and scores are in the range
    that the network sees, [0, 1] for integers.

    Axes of the same images may be in another order than in `fit`, and answers are in that of
    the argument. Pixels that are clearly in another unit than those of `fit` are answered as
    they are, and the first time with an :class:`OtherRangeWarning`.

    References
    ----------
    Masci et al., Stacked convolutional auto-encoders for hierarchical feature extraction,
    ICANN 2011.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ae import ConvolutionalAutoencoder
    >>> images = load_digits().images
    >>> autoencoder = ConvolutionalAutoencoder(8, max_iter=2, random_state=0).fit(images)
    >>> autoencoder.transform(images).shape, autoencoder.reconstruct(images).shape
    ((1797, 8), (1797, 8, 8))
    """

    _parameter_constraints: dict = {
        "image_shape": [tuple, list, None],
        "channels": [tuple, list, Interval(Integral, 1, None, closed="left"), None],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "pooling": [StrOptions({"stride", "max", "average"})],
        "residual_blocks": [Interval(Integral, 0, None, closed="left")],
        "augment": [StrOptions({"auto"}), Augmentation, None],
    }
    _preset_architecture = Convolutional
    _left_out = frozenset({"tied_weights", "deep_features", *TABLE_PARAMETERS})

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        image_shape: tuple[int, ...] | None = None,
        channels: tuple[int, ...] | None = None,
        kernel_size: int = 3,
        pooling: str = "stride",
        residual_blocks: int = 0,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        augment: str | Augmentation | None = "auto",
        **shared: Any,
    ) -> None:
        super().__init__(n_components, hidden_layer_sizes=hidden_layer_sizes, **shared)
        self.image_shape = image_shape
        self.channels = channels
        self.kernel_size = kernel_size
        self.pooling = pooling
        self.residual_blocks = residual_blocks
        self.augment = augment
