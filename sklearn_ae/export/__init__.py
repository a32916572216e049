"""Fitted estimators as ONNX models, to be served without Python."""

# Each of these registers the translations of a kind of part.
from sklearn_ae.export import _images, _latents, _losses, _networks, _sequences  # noqa: F401
from sklearn_ae.export._onnx import to_onnx
from sklearn_ae.export._skl2onnx import register

__all__ = ["register", "to_onnx"]
