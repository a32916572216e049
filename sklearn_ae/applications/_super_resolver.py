"""Images of higher resolution."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional as F

from sklearn_ae.applications._tiling import (
    adapter_of,
    cut_to,
    fold_pixels,
    read_images,
    tiles_of,
    window,
)
from sklearn_ae.architectures import SubPixel
from sklearn_ae.autoencoders import StateMixin, checkpointed
from sklearn_ae.data import SMALL, PixelRange, Ragged, Rows, as_images, plan
from sklearn_ae.inference import Model
from sklearn_ae.latents import Deterministic
from sklearn_ae.losses import SquaredError
from sklearn_ae.runtime import (
    Seeds,
    named_in_errors,
    resolve_device,
    thread_count,
    torch_defaults,
    torch_threads,
)
from sklearn_ae.sources._opening import refuse_source
from sklearn_ae.starts import BicubicStart
from sklearn_ae.training import (
    AutoencoderNet,
    Fitter,
    History,
    ModelSpec,
    TrainingConfig,
    fit_specs,
    training_threads,
)

# Fewer images than this are not held out whole, but tile by tile.
_FEW_IMAGES = 5
# Numbers of the low resolution in a batch, and in the epochs of a fit, by default.
_BATCH_CELLS = 6144
_MOST_IMAGES = 128
_FIT_CELLS = 28e6
_MOST_EPOCHS = 40
# Pixels of the low resolution that are enlarged, or of the high one that are reduced, at once.
_BLOCK_PIXELS = 2**17
_BLOCK_SIDE = 256


class SuperResolver(StateMixin):
    """Enlarge images by a whole number, in more detail than bicubic interpolation.

    With s for `scale`, each pixel of each channel becomes s² pixels,

        y = bicubic(x) + filter(x) + net(x - m(x)),

    where m(x) is the mean of its 5 x 5 neighbours, the filter a ridge regression of what
    bicubic interpolation lacks on these neighbours, and the net a stack of convolutions at low
    resolution. Training begins at net = 0. Held-out images choose the epoch, bicubic
    interpolation with the filter being epoch 0, and whether the filter is kept is chosen by
    cross-validation, so that the result is not expected to be worse than bicubic. `predict`
    averages what becomes of an image and of its mirror images and turns.

    Takes arrays of shape (n, height, width), (n, height, width, n_channels) or, with 1, 3 or
    4 channels, (n, n_channels, height, width), torch tensors of the latter shape, and lists of
    images of any sizes. Integers come back in their type, rounded and clipped to its range.
    Floats are not clipped.

    Parameters
    ----------
    scale : int, default=2
        How many times larger height and width become.
    degradation : {"bicubic", "area"}, default="bicubic"
        How `fit` makes images of low resolution where it is given none: bicubic
        interpolation with antialiasing, or means of blocks of s x s pixels.
    channels : int, default=32
        Features of each hidden layer.
    depth : int, default=4
        Convolutions of the net, at least 2.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="relu"
        Activation of the hidden layers. With "relu", images of twice the contrast become images
        of twice the contrast, so that units do not matter. With others than "relu" and
        "identity" they do, and floats that are clearly in another unit than those of `fit`
        give an :class:`OtherRangeWarning`, the first time.
    augment : bool, default=True
        Mirror and turn training images at random, and average predictions over the eight
        ways to do so, which takes `predict` eight times as long. Where training images are
        oblong, images are mirrored only.
    alpha : float, default=0.0
        Decoupled weight decay (L2) of AdamW.
    batch_size : int, default=None
        Images, or tiles of large ones, a batch. None takes as many as have 6,144 numbers
        in low resolution, at least 1 and at most 128.
    learning_rate_init : float, default=0.001
        Peak of the one-cycle learning rate.
    max_iter : int, default=None
        Epochs. None takes as many as pass 28 million numbers of low resolution through the
        net, at most 40 and at least 2. 0 returns bicubic interpolation with the filter.
    validation_fraction : float in (0, 1), default=0.1
        Share of the images held out. Below 1,000 images or tiles epochs are compared out of
        fold, and below 20 the net stays 0.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto".
    verbose : int, default=0
        1 prints a line an epoch.
    random_state : int, RandomState or None, default=None
        Feeds every draw. None draws a seed from the operating system; the global
        generators of numpy, Python and torch are never used.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The net; `net_.module_` is the torch module, between images in units of what bicubic
        interpolation lacks.
    n_iter_ : int
        Epochs run.
    history_ : DataFrame
        A row an epoch, the start being epoch 0. Losses are mean squared errors a pixel and
        channel of the high resolution, not averaged over mirror images; integers are in
        [0, 1].
    best_validation_loss_ : float or None
        Least loss of held-out images, the start included; None if none were held out.
    device_ : str
        Where the network is, such as "cpu" or "cuda:0". An estimator that is loaded where the
        device of its fit is not is on the CPU.
    n_features_in_ : int
        Number of channels.

    Notes
    -----
    Images of more than 32 pixels in low resolution are trained on in tiles of that size.
    Fewer than five images are held out by tiles, others whole.

    References
    ----------
    Shi et al., Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network, CVPR 2016. :arxiv:`1609.05158`

    Timofte, Rothe & Van Gool, Seven ways to improve example-based single image super
    resolution, CVPR 2016. :arxiv:`1511.02228`

    Romano, Isidoro & Milanfar, RAISR: Rapid and accurate image super resolution, 2017.
    :arxiv:`1606.01299`

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ae import SuperResolver
    >>> images = load_digits().images
    >>> resolver = SuperResolver(max_iter=2, random_state=0).fit(images[:1200])
    >>> small = resolver.degrade(images[1200:])
    >>> small.shape, resolver.predict(small).shape
    ((597, 4, 4), (597, 8, 8))
    """

    _parameter_constraints: dict = {
        "scale": [Interval(Integral, 2, None, closed="left")],
        "degradation": [StrOptions({"bicubic", "area"})],
        "channels": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 2, None, closed="left")],
        "activation": SubPixel._parameter_constraints["activation"],
        "augment": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }
    _model: Model
    _history: History
    _seen: PixelRange | None = None
    net_: AutoencoderNet

    @named_in_errors
    def __init__(
        self,
        scale: int = 2,
        *,
        degradation: str = "bicubic",
        channels: int = 32,
        depth: int = 4,
        activation: str = "relu",
        augment: bool = True,
        alpha: float = 0.0,
        batch_size: int | None = None,
        learning_rate_init: float = 0.001,
        max_iter: int | None = None,
        validation_fraction: float = 0.1,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        verbose: int = 0,
        random_state: int | None = None,
    ) -> None:
        self.scale = scale
        self.degradation = degradation
        self.channels = channels
        self.depth = depth
        self.activation = activation
        self.augment = augment
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.validation_fraction = validation_fraction
        self.checkpoint = checkpoint
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from images of high resolution, or from pairs.

        Parameters
        ----------
        X : images
            Images of high resolution, or of low resolution if y is given.
        y : images, default=None
            X in high resolution, `scale` times as high and wide. None reduces X by `degrade`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X holds no images, or sizes do not match. The estimator is then as it was.
        FloatingPointError
            If the loss stays infinite or NaN at ever lower learning rates.
        """
        self._validate_params()
        refuse_source(self, X)
        with checkpointed(self, X=X, y=y):
            self._fit(X, y)
        return self

    def _fit(self, X: Any, y: Any) -> None:
        device = resolve_device(self.device)
        low, high = self._pairs(self.degrade(X), X, cut=True) if y is None else self._pairs(X, y)
        rows, groups = self._rows(low, high)
        config = self._config(rows, device)
        architecture = SubPixel(
            self.scale, self.channels, self.depth, self.activation, self.augment
        )
        spec = ModelSpec(
            architecture=architecture,
            latent=Deterministic(),
            corruption=None,
            penalties=(),
            loss=SquaredError(),
            start=BicubicStart(self.scale),
        )
        entropy = Seeds.of(self.random_state).entropy
        fitter = Fitter(spec, config, Seeds(entropy), groups=groups)
        with torch_threads(training_threads(spec, config, rows)), torch_defaults():
            [fitted] = fit_specs([fitter], rows)
        fitted.net.optimizer_.state.clear()
        self.__dict__.update(
            net_=fitted.net,
            n_iter_=fitted.n_iter,
            n_features_in_=low.shape[1],
            _model=fitted.model,
            _seen=None if architecture.homogeneous else PixelRange(low.cells, low.dtype),
            _history=_by_pixel(fitted.history, high.shape[1] * self.scale**2),
            _spec_used=spec,
            _config_used=config,
        )

    def predict(self, X: Any) -> Any:
        """Enlarge images.

        Parameters
        ----------
        X : images
            Images of low resolution, of any size.

        Returns
        -------
        X_high : images
            Images `scale` times as high and wide, in the container and type of X.
        """
        check_is_fitted(self)
        adapter = adapter_of(X, "X", self.n_features_in_)
        images = read_images(adapter, X, "X")
        if images.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X holds images of {images.shape[1]} channels, but {self.n_features_in_} in fit; "
                "convert them to the same channels, or pass each channel as a gray image."
            )
        if self._seen is not None:
            self._seen.compare(images.cells, images.dtype)
        scale = self._model.factory.architecture.scale
        out = Ragged.empty(images.sizes * scale, images.shape[1], images.dtype)
        for rows in plan(images.sizes, _BLOCK_PIXELS):
            out.put(rows, self._enlarged(images.block(rows), scale))
        return adapter.container(X).wrap(out)

    def score(self, X: Any, y: Any) -> float:
        """Return the peak signal-to-noise ratio of enlarged images.

        It is 10 log10(R² / E) in dB, with the mean squared error E over all pixels and channels
        of all images. R is the largest value of the type of y for unsigned integers of 8 and 16
        bits, for other integers the least of 1, 255 and 65,535 that y does not exceed, and the
        largest less the least value of y for floats.

        Parameters
        ----------
        X : images
            Images of low resolution.
        y : images
            The same in high resolution.

        Returns
        -------
        psnr : float
            Higher is better; infinite if all pixels are equal.
        """
        check_is_fitted(self)
        _, high = self._pairs(X, y)
        adapter = adapter_of(X, "X", high.shape[1])
        found = read_images(adapter, self.predict(X), "X")
        error = np.square(found.cells.astype(np.float64) - high.cells).mean()
        whole = as_images(y)[0][0].dtype.kind in "iu"
        data_range = 1.0 if whole else float(np.ptp(high.cells)) or 1.0
        with np.errstate(divide="ignore"):
            return float(10 * np.log10(data_range * data_range / error))

    def degrade(self, X: Any) -> Any:
        """Return images of low resolution, as `fit` makes them.

        Parameters
        ----------
        X : images
            Images of high resolution. Rows and columns beyond a multiple of `scale` are cut
            away at the lower and right border.

        Returns
        -------
        X_low : images
            Images of height and width divided by `scale`, in the container and type of X.
        """
        self._validate_params()
        adapter = adapter_of(X, "X")
        high = cut_to(read_images(adapter, X, "X"), self.scale)
        out = Ragged.empty(high.sizes // self.scale, high.shape[1], high.dtype)
        for rows in plan(high.sizes, _BLOCK_PIXELS):
            block = torch.from_numpy(high.block(rows)).movedim(-1, 1)
            out.put(rows, self._reduced(block).movedim(1, -1).numpy())
        return adapter.container(X).wrap(out)

    def _reduced(self, images: Tensor) -> Tensor:
        if self.degradation == "area":
            return F.avg_pool2d(images, self.scale)
        size = [s // self.scale for s in images.shape[2:]]
        return F.interpolate(images, size, mode="bicubic", antialias=True)

    def _pairs(self, low: Any, high: Any, *, cut: bool = False) -> tuple[Ragged, Ragged]:
        """Check images of low and of high resolution, the latter cut to multiples if asked."""
        large = read_images(adapter_of(high, "y"), high, "y")
        small = read_images(adapter_of(low, "X", large.shape[1]), low, "X")
        if cut:
            return small, cut_to(large, self.scale)
        if len(small) != len(large):
            raise ValueError(
                f"X holds {len(small)} images, but y {len(large)}; pass each image of X in high "
                "resolution."
            )
        if small.shape[1] != large.shape[1]:
            raise ValueError(
                f"X holds images of {small.shape[1]} channels, but y of {large.shape[1]}; convert "
                "them to the same channels."
            )
        wrong = np.flatnonzero((large.sizes != small.sizes * self.scale).any(axis=1))
        if len(wrong):
            i = wrong[0]
            size, wanted = (tuple(map(int, s)) for s in (small.sizes[i], large.sizes[i]))
            raise ValueError(
                f"Image {i} of X has size {size}, but of y {wanted}, which is not scale="
                f"{self.scale} times as much; set scale, or pass y alone, which fit then reduces."
            )
        return small, large

    def _rows(self, low: Ragged, high: Ragged) -> tuple[Rows, NDArray[np.intp] | None]:
        """Cut images into tiles, and number the images that are held out whole."""
        small, large, numbers = [], [], []
        for i, (image, target) in enumerate(zip(low.arrays(), high.arrays(), strict=True)):
            squares = fold_pixels(target, self.scale)
            for part in tiles_of(image.shape[:2]):
                small.append(image[part])
                large.append(squares[part])
                numbers.append(i)
        sizes = np.median([tile.shape[:2] for tile in small], axis=0).astype(int)
        sample_shape = (*(int(size) for size in sizes), low.shape[1])
        rows = Rows(Ragged.of(small), target=Ragged.of(large), sample_shape=sample_shape)
        whole = len(low) >= _FEW_IMAGES and len(small) > len(low)
        return rows, np.array(numbers) if whole else None

    def _config(self, rows: Rows, device: str) -> TrainingConfig:
        assert isinstance(rows.values, Ragged)
        cells = rows.values.cells.size
        max_iter, batch_size = self.max_iter, self.batch_size
        if max_iter is None:
            passes = 1 if rows.n_rows >= SMALL else 5  # out of fold, and once more on all
            max_iter = int(np.clip(round(_FIT_CELLS / (passes * cells)), 2, _MOST_EPOCHS))
        if batch_size is None:
            batch_size = int(np.clip(_BATCH_CELLS * rows.n_rows // cells, 1, _MOST_IMAGES))
        return TrainingConfig(
            n_components=1,
            learning_rate_init=self.learning_rate_init,
            alpha=self.alpha,
            batch_size=batch_size,
            max_iter=max_iter,
            validation_fraction=self.validation_fraction,
            device=device,
            verbose=self.verbose,
        )

    def _enlarged(self, block: NDArray, scale: int) -> NDArray:
        """Enlarge images of one size, of shape (n, height, width, n_channels), part by part."""
        model = self._model
        module = model.in_precision(block.dtype)
        device = next(module.parameters()).device
        n, height, width, n_channels = block.shape
        standard = model.scaling.apply(block).astype(block.dtype)
        x = np.moveaxis(standard, -1, 1).reshape(-1, height, width, 1)
        out = np.empty((len(x), height, width, scale * scale), block.dtype)
        architecture, sample_shape = model.factory.architecture, model.factory.sample_shape
        radius = architecture.radius
        area = min(height, _BLOCK_SIDE) * min(width, _BLOCK_SIDE)
        step = max(1, _BLOCK_PIXELS // area)
        with torch.no_grad(), torch_threads(thread_count(model.factory.work * min(step, len(x)))):
            for first, top, left in np.ndindex(
                -(-len(x) // step), -(-height // _BLOCK_SIDE), -(-width // _BLOCK_SIDE)
            ):
                chosen = slice(first * step, (first + 1) * step)
                rows, own_rows = window(top, height, _BLOCK_SIDE, radius)
                columns, own_columns = window(left, width, _BLOCK_SIDE, radius)
                part = torch.from_numpy(np.ascontiguousarray(x[chosen, rows[0], columns[0]]))
                found = (
                    architecture.averaged(module.decode, part.to(device), sample_shape)
                    .cpu()
                    .numpy()
                )
                out[chosen, rows[1], columns[1]] = found[:, own_rows, own_columns]
        large = out.reshape(n, n_channels, height, width, scale, scale)
        large = large.transpose(0, 2, 4, 3, 5, 1).reshape(n, height * scale, width * scale, -1)
        return model.scaling.restore(large).astype(block.dtype)

    @property
    def history_(self) -> pd.DataFrame:
        """A row an epoch, the start being epoch 0; a column a named quantity."""
        return self._history.frame()

    @property
    def device_(self) -> str:
        """Where the network is: that of `fit`, or the CPU if loaded where that one is not."""
        return str(self._model.device)

    @property
    def best_validation_loss_(self) -> float | None:
        """Least loss of held-out images, the start included; None if none were held out."""
        curve = self._history.column("valid_loss")
        return float(np.nanmin(curve)) if len(curve) else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _by_pixel(history: History, n_values: int) -> History:
    """Return losses by pixel and channel of the high resolution."""
    losses = ("train_loss", "valid_loss", "reconstruction")
    factors = [1 / n_values if name in losses else 1.0 for name in history.columns]
    return History(history.columns, history.values * factors)
