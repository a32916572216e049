"""Private names of other libraries, gathered so that an upgrade touches one file."""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any, NamedTuple

import torch
from sklearn.utils._set_output import _get_output_config
from torch import Tensor
from torch._ops import OpOverload as Overload
from torch.utils._python_dispatch import TorchDispatchMode as DispatchMode

__all__ = [
    "AdamWState",
    "DispatchMode",
    "Overload",
    "binding",
    "fused_adamw_",
    "output_config",
    "overloads",
    "storage_key",
    "total_norm",
]

# Numbers up to which tensors are joined before they are read.
_SMALL = 2**16
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


def storage_key(tensor: Tensor) -> int:
    """Return a number that tensors which share memory have in common."""
    return tensor.untyped_storage()._cdata


def output_config(estimator: object) -> str:
    """Return what `set_output` asked of an estimator's `transform`: "default", "pandas", ..."""
    return _get_output_config("transform", estimator)["dense"]


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

    def zero_(self) -> None:
        """Forget everything."""
        torch._foreach_zero_([*self.exp_avgs, *self.exp_avg_sqs, self.step])


def total_norm(tensors: list[Tensor]) -> Tensor:
    """Return the Euclidean norm of all tensors together."""
    if sum(t.numel() for t in tensors) <= _SMALL:
        return torch.linalg.vector_norm(torch.cat([t.reshape(-1) for t in tensors]))
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(t) for t in tensors]))


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
