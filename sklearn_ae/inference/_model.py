"""A network with the scales of its rows and codes: all that inference needs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from sklearn_ae.data import (
    ColumnScaling,
    Extent,
    LazyRows,
    Ragged,
    SparseRows,
    as_numpy,
    block_rows,
    blocks,
    dense_block,
    plan,
)
from sklearn_ae.inference._factory import ModuleFactory
from sklearn_ae.inference._module import AutoencoderModule
from sklearn_ae.inference._sparse_passes import WIDE, SparsePasses
from sklearn_ae.inference._tensor_passes import TensorPasses, farthest_of
from sklearn_ae.inference._training_range import TrainingRange
from sklearn_ae.losses import Loss, SquaredError
from sklearn_ae.runtime import thread_count, torch_threads

# Cells of the widest layer in one inference block.
_BLOCK_CELLS = 2**20
# The loss of a cell at most, so that those of a row add up to a number.
LARGEST = 1e290
# A code that is far from all that training saw.
_FAR = 1e8
# Singular values of a decoder's slopes below this share of the largest are rounding.
_RANK = 1e-6

# Rows of one size, dense or not, or of different sizes.
Values = NDArray | LazyRows | Ragged
OfBlock = Callable[[NDArray, NDArray | None, Extent | None], NDArray]


class Model:
    """A trained network between X's units and the user's codes.

    The float64 copy of the weights is made when it is first needed, and kept until `clear_cache`.

    Parameters
    ----------
    factory : ModuleFactory
        Builds the network again when it is loaded.
    module : AutoencoderModule
        The network, float32.
    scaling : ColumnScaling
        Column scales of the training rows.
    loss : Loss
        What an error costs.
    target_scaling : ColumnScaling
        Column scales of what reconstructions are compared with.
    code_scale : ndarray of shape (n_components,)
        Factor from the network's codes to the user's.
    mixture : DefensiveMixture, optional
        What has a share of the density.
    training_range : TrainingRange, optional
        Where training rows lie. What lies beyond is added to the reconstruction as it is, as
        far as the code can hold it.
    term_weights : dict of str to ndarray, optional
        What terms of the objective have learned, to be trained further.
    """

    def __init__(
        self,
        factory: ModuleFactory,
        module: AutoencoderModule,
        scaling: ColumnScaling,
        loss: Loss,
        target_scaling: ColumnScaling,
        code_scale: NDArray[np.float64] | None = None,
        mixture: Any = None,
        training_range: TrainingRange | None = None,
        term_weights: dict[str, NDArray] | None = None,
    ) -> None:
        self.factory = factory
        self.module = module
        self.scaling = scaling
        self.loss = loss
        self.target_scaling = target_scaling
        self.code_scale = np.ones(factory.n_components) if code_scale is None else code_scale
        self.mixture = mixture
        self.training_range = training_range
        self.term_weights = term_weights or {}
        self._work = factory.work
        self.clear_cache()

    def clear_cache(self) -> None:
        """Forget the float64 copy of the weights; call it whenever they changed."""
        self._double: AutoencoderModule | None = None
        self._of_beyond: Tensor | None = None
        self._reach: float | None = None
        self._ends: dict[Any, tuple[Tensor, Tensor]] = {}

    def in_precision(self, dtype: DTypeLike) -> AutoencoderModule:
        """Return the network in float32 or float64."""
        if np.dtype(dtype) == np.float32:
            return self.module
        double = self._double
        if double is None:
            double = copy.deepcopy(self.module)
            double = (double.to("cpu") if self.device.type == "mps" else double).double()
            self._double = double
        return double

    def copy(self) -> Model:
        """Return a copy that shares no weight."""
        module = copy.deepcopy(self.module)
        return Model(
            self.factory,
            module,
            self.scaling,
            self.loss,
            self.target_scaling,
            self.code_scale,
            self.mixture,
            self.training_range,
            self.term_weights,
        )

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.device_of(self.module)

    def takes(self, x: Tensor) -> bool:
        """Whether rows or codes can stay where they are; what follows then returns tensors."""
        return TensorPasses.possible(self, x)

    def encode(self, x: Any, condition: NDArray | None = None) -> Any:
        """Return the codes of rows in X's units, in their dtype."""
        if torch.is_tensor(x):
            return TensorPasses(self, x).encode(x, condition)
        sparse = self.sparse_passes(x, condition)
        if sparse is not None:
            codes = np.empty((len(x), self.factory.n_components), x.dtype)
            for part, code in sparse.codes(cast(SparseRows, x)):
                codes[part] = code
            return codes
        device = self.device_of(self.in_precision(x.dtype))
        standardized = self._standardizer(x.dtype)
        scale = as_tensor(device, self.code_scale, x.dtype)
        largest = float(np.finfo(x.dtype).max)

        def function(block: NDArray, given: NDArray | None, extent: Extent | None) -> NDArray:
            standard, near = standardized(block)
            coded = self.coder(x.dtype, near)

            def scaled(rows: Tensor, condition: Tensor | None) -> Tensor:
                return (coded(rows, condition) * scale).clamp_(-largest, largest)

            return _computed(device, scaled, standard, given, x.dtype)

        return self.by_block(function, x, condition, self.factory.n_components)

    def coder(
        self, dtype: np.dtype, near: bool = False
    ) -> Callable[[Tensor, Tensor | None], Tensor]:
        """Return what makes the network's codes of standardised rows of a dtype.

        Parameters
        ----------
        dtype : dtype
            float32 or float64.
        near : bool, default=False
            Whether it is known that all rows are within the training range.
        """
        module = self.in_precision(dtype)
        if near or self.training_range is None:
            return module.averaged

        def coded(rows: Tensor, condition: Tensor | None) -> Tensor:
            inside = rows.clamp(*self._ends_like(rows))
            code = module.averaged(inside, condition)
            if torch.equal(inside, rows):
                return code
            beyond = torch.nan_to_num(rows - inside)
            return code + beyond @ self._code_of_beyond().to(rows) if beyond.any() else code

        return coded

    def _ends_like(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ends of the training range where some rows are, of their type."""
        key = (rows.dtype, rows.device)
        if key not in self._ends:
            given = cast(TrainingRange, self.training_range)
            self._ends[key] = (rows.new_tensor(given.low), rows.new_tensor(given.high))
        return self._ends[key]

    def fixed_range(self) -> TrainingRange | None:
        """Return the training range with which codes of all rows stay what they are."""
        if self.training_range is None:
            return None
        return self.training_range._replace(of_beyond=self._code_of_beyond().cpu().numpy())

    @torch.no_grad()
    def _code_of_beyond(self) -> Tensor:
        """Return the map of what lies beyond the training range to codes that it is restored from.

        Far from the codes that it was trained on, a decoder is linear.
        """
        kept = None if self.training_range is None else self.training_range.of_beyond
        if kept is not None:
            return torch.from_numpy(kept).to(self.device)
        if self._of_beyond is None:
            module = self.in_precision(np.float64)
            identity = np.eye(self.factory.n_components)
            far = as_tensor(self.device_of(module), _FAR * identity, identity.dtype)
            n_conditions = self.factory.n_conditions
            given = far.new_zeros(len(far), n_conditions) if n_conditions else None
            slopes = (module.decode(far, given) - module.decode(-far, given)) / (2 * _FAR)
            # Least squares are of errors in X's units.
            units = torch.as_tensor(self.target_scaling.scale).to(slopes)
            self._of_beyond = units[:, None] * torch.linalg.pinv(slopes * units, rtol=_RANK)
        return self._of_beyond

    def deep_features(self, x: Any, condition: NDArray | None = None) -> Any:
        """Return the codes of rows followed by the encoder's hidden layers, in their dtype."""
        if torch.is_tensor(x):
            passes = TensorPasses(self, x)
            return torch.cat([f(x, condition) for f in (passes.encode, passes.hidden_layers)], 1)
        module = self.in_precision(x.dtype)
        device = self.device_of(module)
        standardized = self.standardizer(x.dtype)

        def function(block: NDArray, given: NDArray | None, extent: Extent | None) -> NDArray:
            return _computed(device, module.hidden_layers, standardized(block), given, x.dtype)

        hidden = self.by_block(function, x, condition, sum(module.encoder.hidden_widths))
        return np.concatenate([self.encode(x, condition), hidden], axis=1)

    def decode(
        self, code: Any, condition: NDArray | None = None, like: Ragged | None = None
    ) -> Any:
        """Return the rows, in X's units, of codes, in their dtype.

        Parameters
        ----------
        code : ndarray of shape (n, n_components)
            Codes in the user's units.
        condition : ndarray of shape (n, n_conditions), optional
            What the rows are conditioned on.
        like : Ragged, optional
            Rows of the sizes to decode to, where they differ.
        """
        if torch.is_tensor(code):
            if type(self.loss).restore is Loss.restore:
                return TensorPasses(self, code).decode(code, condition)
            code = as_numpy(code)

        def function(block: NDArray, given: NDArray | None, extent: Extent | None) -> NDArray:
            return self.loss.restore(self.output(block, given, extent), self.target_scaling)

        return self.to_rows(function, code, condition, like)

    def errors(self, x: Any, condition: NDArray | None = None, target: Values | None = None) -> Any:
        """Return the loss of each cell in X's units."""
        if torch.is_tensor(x):
            if self.loss.of_difference:
                return torch.cat(list(TensorPasses(self, x).errors(x, condition)))
            x = as_numpy(x)
        if isinstance(x if target is None else target, Ragged):
            target = cast(Ragged, x if target is None else target)
            code = self.encode(x, condition)
            out = Ragged.empty(target.sizes, self.factory.n_features, np.float64)
            like = x if isinstance(x, Ragged) else target
            for rows, given, extent in self._by_size(like, condition):
                output = self.output(code[rows], given, extent)
                cells = target.block(rows).astype(np.float64, copy=False)
                out.put(rows, self.cell_errors(cells, output))
            return out
        errors = np.empty((len(x), self.loss.n_cells(self.factory.n_features)))
        with self._threads(len(x)):
            for part, block in self._errors_by_block(x, condition, target):
                errors[part] = block
        return errors

    def row_errors(
        self, x: Any, condition: NDArray | None = None, target: Values | None = None
    ) -> Any:
        """Return the loss of each row in X's units, holding no more than a block of cells.

        Rows with missing cells have the mean over observed cells times the number of
        features, those without an observed cell 0, and rows of different sizes the mean over
        their pixels or steps.
        """
        if torch.is_tensor(x):
            if self.loss.of_difference:
                return TensorPasses(self, x).row_errors(x, condition)
            x = as_numpy(x)
        if isinstance(x, Ragged):
            return self.errors(x, condition, target).means()
        sparse = self.sparse_passes(x, condition)
        if sparse is not None and target is None and type(self.loss) is SquaredError:
            return sparse.row_errors(cast(SparseRows, x))
        out = np.empty(len(x))
        with self._threads(len(x)):
            for part, errors in self._errors_by_block(x, condition, target):
                out[part] = errors.sum(axis=1)
                missing = np.isnan(out[part])
                if missing.any():
                    observed = (~np.isnan(errors[missing])).sum(axis=1)
                    share = errors.shape[1] / np.maximum(observed, 1)
                    out[part][missing] = np.nansum(errors[missing], axis=1) * share
        return out

    def sparse_passes(
        self, x: Values, condition: NDArray | None, dtype: Any = None
    ) -> SparsePasses | None:
        """Return what goes over rows without making them dense, where it can."""
        module = self.in_precision(x.dtype if dtype is None else dtype)
        wide = isinstance(x, SparseRows) and x.shape[1] > WIDE
        alone = condition is None and not len(self.factory.missing_columns)
        scalings = (self.scaling, self.target_scaling)
        if wide and alone and SparsePasses.possible(module, *scalings):
            return SparsePasses(module, *scalings, self.code_scale)
        return None

    def _errors_by_block(
        self, x: Values, condition: NDArray | None, target: Values | None
    ) -> Iterator[tuple[slice | NDArray, NDArray[np.float64]]]:
        """Yield positions of rows of one size and the losses of their cells."""
        device = self.device_of(self.in_precision(x.dtype))
        standardized = self._standardizer(x.dtype)
        for part, block, _ in blocks(x, self._block_cells(x)):
            given = None if condition is None else condition[part]
            standard, near = standardized(block)
            code = run_in_float64(device, self.coder(x.dtype, near), standard, given, x.dtype)
            output = self.output(narrowed(code * self.code_scale, x.dtype), given)
            clean = block if target is None else dense_block(target, part)
            clean = clean.astype(x.dtype, copy=False)
            yield part, self.cell_errors(clean, output)

    def cell_errors(self, x: NDArray, output: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the loss of cells, given what the decoder writes; sums over rows are finite."""
        with np.errstate(over="ignore"):
            errors = self.loss.errors(x, output, self.target_scaling)
        return np.clip(errors, -LARGEST, LARGEST, out=errors)

    def standardizer(self, dtype: np.dtype) -> Callable[[NDArray], NDArray]:
        """Return what standardises rows of a dtype, in that dtype."""
        standardized = self._standardizer(dtype)
        return lambda block: standardized(block)[0]

    def _standardizer(self, dtype: np.dtype) -> Callable[[NDArray], tuple[NDArray, bool]]:
        """Return what standardises rows, and tells whether all are near the training rows."""
        standardized = self.scaling.standardizer(dtype)
        fills = self.factory.sample_shape is None and not len(self.factory.missing_columns)
        farthest, reach = farthest_of(dtype), self._reach
        if reach is None:
            given = self.training_range
            reach = self._reach = math.inf if given is None else given.reach

        def filled(block: NDArray) -> tuple[NDArray, bool]:
            with np.errstate(over="ignore", invalid="ignore"):
                standard = standardized(block)
                low, high = standard.min(), standard.max()
            if not (low >= -farthest and high <= farthest):
                standard = np.clip(standard, -farthest, farthest)
                if fills:
                    # Cells that are missing for the first time are read as their column's mean.
                    standard[np.isnan(standard)] = 0.0
                return standard, False
            return standard, bool(low >= -reach and high <= reach)

        return filled

    def output(
        self, code: NDArray, condition: NDArray | None, extent: Extent | None = None
    ) -> NDArray[np.float64]:
        """What the loss reads, of codes in the user's units."""
        module, farthest = self.in_precision(code.dtype), farthest_of(code.dtype)
        with np.errstate(over="ignore"):
            own = np.clip(code / self.code_scale, -farthest, farthest)
        device = self.device_of(module)
        return run_in_float64(device, module.decode, own, condition, code.dtype, extent)

    @staticmethod
    def device_of(module: AutoencoderModule) -> torch.device:
        """Return where a network is."""
        return next(module.parameters()).device

    def by_block(
        self,
        function: OfBlock,
        values: Values,
        condition: NDArray | None,
        width: int,
        dtype: np.dtype | None = None,
    ) -> NDArray:
        """Apply a function to rows block by block; it gives `width` columns."""
        out = np.empty((len(values), width), dtype=dtype or values.dtype)
        with self._threads(len(values)):
            for part, block, rows in blocks(values, self._block_cells(values)):
                given = None if condition is None else condition[part]
                found = function(block, given, None if rows is None else _extent(rows))
                out[part] = narrowed(found, out.dtype)
        return out

    def to_rows(
        self,
        function: OfBlock,
        code: NDArray,
        condition: NDArray | None,
        like: Ragged | None,
    ) -> Any:
        """Apply a function from codes to rows block by block."""
        if like is None:
            return self.by_block(function, code, condition, self.factory.n_features)
        out = Ragged.empty(like.sizes, self.factory.n_features, code.dtype)
        for rows, given, extent in self._by_size(like, condition):
            out.put(rows, narrowed(function(code[rows], given, extent), code.dtype))
        return out

    def _by_size(
        self, like: Ragged, condition: NDArray | None
    ) -> Iterator[tuple[NDArray, NDArray | None, Extent]]:
        """Yield rows that are decoded together, their condition and their size."""
        with self._threads(len(like)):
            for rows in plan(like.sizes, _BLOCK_CELLS // self._cell_width):
                given = None if condition is None else condition[rows]
                yield rows, given, _extent(like[rows])

    @property
    def _cell_width(self) -> int:
        """Numbers that a pixel or step takes in the widest layer."""
        return max(16, self.factory.n_features)

    def _block_cells(self, values: Values) -> int:
        if isinstance(values, Ragged):
            return _BLOCK_CELLS // self._cell_width
        return self._block_rows * values.shape[1]

    @property
    def _block_rows(self) -> int:
        return max(64, block_rows(_BLOCK_CELLS, max(256, self.factory.n_features)))

    def _threads(self, n_rows: int) -> AbstractContextManager[None]:
        return torch_threads(thread_count(self._work * min(self._block_rows, n_rows)))


def _extent(rows: Ragged) -> Extent:
    """Return the size of a block, and the lengths of its sequences."""
    lengths = None if rows.lengths is None else torch.from_numpy(rows.lengths)
    return Extent(tuple(int(s) for s in rows.sizes.max(axis=0)), lengths)


def narrowed(values: NDArray, dtype: np.dtype) -> NDArray:
    """Return numbers of a dtype; those that it cannot hold are its largest."""
    if values.dtype == dtype:
        return values
    largest = np.finfo(dtype).max
    return np.clip(values, -largest, largest).astype(dtype)


def run_in_float64(
    device: torch.device,
    function: Callable[..., Tensor],
    values: NDArray,
    condition: NDArray | None,
    dtype: np.dtype,
    extent: Extent | None = None,
) -> NDArray[np.float64]:
    result = _computed(device, function, values, condition, dtype, extent)
    return result.astype(np.float64, copy=False)


def _computed(
    device: torch.device,
    function: Callable[..., Tensor],
    values: NDArray,
    condition: NDArray | None,
    dtype: np.dtype,
    extent: Extent | None = None,
) -> NDArray:
    """Apply a part of the network to an array."""
    with torch.no_grad():
        given = None if condition is None else as_tensor(device, condition, dtype)
        further = () if extent is None else (extent,)
        result = function(as_tensor(device, values, dtype), given, *further)
    return result.cpu().numpy()


def as_tensor(device: torch.device, values: NDArray, dtype: np.dtype) -> Tensor:
    values = np.ascontiguousarray(values, dtype)
    # Rows may be a memory map that cannot be written, which torch warns of.
    return torch.from_numpy(values if values.flags.writeable else values.copy()).to(device)
