"""Private names of other libraries, gathered so that an upgrade touches one file."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from types import BuiltinFunctionType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._array_api import _convert_to_numpy, get_namespace_and_device
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_sample_weight
from torch import Tensor, nn
from torch._functorch.eager_transforms import (
    _create_differentiable,
    _undo_create_differentiable,
    _wrap_all_tensors,
    grad_increment_nesting,
)
from torch._ops import OpOverload as Overload
from torch.autograd.graph import _engine_run_backward
from torch.utils._python_dispatch import TorchDispatchMode as DispatchMode

# It is imported by the first call of `torch.func`, which may come within a fit.
if torch.__version__ < "2.8":
    import torch._dynamo

try:
    from sklearn.callback import CallbackContext, CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackContext:  # type: ignore[no-redef]
        """Has nobody to tell of a fit."""

        def call_on_fit_task_begin(self, **told: Any) -> None:
            """Tell nobody."""

        call_on_fit_task_end = call_on_fit_task_begin

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Has no `set_callbacks`."""

        def _init_callback_context(self, **described: Any) -> CallbackContext:
            return CallbackContext()

    def with_callbacks(fit: Callable) -> Callable:
        """Return `fit` as it is."""
        return fit


__all__ = [
    "AdamW",
    "AdamWUpdate",
    "CallbackContext",
    "CallbackSupportMixin",
    "DispatchMode",
    "Overload",
    "Trees",
    "binding",
    "check_sample_weight",
    "fused_adamw_",
    "import_compiler",
    "is_transformed",
    "lay_in_a_row",
    "linear",
    "namespace_and_device",
    "output_config",
    "overloads",
    "persistent_buffers",
    "row_of",
    "storage_key",
    "to_numpy",
    "total_norm",
    "trees_of",
    "vjp",
    "with_callbacks",
    "with_descriptions",
]

# Numbers up to which tensors are joined before they are read.
_SMALL = 2**17
# Where torch keeps the functions that it makes from the schemas of its operations.
_OWNERS = [torch, *(getattr(torch._C, name) for name in ("_linalg", "_nn"))]


def binding(name: str) -> Callable[..., Any] | None:
    """Return the function that torch made from an operation's schema, if there is one."""
    for owner in _OWNERS:
        function = getattr(owner, name, None)
        if isinstance(function, BuiltinFunctionType):
            return function
    return None


def overloads(operation: Overload) -> list[Overload]:
    """Return all overloads of an operation."""
    packet = operation.overloadpacket
    return [getattr(packet, name) for name in packet.overloads()]


def is_transformed(tensor: Tensor) -> bool:
    """Whether a tensor is what `torch.func` differentiates or maps over."""
    return torch._C._functorch.is_functorch_wrapped_tensor(tensor)


def vjp(
    function: Callable[[Tensor], Tensor], x: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return a function's value, and what maps directions of it to gradients in x.

    It is `torch.func.vjp` without its imports of torch's compiler and of sympy, which take
    seconds.
    """
    with grad_increment_nesting() as level, torch.enable_grad():
        leaf = _create_differentiable(_wrap_all_tensors(x, level), level)
        inner = function(leaf)
        value = _undo_create_differentiable(inner, level)

    def pull(direction: Tensor) -> Tensor:
        if not inner.requires_grad:
            return torch.zeros_like(leaf)
        [gradient] = _engine_run_backward(
            (inner,),
            (direction,),
            True,
            torch.is_grad_enabled(),
            (leaf,),
            True,
            accumulate_grad=False,
        )
        return torch.zeros_like(leaf) if gradient is None else gradient

    return value, pull


def import_compiler() -> None:
    """Import torch's compiler, as its optimizers do when the first one is made."""
    import torch._dynamo  # noqa: F401  # which takes seconds


def persistent_buffers(module: nn.Module) -> list[Tensor]:
    """Return the buffers of a module that its `state_dict` holds, and faster."""
    return [
        buffer
        for part in module.modules()
        for name, buffer in part._buffers.items()
        if buffer is not None and name not in part._non_persistent_buffers_set
    ]


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias`` by oneDNN, without a gradient."""
    return _onednn_linear()(x, weight, bias, "none", [], "")


@cache
def _onednn_linear() -> Overload:
    return torch.ops.mkldnn._linear_pointwise.default


def storage_key(tensor: Tensor) -> int:
    """Return a number that tensors which share memory have in common."""
    return tensor.untyped_storage()._cdata


def check_sample_weight(sample_weight: ArrayLike | None, rows: Any) -> NDArray[np.float64]:
    """Return a copy of the weights of rows, ones where there are none given.

    Raises
    ------
    ValueError
        If they are not one number a row, finite and not below zero, or if all are zero, which
        scikit-learn takes before 1.9. Numbers as text and dates, which it converts, are none.
    """
    if not hasattr(sample_weight, "__dlpack__") or isinstance(sample_weight, np.ndarray):
        cells = np.asarray(sample_weight)
        text = (
            [c for c in cells.flat if isinstance(c, str | bytes)] if cells.dtype == object else []
        )
        if cells.dtype.kind in "USTMm" or text:
            raise ValueError(
                f"sample_weight holds {(text or cells.flat)[0]!r:.60}, but weights are numbers, "
                "one a row; convert them, for example by np.asarray(sample_weight, dtype=float)."
            )
    # torch takes no memory that is read-only, as that of a pandas column.
    found = _check_sample_weight(
        sample_weight, rows, dtype=np.float64, copy=True, ensure_non_negative=True
    )
    if not found.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return found


def output_config(estimator: object) -> str:
    """Return what `set_output` asked of an estimator's `transform`: "default", "pandas", ..."""
    return _get_output_config("transform", estimator)["dense"]


def namespace_and_device(array: Any) -> tuple[Any, Any]:
    """Return the array API namespace of an array, and its device in it."""
    xp, _, device = get_namespace_and_device(array)
    return xp, device


def to_numpy(array: Any) -> NDArray:
    """Return an array of any library as one of numpy, without a copy where it is on the CPU."""
    if not torch.is_tensor(array):
        own = getattr(array, "__array_namespace__", None)
        return _convert_to_numpy(array, np if own is None else own())
    if array.layout != torch.strided:
        raise TypeError(
            f"X is a tensor of layout {array.layout}; pass X.to_dense(), or a scipy sparse matrix."
        )
    # numpy has no bfloat16; like float16, it is read as float64.
    array = array.double() if array.dtype == torch.bfloat16 else array
    return array.detach().cpu().numpy()


class AdamW(torch.optim.AdamW):
    """AdamW in one kernel, with gradients clipped to a norm of 1.

    It is made without torch's compiler, whose import takes seconds.

    Parameters
    ----------
    params : iterable of Parameter or of dict
        As in torch.
    lr : float
        Learning rate.
    weight_decay : float
        Decoupled weight decay.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    # Of the class, as copies of an optimizer have its parameters and moments alone.
    _update: AdamWUpdate | None = None

    def __init__(self, params: Any, lr: float = 1e-3, weight_decay: float = 0.01) -> None:
        given = inspect.signature(torch.optim.AdamW.__init__).parameters.values()
        defaults = {p.name: p.default for p in given if p.default is not p.empty}
        chosen = {"lr": lr, "weight_decay": weight_decay, "fused": True}
        defaults |= {**chosen, "decoupled_weight_decay": True}
        inspect.unwrap(torch.optim.Optimizer.__init__)(self, params, defaults)
        self._step_supports_amp_scaling = True

    def update(self) -> AdamWUpdate:
        """Return what updates the parameters that are trained now."""
        if self._update is None or not self._update.current():
            self._update = AdamWUpdate(self)
        return self._update

    def release(self) -> None:
        """Let go of the memory of parameters, which may come to lie elsewhere."""
        self._update = None

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update by the gradients that parameters have; those without one decay alone."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        update = self.update()
        update.set_rates([group["lr"] for group in self.param_groups])
        update([p.grad for p in update.leaves])
        return loss


class AdamWUpdate:
    """Clips gradients of all groups together and updates parameters and moments in place.

    Parameters
    ----------
    optimizer : AdamW
        Its moments are made, and laid in a row where parameters are few.
    """

    def __init__(self, optimizer: AdamW) -> None:
        self.optimizer = optimizer
        groups = optimizer.param_groups
        every = [p for group in groups for p in group["params"]]
        self._every = [(p, p.requires_grad) for p in every]
        self.step = optimizer.state[every[0]].get("step", torch.zeros((), device=every[0].device))
        for p in every:
            state = optimizer.state[p]
            if not state:
                state |= {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
            state["step"] = self.step
        self._first = [optimizer.state[p]["exp_avg"] for p in every]
        self._second = [optimizer.state[p]["exp_avg_sq"] for p in every]
        # So that an update is one operation.
        for tensors in (every, self._first, self._second):
            lay_in_a_row(tensors)
        self.leaves = [p for p in every if p.requires_grad]
        self.rates = torch.zeros(len(groups), device=every[0].device)
        self._groups = []
        start = 0
        for group, rate in zip(groups, self.rates.unbind(), strict=True):
            own = [p for p in group["params"] if p.requires_grad]
            part = slice(start, start := start + len(own))
            states = [optimizer.state[p] for p in own]
            moments = [[s[name] for s in states] for name in ("exp_avg", "exp_avg_sq")]
            rows = [row_of(tensors) for tensors in (own, *moments) if own]
            found = [[row] for row in rows if row is not None]
            in_a_row = len(found) == 3
            kept: list[list[Tensor]] = found if in_a_row else [own, *moments]
            self._groups.append((part, in_a_row, kept, rate, group["weight_decay"]))

    @property
    def in_a_row(self) -> bool:
        """Whether all parameters are trained, lie in one memory and are one group."""
        [first, *others] = self._groups
        return not others and first[1] and len(self.leaves) == len(self._every)

    def current(self) -> bool:
        """Whether it still is that of the parameters that are trained, and of their moments."""
        state = self.optimizer.state
        kept = zip(self._every, self._first, self._second, strict=True)
        return all(
            p.requires_grad == trained
            and state[p].get("exp_avg") is first
            and state[p]["exp_avg_sq"] is second
            for (p, trained), first, second in kept
        ) and self._decays() == [decay for *_, decay in self._groups]

    def _decays(self) -> list[float]:
        return [group["weight_decay"] for group in self.optimizer.param_groups]

    def set_rates(self, rates: list[float]) -> None:
        """Set the learning rate of each group."""
        self.rates.copy_(torch.tensor(rates, dtype=torch.float32))

    @property
    def moments(self) -> tuple[list[Tensor], list[Tensor]]:
        """First and second moments of all parameters."""
        return self._first, self._second

    def __call__(self, grads: Sequence[Tensor | None]) -> None:
        """Update by the gradients of the leaves."""
        found = [
            # The fused kernel reads memory in order, whatever the strides of a transpose.
            torch.zeros_like(leaf) if grad is None else grad.contiguous()
            for leaf, grad in zip(self.leaves, grads, strict=True)
        ]
        packed = []
        for part, in_a_row, *_ in self._groups:
            own = found[part]
            packed.append([torch.cat([g.view(-1) for g in own])] if in_a_row and own else own)
        divisor = torch.maximum(
            total_norm([grad for own in packed for grad in own]), self.rates.new_ones(())
        )
        self.step.add_(1)
        for own, (_, _, kept, rate, decay) in zip(packed, self._groups, strict=True):
            if own:
                fused_adamw_(kept[0], own, kept[1], kept[2], self.step, rate, decay, divisor)

    def forget(self) -> None:
        """Start anew."""
        torch._foreach_zero_([*self._first, *self._second, self.step])


def total_norm(tensors: Sequence[Tensor]) -> Tensor:
    """Return the Euclidean norm of all tensors together."""
    if len(tensors) == 1:
        return torch.linalg.vector_norm(tensors[0])
    if sum(t.numel() for t in tensors) <= _SMALL:
        return torch.linalg.vector_norm(torch.cat([t.reshape(-1) for t in tensors]))
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(t) for t in tensors]))


@torch.no_grad()
def lay_in_a_row(tensors: list[Tensor]) -> None:
    """Move the values of a few numbers' tensors into one memory, one after the other."""
    if sum(t.numel() for t in tensors) > _SMALL or row_of(tensors) is not None:
        return
    row = torch.cat([t.detach().reshape(-1) for t in tensors])
    for tensor, part in zip(tensors, row.split([t.numel() for t in tensors]), strict=True):
        tensor.data = part.view(tensor.shape)


@torch.no_grad()
def row_of(tensors: list[Tensor]) -> Tensor | None:
    """Return tensors that lie one after the other in one memory as one; None if they do not."""
    first = tensors[0]
    end = start = first.storage_offset()
    for tensor in tensors:
        near = storage_key(tensor) == storage_key(first) and tensor.storage_offset() == end
        if not near or not tensor.is_contiguous():
            return None
        end += tensor.numel()
    return first.detach().as_strided((end - start,), (1,), start)


def fused_adamw_(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    step: Tensor,
    lr: Tensor,
    weight_decay: float,
    divisor: Tensor,
) -> None:
    """Divide gradients by a number and update parameters and moments in place, in one kernel."""
    torch._fused_adamw_(
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        [],
        [step] * len(params),
        lr=lr,
        beta1=0.9,
        beta2=0.999,
        weight_decay=weight_decay,
        eps=1e-8,
        amsgrad=False,
        maximize=False,
        grad_scale=divisor,
        found_inf=None,
    )


class Trees(NamedTuple):
    """The nodes of boosted trees, one after another.

    Parameters
    ----------
    roots : ndarray of shape (n_trees,)
        Positions of the roots; those of the trees of an iteration follow each other.
    feature : ndarray of int
        The column that a node looks at.
    cut : ndarray
        Where rows go left: up to and with this value.
    missing_left : ndarray of bool
        Whether rows without a value go left.
    left, right : ndarray of int
        Positions of the nodes below.
    leaf : ndarray of bool
        Whether there are none.
    value : ndarray
        What a leaf adds.
    base : ndarray of shape (n_outputs,)
        What leaves add to.
    """

    roots: np.ndarray
    feature: np.ndarray
    cut: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaf: np.ndarray
    value: np.ndarray
    base: np.ndarray


def trees_of(model: Any) -> Trees:
    """Return the trees of a fitted HistGradientBoosting estimator without categories."""
    nodes = [tree.nodes for trees in model._predictors for tree in trees]
    sizes = np.array([len(part) for part in nodes])
    roots = np.cumsum(sizes) - sizes
    offset = np.repeat(roots, sizes)
    every = np.concatenate(nodes)
    return Trees(
        roots,
        every["feature_idx"].astype(np.intp),
        every["num_threshold"].astype(np.float64),
        every["missing_go_to_left"].astype(bool),
        offset + every["left"],
        offset + every["right"],
        every["is_leaf"].astype(bool),
        every["value"].astype(np.float64),
        np.asarray(model._baseline_prediction, dtype=np.float64).ravel(),
    )


def with_descriptions(table: Any) -> Any:
    """Make a table of parameters or attributes describe each of them without a page to link to.

    scikit-learn's HTML representation, since 1.8, has descriptions as links alone.

    Parameters
    ----------
    table : ParamsDict or AttrsDict
        What becomes a table of the representation.
    """
    if getattr(table, "doc_link", None) == "":
        table.doc_link = "#"
        table._html_repr = partial(_without_links, table._html_repr)
    return table


def _without_links(html: Callable[[], str]) -> str:
    return re.sub(r'\s+rel="noreferrer" target="_blank" href="#[^"]*"', "", html())
