"""The variational autoencoder of Shenbin et al. (2020), as in its paper."""

import copy
import math

import numpy as np
from scipy.sparse import csr_array

from benchmarks.rivals._base import Rival


class RecVAERival(Rival):
    """A composite prior, a weight by the user's items, and encoder and decoder in turn.

    The encoder has five layers of 600 with swish, layer norms and sums of all layers before;
    the decoder is linear, from a code of 200. A user's divergence counts with .005 times the number
    of items. The prior is a mixture of N(0, 1) with .15, the encoder of the epoch before with .75,
    and N(0, e^10) with .1. Each epoch trains the encoder three times on rows from which half is
    dropped, and the decoder once on whole ones (Shenbin, Alekseev, Tutubalina, Malykh and
    Nikolenko, WSDM 2020, arXiv:1912.11160).

    Parameters
    ----------
    epochs : int
        Passes over the users.
    batch_size : int
        Users of a step.
    """

    distribution = "torch"
    module = "torch"

    def __init__(self, epochs: int = 50, batch_size: int = 100) -> None:
        self.epochs, self.batch_size = epochs, batch_size

    def fit(self, X: csr_array, k: int, seed: int):
        """Train the networks, and return a function from users to scores."""
        torch = self.load()
        functional = torch.nn.functional
        torch.manual_seed(seed)
        users = torch.from_numpy(X.toarray()).float()
        p, hidden, width = users.shape[1], 600, 200

        class Encoder(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                sizes = [p, *[hidden] * 4]
                self.layers = torch.nn.ModuleList(torch.nn.Linear(n, hidden) for n in sizes)
                self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(hidden, eps=0.1) for _ in sizes)
                self.out = torch.nn.Linear(hidden, 2 * width)

            def forward(self, rows, dropout: float = 0.0):
                h = functional.dropout(functional.normalize(rows), dropout, dropout > 0)
                before = 0
                for layer, norm in zip(self.layers, self.norms, strict=True):
                    h = norm(functional.silu(layer(h) + before))
                    before = before + h
                return self.out(h).chunk(2, dim=1)

        def log_normal(z, mean, log_variance):
            terms = log_variance + math.log(2 * math.pi) + (z - mean) ** 2 / log_variance.exp()
            return -terms / 2

        encoder, decoder = Encoder(), torch.nn.Linear(width, p)
        torch.nn.init.xavier_uniform_(decoder.weight)
        old, zero = copy.deepcopy(encoder), torch.zeros(1)
        shares = torch.tensor([0.15, 0.75, 0.1]).log()[:, None, None]
        optimizers = [torch.optim.Adam(part.parameters(), lr=5e-4) for part in (encoder, decoder)]

        def epoch(optimizer, dropout: float) -> None:
            for index in torch.randperm(len(users)).split(self.batch_size):
                taken = users[index]
                mean, log_variance = encoder(taken, dropout)
                z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
                with torch.no_grad():
                    before = old(taken)
                found = -(taken * functional.log_softmax(decoder(z), dim=1)).sum(dim=1)
                priors = (log_normal(z, *at) for at in ((zero, zero), before, (zero, zero + 10)))
                prior = torch.logsumexp(torch.stack(list(priors)) + shares, dim=0)
                divergence = (log_normal(z, mean, log_variance) - prior).sum(dim=1)
                optimizer.zero_grad()
                (found + 0.005 * taken.sum(dim=1) * divergence).mean().backward()
                optimizer.step()

        for _ in range(self.epochs):
            for _ in range(3):
                epoch(optimizers[0], 0.5)
            old.load_state_dict(encoder.state_dict())
            epoch(optimizers[1], 0.0)

        def scores(rows: csr_array) -> np.ndarray:
            with torch.no_grad():
                shown = torch.from_numpy(rows.toarray()).float()
                return decoder(encoder(shown)[0]).double().numpy()

        return scores


RIVAL = RecVAERival()
