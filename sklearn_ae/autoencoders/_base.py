"""What every autoencoder is."""

from __future__ import annotations

from typing import Any

from sklearn_ae.architectures import Architecture
from sklearn_ae.autoencoders._composed import ComposedAutoencoder
from sklearn_ae.autoencoders._fitting import FittingAutoencoder
from sklearn_ae.autoencoders._parameters import share
from sklearn_ae.autoencoders._state import pack, unpack


class BaseAutoencoder(FittingAutoencoder):
    """Fit, transform, reconstruct and score; a variant states what differs.

    A variant overrides the hooks that concern it: `_architecture`, `_latent`, `_corruption`,
    `_penalties`, `_start`, `_greedy` (with `_in_stages`), `_default_components` and `_scores`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Complete the variant's signature and documentation."""
        share(cls, ComposedAutoencoder)
        super().__init_subclass__(**kwargs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        given = self.architecture
        architecture = given if isinstance(given, Architecture) else self._preset_architecture()
        adapter = architecture.adapter()
        tags.input_tags.sparse = adapter.sparse
        tags.input_tags.allow_nan = adapter.missing
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return pack(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unpack(state))
