"""Private names of other libraries, gathered so that an upgrade touches one file."""

from __future__ import annotations

from typing import NamedTuple

import torch
from sklearn.utils._set_output import _get_output_config
from torch import Tensor


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
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))


def clip_(grads: list[Tensor], max_norm: float) -> None:
    """Scale gradients down in place to a total norm, if they exceed it."""
    torch._foreach_mul_(grads, (max_norm / (total_norm(grads) + 1e-6)).clamp(max=1.0))


def fused_adamw_(
    params: list[Tensor], grads: list[Tensor], state: AdamWState, lr: Tensor, weight_decay: float
) -> None:
    """Update parameters and moments in place, in one kernel."""
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
        grad_scale=None,
        found_inf=None,
    )
