"""The commands ``sklearn-ae report`` and ``sklearn-ae transform``."""

from sklearn_ae.cli._main import main

__all__ = ["main"]
