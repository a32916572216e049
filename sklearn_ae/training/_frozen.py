"""Parts of a network that training leaves as they are."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import Tensor, nn
from torch.nn import Parameter

# What an encoder's output becomes codes by is frozen with it.
_WITH = {"encoder": ("encoder", "latent")}


class Frozen:
    """Weights, and buffers such as running moments, that training leaves as they are.

    Parameters
    ----------
    module : AutoencoderModule
        The network.
    names : sequence of str
        Names, or patterns of names, of its modules or weights. The latent goes with "encoder".

    Raises
    ------
    ValueError
        If one of them names nothing.
    """

    def __init__(self, module: nn.Module, names: Sequence[str]) -> None:
        self.module = module
        self.names = tuple(names)
        self._parameters: list[Parameter] = []
        self._paths: set[str] = set()
        if not self.names:
            return
        # Shared weights have several names.
        tensors = {n: t for n, t in module.state_dict(keep_vars=True).items() if _is_tensor(t)}
        parts = [name for name, _ in module.named_modules() if name]
        for name in self.names:
            if not isinstance(name, str) or not any(_named(n, name) for n in (*parts, *tensors)):
                raise ValueError(
                    f"freeze={self.names!r} holds {name!r}, which names no part of the network; "
                    f"its parts are {', '.join(parts)}."
                )
        wanted = [own for name in self.names for own in _WITH.get(name, (name,))]
        held = {
            id(tensor)
            for path, tensor in tensors.items()
            if any(_named(path, name) for name in wanted)
        }
        self._paths = {path for path, tensor in tensors.items() if id(tensor) in held}
        self._others = tensors.keys() - self._paths

    def holds(self, part: str) -> bool:
        """Whether something in one of the three parts of the network is frozen."""
        return any(path.startswith(f"{part}.") for path in self._paths)

    def begin(self) -> None:
        """Freeze, until `end`.

        Raises
        ------
        ValueError
            If nothing is left to be trained.
        """
        if not self._paths:
            return
        weights = self.module.state_dict(keep_vars=True)
        if not any(isinstance(weights[path], Parameter) for path in self._others):
            raise ValueError(
                f"freeze={self.names!r} leaves no weight of the network to be trained; leave a "
                "part out, or set max_iter=0."
            )
        found = [weights[path] for path in sorted(self._paths)]
        unique = {id(t): t for t in found if isinstance(t, Parameter) and t.requires_grad}
        self._parameters = list(unique.values())
        for parameter in self._parameters:
            parameter.requires_grad_(False)

    def still(self) -> None:
        """Take frozen modules out of training, in which some change what they keep."""
        if not self._paths:
            return
        for name, module in self.module.named_modules(remove_duplicate=False):
            own = {f"{name}.{tensor}" for tensor in (*module._parameters, *module._buffers)}
            own &= self._paths | self._others
            if own and own <= self._paths:
                module.training = False

    def end(self) -> None:
        """Let everything be trained again."""
        for parameter in self._parameters:
            parameter.requires_grad_()
        self._parameters = []


def _named(path: str, name: str) -> bool:
    """Whether a part of the network is what a name or pattern says, or is in it."""
    return path == name or path.startswith(f"{name}.") or fnmatchcase(path, name)


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)
