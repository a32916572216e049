"""Convolutional networks for images of one size, in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from sklearn_ae.architectures._convolution_layers import (
    Convolution,
    Features,
    Growth,
    ImageNorm,
    ResidualBlock,
    _Activated,
    _Doubling,
    _Halving,
)
from sklearn_ae.architectures._convolutional import _ImageDecoder, _ImageEncoder
from sklearn_ae.export._graph import Graph, translate, translates
from sklearn_ae.export._networks import activated


@translates(Convolution)
def _convolution(part: Convolution, graph: Graph, x: str) -> str:
    before, after = (part.kernel_size - 1) // 2, part.kernel_size // 2
    return graph.op(
        "Conv",
        x,
        part.weight,
        part.bias,
        strides=[part.stride] * 2,
        pads=[before, before, after, after],
    )


@translates(ImageNorm)
def _image_norm(part: ImageNorm, graph: Graph, x: str) -> str:
    shape = np.array([0, 1, -1], np.int64)
    flat = graph.op("Reshape", x, shape)
    one = np.ones(1, np.float32)
    standard = graph.op(
        "InstanceNormalization", flat, one, np.zeros(1, np.float32), epsilon=part.eps
    )
    back = graph.op("Reshape", standard, graph.op("Shape", x))
    scaled = graph.op("Mul", back, part.weight[:, None, None])
    return graph.op("Add", scaled, part.bias[:, None, None])


@translates(_Activated)
def _activated(part: _Activated, graph: Graph, x: str) -> str:
    if part.norm is not None:
        x = translate(part.norm, graph, x)
    return activated(graph, part.hidden.activation, x)


@translates(ResidualBlock)
def _residual_block(part: ResidualBlock, graph: Graph, x: str) -> str:
    inner = translate(part.between, graph, translate(part.first, graph, x))
    return graph.op("Add", x, translate(part.second, graph, inner))


@translates(_Halving)
def _halving(part: _Halving, graph: Graph, x: str) -> str:
    x = translate(part.after, graph, translate(part.convolution, graph, x))
    window: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}
    if part.pooling == "max":
        x = graph.op("MaxPool", x, **window)
    elif part.pooling == "average":
        x = graph.op("AveragePool", x, **window)
    for block in part.blocks:
        x = translate(block, graph, x)
    return x


@translates(Features)
def _features(part: Features, graph: Graph, x: str) -> str:
    for scale in part.scales:
        x = translate(scale, graph, x)
    return x


@translates(_Doubling)
def _doubling(part: _Doubling, graph: Graph, x: str, size: tuple[int, ...]) -> str:
    for block in part.blocks:
        x = translate(block, graph, x)
    pixels = translate(part.convolution, graph, x)
    return graph.sliced(graph.op("DepthToSpace", pixels, blocksize=2, mode="CRD"), size)


@translates(Growth)
def _growth(part: Growth, graph: Graph, x: str, sizes: list[tuple[int, ...]]) -> str:
    for before, scale, size in zip(part.before, part.scales, sizes, strict=True):
        x = translate(scale, graph, translate(before, graph, x), size)
    return x


def _resized(graph: Graph, x: str, maps: tuple[torch.Tensor, torch.Tensor]) -> str:
    """Multiply images by a matrix from the left and by one from the right."""
    rows, columns = maps
    return graph.op("MatMul", graph.op("MatMul", rows, x), columns.T)


def _pooling(size: int, to: int) -> torch.Tensor:
    """Return the matrix of adaptive average pooling of one side."""
    return F.adaptive_avg_pool1d(torch.eye(size)[None], to)[0].T


def _interpolation(size: int, to: int) -> torch.Tensor:
    """Return the matrix of linear interpolation of one side."""
    return F.interpolate(torch.eye(size)[None], to, mode="linear", align_corners=False)[0].T


@translates(_ImageEncoder)
def _image_encoder(part: _ImageEncoder, graph: Graph, x: str) -> str:
    images = graph.op("Transpose", graph.reshape(x, *part.sample_shape), perm=[0, 3, 1, 2])
    features = translate(part.features, graph, images)
    height, width = part.sample_shape[:2]
    for _ in part.features.scales:
        height, width = -(-height // 2), -(-width // 2)
    if (height, width) != part.map:
        maps = _pooling(height, part.map[0]), _pooling(width, part.map[1])
        features = _resized(graph, features, maps)
    cells = part.features.n_channels * part.map[0] * part.map[1]
    code = translate(part.mlp, graph, graph.reshape(features, cells))
    if part.linear is None:
        return code
    return graph.op("Add", translate(part.linear, graph, x), code)


@translates(_ImageDecoder)
def _image_decoder(part: _ImageDecoder, graph: Graph, x: str) -> str:
    sizes = part.scales.sizes(part.sample_shape[:2])
    features = translate(part.mlp, graph, translate(part.basis, graph, x))
    features = graph.reshape(features, part.growth.n_channels, *part.map)
    if sizes[-1] != part.map:
        pairs = zip(part.map, sizes[-1], strict=True)
        down, across = (_interpolation(a, b) for a, b in pairs)
        features = _resized(graph, features, (down, across))
    images = translate(part.growth, graph, features, sizes[-2::-1])
    height, width, channels = part.sample_shape
    images = graph.reshape(images, part.n_parameters, channels, height, width)
    cells = graph.op("Transpose", images, perm=[0, 1, 3, 4, 2])
    grown = graph.reshape(cells, part.n_parameters * channels * height * width)
    if part.linear is None:
        return grown
    weight = part.gate * part.linear.weight
    linear = graph.op("Gemm", x, weight, part.linear.bias, transB=1)
    return graph.op("Add", linear, grown)
