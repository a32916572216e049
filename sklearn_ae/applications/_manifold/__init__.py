"""Parts of ManifoldAutoencoder: the learner, maps between rows and codes, their choice."""

from sklearn_ae.applications._manifold._choice import candidates, choose_decoder, choose_encoder
from sklearn_ae.applications._manifold._embedding import embed, learner_of
from sklearn_ae.applications._manifold._maps import MAPS, Affine, make_map

__all__ = [
    "MAPS",
    "Affine",
    "candidates",
    "choose_decoder",
    "choose_encoder",
    "embed",
    "learner_of",
    "make_map",
]
