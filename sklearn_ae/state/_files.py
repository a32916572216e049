"""Files of plain values and arrays that are whole, or not there."""

from __future__ import annotations

import io
import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_TREE = "tree"
# Names what an entry that JSON does not know stands for.
_KIND = "__kind__"


def write_file(path: Path, tree: Any) -> None:
    """Write a tree of plain values, arrays and tensors, in one go.

    A process or a machine that stops in between leaves the file that was there before.

    Parameters
    ----------
    path : Path
        The file.
    tree : object
        Dicts, lists, tuples, numbers, text, None, and arrays or tensors of numbers.

    Raises
    ------
    TypeError
        If something else is in the tree.
    OSError
        If it cannot be written; it names the file.
    """
    arrays: list[np.ndarray] = []
    text = json.dumps(_described(tree, arrays)).encode()
    held = {str(i): array for i, array in enumerate(arrays)}
    held[_TREE] = np.frombuffer(text, np.uint8)
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **held)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        why = error.strerror or str(error) or type(error).__name__
        raise OSError(
            error.errno, f"{why}; the file of before, if there was one, is as it was", str(path)
        ) from error


def read_file(path: Path) -> Any:
    """Return the tree that was written.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        return _restored(json.loads(arrays[_TREE].tobytes()), arrays)
    except (ValueError, LookupError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{str(path)!r} is damaged ({error}); delete this file, and the same call does again "
            "what was in it."
        ) from error


def is_plain(value: Any) -> bool:
    """Whether a value can be written."""
    try:
        _described(value, [])
    except TypeError:
        return False
    return True


def _described(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return what JSON knows, with the arrays put into a list."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [_described(item, arrays) for item in value]
    if type(value) is tuple:
        return {_KIND: "tuple", "items": [_described(item, arrays) for item in value]}
    if isinstance(value, dict):
        items = [[_described(k, arrays), _described(v, arrays)] for k, v in value.items()]
        if all(type(key) is str for key, _ in items):
            return {_KIND: "dict", "items": dict(items)}
        return {_KIND: "pairs", "items": items}
    kind = "array"
    if isinstance(value, Tensor):
        if value.dtype == torch.bfloat16:
            raise TypeError("a tensor of bfloat16 cannot be written")
        kind, value = "tensor", value.detach().cpu().numpy()
    elif isinstance(value, np.generic):
        kind, value = "scalar", np.asarray(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcU":
        arrays.append(value)
        return {_KIND: kind, "number": str(len(arrays) - 1)}
    raise TypeError(f"a {type(value).__name__} cannot be written, {value!r:.60}")


def _restored(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_restored(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value[_KIND]
    if kind == "dict":
        return {key: _restored(item, arrays) for key, item in value["items"].items()}
    if kind == "tuple":
        return tuple(_restored(item, arrays) for item in value["items"])
    if kind == "pairs":
        return {_restored(k, arrays): _restored(v, arrays) for k, v in value["items"]}
    array = arrays[value["number"]]
    if kind == "tensor":
        return torch.from_numpy(array)
    return array[()] if kind == "scalar" else array


def _sync(folder: Path) -> None:
    """Let the name of a file outlast a loss of power, where folders can be told so."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
