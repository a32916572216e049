"""A linear filter beside bicubic interpolation, the linear answer to enlarging images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sklearn_ae.architectures import bicubic_kernel
from sklearn_ae.architectures._sub_pixel import RADIUS, TAPS, planes, replicated
from sklearn_ae.data import ColumnScaling, Ragged, Rows, plan
from sklearn_ae.starts._base import LinearStart, Start

# Pixels whose neighbourhoods are held at once.
_BLOCK_PIXELS = 2**16
_FOLDS = 5
# Strengths of the ridge penalty, as shares of the neighbours' mean variance.
_STRENGTHS = np.logspace(-6, 1, 8)


class BicubicStart(Start):
    """Bicubic interpolation, and a linear filter of what it leaves.

    With f for the 25 pixels around a pixel, less their mean, and r for what bicubic
    interpolation lacks of the scale² pixels that it becomes, the filter is
    (F'F + a I)⁻¹ F'R over all pixels of the training images, their mirror images and turns.
    The strength a is chosen by cross-validation over images. The filter is zero, and the
    start bicubic interpolation, where its gain on the images left out is not above one
    standard error over the folds.

    Parameters
    ----------
    scale : int
        How many times larger the images become.

    References
    ----------
    Keys, Cubic convolution interpolation for digital image processing, 1981.
    :doi:`10.1109/TASSP.1981.1163711`

    Romano, Isidoro & Milanfar, RAISR: Rapid and accurate image super resolution, 2017.
    :arxiv:`1606.01299`
    """

    def __init__(self, scale: int) -> None:
        self.scale = scale

    def scalings(self, rows: Rows, *, normal_scores: bool) -> tuple[ColumnScaling, ColumnScaling]:
        """Measure in one unit, the root mean square of what bicubic interpolation lacks."""
        values, target = _ragged(rows)
        lacking = sum(float(r.square().sum()) for _, _, r in self._pixels(values, target))
        scale = np.sqrt(lacking / target.cells.size)
        mean = values.cells.mean(axis=0, dtype=np.float64)
        if not scale > np.finfo(np.float32).eps * np.abs(values.cells).max():
            scale = values.cells.std(dtype=np.float64) or 1.0
        own = ColumnScaling(mean, np.full(len(mean), scale))
        each = target.shape[1] // len(mean)
        return own, ColumnScaling(np.repeat(mean, each), np.full(target.shape[1], scale))

    def solve(
        self,
        rows: Rows,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        n_components: int,
        generator: Generator,
    ) -> LinearStart:
        """Solve for the filter, the decoder of the answer; see `Start`.

        Returns
        -------
        start : LinearStart
            `encoder` is the identity, and `decoder`, of shape (25, scale ** 2), leads from a
            pixel's neighbours to what is added to bicubic interpolation.
        """
        values, target = _ragged(rows)
        n_folds = min(_FOLDS, len(values))
        fold = torch.randperm(len(values), generator=generator).numpy() % n_folds
        inputs = torch.zeros(n_folds, TAPS, TAPS, dtype=torch.float64)
        cross = torch.zeros(n_folds, TAPS, self.scale**2, dtype=torch.float64)
        unit = float(scaling.scale[0])
        for chosen, f, r in self._pixels(values, target):
            f, r = f / unit, r / unit
            per_image = f.transpose(1, 2) @ f, f.transpose(1, 2) @ r
            where = torch.from_numpy(fold[chosen])
            inputs.index_add_(0, where, per_image[0])
            cross.index_add_(0, where, per_image[1])
        return LinearStart(torch.eye(1, dtype=torch.float64), self._filter(inputs, cross))

    def _filter(self, inputs: Tensor, cross: Tensor) -> Tensor:
        """Return the filter of moments by fold, or zero if it does not win."""
        gains = torch.zeros(len(_STRENGTHS), len(inputs), dtype=torch.float64)
        all_inputs, all_cross = inputs.sum(0), cross.sum(0)
        for j, (left_out, its_cross) in enumerate(zip(inputs, cross, strict=True)):
            rest = self._symmetric(all_inputs - left_out, all_cross - its_cross)
            for i, strength in enumerate(_STRENGTHS):
                weight = _ridge(*rest, strength)
                gains[i, j] = (2 * weight * its_cross).sum() - (weight * (left_out @ weight)).sum()
        mean = gains.mean(1)
        best = int(mean.argmax())
        error = gains[best].std() / len(inputs) ** 0.5
        if len(inputs) < 2 or not mean[best] > error:
            return torch.zeros_like(all_cross)
        weight = _ridge(*self._symmetric(all_inputs, all_cross), _STRENGTHS[best])
        return weight - weight.mean(0)  # as the neighbours' mean is left out of them

    def _symmetric(self, inputs: Tensor, cross: Tensor) -> tuple[Tensor, Tensor]:
        """Moments of the images with all their mirror images and turns."""
        side = 2 * RADIUS + 1
        taps = np.arange(TAPS).reshape(side, side)
        pixels = np.arange(self.scale**2).reshape(self.scale, self.scale)
        sums = torch.zeros_like(inputs), torch.zeros_like(cross)
        for turn in range(4):
            for flip in (1, -1):
                i = np.rot90(taps, turn)[:, ::flip].ravel()
                o = np.rot90(pixels, turn)[:, ::flip].ravel()
                sums[0].add_(inputs[i][:, i])
                sums[1].add_(cross[i][:, o])
        return sums

    def _pixels(self, values: Ragged, target: Ragged) -> Iterator[tuple[NDArray, Tensor, Tensor]]:
        """Yield images, the neighbours of their pixels, and what bicubic interpolation lacks."""
        side = 2 * RADIUS + 1
        kernel = torch.from_numpy(bicubic_kernel(self.scale).reshape(-1, TAPS).T)
        for rows in plan(values.sizes, _BLOCK_PIXELS):
            x = torch.from_numpy(values.block(rows).astype(np.float64, copy=False))
            y = torch.from_numpy(target.block(rows).astype(np.float64, copy=False))
            around = replicated(planes(x))[:, 0].unfold(1, side, 1).unfold(2, side, 1)
            around = around.reshape(len(around), -1, TAPS)
            wanted = y.unflatten(-1, (x.shape[-1], -1)).movedim(-2, 1).flatten(2, 3).flatten(0, 1)
            lacking = wanted - around @ kernel
            f = around - around.mean(-1, keepdim=True)
            yield (
                rows,
                f.reshape(len(rows), -1, TAPS),
                lacking.reshape(len(rows), -1, self.scale**2),
            )


def _ragged(rows: Rows) -> tuple[Ragged, Ragged]:
    """Return the selected images and what they become."""
    return rows.selected(rows.values), rows.selected(rows.target)


def _ridge(inputs: Tensor, cross: Tensor, strength: float) -> Tensor:
    level = inputs.diagonal().mean()
    if not level > 0:
        return torch.zeros_like(cross)
    penalty = strength * level * torch.eye(len(inputs), dtype=inputs.dtype)
    return torch.linalg.solve(inputs + penalty, cross)
