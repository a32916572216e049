"""Dense networks in ONNX."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_ae.architectures._chained import Affine, Chain
from sklearn_ae.architectures._dense import LinearPlusResidual, Perceptron
from sklearn_ae.architectures._layers import (
    MLP,
    BatchNorm,
    FixedLinear,
    LayerNorm,
    Linear,
    TiedLinear,
)
from sklearn_ae.architectures._tied import _TiedDecoder, _TiedEncoder
from sklearn_ae.export._graph import Graph, translate, translates
from sklearn_ae.inference import AutoencoderModule

_SOFT_RANGE = 3.0


@translates(Linear, FixedLinear, TiedLinear)
def _linear(part: Linear, graph: Graph, x: str) -> str:
    return graph.op("Gemm", x, part.weight, part.bias, transB=1)


def affine(graph: Graph, layer: Linear, x: str) -> str:
    """Apply an affine map to the last axis of x, however many axes it has."""
    return graph.op("Add", graph.op("MatMul", x, layer.weight.T), layer.bias)


def activated(graph: Graph, activation: str, x: str) -> str:
    """Apply an activation."""
    if activation == "identity":
        return x
    if activation == "silu":
        return graph.op("Mul", x, graph.op("Sigmoid", x))
    if activation == "gelu":
        share = graph.op("Erf", graph.op("Mul", x, np.float32(0.5**0.5)))
        half = graph.op("Mul", x, np.float32(0.5))
        return graph.op("Mul", half, graph.op("Add", share, np.float32(1)))
    return graph.op(
        {"logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "elu": "Elu"}[activation], x
    )


@translates(BatchNorm)
def _batch_norm(part: BatchNorm, graph: Graph, x: str) -> str:
    moments = (part.weight, part.bias, part.running_mean, part.running_var)
    return graph.op("BatchNormalization", x, *moments, epsilon=part.eps)


@translates(LayerNorm)
def _layer_norm(part: LayerNorm, graph: Graph, x: str) -> str:
    return graph.op("LayerNormalization", x, part.weight, part.bias, axis=-1, epsilon=part.eps)


@translates(MLP)
def _mlp(part: MLP, graph: Graph, x: str) -> str:
    *inner, last = part.layers
    for i, layer in enumerate(inner):
        x = translate(layer, graph, x)
        if part.norms:
            x = translate(part.norms[i], graph, x)
        x = activated(graph, part.hidden.activation, x)
    return translate(last, graph, x)


@translates(LinearPlusResidual)
def _linear_plus_residual(part: LinearPlusResidual, graph: Graph, x: str) -> str:
    y = translate(part.linear, graph, x)
    residual = part.residual
    if residual is None or not any(bool(p.any()) for p in residual.mlp.last.parameters()):
        return y
    if residual.basis is not None:
        x = translate(residual.basis, graph, x)
    small = graph.op("Asinh", graph.op("Div", x, np.float32(_SOFT_RANGE)))
    small = graph.op("Mul", small, np.float32(_SOFT_RANGE))
    return graph.op("Add", y, translate(residual.mlp, graph, small))


@translates(Perceptron)
def _perceptron(part: Perceptron, graph: Graph, x: str) -> str:
    return translate(part.mlp, graph, x)


@translates(_TiedEncoder)
def _tied_encoder(part: _TiedEncoder, graph: Graph, x: str) -> str:
    weight = part.linear.weight * part.scale * part.gain[:, None]
    y = graph.op("Gemm", x, weight, part.linear.bias, transB=1)
    rest = graph.op("Mul", translate(part.mlp, graph, graph.op("Tanh", x)), part.gate)
    return graph.op("Add", y, rest)


@translates(_TiedDecoder)
def _tied_decoder(part: _TiedDecoder, graph: Graph, x: str) -> str:
    shared = part.linear.shared_out
    divisor = torch.ones_like(part.linear.bias)
    divisor[:shared] = part.encoder.scale[:shared]
    y = graph.op("Div", translate(part.linear, graph, x), divisor)
    return graph.op("Add", y, graph.op("Mul", translate(part.mlp, graph, x), part.gate))


@translates(Affine)
def _fixed_units(part: Affine, graph: Graph, x: str) -> str:
    return graph.op("Mul", graph.op("Sub", x, part.shift), part.scale)


@translates(Chain)
def _chain(part: Chain, graph: Graph, x: str) -> str:
    *inner, last = part.coders
    for coder, units in zip(inner, part.units, strict=True):
        x = translate(units, graph, translate(coder, graph, x))
    return translate(last, graph, x)


def encoded(module: AutoencoderModule, graph: Graph, x: str) -> str:
    """Return the network's codes of standardised rows."""
    if module.missing_columns is not None:
        missing = graph.op("IsNaN", x)
        seen = graph.op("Gather", missing, module.missing_columns, axis=1)
        filled = graph.op("Where", missing, np.float32(0), x)
        x = graph.op("Concat", filled, graph.cast(seen, np.float32), axis=1)
    return translate(module.latent, graph, translate(module.encoder, graph, x))
