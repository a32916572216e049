"""What pictures share."""

from __future__ import annotations

from typing import Any

# Characters of a label.
_LONGEST = 20


def text_of(value: Any) -> str:
    """Return a cell or a label in few characters."""
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def pyplot() -> Any:
    """Return matplotlib.pyplot, or say what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Pictures need matplotlib; run pip install "sklearn-ae[plot]".'
        ) from error
    return plt
