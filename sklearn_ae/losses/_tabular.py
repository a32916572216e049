"""The loss of tables whose columns are of several kinds."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln, log_softmax, xlogy
from torch import Tensor

from sklearn_ae.data import Columns, ColumnScaling, TableScaling, level_spans
from sklearn_ae.losses._base import CellLoss, Loss
from sklearn_ae.losses._likelihoods import Bernoulli, Poisson
from sklearn_ae.starts import LinearStart

# Probabilities of levels are kept this far from 0 before a logarithm is taken.
_EDGE = 1e-6
# Logits lie within this of 0.
_LARGEST_LOGIT = 30.0
# The slope of a level's logit at the start, in standard deviations of its indicator.
_STEEPEST = 4.0


class _TabularCells(CellLoss):
    """Costs of the dense form, one kind after the other.

    The cost of a categorical column stands in its levels, in that of the observed one.
    """

    mean: Tensor
    scale: Tensor
    offset: Tensor
    slope: Tensor
    groups: Tensor
    count_mean: Tensor
    count_scale: Tensor

    def __init__(self, loss: TabularLoss, scaling: TableScaling) -> None:
        columns = loss.columns
        super().__init__(scaling, loss.column_weights(scaling))
        self.spans = [columns.of_kind(kind) for kind in ("numeric", "count", "binary")]
        self.levels = columns.of_kind("categorical")
        _, count, binary = self.spans
        self.numeric = loss.numeric.build(loss.numeric_scaling(scaling))
        self.count = Poisson().build(_part(scaling, count))
        self.binary = Bernoulli().build(_part(scaling, binary))
        self.nats = loss.log_likelihood
        self.numeric_unit = loss.numeric.unit(loss.numeric_scaling(scaling))
        offset, slope = loss.link(scaling)
        for name, values in (
            ("mean", scaling.mean[self.levels]),
            ("scale", scaling.scale[self.levels]),
            ("count_mean", scaling.mean[count]),
            ("count_scale", scaling.scale[count]),
            ("offset", offset),
            ("slope", slope),
            ("groups", loss.groups()),
        ):
            self.keep(name, values)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        numeric, count, binary = self.spans
        start = self.levels.start
        p = self.n_features
        parts = []
        if numeric.stop > numeric.start:
            width = numeric.stop - numeric.start
            own = [output[:, i * p : i * p + width] for i in range(output.shape[1] // p)]
            cost = self.numeric(torch.cat(own, dim=1), target[:, numeric])
            parts.append(cost * self.numeric_unit)
        if count.stop > count.start:
            cost = self.count(output[:, count], target[:, count]) * (count.stop - count.start)
            if not self.nats:  # a share of the deviance, which is 0 at the best
                x = (self.count_mean + self.count_scale * target[:, count]).clamp(min=0.0)
                cost = cost - x + torch.xlogy(x, x) - torch.lgamma(x + 1)
            parts.append(cost)
        if binary.stop > binary.start:
            parts.append(
                self.binary(output[:, binary], target[:, binary]) * (binary.stop - binary.start)
            )
        if self.levels.stop > start:
            logit = self.offset + self.slope * output[:, self.levels]
            logit = logit.clamp(-_LARGEST_LOGIT, _LARGEST_LOGIT)
            total = (logit.exp() @ self.groups).log() @ self.groups.T
            x = self.mean + self.scale * target[:, self.levels]
            parts.append(x * (total - logit))
        return torch.cat(parts, dim=1) * self.weight


class TabularLoss(Loss):
    """A loss of its own for each kind of column, none of which drowns the others.

    Numbers have the loss that the estimator was given, in standard units; counts half the
    deviance of a Poisson distribution; two levels the Bernoulli and more levels the categorical
    cross-entropy. Each is divided by the loss of the column's best constant, so a cell costs a
    share of that. Where the loss of numbers is a likelihood, all are in nats instead.

    Parameters
    ----------
    numeric : Loss
        The loss of numbers.
    columns : Columns
        The columns of the table.
    """

    def __init__(self, numeric: Loss, columns: Columns) -> None:
        self.numeric = numeric
        self.columns = columns

    @property
    def n_parameters(self) -> int:  # type: ignore[override]
        """Numbers that a decoder writes for each column of the dense form."""
        return self.numeric.n_parameters

    @property
    def log_likelihood(self) -> bool:  # type: ignore[override]
        """Whether the loss is minus the logarithm of a density."""
        return self.numeric.log_likelihood

    def numeric_scaling(self, scaling: TableScaling) -> ColumnScaling:
        """Return the scales of numbers: X's where the loss is a density, or else standard units."""
        part = _part(scaling, self.columns.of_kind("numeric"))
        if self.log_likelihood:
            return part
        return ColumnScaling(np.zeros_like(part.mean), (part.scale > 0).astype(np.float64))

    def column_weights(self, scaling: TableScaling) -> NDArray[np.float64]:
        """Weight of each column of the dense form."""
        varies = scaling.scale > 0
        best = np.ones_like(scaling.best) if self.log_likelihood else scaling.best
        return varies / best / self.unit(scaling)

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        assert isinstance(scaling, TableScaling)
        return _TabularCells(self, scaling)

    def unit(self, scaling: ColumnScaling) -> float:
        """Number of columns that vary."""
        return float(max(1, sum(scaling.scale[span].any() for span in self.columns.spans)))

    def link(self, scaling: TableScaling) -> tuple[NDArray, NDArray]:
        """Offset and slope from what the decoder writes to the logits of levels.

        The start follows the linear reconstruction of the indicators to first order.
        """
        span = self.columns.of_kind("categorical")
        p = np.clip(scaling.mean[span], _EDGE, 1.0)
        slope = np.minimum(scaling.scale[span] / p, _STEEPEST)
        return np.log(p), slope

    def groups(self) -> NDArray[np.float64]:
        """Indicators of the column that each level belongs to, (n_levels, n_categorical)."""
        spans = level_spans(self.columns)
        first = self.columns.of_kind("categorical").start
        out = np.zeros((sum(s.stop - s.start for s in spans), len(spans)))
        for i, span in enumerate(spans):
            out[span.start - first : span.stop - first, i] = 1.0
        return out

    def n_cells(self, n_features: int) -> int:
        """Number of columns of the table."""
        return len(self.columns)

    def outputs(self, start: LinearStart) -> tuple[Tensor, Tensor | None]:
        """Return the start's decoder as a map to what this loss reads."""
        return self.numeric.outputs(start)

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Cost of each cell of the table, NaN where it is missing."""
        assert isinstance(scaling, TableScaling)
        cells = np.empty(x.shape)
        numeric, count, binary, levels = self._parts(output)
        spans = [self.columns.of_kind(k) for k in ("numeric", "count", "binary", "categorical")]
        own = self.numeric_scaling(scaling)
        seen = x[:, spans[0]]
        if not self.log_likelihood:
            seen = _part(scaling, spans[0]).apply(seen)
        cells[:, spans[0]] = self.numeric.errors(seen, numeric, own)
        counted = x[:, spans[1]]
        rate = Poisson().restore(count, _part(scaling, spans[1]))
        cells[:, spans[1]] = rate - xlogy(counted, rate)
        if self.log_likelihood:
            cells[:, spans[1]] += gammaln(counted + 1.0)
        else:
            cells[:, spans[1]] += xlogy(counted, counted) - counted
        cells[:, spans[2]] = Bernoulli().errors(x[:, spans[2]], binary, _part(scaling, spans[2]))
        cells[:, spans[3]] = -x[:, spans[3]] * self._log_probabilities(levels, scaling)
        varies = scaling.scale > 0
        if not self.log_likelihood:
            cells /= scaling.best
        cells = np.where(varies | np.isnan(x), cells, 0.0)
        return self.columns.sums(cells)

    def constants(self, x: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Part of each row's loss that does not depend on the network."""
        assert isinstance(scaling, TableScaling)
        return self.numeric.constants(
            x[:, self.columns.of_kind("numeric")], self.numeric_scaling(scaling)
        )

    def restore(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Return expected numbers and counts, and probabilities of levels."""
        assert isinstance(scaling, TableScaling)
        return self._written(output, scaling, None)

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw rows in the dense form."""
        assert isinstance(scaling, TableScaling)
        return self._written(output, scaling, rng)

    def free(self, n_features: int) -> NDArray[np.bool_]:
        """Columns of numbers, as their loss says, and of counts."""
        out = np.zeros(n_features, dtype=bool)
        numeric, count = self.columns.of_kind("numeric"), self.columns.of_kind("count")
        out[numeric] = self.numeric.free(numeric.stop - numeric.start)
        out[count] = True
        return out

    def whole(self, column: int) -> tuple[float, float] | None:
        """Return the ends of whole numbers of a column of numbers or counts."""
        count = self.columns.of_kind("count")
        counted = count.start <= column < count.stop
        return (0.0, np.inf) if counted else self.numeric.whole(column)

    def check(self, x: NDArray) -> None:
        """Raise if numbers are not in the domain of their loss."""
        self.numeric.check(x)

    def _parts(self, output: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Split what the decoder writes by kind."""
        p = self.columns.width
        numeric = self.columns.of_kind("numeric")
        width = numeric.stop - numeric.start
        own = [output[:, i * p : i * p + width] for i in range(output.shape[1] // p)]
        count, binary, levels = (
            output[:, self.columns.of_kind(kind)] for kind in ("count", "binary", "categorical")
        )
        return np.concatenate(own, axis=1), count, binary, levels

    def _written(
        self, output: NDArray, scaling: TableScaling, rng: np.random.Generator | None
    ) -> NDArray[np.float64]:
        out = np.empty((len(output), self.columns.width))
        numeric, count, binary, levels = self._parts(output)
        own = self.numeric_scaling(scaling)
        losses = (
            (self.numeric, "numeric", numeric, own),
            (Poisson(), "count", count, None),
            (Bernoulli(), "binary", binary, None),
        )
        for loss, kind, part, units in losses:
            span = self.columns.of_kind(kind)
            units = _part(scaling, span) if units is None else units
            found = loss.restore(part, units) if rng is None else loss.sample(part, units, rng)
            if kind == "numeric" and not self.log_likelihood:
                found = _part(scaling, span).restore(found)
            out[:, span] = found
        probability = np.exp(self._log_probabilities(levels, scaling))
        first = self.columns.of_kind("categorical").start
        for span in level_spans(self.columns):
            local = slice(span.start - first, span.stop - first)
            p = probability[:, local]
            if rng is not None:
                drawn = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
                p = np.eye(p.shape[1])[np.minimum(drawn, p.shape[1] - 1)]
            out[:, span] = p
        return out

    def _log_probabilities(self, output: NDArray, scaling: TableScaling) -> NDArray[np.float64]:
        offset, slope = self.link(scaling)
        logit = np.clip(offset + slope * output, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        first = self.columns.of_kind("categorical").start
        for span in level_spans(self.columns):
            local = slice(span.start - first, span.stop - first)
            logit[:, local] = log_softmax(logit[:, local], axis=1)
        return logit


def _part(scaling: ColumnScaling, span: slice) -> ColumnScaling:
    """Return the scales of some columns."""
    return ColumnScaling(scaling.mean[span], scaling.scale[span])
