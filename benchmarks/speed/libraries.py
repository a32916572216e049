"""The same autoencoder in several libraries, each imported in its own process.

The layers are p, hidden, k, hidden in reverse, p with ReLU between them. The code is linear, but
in PyOD and in MLPRegressor, which have ReLU there as well.
"""

import importlib
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.speed.cells import ENSEMBLE, FIT, N_NETWORKS, TRANSFORM, Cell

BLOCK = 8192
LEARNING_RATE = 1e-3


class Library:
    """One library at work on one cell.

    Parameters
    ----------
    cell : Cell
        What to measure.

    Attributes
    ----------
    distribution : str
        Name of the installed distribution.
    modules : tuple of str
        What to import before the clock starts.
    devices : tuple of str
        Where it can run.
    """

    distribution = "torch"
    modules: tuple[str, ...] = ("torch",)
    devices: tuple[str, ...] = ("cpu", "cuda")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    def load(self) -> None:
        """Import the library and set its threads."""
        for module in self.modules:
            importlib.import_module(module)
        importlib.import_module("torch").set_num_threads(self.cell.threads)

    def warm_up(self, X: np.ndarray) -> Any:
        """Fit one epoch to a few rows, and run the task on them.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
            First rows of the data.

        Returns
        -------
        model : object
            For the tasks that need a fitted model.
        """
        if self.cell.task == ENSEMBLE:
            return self.ensemble(X, 1)
        model = self.fit(X, 1)
        if self.cell.task != FIT:
            getattr(self, self.cell.task)(model, X)
        return model

    def wait(self) -> None:
        """Wait until the device has done what it was told."""
        if self.cell.device == "cuda":
            importlib.import_module("torch").cuda.synchronize()

    def fit(self, X: np.ndarray, epochs: int) -> Any:
        """Fit and return the model."""
        raise NotImplementedError

    def ensemble(self, X: np.ndarray, epochs: int) -> list[Any]:
        """Fit several networks and return them."""
        return [self.fit(X, epochs) for _ in range(N_NETWORKS)]

    def transform(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return the codes of rows."""
        raise NotImplementedError

    def reconstruct(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return rows as the model rebuilds them."""
        raise NotImplementedError


class SklearnAE(Library):
    """`Autoencoder` of this project, from random weights and without early stopping."""

    distribution = "sklearn-ae"
    modules = ("sklearn_ae", "torch")
    init = "random"

    def estimator(self, epochs: int) -> Any:
        """Return the estimator."""
        return importlib.import_module("sklearn_ae").Autoencoder(
            self.cell.k,
            hidden_layer_sizes=self.cell.hidden,
            activation="relu",
            init=self.init,
            early_stopping=False,
            max_iter=epochs,
            batch_size=self.cell.batch,
            alpha=0.0,
            device=self.cell.device,
            random_state=0,
        )

    def fit(self, X: np.ndarray, epochs: int) -> Any:
        """Fit the estimator."""
        return self.estimator(epochs).fit(X)

    def ensemble(self, X: np.ndarray, epochs: int) -> list[Any]:
        """Fit several networks as one program, as the outlier detector does."""
        detector = importlib.import_module("sklearn_ae").AutoencoderOutlierDetector
        fitted = detector(self.estimator(epochs), n_estimators=N_NETWORKS, random_state=0).fit(X)
        return fitted.estimators_

    def transform(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return the codes of rows."""
        return model.transform(X)

    def reconstruct(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return rows as the model rebuilds them."""
        return model.reconstruct(X)


class SklearnAEEager(SklearnAE):
    """The same with no step recorded."""

    def load(self) -> None:
        """Import the package and put the recording off for ever."""
        super().load()
        capture = importlib.import_module("sklearn_ae.training.steps._captured")
        if not hasattr(capture, "_WARM_UP"):
            raise AttributeError("sklearn_ae.training.steps._captured has no _WARM_UP to set.")
        capture._WARM_UP = 10**9


class SklearnAEInTurn(SklearnAE):
    """The same, several networks one after the other."""

    ensemble = Library.ensemble


class SklearnAEPCA(SklearnAE):
    """The same from the default start, which has linear maps beside the layers."""

    init = "pca"


class BareTorch(Library):
    """A training loop in torch, with nothing around it."""

    def _networks(self, p: int) -> tuple[Any, Any]:
        from torch import nn

        def perceptron(*widths: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for n_in, n_out in pairwise(widths):
                layers += [nn.Linear(n_in, n_out), nn.ReLU()]
            return nn.Sequential(*layers[:-1])

        hidden, k = self.cell.hidden, self.cell.k
        return perceptron(p, *hidden, k), perceptron(k, *reversed(hidden), p)

    def fit(self, X: np.ndarray, epochs: int) -> Any:
        """Fit and return the encoder and the network."""
        import torch

        torch.manual_seed(0)
        encoder, decoder = self._networks(X.shape[1])
        network = torch.nn.Sequential(encoder, decoder).to(self.cell.device)
        loss = torch.nn.MSELoss()
        optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
        rows = torch.from_numpy(X).to(self.cell.device)
        for _ in range(epochs):
            order = torch.randperm(len(rows)).to(self.cell.device)
            for start in range(0, len(rows), self.cell.batch):
                batch = rows.index_select(0, order[start : start + self.cell.batch])
                optimizer.zero_grad(set_to_none=True)
                loss(network(batch), batch).backward()
                optimizer.step()
        return encoder, network

    def transform(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return the codes of rows."""
        return self._by_blocks(model[0], X, self.cell.k)

    def reconstruct(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return rows as the model rebuilds them."""
        return self._by_blocks(model[1], X, X.shape[1])

    @staticmethod
    def _by_blocks(network: Any, X: np.ndarray, width: int) -> np.ndarray:
        import torch

        rows, result = torch.from_numpy(X), torch.empty(len(X), width)
        with torch.inference_mode():
            for start in range(0, len(X), BLOCK):
                result[start : start + BLOCK] = network(rows[start : start + BLOCK])
        return result.numpy()


class Skorch(BareTorch):
    """`NeuralNet` of skorch with its default iterator, without a validation split."""

    distribution = "skorch"
    modules = ("skorch", "torch")

    def fit(self, X: np.ndarray, epochs: int) -> Any:
        """Fit the net with X as target."""
        import torch
        from skorch import NeuralNet

        torch.manual_seed(0)
        net = NeuralNet(
            torch.nn.Sequential(*self._networks(X.shape[1])),
            criterion=torch.nn.MSELoss,
            optimizer=torch.optim.Adam,
            lr=LEARNING_RATE,
            max_epochs=epochs,
            batch_size=self.cell.batch,
            train_split=None,
            device=self.cell.device,
            verbose=0,
        )
        return net.fit(X, X)

    def reconstruct(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return rows as the model rebuilds them."""
        return model.predict(X)


class PyOD(Library):
    """`AutoEncoder` of PyOD without batch normalisation and dropout.

    Its fit ends with the scores of the rows. It has no public reconstruction; the scores are
    the distances to it.
    """

    distribution = "pyod"
    modules = ("pyod.models.auto_encoder", "torch")

    def fit(self, X: np.ndarray, epochs: int) -> Any:
        """Fit the detector."""
        detector = importlib.import_module("pyod.models.auto_encoder").AutoEncoder(
            hidden_neuron_list=[*self.cell.hidden, self.cell.k],
            hidden_activation_name="relu",
            optimizer_name="adam",
            batch_norm=False,
            dropout_rate=0.0,
            preprocessing=False,
            epoch_num=epochs,
            batch_size=self.cell.batch,
            lr=LEARNING_RATE,
            random_state=0,
            device=self.cell.device,
            verbose=0,
        )
        return detector.fit(X)

    def reconstruct(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return the distances between rows and what the model rebuilds."""
        return model.decision_function(X)


class MLP(Library):
    """`MLPRegressor` of scikit-learn from X to X."""

    distribution = "scikit-learn"
    modules = ("sklearn.neural_network",)
    devices = ("cpu",)

    def load(self) -> None:
        """Import scikit-learn, whose threads come from the environment."""
        for module in self.modules:
            importlib.import_module(module)

    def fit(self, X: np.ndarray, epochs: int) -> Any:
        """Fit the regressor with X as target."""
        from sklearn.neural_network import MLPRegressor

        hidden = self.cell.hidden
        regressor = MLPRegressor(
            hidden_layer_sizes=(*hidden, self.cell.k, *reversed(hidden)),
            activation="relu",
            solver="adam",
            learning_rate_init=LEARNING_RATE,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            tol=0,
            batch_size=self.cell.batch,
            random_state=0,
        )
        return regressor.fit(X, X)

    def reconstruct(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return rows as the model rebuilds them."""
        return model.predict(X)


class Jax(Library):
    """The limit: an epoch is one compiled loop over its full batches, with Adam by hand."""

    distribution = "jax"
    modules = ("jax",)
    devices = ("cpu",)

    def load(self) -> None:
        """Import jax, whose threads come from the environment."""
        for module in self.modules:
            importlib.import_module(module)

    def warm_up(self, X: np.ndarray) -> Any:
        """Compile for the shapes of the cell as well."""
        n, p = self.cell.n, self.cell.p
        if self.cell.task == FIT:
            self._compiled_epoch(n, p)
        else:
            n_layers = (len(self.cell.hidden) + 1) * (1 if self.cell.task == TRANSFORM else 2)
            for rows in {min(n, BLOCK), n % BLOCK} - {0}:
                self._compiled_block(rows, p, n_layers)
        return super().warm_up(X)

    def fit(self, X: np.ndarray, epochs: int) -> Any:
        """Fit and return the weights, once they are there."""
        import jax

        rng = np.random.default_rng(0)
        n, p = X.shape
        epoch, order = self._compiled_epoch(n, p)
        layers = [
            (rng.uniform(-1, 1, shape) / np.sqrt(shape[0]), np.zeros(shape[1]))
            for shape in self._shapes(p)
        ]
        layers = jax.tree.map(lambda array: array.astype(np.float32), layers)
        zeros = jax.tree.map(np.zeros_like, layers)
        state = (layers, zeros, zeros, np.float32(0))
        rows = jax.numpy.asarray(X)
        for _ in range(epochs):
            shuffled = rng.permutation(n)[: order.size].astype(np.int32)
            state = epoch(state, rows, shuffled.reshape(order.shape))
        return jax.block_until_ready(state[0])

    def transform(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return the codes of rows."""
        return self._by_blocks(model[: len(self.cell.hidden) + 1], X, self.cell.k)

    def reconstruct(self, model: Any, X: np.ndarray) -> np.ndarray:
        """Return rows as the model rebuilds them."""
        return self._by_blocks(model, X, X.shape[1])

    def _by_blocks(self, layers: list, X: np.ndarray, width: int) -> np.ndarray:
        result = np.empty((len(X), width), dtype=np.float32)
        for start in range(0, len(X), BLOCK):
            block = X[start : start + BLOCK]
            result[start : start + BLOCK] = self._compiled_block(*block.shape, len(layers))(
                layers, block
            )
        return result

    def _shapes(self, p: int) -> list[tuple[int, int]]:
        hidden = self.cell.hidden
        return list(pairwise((p, *hidden, self.cell.k, *reversed(hidden), p)))

    def _abstract_layers(self, p: int) -> list[tuple[Any, Any]]:
        from jax import ShapeDtypeStruct as Shape

        return [(Shape(s, np.float32), Shape(s[1:], np.float32)) for s in self._shapes(p)]

    @cached_property
    def _compiled(self) -> dict[tuple, Any]:
        return {}

    def _compiled_epoch(self, n: int, p: int) -> tuple[Any, np.ndarray]:
        """Return an epoch and an empty array of the shape of its row numbers."""
        import jax

        order = np.empty((n // self.cell.batch, self.cell.batch), dtype=np.int32)
        if ("epoch", n, p) not in self._compiled:
            layers = self._abstract_layers(p)
            state = (layers, layers, layers, jax.ShapeDtypeStruct((), np.float32))
            rows = jax.ShapeDtypeStruct((n, p), np.float32)
            epoch = jax.jit(self._epoch()).lower(state, rows, order).compile()
            self._compiled["epoch", n, p] = epoch
        return self._compiled["epoch", n, p], order

    def _compiled_block(self, n: int, p: int, n_layers: int) -> Any:
        """Return the first layers on a block of rows."""
        import jax

        if ("block", n, p, n_layers) not in self._compiled:
            rows = jax.ShapeDtypeStruct((n, p), np.float32)
            layers = self._abstract_layers(p)[:n_layers]
            block = jax.jit(self._forward()).lower(layers, rows).compile()
            self._compiled["block", n, p, n_layers] = block
        return self._compiled["block", n, p, n_layers]

    def _forward(self) -> Callable:
        import jax

        n_layers = len(self.cell.hidden) + 1

        def forward(layers, rows):
            for i, (weight, bias) in enumerate(layers, start=1):
                rows = rows @ weight + bias
                if i not in (n_layers, 2 * n_layers):
                    rows = jax.nn.relu(rows)
            return rows

        return forward

    def _epoch(self) -> Callable:
        import jax
        import jax.numpy as jnp

        forward = self._forward()
        decay, decay_squares, tiny = 0.9, 0.999, 1e-8

        def step(state, batch):
            layers, mean, square, t = state
            t = t + 1
            slope = jax.grad(lambda layers: jnp.mean((forward(layers, batch) - batch) ** 2))(layers)
            mean = jax.tree.map(lambda m, g: decay * m + (1 - decay) * g, mean, slope)
            square = jax.tree.map(
                lambda v, g: decay_squares * v + (1 - decay_squares) * g * g, square, slope
            )
            size = LEARNING_RATE * jnp.sqrt(1 - decay_squares**t) / (1 - decay**t)
            layers = jax.tree.map(
                lambda w, m, v: w - size * m / (jnp.sqrt(v) + tiny), layers, mean, square
            )
            return (layers, mean, square, t), None

        def epoch(state, rows, order):
            return jax.lax.scan(step, state, rows[order])[0]

        return epoch


LIBRARIES: dict[str, type[Library]] = {
    "sklearn_ae": SklearnAE,
    "sklearn_ae_eager": SklearnAEEager,
    "sklearn_ae_in_turn": SklearnAEInTurn,
    "sklearn_ae_pca": SklearnAEPCA,
    "skorch": Skorch,
    "pyod": PyOD,
    "mlp": MLP,
    "torch": BareTorch,
    "jax": Jax,
}
