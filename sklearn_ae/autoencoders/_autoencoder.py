"""The plain autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

from skorch.callbacks import Callback

from sklearn_ae.architectures import Architecture, Dense
from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._parameters import check_no_conflict, fill_slot
from sklearn_ae.corruptions import Corruption
from sklearn_ae.latents import Deterministic, Latent
from sklearn_ae.losses import LOSSES, Loss
from sklearn_ae.penalties import L1Weights, Penalty
from sklearn_ae.starts import PCAStart
from sklearn_ae.training import Composition


class Autoencoder(BaseAutoencoder):
    """Autoencoder that starts from PCA and keeps what held-out rows prefer.

    Minimises the squared reconstruction error in X's own units,
    sum_ij (x_ij - xhat_ij)^2, which is the objective of PCA. Encoder and decoder are each
    the sum of PCA's linear map and a network whose last layer starts at zero:
    z = x A + f(x), xhat = z B + g(z). Every epoch is compared with PCA fitted on the same
    training part, on rows that neither has seen, and PCA fitted on all rows is returned
    if it wins. Put a StandardScaler in front if columns shall count equally, as with PCA.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1.
    hidden_layer_sizes : tuple of int, default=None
        Widths of the encoder's hidden layers, mirrored in the decoder. None takes
        (256, 128), or (128, 128) below 1,000 rows. An empty tuple leaves PCA's linear maps.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="silu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden units dropped in training.
    l1 : float, default=0.0
        Multiplies the L1 norm of the weights in the objective.
    alpha : float, default=0.01
        Decoupled weight decay (L2) of AdamW.
    architecture : Architecture, default=None
        Encoder and decoder, in place of `hidden_layer_sizes`, `activation` and `dropout`.
        None means :class:`Dense`.
    latent : Latent, default=None
        What stands between them. None means :class:`Deterministic`.
    corruption : Corruption, default=None
        What is done to the encoder's input in training, such as :class:`GaussianNoise`.
    penalties : tuple of Penalty, default=()
        Further terms of the objective, in place of `l1`.
    loss : {"squared_error"} or Loss, default="squared_error"
        Cost of a reconstruction.
    init : {"pca", "random"}, default="pca"
        "random" is the textbook network: no linear map beside it, random weights, and no
        promise.
    whiten : bool, default=False
        Scale each component to unit variance over the training rows.
    batch_size : int, default=None
        Rows a batch. None takes a power of two below n / 4, from 32 to 128, growing to 1024
        between 10,000 and 100,000 rows.
    learning_rate_init : float, default=0.003
        Peak of the one-cycle learning rate.
    max_iter : int, default=None
        Epochs. None takes 60 up to 10,000 rows and 60 sqrt(10,000 / n) above, 12 at least.
        0 returns the start.
    early_stopping : bool, default=True
        Judge each epoch on held-out rows: on `validation_fraction` of them, or out of
        fold below 1,000 rows. The network must win by more than one standard error of its
        gain, 2.5 out of fold. Below 20 rows the start is kept. False trains on all rows and
        keeps the last weights, without a promise.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held out, from 1,000 rows on.
    n_iter_no_change : int, default=15
        Epochs without improvement after which the final fall of the learning rate begins.
    tol : float, default=1e-4
        Relative decrease of the validation loss that counts as improvement.
    warm_start : bool, default=False
        Start the next fit from the previous weights, which are then epoch 0.
    contamination : float in (0, 0.5], default=0.1
        Share of the training rows that `predict` calls outliers.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto".
    callbacks : list of skorch callbacks, default=None
        Called while training; see skorch.callbacks.
    verbose : int, default=0
        1 prints a line an epoch.
    random_state : int, RandomState or None, default=None
        Feeds every draw. None draws a seed from the operating system; the global
        generators of numpy, Python and torch are never used.

    Attributes
    ----------
    n_components_ : int
        Width of the code.
    net_ : skorch.NeuralNet
        The net; `net_.module_` is the torch module, between standardised rows and codes.
    n_iter_ : int
        Epochs run.
    history_ : DataFrame
        A row an epoch, the start being epoch 0, with losses in X's units squared.
    loss_curve_ : ndarray of shape (n_iter_,)
        Training loss after each epoch.
    validation_loss_curve_ : ndarray of shape (n_iter_,)
        Loss of held-out rows after each epoch, empty if none were held out.
    best_validation_loss_ : float or None
        Least loss of held-out rows, the start included.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        Variance of the reconstruction's regression on each component, as a share of the
        variance of X; equal to PCA's for the start.
    offset_ : float
        `decision_function` is `score_samples` minus this.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    sklearn.decomposition.PCA : The linear start.
    sklearn_ae.metrics.reconstruction_r2 : A scorer that also works on PCA and Pipelines.

    References
    ----------
    Hinton and Salakhutdinov, Reducing the dimensionality of data with neural networks,
    Science 2006. :doi:`10.1126/science.1127647`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder
    >>> X = load_iris().data
    >>> autoencoder = Autoencoder(n_components=2, random_state=0).fit(X)
    >>> autoencoder.transform(X).shape
    (150, 2)
    >>> autoencoder.reconstruct(X).shape
    (150, 4)
    """

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        activation: str = "silu",
        dropout: float = 0.0,
        l1: float = 0.0,
        alpha: float = 0.01,
        architecture: Architecture | None = None,
        latent: Latent | None = None,
        corruption: Corruption | None = None,
        penalties: Sequence[Penalty] = (),
        loss: str | Loss = "squared_error",
        init: str = "pca",
        whiten: bool = False,
        batch_size: int | None = None,
        learning_rate_init: float = 0.003,
        max_iter: int | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 15,
        tol: float = 1e-4,
        warm_start: bool = False,
        contamination: float = 0.1,
        device: str = "cpu",
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        random_state: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.l1 = l1
        self.alpha = alpha
        self.architecture = architecture
        self.latent = latent
        self.corruption = corruption
        self.penalties = penalties
        self.loss = loss
        self.init = init
        self.whiten = whiten
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.contamination = contamination
        self.device = device
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _composition(self) -> Composition:
        penalties = tuple(self.penalties)
        if penalties:
            check_no_conflict(self, "penalties", penalties, ["l1"])
        elif self.l1:
            penalties = (L1Weights(self.l1),)
        return Composition(
            architecture=fill_slot(self, "architecture", Dense),
            latent=fill_slot(self, "latent", Deterministic),
            corruption=self.corruption,
            penalties=penalties,
            loss=self.loss if isinstance(self.loss, Loss) else LOSSES[self.loss](),
            start=PCAStart() if self.init == "pca" else None,
        )
