"""The variational autoencoder of Liang et al. (2018), as in its paper."""

import math

import numpy as np
from scipy.sparse import csr_array

from benchmarks.rivals._base import Rival


class MultVAERival(Rival):
    """200 and 64 units, tanh, dropout .5 on rows of length 1, and a divergence of weight .2.

    Parameters
    ----------
    epochs : int
        Passes over the users; the weight of the divergence rises over half of them.
    batch_size : int
        Users of a step.
    """

    distribution = "torch"
    module = "torch"

    def __init__(self, epochs: int = 70, batch_size: int = 100) -> None:
        self.epochs, self.batch_size = epochs, batch_size

    def fit(self, X: csr_array, k: int, seed: int):
        """Train the networks, and return a function from users to scores."""
        torch = self.load()
        functional = torch.nn.functional
        torch.manual_seed(seed)
        users = torch.from_numpy(X.toarray()).float()
        p = users.shape[1]
        encoder = torch.nn.Sequential(
            torch.nn.Linear(p, 200), torch.nn.Tanh(), torch.nn.Linear(200, 128)
        )
        decoder = torch.nn.Sequential(
            torch.nn.Linear(64, 200), torch.nn.Tanh(), torch.nn.Linear(200, p)
        )
        for layer in (encoder[0], encoder[2], decoder[0], decoder[2]):
            torch.nn.init.xavier_normal_(layer.weight)
            torch.nn.init.normal_(layer.bias, std=1e-3)
        parameters = [*encoder.parameters(), *decoder.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=1e-3)
        n_steps, step = self.epochs * math.ceil(len(users) / self.batch_size), 0
        for _ in range(self.epochs):
            for index in torch.randperm(len(users)).split(self.batch_size):
                taken = users[index]
                shown = functional.dropout(functional.normalize(taken), 0.5)
                mean, log_variance = encoder(shown).chunk(2, dim=1)
                code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
                found = -(taken * functional.log_softmax(decoder(code), dim=1)).sum(dim=1)
                kl = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
                weight = min(0.2, 0.4 * step / n_steps)
                step += 1
                optimizer.zero_grad()
                (found + weight * kl).mean().backward()
                optimizer.step()

        def scores(rows: csr_array) -> np.ndarray:
            with torch.no_grad():
                shown = functional.normalize(torch.from_numpy(rows.toarray()).float())
                return decoder(encoder(shown).chunk(2, dim=1)[0]).double().numpy()

        return scores


RIVAL = MultVAERival()
