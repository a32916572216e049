"""k-means in several spaces at once, for codebooks.

scikit-learn's has one space a call, fewer means than different rows, and rounding that depends
on the number of threads.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

# Beginnings, of which the best is kept in each space.
_RESTARTS = 4
# Iterations after which k-means has little left to gain.
_ITERATIONS = 50
_TINY = 1e-30


def k_means(x: Tensor, weight: Tensor | None, n_means: int, generator: Generator) -> Tensor:
    """Return means that rows are close to, in each of several spaces.

    The best of a few times Lloyd's iterations from means that are drawn one after the other,
    each with a chance in proportion to the squared distance from those before.

    Parameters
    ----------
    x : Tensor of shape (n_spaces, n, width)
        Rows in each space.
    weight : Tensor of shape (n,) or None
        Weights of the rows.
    n_means : int
        Number of means. Those that are more than there are rows repeat others.
    generator : Generator
        Feeds the first means.

    Returns
    -------
    means : Tensor of shape (n_spaces, n_means, width)

    References
    ----------
    Arthur and Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
    """
    mass = x.new_ones(x.shape[1]) if weight is None else weight.to(x)
    n_used = min(n_means, x.shape[1])
    found = [_from(_seeds(x, mass, n_used, generator), x, mass) for _ in range(_RESTARTS)]
    losses = [squared_distances(x, means).amin(dim=2) @ mass for means in found]
    best = torch.stack(losses).argmin(dim=0)
    means = torch.stack(found)[best, torch.arange(len(x))]
    return means[:, torch.arange(n_means) % n_used]


def _from(means: Tensor, x: Tensor, mass: Tensor) -> Tensor:
    """Return what Lloyd's iterations make of means."""
    nearest = None
    for _ in range(_ITERATIONS):
        before, nearest = nearest, squared_distances(x, means).argmin(dim=2)
        if before is not None and torch.equal(before, nearest):
            break
        member = one_hot(nearest, means.shape[1], x) * mass[:, None]
        total = member.sum(dim=1)[..., None]
        moved = member.transpose(1, 2) @ x / total.clamp(min=_TINY)
        means = torch.where(total > 0, moved, means)
    return means


def squared_distances(x: Tensor, means: Tensor) -> Tensor:
    """Return those between rows and means, up to a number for each row.

    Shapes are (n_spaces, n, width) and (n_spaces, n_means, width); the result has shape
    (n_spaces, n, n_means).
    """
    return means.square().sum(dim=2)[:, None] - 2 * (x @ means.transpose(1, 2))


def one_hot(index: Tensor, size: int, like: Tensor) -> Tensor:
    """Return 1 where the last axis has the number that the index says, and 0 elsewhere."""
    return (index[..., None] == torch.arange(size, device=index.device)).to(like.dtype)


def drawn_apart(x: Tensor, means: Tensor, mass: Tensor, n: int, generator: Generator) -> Tensor:
    """Return n rows of each space, one after the other.

    The chance of a row is in proportion to its squared distance from the means and from the
    rows before.
    """
    nearest = (squared_distances(x, means) + x.square().sum(dim=2)[..., None]).amin(dim=2)
    found = [x[:, :0]]
    for _ in range(n):
        chance = nearest.clamp(min=0.0) * mass
        # Where all rows are at means, any will do.
        chance = torch.where(chance.sum(dim=1, keepdim=True) > 0, chance, 1.0)
        picked = torch.multinomial(chance, 1, generator=generator)
        found.append(x.gather(1, picked[..., None].expand(-1, -1, x.shape[2])))
        nearest = torch.minimum(nearest, (x - found[-1]).square().sum(dim=2))
    return torch.cat(found, dim=1)


def _seeds(x: Tensor, mass: Tensor, n_means: int, generator: Generator) -> Tensor:
    means = x[:, torch.multinomial(mass, 1, generator=generator)]
    further = drawn_apart(x, means, mass, n_means - 1, generator)
    return torch.cat([means, further], dim=1)
