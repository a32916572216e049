"""Codes of what encoders write, in ONNX."""

from __future__ import annotations

import numpy as np

from sklearn_ae.export._graph import Graph, translates
from sklearn_ae.latents._batch_top_k import _LargestOfBatch
from sklearn_ae.latents._deterministic import _Identity
from sklearn_ae.latents._gaussian import GaussianModule
from sklearn_ae.latents._jump_relu import _Jump
from sklearn_ae.latents._mmd import _Standard
from sklearn_ae.latents._sigmoid import _Squashed
from sklearn_ae.latents._top_k import _Largest
from sklearn_ae.latents._vector_quantized import VectorQuantizedModule


@translates(_Identity, _Standard)
def _identity(part: _Identity, graph: Graph, x: str) -> str:
    return x


@translates(_Squashed)
def _squashed(part: _Squashed, graph: Graph, x: str) -> str:
    return graph.op("Sigmoid", x)


@translates(GaussianModule)
def _mean(part: GaussianModule, graph: Graph, x: str) -> str:
    return graph.op("Split", x, axis=1)


@translates(_Largest)
def _largest(part: _Largest, graph: Graph, x: str) -> str:
    graph.op("TopK", graph.op("Abs", x), np.array([part.n_active], np.int64), axis=1)
    places = graph.nodes[-1].output[1]
    kept = graph.op("GatherElements", x, places, axis=1)
    empty = graph.op("Mul", x, np.float32(0))
    return graph.op("ScatterElements", empty, places, kept, axis=1)


def _above(graph: Graph, x: str, threshold: object) -> str:
    kept = graph.op("GreaterOrEqual", graph.op("Abs", x), threshold)
    return graph.op("Mul", x, graph.cast(kept, np.float32))


@translates(_LargestOfBatch)
def _largest_of_batch(part: _LargestOfBatch, graph: Graph, x: str) -> str:
    return _above(graph, x, part.threshold)


@translates(_Jump)
def _jump(part: _Jump, graph: Graph, x: str) -> str:
    return _above(graph, x, part.log_threshold.exp())


@translates(VectorQuantizedModule)
def _words(part: VectorQuantizedModule, graph: Graph, x: str) -> str:
    words, code = part.words, None
    for own in words:
        product = graph.op("MatMul", x, own.T)
        distance = graph.op("Sub", own.square().sum(dim=1), graph.op("Mul", product, np.float32(2)))
        nearest = graph.op("ArgMin", distance, axis=1, keepdims=0)
        word = graph.op("Gather", own, nearest, axis=0)
        code = word if code is None else graph.op("Add", code, word)
    assert code is not None
    return code
