"""torch's defaults: networks are float32 and made on the CPU, whatever a user set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.utils._device
from torch import Tensor
from torch.overrides import TorchFunctionMode


class _Single(TorchFunctionMode):
    """Makes float32 of what torch's default dtype decides, in the calling thread alone."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        by_default = (
            isinstance(made, Tensor)
            and made.dtype == torch.get_default_dtype()
            and kwargs.get("dtype") is None
            and not any(isinstance(a, torch.dtype) for a in args)
            and not any(isinstance(a, Tensor) and a.is_floating_point() for a in args)
        )
        return made.to(torch.float32) if by_default and func in _MAKERS else made


_MAKERS = {
    torch.arange,
    torch.empty,
    torch.eye,
    torch.full,
    torch.linspace,
    torch.ones,
    torch.rand,
    torch.randn,
    torch.tensor,
    torch.zeros,
}


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Make float32 tensors on the CPU where neither dtype nor device is given."""
    with ExitStack() as stack:
        if torch.empty(0).device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if torch.get_default_dtype() != torch.float32:
            stack.enter_context(_Single())
        yield
