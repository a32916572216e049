"""Private names of other libraries, gathered so that an upgrade touches one file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from types import BuiltinFunctionType
from typing import Any, NamedTuple

import torch
from sklearn.utils._set_output import _get_output_config
from torch import Tensor
from torch._ops import OpOverload as Overload
from torch.utils._python_dispatch import TorchDispatchMode as DispatchMode

__all__ = [
    "AdamW",
    "AdamWState",
    "DispatchMode",
    "Overload",
    "binding",
    "fused_adamw_",
    "is_transformed",
    "lay_in_a_row",
    "linear",
    "output_config",
    "overloads",
    "row_of",
    "storage_key",
    "total_norm",
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


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias`` by oneDNN, without a gradient."""
    return _onednn_linear()(x, weight, bias, "none", [], "")


@cache
def _onednn_linear() -> Overload:
    return torch.ops.mkldnn._linear_pointwise.default


def storage_key(tensor: Tensor) -> int:
    """Return a number that tensors which share memory have in common."""
    return tensor.untyped_storage()._cdata


def output_config(estimator: object) -> str:
    """Return what `set_output` asked of an estimator's `transform`: "default", "pandas", ..."""
    return _get_output_config("transform", estimator)["dense"]


class AdamW(torch.optim.AdamW):
    """AdamW in one kernel, made without torch's compiler, whose import takes seconds.

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

    def __init__(self, params: Any, lr: float = 1e-3, weight_decay: float = 0.01) -> None:
        given = inspect.signature(torch.optim.AdamW.__init__).parameters.values()
        defaults = {p.name: p.default for p in given if p.default is not p.empty}
        chosen = {"lr": lr, "weight_decay": weight_decay, "fused": True}
        defaults |= {**chosen, "decoupled_weight_decay": True}
        inspect.unwrap(torch.optim.Optimizer.__init__)(self, params, defaults)
        self._step_supports_amp_scaling = True


class AdamWState(NamedTuple):
    """Moments of AdamW, as tensors that are updated in place.

    Parameters
    ----------
    exp_avgs, exp_avg_sqs : list of Tensor
        First and second moments, of the parameters' shapes.
    step : Tensor of shape ()
        Number of updates, a float that all parameters share.
    """

    exp_avgs: list[Tensor]
    exp_avg_sqs: list[Tensor]
    step: Tensor

    def in_a_row(self) -> AdamWState:
        """Return the same moments as one tensor each, as those of `lay_in_a_row` are."""
        rows = [row_of(tensors) for tensors in (self.exp_avgs, self.exp_avg_sqs)]
        if rows[0] is None or rows[1] is None:
            raise ValueError("Parameters lie in a row, but their moments do not.")
        return AdamWState([rows[0]], [rows[1]], self.step)

    def zero_(self) -> None:
        """Forget everything."""
        torch._foreach_zero_([*self.exp_avgs, *self.exp_avg_sqs, self.step])


def total_norm(tensors: list[Tensor]) -> Tensor:
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
    state: AdamWState,
    lr: Tensor,
    weight_decay: float,
    divisor: Tensor,
) -> None:
    """Divide gradients by a number and update parameters and moments in place, in one kernel."""
    state.step.add_(1)
    torch._fused_adamw_(
        params,
        grads,
        state.exp_avgs,
        state.exp_avg_sqs,
        [],
        [state.step] * len(params),
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
