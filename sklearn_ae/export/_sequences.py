"""Recurrent networks for sequences of one length, in ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from sklearn_ae.architectures._recurrent import (
    _FREQUENCIES,
    _GRU,
    _LSTM,
    _SMOOTH,
    _Recurrence,
    _SequenceDecoder,
    _SequenceEncoder,
)
from sklearn_ae.export._graph import Graph, translate, translates
from sklearn_ae.export._networks import affine

# ONNX's order of gates, as places in torch's.
_GATES: dict[type, tuple[str, tuple[int, ...]]] = {
    _GRU: ("GRU", (1, 0, 2)),
    _LSTM: ("LSTM", (0, 3, 1, 2)),
}


@translates(_GRU, _LSTM)
def _recurrent_layer(part: _GRU | _LSTM, graph: Graph, x: str) -> str:
    kind, order = _GATES[type(part)]

    def ordered(values: Any) -> torch.Tensor:
        gates = values.chunk(len(order))
        return torch.cat([gates[i] for i in order])

    weights = [ordered(w)[None] for w in (part.weight_ih_l0, part.weight_hh_l0)]
    biases = torch.cat([ordered(b) for b in (part.bias_ih_l0, part.bias_hh_l0)])[None]
    further: dict[str, Any] = {"linear_before_reset": 1} if kind == "GRU" else {}
    steps = graph.op("Transpose", x, perm=[1, 0, 2])
    states = graph.op(kind, steps, *weights, biases, hidden_size=part.hidden_size, **further)
    # (steps, directions, n, hidden)
    states = graph.op("Squeeze", states, np.array([1], np.int64))
    return graph.op("Transpose", states, perm=[1, 0, 2])


@translates(_Recurrence)
def _recurrence(part: _Recurrence, graph: Graph, x: str) -> str:
    for layer in part.layers:
        x = translate(layer, graph, x)
    return x


@translates(_SequenceEncoder)
def _sequence_encoder(part: _SequenceEncoder, graph: Graph, x: str) -> str:
    n_steps, n_channels = part.sample_shape
    steps = graph.reshape(x, n_steps, n_channels)
    missing = graph.op("IsNaN", steps)
    observed = graph.cast(graph.op("Not", missing), np.float32)
    values = graph.op("Where", missing, np.float32(0), steps)
    inputs = graph.op("Concat", values, observed, axis=2)
    position = np.arange(1, n_steps + 1, dtype=np.float32)
    some = graph.op("Min", graph.total(observed, 2), np.float32(1))
    last = graph.op("TopK", graph.op("Mul", some, position), np.array([1], np.int64), axis=1)
    lengths = graph.op("Max", last, np.float32(1))  # (n, 1)

    def mask(comparison: str) -> str:
        where = graph.cast(graph.op(comparison, position, lengths), np.float32)
        return graph.op("Unsqueeze", where, np.array([2], np.int64))

    present, final = mask("LessOrEqual"), mask("Equal")
    whole = graph.op("Squeeze", graph.cast(lengths, np.int64), np.array([1], np.int64))
    back = graph.op("ReverseSequence", inputs, whole, batch_axis=0, time_axis=1)
    summaries = []
    for recurrence, read in ((part.onward, inputs), (part.backward, back)):
        if recurrence is not None:
            states = translate(recurrence, graph, read)
            mean = graph.op("Div", graph.total(graph.op("Mul", states, present), 1), lengths)
            summaries += [graph.total(graph.op("Mul", states, final), 1), mean]
    code = translate(part.last, graph, graph.op("Concat", *summaries, axis=1))
    if part.linear is None:
        return code
    flat = graph.reshape(values, part.n_cells)
    return graph.op("Add", translate(part.linear, graph, flat), code)


@translates(_SequenceDecoder)
def _sequence_decoder(part: _SequenceDecoder, graph: Graph, x: str) -> str:
    n_steps, n_channels = part.sample_shape
    begin = torch.arange(n_steps) / n_steps
    middle = begin + 0.5 / n_steps
    waves = [f(math.pi * k * middle) for k in _FREQUENCIES for f in (torch.sin, torch.cos)]
    time = torch.stack([begin, begin + 1 / n_steps, *waves], dim=1)
    k, n_times = part.basis.out_features, time.shape[1]
    # Time and code side by side, as a sum of the two with zeros beside each.
    beside = torch.cat([torch.zeros(k, n_times), torch.eye(k)], dim=1)
    code = graph.op("MatMul", translate(part.basis, graph, x), beside)
    code = graph.op("Unsqueeze", code, np.array([1], np.int64))
    inner = graph.op("Add", code, torch.cat([time, torch.zeros(n_steps, k)], dim=1))
    if part.recurrence is not None:
        inner = translate(part.recurrence, graph, inner)
    width = part.mlp.first.in_features
    steps = translate(part.mlp, graph, graph.reshape(inner, width))
    steps = graph.reshape(steps, n_steps, part.n_parameters * n_channels)
    if part.smooth is not None:
        order = torch.arange(_SMOOTH)
        cosines = torch.cos(math.pi * order * middle[:, None])
        cosines = cosines * torch.where(order > 0, math.sqrt(2), 1.0)
        weights = graph.reshape(
            affine(graph, part.smooth, x), _SMOOTH, part.n_parameters * n_channels
        )
        steps = graph.op("Add", steps, graph.op("MatMul", cosines, weights))
    steps = graph.reshape(steps, n_steps, part.n_parameters, n_channels)
    cells = graph.op("Transpose", steps, perm=[0, 2, 1, 3])
    cells = graph.reshape(cells, part.n_parameters * n_steps * n_channels)
    if part.linear is None:
        return cells
    return graph.op("Add", translate(part.linear, graph, x), cells)
